/// An integer of any size, as Python's int: enough arithmetic for templates, bounded at 64 Ki bits.
package struct BigInteger: Sendable, Hashable {
  /// Little-endian digits in base 2^32, no leading zeros; empty for zero.
  private(set) var magnitude: [UInt32]
  /// False for zero.
  package private(set) var isNegative: Bool

  /// The most digits a result may have.
  private static let digitLimit = 2048

  private init(magnitude: [UInt32], isNegative: Bool) {
    var magnitude = magnitude
    while magnitude.last == 0 { magnitude.removeLast() }
    self.magnitude = magnitude
    self.isNegative = isNegative && !magnitude.isEmpty
  }

  package init(_ number: Int) {
    let bits = number.magnitude
    self.init(
      magnitude: [UInt32(truncatingIfNeeded: bits), UInt32(truncatingIfNeeded: bits >> 32)], isNegative: number < 0)
  }

  /// Reads digits in a base from 2 to 36, without sign; nil when there is another character or none.
  package init?(digits: some Sequence<UInt8>, radix: Int = 10) {
    var magnitude: [UInt32] = []
    var isEmpty = true
    for byte in digits {
      guard let digit = Self.digit(byte), digit < radix, magnitude.count <= Self.digitLimit else { return nil }
      isEmpty = false
      Self.multiplyAdd(&magnitude, UInt32(radix), UInt32(digit))
    }
    if isEmpty { return nil }
    self.init(magnitude: magnitude, isNegative: false)
  }

  /// The integer part of a finite double.
  package init?(_ number: Double) {
    guard number.isFinite else { return nil }
    let whole = number.rounded(.towardZero)
    guard whole != 0 else {
      self.init(0)
      return
    }
    let shift = Int(whole.exponent) - 52
    let significand = whole.significandBitPattern | (1 << 52)
    let base = BigInteger(Int(significand))
    let value = shift >= 0 ? base.shiftedLeft(shift) : BigInteger(Int(significand >> UInt64(-shift)))
    self.init(magnitude: value.magnitude, isNegative: whole < 0)
  }

  package static func digit(_ byte: UInt8) -> Int? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte) - 48
    case UInt8(ascii: "a")...UInt8(ascii: "z"): Int(byte) - 87
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): Int(byte) - 55
    default: nil
    }
  }

  package var isZero: Bool { magnitude.isEmpty }

  package var isOdd: Bool { (magnitude.first ?? 0) & 1 == 1 }

  /// The value when it fits.
  package var int: Int? {
    guard magnitude.count <= 2 else { return nil }
    let bits = magnitude.reversed().reduce(UInt(0)) { $0 << 32 | UInt($1) }
    if isNegative { return bits <= UInt(Int.max) + 1 ? Int(truncatingIfNeeded: 0 &- bits) : nil }
    return Int(exactly: bits)
  }

  /// The nearest double; infinite when out of range.
  package var doubleValue: Double {
    if let int { return Double(int) }
    return Double(text) ?? (isNegative ? -.infinity : .infinity)
  }

  package var bitWidth: Int {
    guard let last = magnitude.last else { return 0 }
    return magnitude.count * 32 - last.leadingZeroBitCount
  }

  /// Decimal digits with sign.
  package var text: String { text(radix: 10) }

  package func text(radix: Int, uppercase: Bool = false) -> String {
    guard !magnitude.isEmpty else { return "0" }
    var chunk = UInt32(radix)
    var width = 1
    while chunk.multipliedReportingOverflow(by: UInt32(radix)).overflow == false {
      chunk *= UInt32(radix)
      width += 1
    }
    var rest = magnitude
    var parts: [String] = []
    while !rest.isEmpty {
      let remainder = Self.divide(&rest, by: chunk)
      let digits = String(remainder, radix: radix, uppercase: uppercase)
      parts.append(rest.isEmpty ? digits : String(repeating: "0", count: width - digits.utf8.count) + digits)
    }
    return (isNegative ? "-" : "") + parts.reversed().joined()
  }

  package var negated: BigInteger { BigInteger(magnitude: magnitude, isNegative: !isNegative) }

  package var absolute: BigInteger { BigInteger(magnitude: magnitude, isNegative: false) }
}

extension BigInteger {
  package static func + (left: BigInteger, right: BigInteger) -> BigInteger {
    if left.isNegative == right.isNegative {
      return BigInteger(magnitude: add(left.magnitude, right.magnitude), isNegative: left.isNegative)
    }
    if compare(left.magnitude, right.magnitude) >= 0 {
      return BigInteger(magnitude: subtract(left.magnitude, right.magnitude), isNegative: left.isNegative)
    }
    return BigInteger(magnitude: subtract(right.magnitude, left.magnitude), isNegative: right.isNegative)
  }

  package static func - (left: BigInteger, right: BigInteger) -> BigInteger { left + right.negated }

  /// Throws a limit error when the product is too large.
  package static func multiply(_ left: BigInteger, _ right: BigInteger) throws -> BigInteger {
    guard left.magnitude.count + right.magnitude.count <= digitLimit else {
      throw JinjaError(.limit, "integer is too large (more than \(digitLimit * 32) bits)")
    }
    var result = [UInt32](repeating: 0, count: left.magnitude.count + right.magnitude.count)
    for (i, a) in left.magnitude.enumerated() {
      var carry: UInt64 = 0
      for (j, b) in right.magnitude.enumerated() {
        let sum = UInt64(a) * UInt64(b) + UInt64(result[i + j]) + carry
        result[i + j] = UInt32(truncatingIfNeeded: sum)
        carry = sum >> 32
      }
      result[i + right.magnitude.count] = UInt32(carry)
    }
    return BigInteger(magnitude: result, isNegative: left.isNegative != right.isNegative)
  }

  /// Quotient rounded down and remainder with the sign of the divisor, as Python's `divmod`. The divisor is not zero.
  package func floorDivided(by divisor: BigInteger) -> (quotient: BigInteger, remainder: BigInteger) {
    let (quotient, remainder) = truncatedDivided(by: divisor)
    if !remainder.isZero, remainder.isNegative != divisor.isNegative {
      return (quotient - BigInteger(1), remainder + divisor)
    }
    return (quotient, remainder)
  }

  /// Quotient rounded toward zero and remainder with the sign of the dividend. The divisor is not zero.
  package func truncatedDivided(by divisor: BigInteger) -> (quotient: BigInteger, remainder: BigInteger) {
    guard !divisor.isZero else { return (BigInteger(0), BigInteger(0)) }
    if Self.compare(magnitude, divisor.magnitude) < 0 { return (BigInteger(0), self) }
    if divisor.magnitude.count == 1 {
      var quotient = magnitude
      let remainder = Self.divide(&quotient, by: divisor.magnitude[0])
      return (
        BigInteger(magnitude: quotient, isNegative: isNegative != divisor.isNegative),
        BigInteger(magnitude: [remainder], isNegative: isNegative)
      )
    }
    // Shift and subtract, a bit at a time: long divisors are rare in templates.
    var quotient = [UInt32](repeating: 0, count: magnitude.count)
    var remainder: [UInt32] = []
    for bit in stride(from: bitWidth - 1, through: 0, by: -1) {
      Self.multiplyAdd(&remainder, 2, magnitude[bit / 32] >> UInt32(bit % 32) & 1)
      if Self.compare(remainder, divisor.magnitude) >= 0 {
        remainder = Self.subtract(remainder, divisor.magnitude)
        quotient[bit / 32] |= 1 << UInt32(bit % 32)
      }
    }
    return (
      BigInteger(magnitude: quotient, isNegative: isNegative != divisor.isNegative),
      BigInteger(magnitude: remainder, isNegative: isNegative)
    )
  }

  /// Throws a limit error when the power is too large. The exponent is not negative.
  package func power(_ exponent: Int) throws -> BigInteger {
    guard bitWidth <= 1 || exponent <= Self.digitLimit * 32 / max(1, bitWidth - 1) else {
      throw JinjaError(.limit, "integer is too large (more than \(Self.digitLimit * 32) bits)")
    }
    var result = BigInteger(1)
    var base = self
    var rest = exponent
    while rest > 0 {
      if rest & 1 == 1 { result = try Self.multiply(result, base) }
      rest >>= 1
      if rest > 0 { base = try Self.multiply(base, base) }
    }
    return result
  }

  func shiftedLeft(_ bits: Int) -> BigInteger {
    var digits = [UInt32](repeating: 0, count: bits / 32)
    var carry: UInt32 = 0
    let shift = UInt32(bits % 32)
    for digit in magnitude {
      digits.append(digit << shift | carry)
      carry = shift == 0 ? 0 : digit >> (32 - shift)
    }
    digits.append(carry)
    return BigInteger(magnitude: digits, isNegative: isNegative)
  }
}

extension BigInteger: Comparable {
  package static func < (left: BigInteger, right: BigInteger) -> Bool {
    if left.isNegative != right.isNegative { return left.isNegative }
    let order = compare(left.magnitude, right.magnitude)
    return left.isNegative ? order > 0 : order < 0
  }

  private static func compare(_ left: [UInt32], _ right: [UInt32]) -> Int {
    if left.count != right.count { return left.count < right.count ? -1 : 1 }
    for index in left.indices.reversed() where left[index] != right[index] {
      return left[index] < right[index] ? -1 : 1
    }
    return 0
  }

  private static func add(_ left: [UInt32], _ right: [UInt32]) -> [UInt32] {
    var result: [UInt32] = []
    result.reserveCapacity(max(left.count, right.count) + 1)
    var carry: UInt64 = 0
    for index in 0..<max(left.count, right.count) {
      let sum =
        UInt64(index < left.count ? left[index] : 0) + UInt64(index < right.count ? right[index] : 0) + carry
      result.append(UInt32(truncatingIfNeeded: sum))
      carry = sum >> 32
    }
    result.append(UInt32(carry))
    return result
  }

  /// `left - right`, where left is not smaller.
  private static func subtract(_ left: [UInt32], _ right: [UInt32]) -> [UInt32] {
    var result = left
    var borrow: Int64 = 0
    for index in left.indices {
      let difference = Int64(left[index]) - (index < right.count ? Int64(right[index]) : 0) - borrow
      borrow = difference < 0 ? 1 : 0
      result[index] = UInt32(truncatingIfNeeded: difference)
    }
    while result.last == 0 { result.removeLast() }
    return result
  }

  private static func multiplyAdd(_ magnitude: inout [UInt32], _ factor: UInt32, _ addend: UInt32) {
    var carry = UInt64(addend)
    for index in magnitude.indices {
      let product = UInt64(magnitude[index]) * UInt64(factor) + carry
      magnitude[index] = UInt32(truncatingIfNeeded: product)
      carry = product >> 32
    }
    if carry > 0 { magnitude.append(UInt32(carry)) }
  }

  /// Divides in place, returns the remainder. The divisor is not zero.
  private static func divide(_ magnitude: inout [UInt32], by divisor: UInt32) -> UInt32 {
    var remainder: UInt64 = 0
    for index in magnitude.indices.reversed() {
      let current = remainder << 32 | UInt64(magnitude[index])
      magnitude[index] = UInt32(truncatingIfNeeded: current / UInt64(divisor))
      remainder = current % UInt64(divisor)
    }
    while magnitude.last == 0 { magnitude.removeLast() }
    return UInt32(truncatingIfNeeded: remainder)
  }
}
