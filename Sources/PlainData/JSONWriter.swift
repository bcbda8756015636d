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

/// Writes values as JSON, one behind the other.
struct JSONWriter {
  let style: JSONStyle
  var bytes: [UInt8] = []
  /// The double written last with its text: times of making repeat from entry to entry.
  private var last: (bits: UInt64, text: String)?

  init(style: JSONStyle) { self.style = style }

  mutating func write(_ value: PlainValue, level: Int) {
    switch value {
    case .null: append("null")
    case .bool(let flag): append(flag ? "true" : "false")
    case .int(let number): append(String(number))
    case .double(let number): append(text(number))
    case .string(let text): quote(text)
    case .array(let items):
      append("[")
      for (index, item) in items.enumerated() {
        separate(index, level)
        write(item, level: level + 1)
      }
      if !items.isEmpty { newline(level) }
      append("]")
    case .object(let members):
      append("{")
      if style.sortedKeys {
        let keys = members.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        for (index, key) in keys.enumerated() { write(key, members[key] ?? .null, index, level) }
      } else {
        for (index, member) in members.elements.enumerated() { write(member.key, member.value, index, level) }
      }
      if !members.isEmpty { newline(level) }
      append("}")
    }
  }

  private mutating func write(_ key: String, _ value: PlainValue, _ index: Int, _ level: Int) {
    separate(index, level)
    quote(key)
    colon()
    write(value, level: level + 1)
  }

  /// Writes what stands before the item at `index` of a list or object.
  private mutating func separate(_ index: Int, _ level: Int) {
    if index > 0 { comma() }
    newline(level + 1)
  }

  mutating func comma() {
    bytes.append(UInt8(ascii: ","))
    if style.spaced, style.indent == nil { bytes.append(UInt8(ascii: " ")) }
  }

  mutating func colon() {
    bytes.append(UInt8(ascii: ":"))
    if style.spaced || style.indent != nil { bytes.append(UInt8(ascii: " ")) }
  }

  private mutating func newline(_ level: Int) {
    guard let indent = style.indent else { return }
    bytes.append(0x0A)
    bytes.append(contentsOf: repeatElement(0x20, count: indent * level))
  }

  mutating func append(_ text: String) {
    let span = text.utf8.span
    unsafe span.withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
  }

  mutating func quote(_ text: String) {
    let span = text.utf8.span
    // Runs that need no escape are copied at once, and most texts are one.
    var end = appendPlainRun(of: span, from: 0)
    while end < span.count {
      if style.asciiOnly, span[end] >= 0x80 {
        escapeScalars(of: text.utf8[text.utf8.index(text.startIndex, offsetBy: end)...])
        bytes.append(UInt8(ascii: "\""))
        return
      }
      escape(span[end])
      end = appendPlainRun(of: span, from: end + 1)
    }
  }

  /// Appends the run of characters that stand for themselves that begins at `start`, and returns where it ends. A mark of
  /// quotation stands before what begins the text and after what ends it.
  private mutating func appendPlainRun(of text: Span<UInt8>, from start: Int) -> Int {
    let asciiOnly = style.asciiOnly
    return unsafe text.withUnsafeBytes { text in
      var at = start
      bytes.append(addingCapacity: text.count - start + 2) { output in
        if start == 0 { output.append(UInt8(ascii: "\"")) }
        unsafe output.withUnsafeMutableBufferPointer { area, filled in
          let area = UnsafeMutableRawBufferPointer(area)
          while at + 8 <= text.count {
            let word = unsafe text.loadUnaligned(fromByteOffset: at, as: UInt64.self)
            guard JSONWriter.isPlain(word, asciiOnly: asciiOnly) else { break }
            unsafe area.storeBytes(of: word, toByteOffset: filled, as: UInt64.self)
            at += 8
            filled += 8
          }
          while at < text.count, unsafe JSONWriter.isPlain(text[at], asciiOnly: asciiOnly) {
            unsafe area[filled] = text[at]
            at += 1
            filled += 1
          }
        }
        if at == text.count { output.append(UInt8(ascii: "\"")) }
      }
      return at
    }
  }

  private static func isPlain(_ byte: UInt8, asciiOnly: Bool) -> Bool {
    byte >= 0x20 && byte != 0x22 && byte != 0x5C && (byte < 0x7F || !asciiOnly)
  }

  /// Whether none of eight bytes needs an escape. It may say no where one stands next to a byte that does.
  private static func isPlain(_ word: UInt64, asciiOnly: Bool) -> Bool {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let highs: UInt64 = 0x8080_8080_8080_8080
    /// The high bits of bytes that are zero.
    func zeros(_ word: UInt64) -> UInt64 { (word &- ones) & ~word & highs }
    let controls = (word &- ones &* 0x20) & ~word & highs
    var special = controls | zeros(word ^ ones &* 0x22) | zeros(word ^ ones &* 0x5C)
    if asciiOnly { special |= (word & highs) | zeros(word ^ ones &* 0x7F) }
    return special == 0
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

  private mutating func text(_ number: Double) -> String {
    if let last, last.bits == number.bitPattern { return last.text }
    let text = JSONWriter.text(number)
    last = (number.bitPattern, text)
    return text
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
