/// Python's `re.sub` of one word: the name of a metric by its expression.
struct WordSubstitution {
  private let word: [UInt8]
  private let replacement: [UInt8]

  /// - Parameter replacement: may hold escapes, as replacements of regular expressions do.
  /// - Throws: for escapes that Python refuses.
  init(_ word: String, by replacement: String) throws(OpenSemanticError) {
    self.word = Array(word.utf8)
    guard replacement.utf8.contains(UInt8(ascii: "\\")) else {
      self.replacement = Array(replacement.utf8)
      return
    }
    var template = ReplacementTemplate(replacement)
    self.replacement = Array(try template.read().map { $0 ?? word }.joined().utf8)
  }

  /// The text with every occurrence of the word that is bounded on both sides replaced.
  func apply(to text: String) -> String {
    let bytes = Array(text.utf8)
    var result: [UInt8] = []
    var index = 0
    while index <= bytes.count {
      if matches(bytes, index) {
        result.append(contentsOf: replacement)
        if !word.isEmpty {
          index += word.count
          continue
        }
      }
      if index < bytes.count { result.append(bytes[index]) }
      index += 1
    }
    return String(decoding: result, as: UTF8.self)
  }

  private func matches(_ text: [UInt8], _ start: Int) -> Bool {
    guard text.count - start >= word.count else { return false }
    if let first = word.first {
      guard text[start] == first, text[start..<(start + word.count)].elementsEqual(word) else { return false }
    }
    return isBoundary(text, start) && isBoundary(text, start + word.count)
  }

  /// Whether a word begins or ends at a place; never inside of a character.
  private func isBoundary(_ text: [UInt8], _ place: Int) -> Bool {
    if place < text.count, UTF8.isContinuation(text[place]) { return false }
    return Self.isWord(before: place, text) != Self.isWord(at: place, text)
  }

  private static func isWord(before place: Int, _ text: [UInt8]) -> Bool {
    guard place > 0 else { return false }
    let start = text[..<place].lastIndex { !UTF8.isContinuation($0) } ?? 0
    return isWord(at: start, text)
  }

  private static func isWord(at place: Int, _ text: [UInt8]) -> Bool {
    guard place < text.count else { return false }
    if text[place] < 0x80 { return Unicode.Scalar(text[place]).isPythonWord }
    return String(decoding: text[place..<min(place + 4, text.count)], as: UTF8.self).unicodeScalars.first?.isPythonWord
      ?? false
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
