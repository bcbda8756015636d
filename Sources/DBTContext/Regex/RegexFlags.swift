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
