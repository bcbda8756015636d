package import DBTContext
import OrderedCollections
import PlainData

/// The outcome of a whole command, and the lines dbt prints about it.
package struct RunSummary: Sendable {
  /// In the order of finishing, hooks included, ephemeral models not.
  package var results: [NodeResult] = []
  /// Seconds.
  package var elapsed: Double = 0
  package var isInterrupted = false

  package init() {}

  /// Whether nothing failed. A node skipped because of an ephemeral model's error counts as failed.
  package var isSuccess: Bool {
    !isInterrupted && !results.contains { $0.status.isFailure || ($0.status == .skipped && $0.message != nil) }
  }

  /// dbt's exit code: 0 when nothing failed, 1 otherwise.
  package var exitCode: Int32 { isSuccess ? 0 : 1 }

  /// - Throws: for a run that was interrupted, an error without words: the lines of its end have said what happened.
  package func refuseInterruption() throws(EngineError) {
    if isInterrupted { throw EngineError(.cancelled, printed: "") }
  }

  /// `Finished running 1 seed, 2 view models in 0 hours 0 minutes and 0.86 seconds (0.86s).`
  package func finishedLine(_ labels: [String: NodeLabel]) -> String {
    var counts: [String: Int] = [:]
    for result in results {
      guard let label = labels[result.uniqueID] else { continue }
      let kind =
        switch label.resourceType {
        case "model": "\(label.materialized) model"
        case "operation": "project hook"
        default: label.resourceType
        }
      counts[kind, default: 0] += 1
    }
    let parts = counts.sorted { $0.key < $1.key }.map { Counted.text($0.value, $0.key) }
    let minutes = Int(elapsed / 60)
    let time =
      "\(minutes / 60) hours \(minutes % 60) minutes and \(Seconds.text(elapsed - Double(minutes) * 60)) seconds"
    return "Finished running \(parts.joined(separator: ", ")) in \(time) (\(Seconds.text(elapsed))s)."
  }

  /// Everything after that line, one entry a line; the problems first, the counts last.
  package func endLines(_ labels: [String: NodeLabel]) -> [String] { endEvents(labels).map(\.message) }

  /// The same as events.
  package func endEvents(_ labels: [String: NodeLabel]) -> [LogLine] {
    let errors = results.filter {
      $0.status == .error || $0.status == .fail || $0.status == .runtimeError || isCausedByEphemeral($0, labels)
    }
    let warnings = results.filter { $0.status == .warn }
    let partial = results.filter { $0.status == .partialSuccess }
    var lines = [
      Self.blank,
      LogLine(
        .info, conclusion(errors.count, partial.count, warnings.count), event: "EndOfRunSummary",
        data: [
          "num_errors": .int(errors.count), "num_warnings": .int(warnings.count),
          "num_partial_success": .int(partial.count), "keyboard_interrupt": .bool(isInterrupted),
        ]),
    ]
    for result in errors { lines += Self.problem(result, labels[result.uniqueID], isWarning: false) }
    for result in warnings { lines += Self.problem(result, labels[result.uniqueID], isWarning: true) }
    return lines + [Self.blank, LogLine(.info, counts, event: "StatsLine", data: ["stats": .object(stats)])]
  }

  private static let blank = LogLine(.info, "", event: "Formatting")

  /// `Done. PASS=2 WARN=0 ERROR=1 SKIP=0 NO-OP=0 REUSED=0 TOTAL=3`.
  package var counts: String {
    func count(_ name: String) -> Int { stats[name]?.intValue ?? 0 }
    return "Done. PASS=\(count("pass")) WARN=\(count("warn")) ERROR=\(count("error")) SKIP=\(count("skip")) "
      + "NO-OP=\(count("noop")) REUSED=\(count("reused")) TOTAL=\(count("total"))"
  }

  /// How many results there are of each kind.
  private var stats: PlainObject {
    func count(_ statuses: NodeStatus...) -> PlainValue { .int(results.count { statuses.contains($0.status) }) }
    return [
      "error": count(.error, .fail, .partialSuccess, .runtimeError), "skip": count(.skipped),
      "pass": count(.pass, .success), "warn": count(.warn), "noop": count(.noOp), "reused": count(.reused),
      "total": .int(results.count),
    ]
  }

  private func isCausedByEphemeral(_ result: NodeResult, _ labels: [String: NodeLabel]) -> Bool {
    result.status == .skipped && result.message != nil && labels[result.uniqueID]?.resourceType != "exposure"
  }

  private func conclusion(_ errors: Int, _ partial: Int, _ warnings: Int) -> String {
    if isInterrupted { return "Exited because of keyboard interrupt" }
    let partials = "\(partial) partial \(partial == 1 ? "success" : "successes")"
    if errors > 0 {
      return "Completed with \(Counted.text(errors, "error")), \(partials), and \(Counted.text(warnings, "warning")):"
    }
    if partial > 0 { return "Completed with \(partials) and \(Counted.text(warnings, "warning"))" }
    return warnings > 0 ? "Completed with \(Counted.text(warnings, "warning")):" : "Completed successfully"
  }

  /// What is said of a node that failed, that warned, or that was skipped for a reason.
  static func problem(_ result: NodeResult, _ label: NodeLabel?, isWarning: Bool) -> [LogLine] {
    let id = result.uniqueID
    guard result.status != .skipped else {
      let message = result.message ?? ""
      return [
        LogLine(.debug, "", event: "Formatting"),
        LogLine(.debug, "  \(message)", event: "RunResultError", data: ["msg": .string(message)]),
      ]
    }
    var lines = [blank]
    let level: LogLine.Level = isWarning ? .warn : .error
    if result.status == .partialSuccess {
      let message = result.message ?? ""
      return lines + [
        LogLine(.error, "  \(message)", event: "RunResultError", nodeID: id, data: ["msg": .string(message)])
      ]
    }
    if let label {
      lines.append(
        LogLine(
          level, "\(isWarning ? "[WARNING]: " : "[ERROR]: ")in \(label.resourceType) \(label.name) (\(label.path))",
          event: isWarning ? "RunResultWarning" : "RunResultFailure", nodeID: id,
          data: [
            "resource_type": .string(label.resourceType), "node_name": .string(label.name), "path": .string(label.path),
          ]))
    }
    if let message = result.message {
      let data: PlainObject = ["msg": .string(message)]
      lines.append(
        isWarning
          ? LogLine(.warn, "[WARNING]: \(message)", event: "RunResultWarningMessage", nodeID: id, data: data)
          : LogLine(.error, "  \(message)", event: "RunResultError", nodeID: id, data: data))
    } else {
      let status = result.status.rawValue
      lines.append(
        LogLine(
          .error, "  Status: \(status)", event: "RunResultErrorNoMessage", nodeID: id,
          data: ["status": .string(status)]))
    }
    if let path = result.codePath {
      lines.append(blank)
      lines.append(
        LogLine(
          .info, "  compiled code at \(path)", event: "SQLCompiledPath", nodeID: id, data: ["path": .string(path)]))
    }
    if let relation = label?.storedFailures, [.fail, .warn, .error].contains(result.status) {
      let query = "select * from \(relation)"
      let border = String(repeating: "-", count: query.count)
      lines.append(blank)
      lines.append(
        LogLine(
          .info, "  See test failures:\n  \(border)\n  \(query)\n  \(border)", event: "CheckNodeTestFailure",
          nodeID: id, data: ["relation_name": .string(relation)]))
    }
    return lines
  }
}

/// Numbers with nouns.
package enum Counted {
  /// `1 seed`, `2 analyses`; underscores read as blanks. Several tests are `data tests` and one is a `test`, as in dbt.
  package static func text(_ count: Int, _ noun: String) -> String {
    let name = String(noun.map { $0 == "_" ? " " : $0 })
    guard count != 1 else { return "1 \(name)" }
    if name == "test" { return "\(count) data tests" }
    if name == "analysis" { return "\(count) analyses" }
    if name.hasSuffix("query") { return "\(count) \(name.dropLast())ies" }
    return "\(count) \(name)s"
  }
}
