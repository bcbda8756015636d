internal import COpenSSL
internal import Glibc

/// What a handshake came to, for people who look for the cause of something: nothing in it is secret.
package struct TLSReport: Sendable, Hashable {
  /// One certificate that the server sent.
  package struct Certificate: Sendable, Hashable {
    /// Whom it is for, such as `CN = scheduler`.
    package var subject: String
    /// Who issued it.
    package var issuer: String
    /// The names it proves, such as `DNS:scheduler`; says so when there are none.
    package var names: String
    /// When it begins to be valid, in seconds since 1970.
    package var notBefore: Int64
    /// When it ceases to be valid, in seconds since 1970.
    package var notAfter: Int64
    /// SHA-256 of its public key (SubjectPublicKeyInfo), in base64: what a pin holds (RFC 7469 §2.4).
    package var pin: String
  }

  /// Such as `TLSv1.3`.
  package var version: String
  /// The cipher suite, such as `TLS_AES_256_GCM_SHA384`.
  package var cipherSuite: String
  /// The group of the key exchange, such as `x25519`.
  package var group: String
  /// The protocol agreed on, `h2`.
  package var alpn: String
  /// The server's certificates as it sent them, its own first.
  package var chain: [Certificate]
  /// Whether the server asked for a client certificate.
  package var wasAskedForCertificate: Bool
  /// The authorities whose client certificates the server says it takes; empty: it does not say.
  package var acceptableAuthorities: [String]
}

/// When one certificate is valid.
package struct CertificateExpiry: Sendable, Hashable {
  /// What the certificate is here.
  package enum Kind: String, Sendable, Hashable, CaseIterable {
    /// The one that identifies this client.
    case client
    /// One that this client sends along, between its own and an authority.
    case issuer
    /// One that may vouch for the server.
    case authority
    /// One that the server showed.
    case server
  }

  /// What the certificate is here.
  package var kind: Kind
  /// Whom it is for.
  package var subject: String
  /// When it begins to be valid, in seconds since 1970.
  package var notBefore: Int64
  /// When it ceases to be valid, in seconds since 1970.
  package var notAfter: Int64

  package init(kind: Kind, subject: String, notBefore: Int64, notAfter: Int64) {
    self.kind = kind
    self.subject = subject
    self.notBefore = notBefore
    self.notAfter = notAfter
  }
}

extension TLSSession {
  /// The longest list of authorities reported.
  private static let authorityLimit = 50

  /// What the handshake came to; of use once `isEstablished`.
  package var report: TLSReport {
    let cipher = unsafe SSL_get_current_cipher(handle).flatMap { unsafe SSL_CIPHER_get_name($0) }
    let group = unsafe SSL_group_to_name(handle, sly_ssl_group(handle))
    let chain = unsafe SSL_get_peer_cert_chain(handle)
    return TLSReport(
      version: unsafe String(cString: SSL_get_version(handle)),
      cipherSuite: unsafe cipher.map { unsafe String(cString: $0) } ?? "",
      group: unsafe group.map { unsafe String(cString: $0) } ?? "", alpn: chosenProtocol,
      chain: unsafe (0..<sly_chain_count(chain)).compactMap { unsafe sly_chain_at(chain, $0).map(describe) },
      wasAskedForCertificate: wasAskedForCertificate, acceptableAuthorities: authorities)
  }

  private var chosenProtocol: String {
    var name: UnsafePointer<UInt8>?
    var count: UInt32 = 0
    unsafe SSL_get0_alpn_selected(handle, &name, &count)
    return unsafe String(decoding: UnsafeBufferPointer(start: name, count: Int(count)), as: UTF8.self)
  }

  private var authorities: [String] {
    let names = unsafe SSL_get0_peer_CA_list(handle)
    let count = min(Int(unsafe sly_names_count(names)), Self.authorityLimit)
    return (0..<count).compactMap { index in
      guard let name = unsafe sly_names_at(names, Int32(index)), let bio = MemoryBIO() else { return nil }
      _ = unsafe X509_NAME_print_ex(bio.handle, name, 0, SLY_XN_FLAG_ONELINE)
      return String(decoding: bio.takeAll().prefix(256).map { $0 < 32 || $0 == 127 ? 32 : $0 }, as: UTF8.self)
    }
  }

  private func describe(_ handle: OpaquePointer) -> TLSReport.Certificate {
    unsafe X509_up_ref(handle)
    let certificate = unsafe Certificate(adopting: handle)
    return TLSReport.Certificate(
      subject: certificate.subject, issuer: certificate.issuer, names: certificate.names,
      notBefore: certificate.validity.notBefore, notAfter: certificate.validity.notAfter, pin: certificate.pin)
  }
}

extension TLSContext {
  /// The most authorities looked at: a system's bundle has some 150.
  private static let authorityLimit: Int32 = 1_000

  /// When each certificate of this context is valid: the client's own, those it sends along, the authorities.
  package var expiries: [CertificateExpiry] {
    var found: [CertificateExpiry] = []
    func add(_ kind: CertificateExpiry.Kind, _ handle: OpaquePointer?) {
      guard let handle = unsafe handle else { return }
      unsafe X509_up_ref(handle)
      let certificate = unsafe Certificate(adopting: handle)
      let (notBefore, notAfter) = certificate.validity
      found.append(
        CertificateExpiry(kind: kind, subject: certificate.subject, notBefore: notBefore, notAfter: notAfter))
    }
    unsafe add(.client, SSL_CTX_get0_certificate(handle))
    let chain = unsafe sly_ctx_chain(handle)
    for index in unsafe 0..<sly_chain_count(chain) { unsafe add(.issuer, sly_chain_at(chain, index)) }
    let store = unsafe SSL_CTX_get_cert_store(handle)
    for index in unsafe 0..<min(sly_store_count(store), Self.authorityLimit) {
      unsafe add(.authority, sly_store_certificate(store, index))
    }
    return found
  }
}

extension Certificate {
  /// When it begins and ceases to be valid, in seconds since 1970.
  fileprivate var validity: (notBefore: Int64, notAfter: Int64) {
    unsafe (Self.seconds(X509_get0_notBefore(handle)), Self.seconds(X509_get0_notAfter(handle)))
  }

  /// SHA-256 of the public key, in base64.
  fileprivate var pin: String {
    var der: UnsafeMutablePointer<UInt8>?
    let length = unsafe i2d_X509_PUBKEY(X509_get_X509_PUBKEY(handle), &der)
    guard length > 0, let start = unsafe der else { return "" }
    defer { unsafe CRYPTO_free(start, "", 0) }
    var digest = [UInt8](repeating: 0, count: 32)
    unsafe SHA256(start, Int(length), &digest)
    var text = [UInt8](repeating: 0, count: 45)
    let count = unsafe EVP_EncodeBlock(&text, digest, 32)
    return String(decoding: text.prefix(Int(count)), as: UTF8.self)
  }

  private static func seconds(_ time: UnsafePointer<ASN1_TIME>?) -> Int64 {
    var parts = unsafe tm()
    guard unsafe ASN1_TIME_to_tm(time, &parts) == 1 else { return 0 }
    return Int64(unsafe timegm(&parts))
  }
}
