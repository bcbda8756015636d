package import Secrets
package import TLSClient

/// Everything a token endpoint must be told and be told about.
package struct TokenEndpointConfiguration: Sendable {
  /// A proxy that opens a tunnel by HTTP CONNECT. Whether it is used for this endpoint is decided by whoever sets it.
  package struct Proxy: Sendable {
    /// Name or literal; an IPv6 literal without brackets.
    package var host: String
    /// TCP port.
    package var port: Int
    /// The value of `Proxy-Authorization` as of now; nil: none is sent. May read a file: called on the request's thread.
    /// What it throws is told in words only.
    package var authorization: (@Sendable () throws -> SharedSecret)?

    package init(host: String, port: Int, authorization: (@Sendable () throws -> SharedSecret)? = nil) {
      self.host = host
      self.port = port
      self.authorization = authorization
    }
  }

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
  /// How to get there; nil: directly. Variables of the environment are never consulted.
  package var proxy: Proxy?
  /// Which destinations may be dialed.
  package var check: any DialCheck = OpenDialing()
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
