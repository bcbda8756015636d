import Jinja

/// The types of agate's columns, in the order in which they are tried.
package enum AgateType: String, Sendable, CaseIterable {
  case integer = "Integer"
  case number = "Number"
  case date = "Date"
  case dateTime = "DateTime"
  case isoDateTime = "ISODateTime"
  case boolean = "Boolean"
  case text = "Text"

  /// The value in this type, nil when it does not fit. Text that stands for null becomes None.
  ///
  /// - Parameter keepsBlankText: text columns keep "" and "null" as they are.
  func cast(_ value: Value, keepsBlankText: Bool = false) -> Value? {
    if value.isNone { return value }
    switch self {
    case .integer: return AgateType.castInteger(value)
    case .number: return AgateType.castNumber(value)
    case .date, .dateTime, .isoDateTime: return castTime(value)
    case .boolean: return AgateType.castBoolean(value)
    case .text:
      guard case .string(let text) = value else { return .string(value.text) }
      return !keepsBlankText && AgateType.isNull(text) ? Value.none : value
    }
  }

  /// "" and "null" in any case, blanks around them ignored.
  static func isNull(_ text: String) -> Bool {
    let bare = PythonBlank.stripped(text)
    return bare.isEmpty || bare.lowercased() == "null"
  }

  private static func castInteger(_ value: Value) -> Value? {
    switch value {
    case .int, .bigInt: value
    default: nil
    }
  }

  private static func castNumber(_ value: Value) -> Value? {
    switch value {
    case .decimal: return value
    case .int(let number): return .decimal(PythonDecimal(number))
    case .bigInt(let number): return .decimal(PythonDecimal(number))
    case .double(let number):
      guard number.isFinite else { return value }
      return PythonDecimal(Value.double(number).text).map { .decimal($0) }
    case .string(let text): return AgateNumber.parse(text)
    default: return nil
    }
  }

  private static func castBoolean(_ value: Value) -> Value? {
    switch value {
    case .bool: return value
    case .int(let number): return number == 1 ? .bool(true) : number == 0 ? .bool(false) : nil
    case .decimal(let number):
      return number.isZero ? .bool(false) : number.compare(PythonDecimal(1)) == 0 ? .bool(true) : nil
    case .string(let text):
      let bare = PythonBlank.stripped(text.replacing(",", with: "")).lowercased()
      if bare.isEmpty || bare == "null" { return Value.none }
      return bare == "true" ? .bool(true) : bare == "false" ? .bool(false) : nil
    default: return nil
    }
  }

  private func castTime(_ value: Value) -> Value? {
    if let object = value.objectValue {
      if object is DateTimeObject { return self == .date ? nil : value }
      guard let date = (object as? DateObject)?.date else { return nil }
      return self == .date ? value : PythonDateTime(date).value
    }
    guard case .string(let text) = value else { return nil }
    let bare = PythonBlank.stripped(text)
    if bare.isEmpty || bare.lowercased() == "null" { return Value.none }
    switch self {
    case .date: return (try? TimeParser.parse(bare, format: "%Y-%m-%d"))?.date.value
    case .dateTime: return (try? TimeParser.parse(bare, format: "%Y-%m-%d %H:%M:%S"))?.value
    default: return ISODate.dateTime(bare)?.value
    }
  }
}

/// Python's idea of blanks around text.
enum PythonBlank {
  static func isBlank(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.isWhitespace || (0x1C...0x1F).contains(scalar.value)
  }

  /// Python's `strip()`.
  static func stripped(_ text: String) -> String {
    let scalars = text.unicodeScalars
    guard let first = scalars.firstIndex(where: { !isBlank($0) }), let last = scalars.lastIndex(where: { !isBlank($0) })
    else { return "" }
    return String(scalars[first...last])
  }
}

/// Numbers as people write them: with percent and currency signs and grouping commas.
enum AgateNumber {
  private static let currencies: Set<Unicode.Scalar> = [
    "؋", "$", "ƒ", "៛", "¥", "₡", "₱", "£", "€", "¢", "﷼", "₪", "₩", "₭", "₮", "₦", "฿", "₤", "₫",
  ]

  /// A decimal (a double for NaN and infinities), None for null text, nil for anything else.
  static func parse(_ text: String) -> Value? {
    // Plain digits are by far the most frequent.
    if let first = text.utf8.first, first >= 0x30, first <= 0x39, text.utf8.count < 18, let number = Int(text) {
      return .decimal(PythonDecimal(number))
    }
    var bare = PythonBlank.stripped(text)
    if bare.isEmpty || bare.lowercased() == "null" { return Value.none }
    bare = trimmed(bare) { $0 == "%" }
    var isNegative = false
    if bare.hasPrefix("-") {
      isNegative = true
      bare.removeFirst()
    }
    // agate strips its signs one after the other, in the order of its list; mixed signs are not worth more.
    bare = trimmed(bare) { currencies.contains($0) }
    bare = bare.replacing(",", with: "")
    guard let number = decimal(bare) else { return nil }
    switch number {
    case .decimal(let value):
      // agate multiplies by the sign, and that rounds to Python's 28 digits.
      let sign = PythonDecimal(isNegative ? -1 : 1)
      if text.utf8.count > 28 { return (try? value.apply(.multiply, sign)).map { .decimal($0) } }
      return .decimal(isNegative ? value.negated : value)
    case _ where !isNegative: return number
    case .double(let value): return .double(-value)
    default: return number
    }
  }

  /// Python's `Decimal(text)`: digits with single underscores, NaN and infinities in any case.
  private static func decimal(_ text: String) -> Value? {
    let bare = PythonBlank.stripped(text).replacing("_", with: "")
    if let number = PythonDecimal(bare) { return .decimal(number) }
    let isNegative = bare.hasPrefix("-")
    let word = bare.drop { $0 == "-" || $0 == "+" }.lowercased()
    if word == "nan" || word == "snan" { return .double(.nan) }
    if word == "inf" || word == "infinity" { return .double(isNegative ? -.infinity : .infinity) }
    return nil
  }

  private static func trimmed(_ text: String, _ isUnwanted: (Unicode.Scalar) -> Bool) -> String {
    let scalars = text.unicodeScalars
    guard let first = scalars.firstIndex(where: { !isUnwanted($0) }),
      let last = scalars.lastIndex(where: { !isUnwanted($0) })
    else { return "" }
    return String(scalars[first...last])
  }
}
