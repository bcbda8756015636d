/// Bounds and window sizes of one HTTP/2 session.
package struct HTTP2Limits: Sendable, Hashable {
  /// Bytes the peer may send on a stream before we consume.
  package var streamWindow: Int32 = 2 << 20
  /// Bytes the peer may send on all streams together before we consume.
  package var connectionWindow: Int32 = 8 << 20
  /// Largest header block, counted as names, values and 32 for each field (RFC 9113 §6.5.2).
  package var headerListBytes: Int = 16 << 10
  /// Most fields in a header block.
  package var headerFields: Int = 200
  /// Most informational (1xx) blocks before the response.
  package var informationalBlocks: Int = 8
  /// Streams after which the connection is to be replaced, long before the numbers run out.
  package var streamsPerConnection: Int = 1_000_000
  /// Frames without content that may be saved up and that return each second; see `FrameBudget`.
  package var idleFrames: Int = 1_000
  /// Frames without content that the peer may send each second in the long run.
  package var idleFramesPerSecond: Int = 10

  package init() {}
}
