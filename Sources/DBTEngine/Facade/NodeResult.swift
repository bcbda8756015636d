import OrderedCollections
package import PlainData

/// What became of a node, with dbt's names.
package enum NodeStatus: String, Sendable, Hashable {
  case success
  case error
  case fail
  case warn
  case pass
  case skipped
  case partialSuccess = "partial success"
  case runtimeError = "runtime error"
  case noOp = "no-op"
  case reused

  /// Whether what depends on the node must be skipped. A failed test counts in `build` only.
  package func blocksDependents(isBuild: Bool) -> Bool {
    switch self {
    case .error, .partialSuccess, .runtimeError: true
    case .fail: isBuild
    default: false
    }
  }

  /// Whether a run that contains it is a failure.
  package var isFailure: Bool {
    switch self {
    case .error, .fail, .partialSuccess, .runtimeError: true
    default: false
    }
  }
}

/// A span of work in a node: `compile` or `execute`, with times in seconds since 1970.
package struct NodeTiming: Sendable, Hashable {
  package var name: String
  package var startedAt: Double
  package var completedAt: Double

  package init(name: String, startedAt: Double, completedAt: Double) {
    self.name = name
    self.startedAt = startedAt
    self.completedAt = completedAt
  }

  /// dbt's form, times as `2026-01-02T03:04:05.678901Z`.
  package var plain: PlainValue {
    [
      "name": .string(name), "started_at": .string(UTCTime(startedAt).iso),
      "completed_at": .string(UTCTime(completedAt).iso),
    ]
  }
}

/// What became of a function's overloads.
package struct OverloadResults: Sendable, Hashable {
  package var successful: [String] = []
  package var failed: [String] = []

  package init() {}

  /// dbt's form.
  package var plain: PlainValue {
    ["successful": .array(successful.map { .string($0) }), "failed": .array(failed.map { .string($0) })]
  }

  /// Reads what `plain` wrote; nil when there is no such object.
  init?(plain: PlainValue?) {
    guard let plain, plain.objectValue != nil else { return nil }
    successful = (plain["successful"]?.arrayValue ?? []).compactMap(\.stringValue)
    failed = (plain["failed"]?.arrayValue ?? []).compactMap(\.stringValue)
  }
}

/// The outcome of one node, with what `run_results.json` records.
package struct NodeResult: Sendable, Hashable {
  package var uniqueID: String
  package var status: NodeStatus
  package var timing: [NodeTiming] = []
  package var threadID = ""
  /// Seconds.
  package var executionTime: Double = 0
  /// `_message`, `code`, `rows_affected`; empty when no statement answered.
  package var adapterResponse: PlainObject = [:]
  package var message: String?
  /// How many rows failed a test; nil for what is no test.
  package var failures: Int?
  /// Nil for what has no code to compile (seeds).
  package var compiled: Bool?
  package var compiledCode: String?
  package var relationName: String?
  /// The family of the error, nil without one.
  package var errorKind: EngineError.Kind?
  /// Whether an error may go away by itself; see `EngineError.isTransient`.
  package var isTransient = false
  /// A hook's error when its code could not even be rendered; it ends a whole command.
  package var renderFailure: EngineError?
  /// What `show` has to print of the rows; not in artifacts.
  package var preview: NodePreview?
  /// What became of a microbatch model's batches; nil for all else.
  package var batchResults: BatchResults?
  /// What became of a function's overloads, by the names of their files; nil for all else.
  package var overloadResults: OverloadResults?
  /// For sources: `max_loaded_at`, `snapshotted_at`, `max_loaded_at_time_ago_in_s` and `criteria`; nil when not measured.
  package var freshness: PlainObject?
  /// Relative path of the file that dbt names after an error (`target/run/…`).
  package var codePath: String?

  package init(uniqueID: String, status: NodeStatus) {
    self.uniqueID = uniqueID
    self.status = status
  }

  /// Notes that all from `started` until now was execution: compiling is not told apart.
  mutating func noteExecution(since started: Double) {
    let ended = UTCTime.now.seconds
    timing = [
      NodeTiming(name: "compile", startedAt: started, completedAt: started),
      NodeTiming(name: "execute", startedAt: started, completedAt: ended),
    ]
    executionTime = ended - started
  }

  /// An entry of `results` in run_results.json (v6).
  package var artifactEntry: PlainValue {
    [
      "status": .string(status.rawValue), "timing": .array(timing.map(\.plain)), "thread_id": .string(threadID),
      "execution_time": .double(executionTime), "adapter_response": .object(adapterResponse),
      "message": text(message), "failures": failures.map { .int($0) } ?? .null, "unique_id": .string(uniqueID),
      "compiled": compiled.map { .bool($0) } ?? .null, "compiled_code": text(compiledCode),
      "relation_name": text(relationName), "batch_results": batchResults?.plain ?? .null,
      "overload_results": overloadResults?.plain ?? .null,
    ]
  }

  /// The whole result for passing between processes: the artifact's entry with `error_kind`, `is_transient` and `code_path`.
  package var plain: PlainValue {
    var members = artifactEntry.objectValue ?? [:]
    members["error_kind"] = text(errorKind?.rawValue)
    members["is_transient"] = .bool(isTransient)
    members["code_path"] = text(codePath)
    if let freshness { members["freshness"] = .object(freshness) }
    return .object(members)
  }

  /// Reads what `plain` wrote; nil when id or status are missing or unknown. Unknown members are ignored.
  package init?(plain: PlainValue) {
    guard let id = plain["unique_id"]?.stringValue, let name = plain["status"]?.stringValue,
      let status = NodeStatus(rawValue: name)
    else { return nil }
    self.init(uniqueID: id, status: status)
    timing = (plain["timing"]?.arrayValue ?? []).compactMap { entry in
      guard let name = entry["name"]?.stringValue, let start = entry["started_at"]?.stringValue,
        let end = entry["completed_at"]?.stringValue, let startedAt = UTCTime(iso: start),
        let completedAt = UTCTime(iso: end)
      else { return nil }
      return NodeTiming(name: name, startedAt: startedAt.seconds, completedAt: completedAt.seconds)
    }
    threadID = plain["thread_id"]?.stringValue ?? ""
    executionTime = plain["execution_time"]?.doubleValue ?? 0
    adapterResponse = plain["adapter_response"]?.objectValue ?? [:]
    message = plain["message"]?.stringValue
    failures = plain["failures"]?.intValue
    compiled = plain["compiled"]?.boolValue
    compiledCode = plain["compiled_code"]?.stringValue
    relationName = plain["relation_name"]?.stringValue
    errorKind = plain["error_kind"]?.stringValue.flatMap(EngineError.Kind.init(rawValue:))
    isTransient = plain["is_transient"]?.boolValue ?? false
    batchResults = BatchResults(plain: plain["batch_results"])
    overloadResults = OverloadResults(plain: plain["overload_results"])
    codePath = plain["code_path"]?.stringValue
    freshness = plain["freshness"]?.objectValue
  }

  private func text(_ value: String?) -> PlainValue { value.map { .string($0) } ?? .null }
}
