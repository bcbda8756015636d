import DBTContext
import DBTProject
import Jinja
import OrderedCollections
import PlainData

/// How old the newest row of a source is: `source freshness` for one source, over one connection, on one thread.
struct FreshnessCheck {
  private let run: RunContext
  private let source: SourceTable
  private let cancellation: Cancellation
  private let threadName: String

  init(_ run: RunContext, _ source: SourceTable, _ cancellation: Cancellation, threadName: String) {
    self.run = run
    self.source = source
    self.cancellation = cancellation
    self.threadName = threadName
  }

  private var reference: DBTContext.NodeReference {
    DBTContext.NodeReference(
      resourceType: "source", name: source.name, path: source.originalFilePath, uniqueID: source.uniqueID)
  }

  /// Asks the database. Status is pass, warn or error by the thresholds, runtime error when nothing could be measured.
  func execute() -> NodeResult {
    let started = UTCTime.now.seconds
    let connection = run.connection(source.uniqueID, node: nil, cancellation)
    defer { connection.close() }
    var result = NodeResult(uniqueID: source.uniqueID, status: .runtimeError)
    result.timing = [NodeTiming(name: "compile", startedAt: started, completedAt: UTCTime.now.seconds)]
    let asked = UTCTime.now.seconds
    do {
      try measure(connection, &result)
    } catch {
      let known = DBTError(error, node: reference)
      result.message = run.scrub((known.kind == .database ? plain(known) : known).description)
      result.errorKind = cancellation.isCancelled ? .cancelled : EngineError(known).kind
      result.isTransient = connection.lastFailure?.isTransient ?? false
    }
    result.timing.append(NodeTiming(name: "execute", startedAt: asked, completedAt: UTCTime.now.seconds))
    result.threadID = threadName
    result.executionTime = UTCTime.now.seconds - started
    return result
  }

  /// The error without the macros on the way to the statement, which are always the same.
  private func plain(_ error: DBTError) -> DBTError {
    var plain = error
    plain.stack = []
    return plain
  }

  private func measure(_ connection: DatabaseConnection, _ result: inout NodeResult) throws {
    let context = RenderContext(run, node: nil, connection: connection, threadName: threadName)
    let relation = try run.engine.relation(of: source)
    let answer: Value
    if let query = source.loadedAtQuery {
      try connection.clearTransaction()
      let document = Value(source.json())
      for (name, value) in [("this", relation.value), ("model", document), ("source_node", document)] {
        context.scope.setMember(name, value)
      }
      let sql = try context.render(query, path: source.originalFilePath)
      answer = try context.callMacro(
        "collect_freshness_custom_sql", [("source", relation.value), ("loaded_at_query", .string(sql))])
    } else if let field = source.loadedAtField {
      try connection.clearTransaction()
      let filter: Value = source.freshness["filter"]?.stringValue.map { .string($0) } ?? .none
      answer = try context.callMacro(
        "collect_freshness",
        [("source", relation.value), ("loaded_at_field", .string(field)), ("filter", filter)])
    } else {
      throw DBTError(
        .runtime,
        "Could not compute freshness for source \(source.name): no 'loaded_at_field' provided and postgres adapter "
          + "does not support metadata-based freshness checks.", node: reference)
    }
    try read(answer, context.scope.evaluation(), &result)
  }

  private func read(_ answer: Value, _ evaluation: Evaluation, _ result: inout NodeResult) throws {
    var table = answer
    if let stored = answer.objectValue as? StatementResultObject {
      table = stored.table
      result.adapterResponse = (stored.response.objectValue as? AdapterResponse)?.fields ?? [:]
    } else {
      try run.warn(
        "Deprecated functionality\n\nThe 'collect_freshness' macro signature has changed to return the full query result, "
          + "rather than just a table of values. See the v1.5 migration guide for details on how to update your custom "
          + "macro: https://docs.getdbt.com/guides/migration/versions/upgrading-to-v1.5",
        event: "CollectFreshnessReturnSignature")
    }
    let rows = try Tables.rows(table, evaluation)
    guard rows.count == 1, let row = rows.first, row.count == 2 else {
      throw DBTError(
        .compilation, "Got an invalid result from \"collect_freshness\" macro: \(rows.count) rows, expected one of two")
    }
    let loaded = row[0].isNone ? PythonDateTime(PythonDate.first, .midnight).replacing(zone: .utc) : try time(row[0])
    let asked = try time(row[1])
    let age = Double(asked.absoluteMicroseconds - loaded.absoluteMicroseconds) / 1_000_000
    result.status = status(age: age)
    result.freshness = [
      "max_loaded_at": .string(loaded.isoText()), "snapshotted_at": .string(asked.isoText()),
      "max_loaded_at_time_ago_in_s": .double(age), "criteria": source.freshness,
    ]
  }

  /// A time of the answer in UTC; one without zone counts as UTC.
  private func time(_ value: Value) throws -> PythonDateTime {
    guard let time = (value.objectValue as? DateTimeObject)?.dateTime else {
      let type = value.typeName.split(separator: ".").last.map(String.init) ?? value.typeName
      throw DBTError(
        .database,
        "Expected a timestamp value when querying field 'last_modified' of table None but received value of type "
          + "'\(type)' instead", node: reference)
    }
    guard time.zone != nil else { return time.replacing(zone: .utc) }
    return time.converted(to: .utc) ?? time
  }

  private func status(age: Double) -> NodeStatus {
    func isExceeded(_ key: String) -> Bool {
      guard let threshold = source.freshness[key], let count = threshold["count"]?.doubleValue else { return false }
      let seconds: Double? =
        switch threshold["period"]?.stringValue {
        case "minute": 60
        case "hour": 3600
        case "day": 86400
        default: nil
        }
      return seconds.map { age > count * $0 } ?? false
    }
    return isExceeded("error_after") ? .error : isExceeded("warn_after") ? .warn : .pass
  }
}

/// The lines dbt prints about freshness.
enum FreshnessLines {
  /// The word for a status, such as `ERROR STALE`.
  static func word(_ status: NodeStatus) -> String {
    switch status {
    case .runtimeError: "ERROR"
    case .error: "ERROR STALE"
    case .warn: "WARN"
    default: "PASS"
    }
  }

  /// How dbt begins to tell of a fault that ended a thread.
  static let threadFault = "Exception on worker thread. "

  /// What follows the last source: the problems, then `Done.`.
  static func endLines(_ results: [NodeResult], _ labels: [String: NodeLabel]) -> [LogLine] {
    var lines: [LogLine] = []
    for result in results where result.status == .runtimeError || result.status == .error {
      lines.append(LogLine(.info, "", event: "Formatting"))
      if let message = result.message {
        if message.hasPrefix(threadFault), let label = labels[result.uniqueID] {
          lines.append(
            LogLine(.error, "[ERROR]: in source \(label.name) (\(label.path))", event: "RunResultFailure"))
        }
        lines.append(LogLine(.error, "  \(message)", event: "RunResultError", data: ["msg": .string(message)]))
      } else if let label = labels[result.uniqueID] {
        lines.append(
          LogLine(.error, "[ERROR]: in source \(label.name) (\(label.path))", event: "RunResultFailure"))
        lines.append(LogLine(.error, "  Status: \(result.status.rawValue)", event: "RunResultErrorNoMessage"))
      }
    }
    return lines + [LogLine(.info, "Done.", event: "FreshnessCheckComplete")]
  }
}
