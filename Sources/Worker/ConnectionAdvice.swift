import GRPCClient
package import TemporalClient

/// Names the settings behind a failed call, since the layers below know causes but no variables.
package enum ConnectionAdvice {
  /// The error's text and, when a setting may mend it, which.
  package static func explain(_ error: ServiceError, address: SchedulerAddress) -> String {
    let text = error.description
    let names = settings(text, isCredentialRefused: isCredentialRefused(error))
    let advice = names.isEmpty ? "" : "\n  see " + names.joined(separator: ", ")
    return text + advice + (names.contains("TEMPORAL_ADDRESS") ? " (now \(address))" : "")
  }

  private static func isCredentialRefused(_ error: ServiceError) -> Bool {
    error.code == .unauthenticated || error.code == .permissionDenied
  }

  /// The variables that the text of an error points to.
  static func settings(_ text: String, isCredentialRefused: Bool) -> [String] {
    let text = text.lowercased()
    func says(_ words: String...) -> Bool { words.contains { text.contains($0) } }
    if says("is not for '", "server name") { return ["TEMPORAL_TLS_SERVER_NAME", "TEMPORAL_ADDRESS"] }
    if says("client certificate", "private key", "passphrase") { return ["TEMPORAL_TLS_CERT", "TEMPORAL_TLS_KEY"] }
    if says("does not come from", "authorit", "trust anchor") { return ["TEMPORAL_TLS_CA"] }
    if says("does not speak tls", "http/2", "alpn") { return ["TEMPORAL_ADDRESS", "TEMPORAL_TLS"] }
    if isCredentialRefused || says("api key") { return ["TEMPORAL_API_KEY", "TEMPORAL_API_KEY_FILE"] }
    if says("namespace") { return ["TEMPORAL_NAMESPACE"] }
    if says("the server's certificate") { return ["TEMPORAL_TLS_CA", "TEMPORAL_TLS_SERVER_NAME"] }
    if says("no connection", "refused", "resolve", "unreachable", "timed out", "not sent") {
      return ["TEMPORAL_ADDRESS", "TEMPORAL_TLS"]
    }
    return []
  }
}
