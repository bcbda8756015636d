/// Python's flags of regular expressions, with Python's numbers.
package struct RegexFlags: OptionSet, Sendable, Hashable {
  package let rawValue: Int
  package init(rawValue: Int) { self.rawValue = rawValue }

  package static let ignoreCase = RegexFlags(rawValue: 2)
  package static let locale = RegexFlags(rawValue: 4)
  package static let multiline = RegexFlags(rawValue: 8)
  package static let dotAll = RegexFlags(rawValue: 16)
  package static let unicode = RegexFlags(rawValue: 32)
  package static let verbose = RegexFlags(rawValue: 64)
  package static let ascii = RegexFlags(rawValue: 256)

  /// Each flag with its long name, in the order Python shows them in.
  package static let named: [(name: String, flag: RegexFlags)] = [
    ("ASCII", .ascii), ("IGNORECASE", .ignoreCase), ("LOCALE", .locale), ("UNICODE", .unicode),
    ("MULTILINE", .multiline), ("DOTALL", .dotAll), ("VERBOSE", .verbose),
  ]

  /// `re.IGNORECASE|re.MULTILINE`, the number for what has no name.
  package var text: String {
    let names = RegexFlags.named.filter { contains($0.flag) }.map { "re." + $0.name }
    return names.isEmpty ? (rawValue == 0 ? "re.NOFLAG" : String(rawValue)) : names.joined(separator: "|")
  }

  /// The flag of a name or of its one-letter form.
  package init?(name: String) {
    switch name {
    case "I", "IGNORECASE": self = .ignoreCase
    case "L", "LOCALE": self = .locale
    case "M", "MULTILINE": self = .multiline
    case "S", "DOTALL": self = .dotAll
    case "U", "UNICODE": self = .unicode
    case "X", "VERBOSE": self = .verbose
    case "A", "ASCII": self = .ascii
    case "NOFLAG": self = []
    default: return nil
    }
  }
}
