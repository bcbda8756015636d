import Foundation
import OrderedCollections
import PlainData
import TemporalClient
import TemporalMessages
import TemporalWorker
import Testing
import WorkflowEngine

@testable import Worker

/// `dbt_run` against a real Temporal server, its nodes by script.
@Suite(.serialized) struct DBTRunServerTests {
  static let chain = DBTRunPlan.models(["a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]])

  @Test func officialClientStartsShowsAndQueriesARun() async throws {
    let rig = try SchedulerRig()
    let worker = try rig.worker(ScriptedRunner(Self.chain))
    try await rig.serving(worker) {
      let id = "cli-\(rig.queue)"
      let started = try rig.cli(
        "workflow", "start", "--type", "dbt_run", "--task-queue", rig.queue, "--workflow-id", id, "--input",
        "{\"command\":\"build\"}")
      #expect(started.contains("dbt_run"))
      let result = try rig.cli("workflow", "result", "--workflow-id", id)
      #expect(result.contains("COMPLETED"), "\(result)")
      let shown = try rig.cli("workflow", "show", "--workflow-id", id, "--output", "json")
      #expect(shown.contains("execute_node") && shown.contains("model:a"))
      let answer = try rig.cli("workflow", "query", "--workflow-id", id, "--type", "run_status", "--output", "json")
      #expect(answer.contains("\"succeeded\": 4") || answer.contains("\"succeeded\":4"), "\(answer)")
      let metadata = try rig.cli("workflow", "metadata", "--workflow-id", id, "--output", "json")
      #expect(metadata.contains("passed") && metadata.contains("run_status"), "\(metadata)")
      let described = try rig.cli("workflow", "describe", "--workflow-id", id, "--output", "json")
      #expect(described.contains("node_status"))
    }
  }

  @Test func nodesAreActivitiesWithTheirSummaries() async throws {
    let rig = try SchedulerRig()
    let execution = try await rig.start()
    let history = try await rig.serving(try rig.worker(ScriptedRunner(Self.chain))) {
      try await rig.history(execution, waitForEnd: true)
    }
    _ = try await rig.record(execution, as: "succeeded")
    var summaries: [String] = []
    for event in history {
      guard case .activityTaskScheduledEventAttributes(let activity) = event.attributes,
        activity.activityType?.name == "execute_node"
      else { continue }
      let summary = try event.userMetadata?.summary?.plain().stringValue ?? ""
      #expect(summary == activity.activityID)
      summaries.append(summary)
    }
    #expect(summaries == ["model:a", "model:b", "model:c", "model:d"])
    #expect(history.last?.outcome?["success"] == true)
    var run = WorkflowRun(registry: Self.registry)
    try run.replay(try RecordedEvent.read(history, runID: execution.runID))
  }

  static var registry: OrchestrationRegistry {
    var registry = OrchestrationRegistry()
    registry.register(DBTRun.self)
    return registry
  }

  @Test func failedNodeFailsTheRunAndSkipsWhatLiesBelow() async throws {
    let rig = try SchedulerRig()
    let runner = ScriptedRunner(
      Self.chain, ["b": { _, _ in throw RunnerError.failed(.compilation, "no such column", details: nil) }])
    let execution = try await rig.start()
    let end = try await rig.serving(try rig.worker(runner)) { try await rig.end(execution) }
    _ = try await rig.record(execution, as: "failed")
    #expect(end.failure?.isNonRetryable == true)
    #expect(end.failure?.message.contains("no such column") == true)
    #expect(statuses(end.outcome) == ["a": "success", "b": "error", "c": "success", "d": "skipped"])
    #expect(runner.attempts("b") == 1)
  }

  @Test func passingFailureIsRetriedByTheServer() async throws {
    let rig = try SchedulerRig()
    var plan = Self.chain
    plan.settings.initialInterval = 0.2
    let runner = ScriptedRunner(
      plan,
      [
        "b": { attempt, _ in
          if attempt < 3 { throw RunnerError.failed(.adapter, "server closed the connection", details: nil) }
          return "SELECT 1"
        }
      ])
    let execution = try await rig.start()
    let end = try await rig.serving(try rig.worker(runner)) { try await rig.end(execution) }
    _ = try await rig.record(execution, as: "retried")
    #expect(statuses(end.outcome)["b"] == "success")
    #expect(runner.attempts("b") == 3)
  }

  @Test func cancellationStopsTheRunningNodeAndKeepsTheResult() async throws {
    let rig = try SchedulerRig()
    let runner = ScriptedRunner(Self.chain, ["b": { _, stop in try ScriptedRunner.sleep(60, stop) }])
    let execution = try await rig.start()
    let end = try await rig.serving(try rig.worker(runner)) {
      #expect(await rig.until { runner.attempts("b") == 1 && runner.attempts("c") == 1 })
      let asked = Date()
      try await rig.client.cancel(execution, reason: "enough")
      let end = try await rig.end(execution)
      #expect(Date().timeIntervalSince(asked) < 5)
      return end
    }
    _ = try await rig.record(execution, as: "cancelled")
    #expect(end.eventType == .workflowExecutionCanceled)
    #expect(statuses(end.outcome) == ["a": "success", "b": "cancelled", "c": "success", "d": "cancelled"])
    #expect(runner.stoppedNodes == ["b"])
  }

  @Test func secondWorkerTakesOverFromOneThatVanished() async throws {
    let rig = try SchedulerRig()
    var plan = Self.chain
    plan.settings.nodeHeartbeatSeconds = 2
    plan.settings.initialInterval = 0.2
    // Polls that the lost worker left open may each swallow an attempt.
    plan.settings.maxAttempts = 10
    let slow: ScriptedRunner.Behaviour = { _, stop in try ScriptedRunner.sleep(30, stop) }
    let first = ScriptedRunner(plan, ["b": slow, "c": slow])
    let second = ScriptedRunner(plan)
    let execution = try await rig.start()
    let line = Signal<CuttableTasks>()
    let cuttable: (any TaskService) -> any TaskService = {
      let service = CuttableTasks($0)
      line.fire(service)
      return service
    }
    let lost = try rig.worker(
      first, name: "first", service: cuttable, change: { $0.reportPatience = .seconds(1) })
    let end = try await rig.serving(lost, grace: .zero) {
      #expect(await rig.until { first.attempts("b") == 1 && first.attempts("c") == 1 })
      line.value?.isCut.fire(true)
      return try await rig.serving(try rig.worker(second, name: "second")) { try await rig.end(execution) }
    }
    _ = try await rig.record(execution, as: "worker-lost")
    #expect(statuses(end.outcome) == ["a": "success", "b": "success", "c": "success", "d": "success"])
    #expect(second.attempts("b") == 1 && second.attempts("a") == 0)
  }

  @Test func stoppedWorkerHandsItsNodesOn() async throws {
    let rig = try SchedulerRig()
    var plan = Self.chain
    plan.settings.initialInterval = 0.2
    let first = ScriptedRunner(plan, ["b": { _, stop in try ScriptedRunner.sleep(30, stop) }])
    let execution = try await rig.start()
    try await rig.serving(try rig.worker(first, name: "first"), grace: .milliseconds(100)) {
      #expect(await rig.until { first.attempts("b") == 1 })
    }
    #expect(first.stoppedNodes == ["b"])
    let second = ScriptedRunner(plan)
    let end = try await rig.serving(try rig.worker(second, name: "second")) { try await rig.end(execution) }
    #expect(end.outcome?["success"] == true)
  }

  @Test(arguments: [0, 1]) func runsSurviveWithoutCacheAndWithEvictions(cached: Int) async throws {
    let rig = try SchedulerRig()
    let runner = ScriptedRunner(Self.chain, ["b": { _, stop in try ScriptedRunner.sleep(0.3, stop) }])
    let worker = try rig.worker(runner, change: { $0.cachedRuns = cached })
    try await rig.serving(worker) {
      var runs: [WorkflowExecution] = []
      for _ in 0..<3 { runs.append(try await rig.start()) }
      for run in runs { #expect(try await rig.end(run).outcome?["success"] == true) }
    }
  }

  @Test func queriesAreAnsweredDuringAndAfterTheRun() async throws {
    let rig = try SchedulerRig()
    let runner = ScriptedRunner(Self.chain, ["b": { _, stop in try ScriptedRunner.sleep(2, stop) }])
    let execution = try await rig.start()
    try await rig.serving(try rig.worker(runner)) {
      #expect(await rig.until { runner.attempts("b") == 1 })
      let during = try await rig.client.query(execution, "run_status")
      #expect(during["phase"] == "executing")
      #expect(during["total_nodes"] == 4)
      _ = try await rig.end(execution)
      let after = try await rig.client.query(execution, "run_status")
      #expect(after["succeeded"] == 4)
      await #expect(throws: (any Error).self) { try await rig.client.query(execution, "nonsense") }
    }
  }

  @Test func failFastCanBeSetByUpdate() async throws {
    let rig = try SchedulerRig()
    var plan = DBTRunPlan.models(["a": [], "b": [], "c": ["b"]])
    plan.settings.maxAttempts = 1
    let runner = ScriptedRunner(
      plan,
      [
        "a": { _, _ in throw RunnerError.failed(.compilation, "bad", details: nil) },
        "b": { _, stop in try ScriptedRunner.sleep(3, stop) },
      ])
    let execution = try await rig.start()
    let end = try await rig.serving(try rig.worker(runner)) {
      #expect(await rig.until { runner.attempts("b") == 1 })
      let answer = try rig.cli(
        "workflow", "update", "execute", "--workflow-id", execution.workflowID, "--name", "set_fail_fast", "--input",
        "true", "--output", "json")
      #expect(answer.contains("true"))
      #expect(throws: RigError.self) {
        try rig.cli(
          "workflow", "update", "execute", "--workflow-id", execution.workflowID, "--name", "unknown", "--input", "1")
      }
      return try await rig.end(execution)
    }
    #expect(statuses(end.outcome) == ["a": "error", "b": "success", "c": "skipped"])
    var run = WorkflowRun(registry: Self.registry)
    try run.replay(try RecordedEvent.read(try await rig.record(execution, as: "updated"), runID: execution.runID))
  }

  @Test func largeFailedRunStillFailsWithItsWholeResult() async throws {
    let rig = try SchedulerRig()
    let names = (0..<300).map { "n\($0)" }
    let plan = DBTRunPlan(project: "p", nodes: names.map { .init(uniqueID: $0, name: $0, resourceType: "model") })
    let long = String(repeating: "a long message ", count: 270)
    let failing: ScriptedRunner.Behaviour = { _, _ in throw RunnerError.failed(.compilation, long, details: nil) }
    let runner = ScriptedRunner(plan, Dictionary(uniqueKeysWithValues: names.map { ($0, failing) }))
    let execution = try await rig.start()
    let end = try await rig.serving(try rig.worker(runner)) { try await rig.end(execution) }
    #expect(end.outcome?["node_results"]?.arrayValue?.count == 300)
    #expect(end.failure?.message.hasPrefix("dbt run failed: 300 node(s) errored") == true)
  }

  @Test(arguments: [[], ["--input", "[1, 2]"], ["--input", "7"], ["--input", "{\"command\": \"fly\"}"]])
  func wrongInputFailsTheWorkflowAtOnce(arguments: [String]) async throws {
    let rig = try SchedulerRig()
    let id = "bad-\(rig.queue)"
    try await rig.serving(try rig.worker(ScriptedRunner(Self.chain))) {
      let process =
        ["workflow", "start", "--type", "dbt_run", "--task-queue", rig.queue, "--workflow-id", id] + arguments
      _ = try rig.cli(process)
      let end = try await rig.end(.with { $0.workflowID = id })
      #expect(end.failure?.type == "Configuration")
      #expect(end.failure?.isNonRetryable == true)
      #expect(end.failure?.message.hasPrefix("configuration error: ") == true)
    }
  }
}
