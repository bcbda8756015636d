internal import COpenSSL
internal import Secrets

/// A private key, its certificate and further certificates in one encrypted file (RFC 7292).
struct PKCS12Archive {
  /// The certificate that belongs to the key.
  let leaf: Certificate
  /// The key.
  let key: PrivateKey
  /// The other certificates, in the archive's order.
  let others: [Certificate]

  /// The most rounds of key derivation that are computed for the archive's seal: about a second's worth.
  private static let mostRounds = 1_000_000
  /// The most certificates taken from an archive.
  private static let mostCertificates: Int32 = 16

  /// Opens an archive.
  ///
  /// - Throws: `TLSError` `.passphraseMissing`, `.passphraseWrong` or `.fileUnusable`, naming the file and the fix.
  static func read(_ archive: SharedSecret, file: String, passphrase: SharedSecret?) throws(TLSError) -> PKCS12Archive {
    try PrivateKey.check(passphrase, of: file)
    if let passphrase, unsafe passphrase.withBytes({ unsafe $0.contains(0) }) {
      throw TLSError(.passphraseWrong, "the passphrase of '\(file)' holds a zero byte, which no passphrase can")
    }
    OpenSSLErrors.clear()
    let parsed = unsafe archive.withBytes { bytes -> OpaquePointer? in
      guard let bio = unsafe BIO_new_mem_buf(bytes.baseAddress, Int32(clamping: bytes.count)) else { return nil }
      defer { unsafe BIO_free_all(bio) }
      return unsafe d2i_PKCS12_bio(bio, nil)
    }
    guard let parsed = unsafe parsed else {
      OpenSSLErrors.clear()
      let content = unsafe archive.withBytes { bytes in unsafe PEMContent(bytes) }
      let advice = content.labels.isEmpty ? "check the file" : "give PEM files by the settings for certificate and key"
      throw TLSError(.fileUnusable, "'\(file)' is no PKCS#12 archive but holds \(content): \(advice)")
    }
    defer { unsafe PKCS12_free(parsed) }
    guard unsafe rounds(of: parsed) <= mostRounds else {
      throw TLSError(
        .fileUnusable, "'\(file)' asks for more than \(mostRounds) rounds of key derivation: export it anew")
    }
    return unsafe try open(parsed, file: file, passphrase: passphrase)
  }

  private static func rounds(of archive: OpaquePointer) -> Int {
    guard unsafe PKCS12_mac_present(archive) == 1 else { return 0 }
    var count: UnsafePointer<ASN1_INTEGER>?
    unsafe PKCS12_get0_mac(nil, nil, nil, &count, archive)
    guard let count = unsafe count else { return 1 }
    let number = unsafe ASN1_INTEGER_get(count)
    return number < 0 ? Int.max : number
  }

  private static func open(
    _ archive: OpaquePointer, file: String, passphrase: SharedSecret?
  ) throws(TLSError) -> PKCS12Archive {
    var key: OpaquePointer?
    var leaf: OpaquePointer?
    var chain: OpaquePointer?
    OpenSSLErrors.clear()
    let status: Int32
    if let passphrase {
      status = unsafe passphrase.withCString { unsafe PKCS12_parse(archive, $0, &key, &leaf, &chain) }
    } else {
      status = unsafe PKCS12_parse(archive, nil, &key, &leaf, &chain)
    }
    let errors = OpenSSLErrors.take()
    defer { unsafe sly_chain_free(chain) }
    let privateKey = unsafe key.map { unsafe PrivateKey(adopting: $0) }
    let certificate = unsafe leaf.map { unsafe Certificate(adopting: $0) }
    guard status == 1 else { throw failure(errors, file: file, passphrase: passphrase) }
    guard let privateKey, let certificate else {
      let missing = privateKey == nil ? "private key" : "certificate for its private key"
      throw TLSError(.fileUnusable, "the PKCS#12 archive '\(file)' holds no \(missing): export both together")
    }
    var others: [Certificate] = []
    for index in 0..<max(0, min(unsafe sly_chain_count(chain), mostCertificates)) {
      if let other = unsafe sly_chain_at(chain, index) { unsafe others.append(Certificate(sharing: other)) }
    }
    return PKCS12Archive(leaf: certificate, key: privateKey, others: others)
  }

  private static func failure(
    _ errors: [OpenSSLErrors.Entry], file: String, passphrase: SharedSecret?
  ) -> TLSError {
    if errors.contains(where: \.isUnsupportedAlgorithm) { return PrivateKey.outdated(file) }
    let isSealBroken = errors.contains { $0.library == ERR_LIB_PKCS12 && $0.reason == PKCS12_R_MAC_VERIFY_FAILURE }
    if isSealBroken || errors.contains(where: { $0.text.contains("cipherfinal") || $0.text.contains("bad decrypt") }) {
      return passphrase == nil
        ? TLSError(.passphraseMissing, "the PKCS#12 archive '\(file)' is encrypted: give its passphrase in a file")
        : TLSError(.passphraseWrong, "the passphrase does not open the PKCS#12 archive '\(file)': correct its file")
    }
    let reason = errors.last?.text ?? "unreadable"
    return TLSError(.fileUnusable, "the PKCS#12 archive '\(file)' is damaged (\(reason)): export it anew")
  }
}
