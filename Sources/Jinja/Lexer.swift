/// Splits template text into tokens, on UTF-8 bytes.
///
/// The rules are Jinja's with its default delimiters and without `trim_blocks` and `lstrip_blocks`: `-` beside a delimiter
/// eats the white space on that side, `+` does nothing, comments vanish, `raw` blocks are data.
struct Lexer {
  private let unit: SourceUnit
  private let bytes: [UInt8]
  private var position = 0
  private var tokens: [Token] = []
  /// The closing delimiters that are awaited inside a tag.
  private var awaited: [UInt8] = []

  private init(_ unit: SourceUnit) {
    self.unit = unit
    bytes = unit.source
    tokens.reserveCapacity(bytes.count / 6 + 4)
  }

  /// All tokens of the text, ending with an `end` token.
  static func tokens(of unit: SourceUnit) throws(JinjaError) -> [Token] {
    var lexer = Lexer(unit)
    while lexer.position < lexer.bytes.count { try lexer.readData() }
    lexer.tokens.append(Token(kind: .end, start: lexer.position, end: lexer.position))
    return lexer.tokens
  }

  private func fail(_ message: String, at offset: Int) -> JinjaError { unit.error(.syntax, message, at: offset) }

  private func byte(_ offset: Int) -> UInt8? { offset < bytes.count ? bytes[offset] : nil }

  // MARK: Text outside tags

  private mutating func appendData(_ start: Int, _ end: Int, strip: Bool) {
    var end = end
    if strip { while end > start, let width = spaceEnding(at: end, from: start) { end -= width } }
    guard end > start else { return }
    tokens.append(
      Token(kind: .data, text: String(decoding: bytes[start..<end], as: UTF8.self), start: start, end: end))
  }

  private mutating func readData() throws(JinjaError) {
    let start = position
    var cursor = position
    while cursor + 1 < bytes.count {
      if bytes[cursor] == UInt8(ascii: "{") {
        let next = bytes[cursor + 1]
        if next == UInt8(ascii: "%") || next == UInt8(ascii: "{") || next == UInt8(ascii: "#") { break }
      }
      cursor += 1
    }
    guard cursor + 1 < bytes.count else {
      appendData(start, bytes.count, strip: false)
      position = bytes.count
      return
    }
    let sign = byte(cursor + 2)
    let signed = sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+")
    appendData(start, cursor, strip: sign == UInt8(ascii: "-"))
    position = cursor + (signed ? 3 : 2)
    switch bytes[cursor + 1] {
    case UInt8(ascii: "#"): try skipComment(from: cursor)
    case UInt8(ascii: "{"):
      tokens.append(Token(kind: .variableBegin, start: cursor, end: position))
      try readTag(close: UInt8(ascii: "}"), kind: .variableEnd)
    default:
      if let body = rawBlock(after: position) {
        try readRaw(body, tag: cursor)
      } else {
        tokens.append(Token(kind: .blockBegin, start: cursor, end: position))
        try readTag(close: UInt8(ascii: "%"), kind: .blockEnd)
      }
    }
  }

  private mutating func skipComment(from tag: Int) throws(JinjaError) {
    var cursor = position
    while cursor + 1 < bytes.count, bytes[cursor] != UInt8(ascii: "#") || bytes[cursor + 1] != UInt8(ascii: "}") {
      cursor += 1
    }
    guard cursor + 1 < bytes.count else { throw fail("Missing end of comment tag", at: tag) }
    let strips = cursor > position && bytes[cursor - 1] == UInt8(ascii: "-")
    position = cursor + 2
    if strips { skipSpace() }
  }

  /// The offset behind `raw %}` when that is what follows.
  private func rawBlock(after offset: Int) -> Int? {
    guard let word = wordEnd("raw", after: offset) else { return nil }
    return tagEnd(after: word, plus: false)
  }

  /// The offset behind optional space and the word.
  private func wordEnd(_ word: StaticString, after offset: Int) -> Int? {
    var cursor = offset
    while let width = spaceStarting(at: cursor) { cursor += width }
    let expected = Array(String(describing: word).utf8)
    guard cursor + expected.count <= bytes.count,
      bytes[cursor..<(cursor + expected.count)].elementsEqual(expected)
    else { return nil }
    return cursor + expected.count
  }

  /// The offset behind optional space and `%}` or `-%}` with the space it eats.
  private func tagEnd(after offset: Int, plus: Bool) -> Int? {
    var cursor = offset
    while let width = spaceStarting(at: cursor) { cursor += width }
    let strips = byte(cursor) == UInt8(ascii: "-")
    if strips || (plus && byte(cursor) == UInt8(ascii: "+")) { cursor += 1 }
    guard byte(cursor) == UInt8(ascii: "%"), byte(cursor + 1) == UInt8(ascii: "}") else { return nil }
    cursor += 2
    if strips { while let width = spaceStarting(at: cursor) { cursor += width } }
    return cursor
  }

  private mutating func readRaw(_ start: Int, tag: Int) throws(JinjaError) {
    var cursor = start
    while cursor + 1 < bytes.count {
      if bytes[cursor] == UInt8(ascii: "{"), bytes[cursor + 1] == UInt8(ascii: "%") {
        let sign = byte(cursor + 2)
        let signed = sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+")
        if let word = wordEnd("endraw", after: cursor + (signed ? 3 : 2)), let end = tagEnd(after: word, plus: true) {
          appendData(start, cursor, strip: sign == UInt8(ascii: "-"))
          position = end
          return
        }
      }
      cursor += 1
    }
    throw fail("Missing end of raw directive", at: tag)
  }

  // MARK: Inside tags

  /// Reads up to the closing delimiter (`%}` or `}}`).
  private mutating func readTag(close: UInt8, kind: Token.Kind) throws(JinjaError) {
    awaited.removeAll(keepingCapacity: true)
    while true {
      if let width = spaceStarting(at: position) {
        position += width
        continue
      }
      guard let first = byte(position) else { return }
      if awaited.isEmpty, let end = tagClose(close, allowsPlus: kind == .blockEnd) {
        tokens.append(Token(kind: kind, start: position, end: end))
        position = end
        return
      }
      switch first {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): readNumber()
      case UInt8(ascii: "'"), UInt8(ascii: "\""): try readString(first)
      default:
        if try !readName() { try readSymbol(first) }
      }
    }
  }

  /// The offset behind the closing delimiter if it stands here.
  private func tagClose(_ close: UInt8, allowsPlus: Bool) -> Int? {
    var cursor = position
    let strips = bytes[cursor] == UInt8(ascii: "-")
    if strips || (allowsPlus && bytes[cursor] == UInt8(ascii: "+")) { cursor += 1 }
    guard byte(cursor) == close, byte(cursor + 1) == UInt8(ascii: "}") else { return nil }
    cursor += 2
    if strips { while let width = spaceStarting(at: cursor) { cursor += width } }
    return cursor
  }

  private mutating func readSymbol(_ first: UInt8) throws(JinjaError) {
    guard let symbol = Symbol(first, byte(position + 1)) else {
      let rest = String(decoding: bytes[position..<min(position + 4, bytes.count)], as: UTF8.self)
      throw fail("unexpected char \(PythonText.repr(String(rest.unicodeScalars.prefix(1))))", at: position)
    }
    switch symbol {
    case .leftBrace: awaited.append(UInt8(ascii: "}"))
    case .leftParenthesis: awaited.append(UInt8(ascii: ")"))
    case .leftBracket: awaited.append(UInt8(ascii: "]"))
    case .rightBrace, .rightParenthesis, .rightBracket:
      guard let expected = awaited.popLast() else { throw fail("unexpected '\(symbol.rawValue)'", at: position) }
      guard expected == first else {
        throw fail(
          "unexpected '\(symbol.rawValue)', expected '\(String(decoding: [expected], as: UTF8.self))'", at: position)
      }
    default: break
    }
    let end = position + symbol.rawValue.utf8.count
    tokens.append(Token(kind: .symbol, symbol: symbol, start: position, end: end))
    position = end
  }

  private mutating func readName() throws(JinjaError) -> Bool {
    var cursor = position
    while let byte = byte(cursor) {
      if byte.isWordByte {
        cursor += 1
      } else if byte >= 0x80, let (scalar, width) = scalar(at: cursor), scalar.isWordScalar {
        cursor += width
      } else {
        break
      }
    }
    guard cursor > position else { return false }
    let text = String(decoding: bytes[position..<cursor], as: UTF8.self)
    if bytes[position] >= 0x80, let first = text.unicodeScalars.first, !first.properties.isXIDStart {
      throw fail("Invalid character in identifier", at: position)
    }
    tokens.append(Token(kind: .name, text: text, start: position, end: cursor))
    position = cursor
    return true
  }
}

extension Lexer {
  // MARK: Numbers

  /// The end of `(\d+_)*\d+`, nil when no digit stands here.
  private func digits(from offset: Int) -> Int? {
    var cursor = offset
    guard let first = byte(cursor), first.isDigit else { return nil }
    while let byte = byte(cursor) {
      if byte.isDigit {
        cursor += 1
      } else if byte == UInt8(ascii: "_"), self.byte(cursor + 1)?.isDigit == true {
        cursor += 2
      } else {
        break
      }
    }
    return cursor
  }

  /// The end of a float: whole digits with a fraction, an exponent or both.
  private func floatEnd() -> Int? {
    if position > 0, bytes[position - 1] == UInt8(ascii: ".") { return nil }
    guard var cursor = digits(from: position) else { return nil }
    var isFloat = false
    if byte(cursor) == UInt8(ascii: "."), let end = digits(from: cursor + 1) {
      cursor = end
      isFloat = true
    }
    if let e = byte(cursor), e | 0x20 == UInt8(ascii: "e") {
      let sign = byte(cursor + 1)
      let skip = sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") ? 2 : 1
      if let end = digits(from: cursor + skip) {
        cursor = end
        isFloat = true
      }
    }
    return isFloat ? cursor : nil
  }

  private mutating func readNumber() {
    let kind: Token.Kind
    let end: Int
    if let float = floatEnd() {
      (kind, end) = (.float, float)
    } else {
      (kind, end) = (.integer, integerEnd())
    }
    let text = String(decoding: bytes[position..<end].lazy.filter { $0 != UInt8(ascii: "_") }, as: UTF8.self)
    tokens.append(Token(kind: kind, text: text, start: position, end: end))
    position = end
  }

  private func integerEnd() -> Int {
    if bytes[position] == UInt8(ascii: "0") {
      let radix =
        switch (byte(position + 1) ?? 0) | 0x20 {
        case UInt8(ascii: "b"): 2
        case UInt8(ascii: "o"): 8
        case UInt8(ascii: "x"): 16
        default: 0
        }
      if radix > 0, let end = run(from: position + 2, radix: radix) { return end }
      return run(from: position, radix: 1) ?? position + 1
    }
    return digits(from: position) ?? position + 1
  }

  /// The end of `(_?digit)+`, nil when there is none.
  private func run(from offset: Int, radix: Int) -> Int? {
    var cursor = offset
    func isDigit(_ byte: UInt8?) -> Bool { byte.flatMap(BigInteger.digit).map { $0 < radix } ?? false }
    while true {
      if isDigit(byte(cursor)) {
        cursor += 1
      } else if byte(cursor) == UInt8(ascii: "_"), isDigit(byte(cursor + 1)) {
        cursor += 2
      } else {
        return cursor > offset ? cursor : nil
      }
    }
  }

  // MARK: Strings

  private mutating func readString(_ quote: UInt8) throws(JinjaError) {
    var cursor = position + 1
    var escaped = false
    while let byte = byte(cursor), byte != quote {
      if byte == UInt8(ascii: "\\") {
        escaped = true
        cursor += 1
      }
      cursor += 1
    }
    guard cursor < bytes.count else { throw fail("unexpected char \(quote == 0x27 ? "\"'\"" : "'\"'")", at: position) }
    let body = bytes[(position + 1)..<cursor]
    let text = escaped ? try decode(body) : String(decoding: body, as: UTF8.self)
    tokens.append(Token(kind: .string, text: text, start: position, end: cursor + 1))
    position = cursor + 1
  }

  private func decode(_ body: ArraySlice<UInt8>) throws(JinjaError) -> String {
    do {
      return try StringEscapes.decode(String(decoding: body, as: UTF8.self))
    } catch {
      throw fail(error.message, at: body.startIndex)
    }
  }

  // MARK: White space and characters

  private mutating func skipSpace() { while let width = spaceStarting(at: position) { position += width } }

  /// The width of the white space character at an offset, nil when there is none.
  private func spaceStarting(at offset: Int) -> Int? {
    guard let byte = byte(offset) else { return nil }
    if byte < 0x80 { return byte.isSpaceByte ? 1 : nil }
    guard byte >= 0xC2, let (scalar, width) = scalar(at: offset), scalar.isPythonSpace else { return nil }
    return width
  }

  private func spaceEnding(at end: Int, from start: Int) -> Int? {
    let last = bytes[end - 1]
    if last < 0x80 { return last.isSpaceByte ? 1 : nil }
    for width in 2...3 where end - width >= start {
      if let (scalar, found) = scalar(at: end - width), found == width, scalar.isPythonSpace { return width }
    }
    return nil
  }

  private func scalar(at offset: Int) -> (Unicode.Scalar, Int)? {
    let slice = bytes[offset..<min(offset + 4, bytes.count)]
    var decoder = UTF8()
    var iterator = slice.makeIterator()
    guard case .scalarValue(let scalar) = decoder.decode(&iterator) else { return nil }
    return (scalar, String(scalar).utf8.count)
  }
}

extension UInt8 {
  /// ASCII white space as Python's `str.isspace` has it.
  var isSpaceByte: Bool { (self >= 0x09 && self <= 0x0d) || self == 0x20 || (self >= 0x1c && self <= 0x1f) }

  var isDigit: Bool { self >= 0x30 && self <= 0x39 }

  /// ASCII letters, digits and underscore.
  var isWordByte: Bool { isDigit || (self | 0x20 >= 0x61 && self | 0x20 <= 0x7a) || self == 0x5f }
}

extension Unicode.Scalar {
  /// Python's `str.isspace` for one character.
  var isPythonSpace: Bool {
    if isASCII { return UInt8(truncatingIfNeeded: value).isSpaceByte }
    switch value {
    case 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000: return true
    default: return false
    }
  }

  /// Letters, digits and what else `\w` matches.
  var isWordScalar: Bool { properties.isAlphabetic || properties.numericType != nil || properties.isXIDContinue }
}
