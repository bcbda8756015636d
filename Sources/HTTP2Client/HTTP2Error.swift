/// The end of a whole connection: every stream that was open on it ends with it.
package struct HTTP2Error: Error, Sendable, Hashable, CustomStringConvertible {
  /// What ended the connection. The first three are the peer's fault, the rest the environment's or ours.
  package enum Code: Sendable, Hashable {
    /// The peer broke a rule of HTTP/2.
    case protocolViolation
    /// The peer sent more idle frames (pings, settings, empty data) than any honest one would.
    case flood
    /// The peer closed the connection for an error of its own or of ours (GOAWAY with a code other than NO_ERROR).
    case closedByPeer
    /// The peer did not answer in time: no SETTINGS, or no acknowledgement of a PING.
    case silent
    /// The connection was not established: name, route, refusal, time.
    case unreachable
    /// The TLS layer refused: one of the two sides does not accept the other. `cause` holds the TLS error's text.
    case refusedByTLS
    /// The connection broke after it had been established.
    case connectionLost
    /// The files of this side (certificate, key, authority) cannot be used; nothing was dialed.
    case localConfiguration
    /// Memory ran out or an internal limit of the library was met.
    case exhausted
  }

  /// What ended the connection.
  package let code: Code
  /// A sentence for people, without secrets; names the cause and, where there is one, the fix.
  package let message: String

  package init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// Whether trying again without changing any configuration can help by itself.
  package var isTransient: Bool {
    switch code {
    case .refusedByTLS, .localConfiguration: false
    default: true
    }
  }

  package var description: String { message }
}

/// The error codes of RST_STREAM and GOAWAY (RFC 9113 §7).
package struct HTTP2ErrorCode: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  package let rawValue: UInt32
  package init(rawValue: UInt32) { self.rawValue = rawValue }

  package static let noError = HTTP2ErrorCode(rawValue: 0x0)
  package static let protocolError = HTTP2ErrorCode(rawValue: 0x1)
  package static let internalError = HTTP2ErrorCode(rawValue: 0x2)
  package static let refusedStream = HTTP2ErrorCode(rawValue: 0x7)
  package static let cancel = HTTP2ErrorCode(rawValue: 0x8)
  package static let enhanceYourCalm = HTTP2ErrorCode(rawValue: 0xb)
  package static let inadequateSecurity = HTTP2ErrorCode(rawValue: 0xc)

  private static let names = [
    "NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED",
    "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM",
    "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
  ]

  /// Whether the code is one of RFC 9113.
  var isStandard: Bool { Self.names.indices.contains(Int(rawValue)) }

  package var description: String {
    Self.names.indices.contains(Int(rawValue)) ? Self.names[Int(rawValue)] : "error code \(rawValue)"
  }
}
