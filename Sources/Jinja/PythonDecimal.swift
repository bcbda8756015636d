package import PlainData

/// Python's `decimal.Decimal` in its default context: 28 digits, rounded half to even.
package final class PythonDecimal: Sendable {
  /// The number is `coefficient` × 10^`exponent`. A negative zero is not kept.
  package let coefficient: BigInteger
  package let exponent: Int

  package init(_ coefficient: BigInteger, exponent: Int = 0) {
    self.coefficient = coefficient
    self.exponent = exponent
  }

  package convenience init(_ number: Int) { self.init(BigInteger(number)) }

  /// Reads `[+-]digits[.digits][e[+-]digits]`; nil for anything else, NaN and infinities included.
  package convenience init?(_ text: String) {
    var digits: [UInt8] = []
    var exponent = 0
    var isNegative = false
    var seenPoint = false
    let bytes = Array(text.utf8)
    var index = 0
    if let sign = bytes.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
      isNegative = sign == UInt8(ascii: "-")
      index = 1
    }
    while index < bytes.count {
      let byte = bytes[index]
      if byte == UInt8(ascii: "."), !seenPoint {
        seenPoint = true
      } else if byte >= 48, byte <= 57 {
        digits.append(byte)
        if seenPoint { exponent -= 1 }
      } else if byte | 0x20 == UInt8(ascii: "e") {
        guard let shift = Int(String(decoding: bytes[(index + 1)...], as: UTF8.self)), abs(shift) < 100_000 else {
          return nil
        }
        exponent += shift
        break
      } else {
        return nil
      }
      index += 1
    }
    guard let coefficient = BigInteger(digits: digits) else { return nil }
    self.init(isNegative ? coefficient.negated : coefficient, exponent: exponent)
  }

  package var isZero: Bool { coefficient.isZero }

  package var isNegative: Bool { coefficient.isNegative }

  /// The nearest double.
  package var doubleValue: Double { Double("\(coefficient.text)e\(exponent)") ?? .nan }

  /// Integers as integers when they fit, everything else as the nearest double.
  package var plain: PlainValue {
    if exponent >= 0, let whole = truncated.int { return .int(whole) }
    return .double(doubleValue)
  }

  /// The integer part.
  package var truncated: BigInteger {
    if exponent >= 0 { return Self.scale(coefficient, by: exponent) }
    return coefficient.truncatedDivided(by: Self.powerOfTen(-exponent)).quotient
  }

  /// Whether the number has no fractional part.
  package var isIntegral: Bool {
    exponent >= 0 || coefficient.truncatedDivided(by: Self.powerOfTen(-exponent)).remainder.isZero
  }

  /// Python's `str()`: plain notation unless the exponent is positive or the number is very small.
  package var text: String {
    let digits = coefficient.absolute.text
    let sign = coefficient.isNegative ? "-" : ""
    let adjusted = exponent + digits.utf8.count - 1
    if exponent == 0 { return sign + digits }
    if exponent < 0, adjusted >= -6 {
      let places = -exponent
      if digits.utf8.count > places {
        return sign + digits.dropLast(places) + "." + digits.suffix(places)
      }
      return sign + "0." + String(repeating: "0", count: places - digits.utf8.count) + digits
    }
    let fraction = digits.utf8.count > 1 ? "." + digits.dropFirst() : ""
    return sign + digits.prefix(1) + fraction + "E" + (adjusted >= 0 ? "+" : "") + String(adjusted)
  }
}

extension PythonDecimal {
  /// Digits kept by arithmetic.
  private static let precision = 28

  static func powerOfTen(_ exponent: Int) -> BigInteger {
    (try? BigInteger(10).power(min(exponent, 15_000))) ?? BigInteger(1)
  }

  private static func scale(_ number: BigInteger, by exponent: Int) -> BigInteger {
    exponent == 0 ? number : (try? BigInteger.multiply(number, powerOfTen(exponent))) ?? number
  }

  /// The two coefficients at the smaller exponent. Throws a limit error when they are too far apart.
  private static func align(
    _ left: PythonDecimal, _ right: PythonDecimal
  ) throws -> (BigInteger, BigInteger, exponent: Int) {
    let exponent = min(left.exponent, right.exponent)
    guard left.exponent - exponent < 10_000, right.exponent - exponent < 10_000 else {
      throw JinjaError(.limit, "decimal exponents are too far apart")
    }
    return (
      scale(left.coefficient, by: left.exponent - exponent), scale(right.coefficient, by: right.exponent - exponent),
      exponent
    )
  }

  /// Rounds to 28 digits, half to even.
  private static func rounded(_ coefficient: BigInteger, exponent: Int) -> PythonDecimal {
    let excess = coefficient.absolute.text.utf8.count - precision
    guard excess > 0 else { return PythonDecimal(coefficient, exponent: exponent) }
    let result = PythonDecimal(coefficient, exponent: exponent).quantized(to: exponent + excess)
    return result.coefficient.absolute.text.utf8.count > precision
      ? rounded(result.coefficient, exponent: result.exponent) : result
  }

  /// The number with at most (or, padding, exactly) so many digits.
  func rounded(toDigits count: Int, padding: Bool) -> PythonDecimal {
    let digits = coefficient.absolute.text.utf8.count
    if digits < count { return padding && !isZero ? quantized(to: exponent - (count - digits)) : self }
    guard digits > count else { return self }
    let result = quantized(to: exponent + digits - count)
    return result.coefficient.absolute.text.utf8.count > count
      ? result.quantized(to: exponent + digits - count + 1) : result
  }

  /// The number with the given exponent, rounded half to even.
  package func quantized(to target: Int) -> PythonDecimal {
    if target <= exponent {
      return PythonDecimal(Self.scale(coefficient, by: exponent - target), exponent: target)
    }
    let divisor = Self.powerOfTen(target - exponent)
    let (quotient, remainder) = coefficient.absolute.truncatedDivided(by: divisor)
    let doubled = remainder + remainder
    let up = doubled > divisor || (doubled == divisor && quotient.isOdd)
    let value = up ? quotient + BigInteger(1) : quotient
    return PythonDecimal(coefficient.isNegative ? value.negated : value, exponent: target)
  }

  /// Negative, zero or positive.
  package func compare(_ other: PythonDecimal) -> Int {
    guard let (left, right, _) = try? Self.align(self, other) else {
      return doubleValue < other.doubleValue ? -1 : 1
    }
    return left == right ? 0 : left < right ? -1 : 1
  }

  package var negated: PythonDecimal { PythonDecimal(coefficient.negated, exponent: exponent) }

  /// Applies an operator as Python does. Throws arithmetic errors for division by zero.
  package func apply(_ operation: BinaryOperator, _ other: PythonDecimal) throws -> PythonDecimal {
    switch operation {
    case .add, .subtract:
      let (left, right, exponent) = try Self.align(self, other)
      return Self.rounded(operation == .add ? left + right : left - right, exponent: exponent)
    case .multiply:
      return Self.rounded(
        try BigInteger.multiply(coefficient, other.coefficient), exponent: exponent + other.exponent)
    case .divide: return try divided(by: other)
    case .floorDivide, .modulo:
      guard !other.isZero else {
        throw JinjaError(
          operation == .modulo || isZero ? .decimalOperation : .decimalDivision,
          "[<class 'decimal.\(isZero && operation != .modulo ? "DivisionUndefined" : operation == .modulo ? "InvalidOperation" : "DivisionByZero")'>]"
        )
      }
      let (left, right, exponent) = try Self.align(self, other)
      let (quotient, remainder) = left.truncatedDivided(by: right)
      guard quotient.absolute.text.utf8.count <= Self.precision else {
        throw JinjaError(.decimalOperation, "[<class 'decimal.DivisionImpossible'>]")
      }
      return operation == .modulo
        ? Self.rounded(remainder, exponent: exponent) : PythonDecimal(quotient, exponent: 0)
    case .power: return try raised(to: other)
    }
  }

  private func divided(by other: PythonDecimal) throws -> PythonDecimal {
    guard !other.isZero else {
      throw isZero
        ? JinjaError(.decimalOperation, "[<class 'decimal.DivisionUndefined'>]")
        : JinjaError(.decimalDivision, "[<class 'decimal.DivisionByZero'>]")
    }
    let shift = max(
      0,
      other.coefficient.absolute.text.utf8.count - coefficient.absolute.text.utf8.count + Self.precision + 1)
    var (quotient, remainder) = Self.scale(coefficient.absolute, by: shift)
      .truncatedDivided(by: other.coefficient.absolute)
    var exponent = self.exponent - other.exponent - shift
    if remainder.isZero {
      // An exact quotient goes back towards the ideal exponent.
      let ideal = self.exponent - other.exponent
      while exponent < ideal {
        let (shorter, digit) = quotient.truncatedDivided(by: BigInteger(10))
        guard digit.isZero else { break }
        quotient = shorter
        exponent += 1
      }
    } else if quotient.truncatedDivided(by: BigInteger(5)).remainder.isZero {
      // A sticky digit, so that rounding sees that more follows.
      quotient = quotient + BigInteger(1)
    }
    let isNegative = coefficient.isNegative != other.coefficient.isNegative
    return Self.rounded(isNegative ? quotient.negated : quotient, exponent: exponent)
  }

  private func raised(to other: PythonDecimal) throws -> PythonDecimal {
    guard other.isIntegral, let power = other.truncated.int, abs(power) < 2000 else {
      throw JinjaError(.limit, "decimal power needs a small whole exponent")
    }
    let result = try coefficient.power(abs(power))
    let positive = PythonDecimal(result, exponent: exponent * abs(power))
    return power >= 0
      ? Self.rounded(result, exponent: positive.exponent) : try PythonDecimal(1).divided(by: positive)
  }
}
