/// The times that one connection keeps. The defaults suit servers in the field; tests shorten them.
package struct HTTP2Timing: Sendable, Hashable {
  /// The least time between the answer to one PING of ours and the next PING, whatever it is for. Temporal's servers
  /// answer the third PING that comes within 10 s of the one before by `too_many_pings`; counted from the answer, no delay
  /// on the way can bring two closer together at the server.
  package var pingSpacing: Duration = .seconds(10)
  /// How long the peer may take to acknowledge our SETTINGS; nghttp2 itself would wait for ever.
  package var settingsAcknowledgement: Duration = .seconds(10)
  /// How long a frame, a header block or a TLS record that has begun to arrive may take to its end; and how long, in sum, the
  /// ends of frames may be waited for until `ProgressWatch.leastBytes` have come.
  package var frame: Duration = .seconds(30)
  /// How long the peer may take no single byte of what waits to be sent.
  package var write: Duration = .seconds(30)
  /// How long the farewell of an orderly close may take.
  package var farewell: Duration = .seconds(1)

  package init() {}
}
