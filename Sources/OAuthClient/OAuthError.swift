/// Why no access token was granted. The message names the endpoint, the cause and the fix, and never holds a secret.
package struct OAuthError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What went wrong, in three families: this side, the way there, the endpoint's answer.
  package enum Code: String, Sendable, Hashable, CaseIterable {
    // This side: nothing was dialed.
    /// A file (secret, assertion, authority, certificate) cannot be used.
    case fileUnusable = "file_unusable"
    /// The settings contradict each other or the library cannot do what they ask for.
    case misconfigured
    /// The system has no memory or thread to give.
    case exhausted

    // The way there: the endpoint has seen no request, or has not answered it.
    /// The host name has no address.
    case nameNotResolved = "name_not_resolved"
    /// The host or its address may not be dialed.
    case egressRefused = "egress_refused"
    /// No address accepted a connection.
    case connectFailed = "connect_failed"
    /// The proxy could not be reached or did not open the tunnel.
    case proxyFailed = "proxy_failed"
    /// The two sides did not agree on TLS, or the server's certificate was not good.
    case tlsFailed = "tls_failed"
    /// The time for the whole request ran out.
    case timedOut = "timed_out"
    /// The connection broke before the answer was complete.
    case connectionLost = "connection_lost"

    // The answer.
    /// The endpoint does not know this client or refuses its secret, assertion or certificate.
    case clientRefused = "client_refused"
    /// The client is known but may not have this grant, scope or audience.
    case grantRefused = "grant_refused"
    /// Too many requests (HTTP 429).
    case throttled
    /// The endpoint says that it is at fault (HTTP 5xx).
    case serverFailed = "server_failed"
    /// What answers is no token endpoint: a redirect, a missing page, another method.
    case unexpectedStatus = "unexpected_status"
    /// The answer is no JSON object, too long, or holds no token that can be sent.
    case responseInvalid = "response_invalid"
    /// The token is not a bearer token.
    case tokenTypeUnsupported = "token_type_unsupported"
  }

  /// What went wrong.
  package let code: Code
  /// A sentence for people.
  package let message: String
  /// How long the endpoint asks to be left alone; nil when it does not.
  package var retryAfter: Duration?

  package init(_ code: Code, _ message: String, retryAfter: Duration? = nil) {
    self.code = code
    self.message = message
    self.retryAfter = retryAfter
  }

  /// Whether somebody must act (here or at the endpoint) before a repetition can succeed.
  package var isRefusal: Bool {
    switch code {
    case .fileUnusable, .misconfigured, .clientRefused, .grantRefused, .unexpectedStatus, .tokenTypeUnsupported,
      .egressRefused:
      true
    case .exhausted, .nameNotResolved, .connectFailed, .proxyFailed, .tlsFailed, .timedOut, .connectionLost,
      .throttled, .serverFailed, .responseInvalid:
      false
    }
  }

  package var description: String { message }
}
