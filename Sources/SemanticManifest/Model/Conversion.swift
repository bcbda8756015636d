import PlainData

/// The conversions between types that pydantic makes while it reads.
enum Conversion {
  static func text(_ value: PlainValue, at place: Place) throws(SemanticManifestError) -> String {
    switch value {
    case .string(let text): return text
    case .bool(let flag): return flag ? "True" : "False"
    case .int(let number): return String(number)
    case .double(let number): return PythonNumber.text(number)
    default: throw place.error("must be a text, is \(value.kindName)")
    }
  }

  private static let truths: Set<String> = ["1", "on", "t", "true", "y", "yes"]
  private static let untruths: Set<String> = ["0", "off", "f", "false", "n", "no"]

  static func flag(_ value: PlainValue, at place: Place) throws(SemanticManifestError) -> Bool {
    switch value {
    case .bool(let flag): return flag
    case .int(0), .double(0): return false
    case .int(1), .double(1): return true
    case .string(let text):
      if truths.contains(text.lowercased()) { return true }
      if untruths.contains(text.lowercased()) { return false }
    default: break
    }
    throw place.error("must be true or false")
  }

  static func integer(_ value: PlainValue, at place: Place) throws(SemanticManifestError) -> Int {
    switch value {
    case .int(let number): return number
    case .bool(let flag): return flag ? 1 : 0
    case .double(let number): if let whole = Int(exactly: number.rounded(.towardZero)) { return whole }
    case .string(let text): if let number = PythonNumber.integer(text) { return number }
    default: break
    }
    throw place.error("must be an integer")
  }

  static func number(_ value: PlainValue, at place: Place) throws(SemanticManifestError) -> Double {
    switch value {
    case .int(let number): return Double(number)
    case .bool(let flag): return flag ? 1 : 0
    case .double(let number): return number
    case .string(let text): if let number = PythonNumber.double(text) { return number }
    default: break
    }
    throw place.error("must be a number")
  }

  static func choice<Kind: Choice>(_ value: PlainValue, at place: Place) throws(SemanticManifestError) -> Kind {
    if case .string(let text) = value, let member = Kind(text: text) { return member }
    throw place.error("must be one of " + Kind.allCases.map(\.rawValue).joined(separator: ", "))
  }

  static func list<Part: Element>(_ value: PlainValue, at place: Place) throws(SemanticManifestError) -> [Part] {
    guard case .array(let items) = value else { throw place.error("must be a list, is \(value.kindName)") }
    var parts: [Part] = []
    parts.reserveCapacity(items.count)
    for (index, item) in items.enumerated() { parts.append(try Part(item, at: place.member(String(index)))) }
    return parts
  }
}

/// Numbers as Python reads and prints them.
enum PythonNumber {
  /// Python's `str()` of a float.
  static func text(_ number: Double) -> String {
    if number.isNaN { return "nan" }
    if number.isInfinite { return number < 0 ? "-inf" : "inf" }
    return number.pythonText
  }

  /// Python's `int()` of a text in decimal digits; nil where it fails or the number needs more than 64 bits.
  static func integer(_ text: String) -> Int? {
    guard let digits = withoutUnderscores(text.pythonStripped) else { return nil }
    var plain = ""
    for scalar in digits.unicodeScalars {
      if let digit = scalar.decimalDigit { plain += String(digit) } else { plain.unicodeScalars.append(scalar) }
    }
    return Int(plain)
  }

  /// Python's `float()` of a text; nil where it fails.
  static func double(_ text: String) -> Double? {
    guard let digits = withoutUnderscores(text.pythonStripped) else { return nil }
    let word = digits.lowercased().drop { $0 == "+" || $0 == "-" }
    switch word {
    case "inf", "infinity": return digits.hasPrefix("-") ? -.infinity : .infinity
    case "nan": return .nan
    default:
      let isPlain = digits.utf8.allSatisfy { (0x30...0x39).contains($0) || "+-.eE".utf8.contains($0) }
      return isPlain ? Double(digits) : nil
    }
  }

  /// The text without the underscores that stand between digits; nil when one stands elsewhere.
  private static func withoutUnderscores(_ text: String) -> String? {
    guard text.utf8.contains(UInt8(ascii: "_")) else { return text }
    let scalars = Array(text.unicodeScalars)
    var kept = String.UnicodeScalarView()
    for (index, scalar) in scalars.enumerated() {
      guard scalar == "_" else {
        kept.append(scalar)
        continue
      }
      guard index > 0, index + 1 < scalars.count, scalars[index - 1].decimalDigit != nil,
        scalars[index + 1].decimalDigit != nil
      else { return nil }
    }
    return String(kept)
  }
}
