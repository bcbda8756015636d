package import EventLoop

/// What a channel's connection is doing, for health checks and logs.
package struct ChannelState: Sendable, Hashable {
  /// Whether a connection is ready for calls.
  package var isConnected = false
  /// Since when the present connection is ready; nil while there is none.
  package var connectedSince: MonotonicTime?
  /// Why the latest connection or attempt failed; nil once a connection has been established again.
  package var lastError: String?
  /// Connections established so far, the first included.
  package var connections = 0
  /// Attempts to connect that failed, so far.
  package var failedAttempts = 0
  /// Calls that wait for a connection or for a free stream.
  package var waitingCalls = 0
  /// Calls on a stream of their own now, those of draining connections included.
  package var openCalls = 0
  /// Calls that ended with a response, so far.
  package var succeededCalls = 0
  /// Calls that ended with an error, so far.
  package var failedCalls = 0
  /// When a server last answered a call, with whatever status.
  package var lastAnswer: MonotonicTime?
  /// Bytes received and sent on sockets by connections that have ended.
  package var bytesReceived = 0, bytesSent = 0
}
