internal import COpenSSL

/// What a finished handshake came to, for people who look into a connection.
package struct TLSReport: Sendable, Hashable {
  /// A certificate in words. Names are the peer's: at most 512 characters each, without control characters.
  package struct CertificateSummary: Sendable, Hashable {
    /// Whose it is and who issued it, such as `CN = scheduler`.
    package let subject: String, issuer: String
    /// What it is for, such as `DNS:scheduler`; empty for an authority as a rule.
    package let names: [String]
    /// The first and the last second of its time, in seconds since 1970.
    package let notBefore: Int64, notAfter: Int64
    /// `sha256/` and the base64 of its public key's hash.
    package let pin: String

    init(_ certificate: Certificate) {
      subject = certificate.subject
      issuer = certificate.issuer
      names = certificate.nameList
      (notBefore, notAfter) = certificate.validity
      pin = certificate.pin.description
    }
  }

  /// Such as `TLSv1.3`.
  package let version: String
  /// The cipher suite by its standard name.
  package let cipherSuite: String
  /// The group of the key exchange, such as `x25519`; nil: unknown.
  package let group: String?
  /// The protocol that ALPN agreed on; empty: none.
  package let alpn: String
  /// The verified chain from the server's certificate up to the authority that is trusted.
  package let chain: [CertificateSummary]
  /// How many certificates the server sent.
  package let sentCertificates: Int
  /// Whether the server asked for a client certificate.
  package let wasAskedForCertificate: Bool
  /// The authorities that the server named when it asked; empty: any, or it did not ask.
  package let acceptableAuthorities: [String]
  /// Where revocation could not be told and the soft policy let it pass.
  package let undeterminedRevocations: [String]

  /// The validity of the server's certificate as metrics want it.
  package var serverExpiry: CertificateExpiry? {
    chain.first.map {
      CertificateExpiry(kind: .server, subject: $0.subject, notBefore: $0.notBefore, notAfter: $0.notAfter)
    }
  }
}

extension TLSSession {
  /// The most names of authorities that are reported.
  private static let mostAuthorities: Int32 = 64

  /// What the handshake came to; meaningful once it is complete.
  package var report: TLSReport {
    let cipher = unsafe SSL_get_current_cipher(handle).flatMap { unsafe SSL_CIPHER_standard_name($0) }
    let group = unsafe sly_ssl_group(handle)
    let groupName = unsafe group == 0 ? nil : SSL_group_to_name(handle, group)
    let list = unsafe SSL_get0_peer_CA_list(handle)
    let authorities = (0..<max(0, min(unsafe sly_authorities_count(list), Self.mostAuthorities))).map {
      unsafe Certificate.text(of: sly_authority_at(list, $0))
    }
    return unsafe TLSReport(
      version: String(cString: SSL_get_version(handle)),
      cipherSuite: cipher.map { unsafe String(cString: $0) } ?? "none",
      group: groupName.map { unsafe String(cString: $0) }, alpn: negotiatedProtocol,
      chain: ServerVerification.certificates(SSL_get0_verified_chain(handle)).map { .init($0) },
      sentCertificates: Int(max(0, sly_chain_count(SSL_get_peer_cert_chain(handle)))),
      wasAskedForCertificate: wasAskedForCertificate, acceptableAuthorities: authorities,
      undeterminedRevocations: verification.undetermined)
  }
}
