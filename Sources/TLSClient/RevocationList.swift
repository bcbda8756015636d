internal import COpenSSL
internal import Secrets

/// Lists of revoked certificates (RFC 5280 §5), added to a trust store.
enum RevocationList {
  /// Adds every list of PEM texts to a store.
  ///
  /// - Throws: `TLSError.fileUnusable` naming the file that is damaged or holds none.
  static func add(_ files: [MountedUnit.OpenContent], to store: OpaquePointer?) throws(TLSError) {
    for file in files {
      guard let bio = MemoryBIO(reading: file.bytes) else {
        throw TLSError(.exhausted, "no memory for '\(file.path)'")
      }
      var count = 0
      OpenSSLErrors.clear()
      while let list = unsafe PEM_read_bio_X509_CRL(bio.handle, nil, Certificate.neverPrompt, nil) {
        defer { unsafe X509_CRL_free(list) }
        count += 1
        guard unsafe X509_STORE_add_crl(store, list) == 1 else {
          throw TLSError(.fileUnusable, "revocation list \(count) in '\(file.path)' cannot be used: publish it anew")
        }
      }
      let errors = OpenSSLErrors.take()
      guard errors.last.map({ $0.reason == PEM_R_NO_START_LINE }) ?? true else {
        let reason = errors.last?.text ?? "unreadable"
        throw TLSError(
          .fileUnusable, "revocation list \(count + 1) in '\(file.path)' is damaged (\(reason)): mount the whole file")
      }
      guard count > 0 else {
        let content = unsafe file.bytes.withUnsafeBytes { unsafe PEMContent($0) }
        throw TLSError(
          .fileUnusable,
          "'\(file.path)' holds no revocation list but \(content): it must be PEM, with -----BEGIN X509 CRL-----"
            + (content.looksBinary ? "; convert it with `openssl crl -inform der`" : ""))
      }
    }
  }
}
