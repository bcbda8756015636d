package import EventLoop
package import TLSClient

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
  /// Connections that finish their open calls and take no more.
  package var drainingConnections = 0
  /// Why long polls take turns: the server admits too few streams on as many connections as there may be. Nil: they do not.
  package var streamShortage: String?
  /// How often an identity has been adopted from the files, the first included; 0 without TLS or before the first.
  package var credentialGeneration = 0
  /// Adoptions of new files after the first, so far.
  package var rotations = 0
  /// Trials of new files that failed, so far.
  package var failedRotations = 0
  /// Why the files as they are now are not in use; nil while they are.
  package var rotationFault: String?
  /// Why the identity in use can serve for no new connection (its time is over); nil while it can. A worker with such an
  /// identity is not ready, but alive: a restart would not help.
  package var credentialFault: String?
  /// The certificate of this side that ends first; nil without one.
  package var expiry: CertificateExpiry?
}
