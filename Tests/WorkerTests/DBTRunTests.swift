import Foundation
import OrderedCollections
import PlainData
import Testing
import WorkflowEngine

@testable import Worker

/// Drives a `DBTRun` as a table: events in, commands out.
struct RunTable {
  var run: DBTRun
  var now = WorkflowTime(nanoseconds: 1_000_000_000)

  init(_ input: PlainValue = ["command": "build"]) {
    run = DBTRun(
      start: OrchestrationStart(
        workflowType: "dbt_run", workflowID: "w", runID: "r", originalRunID: "inv", taskQueue: "q", arguments: [input]))
  }

  mutating func send(_ event: OrchestrationEvent) -> [OrchestrationCommand] {
    now = WorkflowTime(nanoseconds: now.nanoseconds + 2_000_000_000)
    return run.handle(event, in: OrchestrationContext(now: now))
  }

  /// Starts the run and answers the plan.
  mutating func plan(_ plan: DBTRunPlan) -> [OrchestrationCommand] {
    _ = send(.started)
    return send(.activityCompleted(id: "plan_project", result: plan.plain))
  }

  mutating func succeed(_ id: String) -> [OrchestrationCommand] {
    let name = id.split(separator: ":").last.map(String.init) ?? id
    let result: PlainValue = [
      "unique_id": .string(name), "status": "success", "execution_time": 0.5, "message": "SELECT 1",
    ]
    return send(.activityCompleted(id: id, result: result))
  }

  mutating func fail(_ id: String, type: String = "Compilation") -> [OrchestrationCommand] {
    let cause = OrchestrationFailure(message: "compilation error: no such thing", type: type, isNonRetryable: true)
    return send(.activityFailed(id: id, failure: cause))
  }
}

extension [OrchestrationCommand] {
  /// Ids of the activities ordered.
  var scheduled: [String] { compactMap { if case .scheduleActivity(let order) = $0 { order.id } else { nil } } }
  var cancelled: [String] { compactMap { if case .cancelActivity(let id) = $0 { id } else { nil } } }
  var result: PlainValue? { compactMap { if case .complete(let value) = $0 { value } else { nil } }.first }
  var failure: OrchestrationFailure? { compactMap { if case .fail(let failure) = $0 { failure } else { nil } }.first }
  var cancelDetails: PlainValue? { compactMap { if case .cancel(let value) = $0 { value } else { nil } }.first }
}

extension DBTRunPlan {
  /// A plan of models from `name: parents`.
  static func models(_ edges: KeyValuePairs<String, [String]>) -> DBTRunPlan {
    DBTRunPlan(
      project: "p",
      nodes: edges.map { name, parents in
        Node(uniqueID: name, name: name, resourceType: "model", materialization: "table", dependsOn: parents)
      })
  }
}

func statuses(_ result: PlainValue?) -> [String: String] {
  var found: [String: String] = [:]
  for node in result?["node_results"]?.arrayValue ?? [] {
    found[node["unique_id"]?.stringValue ?? "?"] = node["status"]?.stringValue
  }
  return found
}

@Suite struct DBTRunTests {
  @Test func startWritesTheCommandMemoAndPlans() {
    var table = RunTable(["command": "run", "select": " +orders ", "unknown_field": 1])
    let commands = table.send(.started)
    guard case .upsertMemo(let memo) = commands.first else {
      Issue.record("no memo")
      return
    }
    #expect(memo["command"]?["command"] == "run")
    #expect(memo["command"]?["select"] == "+orders")
    #expect(commands.scheduled == ["plan_project"])
    guard case .scheduleActivity(let order) = commands.last else { return }
    #expect(order.arguments.first?["invocation_id"] == "inv")
    #expect(order.arguments.first?["run_started_at"] == "1970-01-01T00:00:03.000000Z")
  }

  @Test func nodesStartWhenTheirOwnParentsAreDoneNotAtLevels() {
    var table = RunTable()
    #expect(
      table.plan(.models(["a": [], "b": [], "a1": ["a"], "b1": ["b"], "a2": ["a1"]])).scheduled == [
        "model:a", "model:b",
      ])
    #expect(table.succeed("model:a").scheduled == ["model:a1"])
    #expect(table.succeed("model:a1").scheduled == ["model:a2"])
    #expect(table.succeed("model:b").scheduled == ["model:b1"])
    #expect(table.succeed("model:a2").result == nil)
    let end = table.succeed("model:b1")
    #expect(end.result?["success"] == true)
    #expect(end.result?["invocation_id"] == "inv")
    #expect(statuses(end.result).count == 5)
  }

  @Test func noMoreNodesRunThanThePlanHasThreads() {
    var plan = DBTRunPlan.models(["a": [], "b": [], "c": [], "d": ["b"]])
    plan.threads = 2
    var table = RunTable()
    #expect(table.plan(plan).scheduled == ["model:b", "model:a"])
    #expect(table.succeed("model:a").scheduled == ["model:c"])
    #expect(table.succeed("model:b").scheduled == ["model:d"])
  }

  @Test func stateCanBeCarriedAsJSONAndGoesOnTheSame() throws {
    var table = RunTable()
    _ = table.plan(.models(["a": [], "b": ["a"], "c": ["b"]]))
    _ = table.succeed("model:a")
    var copy = table
    copy.run = try JSONDecoder().decode(DBTRun.self, from: try JSONEncoder().encode(table.run))
    #expect(table.succeed("model:b").scheduled == copy.succeed("model:b").scheduled)
    #expect(statuses(table.succeed("model:c").result) == statuses(copy.succeed("model:c").result))
  }

  @Test func longestRemainingPathGoesFirst() {
    var table = RunTable()
    let first = table.plan(.models(["leaf": [], "mid": [], "root": [], "m1": ["mid"], "r1": ["root"], "r2": ["r1"]]))
    #expect(first.scheduled == ["model:root", "model:mid", "model:leaf"])
  }

  @Test func failureSkipsDescendantsAndFailsTheRunWithItsResult() {
    var table = RunTable()
    _ = table.plan(.models(["a": [], "b": [], "c": ["a"], "d": ["c", "b"]]))
    #expect(table.fail("model:a").scheduled.isEmpty)
    let failure = table.succeed("model:b").failure
    #expect(failure?.isNonRetryable == true)
    #expect(failure?.message.hasPrefix("dbt run failed: 1 node(s) errored (a: ") == true)
    #expect(statuses(failure?.details.first) == ["a": "error", "b": "success", "c": "skipped", "d": "skipped"])
    #expect(failure?.details.first?["success"] == false)
  }

  @Test func messagesOfSeveralLinesStandOnOneInSummaries() {
    var table = RunTable()
    _ = table.plan(.models(["a": []]))
    let failure = OrchestrationFailure(message: "Database Error in model a\n  division by zero\n", type: "Compilation")
    let end = table.send(.activityFailed(id: "model:a", failure: failure)).failure
    #expect(end?.message.contains("Database Error in model a division by zero") == true)
  }

  @Test func failFastSkipsWhatHasNotBegunAndLetsRunningNodesFinish() {
    var table = RunTable(["fail_fast": true])
    _ = table.plan(.models(["a": [], "b": [], "c": ["b"]]))
    #expect(table.fail("model:a").failure == nil)
    let end = table.succeed("model:b")
    #expect(end.scheduled.isEmpty)
    #expect(statuses(end.failure?.details.first) == ["a": "error", "b": "success", "c": "skipped"])
  }

  @Test func failFastCanBeSetWhileTheRunGoes() {
    var table = RunTable()
    _ = table.plan(.models(["a": [], "b": [], "c": ["b"]]))
    _ = table.fail("model:a")
    let reply = table.run.update("set_fail_fast", arguments: [true], in: OrchestrationContext(now: table.now))
    #expect(reply == .completed(true, commands: []))
    #expect(statuses(table.succeed("model:b").failure?.details.first)["c"] == "skipped")
    guard
      case .rejected = table.run.update("set_fail_fast", arguments: ["yes"], in: OrchestrationContext(now: table.now))
    else {
      Issue.record("accepted a text")
      return
    }
  }

  @Test func toleratedFailureLeavesDependentsAlone() {
    var plan = DBTRunPlan.models(["a": [], "b": ["a"]])
    plan.nodes[0].continuesOnError = true
    var table = RunTable()
    _ = table.plan(plan)
    #expect(table.fail("model:a").scheduled == ["model:b"])
    #expect(statuses(table.succeed("model:b").failure?.details.first) == ["a": "error", "b": "success"])
  }

  @Test func cancelStopsRunningNodesWaitsForThemAndKeepsTheResults() {
    var table = RunTable()
    _ = table.plan(.models(["a": [], "b": [], "c": ["a"]]))
    _ = table.succeed("model:b")
    let asked = table.send(.cancelRequested(cause: "stop"))
    #expect(asked.cancelled == ["model:a"])
    #expect(asked.cancelDetails == nil)
    let end = table.send(.activityCancelled(id: "model:a"))
    #expect(statuses(end.cancelDetails) == ["a": "cancelled", "b": "success", "c": "cancelled"])
  }

  @Test func cancelWhilePlanningCancelsThePlan() {
    var table = RunTable()
    _ = table.send(.started)
    #expect(table.send(.cancelRequested(cause: "")).cancelled == ["plan_project"])
    #expect(table.send(.activityCancelled(id: "plan_project")).cancelDetails?["success"] == false)
  }

  @Test func hooksRunAroundTheNodesAndArtifactsAreStoredLast() {
    var plan = DBTRunPlan.models(["a": []])
    plan.hasOnRunStart = true
    plan.hasOnRunEnd = true
    plan.writesArtifacts = true
    var table = RunTable()
    #expect(table.plan(plan).scheduled == ["on_run_start"])
    #expect(table.send(.activityCompleted(id: "on_run_start", result: nil)).scheduled == ["model:a"])
    #expect(table.succeed("model:a").scheduled == ["on_run_end"])
    #expect(table.send(.activityCompleted(id: "on_run_end", result: nil)).scheduled == ["store_artifacts"])
    let paths: PlainValue = ["run_results_path": "/x/run_results.json", "manifest_path": "/x/manifest.json"]
    let end = table.send(.activityCompleted(id: "store_artifacts", result: paths))
    #expect(end.result?["artifacts"] == paths)
  }

  @Test func failedOnRunStartSkipsEveryNodeAndFails() {
    var plan = DBTRunPlan.models(["a": []])
    plan.hasOnRunStart = true
    var table = RunTable()
    _ = table.plan(plan)
    let end = table.fail("on_run_start")
    #expect(statuses(end.failure?.details.first) == ["a": "skipped"])
    #expect(end.failure?.details.first?["hook_errors"]?.arrayValue?.count == 1)
  }

  @Test func nodesRunAfterAFailedStartWhereTheProjectWantsThat() throws {
    var plan = DBTRunPlan.models(["a": []])
    plan.hasOnRunStart = true
    plan.continuesAfterFailedStart = true
    #expect(try DBTRunPlan(plain: plan.plain).continuesAfterFailedStart)
    var table = RunTable()
    _ = table.plan(plan)
    #expect(table.fail("on_run_start").scheduled == ["model:a"])
    let end = table.succeed("model:a")
    #expect(statuses(end.failure?.details.first) == ["a": "success"])
    #expect(end.failure?.details.first?["hook_errors"]?.arrayValue?.count == 1)
  }

  @Test func planFailureKeepsItsClassAndMessage() {
    var table = RunTable()
    _ = table.send(.started)
    let failure = table.fail("plan_project", type: "ProjectNotFound").failure
    #expect(failure?.type == "ProjectNotFound")
    #expect(failure?.message == "compilation error: no such thing")
    #expect(failure?.isNonRetryable == true)
  }

  @Test func circularPlanFailsInsteadOfHanging() {
    var table = RunTable()
    let failure = table.plan(.models(["a": ["b"], "b": ["a"]])).failure
    #expect(failure?.message.contains("goes in a circle through: a, b") == true)
  }

  @Test func equalNamesGetDistinctActivityIDs() {
    var plan = DBTRunPlan.models(["model.p.x": [], "model.q.x": [], "model.p.y": []])
    for index in plan.nodes.indices { plan.nodes[index].name = String(plan.nodes[index].uniqueID.last ?? "?") }
    var table = RunTable()
    #expect(table.plan(plan).scheduled == ["model:model.p.x", "model:model.q.x", "model:y"])
  }

  @Test func listEndsAfterThePlan() {
    var table = RunTable(["command": "list"])
    let end = table.plan(.models(["a": [], "b": ["a"]]))
    #expect(statuses(end.result) == ["a": "success", "b": "success"])
  }

  @Test func emptyPlanIsAnEmptySuccess() {
    var table = RunTable()
    #expect(table.plan(.models([:])).result?["success"] == true)
  }

  @Test func statusQueryTellsCountsAndNodes() throws {
    var table = RunTable()
    _ = table.plan(.models(["a": [], "b": ["a"], "c": ["a"]]))
    _ = table.succeed("model:a")
    _ = table.fail("model:b")
    let status = try table.run.query("run_status", arguments: [])
    #expect(status["phase"] == "executing")
    #expect(status["total_nodes"] == 3)
    #expect(status["total_levels"] == 2)
    #expect(status["completed_levels"] == 1)
    #expect(status["succeeded"] == 1)
    #expect(status["failed"] == 1)
    #expect(status["running"] == 1)
    #expect(status["nodes"]?["c"] == "running")
    #expect(throws: QueryRefusal.self) { try table.run.query("nope", arguments: []) }
  }

  @Test func detailsOfTheFailureBecomeTheNodesResult() {
    var table = RunTable()
    _ = table.plan(.models(["a": []]))
    let told: PlainValue = ["unique_id": "a", "status": "fail", "message": "Got 2 results", "failures": 2]
    let failure = OrchestrationFailure(message: "test failed: a", type: "TestFailure", details: [told])
    let end = table.send(.activityFailed(id: "model:a", failure: failure)).failure
    let node = end?.details.first?["node_results"]?.arrayValue?.first
    #expect(node?["failures"] == 2)
    #expect(node?["status"] == "error")
  }

  @Test func memosStayFewAndSmallHoweverMuchFails() {
    var table = RunTable()
    let names = (0..<1000).map { "model.project.a_rather_long_name_for_a_model_\($0)" }
    var open = table.plan(
      DBTRunPlan(project: "p", nodes: names.map { .init(uniqueID: $0, name: $0, resourceType: "model") })
    ).scheduled
    var memos = 0
    while let id = open.popLast() {
      let commands = table.fail(id)
      open += commands.scheduled
      for case .upsertMemo(let fields) in commands {
        memos += 1
        #expect(fields.values.reduce(0) { $0 + $1.jsonBytes().count } < 32 << 10)
      }
    }
    #expect(memos < 50)
  }

  @Test func largeRunsStayWithinOnePayload() {
    var table = RunTable()
    let names = (0..<3000).map { "model.project.a_rather_long_name_for_a_model_\($0)" }
    let nodes = names.map { DBTRunPlan.Node(uniqueID: $0, name: $0, resourceType: "model") }
    var open = table.plan(DBTRunPlan(project: "p", nodes: nodes)).scheduled
    #expect(open.count == DBTRun.window)
    var end: PlainValue?
    while let id = open.popLast() {
      let sql = String(repeating: "select 1 ", count: 1000)
      let result: PlainValue = [
        "unique_id": .string(String(id.dropFirst(6))), "status": "success", "message": "OK",
        "compiled_code": .string(sql),
        "timing": [], "adapter_response": ["code": "SELECT", "rows_affected": 1],
      ]
      let commands = table.send(.activityCompleted(id: id, result: result))
      open += commands.scheduled
      end = commands.result ?? end
    }
    #expect(end?["node_results"]?.arrayValue?.count == 3000)
    #expect((end?.jsonBytes().count ?? .max) < 2 << 20)
  }
}

@Suite struct DBTRunInputTests {
  @Test(arguments: [
    ("{}", nil),
    ("[]", "must be an object"),
    ("{\"command\": \"frobnicate\"}", "unknown command 'frobnicate'"),
    ("{\"select\": [\"a\"]}", "field 'select' must be a string, not a list"),
    ("{\"vars\": \"a: 1\"}", "field 'vars' must be an object, not a string"),
    ("{\"full_refresh\": \"yes\"}", "field 'full_refresh' must be true or false"),
    ("{\"env\": {\"A\": 1}}", "the value of 'A' must be a string"),
    ("{\"retry_from\": \"x\"}", "field 'retry_from' is not supported"),
    ("{\"retry_from\": null, \"hooks\": {}, \"state_manifest_ref\": \"\"}", nil),
    ("{\"hooks\": {\"pre_run\": []}}", nil),
    ("{\"hooks\": {\"pre_run\": [{\"workflow_type\": \"w\"}]}}", "field 'hooks' is not supported"),
    ("{\"event_time_start\": \"2026-01-01T00:00:00Z\"}", "needed both or not at all"),
    ("{\"event_time_start\": \"2026-01-01\", \"event_time_end\": \"2026-01-02T03:04:05Z\"}", nil),
    ("{\"command\": \"source-freshness\"}", nil),
    ("{\"command\": \"source freshness\"}", nil),
    ("{\"command\": \"ls\"}", nil),
    ("{\"command\": \"clone\"}", "'clone' is no command of a scheduled run; it copies"),
    ("{\"command\": \"retry\"}", "with 'select' naming what did not succeed"),
    ("{\"command\": \"docs generate\"}", "run 'sallyport dbt docs generate'"),
    ("{\"command\": \"run-operation\"}", "scheduled: build, run, test"),
    ("{\"indirect_selection\": \"odd\"}", "unknown mode 'odd'"),
  ])
  func inputIsReadOrRefusedByName(text: String, fault: String?) throws {
    let value = try PlainValue(jsonText: text)
    do {
      _ = try DBTRunInput(arguments: [value])
      #expect(fault == nil)
    } catch {
      #expect(error.message.contains(fault ?? "no fault expected"), "\(error)")
    }
  }

  @Test func missingArgumentFailsTheWorkflowClearly() {
    var run = DBTRun(
      start: OrchestrationStart(workflowType: "dbt_run", workflowID: "w", runID: "r", taskQueue: "q", arguments: []))
    let commands = run.handle(.started, in: OrchestrationContext(now: WorkflowTime(nanoseconds: 0)))
    #expect(commands.failure?.type == "Configuration")
    #expect(commands.failure?.isNonRetryable == true)
  }

  @Test func momentsAreWrittenAsISO8601() {
    #expect(WorkflowTime(nanoseconds: 0).iso8601 == "1970-01-01T00:00:00.000000Z")
    #expect(WorkflowTime(nanoseconds: 951_868_799_123_456_789).iso8601 == "2000-02-29T23:59:59.123456Z")
    #expect(WorkflowTime(nanoseconds: -1_000).iso8601 == "1969-12-31T23:59:59.999999Z")
  }
}

@Suite struct RunnerErrorTests {
  @Test(arguments: [
    (
      "Database Error in model a (models/a.sql)\n  connection to server at \"h\", port 1 failed: Connection refused",
      true
    ),
    ("Database Error in model a (models/a.sql)\n  server closed the connection unexpectedly", true),
    ("Database Error in model a (models/a.sql)\n  FATAL:  the database system is starting up", true),
    ("Database Error in model a (models/a.sql)\n  connection to server failed: password authentication failed", false),
    ("Database Error in model a (models/a.sql)\n  connection refused by column \"x\" does not exist", false),
    ("Database Error in model a (models/a.sql)\n  division by zero", false),
    ("Compilation Error in model a\n  connection refused", false),
  ])
  func outagesAreRetriedAndRefusalsAreNot(message: String, isOutage: Bool) {
    let failure = RunnerError.failed(.compilation, message, details: nil).failure()
    #expect(failure.type == (isOutage ? "Adapter" : "Compilation"))
    #expect(failure.isNonRetryable == !isOutage)
  }
}
