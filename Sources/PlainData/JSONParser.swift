import OrderedCollections

/// Why a text is not the JSON document it should be.
package struct JSONError: Error, Sendable, Equatable, CustomStringConvertible {
  package var message: String
  /// Offset into the bytes, from 0.
  package var offset: Int
  package var description: String { "invalid JSON at byte \(offset): \(message)" }
}

/// Bounds on what a document may make the parser do.
package struct JSONLimits: Sendable {
  /// Bytes of the document.
  package var bytes = 256 << 20
  /// Nesting of arrays and objects.
  package var depth = 200

  package init(bytes: Int = 256 << 20, depth: Int = 200) {
    self.bytes = bytes
    self.depth = depth
  }
}

extension PlainValue {
  /// Reads one JSON document (RFC 8259). A key that occurs twice keeps its first place and its last value.
  ///
  /// - Throws: `JSONError` with the offset of the fault, also when a limit is exceeded.
  package init(json bytes: [UInt8], limits: JSONLimits = JSONLimits()) throws(JSONError) {
    guard bytes.count <= limits.bytes else {
      throw JSONError(
        message: "the document has \(bytes.count) bytes, more than the limit of \(limits.bytes)", offset: 0)
    }
    var parser = JSONParser(bytes: bytes, depthLimit: limits.depth)
    self = try parser.document()
  }

  /// Reads one JSON document from text; see `init(json:limits:)`.
  package init(jsonText text: String, limits: JSONLimits = JSONLimits()) throws(JSONError) {
    try self.init(json: Array(text.utf8), limits: limits)
  }
}

private struct JSONParser {
  let bytes: [UInt8]
  let depthLimit: Int
  var at = 0

  init(bytes: [UInt8], depthLimit: Int) {
    self.bytes = bytes
    self.depthLimit = depthLimit
  }

  mutating func document() throws(JSONError) -> PlainValue {
    let value = try value(depth: 0)
    skipBlank()
    guard at == bytes.count else { throw fault("text follows the document") }
    return value
  }

  private func fault(_ message: String) -> JSONError { JSONError(message: message, offset: at) }

  private mutating func skipBlank() {
    while at < bytes.count, bytes[at] == 0x20 || bytes[at] == 0x0A || bytes[at] == 0x0D || bytes[at] == 0x09 { at += 1 }
  }

  private mutating func value(depth: Int) throws(JSONError) -> PlainValue {
    guard depth <= depthLimit else { throw fault("nested deeper than the limit of \(depthLimit)") }
    skipBlank()
    guard at < bytes.count else { throw fault("the document ends where a value should stand") }
    switch bytes[at] {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    default: return try number()
    }
  }

  private mutating func word(_ text: StaticString, _ value: PlainValue) throws(JSONError) -> PlainValue {
    for expected in text.description.utf8 {
      guard at < bytes.count, bytes[at] == expected else { throw fault("expected \(text)") }
      at += 1
    }
    return value
  }

  private mutating func object(depth: Int) throws(JSONError) -> PlainValue {
    at += 1
    var members = PlainObject()
    skipBlank()
    if at < bytes.count, bytes[at] == UInt8(ascii: "}") {
      at += 1
      return .object(members)
    }
    while true {
      skipBlank()
      guard at < bytes.count, bytes[at] == UInt8(ascii: "\"") else { throw fault("expected a quoted key") }
      let key = try string()
      skipBlank()
      guard at < bytes.count, bytes[at] == UInt8(ascii: ":") else { throw fault("expected ':' after a key") }
      at += 1
      members[key] = try value(depth: depth + 1)
      if try closes(UInt8(ascii: "}")) { return .object(members) }
    }
  }

  private mutating func array(depth: Int) throws(JSONError) -> PlainValue {
    at += 1
    var items: [PlainValue] = []
    skipBlank()
    if at < bytes.count, bytes[at] == UInt8(ascii: "]") {
      at += 1
      return .array(items)
    }
    while true {
      items.append(try value(depth: depth + 1))
      if try closes(UInt8(ascii: "]")) { return .array(items) }
    }
  }

  /// Steps over a comma, or over the closing mark, in which case it answers true.
  private mutating func closes(_ mark: UInt8) throws(JSONError) -> Bool {
    skipBlank()
    guard at < bytes.count else { throw fault("the document ends inside a list or an object") }
    let next = bytes[at]
    guard next == mark || next == UInt8(ascii: ",") else {
      throw fault("expected ',' or the end of the list or object")
    }
    at += 1
    return next == mark
  }

  private mutating func string() throws(JSONError) -> String {
    at += 1
    var text: [UInt8] = []
    var start = at
    while at < bytes.count {
      switch bytes[at] {
      case UInt8(ascii: "\""):
        text += bytes[start..<at]
        guard let string = String(validating: text, as: UTF8.self) else { throw fault("a string is not valid UTF-8") }
        at += 1
        return string
      case UInt8(ascii: "\\"):
        text += bytes[start..<at]
        at += 1
        text += try escape()
        start = at
      case 0..<0x20: throw fault("a control character stands unescaped in a string")
      default: at += 1
      }
    }
    throw fault("a string has no end")
  }

  private mutating func escape() throws(JSONError) -> [UInt8] {
    guard at < bytes.count else { throw fault("a string has no end") }
    let mark = bytes[at]
    at += 1
    switch mark {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [mark]
    case UInt8(ascii: "b"): return [0x08]
    case UInt8(ascii: "f"): return [0x0C]
    case UInt8(ascii: "n"): return [0x0A]
    case UInt8(ascii: "r"): return [0x0D]
    case UInt8(ascii: "t"): return [0x09]
    case UInt8(ascii: "u"):
      var code = try fourHexDigits()
      if (0xD800..<0xDC00).contains(code) {
        guard at + 1 < bytes.count, bytes[at] == UInt8(ascii: "\\"), bytes[at + 1] == UInt8(ascii: "u") else {
          throw fault("a surrogate stands alone")
        }
        at += 2
        let low = try fourHexDigits()
        guard (0xDC00..<0xE000).contains(low) else { throw fault("a surrogate stands alone") }
        code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
      }
      guard let scalar = Unicode.Scalar(code) else { throw fault("a surrogate stands alone") }
      return Array(String(Character(scalar)).utf8)
    default: throw fault("unknown escape")
    }
  }

  private mutating func fourHexDigits() throws(JSONError) -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard at < bytes.count, let digit = Character(Unicode.Scalar(bytes[at])).hexDigitValue else {
        throw fault("expected four hexadecimal digits")
      }
      code = code << 4 | UInt32(digit)
      at += 1
    }
    return code
  }

  private mutating func number() throws(JSONError) -> PlainValue {
    let start = at
    if at < bytes.count, bytes[at] == UInt8(ascii: "-") { at += 1 }
    let first = at
    let whole = digits()
    guard whole > 0 else { throw fault("expected a value") }
    if whole > 1, bytes[first] == UInt8(ascii: "0") { throw fault("a number starts with a needless zero") }
    var isWhole = true
    if at < bytes.count, bytes[at] == UInt8(ascii: ".") {
      isWhole = false
      at += 1
      guard digits() > 0 else { throw fault("a number ends in its decimal point") }
    }
    if at < bytes.count, bytes[at] | 0x20 == UInt8(ascii: "e") {
      isWhole = false
      at += 1
      if at < bytes.count, bytes[at] == UInt8(ascii: "+") || bytes[at] == UInt8(ascii: "-") { at += 1 }
      guard digits() > 0 else { throw fault("a number has an empty exponent") }
    }
    let text = String(decoding: bytes[start..<at], as: UTF8.self)
    if isWhole, let value = Int(text) { return .int(value) }
    guard let value = Double(text) else { throw fault("not a number: \(text)") }
    return .double(value)
  }

  private mutating func digits() -> Int {
    let start = at
    while at < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[at]) { at += 1 }
    return at - start
  }
}
