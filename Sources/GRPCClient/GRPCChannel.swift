package import EventLoop
package import Logging

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
}

/// A connection to one server that carries all calls, replaced whenever it ages, drains or breaks.
///
/// An actor on the event loop's thread. `call` may be used from any number of tasks at once.
package actor GRPCChannel: UnaryCaller {
  private let configuration: ChannelConfiguration
  private let loop: EventLoop
  private let logger: Logger

  package nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe loop.asUnownedSerialExecutor() }

  /// Makes a channel; it connects on the first call.
  package init(configuration: ChannelConfiguration, loop: EventLoop, logger: Logger) {
    self.configuration = configuration
    self.loop = loop
    self.logger = logger
  }

  /// What the connection is doing now; readable from any thread.
  package nonisolated var state: ChannelState { ChannelState() }

  package func call(_ call: GRPCCall) async throws(GRPCError) -> [UInt8] {
    throw GRPCError(.unimplemented, "the channel cannot connect yet", mayHaveReachedServer: false)
  }

  /// Refuses further calls, waits up to `grace` for open ones, resets the rest and closes the connection in order.
  package func shutdown(grace: Duration) async {}
}
