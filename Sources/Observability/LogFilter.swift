package import Logging

/// Which events are logged: a default level and exceptions by logger name, in the notation of `RUST_LOG`:
/// `info`, `warn,worker=debug`, `off`.
package struct LogFilter: Sendable, Hashable {
  /// The least severe level that is logged; nil logs nothing.
  package var level: Logger.Level?
  /// Levels of loggers whose label is the name or begins with it and a dot; nil logs nothing of them.
  package var exceptions: [String: Logger.Level?]

  package init(level: Logger.Level? = .info, exceptions: [String: Logger.Level?] = [:]) {
    self.level = level
    self.exceptions = exceptions
  }

  /// Reads the notation; nil when a part of it is no level.
  package init?(_ text: String) {
    self.init()
    for part in text.split(separator: ",") {
      let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(LogFilter.trimmed)
      guard let last = sides.last, let level = LogFilter.level(named: last) else { return nil }
      if sides.count == 2 {
        guard !sides[0].isEmpty else { return nil }
        exceptions[sides[0]] = level
      } else {
        self.level = level
      }
    }
  }

  /// The least severe level logged for a logger; nil when it is silent. The longest matching name decides.
  package func level(label: String) -> Logger.Level? {
    let matching = exceptions.filter { label == $0.key || label.hasPrefix($0.key + ".") }
    guard let longest = matching.max(by: { $0.key.count < $1.key.count }) else { return level }
    return longest.value
  }

  /// The names accepted, for error messages.
  package static let levelNames = ["trace", "debug", "info", "notice", "warn", "error", "critical", "off"]

  /// Outer nil: no such level; inner nil: `off`.
  private static func level(named name: String) -> Logger.Level?? {
    switch name.lowercased() {
    case "trace": .some(.trace)
    case "debug": .some(.debug)
    case "info": .some(.info)
    case "notice": .some(.notice)
    case "warn", "warning": .some(.warning)
    case "error": .some(.error)
    case "critical": .some(.critical)
    case "off", "none": .some(nil)
    default: nil
    }
  }

  private static func trimmed(_ text: Substring) -> String {
    let isSpace = { (character: Character) in character == " " || character == "\t" }
    var rest = text.drop(while: isSpace)
    while let last = rest.last, isSpace(last) { rest.removeLast() }
    return String(rest)
  }
}
