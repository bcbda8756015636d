import DBTContext
import DBTEngine
import Logging
import OrderedCollections
import PlainData
import Secrets

extension NodeResult {
  /// The result as the workflow's contract has it: its statuses, and `dbt_status` with dbt's own beside them.
  var contract: PlainValue {
    let response = adapterResponse.renaming("_message", "message")
    let message = message ?? age
    var members: PlainObject = [
      "unique_id": .string(uniqueID), "status": .string(contractStatus), "execution_time": .double(executionTime),
      "message": message.map { .string($0) } ?? .null, "adapter_response": .object(response),
      "compiled_code": compiledCode.map { .string($0) } ?? .null, "timing": .array(timing.map(\.plain)),
      "failures": failures.map { .int($0) } ?? .null, "dbt_status": .string(status.rawValue),
      "thread_id": .string(threadID), "relation_name": relationName.map { .string($0) } ?? .null,
      "compiled": compiled.map { .bool($0) } ?? .null, "batch_results": batchResults?.plain ?? .null,
      "overload_results": overloadResults?.plain ?? .null,
    ]
    if var freshness {
      freshness["status"] = .string(status.rawValue)
      members["freshness"] = .object(freshness)
    }
    return PlainValue.object(members).redacted
  }

  /// How old a source is, in words; nil for what is none or was not measured.
  var age: String? {
    guard let freshness, let seconds = freshness["max_loaded_at_time_ago_in_s"]?.doubleValue else { return nil }
    let loaded = freshness["max_loaded_at"]?.stringValue ?? ""
    let word = status == .error ? "ERROR STALE" : status.rawValue.uppercased()
    return "freshness \(word) (age \(Int(seconds))s, max_loaded_at \(loaded))"
  }

  private var contractStatus: String {
    if status.isFailure { return "error" }
    return status == .skipped ? "skipped" : "success"
  }

  /// Reads what `contract` wrote, or what the workflow made up for a node that never ran.
  init?(contract: PlainValue) {
    guard let id = contract["unique_id"]?.stringValue, let word = contract["status"]?.stringValue else { return nil }
    let known = contract["dbt_status"]?.stringValue.flatMap(NodeStatus.init(rawValue:))
    let fallback: NodeStatus = word == "success" ? .success : word == "error" ? .error : .skipped
    var members = contract.objectValue ?? [:]
    members["unique_id"] = .string(id)
    members["status"] = .string((known ?? fallback).rawValue)
    let response = members["adapter_response"]?.objectValue ?? [:]
    members["adapter_response"] = .object(response.renaming("message", "_message"))
    self.init(plain: .object(members))
  }
}

extension Engine {
  /// A result of the contract as hooks and artifacts get it. A node that never ran is told as dbt tells it: by its relation,
  /// and without the workflow's own words.
  func result(of contract: PlainValue) -> NodeResult? {
    guard let result = NodeResult(contract: contract) else { return nil }
    guard result.status == .skipped, contract["dbt_status"]?.stringValue == nil else { return result }
    var skipped = skippedResult(result.uniqueID)
    switch result.message {
    case DBTRunResults.failedFast: skipped.message = "Skipping due to fail_fast"
    case DBTRunResults.failedParent, DBTRunResults.failedHooks: skipped.message = nil
    default: skipped.message = result.message
    }
    return skipped
  }
}

extension PlainObject {
  /// The same members in the same order, one of them under another name.
  fileprivate func renaming(_ old: String, _ new: String) -> PlainObject {
    PlainObject(map { ($0.key == old ? new : $0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
  }
}

extension RunnerError {
  /// A node or hook that ended badly. The failure carries the node's result without its code: the scheduler keeps no
  /// more
  /// than 4 KiB of the failure of an attempt that is to be repeated.
  init(_ result: NodeResult) {
    var message = result.message ?? "\(result.uniqueID) ended with status \(result.status.rawValue)"
    let kind: DBTErrorClass
    if result.status == .fail {
      kind = result.uniqueID.hasPrefix("unit_test.") ? .unitTestFailure : .testFailure
      message = "\(result.uniqueID) (\(result.failures ?? 0) failing row(s))"
    } else if let age = result.age {
      kind = .staleSource
      message = "\(result.uniqueID): \(age)"
    } else {
      kind = DBTErrorClass(result.errorKind ?? .runtime, isTransient: result.isTransient)
    }
    self = .failed(kind, message, details: result.contract.replacing("compiled_code", by: .null))
  }
}

extension DBTErrorClass {
  /// What may pass is the warehouse's doing; the rest is the project's or the profile's, and stays.
  init(_ kind: EngineError.Kind, isTransient: Bool) {
    switch kind {
    case _ where isTransient: self = .adapter
    case .profile, .project, .usage: self = .configuration
    default: self = .compilation
    }
  }
}

extension DBTRunPlan {
  /// The nodes of an engine's plan as the workflow runs them: without ephemeral models, whose parents stand in for
  /// them,
  /// and without exposures and saved queries, for which there is nothing to do.
  static func nodes(_ plan: RunPlan) -> [Node] {
    var ephemeral: [String: [String]] = [:]
    for node in plan.nodes where node.isEphemeral { ephemeral[node.uniqueID] = node.parents }
    let works = plan.nodes.filter { !$0.isEphemeral && !["exposure", "saved_query"].contains($0.resourceType) }
    return works.map { planned in
      var node = Node(
        uniqueID: planned.uniqueID, name: planned.name, resourceType: planned.resourceType,
        packageName: planned.uniqueID.split(separator: ".").dropFirst().first.map(String.init) ?? "",
        materialization: planned.materialized.isEmpty ? nil : planned.materialized,
        dependsOn: solid(planned.parents, ephemeral))
      node.continuesOnError = planned.continuesOnError
      return node
    }
  }

  /// The parents with each ephemeral one replaced by its own, each once, in order.
  private static func solid(_ parents: [String], _ ephemeral: [String: [String]]) -> [String] {
    var found: OrderedSet<String> = []
    var visited: Set<String> = []
    var waiting = Array(parents.reversed())
    while let parent = waiting.popLast() {
      guard let behind = ephemeral[parent] else {
        found.append(parent)
        continue
      }
      if visited.insert(parent).inserted { waiting += behind.reversed() }
    }
    return Array(found)
  }
}

extension PlainValue {
  /// The same tree with known secrets replaced in every text.
  var redacted: PlainValue {
    switch self {
    case .string(let text): .string(Redactor.process.redact(text))
    case .array(let items): .array(items.map(\.redacted))
    case .object(let members): .object(members.mapValues(\.redacted))
    default: self
    }
  }
}

/// Carries what templates log into the worker's log.
struct LogSink: Sendable {
  private let logger: Logger

  /// Every line names the project, and the run if there is one.
  init(_ logger: Logger, project: String, invocationID: String? = nil) {
    var logger = logger
    logger[metadataKey: "project"] = "\(project)"
    if let invocationID { logger[metadataKey: "invocation_id"] = "\(invocationID)" }
    self.logger = logger
  }

  /// Logs one line.
  func take(_ line: LogLine) {
    guard !line.message.isEmpty else { return }
    var fields: Logger.Metadata = ["text": "\(line.message)"]
    if let node = line.nodeID { fields["node"] = "\(node)" }
    let level: Logger.Level =
      switch line.level {
      case .debug: .debug
      case .info: .info
      case .warn: .warning
      case .error: .error
      }
    logger.log(level: level, "dbt", metadata: fields)
  }
}
