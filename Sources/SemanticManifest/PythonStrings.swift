import Jinja

extension String {
  /// Whether a text stands in this one, code point by code point.
  func holds(_ part: String) -> Bool {
    if part.isEmpty { return true }
    let bytes = Array(utf8)
    let wanted = Array(part.utf8)
    guard bytes.count >= wanted.count else { return false }
    return (0...(bytes.count - wanted.count)).contains { start in
      bytes[start] == wanted[0] && bytes[start..<(start + wanted.count)].elementsEqual(wanted)
    }
  }

  /// Python's `str.strip()`.
  var pythonStripped: String {
    let scalars = unicodeScalars
    guard let first = scalars.firstIndex(where: { !$0.isPythonSpace }),
      let last = scalars.lastIndex(where: { !$0.isPythonSpace })
    else { return "" }
    return String(scalars[first...last])
  }

  /// Python's `str.split()` at a separator that is not empty.
  func parts(at separator: String) -> [String] {
    let mark = Array(separator.unicodeScalars)
    let scalars = Array(unicodeScalars)
    var parts: [String] = []
    var current = String.UnicodeScalarView()
    var index = 0
    while index < scalars.count {
      if scalars[index...].starts(with: mark) {
        parts.append(String(current))
        current = String.UnicodeScalarView()
        index += mark.count
      } else {
        current.append(scalars[index])
        index += 1
      }
    }
    return parts + [String(current)]
  }

  /// Python's `textwrap.indent`: the prefix before every line that is not blank.
  func indented(by prefix: String) -> String {
    var result = ""
    var line = String.UnicodeScalarView()
    func end() {
      let text = String(line)
      result += text.pythonStripped.isEmpty ? text : prefix + text
      line = String.UnicodeScalarView()
    }
    let scalars = Array(unicodeScalars)
    for (index, scalar) in scalars.enumerated() {
      line.append(scalar)
      let isBeforeLineFeed = scalar == "\r" && index + 1 < scalars.count && scalars[index + 1] == "\n"
      if scalar.isPythonLineBreak, !isBeforeLineFeed { end() }
    }
    if !line.isEmpty { end() }
    return result
  }
}

extension Unicode.Scalar {
  /// The digit's value where the character is a decimal digit of any script.
  var decimalDigit: Int? {
    guard properties.generalCategory == .decimalNumber, let value = properties.numericValue else { return nil }
    return Int(value)
  }

  /// Whether Python's `str.isspace` holds.
  var isPythonSpace: Bool { properties.isWhitespace || (0x1C...0x1F).contains(value) }

  /// Whether Python's `str.splitlines` ends a line here.
  var isPythonLineBreak: Bool {
    switch value {
    case 0x0A...0x0D, 0x1C...0x1E, 0x85, 0x2028, 0x2029: true
    default: false
    }
  }

  /// Whether a regular expression's `\w` holds.
  var isPythonWord: Bool {
    if isASCII {
      return (0x61...0x7A).contains(value | 0x20) || (0x30...0x39).contains(value) || self == "_"
    }
    switch properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .decimalNumber,
      .letterNumber, .otherNumber:
      return true
    default: return false
    }
  }
}

/// Python's `repr` of collections of texts.
enum PythonList {
  static func repr(_ items: some Sequence<String>) -> String {
    "[" + items.map { PythonText.repr($0) }.joined(separator: ", ") + "]"
  }

  /// The repr of a set of texts, in the order given: Python's own is random.
  static func setRepr(_ items: some Collection<String>) -> String {
    items.isEmpty ? "set()" : "{" + items.map { PythonText.repr($0) }.joined(separator: ", ") + "}"
  }
}

extension String? {
  /// Python's `repr` of a text or None.
  var pythonRepr: String { map { PythonText.repr($0) } ?? "None" }
}
