import DBTEngine
import Foundation
import Logging
import OrderedCollections
import PlainData
import Secrets
import TestSupport
import Testing

@testable import Worker

/// A project on a real database, run as the activities run it.
private struct RunnerRig {
  let folder: TemporaryFolder
  let runner: EngineRunner

  /// dbt's macro packages: `SALLYPORT_MACROS`, else where `make setup` puts them.
  static var macros: String {
    let named = ProcessInfo.processInfo.environment["SALLYPORT_MACROS"] ?? ""
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    return named.isEmpty ? root.appendingPathComponent(".cache/macros").path : named
  }

  init(_ files: [String: String], port: Int? = nil, artifacts: Bool = false) throws {
    let server = try PostgresServer.shared()
    folder = try TemporaryFolder()
    let profile = """
      quay:
        target: dev
        outputs:
          dev: {type: postgres, host: 127.0.0.1, port: \(port ?? server.port), user: \(PostgresServer.user), \
      password: \(PostgresServer.password), dbname: \(try server.makeDatabase()), schema: quay, connect_timeout: 2}
      """
    let base = [
      "dbt_project.yml": "name: quay\nversion: '1.0'\nprofile: quay\nmodel-paths: [models]\n", "profiles.yml": profile,
    ]
    for (name, text) in base.merging(files, uniquingKeysWith: { $1 }) { try Self.write(folder, name, text) }
    let configuration = try Configuration(
      ProcessEnvironment(values: [
        "DBT_PROJECT_DIR": folder.path, "SALLYPORT_MACROS": Self.macros, "WRITE_ARTIFACTS": "\(artifacts)",
        "ARTIFACT_STORE": folder.file("artifacts"),
      ]))
    runner = try EngineRunner(
      configuration, environment: ProcessEnvironment(values: [:]), logger: Logger(label: "test"))
  }

  func write(_ name: String, _ text: String) throws { try Self.write(folder, name, text) }

  private static func write(_ folder: TemporaryFolder, _ name: String, _ text: String) throws {
    let path = (folder.file(name) as NSString).deletingLastPathComponent
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try folder.write(name, text)
  }

  func facts(_ command: String = "build", _ more: PlainObject = [:]) -> PlainObject {
    let base: PlainObject = [
      "command": .string(command), "invocation_id": "0f0e0d0c-0000-4000-8000-000000000001",
      "run_started_at": "2026-11-22T00:00:00.000000Z",
    ]
    return base.merging(more) { $1 }
  }

  func plan(_ command: String = "build", _ more: PlainObject = [:]) throws -> DBTRunPlan {
    try runner.plan(PlanActivityRequest(.object(facts(command, more))), stop: StopRequest())
  }

  func execute(
    _ id: String, _ command: String = "build", _ more: PlainObject = [:], stop: StopRequest = StopRequest()
  ) throws -> PlainValue {
    let members = facts(command, more).merging(["unique_id": .string(id)]) { $1 }
    return try runner.executeNode(NodeActivityRequest(.object(members)), stop: stop)
  }

  /// Class, message and details of what a call throws.
  func failure(_ body: () throws -> Void) -> (kind: DBTErrorClass, message: String, details: PlainValue?)? {
    do { try body() } catch RunnerError.failed(let kind, let message, let details) {
      return (kind, message, details)
    } catch {
      Issue.record("\(error)")
    }
    return nil
  }
}

@Suite struct EngineRunnerTests {
  static let files = [
    "models/source_rows.sql": "{{ config(materialized='ephemeral') }} select 1 as id union all select 2",
    "models/base.sql": "{{ config(materialized='table') }} select * from {{ ref('source_rows') }}",
    "models/top.sql": "select * from {{ ref('middle') }}",
    "models/middle.sql": "{{ config(materialized='ephemeral') }} select * from {{ ref('base') }}",
    "models/properties.yml":
      "models:\n  - name: base\n    columns:\n      - name: id\n        data_tests: [unique, {accepted_values: {arguments: {values: [1]}}}]\n",
  ]

  @Test func ephemeralModelsAreNoNodesAndTheirParentsStandInForThem() throws {
    let plan = try RunnerRig(Self.files).plan("run")
    #expect(plan.project == "quay")
    #expect(plan.nodes.map(\.uniqueID) == ["model.quay.base", "model.quay.top"])
    #expect(plan.nodes.map(\.dependsOn) == [[], ["model.quay.base"]])
    #expect(plan.nodes.first?.materialization == "table" && plan.nodes.first?.packageName == "quay")
  }

  @Test func aSelectionThatFindsNothingIsAnError() throws {
    let rig = try RunnerRig(Self.files)
    let failure = rig.failure { _ = try rig.plan("run", ["select": "nowhere"]) }
    #expect(failure?.kind == .configuration)
    #expect(failure?.message == "no nodes found for command 'run' with select 'nowhere'")
    #expect(rig.failure { _ = try rig.plan("run", ["project": "other"]) }?.kind == .projectNotFound)
  }

  @Test func nodesAreBuiltAndTestsToldApart() throws {
    let rig = try RunnerRig(Self.files)
    let built = try rig.execute("model.quay.base")
    #expect(built["status"] == "success" && built["message"] == "SELECT 2")
    #expect(built["adapter_response"]?["rows_affected"] == 2 && built["adapter_response"]?["message"] == "SELECT 2")
    #expect(built["compiled_code"]?.stringValue?.contains("union all") == true)
    let ids = try rig.plan("test").nodes.map(\.uniqueID)
    let unique = try #require(ids.first { $0.contains("unique_base_id") })
    let passed = try rig.execute(unique, "test")
    #expect(passed["status"] == "success" && passed["dbt_status"] == "pass" && passed["failures"] == 0)
    let accepted = try #require(ids.first { $0.contains("accepted_values") })
    let failed = try #require(rig.failure { _ = try rig.execute(accepted, "test") })
    #expect(failed.kind == .testFailure && failed.message == "\(accepted) (1 failing row(s))")
    #expect(failed.details?["failures"] == 1 && failed.details?["compiled_code"]?.isNull == true)
  }

  @Test func errorsHaveTheClassThatDecidesOnRetries() throws {
    let rig = try RunnerRig([
      "models/broken.sql": "{{ config(materialized='table') }} select * from nowhere_at_all",
      "models/raises.sql": "{% if execute %}{{ exceptions.raise_compiler_error('not today') }}{% endif %} select 1",
    ])
    let sql = rig.failure { _ = try rig.execute("model.quay.broken") }
    #expect(sql?.kind == .compilation && sql?.message.contains("nowhere_at_all") == true)
    let macro = rig.failure { _ = try rig.execute("model.quay.raises") }
    #expect(macro?.kind == .compilation && macro?.message.contains("not today") == true)
    let away = try RunnerRig(["models/one.sql": "select 1 as id"], port: LoopbackPort.free())
    let absent = away.failure { _ = try away.execute("model.quay.one") }
    #expect(absent?.kind == .adapter)
    #expect(absent?.message.contains(PostgresServer.password) == false)
  }

  @Test(.timeLimit(.minutes(1))) func aStopEndsTheStatement() throws {
    let rig = try RunnerRig([
      "models/slow.sql": "{{ config(materialized='table') }} select count(*) as n from (select pg_sleep(60)) as s"
    ])
    _ = try rig.plan("run")
    let stop = StopRequest()
    Thread.detachNewThread {
      usleep(700_000)
      stop.request()
    }
    let begun = Date()
    #expect {
      _ = try rig.execute("model.quay.slow", "run", stop: stop)
    } throws: { error in
      if case RunnerError.stopped = error { true } else { false }
    }
    #expect(Date().timeIntervalSince(begun) < 20)
  }

  @Test func aProjectMendedInPlaceWorksWithTheNextRun() throws {
    let rig = try RunnerRig(["models/one.sql": "select * from {{ ref('missing') }}"])
    let failure = rig.failure { _ = try rig.plan("run") }
    #expect(failure?.kind == .compilation && failure?.message.contains("missing") == true)
    try rig.write("models/one.sql", "select 1 as id")
    #expect(try rig.plan("run").nodes.count == 1)
    try rig.write("models/two.sql", "select 2 as id")
    #expect(try rig.plan("run").nodes.count == 2)
  }

  @Test func varsAndEnvironmentOfARunAreItsOwn() throws {
    let rig = try RunnerRig(["models/one.sql": "select '{{ var('v', 'none') }}{{ env_var('E', 'none') }}' as x"])
    let own: PlainObject = [
      "vars": ["v": "a"], "env": ["E": "b"], "invocation_id": "11111111-0000-4000-8000-000000000002",
    ]
    #expect(try rig.execute("model.quay.one", "compile", own)["compiled_code"]?.stringValue?.contains("'ab'") == true)
    #expect(try rig.execute("model.quay.one", "compile")["compiled_code"]?.stringValue?.contains("'nonenone'") == true)
  }

  @Test func artifactsAreStoredUnderTheRunsId() throws {
    let rig = try RunnerRig(Self.files, artifacts: true)
    #expect(try rig.plan("run").writesArtifacts)
    let built = try rig.execute("model.quay.base", "run")
    let members = rig.facts("run").merging(
      ["node_results": .array([built, ["unique_id": "model.quay.top", "status": "skipped"]]), "run_log": "line\n"]
    ) { $1 }
    let paths = try rig.runner.storeArtifacts(ArtifactsActivityRequest(.object(members)), stop: StopRequest())
    let folder = rig.folder.file("artifacts/0f0e0d0c-0000-4000-8000-000000000001")
    #expect(
      paths == [
        "run_results_path": .string(folder + "/run_results.json"), "manifest_path": .string(folder + "/manifest.json"),
        "log_path": .string(folder + "/log.txt"),
      ])
    let results = try PlainValue(json: Array(Data(contentsOf: URL(filePath: folder + "/run_results.json"))))
    let statuses = results["results"]?.arrayValue?.compactMap { $0["status"]?.stringValue }
    #expect(statuses == ["success", "skipped"])
    #expect(results["results"]?.arrayValue?.first?["adapter_response"]?["_message"] == "SELECT 2")
    #expect(try String(contentsOfFile: folder + "/log.txt", encoding: .utf8) == "line\n")
    for id in ["../../etc", "", "a/b", String(repeating: "a", count: 65)] {
      let hostile = members.merging(["invocation_id": .string(id)]) { $1 }
      #expect(throws: RunnerError.self) {
        try rig.runner.storeArtifacts(ArtifactsActivityRequest(.object(hostile)), stop: StopRequest())
      }
    }
  }

  @Test func retriesAndTimeLimitsComeFromTheProjectsFile() throws {
    let rig = try RunnerRig(Self.files)
    try rig.write("dbt_temporal.yml", "retry: {max_attempts: 7}\ntimeouts: {node_secs: 120}\nhooks: {pre_run: []}\n")
    let settings = try rig.plan("run").settings
    #expect(settings.maxAttempts == 7 && settings.nodeSeconds == 120 && settings.hookSeconds == 300)
    for (text, word) in [
      ("hooks: {pre_run: [{workflow_type: x, task_queue: q}]}", "hooks.pre_run"),
      ("retry: {max_attempts: 0}", "max_attempts"),
      ("retry: {non_retryable_errors: [x]}", "non_retryable_errors"), ("timeouts: {node_secs: x}", "node_secs"),
      ("timeouts: {node_secs: 5}", "heartbeat"), ("retry: [", "dbt_temporal.yml"),
    ] {
      try rig.write("dbt_temporal.yml", text)
      let failure = rig.failure { _ = try rig.plan("run") }
      #expect(failure?.kind == .configuration && failure?.message.contains(word) == true, "\(text)")
    }
  }

  @Test func twoProjectsOfOneNameStopTheStart() throws {
    let folder = try TemporaryFolder()
    for name in ["a", "b"] {
      try FileManager.default.createDirectory(atPath: folder.file(name), withIntermediateDirectories: true)
      try folder.write("\(name)/dbt_project.yml", "name: quay\n")
      try folder.write("\(name)/profiles.yml", "quay: {}\n")
    }
    let configuration = try Configuration(
      ProcessEnvironment(values: ["DBT_PROJECTS_DIR": folder.path, "SALLYPORT_MACROS": RunnerRig.macros]))
    #expect {
      try EngineRunner(configuration, environment: ProcessEnvironment(values: [:]), logger: Logger(label: "test"))
    } throws: { error in
      "\(error)".contains("two projects have the name 'quay'")
    }
  }
}

@Suite struct EngineRunnerResultTests {
  @Test(arguments: [
    (NodeStatus.success, "success"), (.pass, "success"), (.warn, "success"), (.noOp, "success"), (.fail, "error"),
    (.error, "error"), (.runtimeError, "error"), (.skipped, "skipped"),
  ])
  func resultsGoThroughTheContractAndBack(status: NodeStatus, word: String) throws {
    var result = NodeResult(uniqueID: "model.quay.one", status: status)
    result.adapterResponse = ["_message": "SELECT 2", "rows_affected": 2]
    result.message = "SELECT 2"
    result.failures = 3
    result.executionTime = 0.5
    #expect(result.contract["status"] == .string(word))
    let back = try #require(NodeResult(contract: result.contract))
    #expect(back.status == status && back.adapterResponse == result.adapterResponse && back.failures == 3)
    #expect(back.message == "SELECT 2" && back.executionTime == 0.5)
  }

  @Test func resultsThatTheWorkflowMadeUpAreRead() {
    #expect(NodeResult(contract: ["unique_id": "a", "status": "cancelled"])?.status == .skipped)
    #expect(NodeResult(contract: ["unique_id": "a", "status": "error"])?.status == .error)
    #expect(NodeResult(contract: ["status": "error"]) == nil)
    #expect(NodeResult(contract: "text") == nil)
  }

  @Test func knownSecretsLeaveNoTraceInResults() {
    Redactor.process.register(SharedSecret(copying: "canary-in-result".utf8))
    var result = NodeResult(uniqueID: "model.quay.one", status: .error)
    result.message = "failed for canary-in-result"
    result.compiledCode = "select 'canary-in-result'"
    #expect(!result.contract.json().contains("canary"))
  }
}
