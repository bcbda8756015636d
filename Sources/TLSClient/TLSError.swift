/// Why a secure connection was not made or ended. The text names the cause and the fix, and never holds a secret.
package struct TLSError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What went wrong. The raw value is stable: logs, metrics and dashboards may rely on it.
  package enum Code: String, Sendable, Hashable, CaseIterable {
    // The files and settings of this side, found before anything is dialed.
    /// A file cannot be read, or holds nothing of the kind expected.
    case fileUnusable = "tls.file_unusable"
    /// The private key is encrypted and no passphrase was given.
    case passphraseMissing = "tls.passphrase_missing"
    /// The passphrase does not open the private key.
    case passphraseWrong = "tls.passphrase_wrong"
    /// Certificate and private key do not belong together.
    case keyMismatch = "tls.key_mismatch"
    /// The client certificate is no longer valid.
    case clientCertificateExpired = "tls.client_expired"
    /// The client certificate is not yet valid.
    case clientCertificateNotYetValid = "tls.client_not_yet_valid"
    /// The client certificate may not be used to identify a client.
    case clientCertificateUnsuited = "tls.client_unsuited"
    /// There is no authority to trust.
    case noTrustAnchors = "tls.no_trust_anchors"
    /// The name that the server should prove is no name.
    case nameUnusable = "tls.name_unusable"
    /// FIPS mode is required and this machine's OpenSSL does not have it.
    case fipsUnavailable = "tls.fips_unavailable"

    // The server, as seen from here.
    /// The server's certificate is no longer valid.
    case serverCertificateExpired = "tls.expired"
    /// The server's certificate is not yet valid.
    case serverCertificateNotYetValid = "tls.not_yet_valid"
    /// The server's certificate was not issued by a trusted authority, or the chain to it is not complete.
    case serverUntrusted = "tls.unknown_ca"
    /// The server's certificate is for other names, or another SPIFFE identity.
    case serverNameMismatch = "tls.name_mismatch"
    /// A certificate of the server's chain is revoked.
    case serverRevoked = "tls.revoked"
    /// Whether a certificate of the server's chain is revoked cannot be told: a list is missing or stale.
    case revocationUndetermined = "tls.revocation_undetermined"
    /// No key of the server's chain is among the pinned ones.
    case pinMismatch = "tls.pin_mismatch"
    /// The server's certificate may not identify a server.
    case serverCertificateUnsuited = "tls.server_unsuited"
    /// A key or signature of the server's chain is too weak.
    case serverCertificateWeak = "tls.weak_certificate"
    /// The server's certificate fails for another reason.
    case serverCertificateRejected = "tls.certificate_rejected"
    /// The server speaks TLS but does not offer HTTP/2.
    case noHTTP2 = "tls.no_http2"
    /// The peer does not speak TLS.
    case notTLS = "tls.not_tls"
    /// The two sides have no version, cipher or group in common, or the peer broke the protocol.
    case handshakeFailed = "tls.handshake_failed"
    /// The server did not ask for a client certificate although it must.
    case certificateNotRequested = "tls.client_certificate_not_requested"

    // This side, as seen by the server.
    /// The server demands a client certificate and none was configured.
    case clientCertificateRequired = "tls.client_certificate_required"
    /// The server does not accept the client certificate.
    case clientCertificateRefused = "tls.client_certificate_refused"

    // The connection.
    /// The connection ended without the proper farewell of TLS.
    case truncated = "tls.truncated"
    /// The library has no memory or no working random source.
    case exhausted = "tls.exhausted"
  }

  /// What went wrong.
  package let code: Code
  /// A sentence for people, ending with the code's name in brackets, so that a line of the log can be searched by it.
  package let message: String

  /// Whether a request sent on the connection may have been processed. A refusal comes from a handshake that the other
  /// side never counted as complete, so that nothing above TLS was looked at: not even by a TLS 1.3 server, which
  /// judges our certificate after we may already have written.
  package internal(set) var mayHaveReachedServer = false

  package init(_ code: Code, _ text: String) {
    self.code = code
    message = "\(text) [\(code.rawValue)]"
  }

  /// Whether the files or settings of this side are at fault, so that nothing needs to be dialed.
  package var isLocal: Bool {
    switch code {
    case .fileUnusable, .passphraseMissing, .passphraseWrong, .keyMismatch, .clientCertificateExpired,
      .clientCertificateNotYetValid, .clientCertificateUnsuited, .noTrustAnchors, .nameUnusable, .fipsUnavailable:
      true
    default: false
    }
  }

  /// Whether the server judges our certificate, or its absence.
  var isAboutClient: Bool { code == .clientCertificateRequired || code == .clientCertificateRefused }

  /// Whether one side refuses the other's identity or abilities: repeating changes nothing unless somebody acts.
  package var isRefusal: Bool {
    switch code {
    case .truncated, .exhausted: false
    default: !isLocal
    }
  }

  package var description: String { message }
}
