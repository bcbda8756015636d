package import Egress
package import Secrets
package import TLSClient

/// What one transfer sends, where to, and within which bounds. Without a form it is a GET, with one a POST.
package struct TransferRequest: Sendable {
  /// The whole address as it is dialed; it may hold a user and password.
  package let url: SharedSecret
  /// Where `url` leads, as libcurl reads it.
  package let address: TransferAddress
  /// The most bytes of the answer's body.
  package let bodyLimit: Int
  /// The body of a POST.
  package var form: SharedSecret?
  /// Header lines beside those that libcurl writes by itself.
  package var headers: [String] = []
  /// The value of `Authorization`.
  package var authorization: SharedSecret?
  /// The value of `User-Agent`.
  package var userAgent = "sallyport"
  /// Which destinations may be dialed.
  package var egress = EgressPolicy.open
  /// Whether no address but this machine's own may be dialed.
  package var isLoopbackOnly = false
  /// The proxy on the way; nil: none. Variables of the environment are never consulted.
  package var proxy: ProxyTarget?
  /// Trust and identity for the server; needed for https.
  package var tls: TLSContext?
  /// Trust for a proxy that is spoken to in TLS; needed for such a one.
  package var proxyTLS: TLSContext?
  /// Time for resolving, connecting and the TLS handshake together.
  package var connectTimeout: Duration = .seconds(10)
  /// Time for the whole transfer.
  package var timeout: Duration = .seconds(20)
  /// A transfer that brings less than `stallBytes` a second for so many whole seconds is ended.
  package var stallTimeout: Duration = .seconds(30)
  /// 0: there is no such bound.
  package var stallBytes = 0
  /// Asked about once a second whether to end the transfer.
  package var isCancelled: (@Sendable () -> Bool)?
  /// Whether the answer's body is received into memory that is never moved, and overwritten in the end.
  package var isAnswerSecret = false

  package init(url: SharedSecret, address: TransferAddress, bodyLimit: Int) {
    self.url = url
    self.address = address
    self.bodyLimit = bodyLimit
  }
}

/// What came back, whatever its status.
package struct TransferAnswer: Sendable {
  package var status: Int
  /// At most as long as the request's `bodyLimit`.
  package var body: [UInt8]
  package var contentType: String?
  /// Where a redirect leads; it is never followed.
  package var location: String?
  package var retryAfter: Duration?
  /// Seconds since 1970 by the server's clock.
  package var serverTime: Int?
}
