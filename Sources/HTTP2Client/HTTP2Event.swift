/// What a session reports about its streams and itself, in the order in which it happened.
package enum HTTP2Event: Sendable, Hashable {
  /// The first header block that is not informational.
  case response(stream: Int32, fields: [HTTP2ResponseField])
  /// Body bytes. The window opens again when the owner calls `consume`.
  case data(stream: Int32, bytes: [UInt8])
  /// The header block after the body.
  case trailers(stream: Int32, fields: [HTTP2ResponseField])
  /// The peer has sent everything it will send on this stream.
  case end(stream: Int32)
  /// The stream is gone. After a clean `end` this carries `.noError` and nothing more to learn.
  case closed(stream: Int32, HTTP2StreamClosure)
  /// The peer's first SETTINGS have arrived: requests may be sent.
  case ready
  /// The peer has acknowledged our SETTINGS.
  case settingsAcknowledged
  /// Further SETTINGS of the peer have arrived: it may admit more streams now, or fewer.
  case settingsChanged
  /// The peer takes no new streams; those up to `lastStream` go on.
  case goAway(lastStream: Int32, code: HTTP2ErrorCode, debug: String)
  /// A PING of ours was answered.
  case pong

  /// Whether the peer closes the connection because it got more pings than it likes. The interval of keepalive is then to
  /// be doubled for the connections that follow (gRPC proposal A8).
  package var isTooManyPings: Bool {
    if case .goAway(_, .enhanceYourCalm, "too_many_pings") = self { return true }
    return false
  }
}

/// How a stream ended.
package struct HTTP2StreamClosure: Sendable, Hashable {
  /// The code of RST_STREAM, the peer's or ours.
  package var code: HTTP2ErrorCode
  /// True only when the peer surely did not handle the request: it was never sent, or it was refused by rule.
  package var isUnprocessed: Bool
  /// Why we reset the stream ourselves; nil when the peer did.
  package var localReason: String?
  /// Whether the peer sent RST_STREAM.
  package var isResetByPeer: Bool

  package init(
    code: HTTP2ErrorCode, isUnprocessed: Bool, localReason: String? = nil, isResetByPeer: Bool = false
  ) {
    self.code = code
    self.isUnprocessed = isUnprocessed
    self.localReason = localReason
    self.isResetByPeer = isResetByPeer
  }
}
