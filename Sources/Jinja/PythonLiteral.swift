/// Python's `ast.literal_eval`: numbers, text, bytes, booleans, None, and tuples, lists, sets and dicts of them.
package struct PythonLiteral {
  private let scalars: [Unicode.Scalar]
  private var at = 0
  private var depth = 0

  private init(_ text: String) { scalars = Array(text.unicodeScalars) }

  /// The value of a literal, nil when the text is none, is longer than a mebibyte or nested deeper than 90 levels.
  package static func read(_ text: String) -> Value? {
    guard text.utf8.count < 1 << 20 else { return nil }
    var reader = PythonLiteral(text)
    while let next = reader.peek(), next == " " || next == "\t" { reader.at += 1 }
    guard let value = reader.topLevel() else { return nil }
    reader.skipBlank(acrossLines: true)
    return reader.at == reader.scalars.count ? value : nil
  }

  private func peek(_ offset: Int = 0) -> Unicode.Scalar? { at + offset < scalars.count ? scalars[at + offset] : nil }

  /// Lines end a literal outside of brackets.
  private mutating func skipBlank(acrossLines: Bool) {
    while let next = peek(), next == " " || next == "\t" || (acrossLines && (next == "\n" || next == "\r")) { at += 1 }
  }

  private mutating func skip(_ scalar: Unicode.Scalar) -> Bool {
    skipBlank(acrossLines: depth > 0)
    guard peek() == scalar else { return false }
    at += 1
    return true
  }

  /// A value, or a tuple without parentheses.
  private mutating func topLevel() -> Value? {
    guard let first = value() else { return nil }
    guard skip(",") else { return first }
    var items = [first]
    while true {
      skipBlank(acrossLines: false)
      guard let next = peek(), next != "\n" else { return .tuple(items) }
      guard let item = value() else { return nil }
      items.append(item)
      if !skip(",") { return .tuple(items) }
    }
  }

  private mutating func value() -> Value? {
    skipBlank(acrossLines: depth > 0)
    guard depth < 90, let next = peek() else { return nil }
    switch next {
    case "(", "[", "{":
      at += 1
      depth += 1
      defer { depth -= 1 }
      return next == "(" ? tuple() : next == "[" ? items("]").map(Value.list) : braces()
    case "-", "+":
      at += 1
      guard let operand = value(), operand.number != nil, operand.boolValue == nil else { return nil }
      return try? next == "-" ? Arithmetic.negate(operand) : Arithmetic.plus(operand)
    case "'", "\"": return strings()
    case "0"..."9", ".": return number()
    default: return word()
    }
  }

  private mutating func items(_ close: Unicode.Scalar) -> [Value]? {
    var items: [Value] = []
    while !skip(close) {
      guard let item = value() else { return nil }
      items.append(item)
      if skip(close) { break }
      guard skip(",") else { return nil }
    }
    return items
  }

  private mutating func tuple() -> Value? {
    if skip(")") { return .tuple([]) }
    guard let first = value() else { return nil }
    if skip(")") { return first }
    guard skip(","), let rest = items(")") else { return nil }
    return .tuple([first] + rest)
  }

  /// A dict or a set.
  private mutating func braces() -> Value? {
    let dict = DictObject()
    if skip("}") { return .dict(dict) }
    guard let first = value(), (try? first.requireHashable()) != nil else { return nil }
    guard skip(":") else {
      if skip("}") { return (try? SetObject([first])).map { .object($0) } }
      guard skip(","), let rest = items("}") else { return nil }
      return (try? SetObject([first] + rest)).map { .object($0) }
    }
    guard let item = value() else { return nil }
    dict[first] = item
    while !skip("}") {
      guard skip(",") else { return nil }
      if skip("}") { break }
      guard let key = value(), (try? key.requireHashable()) != nil, skip(":"), let item = value() else { return nil }
      dict[key] = item
    }
    return .dict(dict)
  }

  private mutating func word() -> Value? {
    var end = at
    while end < scalars.count, scalars[end].properties.isXIDContinue { end += 1 }
    let name = PythonString.text(scalars[at..<end])
    if let quote = end < scalars.count ? scalars[end] : nil, quote == "'" || quote == "\"",
      ["r", "b", "u", "br", "rb"].contains(PythonString.lower(name))
    {
      return strings()
    }
    at = end
    switch name {
    case "None": return Value.none
    case "True": return .bool(true)
    case "False": return .bool(false)
    case "set":
      guard skip("("), skip(")") else { return nil }
      return (try? SetObject()).map { .object($0) }
    default: return nil
    }
  }

  // MARK: Text

  /// One or more strings in a row: all text, or all bytes.
  private mutating func strings() -> Value? {
    var text: String?
    var bytes: [UInt8]?
    while let (piece, isBytes) = string() {
      if isBytes {
        guard text == nil, piece.unicodeScalars.allSatisfy({ $0.value < 0x100 }) else { return nil }
        bytes = (bytes ?? []) + piece.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
      } else {
        guard bytes == nil else { return nil }
        text = (text ?? "") + piece
      }
      skipBlank(acrossLines: depth > 0)
      guard let next = peek(), next == "'" || next == "\"" || "rbuRBU".unicodeScalars.contains(next) else { break }
    }
    return text.map(Value.string) ?? bytes.map { .object(BytesObject($0)) }
  }

  private mutating func string() -> (text: String, isBytes: Bool)? {
    var isRaw = false
    var isBytes = false
    while let next = peek(), next != "'", next != "\"" {
      isRaw = isRaw || next == "r" || next == "R"
      isBytes = isBytes || next == "b" || next == "B"
      at += 1
    }
    guard let quote = peek() else { return nil }
    let isTriple = peek(1) == quote && peek(2) == quote
    at += isTriple ? 3 : 1
    var body = String.UnicodeScalarView()
    while let next = peek() {
      if next == quote, !isTriple || (peek(1) == quote && peek(2) == quote) {
        at += isTriple ? 3 : 1
        if isRaw { return (String(body), isBytes) }
        guard let text = try? StringEscapes.decode(String(body), inBytes: isBytes) else { return nil }
        return (text, isBytes)
      }
      if next == "\n", !isTriple { return nil }
      if isBytes, !next.isASCII { return nil }
      body.append(next)
      at += 1
      if next == "\\", let escaped = peek() {
        body.append(escaped)
        at += 1
      }
    }
    return nil
  }

  // MARK: Numbers

  private mutating func number() -> Value? {
    var end = at
    while end < scalars.count {
      let scalar = scalars[end]
      let isSign = (scalar == "+" || scalar == "-") && end > at && (scalars[end - 1] == "e" || scalars[end - 1] == "E")
      guard isSign || scalar == "." || scalar.properties.isXIDContinue else { break }
      // In a hexadecimal number an e is a digit.
      if isSign, end > at + 1, scalars[at] == "0", scalars[at + 1] == "x" || scalars[at + 1] == "X" { break }
      end += 1
    }
    let text = PythonString.text(scalars[at..<end])
    at = end
    let bytes = Array(text.utf8)
    if bytes.contains(0x2e) || (bytes.contains(where: { $0 | 0x20 == 0x65 }) && !text.hasPrefix("0x")) {
      guard bytes.allSatisfy({ $0.isDigit || [0x2b, 0x2d, 0x2e, 0x45, 0x65, 0x5f].contains($0) }) else { return nil }
      return (try? NumberText.float(.string(text))).map(Value.double)
    }
    let hasLeadingZero = bytes.count > 1 && bytes[0] == 0x30 && bytes[1].isDigit
    guard !hasLeadingZero || bytes.allSatisfy({ $0 == 0x30 || $0 == 0x5f }) else { return nil }
    return NumberText.parse(text, base: 0).map(Arithmetic.integer)
  }
}
