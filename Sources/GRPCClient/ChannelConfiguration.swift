package import Egress
package import HTTP2Client
package import Secrets
package import TLSClient

/// Everything a channel must know: whom to dial, how to secure and identify it, and within which bounds.
package struct ChannelConfiguration: Sendable {
  /// Liveness probes by PING. A Temporal server tolerates no two pings within 10 s, so the interval is held above that.
  package struct Keepalive: Sendable, Hashable {
    /// Silence after which a PING is sent; at least 10 s.
    package var interval: Duration
    /// How long its acknowledgement may take before the connection counts as dead.
    package var timeout: Duration

    package init(interval: Duration = .seconds(30), timeout: Duration = .seconds(15)) {
      self.interval = interval
      self.timeout = timeout
    }
  }

  /// The pauses between attempts to connect: `initial`, then `factor` times the one before, each varied by `jitter`.
  package struct BackoffPolicy: Sendable, Hashable {
    /// The pause after the first failure.
    package var initial: Duration
    /// The longest pause, before jitter.
    package var maximum: Duration
    /// By how much each pause exceeds the one before.
    package var factor: Double
    /// Fraction by which a pause is varied at random, either way.
    package var jitter: Double

    package init(
      initial: Duration = .milliseconds(200), maximum: Duration = .seconds(10), factor: Double = 1.6,
      jitter: Double = 0.2
    ) {
      self.initial = initial
      self.maximum = maximum
      self.factor = factor
      self.jitter = jitter
    }
  }

  /// Bounds on what a call may send and a server may make us hold.
  package struct Limits: Sendable, Hashable {
    /// Largest request message, checked before sending; Temporal servers accept 4 MiB.
    package var requestBytes: Int
    /// Largest response message accepted.
    package var responseBytes: Int
    /// Largest header block accepted, counted as RFC 9113 §6.5.2 counts it.
    package var headerListBytes: Int
    /// Calls that may wait for a connection or for a free stream.
    package var waitingCalls: Int

    package init(
      requestBytes: Int = 4 << 20, responseBytes: Int = 32 << 20, headerListBytes: Int = 16 << 10,
      waitingCalls: Int = 1_000
    ) {
      self.requestBytes = requestBytes
      self.responseBytes = responseBytes
      self.headerListBytes = headerListBytes
      self.waitingCalls = waitingCalls
    }
  }

  /// Name or address literal to dial; an IPv6 literal without brackets.
  package var host: String
  /// TCP port, 1...65535.
  package var port: Int
  /// Further hosts that serve as well, each proved by its own name; tried in turn with the first.
  package var alternatives: [(host: String, port: Int)] = []
  /// A unix socket to dial instead of host and port, which stay the server's name; nil: none.
  package var socketPath: String?
  /// The proxy that connections go through; nil: none.
  package var proxy: ProxyConfiguration?
  /// What may be dialed.
  package var egress = EgressPolicy.open
  /// How the connection is secured; nil: plaintext, which is refused unless the host is loopback or `allowPlaintext` is set.
  package var tls: TLSConfiguration?
  /// The user asked for plaintext by name although the host is not loopback.
  package var allowPlaintext = false
  /// Where the value of `authorization` comes from; wins over `apiKeyFile` and `apiKey`.
  package var authorization: (any AuthorizationSource)?
  /// File with the API key, sent as `authorization: Bearer …` and re-read when it changes.
  package var apiKeyFile: String?
  /// The API key itself, when it does not stand in a file.
  package var apiKey: SharedSecret?
  /// The value of `:authority`; nil: the server name (or host) and, if it is not the scheme's own, the port.
  package var authority: String?
  /// The value of `user-agent`.
  package var userAgent = "sallyport"
  /// Time for resolving, connecting, the TLS handshake and the server's first SETTINGS together.
  package var connectTimeout: Duration = .seconds(20)
  /// Liveness probes.
  package var keepalive = Keepalive()
  /// Pauses between attempts to connect.
  package var backoff = BackoffPolicy()
  /// Most connections that carry new calls at once. One does, unless the server admits fewer streams on it than there are
  /// long polls.
  package var connectionLimit = 4
  /// How eagerly connections are made and replaced.
  package var reconnect = ReconnectRules()
  /// How patiently new certificate files are waited for and tried.
  package var rotation = RotationRules()
  /// The path of a cheap method by which a new identity is tried before it is adopted; nil: the server's SETTINGS suffice.
  package var probePath: String?
  /// Bounds on memory and sizes.
  package var limits = Limits()
  /// Bounds and windows of each HTTP/2 connection; its header list follows `limits`.
  package var http2Limits = HTTP2Limits()
  /// The times each HTTP/2 connection keeps; tests shorten them.
  package var http2Timing = HTTP2Timing()

  package init(host: String, port: Int, tls: TLSConfiguration? = nil) {
    self.host = host
    self.port = port
    self.tls = tls
  }
}
