internal import COpenSSL

/// Turns what OpenSSL left in its error queue into a cause and a fix.
struct TLSDiagnosis {
  /// The error queue, oldest first.
  let errors: [OpenSSLErrors.Entry]
  /// What the verification of the server found.
  let verification: ServerVerification
  /// The name or address that the server should have proved.
  let expectedName: String
  /// How this side was configured.
  let configuration: TLSConfiguration
  /// Whether the server had asked for a client certificate.
  let wasAskedForCertificate: Bool
  /// Whether the handshake had been completed.
  let isEstablished: Bool
  /// The first bytes that the peer sent.
  let startOfInput: [UInt8]

  /// Reasons from here on are alerts of the peer, offset by this number.
  private static let alertOffset: Int32 = 1000

  /// The cause.
  var error: TLSError {
    if errors.contains(where: { $0.reason == SSL_R_CERTIFICATE_VERIFY_FAILED }),
      let rejection = ServerRejection(
        verification: verification, expectedName: expectedName, configuration: configuration
      ).error
    {
      return rejection
    }
    if let alert = errors.first(where: { (1_000...1_255).contains($0.reason) })?.reason {
      return alertError(alert - Self.alertOffset)
    }
    if errors.contains(where: { $0.reason == SSL_R_UNEXPECTED_EOF_WHILE_READING }) || errors.isEmpty {
      return TLSError(.truncated, "the connection ended without TLS's farewell")
    }
    let reason = errors.first?.text ?? "unknown"
    if !isEstablished && looksPlain {
      let start = String(
        decoding: startOfInput.prefix(32).map { (32..<127).contains($0) ? $0 : UInt8(ascii: ".") }, as: UTF8.self)
      return TLSError(
        .notTLS,
        "the server does not speak TLS on this port; it began with \"\(start)\": check the port, or turn TLS off")
    }
    return TLSError(
      .handshakeFailed,
      "the TLS connection failed: \(reason); the server must offer TLS 1.2 or 1.3 with an AEAD cipher and ECDHE")
  }

  /// Whether the first bytes cannot be a TLS record of the kinds that a server sends.
  private var looksPlain: Bool { startOfInput.first.map { !(20...23).contains($0) } ?? false }

  private func alertError(_ alert: Int32) -> TLSError {
    let identity = configuration.clientIdentity
    let file = identity.map { "'\($0.certificateFile)'" } ?? "(none configured)"
    switch alert {
    case SSL3_AD_NO_CERTIFICATE, TLS13_AD_CERTIFICATE_REQUIRED:
      return certificateRequired(alert)
    case SSL3_AD_HANDSHAKE_FAILURE where wasAskedForCertificate && identity == nil:
      return certificateRequired(alert)
    case SSL3_AD_BAD_CERTIFICATE, SSL3_AD_UNSUPPORTED_CERTIFICATE, SSL3_AD_CERTIFICATE_UNKNOWN:
      return TLSError(
        .clientCertificateRefused,
        "the server refuses the client certificate \(file) (alert \(alert)):"
          + " present one that its operator has issued")
    case SSL3_AD_CERTIFICATE_REVOKED:
      return TLSError(
        .clientCertificateRefused, "the server says that the client certificate \(file) is revoked (alert 44): renew it"
      )
    case SSL3_AD_CERTIFICATE_EXPIRED:
      return TLSError(
        .clientCertificateRefused,
        "the server says that the client certificate \(file) has expired (alert 45): renew it"
      )
    case TLS1_AD_UNKNOWN_CA:
      return TLSError(
        .clientCertificateRefused,
        "the server does not know the authority that issued the client certificate \(file) (alert 48):"
          + " present one from the authority it trusts, with its intermediates in the same file")
    case TLS1_AD_ACCESS_DENIED:
      return TLSError(
        .clientCertificateRefused, "the server denies access to the client certificate \(file) (alert 49)")
    case TLS1_AD_NO_APPLICATION_PROTOCOL:
      return TLSError(
        .noHTTP2, "the server does not offer HTTP/2 (alert 120): turn HTTP/2 on where TLS ends, or check host and port")
    case SSL3_AD_HANDSHAKE_FAILURE where identity == nil:
      return TLSError(
        .handshakeFailed,
        "the server broke the handshake off (alert 40): it may demand a client certificate, which is not"
          + " configured, or offer no TLS 1.2 or 1.3 cipher that is allowed here")
    case TLS1_AD_UNRECOGNIZED_NAME:
      return TLSError(
        .handshakeFailed, "the server does not know the name '\(expectedName)' (alert 112): set the TLS server name")
    default:
      let name = unsafe String(cString: SSL_alert_desc_string_long(alert))
      return TLSError(.handshakeFailed, "the server broke TLS off with alert \(alert) (\(name))")
    }
  }

  private func certificateRequired(_ alert: Int32) -> TLSError {
    guard let identity = configuration.clientIdentity else {
      return TLSError(
        .clientCertificateRequired,
        "the server demands a client certificate and none is configured (alert \(alert)):"
          + " name a certificate and its key"
      )
    }
    return TLSError(
      .clientCertificateRefused,
      "the server demands a client certificate and did not take '\(identity.certificateFile)' (alert \(alert)):"
        + " it must come from an authority that the server names")
  }
}
