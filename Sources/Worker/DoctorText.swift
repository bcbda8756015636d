import EventLoop
import Observability

/// The report for people: a block for each step, aligned, the reason and what to do below what failed.
package struct DoctorText: Sendable {
  /// Whether escape sequences may be used.
  package var hasColour: Bool

  /// - Parameter hasColour: whether escape sequences may be used.
  package init(hasColour: Bool) { self.hasColour = hasColour }

  /// The width of the two columns before what was seen.
  private static let indent = String(repeating: " ", count: 25)

  /// One step, with its line end.
  package func block(_ entry: DoctorReport.Entry) -> String {
    let finding = entry.finding
    let name = entry.step.rawValue
    var lines = finding.seen
    if lines.isEmpty, finding.status == .skipped { lines = [finding.reason ?? "not tried"] }
    if lines.isEmpty { lines = [entry.step.title] }
    var text = mark(finding.status) + pad(name, 17) + lines[0] + "\n"
    for line in lines.dropFirst() { text += Self.indent + line + "\n" }
    guard finding.status == .failed || finding.status == .warning else { return text }
    if let reason = finding.reason, !lines.contains(reason) { text += Self.indent + "why:  " + fold(reason) + "\n" }
    if let advice = finding.advice { text += Self.indent + "do:   " + fold(advice) + "\n" }
    return text
  }

  /// The last line: what it all comes to.
  package func conclusion(_ report: DoctorReport) -> String {
    let warnings = report.entries.filter { $0.finding.status == .warning }.count
    let noted = warnings == 0 ? "" : warnings == 1 ? ", 1 warning" : ", \(warnings) warnings"
    guard let failure = report.firstFailure else { return "\nEverything works\(noted).\n" }
    return "\nBegin with '\(failure.step.rawValue)': \(fold(failure.finding.reason ?? failure.step.title))\n"
  }

  private func mark(_ status: DoctorReport.Status) -> String {
    let (word, colour) =
      switch status {
      case .ok: ("ok", 32)
      case .warning: ("warning", 33)
      case .failed: ("FAILED", 31)
      case .skipped: ("-", 90)
      }
    let padded = pad(word, 8)
    return hasColour ? "\u{1B}[\(colour)m\(padded)\u{1B}[0m" : padded
  }

  private func pad(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - text.count))
  }

  /// A text of several lines on one.
  private func fold(_ text: String) -> String { text.split(separator: "\n").joined(separator: " ") }

  /// A short time, such as `12 ms`.
  static func milliseconds(_ duration: Duration) -> String {
    let tenths = duration.clampedNanoseconds / 100_000
    return tenths < 100 ? "\(tenths / 10).\(tenths % 10) ms" : "\(tenths / 10) ms"
  }
}
