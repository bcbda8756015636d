/// Puts the code of ephemeral models in front of the code that reads them (dbt-engine.md §2.10).
enum CommonTableExpressions {
  /// An ephemeral model's expression: `NAME as (…)`.
  struct Expression: Sendable, Hashable {
    let uniqueID: String
    let text: String

    init(uniqueID: String, name: String, code: String) {
      self.uniqueID = uniqueID
      text = " \(name) as (\n\(code)\n)"
    }
  }

  /// The SQL with the expressions: after its own `with [recursive]` and the blanks there, or behind a `with` put before its first word.
  static func injected(into sql: String, _ expressions: [Expression]) -> String {
    guard !expressions.isEmpty else { return sql }
    let joined = expressions.map(\.text).joined(separator: ", ")
    let bytes = Array(sql.utf8)
    let start = skipBlanks(bytes, from: 0)
    var place = skipBlanksAndComments(bytes, from: start)
    guard let end = word("with", bytes, at: place) else {
      return text(bytes[..<start]) + "with" + joined + " " + text(bytes[start...])
    }
    place = end
    let next = skipBlanksAndComments(bytes, from: end)
    if let recursive = word("recursive", bytes, at: next) { place = recursive }
    place = skipBlanks(bytes, from: place)
    return text(bytes[..<place]) + joined + ", " + text(bytes[place...])
  }

  private static func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

  private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

  private static func skipBlanks(_ bytes: [UInt8], from start: Int) -> Int {
    var index = start
    while index < bytes.count, isBlank(bytes[index]) { index += 1 }
    return index
  }

  /// Skips blanks, `-- …` lines and `/* … */`, which nest.
  private static func skipBlanksAndComments(_ bytes: [UInt8], from start: Int) -> Int {
    var index = skipBlanks(bytes, from: start)
    while index + 1 < bytes.count {
      if bytes[index] == UInt8(ascii: "-"), bytes[index + 1] == UInt8(ascii: "-") {
        while index < bytes.count, bytes[index] != 0x0A { index += 1 }
      } else if bytes[index] == UInt8(ascii: "/"), bytes[index + 1] == UInt8(ascii: "*") {
        index = endOfComment(bytes, from: index)
      } else {
        break
      }
      index = skipBlanks(bytes, from: index)
    }
    return index
  }

  private static func endOfComment(_ bytes: [UInt8], from start: Int) -> Int {
    var depth = 0
    var index = start
    while index + 1 < bytes.count {
      if bytes[index] == UInt8(ascii: "/"), bytes[index + 1] == UInt8(ascii: "*") {
        depth += 1
        index += 2
      } else if bytes[index] == UInt8(ascii: "*"), bytes[index + 1] == UInt8(ascii: "/") {
        depth -= 1
        index += 2
        if depth == 0 { return index }
      } else {
        index += 1
      }
    }
    return bytes.count
  }

  /// The end of the word at a place, in any case, when no longer word stands there.
  private static func word(_ word: String, _ bytes: [UInt8], at start: Int) -> Int? {
    let wanted = Array(word.utf8)
    guard start + wanted.count <= bytes.count else { return nil }
    for (offset, byte) in wanted.enumerated() where bytes[start + offset] | 0x20 != byte { return nil }
    let end = start + wanted.count
    if end < bytes.count {
      let next = bytes[end]
      let isLetter = (0x41...0x5A).contains(next & 0xDF)
      if isLetter || (0x30...0x39).contains(next) || next == UInt8(ascii: "_") || next >= 0x80 { return nil }
    }
    return end
  }
}
