import OrderedCollections
import PlainData
import WorkflowEngine

/// What a run shows of itself while it goes: memo keys, the query `run_status`, the log, the details line.
struct DBTRunProgress: Codable, Sendable, Equatable {
  /// Lines kept, and bytes of them in the memo.
  static let lineLimit = 200
  static let lineBytes = 400
  static let memoLogBytes = 12 << 10
  /// Bytes of the memo's node map; above, only nodes that matter now are listed.
  static let memoNodeBytes = 12 << 10

  private(set) var lines: [String] = []
  private var droppedLines = 0
  private var finalAtMemo = -1
  private var memoAt: WorkflowTime?
  private var isMemoForced = false
  /// Memos written at once because of a failure; only the first few are, since every memo stays in the history.
  private var forcedMemos = 0
  private static let forcedMemoLimit = 10

  init() {}

  /// Adds a line to the run's log; beyond the limit the oldest goes.
  mutating func log(_ line: String) {
    lines.append(line.limited(toBytes: Self.lineBytes))
    if lines.count > Self.lineLimit {
      droppedLines += lines.count - (Self.lineLimit - 1)
      lines.removeFirst(lines.count - (Self.lineLimit - 1))
    }
  }

  // MARK: - Log lines

  /// `Found 5 models, 8 tests`.
  static func found(_ plan: DBTRunPlan) -> String {
    var counts: OrderedDictionary<String, Int> = [:]
    for node in plan.nodes { counts[node.resourceType, default: 0] += 1 }
    counts.sort { $0.key < $1.key }
    let parts = counts.map { type, count in "\(count) \(type.replacingUnderscores)\(count == 1 ? "" : "s")" }
    return parts.isEmpty ? "Found nothing to do" : "Found " + parts.joined(separator: ", ")
  }

  mutating func started(_ node: DBTRunPlan.Node, number: Int, of total: Int) {
    log("\(number) of \(total) START \(Self.words(node))")
  }

  mutating func ended(
    _ node: DBTRunPlan.Node, _ status: NodeSchedule.Status, _ result: PlainValue, number: Int, of total: Int
  ) {
    let place = "\(number) of \(total)"
    let seconds = (result["execution_time"]?.doubleValue ?? 0).fixed(2)
    let message = (result["message"]?.stringValue ?? "").singleLine.limited(toBytes: 200)
    switch status {
    case .success: log("\(place) OK \(Self.words(node))  [\(message.isEmpty ? "OK" : message) in \(seconds)s]")
    case .error:
      forceMemo()
      log("\(place) ERROR \(Self.words(node))  [ERROR in \(seconds)s] \(message)")
    case .cancelled: log("\(place) CANCELLED \(Self.words(node))")
    default: log("\(place) SKIP \(Self.words(node))")
    }
  }

  mutating func finished(_ schedule: NodeSchedule?, seconds: Double) {
    guard let schedule else { return }
    let errors = schedule.count(.error)
    let skips = schedule.count(.skipped) + schedule.count(.cancelled)
    log("Finished running \(schedule.status.count) nodes in \(seconds.fixed(2))s.")
    log("Done. PASS=\(schedule.count(.success)) ERROR=\(errors) SKIP=\(skips) TOTAL=\(schedule.status.count)")
  }

  /// `passed — 5 ok, 0 error, 0 skip of 5 in 1.20s`.
  func summary(_ schedule: NodeSchedule?, isSuccess: Bool, seconds: Double) -> String {
    let skips = (schedule?.count(.skipped) ?? 0) + (schedule?.count(.cancelled) ?? 0)
    return "\(isSuccess ? "passed" : "FAILED") — \(schedule?.count(.success) ?? 0) ok, "
      + "\(schedule?.count(.error) ?? 0) error, \(skips) skip of \(schedule?.status.count ?? 0) in \(seconds.fixed(2))s"
  }

  private static func words(_ node: DBTRunPlan.Node) -> String {
    let kind = [node.materialization, node.resourceType].compactMap(\.self)
    let type = kind.count == 2 && kind[0] == kind[1] ? kind[0] : kind.joined(separator: " ")
    return "\(type) \(node.packageName.isEmpty ? "" : node.packageName + ".")\(node.name)"
  }

  // MARK: - Memo

  mutating func forceMemo() { isMemoForced = forcedMemos < Self.forcedMemoLimit }

  /// Whether enough has changed since the last memo to write another: each one stays in the history for good.
  func isMemoDue(_ schedule: NodeSchedule, now: WorkflowTime) -> Bool {
    if isMemoForced || finalAtMemo < 0 { return true }
    guard let memoAt else { return true }
    let step = max(1, schedule.status.count / 20)
    return schedule.finalCount - finalAtMemo >= step && now.seconds(since: memoAt) >= 1
  }

  mutating func memoTaken(_ schedule: NodeSchedule?, now: WorkflowTime) {
    finalAtMemo = schedule?.finalCount ?? -1
    memoAt = now
    if isMemoForced { forcedMemos += 1 }
    isMemoForced = false
  }

  /// The memo keys `node_status` and `log`.
  func memo(of run: DBTRun) -> OrderedDictionary<String, PlainValue> {
    ["node_status": ["nodes": Self.memoNodes(run)], "log": .array(memoLines.map { .string($0) })]
  }

  private static func memoNodes(_ run: DBTRun) -> PlainValue {
    let all = nodes(of: run)
    if PlainValue.object(all).jsonBytes().count <= memoNodeBytes { return .object(all) }
    var kept: PlainObject = [:]
    var bytes = 0
    for wanted in ["error", "running", "pending"] {
      for (id, status) in all where status.stringValue == wanted && bytes < memoNodeBytes {
        kept[id] = status
        bytes += id.utf8.count + wanted.utf8.count + 6
      }
    }
    kept["__truncated"] = "skipped"
    return .object(kept)
  }

  /// The last lines that fit, behind a notice when some are missing.
  private var memoLines: [String] {
    var kept: [String] = []
    var bytes = 0
    for line in lines.reversed() {
      bytes += line.utf8.count + 4
      if bytes > Self.memoLogBytes { break }
      kept.append(line)
    }
    let missing = droppedLines + lines.count - kept.count
    if missing > 0 { kept.append("(\(missing) earlier lines left out)") }
    return kept.reversed()
  }

  private static func nodes(of run: DBTRun) -> PlainObject {
    var nodes: PlainObject = [:]
    guard let plan = run.plan, let schedule = run.schedule else { return nodes }
    for (index, node) in plan.nodes.enumerated() { nodes[node.uniqueID] = .string(schedule.status[index].rawValue) }
    return nodes
  }

  // MARK: - Query

  /// The answer to `run_status`: the peer's counts, and beyond them each node's status and the newest log lines.
  func status(of run: DBTRun) -> PlainValue {
    let schedule = run.schedule
    let skipped = (schedule?.count(.skipped) ?? 0) + (schedule?.count(.cancelled) ?? 0)
    return [
      "phase": .string(run.phase.rawValue), "total_nodes": .int(schedule?.status.count ?? 0),
      "total_levels": .int(schedule?.levels.count ?? 0), "completed_levels": .int(schedule?.completedLevels ?? 0),
      "succeeded": .int(schedule?.count(.success) ?? 0), "failed": .int(schedule?.count(.error) ?? 0),
      "skipped": .int(skipped), "running": .int(schedule?.runningCount ?? 0), "fail_fast": .bool(run.input.failFast),
      "cancelling": .bool(run.isCancelled), "invocation_id": .string(run.invocationID),
      "nodes": .object(Self.nodes(of: run)), "log": .array(lines.map { .string($0) }),
    ]
  }

  /// What the scheduler's page shows as current details.
  func details(of run: DBTRun) -> String {
    guard let plan = run.plan, let schedule = run.schedule else { return "planning" }
    switch run.phase {
    case .initializing, .planning: return "planned \(plan.nodes.count) nodes across \(schedule.levels.count) levels"
    case .preRunHooks: return "running on-run-start hooks"
    case .finalizing: return "running on-run-end hooks"
    case .executing:
      let running = schedule.running
      let labels = running.prefix(10).map { DBTRunResults.label(plan.nodes[$0]) }
      let more = running.count > labels.count ? ", … \(running.count - labels.count) more" : ""
      return "\(schedule.finalCount) of \(plan.nodes.count) done; running: \(labels.joined(separator: ", "))\(more)"
    }
  }
}

extension Double {
  /// The number with a fixed count of decimals, rounded half away from zero; for magnitudes below 10^12.
  func fixed(_ decimals: Int) -> String {
    guard isFinite, magnitude < 1e12 else { return description }
    var scale = 1.0
    for _ in 0..<decimals { scale *= 10 }
    let scaled = Int((magnitude * scale).rounded())
    let whole = scaled / Int(scale)
    let fraction = String(scaled % Int(scale))
    let sign = self < 0 && scaled > 0 ? "-" : ""
    guard decimals > 0 else { return sign + String(whole) }
    return sign + String(whole) + "." + String(repeating: "0", count: decimals - fraction.count) + fraction
  }
}

extension String {
  fileprivate var replacingUnderscores: String { String(map { $0 == "_" ? " " : $0 }) }
}
