import Glibc

/// Python's operators.
enum Arithmetic {
  static func unsupported(_ operation: String, _ left: Value, _ right: Value) -> JinjaError {
    JinjaError(
      .type,
      "unsupported operand type(s) for \(operation): '\(left.typeName)' and '\(right.typeName)'")
  }

  static func negate(_ value: Value) throws -> Value {
    switch value {
    case .bool(let flag): return .int(flag ? -1 : 0)
    case .int(let number):
      let (result, overflow) = Int(0).subtractingReportingOverflow(number)
      return overflow ? .bigInt(BigInteger(number).negated) : .int(result)
    case .bigInt(let number): return integer(number.negated)
    case .double(let number): return .double(-number)
    case .decimal(let number): return .decimal(number.negated)
    case .undefined(let undefined): throw undefined.error
    case .object(let object):
      if let result = try object.negated() { return result }
      throw JinjaError(.type, "bad operand type for unary -: '\(value.typeName)'")
    default: throw JinjaError(.type, "bad operand type for unary -: '\(value.typeName)'")
    }
  }

  static func plus(_ value: Value) throws -> Value {
    switch value {
    case .bool(let flag): return .int(flag ? 1 : 0)
    case .int, .bigInt, .double, .decimal: return value
    case .undefined(let undefined): throw undefined.error
    case .object(let object) where try object.negated() != nil: return value
    default: throw JinjaError(.type, "bad operand type for unary +: '\(value.typeName)'")
    }
  }

  /// The smallest form of an integer.
  static func integer(_ number: BigInteger) -> Value { number.int.map(Value.int) ?? .bigInt(number) }

  /// An operator on two numbers.
  static func apply(_ operation: BinaryOperator, _ left: Number, _ right: Number) throws -> Value {
    switch (left, right) {
    case (.int(let a), .int(let b)):
      if let fast = try integers(operation, a, b) { return fast }
      return try bigIntegers(operation, BigInteger(a), BigInteger(b))
    case (.int(let a), .big(let b)): return try bigIntegers(operation, BigInteger(a), b)
    case (.big(let a), .int(let b)): return try bigIntegers(operation, a, BigInteger(b))
    case (.big(let a), .big(let b)): return try bigIntegers(operation, a, b)
    case (.decimal, .double): throw mixed(operation, "decimal.Decimal", "float")
    case (.double, .decimal): throw mixed(operation, "float", "decimal.Decimal")
    case (.decimal(let a), _): return .decimal(try a.apply(operation, decimal(right)))
    case (_, .decimal(let b)): return .decimal(try decimal(left).apply(operation, b))
    default: return .double(try doubles(operation, try double(left), try double(right)))
    }
  }

  private static func mixed(_ operation: BinaryOperator, _ left: String, _ right: String) -> JinjaError {
    let name = operation == .power ? "** or pow()" : operation.rawValue
    return JinjaError(.type, "unsupported operand type(s) for \(name): '\(left)' and '\(right)'")
  }

  private static func decimal(_ number: Number) -> PythonDecimal {
    switch number {
    case .int(let number): PythonDecimal(number)
    case .big(let number): PythonDecimal(number)
    case .decimal(let number): number
    case .double(let number): PythonDecimal(exactly: number)
    }
  }

  private static func double(_ number: Number) throws -> Double {
    let value = number.doubleValue
    if value.isInfinite, case .big = number { throw JinjaError(.overflow, "int too large to convert to float") }
    return value
  }

  private static func integerDivision(_ operation: BinaryOperator) -> JinjaError {
    JinjaError(.zeroDivision, operation == .modulo ? "integer modulo by zero" : "integer division or modulo by zero")
  }

  private static func integers(_ operation: BinaryOperator, _ a: Int, _ b: Int) throws -> Value? {
    let result: (partialValue: Int, overflow: Bool)
    switch operation {
    case .add: result = a.addingReportingOverflow(b)
    case .subtract: result = a.subtractingReportingOverflow(b)
    case .multiply: result = a.multipliedReportingOverflow(by: b)
    case .divide:
      guard b != 0 else { throw JinjaError(.zeroDivision, "division by zero") }
      guard a.magnitude < 1 << 53, b.magnitude < 1 << 53 else { return nil }
      return .double(Double(a) / Double(b))
    case .floorDivide, .modulo:
      guard b != 0 else { throw Self.integerDivision(operation) }
      guard b != -1 else { return operation == .modulo ? .int(0) : try negate(.int(a)) }
      let (quotient, remainder) = a.quotientAndRemainder(dividingBy: b)
      let isOff = remainder != 0 && (remainder < 0) != (b < 0)
      return .int(operation == .modulo ? (isOff ? remainder + b : remainder) : (isOff ? quotient - 1 : quotient))
    case .power: return nil
    }
    return result.overflow ? nil : .int(result.partialValue)
  }

  private static func bigIntegers(
    _ operation: BinaryOperator, _ a: BigInteger, _ b: BigInteger
  ) throws -> Value {
    switch operation {
    case .add: return integer(a + b)
    case .subtract: return integer(a - b)
    case .multiply: return integer(try BigInteger.multiply(a, b))
    case .divide:
      guard !b.isZero else { throw JinjaError(.zeroDivision, "division by zero") }
      return .double(try quotient(a, b))
    case .floorDivide, .modulo:
      guard !b.isZero else { throw Self.integerDivision(operation) }
      let (quotient, remainder) = a.floorDivided(by: b)
      return integer(operation == .modulo ? remainder : quotient)
    case .power:
      if b.isNegative {
        guard !a.isZero else { throw JinjaError(.zeroDivision, "0.0 cannot be raised to a negative power") }
        return .double(try doubles(.power, a.doubleValue, b.doubleValue))
      }
      if a.bitWidth <= 1 {
        return a.isZero ? .int(b.isZero ? 1 : 0) : .int(a.isNegative && b.isOdd ? -1 : 1)
      }
      guard let exponent = b.int else { throw JinjaError(.limit, "integer is too large (power)") }
      return integer(try a.power(exponent))
    }
  }

  /// The correctly rounded quotient of two integers.
  private static func quotient(_ a: BigInteger, _ b: BigInteger) throws -> Double {
    let shift = max(0, 66 - (a.bitWidth - b.bitWidth))
    let (whole, rest) = a.absolute.shiftedLeft(shift).truncatedDivided(by: b.absolute)
    let excess = whole.bitWidth - 64
    let (top, lost) =
      excess > 0 ? whole.truncatedDivided(by: BigInteger(1).shiftedLeft(excess)) : (whole, BigInteger(0))
    var bits = top.magnitude.reversed().reduce(UInt64(0)) { $0 << 32 | UInt64($1) }
    if !rest.isZero || !lost.isZero { bits |= 1 }
    let value = scalbn(Double(bits), Int32(clamping: max(0, excess) - shift))
    guard value.isFinite else { throw JinjaError(.overflow, "integer division result too large for a float") }
    return a.isNegative != b.isNegative ? -value : value
  }

  private static func doubles(_ operation: BinaryOperator, _ a: Double, _ b: Double) throws -> Double {
    switch operation {
    case .add: return a + b
    case .subtract: return a - b
    case .multiply: return a * b
    case .divide:
      guard b != 0 else { throw JinjaError(.zeroDivision, "float division by zero") }
      return a / b
    case .floorDivide:
      guard b != 0 else { throw JinjaError(.zeroDivision, "float floor division by zero") }
      return floorDivision(a, b).quotient
    case .modulo:
      guard b != 0 else { throw JinjaError(.zeroDivision, "float modulo") }
      return floorDivision(a, b).remainder
    case .power:
      if a == 0, b < 0 { throw JinjaError(.zeroDivision, "0.0 cannot be raised to a negative power") }
      let result = pow(a, b)
      if result.isNaN, !a.isNaN, !b.isNaN { throw JinjaError(.type, "complex numbers are not supported") }
      if result.isInfinite, a.isFinite, b.isFinite {
        throw JinjaError(.overflow, "(34, 'Numerical result out of range')")
      }
      return result
    }
  }

  /// Python's `divmod` of floats.
  private static func floorDivision(_ a: Double, _ b: Double) -> (quotient: Double, remainder: Double) {
    var remainder = fmod(a, b)
    var quotient = (a - remainder) / b
    if remainder != 0 {
      if (b < 0) != (remainder < 0) {
        remainder += b
        quotient -= 1
      }
    } else {
      remainder = b < 0 ? -0.0 : 0.0
    }
    guard quotient != 0 else { return ((a / b).sign == .minus ? -0.0 : 0.0, remainder) }
    var floored = quotient.rounded(.down)
    if quotient - floored > 0.5 { floored += 1 }
    return (floored, remainder)
  }
}

extension Evaluation {
  /// A binary operator on any two values.
  package func binary(_ operation: BinaryOperator, _ left: Value, _ right: Value) throws -> Value {
    if case .undefined(let undefined) = left { throw undefined.error }
    let (left, right) = (left.unmarked, right.unmarked)
    if operation == .modulo, let format = left.stringValue {
      if left.objectValue is Markup { return try MarkupMethods.printf(format, right, self) }
      return .string(try PrintfFormat.apply(format, right, self))
    }
    if case .undefined(let undefined) = right { throw undefined.error }
    if let a = left.number, let b = right.number { return try Arithmetic.apply(operation, a, b) }
    if case .object(let object) = left, let result = try object.binary(operation, right, reversed: false) {
      return result
    }
    if case .object(let object) = right, let result = try object.binary(operation, left, reversed: true) {
      return result
    }
    if let result = try sequences(operation, left, right) { return result }
    throw unsupported(operation, left, right)
  }

  private func unsupported(_ operation: BinaryOperator, _ left: Value, _ right: Value) -> JinjaError {
    if operation == .add {
      switch left {
      case .string:
        return JinjaError(.type, "can only concatenate str (not \"\(right.typeName)\") to str")
      case .list: return JinjaError(.type, "can only concatenate list (not \"\(right.typeName)\") to list")
      case .tuple: return JinjaError(.type, "can only concatenate tuple (not \"\(right.typeName)\") to tuple")
      default: break
      }
    }
    if operation == .multiply {
      for (one, other) in [(left, right), (right, left)] where one.isSequence {
        return JinjaError(.type, "can't multiply sequence by non-int of type '\(other.typeName)'")
      }
    }
    let name = operation == .power ? "** or pow()" : operation.rawValue
    return Arithmetic.unsupported(name, left, right)
  }

  /// Concatenation and repetition.
  private func sequences(_ operation: BinaryOperator, _ left: Value, _ right: Value) throws -> Value? {
    switch (operation, left, right) {
    case (.add, .string(let a), .string(let b)):
      try charge(bytes: a.utf8.count + b.utf8.count)
      return .string(a + b)
    case (.add, .list(let a), .list(let b)):
      try charge(elements: a.items.count + b.items.count)
      return .list(ListObject(a.items + b.items))
    case (.add, .tuple(let a), .tuple(let b)):
      try charge(elements: a.count + b.count)
      return .tuple(a + b)
    case (.add, _, _):
      guard let a = left.stringValue, let b = right.stringValue else { return nil }
      return .object(Markup(markupText(left, a) + markupText(right, b)))
    case (.multiply, _, _):
      if let times = right.repetition { return try repeated(left, times) }
      if let times = left.repetition { return try repeated(right, times) }
      return nil
    default: return nil
    }
  }

  private func markupText(_ value: Value, _ text: String) -> String {
    if case .string = value { Markup.escape(text) } else { text }
  }

  private func repeated(_ value: Value, _ times: Int) throws -> Value? {
    func total(_ count: Int) -> Int { count.multipliedReportingOverflow(by: times).overflow ? .max : count * times }
    switch value {
    case .string(let text):
      try charge(bytes: total(text.utf8.count))
      return .string(text.utf8.isEmpty ? "" : String(repeating: text, count: times))
    case .list(let list):
      try charge(elements: total(list.items.count))
      return .list(ListObject(Array([[Value]](repeating: list.items, count: list.items.isEmpty ? 0 : times).joined())))
    case .tuple(let items):
      try charge(elements: total(items.count))
      return .tuple(Array([[Value]](repeating: items, count: items.isEmpty ? 0 : times).joined()))
    case .object(let object):
      guard let markup = object as? Markup else { return nil }
      try charge(bytes: total(markup.content.utf8.count))
      return .object(Markup(markup.content.utf8.isEmpty ? "" : String(repeating: markup.content, count: times)))
    default: return nil
    }
  }

  // MARK: Comparison

  func compare(_ comparison: Comparison, _ left: Value, _ right: Value) throws -> Bool {
    switch comparison {
    case .equal: return try equal(left, right)
    case .notEqual: return !(try equal(left, right))
    case .isIn: return try contains(left, in: right)
    case .isNotIn: return !(try contains(left, in: right))
    case .less, .lessOrEqual, .greater, .greaterOrEqual:
      if let a = left.asSet, let b = right.asSet {
        let isProper = comparison == .less || comparison == .greater
        return comparison == .less || comparison == .lessOrEqual
          ? a.isSubset(of: b, proper: isProper) : b.isSubset(of: a, proper: isProper)
      }
    }
    switch comparison {
    case .less: return try order(left, right, "<").map { $0 < 0 } ?? false
    case .lessOrEqual: return try order(left, right, "<=").map { $0 <= 0 } ?? false
    case .greater: return try order(left, right, ">").map { $0 > 0 } ?? false
    default: return try order(left, right, ">=").map { $0 >= 0 } ?? false
    }
  }

  /// `==`, within the limit on steps.
  package func equal(_ left: Value, _ right: Value) throws -> Bool {
    if case .undefined(let undefined) = left { try refuse(undefined) }
    if case .undefined(let undefined) = right { try refuse(undefined) }
    let allowed = elementBudget
    var budget = allowed
    let result = left.isEqual(to: right, depth: 0, budget: &budget)
    spend(steps: allowed - budget)
    guard budget > 0 else { throw JinjaError(.limit, "values are too large to compare") }
    return result
  }

  /// Python's `in`.
  package func contains(_ element: Value, in container: Value) throws -> Bool {
    switch container {
    case .string(let text):
      guard let part = element.stringValue else {
        throw JinjaError(.type, "'in <string>' requires string as left operand, not \(element.typeName)")
      }
      return PythonString.find(part, in: text) != nil
    case .dict(let dict):
      try element.requireHashable()
      return dict[element] != nil
    case .undefined(let undefined):
      try refuse(undefined)
      return false
    case .object(let object):
      if let answer = try object.contains(element, self) { return answer }
    case .list, .tuple: break
    default: throw JinjaError(.type, "argument of type '\(container.typeName)' is not iterable")
    }
    // A NaN is found in a list that holds it, though it equals nothing.
    if case .double(let number) = element, number.isNaN {
      return try elements(of: container).contains { if case .double(let other) = $0 { other.isNaN } else { false } }
    }
    for candidate in try elements(of: container) where try equal(candidate, element) { return true }
    return false
  }

  /// Order of two values: negative, zero, positive; nil when one is NaN. Throws when they have no order.
  package func order(_ left: Value, _ right: Value, _ symbol: String = "<") throws -> Int? {
    try order(left, right, symbol, depth: 0)
  }

  private func order(_ left: Value, _ right: Value, _ symbol: String, depth: Int) throws -> Int? {
    try tick()
    switch (left, right) {
    case (.string(let a), .string(let b)): return PythonString.compare(a, b)
    case (.undefined(let undefined), _), (_, .undefined(let undefined)): throw undefined.error
    case (.list(let a), .list(let b)): return try order(a.items, b.items, symbol, depth)
    case (.tuple(let a), .tuple(let b)): return try order(a, b, symbol, depth)
    default: break
    }
    if let a = left.number, let b = right.number { return Number.compare(a, b) }
    if let a = left.stringValue, let b = right.stringValue { return PythonString.compare(a, b) }
    if case .object(let object) = left, let result = try object.compare(right) { return result }
    if case .object(let object) = right, let result = try object.compare(left) { return -result }
    throw JinjaError(
      .type,
      "'\(symbol)' not supported between instances of '\(left.typeName)' and '\(right.typeName)'")
  }

  private func order(_ left: [Value], _ right: [Value], _ symbol: String, _ depth: Int) throws -> Int? {
    guard depth < 200 else { throw JinjaError(.limit, "values are nested too deeply to compare") }
    for (a, b) in zip(left, right) where !(try equal(a, b)) { return try order(a, b, symbol, depth: depth + 1) }
    return left.count - right.count
  }
}

extension Value {
  /// A set or a view of a dict's keys or items as a set.
  fileprivate var asSet: SetObject? {
    guard case .object(let object) = self else { return nil }
    return object as? SetObject ?? (object as? DictView)?.set
  }

  /// Whether it is a text, list or tuple.
  fileprivate var isSequence: Bool {
    switch self {
    case .string, .list, .tuple: true
    case .object(let object): object is Markup
    default: false
    }
  }

  /// How often a sequence is repeated when multiplied by this value.
  var repetition: Int? {
    switch self {
    case .int(let number): max(0, number)
    case .bool(let flag): flag ? 1 : 0
    case .bigInt(let number): number.isNegative ? 0 : Int.max
    default: nil
    }
  }
}
