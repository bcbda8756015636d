internal import COpenSSL

/// An X.509 certificate. Owns the OpenSSL object; used on one thread.
@safe final class Certificate {
  /// The object, for calls that borrow it.
  let handle: OpaquePointer

  /// Takes over a reference.
  init(adopting handle: OpaquePointer) { unsafe self.handle = handle }

  deinit { unsafe X509_free(handle) }

  /// Every certificate of a PEM text, in order.
  ///
  /// - Throws: `TLSError.fileUnusable` naming the file and which certificate is damaged, or that there is none.
  static func readAll(_ pem: [UInt8], file: String) throws(TLSError) -> [Certificate] {
    guard let bio = MemoryBIO(reading: pem) else { throw TLSError(.exhausted, "no memory for '\(file)'") }
    var found: [Certificate] = []
    OpenSSLErrors.clear()
    while let handle = unsafe PEM_read_bio_X509(bio.handle, nil, nil, nil) {
      unsafe found.append(Certificate(adopting: handle))
    }
    let errors = OpenSSLErrors.take()
    let isOrderlyEnd = errors.last.map { $0.reason == PEM_R_NO_START_LINE } ?? true
    guard isOrderlyEnd else {
      let reason = errors.last?.text ?? "unreadable"
      throw TLSError(
        .fileUnusable, "certificate \(found.count + 1) in '\(file)' is damaged (\(reason)): mount the whole PEM file")
    }
    guard !found.isEmpty else {
      throw TLSError(
        .fileUnusable, "'\(file)' holds no certificate: it must be PEM, beginning with -----BEGIN CERTIFICATE-----")
    }
    return found
  }

  /// The subject as text, such as `CN = scheduler`.
  var subject: String {
    unsafe Self.text { unsafe X509_NAME_print_ex($0, X509_get_subject_name(handle), 0, Self.style) }
  }

  /// The issuer as text.
  var issuer: String { unsafe Self.text { unsafe X509_NAME_print_ex($0, X509_get_issuer_name(handle), 0, Self.style) } }

  /// When the certificate begins to be valid.
  var notBefore: String { unsafe Self.text { unsafe ASN1_TIME_print($0, X509_get0_notBefore(handle)) } }

  /// When the certificate ceases to be valid.
  var notAfter: String { unsafe Self.text { unsafe ASN1_TIME_print($0, X509_get0_notAfter(handle)) } }

  /// Whether it is past its end, by the wall clock.
  var hasExpired: Bool { unsafe X509_cmp_current_time(X509_get0_notAfter(handle)) < 0 }

  /// Whether its beginning lies in the future, by the wall clock.
  var isNotYetValid: Bool { unsafe X509_cmp_current_time(X509_get0_notBefore(handle)) > 0 }

  /// Whether it may identify a TLS client; true when it does not limit its use.
  var admitsClientUse: Bool {
    let usage = unsafe X509_get_extended_key_usage(handle)
    return usage == UInt32.max || usage & UInt32(XKU_SSL_CLIENT | XKU_ANYEKU) != 0
  }

  /// The names it is for, such as `DNS:scheduler, IP Address:10.0.0.1`.
  var names: String {
    let index = unsafe X509_get_ext_by_NID(handle, NID_subject_alt_name, -1)
    guard index >= 0, let item = unsafe X509_get_ext(handle, index) else { return "no alternative names" }
    return unsafe Self.text { unsafe X509V3_EXT_print($0, item, 0, 0) }
  }

  private static let style = SLY_XN_FLAG_ONELINE

  /// What a printing function of the library writes; at most 512 characters, control characters replaced.
  private static func text(_ print: (OpaquePointer) -> Int32) -> String {
    guard let bio = MemoryBIO() else { return "" }
    _ = unsafe print(bio.handle)
    let line = bio.takeAll().prefix(512).map { $0 < 32 || $0 == 127 ? UInt8(ascii: " ") : $0 }
    return String(decoding: line, as: UTF8.self)
  }
}
