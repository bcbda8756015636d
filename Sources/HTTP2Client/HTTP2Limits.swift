/// Bounds and window sizes of one HTTP/2 session.
package struct HTTP2Limits: Sendable, Hashable {
  /// Bytes the peer may send on a stream before we consume, at the start.
  package var streamWindow: Int32 = 2 << 20
  /// Bytes the peer may send on all streams together before we consume, at the start.
  package var connectionWindow: Int32 = 8 << 20
  /// What `streamWindow` may grow to when the path carries more; see `BandwidthEstimator`.
  package var largestStreamWindow: Int32 = 16 << 20
  /// What `connectionWindow` may grow to.
  package var largestConnectionWindow: Int32 = 32 << 20
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
  /// Requests that the peer may reset in a row before the connection is given up; each answered one earns one back.
  package var resets: Int = 200
  /// Resets of requests that are forgiven each second.
  package var resetsPerSecond: Int = 5

  package init() {}

  /// Sets what the windows may grow to; where that is less than what they begin with, they begin with it.
  package mutating func capWindows(stream: Int32, connection: Int32) {
    largestStreamWindow = stream
    largestConnectionWindow = connection
    streamWindow = min(streamWindow, stream)
    connectionWindow = min(connectionWindow, connection)
  }
}
