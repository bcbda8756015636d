import PlainData

/// Python's `json.dumps` and `json.loads` on template values.
package enum PythonJSON {
  /// The text with Python's default separators and escapes.
  ///
  /// - Parameters:
  ///   - sortedKeys: keys in Python's order, which raises where two of them have none.
  ///   - indent: what stands before each element for each level, on a line of its own; nil puts all on one line.
  ///   - limit: bytes of text.
  /// - Throws: a type error for decimals, dates, relations and everything else that Python's encoder does not know, and a
  ///   limit error for values nested deeper than 200 levels or text beyond the limit.
  package static func text(
    _ value: Value, sortedKeys: Bool = false, indent: String? = nil, limit: Int = 256 << 20
  ) throws -> String {
    var writer = Writer(sortedKeys: sortedKeys, indent: indent, limit: limit)
    try writer.write(value, depth: 0)
    return writer.output
  }

  private struct Writer {
    let sortedKeys: Bool
    let indent: String?
    let limit: Int
    var output = ""

    mutating func write(_ value: Value, depth: Int) throws {
      guard depth < 200 else { throw JinjaError(.limit, "value is nested deeper than the limit of 200 for JSON") }
      guard output.utf8.count <= limit else { throw JinjaError(.limit, "JSON text is larger than \(limit) bytes") }
      switch value {
      case .none: output += "null"
      case .bool(let flag): output += flag ? "true" : "false"
      case .int(let number): output += String(number)
      case .bigInt(let number): output += number.text
      case .double(let number): output += PythonJSON.number(number)
      case .string(let text): output += PythonJSON.quoted(text)
      case .list(let list): try write(list.items, depth)
      case .tuple(let items): try write(items, depth)
      case .dict(let dict): try write(dict, depth)
      case .decimal, .object, .undefined:
        if let text = value.stringValue {
          output += PythonJSON.quoted(text)
          return
        }
        throw JinjaError(
          .type, "Object of type \(value.typeName.split(separator: ".").last ?? "") is not JSON serializable")
      }
    }

    private func line(_ depth: Int) -> String {
      indent.map { "\n" + String(repeating: $0, count: depth) } ?? ""
    }

    private mutating func write(_ items: [Value], _ depth: Int) throws {
      if items.isEmpty {
        output += "[]"
        return
      }
      output += "["
      for (index, item) in items.enumerated() {
        if index > 0 { output += indent == nil ? ", " : "," }
        output += line(depth + 1)
        try write(item, depth: depth + 1)
      }
      output += line(depth) + "]"
    }

    private mutating func write(_ dict: DictObject, _ depth: Int) throws {
      if dict.isEmpty {
        output += "{}"
        return
      }
      var pairs = dict.pairs
      if sortedKeys {
        var failure: (any Error)?
        pairs.sort { left, right in
          do { return try PythonJSON.precedes(left.key, right.key) } catch {
            failure = failure ?? error
            return false
          }
        }
        if let failure { throw failure }
      }
      output += "{"
      for (index, pair) in pairs.enumerated() {
        if index > 0 { output += indent == nil ? ", " : "," }
        output += line(depth + 1) + PythonJSON.quoted(try PythonJSON.key(pair.key)) + ": "
        try write(pair.value, depth: depth + 1)
      }
      output += line(depth) + "}"
    }
  }

  /// Python's `<` of two keys.
  private static func precedes(_ left: Value, _ right: Value) throws -> Bool {
    if let a = left.stringValue, let b = right.stringValue { return PythonString.compare(a, b) < 0 }
    if let a = left.number, let b = right.number { return (Number.compare(a, b) ?? 0) < 0 }
    if case .tuple = left, case .tuple = right { return false }
    throw JinjaError(
      .type, "'<' not supported between instances of '\(left.typeName)' and '\(right.typeName)'")
  }

  private static func number(_ number: Double) -> String {
    if number.isNaN { return "NaN" }
    if number.isInfinite { return number > 0 ? "Infinity" : "-Infinity" }
    return number.pythonRepr
  }

  /// The text as a JSON string.
  private static func quoted(_ text: String) -> String { PlainValue.string(text).json(.python) }

  private static func key(_ key: Value) throws -> String {
    switch key {
    case .string(let text): return text
    case .none: return "null"
    case .bool(let flag): return flag ? "true" : "false"
    case .int(let number): return String(number)
    case .bigInt(let number): return number.text
    case .double(let number): return self.number(number)
    default:
      if let text = key.stringValue { return text }
      throw JinjaError(.type, "keys must be str, int, float, bool or None, not \(key.typeName)")
    }
  }

  /// The value of JSON text as Python reads it: integers of any size, NaN and infinities; nil when it is malformed, deeper
  /// than 200 levels or larger than 256 MiB.
  package static func value(_ text: String) -> Value? {
    var reader = Reader(bytes: Array(text.utf8))
    guard reader.bytes.count <= 256 << 20, let value = reader.value(depth: 0) else { return nil }
    reader.skipBlank()
    return reader.at == reader.bytes.count ? value : nil
  }

  private struct Reader {
    let bytes: [UInt8]
    var at = 0

    mutating func skipBlank() {
      while at < bytes.count, [0x20, 0x09, 0x0a, 0x0d].contains(bytes[at]) { at += 1 }
    }

    private mutating func skip(_ byte: UInt8) -> Bool {
      skipBlank()
      guard at < bytes.count, bytes[at] == byte else { return false }
      at += 1
      return true
    }

    mutating func value(depth: Int) -> Value? {
      skipBlank()
      guard depth < 200, at < bytes.count else { return nil }
      switch bytes[at] {
      case UInt8(ascii: "{"): return object(depth)
      case UInt8(ascii: "["): return array(depth)
      case UInt8(ascii: "\""): return string().map(Value.string)
      default: break
      }
      let words: [(String, Value)] = [
        ("null", .none), ("true", .bool(true)), ("false", .bool(false)), ("NaN", .double(.nan)),
        ("Infinity", .double(.infinity)), ("-Infinity", .double(-.infinity)),
      ]
      for (word, value) in words where bytes[at...].starts(with: word.utf8) {
        at += word.utf8.count
        return value
      }
      return number()
    }

    private mutating func array(_ depth: Int) -> Value? {
      at += 1
      var items: [Value] = []
      if skip(UInt8(ascii: "]")) { return .list(items) }
      repeat {
        guard let item = value(depth: depth + 1) else { return nil }
        items.append(item)
      } while skip(UInt8(ascii: ","))
      return skip(UInt8(ascii: "]")) ? .list(items) : nil
    }

    private mutating func object(_ depth: Int) -> Value? {
      at += 1
      let dict = DictObject()
      if skip(UInt8(ascii: "}")) { return .dict(dict) }
      repeat {
        skipBlank()
        guard at < bytes.count, bytes[at] == UInt8(ascii: "\""), let key = string(), skip(UInt8(ascii: ":")),
          let item = value(depth: depth + 1)
        else { return nil }
        dict[key] = item
      } while skip(UInt8(ascii: ","))
      return skip(UInt8(ascii: "}")) ? .dict(dict) : nil
    }

    /// The string that starts here, through the reader of plain data.
    private mutating func string() -> String? {
      var end = at + 1
      while end < bytes.count, bytes[end] != UInt8(ascii: "\"") { end += bytes[end] == UInt8(ascii: "\\") ? 2 : 1 }
      guard end < bytes.count else { return nil }
      defer { at = end + 1 }
      return (try? PlainValue(json: Array(bytes[at...end])))?.stringValue
    }

    private mutating func number() -> Value? {
      let start = at
      while at < bytes.count, bytes[at].isDigit || [0x2b, 0x2d, 0x2e, 0x45, 0x65].contains(bytes[at]) { at += 1 }
      let text = Array(bytes[start..<at])
      guard let plain = try? PlainValue(json: text) else { return nil }
      if case .double(let number) = plain, text.dropFirst().allSatisfy(\.isDigit) {
        let isNegative = text.first == UInt8(ascii: "-")
        guard text.count <= 4300, let big = BigInteger(digits: isNegative ? text.dropFirst() : text[...]) else {
          return .double(number)
        }
        return Arithmetic.integer(isNegative ? big.negated : big)
      }
      return Value(plain)
    }
  }
}
