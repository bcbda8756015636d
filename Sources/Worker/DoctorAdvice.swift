import GRPCClient
import Observability
import TLSClient
import TemporalClient

/// What to do about a failure, in the words of the settings: the layers below know causes but no variables.
enum DoctorAdvice {
  /// What to do about a refused or failed TLS handshake.
  static func text(for error: TLSError, now: Timestamp = .now()) -> String {
    switch error.code {
    case .passphraseWrong, .passphraseMissing:
      "put the key's passphrase into the file that TEMPORAL_TLS_KEY_PASSPHRASE_FILE names"
    case .keyMismatch:
      "mount a certificate and a key that were issued together: TEMPORAL_TLS_CERT and TEMPORAL_TLS_KEY"
    case .clientCertificateExpired, .clientCertificateNotYetValid:
      "have the client certificate renewed and mount the new pair (TEMPORAL_TLS_CERT, TEMPORAL_TLS_KEY); "
        + "if it should be valid, set this machine's clock, which says \(now.text)"
    case .clientCertificateUnsuited, .clientCertificateRefused:
      "mount a client certificate that the scheduler's operator has issued: TEMPORAL_TLS_CERT and TEMPORAL_TLS_KEY"
    case .clientCertificateRequired:
      "set TEMPORAL_TLS_CERT and TEMPORAL_TLS_KEY to a client certificate that the scheduler's operator has issued"
    case .noTrustAnchors:
      "install ca-certificates, or name the file with the scheduler's authority in TEMPORAL_TLS_CA"
    case .serverUntrusted:
      "put the authority that issued the server's certificate into the file that TEMPORAL_TLS_CA names, "
        + "or have the server send its intermediate certificates"
    case .serverNameMismatch:
      "dial one of the names of the certificate in TEMPORAL_ADDRESS, or set TEMPORAL_TLS_SERVER_NAME to one of them"
    case .serverCertificateExpired, .serverCertificateNotYetValid:
      "the scheduler's operator must renew the server's certificate; if it should be valid, set this machine's clock, "
        + "which says \(now.text)"
    case .serverRevoked:
      "the server's certificate is on the list that TEMPORAL_TLS_CRL names: its operator must replace it; do not go on without"
    case .revocationUndetermined:
      "mount a current list for every authority of the chain (TEMPORAL_TLS_CRL), or accept the doubt with "
        + "TEMPORAL_TLS_CRL_POLICY=soft"
    case .pinMismatch:
      "ask the scheduler's operator whether its key was renewed; if so, put the new pin into TEMPORAL_TLS_PINS"
    case .fipsUnavailable:
      "install OpenSSL's FIPS provider, or set SALLYPORT_FIPS=off"
    case .certificateNotRequested:
      "correct TEMPORAL_ADDRESS: TLS ends somewhere that asks for no certificate; or unset TEMPORAL_TLS_REQUIRE_CERT_REQUEST"
    case .noHTTP2:
      "turn HTTP/2 on where TLS ends (nginx: `listen … ssl http2`), or correct host and port in TEMPORAL_ADDRESS"
    case .notTLS:
      "correct the port in TEMPORAL_ADDRESS, or set TEMPORAL_TLS=off if plaintext is meant"
    case .fileUnusable:
      "mount the right file and name it: TEMPORAL_TLS_CA, TEMPORAL_TLS_CERT or TEMPORAL_TLS_KEY"
    default:
      "compare host and port in TEMPORAL_ADDRESS with what the scheduler's operator says, and look into the log there"
    }
  }

  /// What to do about a failed call.
  static func text(for error: ServiceError) -> String {
    let isRefused = error.code == .unauthenticated || error.code == .permissionDenied
    let names = ConnectionAdvice.settings(error.description, isCredentialRefused: isRefused)
    switch error.code {
    case .unauthenticated, .permissionDenied:
      if names.contains("TEMPORAL_TLS_CERT") {
        return "mount a client certificate that the gateway trusts: TEMPORAL_TLS_CERT and TEMPORAL_TLS_KEY"
      }
      return "give a key that is valid for this namespace: TEMPORAL_API_KEY_FILE (or TEMPORAL_API_KEY), or the client "
        + "certificate that the scheduler knows: TEMPORAL_TLS_CERT"
    case .unimplemented:
      return "another service than Temporal answers there: correct TEMPORAL_ADDRESS"
    case .deadlineExceeded, .unavailable:
      return "the gateway answers and what is behind it does not: look at the scheduler itself and the gateway's log"
    default:
      guard !names.isEmpty else { return "ask the scheduler's operator, with this text" }
      return "look at " + names.joined(separator: ", ")
    }
  }

  /// What to do about a failed sign-in to a database, by what the driver or the server says.
  static func text(forWarehouse message: String, sqlState: String?, profile: String) -> String {
    let text = message.lowercased()
    func says(_ words: String...) -> Bool { words.contains { text.contains($0) } }
    switch sqlState {
    case "28P01", "28000":
      return "correct user and password of \(profile) (a mounted `password_file` is read each time)"
    case "3D000": return "create the database, or correct `dbname` of \(profile)"
    case "42501", "22023", "42704": return "grant the role to the user, or correct `role` of \(profile)"
    default: break
    }
    if says("authentication failed", "no password supplied") {
      return "correct user and password of \(profile) (a mounted `password_file` is read each time)"
    }
    if says("does not exist") { return "create the database or the role, or correct them in \(profile)" }
    if says("could not translate", "resolve") { return "correct `host` of \(profile)" }
    if says("ssl", "certificate") { return "correct `sslmode` and the certificate files of \(profile)" }
    return "start the database or correct `host` and `port` of \(profile); if they are right, look for a firewall or a "
      + "network policy on the way"
  }
}
