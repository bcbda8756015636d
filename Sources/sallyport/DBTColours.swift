/// Colours lines as dbt does: outcomes at the end of lines, the marks of warnings and errors, and the last word on a run.
enum DBTColours {
  private enum Colour: String {
    case red = "31"
    case green = "32"
    case yellow = "33"

    func paint(_ text: some StringProtocol) -> String { "\u{1B}[\(rawValue)m\(text)\u{1B}[0m" }
  }

  /// The text of a line with escape sequences; texts that dbt prints without colour come back as they are.
  static func painted(_ text: String) -> String {
    for (mark, colour) in [("WARNING", Colour.yellow), ("ERROR", .red)] where text.hasPrefix("[\(mark)]: ") {
      let rest = String(text.dropFirst(mark.count + 4))
      return "[\(colour.paint(mark))]: \(withOutcome(rest) ?? rest)"
    }
    if text.hasPrefix("[WARNING][") { return "[\(Colour.yellow.paint("WARNING"))" + text.dropFirst("[WARNING".count) }
    if text == "Completed successfully" { return Colour.green.paint(text) }
    if text.hasPrefix("Completed with ") { return (text.contains(" 0 errors") ? Colour.yellow : .red).paint(text) }
    return withOutcome(text) ?? text
  }

  /// `1 of 5 OK created … [SELECT 3 in 0.49s]` with its outcome in colour; nil for other lines and for `[RUN]`.
  private static func withOutcome(_ text: String) -> String? {
    guard text.hasSuffix("]"), let opening = text.lastIndex(of: "["), isNumbered(text) else { return nil }
    let inner = text[text.index(after: opening)...].dropLast()
    let end = inner.lastStart(of: " in ") ?? inner.endIndex
    let status = inner[..<end]
    guard status != "RUN", !status.isEmpty else { return nil }
    let colour: Colour =
      if status.hasPrefix("ERROR") || status.hasPrefix("FAIL") {
        .red
      } else if ["WARN", "SKIP", "PARTIAL"].contains(where: status.hasPrefix) {
        .yellow
      } else {
        .green
      }
    return text[...opening] + colour.paint(status) + inner[end...] + "]"
  }

  /// Whether a line begins with `1 of 5 `, or with a word and that.
  private static func isNumbered(_ text: String) -> Bool {
    let words = text.split(separator: " ", maxSplits: 4)
    let start = words.first == "Batch" || words.first == "Overload" ? 1 : 0
    return words.count > start + 3 && Int(words[start]) != nil && words[start + 1] == "of"
      && Int(words[start + 2]) != nil
  }
}

extension Substring {
  /// Where a text begins the last time; nil when it does not occur.
  fileprivate func lastStart(of text: String) -> Index? {
    var place = endIndex
    while place > startIndex {
      place = index(before: place)
      if self[place...].hasPrefix(text) { return place }
    }
    return nil
  }
}
