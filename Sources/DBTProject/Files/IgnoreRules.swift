/// The rules of a `.dbtignore` file, which has the syntax of `.gitignore`: the last rule that matches a path decides.
struct IgnoreRules: Sendable {
  private struct Rule {
    /// Segments of the pattern; nil stands for `**`.
    var segments: [NamePattern?]
    var isNegated: Bool
    /// Whether only folders, and so what is below them, match.
    var matchesFoldersOnly: Bool
  }

  private let rules: [Rule]

  /// Reads the rules; blank lines and lines that begin with `#` are skipped.
  init(_ text: String) {
    rules = text.split(whereSeparator: \.isNewline).compactMap { IgnoreRules.rule(String($0)) }
  }

  /// Whether the file at this path, relative to the folder of the rules, is to be left out.
  func ignores(_ path: String) -> Bool {
    let parts = path.split(separator: "/").map(String.init)
    var isIgnored = false
    for rule in rules where matches(rule, parts) { isIgnored = !rule.isNegated }
    return isIgnored
  }

  /// A rule that matches a folder matches all below it.
  private func matches(_ rule: Rule, _ parts: [String]) -> Bool {
    var reachable = [Bool](repeating: false, count: parts.count + 1)
    reachable[0] = true
    for segment in rule.segments {
      var next = [Bool](repeating: false, count: parts.count + 1)
      if let segment {
        for at in 0..<parts.count where reachable[at] && segment.matches(parts[at]) { next[at + 1] = true }
      } else {
        var open = false
        for at in 0...parts.count {
          open = open || reachable[at]
          next[at] = open
        }
      }
      reachable = next
    }
    let last = rule.matchesFoldersOnly ? parts.count - 1 : parts.count
    return last >= 1 && (1...last).contains { reachable[$0] }
  }

  private static func rule(_ line: String) -> Rule? {
    var text = line[...]
    while text.last == " ", !text.hasSuffix("\\ ") { text.removeLast() }
    guard let first = text.first, first != "#" else { return nil }
    let isNegated = first == "!"
    if isNegated || text.hasPrefix("\\#") || text.hasPrefix("\\!") { text.removeFirst() }
    let matchesFoldersOnly = text.last == "/"
    if matchesFoldersOnly { text.removeLast() }
    let isAnchored = text.contains("/")
    var segments = text.split(separator: "/").map { $0 == "**" ? nil : NamePattern(String($0)) }
    guard !segments.isEmpty else { return nil }
    if !isAnchored { segments.insert(nil, at: 0) }
    return Rule(segments: segments, isNegated: isNegated, matchesFoldersOnly: matchesFoldersOnly)
  }
}
