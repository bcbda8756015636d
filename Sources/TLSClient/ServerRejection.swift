internal import COpenSSL

/// Why a server's certificate is not accepted, as a cause and a fix.
struct ServerRejection {
  /// What the verification found.
  let verification: ServerVerification
  /// The name or address that the server should have proved.
  let expectedName: String
  /// How this side was configured.
  let configuration: TLSConfiguration

  /// The cause; nil when nothing was refused.
  var error: TLSError? {
    guard let rejected = verification.rejected else { return nil }
    let certificate = rejected.certificate
    let role = rejected.depth == 0 ? "the server's certificate" : "an authority of the server's chain"
    let who = "\(role) (\(certificate.subject), issued by \(certificate.issuer))"
    if let fault = verification.identityFault { return identityError(fault, who, certificate) }
    let reason = rejected.reason
    let text = unsafe String(cString: X509_verify_cert_error_string(Int(reason)))
    if ServerVerification.leavesRevocationOpen(reason) { return revocationError(who, text) }
    switch reason {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return TLSError(
        .serverCertificateExpired,
        "\(who) expired on \(certificate.notAfter): the server's operator must renew it (or check this machine's clock)"
      )
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return TLSError(
        .serverCertificateNotYetValid, "\(who) is valid from \(certificate.notBefore) only: check this machine's clock")
    case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH:
      return TLSError(
        .serverNameMismatch,
        "\(who) is not for '\(expectedName)' but for \(certificate.names): dial one of those names,"
          + " or set the TLS server name to one of them")
    case X509_V_ERR_CERT_REVOKED:
      return TLSError(
        .serverRevoked,
        "\(who) is revoked by the list in '\(configuration.revocation?.path ?? "")': do not trust this"
          + " server until its operator has replaced the certificate")
    case X509_V_ERR_INVALID_PURPOSE:
      return TLSError(
        .serverCertificateUnsuited, "\(who) may not identify a server: it needs extendedKeyUsage serverAuth")
    case X509_V_ERR_EE_KEY_TOO_SMALL, X509_V_ERR_CA_KEY_TOO_SMALL, X509_V_ERR_CA_MD_TOO_WEAK:
      return TLSError(
        .serverCertificateWeak, "\(who) is too weak (\(text)): issue it with RSA 2048, P-256 or more, and SHA-256")
    default:
      return untrusted(who, text, rejected) ?? TLSError(.serverCertificateRejected, "\(who) was rejected: \(text)")
    }
  }

  private var source: String {
    switch configuration.trust {
    case .systemRoots: "the system's authorities"
    case .file(let path):
      "the authorities in '\(path)'" + (configuration.appendsSystemRoots ? " and the system's" : "")
    }
  }

  private func untrusted(
    _ who: String, _ text: String, _ rejected: (certificate: Certificate, reason: Int32, depth: Int32, sent: Int32)
  ) -> TLSError? {
    let advice: String
    switch rejected.reason {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      advice =
        rejected.sent <= 1
        ? "name the authority that issued it, or, if that is an intermediate one, the chain is incomplete: have the"
          + " server send its intermediate certificates"
        : "name the authority that issued it"
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
      advice = "name the root authority as well, or accept partial chains"
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN: advice = "name the authority at the end of the server's chain"
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      advice = "it vouches for itself: name the authority that issued the real one, or name this certificate itself"
    default: return nil
    }
    return TLSError(.serverUntrusted, "\(who) does not come from \(source) (\(text)): \(advice)")
  }

  private func revocationError(_ who: String, _ text: String) -> TLSError {
    TLSError(
      .revocationUndetermined,
      "whether \(who) is revoked cannot be told (\(text)): put a current list of every authority of the chain into"
        + " '\(configuration.revocation?.path ?? "")', or choose the soft policy")
  }

  private func identityError(
    _ fault: ServerVerification.IdentityFault, _ who: String, _ certificate: Certificate
  ) -> TLSError {
    switch fault {
    case .spiffe:
      return TLSError(
        .serverNameMismatch,
        "\(who) is not '\(configuration.spiffeID?.text ?? "")' but \(certificate.names): correct the SPIFFE identity"
          + " that is expected, or dial the right server")
    case .pin:
      return TLSError(
        .pinMismatch,
        "\(who) and its authorities have none of the \(configuration.pins.count) pinned keys; the certificate's own is"
          + " \(certificate.pin): if the server's key was changed on purpose, add its pin")
    }
  }
}
