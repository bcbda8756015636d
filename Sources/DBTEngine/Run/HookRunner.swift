import DBTContext
import DBTProject
import Jinja
import OrderedCollections
import PlainData

/// A hook's start or end.
package enum HookEvent {
  /// The hook's name as dbt prints it, its place from 1, and how many there are.
  case started(String, Int, Int)
  case finished(String, NodeResult, Int, Int)
}

/// Runs the project's hooks before or after all nodes, each statement outside of any transaction.
struct HookRunner {
  private let run: RunContext
  private let cancellation: Cancellation

  init(_ run: RunContext, _ cancellation: Cancellation) {
    self.run = run
    self.cancellation = cancellation
  }

  /// The hooks of a phase: the root project's first, then those of packages by name. dbt means to run the root's last, but
  /// its comparison leaves them where they were found.
  static func hooks(_ phase: HookPhase, _ manifest: Manifest) -> [Node] {
    manifest.nodes.values.filter { $0.resourceType == .operation && $0.tags.contains(phase.rawValue) }.sorted {
      left, right in
      let isRoot = (left.packageName == manifest.projectName, right.packageName == manifest.projectName)
      if isRoot.0 != isRoot.1 { return isRoot.0 }
      return (left.packageName, left.index ?? 0) < (right.packageName, right.index ?? 0)
    }
  }

  /// Runs them in order until one fails; the others are skipped.
  ///
  /// - Parameter results: what nodes came to, for `on-run-end`.
  func execute(_ phase: HookPhase, results: [NodeResult], observe: (HookEvent) -> Void) -> [NodeResult] {
    let hooks = Self.hooks(phase, run.engine.project.manifest)
    guard !hooks.isEmpty else { return [] }
    let connection = run.connection("master", node: nil, cancellation)
    defer { connection.close() }
    let extras = phase == .onRunEnd ? HookResults.members(results, run) : [:]
    var outcomes: [NodeResult] = []
    for (index, hook) in hooks.enumerated() {
      let name = "\(hook.packageName).\(phase.rawValue).\(index)"
      run.note(hook.uniqueID, hookIndex: index + 1)
      var result: NodeResult
      if outcomes.contains(where: { $0.status == .error }) {
        result = NodeResult(uniqueID: hook.uniqueID, status: .skipped)
        result.compiled = false
        result.message = "\(name) skipped"
        result.failures = 1
      } else {
        result = execute(hook, name, connection, extras, isFirst: index == 0) {
          observe(.started(name, index + 1, hooks.count))
        }
      }
      result.threadID = "main"
      outcomes.append(result)
      observe(.finished(name, result, index + 1, hooks.count))
    }
    return outcomes
  }

  /// - Parameter whenCompiled: called before the statement is sent; dbt too tells of a hook only when it is rendered.
  private func execute(
    _ hook: Node, _ name: String, _ connection: DatabaseConnection, _ extras: [String: Value], isFirst: Bool,
    whenCompiled: () -> Void
  ) -> NodeResult {
    let started = UTCTime.now.seconds
    var result = NodeResult(uniqueID: hook.uniqueID, status: .success)
    do {
      if isFirst { try connection.clearTransaction() }
      let compiled = try NodeCompiler(run: run, connection: connection, threadName: "MainThread")
        .compile(hook, extras: extras)
      result.compiled = true
      result.compiledCode = run.scrub(compiled.code)
      result.codePath = compiled.path
      whenCompiled()
      let ready = UTCTime.now.seconds
      result.timing = [NodeTiming(name: "compile", startedAt: started, completedAt: ready)]
      if compiled.code.contains(where: { !$0.isWhitespace }) {
        _ = try connection.execute(compiled.code, autoBegin: false, fetch: .none)
      }
      result.timing.append(NodeTiming(name: "execute", startedAt: ready, completedAt: UTCTime.now.seconds))
      result.message = "\(name) passed"
      result.failures = 0
    } catch {
      let known = DBTError(error, node: NodeNaming.reference(hook))
      result.status = .error
      result.message = run.scrub("\(name) failed, error:\n \(known.message)")
      result.failures = 1
      result.errorKind = cancellation.isCancelled ? .cancelled : EngineError(known).kind
      result.isTransient = connection.lastFailure?.isTransient ?? false
      if let compiling = result.timing.last, result.timing.count == 1 {
        result.timing.append(
          NodeTiming(name: "execute", startedAt: compiling.completedAt, completedAt: UTCTime.now.seconds))
      }
      if result.compiled == nil { result.renderFailure = EngineError(known).scrubbed(by: run.invocation.scrubber) }
    }
    result.executionTime = UTCTime.now.seconds - started
    return result
  }
}

/// What `on-run-end` hooks see of a run.
enum HookResults {
  /// `results`, `schemas` and `database_schemas`.
  static func members(_ results: [NodeResult], _ run: RunContext) -> [String: Value] {
    let manifest = run.engine.project.manifest
    let shown = results.filter { $0.threadID != "main" || $0.status == .error }
    var schemas: [String] = []
    var pairs: [Value] = []
    for result in results where !result.status.isFailure && result.status != .skipped {
      guard let node = manifest.nodes[result.uniqueID], SchemaSetup(run, Cancellation()).isRelational(node) else {
        continue
      }
      guard !schemas.contains(node.schema) else { continue }
      schemas.append(node.schema)
      pairs.append(.tuple([node.database.map { .string($0) } ?? .none, .string(node.schema)]))
    }
    let documents = RunDocuments(run)
    return [
      "results": .list(shown.map { .object(HookResultObject($0, model: model($0, manifest, documents))) }),
      "schemas": .list(schemas.map { .string($0) }), "database_schemas": .list(pairs),
    ]
  }

  /// The resource that a result is about, in dbt's form: a template finds None where a member has no value.
  private static func model(_ result: NodeResult, _ manifest: Manifest, _ documents: RunDocuments) -> Value {
    let document: PlainValue
    if let node = manifest.node(result.uniqueID) {
      document = documents.entry(node) ?? node.json()
    } else {
      switch manifest.member(result.uniqueID) {
      case let entry as ResourceEntry: document = entry.json()
      case let source as SourceTable: document = source.json()
      default: return .none
      }
    }
    return NodeNaming.object(document)
  }
}

/// One entry of `results` in hooks.
final class HookResultObject: Object {
  private let result: NodeResult
  private let model: Value

  init(_ result: NodeResult, model: Value) {
    self.result = result
    self.model = model
  }

  var typeName: String { "RunResult" }
  var repr: String { "RunResult(status=\(result.status.rawValue), node=\(result.uniqueID))" }

  func attribute(_ name: String, _ evaluation: Evaluation) throws -> Value? {
    switch name {
    case "node": model
    case "status": .string(result.status.rawValue)
    case "message": result.message.map { .string($0) } ?? Value.none
    case "execution_time": .double(result.executionTime)
    case "timing": .list(result.timing.map(timing))
    case "adapter_response": Value(.object(result.adapterResponse))
    case "failures": result.failures.map { .int($0) } ?? Value.none
    case "thread_id": .string(result.threadID)
    case "unique_id": .string(result.uniqueID)
    case "skip": .bool(result.status == .skipped)
    case "to_dict", "to_msg_dict":
      .function(name, ["omit_none?"]) { [self] _, _ in
        var members = result.artifactEntry.objectValue ?? [:]
        members["node"] = try model.plain()
        for (name, value) in measured { members[name] = value }
        return Value(.object(members))
      }
    default: measured[name].map { Value($0) }
    }
  }

  /// How old a source was found to be, by the names that dbt's results have.
  private var measured: PlainObject {
    guard let freshness = result.freshness else { return [:] }
    return [
      "max_loaded_at": freshness["max_loaded_at"] ?? .null, "snapshotted_at": freshness["snapshotted_at"] ?? .null,
      "age": freshness["max_loaded_at_time_ago_in_s"] ?? .null,
    ]
  }

  private func timing(_ step: NodeTiming) -> Value {
    func moment(_ seconds: Double) -> Value {
      PythonDateTime(isoText: UTCTime(seconds).iso)?.replacing(zone: nil).value ?? .none
    }
    return .object(
      RecordObject(
        "TimingInfo", step.plain.objectValue ?? [:],
        special: ["started_at": moment(step.startedAt), "completed_at": moment(step.completedAt)]))
  }

  func item(_ key: Value, _ evaluation: Evaluation) throws -> Value? {
    try key.stringValue.flatMap { try attribute($0, evaluation) }
  }

  func plain() throws -> PlainValue? { result.artifactEntry }
}
