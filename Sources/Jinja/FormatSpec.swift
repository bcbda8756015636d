/// Python's format mini-language: `[[fill]align][sign][#][0][width][grouping][.precision][type]`.
struct FormatSpec {
  private var fill: Unicode.Scalar?
  private var align: Unicode.Scalar?
  private var sign: Unicode.Scalar = "-"
  private var alternate = false
  /// The flag `z`: negative zero prints without its sign.
  private var coercesZero = false
  private var zeroPadded = false
  private var width = 0
  private var grouping: Unicode.Scalar?
  private var precision: Int?
  private var type: Unicode.Scalar?

  init(_ text: String) throws {
    var rest = Array(text.unicodeScalars)[...]
    let aligns: Set<Unicode.Scalar> = ["<", ">", "^", "="]
    if rest.count > 1, aligns.contains(rest[rest.startIndex + 1]) {
      fill = rest.removeFirst()
      align = rest.removeFirst()
    } else if let first = rest.first, aligns.contains(first) {
      align = rest.removeFirst()
    }
    if let first = rest.first, first == "+" || first == "-" || first == " " { sign = rest.removeFirst() }
    if rest.first == "z" {
      coercesZero = true
      rest.removeFirst()
    }
    if rest.first == "#" {
      alternate = true
      rest.removeFirst()
    }
    if rest.first == "0" {
      zeroPadded = true
      rest.removeFirst()
    }
    width = try Self.number(&rest) ?? 0
    if let first = rest.first, first == "," || first == "_" { grouping = rest.removeFirst() }
    if rest.first == "." {
      rest.removeFirst()
      guard let digits = try Self.number(&rest) else { throw JinjaError(.value, "Format specifier missing precision") }
      precision = digits
    }
    if let last = rest.first {
      type = last
      rest.removeFirst()
    }
    guard rest.isEmpty else { throw JinjaError(.value, "Invalid format specifier") }
  }

  private static func number(_ rest: inout ArraySlice<Unicode.Scalar>) throws -> Int? {
    var value: Int?
    while let first = rest.first, first.value >= 48, first.value <= 57 {
      value = (value ?? 0) * 10 + Int(first.value - 48)
      guard (value ?? 0) <= 1_000_000 else { throw JinjaError(.limit, "format width is too large") }
      rest.removeFirst()
    }
    return value
  }

  /// The value in a format.
  static func format(_ value: Value, _ spec: String, _ evaluation: Evaluation) throws -> String {
    let isFormattable = value.number != nil || value.kinds.contains(.string)
    guard isFormattable else {
      throw JinjaError(.type, "unsupported format string passed to \(value.typeName).__format__")
    }
    return try FormatSpec(spec).apply(value, evaluation)
  }

  private func apply(_ value: Value, _ evaluation: Evaluation) throws -> String {
    let result: String
    switch value {
    case .bool(let flag):
      result = try integer(BigInteger(flag ? 1 : 0), value)
    case .int(let number): result = try integer(BigInteger(number), value)
    case .bigInt(let number): result = try integer(number, value)
    case .double(let number): result = try float(number, value)
    case .decimal(let number): result = try decimal(number, value)
    case .string(let text): result = try string(text, value)
    default:
      if case .object(let object) = value, object.kinds.contains(.string) {
        result = try string(object.text, value)
      } else {
        throw JinjaError(.type, "unsupported format string passed to \(value.typeName).__format__")
      }
    }
    try evaluation.charge(bytes: result.utf8.count)
    return result
  }

  private func unknown(_ value: Value) -> JinjaError {
    JinjaError(
      .value,
      "Unknown format code '\(type.map(String.init) ?? "")' for object of type '\(value.typeName)'")
  }

  private func refuseZeroCoercion(_ kind: String) throws {
    if coercesZero {
      throw JinjaError(.value, "Negative zero coercion (z) not allowed in \(kind) format specifier")
    }
  }

  private func string(_ text: String, _ value: Value) throws -> String {
    try refuseZeroCoercion("string")
    guard type == nil || type == "s" else { throw unknown(value) }
    if let grouping { throw JinjaError(.value, "Cannot specify '\(grouping)' with 's'.") }
    guard sign == "-" else { throw JinjaError(.value, "Sign not allowed in string format specifier") }
    if alternate { throw JinjaError(.value, "Alternate form (#) not allowed in string format specifier") }
    if align == "=" { throw JinjaError(.value, "'=' alignment not allowed in string format specifier") }
    let cut = precision.map { PythonString.text(text.unicodeScalars.prefix($0)) } ?? text
    return padded("", cut, defaultAlign: "<")
  }

  private func integer(_ number: BigInteger, _ value: Value) throws -> String {
    try refuseZeroCoercion("integer")
    let isFloat = type.map { "eEfFgG%".unicodeScalars.contains($0) } ?? false
    if precision != nil, !isFloat {
      throw JinjaError(.value, "Precision not allowed in integer format specifier")
    }
    if let grouping, let type, type == "n" || type == "c" || (grouping == "," && "boxX".unicodeScalars.contains(type)) {
      throw JinjaError(.value, "Cannot specify '\(grouping)' with '\(type)'.")
    }
    if type == "c" {
      if sign != "-" { throw JinjaError(.value, "Sign not allowed with integer format specifier 'c'") }
      if alternate { throw JinjaError(.value, "Alternate form (#) not allowed with integer format specifier 'c'") }
    }
    switch type {
    case nil, "d", "n": return self.number(number.isNegative, "", number.absolute.text)
    case "b": return self.number(number.isNegative, alternate ? "0b" : "", number.absolute.text(radix: 2))
    case "o": return self.number(number.isNegative, alternate ? "0o" : "", number.absolute.text(radix: 8))
    case "x": return self.number(number.isNegative, alternate ? "0x" : "", number.absolute.text(radix: 16))
    case "X":
      return self.number(
        number.isNegative, alternate ? "0X" : "", number.absolute.text(radix: 16, uppercase: true))
    case "c":
      guard let code = number.int.flatMap({ UInt32(exactly: $0) }), let scalar = Unicode.Scalar(code) else {
        throw JinjaError(.overflow, "%c arg not in range(0x110000)")
      }
      return padded("", String(scalar), defaultAlign: "<")
    case "e", "E", "f", "F", "g", "G", "%": return try float(number.doubleValue, value)
    default: throw unknown(value)
    }
  }

  private func float(_ number: Double, _ value: Value) throws -> String {
    var text: String
    switch type {
    case nil:
      if let precision {
        text = FloatText.text(number.magnitude, "g", precision, pointed: true)
        if !text.utf8.contains(UInt8(ascii: ".")), !text.utf8.contains(UInt8(ascii: "e")), number.isFinite {
          text += ".0"
        }
      } else {
        text = number.magnitude.pythonRepr
      }
    case "e", "E", "f", "F", "g", "G":
      text = FloatText.text(number.magnitude, Character(type ?? "f"), precision ?? 6, alternate: alternate)
    case "n": text = FloatText.text(number.magnitude, "g", precision ?? 6)
    case "%": text = FloatText.text(number.magnitude * 100, "f", precision ?? 6) + "%"
    default: throw unknown(value)
    }
    let isZero = coercesZero && text.utf8.allSatisfy { $0 == 0x30 || !$0.isDigit }
    return self.number(number.sign == .minus && !number.isNaN && !isZero, "", text)
  }

  /// The rules of `decimal.Decimal.__format__`, which differ from those of floats.
  private func decimal(_ number: PythonDecimal, _ value: Value) throws -> String {
    let type = self.type ?? "G"
    guard "eEfFgGn%".unicodeScalars.contains(type) else { throw unknown(value) }
    if grouping == "_" || alternate || (zeroPadded && align != nil) {
      throw JinjaError(.value, "invalid format string")
    }
    var positive = number.isNegative ? number.negated : number
    if type == "%" { positive = PythonDecimal(positive.coefficient, exponent: positive.exponent + 2) }
    let isFixed = "fF%".unicodeScalars.contains(type)
    let isScientific = type == "e" || type == "E"
    if let precision {
      if isFixed {
        positive = positive.quantized(to: -precision)
      } else {
        positive = positive.rounded(toDigits: max(1, isScientific ? precision + 1 : precision), padding: isScientific)
      }
    }
    if isFixed, positive.exponent > 0 { positive = positive.quantized(to: 0) }
    let digits = positive.coefficient.text
    let left = positive.exponent + digits.utf8.count
    let point = isScientific || (!isFixed && !(positive.exponent <= 0 && left > -6)) ? 1 : left
    var text: String
    if point <= 0 {
      text = "0." + String(repeating: "0", count: -point) + digits
    } else {
      let fraction = digits.dropFirst(point)
      text = digits.prefix(point) + (fraction.isEmpty ? "" : "." + fraction)
    }
    if left != point || isScientific {
      let isUpper = type == "E" || type == "G"
      text += (isUpper ? "E" : "e") + (left - point < 0 ? "-" : "+") + String(abs(left - point))
    }
    return self.number(number.isNegative, "", text + (type == "%" ? "%" : ""))
  }

  /// Sign, prefix, grouping and padding.
  private func number(_ isNegative: Bool, _ prefix: String, _ digits: String) -> String {
    let signText = isNegative ? "-" : sign == "-" ? "" : String(sign)
    let head = signText + prefix
    var body = grouping.map { group(digits, String($0), 0) } ?? digits
    if zeroPadded, align == nil, fill == nil {
      let wanted = width - head.utf8.count
      if let grouping {
        body = group(digits, String(grouping), wanted)
      } else if wanted > body.utf8.count {
        body = String(repeating: "0", count: wanted - body.utf8.count) + body
      }
      return head + body
    }
    return padded(head, body, defaultAlign: ">")
  }

  /// Separates groups of digits before the point, filling with zeros up to a width.
  private func group(_ digits: String, _ separator: String, _ width: Int) -> String {
    let size = type == "b" || type == "o" || type == "x" || type == "X" ? 4 : 3
    let isHex = type == "x" || type == "X"
    let bytes = Array(digits.utf8)
    let end = bytes.firstIndex { !($0.isDigit || (isHex && BigInteger.digit($0) != nil)) } ?? bytes.count
    let tail = String(decoding: bytes[end...], as: UTF8.self)
    var whole = Array(bytes[..<end])
    func grouped() -> String {
      var result: [UInt8] = []
      for (index, byte) in whole.enumerated() {
        if index > 0, (whole.count - index) % size == 0 { result += Array(separator.utf8) }
        result.append(byte)
      }
      return String(decoding: result, as: UTF8.self)
    }
    while grouped().utf8.count + tail.utf8.count < width { whole.insert(UInt8(ascii: "0"), at: 0) }
    return grouped() + tail
  }

  private func padded(_ head: String, _ body: String, defaultAlign: Unicode.Scalar) -> String {
    let missing = width - PythonString.length(head) - PythonString.length(body)
    guard missing > 0 else { return head + body }
    let fillText = String(fill ?? (zeroPadded ? "0" : " "))
    func fillers(_ count: Int) -> String { String(repeating: fillText, count: count) }
    switch align ?? defaultAlign {
    case "<": return head + body + fillers(missing)
    case "^": return fillers(missing / 2) + head + body + fillers(missing - missing / 2)
    case "=": return head + fillers(missing) + body
    default: return fillers(missing) + head + body
    }
  }
}
