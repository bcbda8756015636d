package import Egress
package import TLSClient

/// Everything a token endpoint must be told and be told about.
package struct TokenEndpointConfiguration: Sendable {
  /// Where tokens are asked for.
  package var url: TokenURL
  /// The client's identifier.
  package var clientIdentifier: String
  /// How the client proves who it is.
  package var authentication: ClientAuthentication
  /// Scopes between spaces; nil: the endpoint's default.
  package var scope: String?
  /// The service that the token is for; nil: the endpoint's default.
  package var audience: String?
  /// The member of the answer that is sent to the scheduler.
  package var field = TokenField.accessToken
  /// Authorities and client certificate for this endpoint; the scheduler's are not used for it.
  package var tls: TLSConfiguration
  /// The proxy on the way; nil: none. Variables of the environment are never consulted.
  package var proxy: ProxyTarget?
  /// Which destinations may be dialed.
  package var egress = EgressPolicy.open
  /// Time for resolving, connecting and the TLS handshake together.
  package var connectTimeout: Duration = .seconds(10)
  /// Time for the whole request.
  package var timeout: Duration = .seconds(20)
  /// The value of `User-Agent`.
  package var userAgent = "sallyport"

  package init(
    url: TokenURL, clientIdentifier: String, authentication: ClientAuthentication,
    tls: TLSConfiguration = TLSConfiguration()
  ) {
    self.url = url
    self.clientIdentifier = clientIdentifier
    self.authentication = authentication
    self.tls = tls
  }
}
