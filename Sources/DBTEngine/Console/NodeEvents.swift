import DBTContext
import DBTProject
import OrderedCollections
import PlainData

/// dbt's structured events about nodes: the line with its name and its data.
struct NodeEvents {
  let engine: Engine

  /// What every event about a node carries of it.
  ///
  /// - Parameters:
  ///   - status: `started`, `compiling`, `executing` or the result's.
  ///   - result: once there is one, for its times.
  func info(_ uniqueID: String, status: String, result: NodeResult? = nil) -> PlainValue {
    let manifest = engine.project.manifest
    let member = manifest.member(uniqueID)
    let node = manifest.nodes[uniqueID]
    func time(_ seconds: Double?) -> PlainValue { .string(seconds.map { UTCTime($0).iso } ?? "") }
    return [
      "materialized": .string(node?.materialized ?? ""), "meta": .object(node?.meta ?? [:]),
      "node_checksum": .string(node?.checksum.checksum ?? ""),
      "node_finished_at": time(result?.timing.last?.completedAt),
      "node_name": .string(member?.name ?? uniqueID),
      "node_path": .string(node?.path ?? member?.originalFilePath ?? ""),
      "node_relation": [
        "alias": .string(node?.alias ?? ""), "database": .string(node?.database ?? ""),
        "relation_name": .string(node?.relationName ?? ""), "schema": .string(node?.schema ?? ""),
      ],
      "node_started_at": time(result?.timing.first?.startedAt), "node_status": .string(status),
      "resource_type": .string(member?.resourceType.rawValue ?? ""), "unique_id": .string(uniqueID),
    ]
  }

  func line(
    _ level: LogLine.Level, _ text: String, _ event: String, _ uniqueID: String, status: String,
    result: NodeResult? = nil, data: PlainObject = [:]
  ) -> LogLine {
    var members = data
    members["node_info"] = info(uniqueID, status: status, result: result)
    return LogLine(level, text, event: event, nodeID: uniqueID, data: members)
  }

  func began(_ label: NodeLabel) -> LogLine {
    line(.debug, "Began running node \(label.uniqueID)", "NodeStart", label.uniqueID, status: "started")
  }

  func ended(_ label: NodeLabel, _ result: NodeResult) -> LogLine {
    line(
      .debug, "Finished running node \(label.uniqueID)", "NodeFinished", label.uniqueID, status: result.status.rawValue,
      result: result, data: ["run_result": result.artifactEntry])
  }

  func started(_ label: NodeLabel, index: Int, total: Int) -> LogLine {
    line(
      .info, ResultLines.started(label, index: index, total: total), "LogStartLine", label.uniqueID, status: "started",
      data: ["description": .string(label.description), "index": .int(index), "total": .int(total)])
  }

  func finished(_ label: NodeLabel, _ result: NodeResult, index: Int, total: Int) -> LogLine {
    let level: LogLine.Level = result.status.isFailure ? .error : result.status == .warn ? .warn : .info
    let text = ResultLines.finished(label, result, index: index, total: total)
    var data: PlainObject = [
      "description": .string(label.description), "status": .string(result.message ?? result.status.rawValue),
      "index": .int(index), "total": .int(total), "execution_time": .double(result.executionTime),
    ]
    let event: String
    switch label.resourceType {
    case "test", "unit_test":
      event = "LogTestResult"
      data["name"] = .string(label.name)
      data["status"] = .string(result.status.rawValue)
      data["num_models"] = .int(total)
      data["num_failures"] = .int(result.failures ?? 0)
      for name in ["description", "total"] { data.removeValue(forKey: name) }
    case "seed":
      event = "LogSeedResult"
      data["result_message"] = .string(result.message ?? "")
      data["schema"] = .string(label.schema)
      data["relation"] = .string(label.alias)
      data["status"] = .string(result.status.rawValue)
      data.removeValue(forKey: "description")
    case "snapshot":
      event = "LogSnapshotResult"
      data["result_message"] = .string(result.message ?? "")
      data["status"] = .string(result.status.rawValue)
    case "function": event = "LogFunctionResult"
    case "source":
      event = "LogFreshnessResult"
      data["source_name"] = .string(label.schema)
      data["table_name"] = .string(label.name)
      data["status"] = .string(result.status.rawValue)
      data.removeValue(forKey: "description")
    default: event = result.status == .noOp ? "LogNodeNoOpResult" : "LogModelResult"
    }
    return line(level, text, event, label.uniqueID, status: result.status.rawValue, result: result, data: data)
  }

  func skipped(_ label: NodeLabel, index: Int, total: Int) -> LogLine {
    line(
      .info, ResultLines.skipped(label, index: index, total: total), "SkippingDetails", label.uniqueID,
      status: "skipped",
      data: [
        "resource_type": .string(label.resourceType), "schema": .string(label.schema),
        "node_name": .string(label.name), "index": .int(index), "total": .int(total),
      ])
  }

  func skippedByEphemeral(_ label: NodeLabel, _ status: NodeStatus, index: Int, total: Int) -> LogLine {
    LogLine(
      .error, ResultLines.skippedByEphemeral(label, status: status, index: index, total: total),
      event: "LogSkipBecauseError", nodeID: label.uniqueID,
      data: [
        "schema": .string(label.schema), "relation": .string(label.name), "index": .int(index), "total": .int(total),
        "status": .string(status.rawValue),
      ])
  }

  func hook(_ event: HookEvent) -> LogLine {
    switch event {
    case .started(let name, let index, let total):
      return LogLine(
        .info, ResultLines.hookStarted(name, index: index, total: total), event: "LogHookStartLine",
        data: ["statement": .string(name), "index": .int(index), "total": .int(total)])
    case .finished(let name, let result, let index, let total):
      let text = ResultLines.hookFinished(
        name, result.status, seconds: result.executionTime, index: index, total: total)
      return line(
        .info, text, "LogHookEndLine", result.uniqueID, status: result.status.rawValue, result: result,
        data: [
          "statement": .string(name), "status": .string(result.status == .success ? "OK" : "ERROR"),
          "index": .int(index), "total": .int(total), "execution_time": .double(result.executionTime),
        ])
    }
  }
}
