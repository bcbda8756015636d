import PlainData

extension Value: Hashable {
  /// Python's `==`: numbers by value across types, containers element by element, everything else by identity.
  package static func == (left: Value, right: Value) -> Bool {
    var budget = 50_000_000
    return left.isEqual(to: right, depth: 0, budget: &budget)
  }

  /// `==` within a budget of element comparisons. When it runs out, or 200 levels down, values count as different.
  func isEqual(to other: Value, depth: Int, budget: inout Int) -> Bool {
    budget -= 1
    guard budget > 0, depth < 200 else { return false }
    switch (self, other) {
    case (.string(let a), .string(let b)): return Value.same(a, b)
    case (.int(let a), .int(let b)): return a == b
    case (.undefined, .undefined), (.none, .none): return true
    case (.list(let a), .list(let b)):
      return a === b || Value.same(a.items, b.items, depth: depth, budget: &budget)
    case (.tuple(let a), .tuple(let b)): return Value.same(a, b, depth: depth, budget: &budget)
    case (.dict(let a), .dict(let b)):
      if a === b { return true }
      guard a.count == b.count else { return false }
      for (key, value) in a.pairs {
        guard let peer = b[key], value.isEqual(to: peer, depth: depth + 1, budget: &budget) else { return false }
      }
      return true
    case (.object(let a), .object(let b)): return a.isEqual(to: b)
    case (.object(let a as Markup), .string(let b)), (.string(let b), .object(let a as Markup)):
      return Value.same(a.content, b)
    case (.object(let a as NativeMarker), .string(let b)), (.string(let b), .object(let a as NativeMarker)):
      return Value.same(a.content, b)
    default: return Value.sameNumber(self, other)
    }
  }

  /// Code point equality; Swift's own is up to canonical equivalence.
  static func same(_ a: String, _ b: String) -> Bool { a == b && a.utf8.elementsEqual(b.utf8) }

  private static func same(_ a: [Value], _ b: [Value], depth: Int, budget: inout Int) -> Bool {
    guard a.count == b.count else { return false }
    for index in a.indices where !a[index].isEqual(to: b[index], depth: depth + 1, budget: &budget) { return false }
    return true
  }

  private static func sameNumber(_ a: Value, _ b: Value) -> Bool {
    switch (a.number, b.number) {
    case (.int(let x)?, .int(let y)?): x == y
    case (.big(let x)?, .big(let y)?): x == y
    case (.double(let x)?, .double(let y)?): x == y
    case (.decimal(let x)?, .decimal(let y)?): x.compare(y) == 0
    case (let x?, let y?): Number.compare(x, y) == 0
    default: false
    }
  }

  package func hash(into hasher: inout Hasher) {
    switch self {
    case .undefined: hasher.combine(1)
    case .none: hasher.combine(2)
    case .bool(let flag): hasher.combine(flag ? 1 : 0)
    case .int(let number): hasher.combine(number)
    case .bigInt(let number): hasher.combine(number.doubleValue)
    case .double(let number):
      if let whole = Int(exactly: number) { hasher.combine(whole) } else { hasher.combine(number) }
    case .decimal(let number):
      if number.isIntegral, let whole = number.truncated.int {
        hasher.combine(whole)
      } else {
        hasher.combine(number.doubleValue)
      }
    case .string(let text): hasher.combine(text)
    case .tuple(let items):
      hasher.combine(items.count)
      // Not into tuples inside: equal tuples still hash alike, and the depth stays one.
      for item in items.prefix(8) { if case .tuple = item { continue } else { item.hash(into: &hasher) } }
    case .list(let list): hasher.combine(ObjectIdentifier(list))
    case .dict(let dict): hasher.combine(ObjectIdentifier(dict))
    case .object(let object):
      if let markup = object as? Markup { hasher.combine(markup.content) } else { object.hash(into: &hasher) }
    }
  }

  /// Throws Python's TypeError for lists, dicts and what contains them.
  package func requireHashable() throws {
    switch self {
    case .list, .dict: throw JinjaError(.type, "unhashable type: '\(typeName)'")
    case .tuple(let items): for item in items { try item.requireHashable() }
    case .object(let object):
      if !object.isHashable { throw JinjaError(.type, "unhashable type: '\(typeName)'") }
    default: break
    }
  }
}

/// A value as a number, booleans being 0 and 1.
enum Number {
  case int(Int)
  case big(BigInteger)
  case double(Double)
  case decimal(PythonDecimal)

  /// Negative, zero or positive; nil when one is NaN.
  static func compare(_ a: Number, _ b: Number) -> Int? {
    switch (a, b) {
    case (.int(let x), .int(let y)): return x < y ? -1 : x == y ? 0 : 1
    case (.double(let x), .double(let y)): return x < y ? -1 : x == y ? 0 : x > y ? 1 : nil
    case (.double(let x), _) where !x.isFinite: return x.isNaN ? nil : x > 0 ? 1 : -1
    case (_, .double(let y)) where !y.isFinite: return y.isNaN ? nil : y > 0 ? -1 : 1
    default: return a.exact.compare(b.exact)
    }
  }

  /// The number as an exact decimal. Not for infinities and NaN.
  private var exact: PythonDecimal {
    switch self {
    case .int(let number): return PythonDecimal(number)
    case .big(let number): return PythonDecimal(number)
    case .decimal(let number): return number
    case .double(let number): return PythonDecimal(exactly: number)
    }
  }

  var doubleValue: Double {
    switch self {
    case .int(let number): Double(number)
    case .big(let number): number.doubleValue
    case .double(let number): number
    case .decimal(let number): number.doubleValue
    }
  }
}

extension PythonDecimal {
  /// The exact value of a finite double: its binary fraction written in decimal.
  package convenience init(exactly number: Double) {
    guard number.isFinite, number != 0 else {
      self.init(0)
      return
    }
    var exponent = Int(number.exponent) - 52
    var significand = BigInteger(Int(number.significandBitPattern | (number.isNormal ? 1 << 52 : 0)))
    if !number.isNormal { exponent = -1074 }
    if exponent >= 0 {
      significand = significand.shiftedLeft(exponent)
      self.init(number < 0 ? significand.negated : significand)
    } else {
      while exponent < 0, !significand.isOdd {
        significand = significand.truncatedDivided(by: BigInteger(2)).quotient
        exponent += 1
      }
      // m / 2^k = m * 5^k / 10^k
      let scaled = (try? BigInteger.multiply(significand, BigInteger(5).power(-exponent))) ?? significand
      self.init(number < 0 ? scaled.negated : scaled, exponent: exponent)
    }
  }
}

extension Value {
  /// The value as a number, nil when it is none.
  var number: Number? {
    switch self {
    case .bool(let flag): .int(flag ? 1 : 0)
    case .int(let number): .int(number)
    case .bigInt(let number): .big(number)
    case .double(let number): .double(number)
    case .decimal(let number): .decimal(number)
    default: nil
    }
  }
}

extension Double {
  /// Python's repr of a float.
  var pythonRepr: String {
    if isNaN { return "nan" }
    if isInfinite { return self > 0 ? "inf" : "-inf" }
    return pythonText
  }
}
