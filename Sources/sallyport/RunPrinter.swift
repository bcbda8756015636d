import Glibc
import Observability
import OrderedCollections
import PlainData

/// Turns news of a run into text: lines that stay, and on a terminal one line at the bottom that is redrawn.
struct RunPrinter {
  /// What the text is written to.
  struct Style: Sendable {
    /// Redraws a line at the bottom.
    var isLive: Bool
    var hasColour: Bool
    /// Columns of the terminal.
    var width: Int
  }

  private let style: Style
  private let clock: () -> String
  private var total: Int?
  private var running: OrderedSet<RunNode> = []
  private var ended: [String: NodeEnd] = [:]
  private var counts: [String: Int] = [:]
  private var step = "waiting for a worker"
  private var isLineDrawn = false

  /// - Parameter clock: the time of day that begins a line, such as `23:15:04`.
  init(style: Style, clock: @escaping () -> String = RunPrinter.localTime) {
    self.style = style
    self.clock = clock
  }

  /// The text for news; `elapsed` is shown at the bottom.
  mutating func show(_ news: RunNews, elapsed: Duration) -> String {
    var text = ""
    switch news {
    case .taken: step = "planning"
    case .planned(let nodes, let project):
      total = nodes
      step = "running"
      text = line("Planned \(nodes) node\(nodes == 1 ? "" : "s")\(project.isEmpty ? "" : " of \(project)")")
    case .step(let name):
      step = name
      if !style.isLive { text = line("Running \(name)") }
    case .started(let node):
      running.append(node)
      step = "waiting"
      if !style.isLive { text = line("\(place(node)) START \(node.label)") }
    case .ended(let node, let end):
      running.remove(node)
      text = line(nodeLine(node, end))
    case .cancelRequested:
      step = "cancelling"
      text = line("The run was asked to cancel; what runs is being stopped")
    case .finished(let end): text = finish(end, elapsed: elapsed)
    }
    if case .finished = news { return erase() + text }
    return erase() + text + bottom(elapsed)
  }

  /// A line of the client's own.
  mutating func note(_ text: String, elapsed: Duration) -> String { erase() + line(text) + bottom(elapsed) }

  /// The redrawn bottom line; empty where there is none.
  mutating func refresh(elapsed: Duration) -> String { style.isLive ? erase() + bottom(elapsed) : "" }

  /// Takes the bottom line away.
  mutating func clear() -> String { erase() }

  // MARK: Lines

  private func line(_ text: String) -> String { paint(clock(), 2) + "  " + text + "\n" }

  private func place(_ node: RunNode) -> String {
    let all = total.map(String.init) ?? "?"
    let number = String(node.number)
    return String(repeating: " ", count: max(0, all.count - number.count)) + "\(number) of \(all)"
  }

  private mutating func nodeLine(_ node: RunNode, _ end: NodeEnd) -> String {
    ended[node.label] = end
    counts[end.status, default: 0] += 1
    let seconds = RunPrinter.seconds(end.seconds)
    switch end.status {
    case "success":
      let detail = end.message.isEmpty ? "in \(seconds)" : "\(firstLine(end.message)) in \(seconds)"
      return "\(place(node)) \(paint("OK   ", 32)) \(node.label) [\(detail)]"
    case "error":
      return "\(place(node)) \(paint("ERROR", 31)) \(node.label) [\(seconds)] \(firstLine(end.message))"
    default: return "\(place(node)) \(paint(end.status.uppercased(), 33)) \(node.label)"
    }
  }

  private mutating func finish(_ end: RunEnd, elapsed: Duration) -> String {
    var text = ""
    let results = end.output["node_results"]?.arrayValue ?? []
    for result in results where result["status"]?.stringValue == "skipped" {
      let reason = result["message"]?.stringValue ?? "skipped"
      text += line("\(paint("SKIP ", 33)) \(result["unique_id"]?.stringValue ?? "?") (\(firstLine(reason)))")
    }
    text += failures(end)
    text += line(summary(end, results, elapsed))
    return text
  }

  /// What went wrong, in full, after everything else has scrolled by.
  private func failures(_ end: RunEnd) -> String {
    var text = ""
    for (label, node) in ended.sorted(by: { $0.key < $1.key }) where node.status == "error" {
      text += "\n\(paint("Failure in \(label)", 31))\n"
      text += node.message.split(separator: "\n", omittingEmptySubsequences: false)
        .map { "  " + LogRecord.escaped(String($0)) + "\n" }.joined()
    }
    if end.outcome != .succeeded && !end.message.isEmpty && !ended.values.contains(where: { $0.status == "error" }) {
      text += "\n"
      text += end.message.split(separator: "\n", omittingEmptySubsequences: false)
        .map { paint(LogRecord.escaped(String($0)), 31) + "\n" }.joined()
    }
    return text.isEmpty ? "" : text + "\n"
  }

  private func summary(_ end: RunEnd, _ results: [PlainValue], _ elapsed: Duration) -> String {
    var tally = counts
    if !results.isEmpty {
      tally = [:]
      for result in results { tally[result["status"]?.stringValue ?? "", default: 0] += 1 }
    }
    let words = [("success", "PASS"), ("error", "ERROR"), ("skipped", "SKIP"), ("cancelled", "CANCELLED")]
    let shown = words.map { "\($0.1)=\(tally[$0.0] ?? 0)" }.joined(separator: " ")
    let all = results.isEmpty ? tally.values.reduce(0, +) : results.count
    let head = end.outcome == .succeeded ? paint("Succeeded.", 32) : paint("Run \(end.outcome.rawValue).", 31)
    return "\(head) \(shown) TOTAL=\(all) in \(RunPrinter.seconds(elapsed.inSeconds))"
  }

  // MARK: The bottom line

  private mutating func erase() -> String {
    guard isLineDrawn else { return "" }
    isLineDrawn = false
    return "\r\u{1B}[K"
  }

  private mutating func bottom(_ elapsed: Duration) -> String {
    guard style.isLive else { return "" }
    isLineDrawn = true
    let done = ended.count
    var text = total.map { "\(done)/\($0) " } ?? ""
    text += running.isEmpty ? step : "running " + running.map(\.label).joined(separator: ", ")
    let time = " \(RunPrinter.seconds(elapsed.inSeconds))"
    let room = max(10, style.width - time.count - 1)
    if text.count > room { text = text.prefix(room - 1) + "…" }
    return paint(LogRecord.escaped(text) + time, 36)
  }

  private func paint(_ text: String, _ colour: Int) -> String {
    style.hasColour ? "\u{1B}[\(colour)m\(text)\u{1B}[0m" : text
  }

  private func firstLine(_ text: String) -> String {
    let first = text.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
    return LogRecord.escaped(first.count > 200 ? first.prefix(199) + "…" : first)
  }

  /// Seconds with two decimals, such as `1.25s`.
  static func seconds(_ value: Double) -> String {
    let hundredths = Int((max(0, min(value, 1e9)) * 100).rounded())
    let rest = hundredths % 100
    return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)s"
  }

  /// The time of day here, as dbt begins its lines.
  static func localTime() -> String {
    var now = time(nil)
    var parts = unsafe tm()
    guard unsafe localtime_r(&now, &parts) != nil else { return "00:00:00" }
    func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let (hour, minute, second) = unsafe (parts.tm_hour, parts.tm_min, parts.tm_sec)
    return "\(two(hour)):\(two(minute)):\(two(second))"
  }
}
