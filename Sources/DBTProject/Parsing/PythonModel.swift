import Jinja
import OrderedCollections
import PlainData

/// What a Python model asks of dbt, read from its text: the calls `dbt.ref`, `dbt.source`, `dbt.config` and
/// `dbt.config.get`, whose arguments must be literals. Nothing is executed.
struct PythonModel {
  struct Call {
    /// `ref`, `source`, `config`, `get` or `meta_get`.
    let function: String
    let positional: [Value]
    let keywords: [(name: String, value: Value)]
  }

  private(set) var calls: [Call] = []

  private let tokens: [PythonTokens.Token]
  private let source: [UInt8]

  /// - Throws: a parsing error in dbt's words for text that is no model.
  init(_ text: String) throws(ProjectError) {
    guard !["{{", "{%", "{#"].contains(where: text.contains) else {
      throw ProjectError(.parsing, "No jinja in python model code is allowed")
    }
    source = Array(text.utf8)
    tokens = try PythonTokens.read(source)
    guard !tokens.isEmpty else { return }
    try checkFunctions()
    for place in tokens.indices { try readCall(place) }
  }

  private func text(_ place: Int) -> String? {
    tokens.indices.contains(place) ? tokens[place].text(source) : nil
  }

  private func isName(_ place: Int) -> Bool { tokens.indices.contains(place) && tokens[place].kind == .name }

  // MARK: The function `model`

  private func checkFunctions() throws(ProjectError) {
    let found = tokens.indices.filter { isName($0) && text($0) == "def" && text($0 + 1) == "model" }
    guard found.count == 1, let start = found.first else {
      throw ProjectError(.parsing, "dbt allows exactly one model defined per python file, found \(found.count)")
    }
    var faults: [String] = []
    guard let close = closing(start + 2) else { throw PythonTokens.unreadable }
    let parameters = split(start + 3..<close).compactMap { text($0.lowerBound) }.filter { !$0.hasPrefix("*") }
    if let first = parameters.first, first != "dbt" {
      faults.append("'dbt' not provided for model as the first argument")
    }
    if parameters.count != 2 {
      faults.append("model function should have two args, `dbt` and a session to current warehouse")
    }
    if !endsWithReturn(start, close) {
      faults.append("In current version, model function should return only one dataframe object")
    }
    guard faults.isEmpty else { throw ProjectError(.parsing, faults.joined(separator: "\n")) }
  }

  /// Whether the last statement of the function's own level returns one value.
  private func endsWithReturn(_ start: Int, _ close: Int) -> Bool {
    let own = tokens[start].indent
    let body = tokens[(close + 1)...].prefix { !$0.startsLine || $0.indent > own }
    guard let level = body.first(where: \.startsLine)?.indent else {
      return body.contains { $0.text(source) == "return" }
    }
    guard let last = body.lastIndex(where: { $0.startsLine && $0.indent == level }), text(last) == "return" else {
      return false
    }
    var depth = 0
    for token in body[last...] {
      switch token.text(source) {
      case "(", "[", "{": depth += 1
      case ")", "]", "}": depth -= 1
      case "," where depth == 0: return false
      case "lambda" where depth == 0: return true
      default: break
      }
    }
    return true
  }

  // MARK: Calls

  private mutating func readCall(_ start: Int) throws(ProjectError) {
    guard isName(start), text(start) == "dbt", text(start - 1) != ".", text(start + 1) == "." else { return }
    var name = start + 2
    if text(name) == "config", text(name + 1) == ".", ["get", "meta_get"].contains(text(name + 2)) { name += 2 }
    guard let function = text(name), ["ref", "source", "config", "get", "meta_get"].contains(function),
      name > start + 2 || !["get", "meta_get"].contains(function), text(name + 1) == "("
    else { return }
    guard let close = closing(name + 1) else { throw PythonTokens.unreadable }
    var positional: [Value] = []
    var keywords: [(name: String, value: Value)] = []
    for argument in split(name + 2..<close) {
      if isName(argument.lowerBound), text(argument.lowerBound + 1) == "=" {
        keywords.append(
          (text(argument.lowerBound) ?? "", try literal(argument.dropFirst(2).startIndex..<argument.upperBound)))
      } else {
        positional.append(try literal(argument))
      }
    }
    calls.append(Call(function: function, positional: positional, keywords: keywords))
  }

  private func literal(_ range: Range<Int>) throws(ProjectError) -> Value {
    let first = range.isEmpty ? 0 : tokens[range.lowerBound].range.lowerBound
    let last = range.isEmpty ? 0 : tokens[range.upperBound - 1].range.upperBound
    let text = String(decoding: source[first..<last], as: UTF8.self)
    // Comments and line breaks inside of brackets mean nothing.
    var plain = ""
    for token in tokens[range] {
      if token.kind != .sign, plain.last.map({ $0.isLetter || $0.isNumber || "'\"".contains($0) }) ?? false {
        plain += " "
      }
      plain += token.text(source)
    }
    if let value = PythonLiteral.read(plain) { return value }
    throw ProjectError(
      .parsing,
      "Error when trying to literal_eval an arg to dbt.ref(), dbt.source(), dbt.config() or dbt.config.get() \n"
        + "malformed node or string: \(text)\nhttps://docs.python.org/3/library/ast.html#ast.literal_eval\n"
        + "In dbt python model, `dbt.ref`, `dbt.source`, `dbt.config`, `dbt.config.get` function args only support Python "
        + "literal structures")
  }

  /// The bracket that closes the one at `open`.
  private func closing(_ open: Int) -> Int? {
    var depth = 0
    for place in open..<tokens.count {
      switch text(place) {
      case "(", "[", "{": depth += 1
      case ")", "]", "}":
        depth -= 1
        if depth == 0 { return place }
      default: break
      }
    }
    return nil
  }

  /// The parts between commas.
  private func split(_ range: Range<Int>) -> [Range<Int>] {
    var parts: [Range<Int>] = []
    var depth = 0
    var start = range.lowerBound
    for place in range {
      switch text(place) {
      case "(", "[", "{": depth += 1
      case ")", "]", "}": depth -= 1
      case "," where depth == 0:
        parts.append(start..<place)
        start = place + 1
      default: break
      }
    }
    if start < range.upperBound { parts.append(start..<range.upperBound) }
    return parts
  }
}

/// Python's text cut into names, numbers, strings and signs. Comments and blanks are left out.
enum PythonTokens {
  enum Kind { case name, number, string, sign }

  struct Token {
    let kind: Kind
    /// Bytes of the source.
    let range: Range<Int>
    /// Whether it is the first of a line that no bracket or backslash continues.
    let startsLine: Bool
    /// Columns before the line's first token.
    let indent: Int

    func text(_ source: [UInt8]) -> String { String(decoding: source[range], as: UTF8.self) }
  }

  static var unreadable: ProjectError { ProjectError(.parsing, "invalid Python syntax: a bracket is never closed") }

  /// - Throws: a parsing error for a string that does not end.
  static func read(_ source: [UInt8]) throws(ProjectError) -> [Token] {
    var tokens: [Token] = []
    var at = 0
    var depth = 0
    var startsLine = true
    var indent = 0
    func byte(_ place: Int) -> UInt8 { place < source.count ? source[place] : 0 }
    func isWord(_ byte: UInt8) -> Bool {
      byte == 0x5f || byte >= 0x80 || (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte | 0x20)
    }
    func add(_ kind: Kind, _ end: Int) {
      tokens.append(Token(kind: kind, range: at..<end, startsLine: startsLine, indent: indent))
      startsLine = false
      at = end
    }
    while at < source.count {
      let current = source[at]
      switch current {
      case 0x0a:
        at += 1
        if depth == 0 {
          startsLine = true
          indent = 0
        }
      case 0x5c where byte(at + 1) == 0x0a: at += 2
      case 0x20, 0x0c, 0x0d, 0x09:
        at += 1
        if startsLine { indent += current == 0x09 ? 8 - indent % 8 : 1 }
      case UInt8(ascii: "#"): while at < source.count, source[at] != 0x0a { at += 1 }
      case UInt8(ascii: "'"), UInt8(ascii: "\""): add(.string, try stringEnd(source, at))
      case _ where (0x30...0x39).contains(current):
        var end = at
        while isWord(byte(end)) || byte(end) == UInt8(ascii: ".") { end += 1 }
        add(.number, end)
      case _ where isWord(current):
        var end = at
        while isWord(byte(end)) { end += 1 }
        if end - at <= 2, byte(end) == UInt8(ascii: "'") || byte(end) == UInt8(ascii: "\"") {
          add(.string, try stringEnd(source, end))
        } else {
          add(.name, end)
        }
      default:
        if "([{".utf8.contains(current) { depth += 1 }
        if ")]}".utf8.contains(current) { depth = max(0, depth - 1) }
        // `==` and the like must not be taken for the sign of a keyword argument.
        let isDouble = "=!<>:+-*/".utf8.contains(current) && byte(at + 1) == UInt8(ascii: "=")
        add(.sign, at + (isDouble ? 2 : 1))
      }
    }
    return tokens
  }

  /// The place after a string whose first quote is at `open`.
  private static func stringEnd(_ source: [UInt8], _ open: Int) throws(ProjectError) -> Int {
    let quote = source[open]
    let isTriple = source[open...].starts(with: [quote, quote, quote])
    var at = open + (isTriple ? 3 : 1)
    while at < source.count {
      if source[at] == 0x5c {
        at += 2
      } else if isTriple, source[at...].starts(with: [quote, quote, quote]) {
        return at + 3
      } else if !isTriple, source[at] == quote {
        return at + 1
      } else if !isTriple, source[at] == 0x0a {
        break
      } else {
        at += 1
      }
    }
    throw ProjectError(.parsing, "invalid Python syntax: unterminated string literal")
  }
}
