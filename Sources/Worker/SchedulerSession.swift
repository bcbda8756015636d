import EventLoop
import GRPCClient
package import Logging
package import TemporalClient
import TemporalMessages

/// A client's line to the scheduler: an event loop, a channel on it and the calls. For commands that end again.
package final class SchedulerSession: Sendable {
  /// Workflows in plain data.
  package let client: WorkflowClient
  /// The settings it was made from.
  package let configuration: SchedulerConfiguration
  private let loop: EventLoop
  private let channel: GRPCChannel

  /// Starts the event loop; the connection is made by the first call.
  ///
  /// - Throws: `WorkerProcessError` when the system refuses a thread or descriptor.
  package init(
    _ configuration: SchedulerConfiguration, role: String, logger: Logger
  ) throws(WorkerProcessError) {
    do {
      loop = try EventLoop(name: "scheduler")
    } catch {
      throw WorkerProcessError("the event loop cannot start: \(error)")
    }
    self.configuration = configuration
    let identity = ProcessIdentity.text(role: role)
    let (channel, service) = configuration.connect(on: loop, identity: identity, logger: logger)
    self.channel = channel
    client = WorkflowClient(service: service)
  }

  /// Closes the connection in order.
  package func close() async {
    await channel.shutdown(grace: .seconds(1))
    loop.stop()
  }

  /// Why there is no connection now; nil while there is one, or nothing is known yet.
  package var connectionFault: String? {
    let state = channel.state
    return state.isConnected ? nil : state.lastError
  }

  /// A sentence about a connection that cannot be made, with the settings that may mend it.
  package func explain(connectionFault fault: String) -> String {
    ConnectionAdvice.explain("no connection to \(configuration.address): \(fault)", address: configuration.address)
  }

  /// A failed call with the settings that may mend it.
  package func explain(_ error: ServiceError) -> String {
    ConnectionAdvice.explain(error, address: configuration.address)
  }

  /// Who polls the configured task queue for workflow tasks; nil when the scheduler would not say.
  package func pollerCount() async -> Int? {
    let answer = try? await client.service.describeTaskQueue(
      .with {
        $0.taskQueue = .with { $0.name = configuration.taskQueue }
        $0.taskQueueType = .workflow
      })
    return answer?.pollers.count
  }
}

/// Why the process could not be set up, as opposed to a wrong configuration.
package struct WorkerProcessError: Error, Sendable, Hashable, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }
}
