/// Python's `text % values`.
struct PrintfFormat {
  private let evaluation: Evaluation
  private let mapping: Value?
  private let values: [Value]
  private var used = 0
  private var usedMapping = false
  /// Whether text put in is escaped for HTML.
  private var escapes = false

  static func apply(
    _ format: String, _ argument: Value, _ evaluation: Evaluation, escapes: Bool = false
  ) throws -> String {
    var printf = PrintfFormat(argument, evaluation)
    printf.escapes = escapes
    return try printf.run(format)
  }

  private init(_ argument: Value, _ evaluation: Evaluation) {
    self.evaluation = evaluation
    if case .tuple(let items) = argument {
      values = items
      mapping = nil
      return
    }
    values = [argument]
    // Whatever can be subscripted counts as a mapping, text excepted; then nothing need be used up.
    let isSubscriptable = !argument.kinds.isDisjoint(with: [.mapping, .sequence]) && !argument.kinds.contains(.string)
    mapping = isSubscriptable ? argument : nil
  }

  /// The flags of one conversion.
  private struct Flags {
    var left = false
    var plus = false
    var space = false
    var zero = false
    var alternate = false
    var width = 0
    var precision: Int?
  }

  private mutating func run(_ format: String) throws -> String {
    let scalars = Array(format.unicodeScalars)
    var result = String.UnicodeScalarView()
    var index = 0
    while index < scalars.count {
      let scalar = scalars[index]
      index += 1
      guard scalar == "%" else {
        result.append(scalar)
        continue
      }
      let text = try conversion(scalars, &index)
      try evaluation.charge(bytes: text.utf8.count)
      result.append(contentsOf: text.unicodeScalars)
    }
    if used < values.count, mapping == nil, !usedMapping {
      throw JinjaError(.type, "not all arguments converted during string formatting")
    }
    try evaluation.charge(bytes: result.count)
    return String(result)
  }

  private mutating func next() throws -> Value {
    guard used < values.count else { throw JinjaError(.type, "not enough arguments for format string") }
    used += 1
    return values[used - 1]
  }

  private mutating func conversion(_ scalars: [Unicode.Scalar], _ index: inout Int) throws -> String {
    let start = index
    var keyed: Value?
    if index < scalars.count, scalars[index] == "(" { keyed = try key(scalars, &index) }
    var flags = Flags()
    scan: while index < scalars.count {
      switch scalars[index] {
      case "-": flags.left = true
      case "+": flags.plus = true
      case " ": flags.space = true
      case "0": flags.zero = true
      case "#": flags.alternate = true
      default: break scan
      }
      index += 1
    }
    flags.width = try number(scalars, &index) ?? 0
    if flags.width < 0 {
      flags.left = true
      flags.width = -flags.width
    }
    if index < scalars.count, scalars[index] == "." {
      index += 1
      flags.precision = max(0, try number(scalars, &index) ?? 0)
    }
    while index < scalars.count, "hlL".unicodeScalars.contains(scalars[index]) { index += 1 }
    guard index < scalars.count else { throw JinjaError(.value, "incomplete format") }
    let type = scalars[index]
    index += 1
    if type == "%", index == start + 1 { return "%" }
    if keyed != nil { used = values.count }
    let value = try keyed ?? next()
    return try convert(value, type, flags, index - 1)
  }

  private mutating func key(_ scalars: [Unicode.Scalar], _ index: inout Int) throws -> Value {
    guard let mapping else { throw JinjaError(.type, "format requires a mapping") }
    usedMapping = true
    var depth = 0
    let start = index + 1
    while index < scalars.count {
      if scalars[index] == "(" { depth += 1 }
      if scalars[index] == ")" { depth -= 1 }
      index += 1
      if depth == 0 {
        let name = PythonString.text(scalars[start..<(index - 1)])
        guard mapping.kinds.contains(.mapping) else {
          if case .undefined(let undefined) = mapping { throw undefined.error }
          throw JinjaError(.type, "\(mapping.typeName) indices must be integers or slices, not str")
        }
        let value = try evaluation.item(.string(name), of: mapping)
        if value.isUndefined { throw JinjaError(.key, PythonText.repr(name)) }
        return value
      }
    }
    throw JinjaError(.value, "incomplete format key")
  }

  /// A width or precision: digits, or `*` for the next argument.
  private mutating func number(_ scalars: [Unicode.Scalar], _ index: inout Int) throws -> Int? {
    if index < scalars.count, scalars[index] == "*" {
      index += 1
      let value = try next()
      if case .bigInt = value { throw JinjaError(.overflow, "Python int too large to convert to C ssize_t") }
      guard case .int(let number) = value else { throw JinjaError(.type, "* wants int") }
      guard abs(number) <= 1_000_000 else { throw JinjaError(.limit, "format width is too large") }
      return number
    }
    var value: Int?
    while index < scalars.count, scalars[index].value >= 48, scalars[index].value <= 57 {
      value = (value ?? 0) * 10 + Int(scalars[index].value - 48)
      guard (value ?? 0) <= 1_000_000 else { throw JinjaError(.limit, "format width is too large") }
      index += 1
    }
    return value
  }

  private func convert(_ value: Value, _ type: Unicode.Scalar, _ flags: Flags, _ index: Int) throws -> String {
    switch type {
    case "s", "r", "a":
      var text = type == "s" ? try evaluation.text(of: value) : try evaluation.repr(of: value)
      if type == "a" { text = PythonText.ascii(text) }
      if escapes { text = type == "s" ? try evaluation.escaped(value) : Markup.escape(text) }
      let cut = flags.precision.map { PythonString.text(text.unicodeScalars.prefix($0)) } ?? text
      return pad("", cut, flags, zero: false)
    case "d", "i", "u": return signed(try integer(value, type), "", radix: 10, flags)
    case "o": return signed(try integer(value, type), flags.alternate ? "0o" : "", radix: 8, flags)
    case "x": return signed(try integer(value, type), flags.alternate ? "0x" : "", radix: 16, flags)
    case "X": return signed(try integer(value, type), flags.alternate ? "0X" : "", radix: 16, flags, uppercase: true)
    case "e", "E", "f", "F", "g", "G":
      if case .undefined(let undefined) = value { throw undefined.error }
      guard let number = value.number else { throw JinjaError(.type, "must be real number, not \(value.typeName)") }
      let double = number.doubleValue
      let text = FloatText.text(
        double.magnitude, Character(type), flags.precision ?? 6, alternate: flags.alternate)
      return pad(sign(double.sign == .minus && !double.isNaN, flags), text, flags, zero: flags.zero)
    case "c": return pad("", try character(value), flags, zero: false)
    default:
      throw JinjaError(
        .value,
        "unsupported format character '\(type)' (0x\(String(type.value, radix: 16))) at index \(index)")
    }
  }

  private func character(_ value: Value) throws -> String {
    if let text = value.stringValue, PythonString.length(text) == 1 { return text }
    if case .bigInt = value { throw JinjaError(.overflow, "%c arg not in range(0x110000)") }
    guard let code = value.intValue ?? value.boolValue.map({ $0 ? 1 : 0 }) else {
      throw JinjaError(.type, "%c requires int or char")
    }
    guard let scalar = UInt32(exactly: code).flatMap(Unicode.Scalar.init) else {
      throw JinjaError(.overflow, "%c arg not in range(0x110000)")
    }
    return String(scalar)
  }

  private func integer(_ value: Value, _ type: Unicode.Scalar) throws -> BigInteger {
    switch value {
    case .int(let number): return BigInteger(number)
    case .bool(let flag): return BigInteger(flag ? 1 : 0)
    case .bigInt(let number): return number
    case .double(let number) where "diu".unicodeScalars.contains(type):
      guard let whole = BigInteger(number) else {
        throw JinjaError(
          number.isNaN ? .value : .overflow, "cannot convert float \(number.isNaN ? "NaN" : "infinity") to integer")
      }
      return whole
    case .decimal(let number) where "diu".unicodeScalars.contains(type): return number.truncated
    case .undefined(let undefined) where "diu".unicodeScalars.contains(type): throw undefined.error
    default:
      let wanted = "diu".unicodeScalars.contains(type) ? "a real number" : "an integer"
      throw JinjaError(.type, "%\(type) format: \(wanted) is required, not \(value.typeName)")
    }
  }

  private func sign(_ isNegative: Bool, _ flags: Flags) -> String {
    isNegative ? "-" : flags.plus ? "+" : flags.space ? " " : ""
  }

  private func signed(
    _ number: BigInteger, _ prefix: String, radix: Int, _ flags: Flags, uppercase: Bool = false
  ) -> String {
    var digits = number.absolute.text(radix: radix, uppercase: uppercase)
    if let precision = flags.precision, precision > digits.utf8.count {
      digits = String(repeating: "0", count: precision - digits.utf8.count) + digits
    }
    return pad(sign(number.isNegative, flags) + prefix, digits, flags, zero: flags.zero)
  }

  private func pad(_ head: String, _ body: String, _ flags: Flags, zero: Bool) -> String {
    let missing = flags.width - PythonString.length(head) - PythonString.length(body)
    guard missing > 0 else { return head + body }
    if flags.left { return head + body + String(repeating: " ", count: missing) }
    if zero { return head + String(repeating: "0", count: missing) + body }
    return String(repeating: " ", count: missing) + head + body
  }
}
