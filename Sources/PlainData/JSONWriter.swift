import OrderedCollections

/// How JSON text is laid out.
package struct JSONStyle: Sendable {
  /// Blanks after `,` and `:`, as Python's `json.dumps` writes them.
  package var spaced = false
  /// Everything outside ASCII as `\u` escapes, as Python's `json.dumps` does by default.
  package var asciiOnly = false
  package var sortedKeys = false
  /// Blanks per level; nil writes one line.
  package var indent: Int?

  package init(spaced: Bool = false, asciiOnly: Bool = false, sortedKeys: Bool = false, indent: Int? = nil) {
    self.spaced = spaced
    self.asciiOnly = asciiOnly
    self.sortedKeys = sortedKeys
    self.indent = indent
  }

  /// The shortest text, in UTF-8.
  package static let compact = JSONStyle()
  /// What Python's `json.dumps` writes by default.
  package static let python = JSONStyle(spaced: true, asciiOnly: true)
}

extension PlainValue {
  /// The value as JSON text. Doubles that JSON cannot hold are written as Python does: `NaN`, `Infinity`, `-Infinity`.
  package func json(_ style: JSONStyle = .compact) -> String {
    String(decoding: jsonBytes(style), as: UTF8.self)
  }

  /// The value as JSON in UTF-8; see `json(_:)`.
  package func jsonBytes(_ style: JSONStyle = .compact) -> [UInt8] {
    var writer = JSONWriter(style: style)
    writer.write(self, level: 0)
    return writer.bytes
  }
}

/// Writes one large JSON object member by member, in pieces that its user takes away.
package struct JSONObjectStream {
  private var writer: JSONWriter
  /// For each open object, whether it has a member already.
  private var levels = [false]
  /// The last object written by `addAlike` under each key, with its text.
  private var last: [String: (object: PlainObject, text: [UInt8])] = [:]

  /// - Parameter style: one without indentation and sorting of keys.
  package init(_ style: JSONStyle) {
    writer = JSONWriter(style: style)
    writer.bytes.append(UInt8(ascii: "{"))
  }

  /// What was written since the last `take`.
  package var bytes: [UInt8] { writer.bytes }

  /// Takes what was written since the last call.
  package mutating func take() -> [UInt8] {
    let bytes = writer.bytes
    writer.bytes = []
    writer.bytes.reserveCapacity(bytes.count)
    return bytes
  }

  /// Adds a member to the object opened last.
  package mutating func add(_ key: String, _ value: PlainValue) {
    separate(key)
    writer.write(value, level: 0)
  }

  /// Adds a member that many objects of the stream are likely to have in common, such as their configuration: one that is
  /// equal to the last one under this key is not written anew but copied.
  package mutating func addAlike(_ key: String, _ object: PlainObject) {
    separate(key)
    if let known = last[key], known.object == object {
      writer.bytes += known.text
      return
    }
    let start = writer.bytes.count
    writer.write(.object(object), level: 0)
    last[key] = (object, Array(writer.bytes[start...]))
  }

  /// Begins an object as a member of the object opened last.
  package mutating func open(_ key: String) {
    separate(key)
    writer.bytes.append(UInt8(ascii: "{"))
    levels.append(false)
  }

  /// Ends the object opened last.
  package mutating func close() {
    levels.removeLast()
    writer.bytes.append(UInt8(ascii: "}"))
  }

  /// Ends the document and takes the last piece.
  package mutating func finish() -> [UInt8] {
    writer.bytes.append(UInt8(ascii: "}"))
    return take()
  }

  private mutating func separate(_ key: String) {
    if levels[levels.count - 1] { writer.bytes.append(contentsOf: (writer.style.spaced ? ", " : ",").utf8) }
    levels[levels.count - 1] = true
    writer.quote(key)
    writer.bytes.append(contentsOf: (writer.style.spaced ? ": " : ":").utf8)
  }
}

private struct JSONWriter {
  let style: JSONStyle
  var bytes: [UInt8] = []

  init(style: JSONStyle) { self.style = style }

  mutating func write(_ value: PlainValue, level: Int) {
    switch value {
    case .null: append("null")
    case .bool(let flag): append(flag ? "true" : "false")
    case .int(let number): append(String(number))
    case .double(let number): append(JSONWriter.text(number))
    case .string(let text): quote(text)
    case .array(let items):
      list(open: "[", close: "]", count: items.count, level: level) { writer, index in
        writer.write(items[index], level: level + 1)
      }
    case .object(let members):
      let mark = style.spaced || style.indent != nil ? ": " : ":"
      guard style.sortedKeys else {
        let elements = members.elements
        list(open: "{", close: "}", count: elements.count, level: level) { writer, index in
          writer.quote(elements[index].key)
          writer.append(mark)
          writer.write(elements[index].value, level: level + 1)
        }
        return
      }
      let keys = members.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
      list(open: "{", close: "}", count: keys.count, level: level) { writer, index in
        writer.quote(keys[index])
        writer.append(mark)
        writer.write(members[keys[index]] ?? .null, level: level + 1)
      }
    }
  }

  private mutating func list(
    open: String, close: String, count: Int, level: Int, item: (inout JSONWriter, Int) -> Void
  ) {
    append(open)
    for index in 0..<count {
      if index > 0 { append(style.spaced && style.indent == nil ? ", " : ",") }
      newline(level + 1)
      item(&self, index)
    }
    if count > 0 { newline(level) }
    append(close)
  }

  private mutating func newline(_ level: Int) {
    guard let indent = style.indent else { return }
    bytes.append(0x0A)
    bytes.append(contentsOf: repeatElement(0x20, count: indent * level))
  }

  private mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }

  mutating func quote(_ text: String) {
    bytes.append(UInt8(ascii: "\""))
    let span = text.utf8.span
    // Runs that need no escape are copied at once, and most texts are one.
    var start = 0
    for index in span.indices {
      let byte = span[index]
      if byte >= 0x20, byte != 0x22, byte != 0x5C, byte < 0x7F || !style.asciiOnly { continue }
      append(span.extracting(start..<index))
      if byte >= 0x80 {
        escapeScalars(of: text.utf8[text.utf8.index(text.startIndex, offsetBy: index)...])
        start = span.count
        break
      }
      escape(byte)
      start = index + 1
    }
    append(span.extracting(start..<span.count))
    bytes.append(UInt8(ascii: "\""))
  }

  private mutating func append(_ run: Span<UInt8>) {
    unsafe run.withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
  }

  /// Writes text of which everything outside ASCII is escaped.
  private mutating func escapeScalars(of text: Substring.UTF8View) {
    for scalar in Substring(text).unicodeScalars {
      switch scalar.value {
      case 0x20..<0x7F where scalar != "\"" && scalar != "\\": bytes.append(UInt8(truncatingIfNeeded: scalar.value))
      case 0..<0x80: escape(UInt8(truncatingIfNeeded: scalar.value))
      default: for unit in scalar.utf16 { escape(unit) }
      }
    }
  }

  /// Writes an ASCII character that may not stand for itself.
  private mutating func escape(_ byte: UInt8) {
    switch byte {
    case 0x22: append("\\\"")
    case 0x5C: append("\\\\")
    case 0x08: append("\\b")
    case 0x0C: append("\\f")
    case 0x0A: append("\\n")
    case 0x0D: append("\\r")
    case 0x09: append("\\t")
    default: escape(UInt16(byte))
    }
  }

  private mutating func escape(_ unit: UInt16) {
    let digits = String(unit, radix: 16)
    append("\\u" + String(repeating: "0", count: 4 - digits.count) + digits)
  }

  /// The shortest text that reads back as the same double, in Python's form: `1.0`, `1e+16`, `1.5e-07`.
  static func text(_ number: Double) -> String {
    if number.isNaN { return "NaN" }
    if number.isInfinite { return number < 0 ? "-Infinity" : "Infinity" }
    return number.pythonText
  }
}

extension Double {
  /// The shortest text that reads back as this finite double, laid out as Python's `repr` does.
  package var pythonText: String {
    let text = description
    guard let mark = text.firstIndex(of: "e") else { return plainOrScientific(digits: text) }
    return plainOrScientific(digits: String(text[..<mark]), exponent: Int(text[text.index(after: mark)...]) ?? 0)
  }

  private func plainOrScientific(digits text: String, exponent: Int = 0) -> String {
    let isNegative = text.hasPrefix("-")
    let parts = text.drop { $0 == "-" }.split(separator: ".", omittingEmptySubsequences: false)
    let whole = String(parts[0])
    let fraction = parts.count > 1 && parts[1] != "0" ? String(parts[1]) : ""
    var all = whole + fraction
    // `point` counts the digits before the decimal point.
    var point = whole.count + exponent
    let zeros = all.prefix { $0 == "0" }.count
    guard zeros < all.count else { return isNegative ? "-0.0" : "0.0" }
    all.removeFirst(zeros)
    point -= zeros
    while all.last == "0" { all.removeLast() }
    let sign = isNegative ? "-" : ""
    if point > 16 || point < -3 {
      let power = point - 1
      let size = String(abs(power))
      let mantissa = all.count > 1 ? "\(all.prefix(1)).\(all.dropFirst())" : all
      return "\(sign)\(mantissa)e\(power < 0 ? "-" : "+")\(size.count < 2 ? "0" + size : size)"
    }
    if point <= 0 { return sign + "0." + String(repeating: "0", count: -point) + all }
    if all.count <= point { return sign + all + String(repeating: "0", count: point - all.count) + ".0" }
    return "\(sign)\(all.prefix(point)).\(all.dropFirst(point))"
  }
}
