/// Methods of Python's numbers.
enum NumberMethods {
  static func call(_ method: MethodName, _ receiver: Value, _ arguments: Arguments) throws -> Value {
    switch receiver {
    case .decimal(let number): return try decimal(method, number, arguments)
    case .double(let number): return try double(method, number, arguments)
    default: return try integer(method, NumberText.exact(receiver), arguments)
    }
  }

  // MARK: int

  private static func integer(_ method: MethodName, _ number: BigInteger, _ arguments: Arguments) throws -> Value {
    switch method {
    case .toBytes: return try toBytes(number, arguments)
    case .fromBytes: return try fromBytes(arguments)
    default: break
    }
    _ = try arguments.bind(method.rawValue, [])
    switch method {
    case .bitLength: return .int(number.bitWidth)
    case .bitCount: return .int(number.magnitude.reduce(0) { $0 + $1.nonzeroBitCount })
    case .asIntegerRatio: return .tuple([Arithmetic.integer(number), .int(1)])
    default: return Arithmetic.integer(number)
    }
  }

  private static func isBigEndian(_ value: Value?) throws -> Bool {
    switch value?.stringValue ?? "big" {
    case "big": return true
    case "little": return false
    default: throw JinjaError(.value, "byteorder must be either 'little' or 'big'")
    }
  }

  private static func toBytes(_ number: BigInteger, _ arguments: Arguments) throws -> Value {
    let bound = try arguments.bind("to_bytes", ["length?", "byteorder?", "*", "signed?"])
    let length = try bound[0]?.requireInt() ?? 1
    let isBig = try isBigEndian(bound[1])
    let isSigned = bound[2]?.isTruthy ?? false
    guard length >= 0 else { throw JinjaError(.value, "length argument must be non-negative") }
    guard length <= 16 << 10 else { throw JinjaError(.limit, "to_bytes() gives at most 16384 bytes") }
    guard !number.isNegative || isSigned else { throw JinjaError(.overflow, "can't convert negative int to unsigned") }
    // Two's complement: -n is the inverse of n - 1.
    let magnitude = (number.isNegative ? number.absolute - BigInteger(1) : number).magnitude
    var bytes = magnitude.flatMap { digit in (0..<4).map { UInt8(truncatingIfNeeded: digit >> (8 * UInt32($0))) } }
    while bytes.last == 0 { bytes.removeLast() }
    let needsSignBit = isSigned && bytes.count == length && (bytes.last ?? 0) >= 0x80
    guard bytes.count <= length, !needsSignBit else { throw JinjaError(.overflow, "int too big to convert") }
    bytes += [UInt8](repeating: 0, count: length - bytes.count)
    if number.isNegative { bytes = bytes.map { ~$0 } }
    return .object(BytesObject(isBig ? bytes.reversed() : bytes))
  }

  private static func fromBytes(_ arguments: Arguments) throws -> Value {
    let bound = try arguments.bind("from_bytes", ["bytes", "byteorder?", "*", "signed?"])
    guard case .object(let object as BytesObject)? = bound[0] else {
      throw JinjaError(.type, "cannot convert '\(bound[0]?.typeName ?? "NoneType")' object to bytes")
    }
    guard object.bytes.count <= 4096 else { throw JinjaError(.limit, "from_bytes() takes at most 4096 bytes") }
    let bytes = try isBigEndian(bound[1]) ? object.bytes : object.bytes.reversed()
    var text: [UInt8] = []
    for byte in bytes { text += Array((byte < 16 ? "0" : "").utf8) + Array(String(byte, radix: 16).utf8) }
    var number = BigInteger(digits: text, radix: 16) ?? BigInteger(0)
    if bound[2]?.isTruthy ?? false, let first = bytes.first, first >= 0x80 {
      number = number - BigInteger(1).shiftedLeft(bytes.count * 8)
    }
    return Arithmetic.integer(number)
  }

  // MARK: float

  private static func double(_ method: MethodName, _ number: Double, _ arguments: Arguments) throws -> Value {
    if method == .fromhex {
      let text = try (arguments.bind("fromhex", ["string"])[0] ?? .none).requireString("fromhex")
      let trimmed = PythonString.lower(PythonString.strip(text))
      let hasPrefix = trimmed.utf8.contains(UInt8(ascii: "x"))
      guard let value = Double(hasPrefix ? trimmed : "0x" + trimmed) ?? Double(trimmed) else {
        throw JinjaError(.value, "invalid hexadecimal floating-point string")
      }
      return .double(value)
    }
    _ = try arguments.bind(method.rawValue, [])
    switch method {
    case .isInteger: return .bool(number.isFinite && number == number.rounded(.towardZero))
    case .hex: return .string(hexadecimal(number))
    case .asIntegerRatio:
      if number.isNaN { throw JinjaError(.value, "cannot convert NaN to integer ratio") }
      if number.isInfinite { throw JinjaError(.overflow, "cannot convert Infinity to integer ratio") }
      return ratio(of: PythonDecimal(exactly: number))
    default: return .double(number)
    }
  }

  private static func hexadecimal(_ number: Double) -> String {
    guard number.isFinite else { return number.pythonRepr }
    let sign = number.sign == .minus ? "-" : ""
    if number == 0 { return sign + "0x0.0p+0" }
    let digits = String(number.significandBitPattern, radix: 16)
    let fraction = String(repeating: "0", count: 13 - digits.utf8.count) + digits
    let exponent = number.isNormal ? Int(number.exponent) : -1022
    return "\(sign)0x\(number.isNormal ? 1 : 0).\(fraction)p\(exponent < 0 ? "-" : "+")\(abs(exponent))"
  }

  /// Numerator and denominator in lowest terms.
  private static func ratio(of number: PythonDecimal) -> Value {
    guard number.exponent < 0 else { return .tuple([Arithmetic.integer(number.truncated), .int(1)]) }
    var numerator = number.coefficient
    var denominator = PythonDecimal.powerOfTen(-number.exponent)
    for prime in [2, 5] {
      while !numerator.isZero {
        let (shorter, rest) = numerator.truncatedDivided(by: BigInteger(prime))
        let (below, remainder) = denominator.truncatedDivided(by: BigInteger(prime))
        guard rest.isZero, remainder.isZero else { break }
        (numerator, denominator) = (shorter, below)
      }
    }
    if numerator.isZero { denominator = BigInteger(1) }
    return .tuple([Arithmetic.integer(numerator), Arithmetic.integer(denominator)])
  }

  // MARK: Decimal

  private static func operand(_ value: Value?) throws -> PythonDecimal {
    switch value {
    case .decimal(let number): return number
    case .int, .bigInt, .bool: return try PythonDecimal(NumberText.exact(value ?? .none))
    default:
      throw JinjaError(.type, "conversion from \(value?.typeName ?? "NoneType") to Decimal is not supported")
    }
  }

  private static func decimal(
    _ method: MethodName, _ number: PythonDecimal, _ arguments: Arguments
  ) throws -> Value {
    switch method {
    case .quantize:
      return .decimal(number.quantized(to: try operand(arguments.bind("quantize", ["exp", "rounding?"])[0]).exponent))
    case .compare, .max, .min:
      let other = try operand(arguments.bind(method.rawValue, ["other"])[0])
      let order = number.compare(other)
      if method == .compare { return .decimal(PythonDecimal(order)) }
      return .decimal((order < 0) == (method == .min) ? number : other)
    case .scaleb:
      let shift = try operand(arguments.bind("scaleb", ["other"])[0]).truncated.int ?? 0
      guard abs(shift) <= 10_000 else { throw JinjaError(.decimalOperation, "[<class 'decimal.InvalidOperation'>]") }
      return .decimal(PythonDecimal(number.coefficient, exponent: number.exponent + shift))
    default: break
    }
    _ = try arguments.bind(method.rawValue, [])
    let adjusted = number.isZero ? number.exponent : number.exponent + number.coefficient.absolute.text.utf8.count - 1
    switch method {
    case .toIntegralValue, .toIntegral, .toIntegralExact:
      return .decimal(number.exponent >= 0 ? number : number.quantized(to: 0))
    case .normalize: return .decimal(normalized(number))
    case .adjusted: return .int(adjusted)
    case .sqrt: return .decimal(try root(of: number))
    case .asTuple:
      let digits = number.coefficient.absolute.text.utf8.map { Value.int(Int($0) - 48) }
      return .object(
        NamedTuple(
          "DecimalTuple",
          [("sign", .int(number.isNegative ? 1 : 0)), ("digits", .tuple(digits)), ("exponent", .int(number.exponent))]))
    case .copyAbs: return .decimal(number.isNegative ? number.negated : number)
    case .copyNegate: return .decimal(number.negated)
    case .isFinite: return .bool(true)
    case .isInfinite, .isNaN: return .bool(false)
    case .isSigned: return .bool(number.isNegative)
    case .isZero: return .bool(number.isZero)
    case .numberClass:
      return .string((number.isNegative ? "-" : "+") + (number.isZero ? "Zero" : "Normal"))
    case .toEngString: return .string(engineering(number, adjusted))
    case .asIntegerRatio: return ratio(of: number)
    default: return .decimal(number)
    }
  }

  private static func normalized(_ number: PythonDecimal) -> PythonDecimal {
    var (coefficient, exponent) = (number.coefficient, number.exponent)
    if coefficient.isZero { return PythonDecimal(0) }
    while true {
      let (shorter, digit) = coefficient.truncatedDivided(by: BigInteger(10))
      guard digit.isZero else { return PythonDecimal(coefficient, exponent: exponent) }
      (coefficient, exponent) = (shorter, exponent + 1)
    }
  }

  /// An exponent that is a multiple of three.
  private static func engineering(_ number: PythonDecimal, _ adjusted: Int) -> String {
    guard number.exponent > 0 || adjusted < -6 else { return number.text }
    let shift = ((adjusted % 3) + 3) % 3
    let digits = number.coefficient.absolute.text
    let padded = digits + String(repeating: "0", count: max(0, shift + 1 - digits.utf8.count))
    let fraction = padded.dropFirst(shift + 1)
    let exponent = adjusted - shift
    return (number.isNegative ? "-" : "") + padded.prefix(shift + 1) + (fraction.isEmpty ? "" : "." + fraction)
      + (exponent == 0 ? "" : "E\(exponent < 0 ? "" : "+")\(exponent)")
  }

  /// The square root to 28 digits.
  private static func root(of number: PythonDecimal) throws -> PythonDecimal {
    guard !number.isNegative else { throw JinjaError(.decimalOperation, "[<class 'decimal.InvalidOperation'>]") }
    guard !number.isZero else { return PythonDecimal(BigInteger(0), exponent: number.exponent / 2) }
    // An even exponent, and enough digits for 29 of the root.
    let digits = number.coefficient.text.utf8.count
    var shift = max(0, 60 - digits)
    if (number.exponent - shift) % 2 != 0 { shift += 1 }
    guard shift < 10_000 else { throw JinjaError(.limit, "decimal exponent is too large") }
    let scaled = try BigInteger.multiply(number.coefficient, PythonDecimal.powerOfTen(shift))
    var low = BigInteger(1).shiftedLeft(max(0, (scaled.bitWidth + 1) / 2))
    while true {
      let next = (low + scaled.truncatedDivided(by: low).quotient).truncatedDivided(by: BigInteger(2)).quotient
      guard next < low else { break }
      low = next
    }
    let isExact = try BigInteger.multiply(low, low) == scaled
    let result = PythonDecimal(low, exponent: (number.exponent - shift) / 2).rounded(toDigits: 28, padding: false)
    guard isExact else { return result }
    let ideal = number.exponent >= 0 ? number.exponent / 2 : -((-number.exponent + 1) / 2)
    let shortest = normalized(result)
    return shortest.exponent > ideal ? shortest.quantized(to: ideal) : shortest
  }
}

/// A tuple whose elements have names.
package final class NamedTuple: Object {
  package let typeName: String
  private let fields: [(name: String, value: Value)]

  package init(_ typeName: String, _ fields: [(name: String, value: Value)]) {
    self.typeName = typeName
    self.fields = fields
  }

  private var parts: [Value] { fields.map(\.value) }

  package var count: Int? { fields.count }
  package var kinds: ValueKinds { [.sequence, .iterable] }
  package var text: String { repr }
  package var repr: String {
    typeName + "(" + fields.map { "\($0.name)=\($0.value.repr)" }.joined(separator: ", ") + ")"
  }
  package func iterate(_ evaluation: Evaluation) -> [Value]? { parts }
  package func attribute(_ name: String, _ evaluation: Evaluation) -> Value? {
    fields.first { $0.name == name }?.value
  }
  package func item(_ key: Value, _ evaluation: Evaluation) throws -> Value? { try evaluation.itemOfTuple(key, parts) }
  package func isEqual(to other: any Object) -> Bool { (other as? NamedTuple)?.parts == parts }
  package func hash(into hasher: inout Hasher) { hasher.combine(parts) }
}
