import PlainData

/// The types that YAML 1.1 gives to scalars, as PyYAML's `SafeLoader` resolves and constructs them.
package enum YAMLScalar {
  static let sequenceTag = "tag:yaml.org,2002:seq"
  static let mappingTag = "tag:yaml.org,2002:map"

  /// A scalar that has the form of a type but no value in it, such as the date 2024-02-31.
  struct Fault: Error {
    var message: String
  }

  /// Whether a plain scalar of this text would be read as text.
  package static func isText(_ text: String) -> Bool {
    guard let value = try? plain(text) else { return false }
    guard case .string = value else { return false }
    return !isTimestamp(text) && text != "<<" && text != "="
  }

  /// The value of a plain (unquoted, untagged) scalar.
  static func plain(_ text: String) throws(Fault) -> PlainValue {
    let bytes = Array(text.utf8)
    guard let first = bytes.first else { return .null }
    switch first {
    case UInt8(ascii: "~") where bytes.count == 1: return .null
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
      if let number = integer(bytes) ?? real(bytes) { return number }
      return try timestamp(bytes).map { .string($0) } ?? .string(text)
    default:
      guard bytes.count <= 5 else { return .string(text) }
      return words[text] ?? .string(text)
    }
  }

  /// The value of a scalar with an explicit tag.
  static func value(_ text: String, tag: String) throws(Fault) -> PlainValue {
    let bytes = Array(text.utf8)
    switch tag {
    case "tag:yaml.org,2002:str": return .string(text)
    case "tag:yaml.org,2002:null": return .null
    case "tag:yaml.org,2002:bool":
      if case .bool(let flag)? = words[text.lowercased()] { return .bool(flag) }
    case "tag:yaml.org,2002:int":
      if let number = integer(bytes) { return number }
    case "tag:yaml.org,2002:float":
      if let number = real(bytes) ?? integer(bytes) { return number.doubleValue.map { .double($0) } ?? number }
      if let number = Double(text.replacing("_", with: "")) { return .double(number) }
    case "tag:yaml.org,2002:timestamp":
      if let stamp = try timestamp(bytes) { return .string(stamp) }
    default:
      throw Fault(message: "could not determine how to read a scalar with the tag '\(tag)'")
    }
    throw Fault(message: "the text '\(text.prefix(40))' does not fit the tag '\(tag)'")
  }

  private static let words: [String: PlainValue] = {
    var words: [String: PlainValue] = ["null": .null, "Null": .null, "NULL": .null]
    for (word, value) in [("yes", true), ("no", false), ("true", true), ("false", false), ("on", true), ("off", false)]
    {
      words[word] = .bool(value)
      words[word.uppercased()] = .bool(value)
      words[word.prefix(1).uppercased() + word.dropFirst()] = .bool(value)
    }
    return words
  }()

  // MARK: Numbers

  private static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

  /// Splits a sign off; the rest may be empty.
  private static func signed(_ bytes: [UInt8]) -> (isNegative: Bool, rest: ArraySlice<UInt8>) {
    switch bytes.first {
    case UInt8(ascii: "-"): (true, bytes.dropFirst())
    case UInt8(ascii: "+"): (false, bytes.dropFirst())
    default: (false, bytes[...])
    }
  }

  /// Decimal, binary `0b`, octal with a leading zero, hexadecimal `0x`, or base 60 with colons; `_` may stand between digits.
  private static func integer(_ bytes: [UInt8]) -> PlainValue? {
    let (isNegative, rest) = signed(bytes)
    guard let first = rest.first, isDigit(first) else { return nil }
    if first == UInt8(ascii: "0"), rest.count > 1 {
      let mark = rest[rest.startIndex + 1]
      if mark == UInt8(ascii: "b") { return integer(rest.dropFirst(2), radix: 2, isNegative) }
      if mark == UInt8(ascii: "x") { return integer(rest.dropFirst(2), radix: 16, isNegative) }
      return integer(rest.dropFirst(1), radix: 8, isNegative)
    }
    let parts = rest.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    guard parts.count > 1 else { return integer(rest, radix: 10, isNegative) }
    guard first != UInt8(ascii: "0"), let total = sexagesimal(parts) else { return nil }
    return integer(total, isNegative)
  }

  private static func integer(_ digits: ArraySlice<UInt8>, radix: Int, _ isNegative: Bool) -> PlainValue? {
    let plain = digits.filter { $0 != UInt8(ascii: "_") }
    if plain.isEmpty { return radix == 8 ? .int(0) : nil }
    guard plain.allSatisfy({ Character(Unicode.Scalar($0)).hexDigitValue.map { $0 < radix } ?? false }) else {
      return nil
    }
    let text = String(decoding: plain, as: UTF8.self)
    if let value = Int((isNegative ? "-" : "") + text, radix: radix) { return .int(value) }
    var value = 0.0
    for digit in plain { value = value * Double(radix) + Double(Character(Unicode.Scalar(digit)).hexDigitValue ?? 0) }
    return .double(isNegative ? -value : value)
  }

  private static func integer(_ total: Double, _ isNegative: Bool) -> PlainValue {
    let value = isNegative ? -total : total
    return Int(exactly: value).map { .int($0) } ?? .double(value)
  }

  /// Parts of one or two digits up to 59 after a first one of any size.
  private static func sexagesimal(_ parts: [ArraySlice<UInt8>]) -> Double? {
    guard let first = parts.first, first.first.map(isDigit) == true else { return nil }
    var total = 0.0
    for (index, part) in parts.enumerated() {
      let digits = part.filter { index == 0 ? $0 != UInt8(ascii: "_") : true }
      guard !digits.isEmpty, digits.allSatisfy(isDigit), let value = Double(String(decoding: digits, as: UTF8.self))
      else {
        return nil
      }
      guard index == 0 || (part.count <= 2 && value < 60) else { return nil }
      total = total * 60 + value
    }
    return total
  }

  /// A decimal point is required, an exponent needs a sign; also `.inf` and `.nan`, and base 60 with colons.
  private static func real(_ bytes: [UInt8]) -> PlainValue? {
    let (isNegative, rest) = signed(bytes)
    let text = String(decoding: rest, as: UTF8.self)
    if [".inf", ".Inf", ".INF"].contains(text) { return .double(isNegative ? -.infinity : .infinity) }
    if rest.count == bytes.count, [".nan", ".NaN", ".NAN"].contains(text) { return .double(.nan) }
    guard let point = rest.firstIndex(of: UInt8(ascii: ".")) else { return nil }
    let whole = rest[..<point]
    var fraction = rest[(point + 1)...]
    if whole.contains(UInt8(ascii: ":")) { return sexagesimalReal(whole, fraction, isNegative) }
    var exponent: ArraySlice<UInt8> = []
    if let mark = fraction.firstIndex(where: { $0 | 0x20 == UInt8(ascii: "e") }) {
      exponent = fraction[(mark + 1)...]
      guard let sign = exponent.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+"), exponent.count > 1,
        exponent.dropFirst().allSatisfy(isDigit)
      else { return nil }
      fraction = fraction[..<mark]
    }
    let isFraction: (UInt8) -> Bool = { isDigit($0) || $0 == UInt8(ascii: "_") }
    guard fraction.allSatisfy(isFraction), whole.allSatisfy(isFraction) else { return nil }
    if whole.isEmpty {
      guard rest.count == bytes.count, let first = fraction.first, isDigit(first) else { return nil }
    } else if let first = whole.first, !isDigit(first) {
      return nil
    }
    let digits = (whole + [UInt8(ascii: ".")] + fraction).filter { $0 != UInt8(ascii: "_") }
    let number = String(decoding: digits, as: UTF8.self)
    let power = exponent.isEmpty ? "" : "e" + String(decoding: exponent, as: UTF8.self)
    guard let value = Double("0" + number + "0" + power) else { return nil }
    return .double(isNegative ? -value : value)
  }

  private static func sexagesimalReal(
    _ whole: ArraySlice<UInt8>, _ fraction: ArraySlice<UInt8>, _ isNegative: Bool
  ) -> PlainValue? {
    let digits = fraction.filter { $0 != UInt8(ascii: "_") }
    guard digits.allSatisfy(isDigit),
      let total = sexagesimal(whole.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)),
      let part = Double("0." + String(decoding: digits, as: UTF8.self) + "0")
    else { return nil }
    return .double(isNegative ? -(total + part) : total + part)
  }
}
