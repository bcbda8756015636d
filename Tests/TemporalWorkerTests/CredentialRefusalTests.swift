import GRPCClient
import Observability
import Testing
import WorkflowEngine

@testable import TemporalWorker

/// A refused credential is no reason to end: it may be renewed at any time, and a restart would not help.
@Suite struct CredentialRefusalTests {
  @Test("G17 a report that the server knows nothing of any more counts as done")
  func reportAnsweredNotFound() async {
    let scheduler = ScriptedScheduler()
    scheduler.set { $0.reportFaults = [RPCFault(.unavailable, "lost"), RPCFault(.notFound, "no such task")] }
    let runner = ActivityTaskRunner(
      service: scheduler, options: ActivityTaskTests.options(),
      handlers: [ClosureActivity(type: "echo") { arguments, _ in arguments[0] }], logger: quietLogger)
    await runner.process(.task("echo"))
    #expect(scheduler.get { $0.reportFaults.isEmpty })
    #expect(scheduler.get { $0.activityFailures.isEmpty })
  }

  @Test("Polls that are refused as unauthenticated go on past all patience, and work once the credential is good")
  func unauthenticatedPolls() async throws {
    let scheduler = ScriptedScheduler()
    scheduler.set {
      $0.pollFault = RPCFault(.unauthenticated, "bad key")
      $0.activityTasks = [.task("echo")]
    }
    var options = ActivityTaskTests.options()
    options.refusalPatience = .milliseconds(60)
    let health = HealthState()
    let worker = TemporalWorker(
      service: scheduler, options: options, registry: OrchestrationRegistry(),
      handlers: [ClosureActivity(type: "echo") { arguments, _ in arguments[0] }], health: health, logger: quietLogger)
    let running = Task { try await worker.run() }
    try await Task.sleep(for: .milliseconds(500))
    #expect(scheduler.get { $0.activityResults.isEmpty })
    #expect(!health.report().isReady)
    scheduler.set { $0.pollFault = nil }
    #expect(await scheduler.until { !$0.activityResults.isEmpty })
    worker.shutDown(grace: .zero)
    try await running.value
  }
}
