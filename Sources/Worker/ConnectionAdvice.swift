import GRPCClient
package import TemporalClient
package import TemporalWorker

/// Names the settings behind a failed call, since the layers below know causes but no variables.
package enum ConnectionAdvice {
  /// The error's text and, when a setting may mend it, which.
  package static func explain(_ error: ServiceError, address: SchedulerAddress) -> String {
    explain(error.description, code: error.code, address)
  }

  /// The error's text and, when a setting may mend it, which.
  package static func explain(_ error: WorkerError, address: SchedulerAddress) -> String {
    switch error {
    case .namespaceRefused(_, let fault), .pollRefused(_, let fault):
      explain(error.description, code: fault.code, address)
    }
  }

  /// The text and, when a setting may mend what it tells, which.
  package static func explain(_ text: String, address: SchedulerAddress) -> String {
    explain(text, code: .unavailable, address)
  }

  private static func explain(_ text: String, code: GRPCStatus, _ address: SchedulerAddress) -> String {
    let isCredentialRefused = code == .unauthenticated || code == .permissionDenied
    let names = settings(text, isCredentialRefused: isCredentialRefused)
    guard !names.isEmpty else { return text }
    let now = names.contains("TEMPORAL_ADDRESS") ? " (TEMPORAL_ADDRESS is now \(address))" : ""
    return "\(text); see \(names.joined(separator: ", "))\(now)"
  }

  /// The variables that the text of an error points to.
  static func settings(_ text: String, isCredentialRefused: Bool) -> [String] {
    let text = text.lowercased()
    func says(_ words: String...) -> Bool { words.contains { text.contains($0) } }
    if says("oauth token") { return oauthSettings(text) }
    if says("sallyport_egress_allow") { return ["SALLYPORT_EGRESS_ALLOW"] }
    if says("the proxy") { return ["HTTPS_PROXY", "NO_PROXY", "SALLYPORT_PROXY_PASSWORD"] }
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

  /// The variables of OAuth that a failed token request, in lower case, points to.
  private static func oauthSettings(_ text: String) -> [String] {
    func says(_ words: String...) -> Bool { words.contains { text.contains($0) } }
    if says("refuses this client", "credentials for") {
      return ["SALLYPORT_OAUTH_CLIENT_ID", "SALLYPORT_OAUTH_CLIENT_SECRET", "SALLYPORT_OAUTH_CLIENT_AUTH"]
    }
    if says("does not come from", "tls with") { return ["SALLYPORT_OAUTH_CA"] }
    if says("scope") { return ["SALLYPORT_OAUTH_SCOPE"] }
    if says("audience") { return ["SALLYPORT_OAUTH_AUDIENCE"] }
    if says("no access_token", "no id_token") { return ["SALLYPORT_OAUTH_TOKEN_FIELD"] }
    return ["SALLYPORT_OAUTH_TOKEN_URL"]
  }
}
