internal import COpenSSL
internal import Glibc
internal import Secrets

/// An X.509 certificate. Owns the OpenSSL object, which is not changed after reading.
@safe final class Certificate {
  /// The object, for calls that borrow it.
  let handle: OpaquePointer

  /// Takes over a reference.
  init(adopting handle: OpaquePointer) { unsafe self.handle = handle }

  /// Shares an object that somebody else owns.
  init(sharing handle: OpaquePointer) {
    unsafe X509_up_ref(handle)
    unsafe self.handle = handle
  }

  deinit { unsafe X509_free(handle) }

  /// Every certificate of a PEM text, in order.
  ///
  /// - Throws: `TLSError.fileUnusable` naming the file and which certificate is damaged, or that there is none.
  static func readAll(_ pem: [UInt8], file: String) throws(TLSError) -> [Certificate] {
    try unsafe pem.withUnsafeBytes { unsafe parse($0, file: file) }.get()
  }

  /// The same for a file that holds a private key as well, which stays where it is.
  static func readAll(beside secret: SharedSecret, file: String) throws(TLSError) -> [Certificate] {
    try unsafe secret.withBytes { unsafe parse($0, file: file) }.get()
  }

  private static func parse(_ pem: UnsafeRawBufferPointer, file: String) -> Result<[Certificate], TLSError> {
    var found: [Certificate] = []
    OpenSSLErrors.clear()
    if let start = pem.baseAddress, let bio = unsafe BIO_new_mem_buf(start, Int32(clamping: pem.count)) {
      defer { unsafe BIO_free_all(bio) }
      while let handle = unsafe PEM_read_bio_X509(bio, nil, neverPrompt, nil) {
        unsafe found.append(Certificate(adopting: handle))
      }
    }
    let errors = OpenSSLErrors.take()
    let isOrderlyEnd = errors.last.map { $0.reason == PEM_R_NO_START_LINE } ?? true
    guard isOrderlyEnd else {
      let reason = errors.last?.text ?? "unreadable"
      return .failure(
        TLSError(
          .fileUnusable, "certificate \(found.count + 1) in '\(file)' is damaged (\(reason)): mount the whole PEM file")
      )
    }
    guard !found.isEmpty else {
      let content = unsafe PEMContent(pem)
      return .failure(
        TLSError(
          .fileUnusable,
          "'\(file)' holds no certificate but \(content): it must be PEM, beginning with"
            + " -----BEGIN CERTIFICATE-----\(content.advice)"))
    }
    return .success(found)
  }

  /// A passphrase callback that refuses: without one the library would ask on the terminal.
  static let neverPrompt:
    @convention(c) (UnsafeMutablePointer<CChar>?, Int32, Int32, UnsafeMutableRawPointer?) -> Int32 =
      { _, _, _, _ in -1 }

  /// The subject as text, such as `CN = scheduler`.
  var subject: String { unsafe Self.text(of: X509_get_subject_name(handle)) }

  /// The issuer as text.
  var issuer: String { unsafe Self.text(of: X509_get_issuer_name(handle)) }

  /// When the certificate begins to be valid, for people.
  var notBefore: String { unsafe Self.text { unsafe ASN1_TIME_print($0, X509_get0_notBefore(handle)) } }

  /// When the certificate ceases to be valid, for people.
  var notAfter: String { unsafe Self.text { unsafe ASN1_TIME_print($0, X509_get0_notAfter(handle)) } }

  /// The same two in seconds since 1970; 0 when the encoding is damaged.
  var validity: (from: Int64, to: Int64) {
    func seconds(_ time: UnsafePointer<ASN1_TIME>?) -> Int64 {
      var parts = unsafe tm()
      guard unsafe ASN1_TIME_to_tm(time, &parts) == 1 else { return 0 }
      return unsafe Int64(timegm(&parts))
    }
    return unsafe (seconds(X509_get0_notBefore(handle)), seconds(X509_get0_notAfter(handle)))
  }

  /// Its validity as metrics want it.
  func expiry(_ kind: CertificateExpiry.Kind) -> CertificateExpiry {
    let (from, to) = validity
    return CertificateExpiry(kind: kind, subject: subject, notBefore: from, notAfter: to)
  }

  /// Whether it may identify a TLS client; true when it does not limit its use.
  var admitsClientUse: Bool {
    let usage = unsafe X509_get_extended_key_usage(handle)
    return usage == UInt32.max || usage & UInt32(XKU_SSL_CLIENT | XKU_ANYEKU) != 0
  }

  /// Whether it says of itself that it is an authority (basicConstraints CA:TRUE).
  var isAuthority: Bool { unsafe X509_check_ca(handle) == 1 }

  /// Whether it vouches for itself, as roots do.
  var isSelfIssued: Bool {
    unsafe X509_NAME_cmp(X509_get_subject_name(handle), X509_get_issuer_name(handle)) == 0
  }

  /// Whether it was issued by the holder of another one, as far as names and identifiers tell.
  func isIssued(by other: Certificate) -> Bool { unsafe X509_check_issued(other.handle, handle) == X509_V_OK }

  /// The pin of its public key.
  var pin: PublicKeyPin {
    let key = unsafe X509_get_X509_PUBKEY(handle)
    let count = unsafe Int(i2d_X509_PUBKEY(key, nil))
    guard count > 0 else { return PublicKeyPin(digest: []) }
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { area, filled in
      var start = area.baseAddress
      filled = unsafe max(0, Int(i2d_X509_PUBKEY(key, &start)))
    }
    return PublicKeyPin(digest: SHA256.digest(of: bytes))
  }

  private static let style = SLY_XN_FLAG_ONELINE
  /// The most alternative names that are looked at.
  private static let mostNames = 256

  /// The names it is for, such as `DNS:scheduler` and `IP Address:10.0.0.1`.
  var nameList: [String] {
    unsafe alternativeNames { name in unsafe Self.text { unsafe GENERAL_NAME_print($0, name) } }
  }

  /// The first eight names it is for, on one line, and how many more there are: a hostile server may send many.
  var names: String {
    let list = nameList
    let shown = list.prefix(8).joined(separator: ", ")
    return list.isEmpty ? "no alternative names" : list.count > 8 ? shown + " and \(list.count - 8) more" : shown
  }

  /// The URIs among the names, byte by byte; one that is no ASCII text comes out as an empty text, which matches
  /// nothing.
  var uris: [String] {
    unsafe alternativeNames { name in
      guard let text = unsafe sly_name_uri(name) else { return nil }
      let bytes = unsafe UnsafeBufferPointer(start: ASN1_STRING_get0_data(text), count: Int(ASN1_STRING_length(text)))
      let isPlain = unsafe bytes.allSatisfy { (0x21...0x7E).contains($0) }
      return unsafe isPlain ? String(decoding: bytes, as: UTF8.self) : ""
    }
  }

  private func alternativeNames(_ body: (UnsafeMutablePointer<GENERAL_NAME>) -> String?) -> [String] {
    guard let list = unsafe sly_alternative_names(handle) else { return [] }
    defer { unsafe GENERAL_NAMES_free(list) }
    var found: [String] = []
    for index in 0..<min(unsafe Int(sly_names_count(list)), Self.mostNames) {
      if let name = unsafe sly_name_at(list, Int32(index)), let text = unsafe body(name) { found.append(text) }
    }
    return found
  }

  /// A distinguished name on one line.
  static func text(of name: OpaquePointer?) -> String {
    unsafe text { unsafe X509_NAME_print_ex($0, name, 0, style) }
  }

  /// What a printing function of the library writes; at most 512 characters, control characters replaced.
  private static func text(_ print: (OpaquePointer) -> Int32) -> String {
    guard let bio = MemoryBIO() else { return "" }
    _ = unsafe print(bio.handle)
    let line = bio.takeAll().prefix(512).map { $0 < 32 || $0 == 127 ? UInt8(ascii: " ") : $0 }
    return String(decoding: line, as: UTF8.self)
  }
}
