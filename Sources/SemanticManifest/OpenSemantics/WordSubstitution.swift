/// Python's `re.sub` of one word: the name of a metric by its expression.
struct WordSubstitution {
  private let word: [Unicode.Scalar]
  /// What stands for the word: texts, and nil where the word itself stands again.
  private let pieces: [String?]

  /// - Parameter replacement: may hold escapes, as replacements of regular expressions do.
  /// - Throws: for escapes that Python refuses.
  init(_ word: String, by replacement: String) throws(OpenSemanticError) {
    self.word = Array(word.unicodeScalars)
    var template = ReplacementTemplate(replacement)
    pieces = try template.read()
  }

  /// The text with every occurrence of the word that is bounded on both sides replaced.
  func apply(to text: String) -> String {
    let scalars = Array(text.unicodeScalars)
    var result = String.UnicodeScalarView()
    var index = 0
    while index <= scalars.count {
      if matches(scalars, index) {
        for piece in pieces { result.append(contentsOf: piece?.unicodeScalars ?? String.UnicodeScalarView(word)) }
        if !word.isEmpty {
          index += word.count
          continue
        }
      }
      if index < scalars.count { result.append(scalars[index]) }
      index += 1
    }
    return String(result)
  }

  private func matches(_ text: [Unicode.Scalar], _ start: Int) -> Bool {
    guard text.count - start >= word.count, text[start..<(start + word.count)].elementsEqual(word) else { return false }
    return isBoundary(text, start) && isBoundary(text, start + word.count)
  }

  /// Whether a word begins or ends at a place.
  private func isBoundary(_ text: [Unicode.Scalar], _ place: Int) -> Bool {
    let before = place > 0 && text[place - 1].isPythonWord
    let after = place < text.count && text[place].isPythonWord
    return before != after
  }
}

/// A replacement of a regular expression without groups.
private struct ReplacementTemplate {
  private let scalars: [Unicode.Scalar]
  private var index = 0
  private var pieces: [String?] = []
  private var current = String.UnicodeScalarView()

  init(_ text: String) { scalars = Array(text.unicodeScalars) }

  private var next: Unicode.Scalar? { index < scalars.count ? scalars[index] : nil }

  mutating func read() throws(OpenSemanticError) -> [String?] {
    while let scalar = next {
      index += 1
      if scalar == "\\" { try readEscape() } else { current.append(scalar) }
    }
    flush()
    return pieces
  }

  private mutating func flush() {
    if !current.isEmpty { pieces.append(String(current)) }
    current = String.UnicodeScalarView()
  }

  private static let escapes: [Unicode.Scalar: Unicode.Scalar] = [
    "a": "\u{7}", "b": "\u{8}", "f": "\u{C}", "n": "\n", "r": "\r", "t": "\t", "v": "\u{B}", "\\": "\\",
  ]

  private mutating func readEscape() throws(OpenSemanticError) {
    guard let scalar = next else { throw .uncaught("error", "bad escape (end of pattern)") }
    index += 1
    switch scalar {
    case "g": try readGroup()
    case "0": readOctal()
    case "1"..."9": try readNumber(scalar)
    default:
      if let meant = Self.escapes[scalar] {
        current.append(meant)
      } else if scalar.isASCII, scalar.properties.isAlphabetic {
        throw .uncaught("error", "bad escape \\\(scalar)")
      } else {
        current.append("\\")
        current.append(scalar)
      }
    }
  }

  /// Reads `<NAME>`: only the whole match, group 0, is there.
  private mutating func readGroup() throws(OpenSemanticError) {
    guard next == "<" else { throw .uncaught("error", "missing <") }
    let rest = scalars[(index + 1)...]
    guard let end = rest.firstIndex(of: ">") else { throw .uncaught("error", "missing >, unterminated name") }
    let name = String(String.UnicodeScalarView(rest[..<end]))
    index = end + 1
    if let number = Int(name), name.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
      guard number == 0 else { throw .uncaught("error", "invalid group reference \(number)") }
      flush()
      pieces.append(nil)
      return
    }
    let isName =
      !name.isEmpty && name.unicodeScalars.allSatisfy(\.isPythonWord) && name.unicodeScalars.first?.decimalDigit == nil
    throw isName
      ? .uncaught("IndexError", "unknown group name '\(name)'")
      : .uncaught("error", "bad character in group name '\(name)'")
  }

  private static func octal(_ scalar: Unicode.Scalar?) -> UInt32? {
    guard let scalar, (0x30...0x37).contains(scalar.value) else { return nil }
    return scalar.value - 0x30
  }

  private mutating func readOctal() {
    var value: UInt32 = 0
    for _ in 0..<2 {
      guard let digit = Self.octal(next) else { break }
      value = value * 8 + digit
      index += 1
    }
    if let scalar = Unicode.Scalar(value & 0xFF) { current.append(scalar) }
  }

  /// Reads three octal digits; anything else would be a group.
  private mutating func readNumber(_ first: Unicode.Scalar) throws(OpenSemanticError) {
    let second = Self.octal(next)
    let third = index + 1 < scalars.count ? Self.octal(scalars[index + 1]) : nil
    guard let head = Self.octal(first), let second, let third else {
      throw .uncaught("error", "invalid group reference")
    }
    index += 2
    let value = head * 64 + second * 8 + third
    guard value <= 0xFF, let scalar = Unicode.Scalar(value) else {
      throw .uncaught("error", "octal escape value outside of range 0-0o377")
    }
    current.append(scalar)
  }
}
