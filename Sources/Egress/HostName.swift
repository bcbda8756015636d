/// Host names as rules and `NO_PROXY` compare them: in lower case, without the dot of the root.
enum HostName {
  /// The name in the form that is compared.
  static func normalized(_ name: some StringProtocol) -> String {
    let lower = name.lowercased()
    return lower.hasSuffix(".") ? String(lower.dropLast()) : lower
  }

  /// Whether a name could stand in a rule: 1...253 letters, digits, `-`, `_` and `.`, no empty label.
  static func isPlausible(_ name: some StringProtocol) -> Bool {
    guard (1...253).contains(name.utf8.count) else { return false }
    let isClean = name.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
        true
      default: false
      }
    }
    return isClean
      && !name.split(separator: ".", omittingEmptySubsequences: false).dropLast(name.hasSuffix(".") ? 1 : 0)
        .contains { $0.isEmpty }
  }

  /// Whether a name means this machine (RFC 6761 §6.3).
  static func isLocal(_ normalized: String) -> Bool { normalized == "localhost" || normalized.hasSuffix(".localhost") }

  /// Whether a name lies below a suffix, which has no dot at its start.
  static func isBelow(_ normalized: String, _ suffix: String) -> Bool {
    normalized.utf8.count > suffix.utf8.count + 1 && normalized.hasSuffix("." + suffix)
  }

  /// A name for an error message: short, on one line, nothing that a terminal obeys.
  static func shown(_ text: some StringProtocol) -> String {
    let line = String(text.unicodeScalars.prefix(120).map { (0x20..<0x7F).contains($0.value) ? Character($0) : "?" })
    return text.unicodeScalars.count > 120 ? line + "..." : line
  }
}
