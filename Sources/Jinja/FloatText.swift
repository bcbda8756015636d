/// Doubles and decimals in the formats e, f, g and %, correctly rounded.
enum FloatText {
  /// `precision` digits after the point.
  static func fixed(_ number: PythonDecimal, _ precision: Int) -> String {
    let rounded = number.quantized(to: -precision)
    let digits = rounded.coefficient.absolute.text
    let sign = number.isNegative ? "-" : ""
    guard precision > 0 else { return sign + digits }
    let padded = String(repeating: "0", count: max(0, precision + 1 - digits.utf8.count)) + digits
    return sign + padded.dropLast(precision) + "." + padded.suffix(precision)
  }

  /// One digit, a point, `precision` digits and an exponent of at least two digits.
  static func scientific(_ number: PythonDecimal, _ precision: Int, alternate: Bool = false) -> String {
    let (digits, exponent) = significant(number, precision + 1)
    let fraction = digits.dropFirst()
    return (number.isNegative ? "-" : "") + digits.prefix(1) + (fraction.isEmpty && !alternate ? "" : ".") + fraction
      + exponentText(exponent)
  }

  private static func exponentText(_ exponent: Int) -> String {
    "e" + (exponent < 0 ? "-" : "+") + (abs(exponent) < 10 ? "0" : "") + String(abs(exponent))
  }

  /// C's %g: fixed or scientific, whichever suits, without zeros at the end.
  ///
  /// `pointed` is the form without a type: a digit after the point must fit, else it is scientific.
  static func general(
    _ number: PythonDecimal, _ precision: Int, alternate: Bool = false, pointed: Bool = false
  ) -> String {
    let precision = max(1, precision)
    let (digits, exponent) = significant(number, precision)
    var text: String
    if exponent < -4 || exponent >= (pointed ? precision - 1 : precision) {
      text = scientific(number, precision - 1, alternate: alternate)
      guard !alternate, let mark = text.firstIndex(of: "e") else { return text }
      return trimmed(String(text[..<mark])) + text[mark...]
    }
    text = fixed(
      PythonDecimal(BigInteger(digits: digits.utf8) ?? BigInteger(0), exponent: exponent - precision + 1),
      max(0, precision - 1 - exponent))
    return (number.isNegative ? "-" : "") + (alternate ? text : trimmed(text))
  }

  private static func trimmed(_ text: String) -> String {
    guard text.utf8.contains(UInt8(ascii: ".")) else { return text }
    return PythonString.stripEnd(PythonString.stripEnd(text, "0"), ".")
  }

  /// The number rounded to `count` digits, and the power of ten of the first.
  private static func significant(_ number: PythonDecimal, _ count: Int) -> (digits: String, exponent: Int) {
    guard !number.isZero else { return (String(repeating: "0", count: count), 0) }
    var adjusted = number.exponent + number.coefficient.absolute.text.utf8.count - 1
    var rounded = number.quantized(to: adjusted - count + 1)
    if rounded.coefficient.absolute.text.utf8.count > count {
      adjusted += 1
      rounded = number.quantized(to: adjusted - count + 1)
    }
    return (rounded.coefficient.absolute.text, adjusted)
  }

  /// A double in format e, f, g (or upper case), with Python's words for infinities and NaN.
  static func text(
    _ number: Double, _ type: Character, _ precision: Int, alternate: Bool = false, pointed: Bool = false
  ) -> String {
    let isUpper = type.isUppercase
    var text: String
    if !number.isFinite {
      text = number.pythonRepr
    } else {
      let exact = PythonDecimal(exactly: number)
      switch type {
      case "e", "E": text = scientific(exact, precision, alternate: alternate)
      case "g", "G": text = general(exact, precision, alternate: alternate, pointed: pointed)
      default: text = fixed(exact, precision) + (alternate && precision == 0 ? "." : "")
      }
      if number.sign == .minus, number == 0 || exact.isZero { text = "-" + text }
    }
    return isUpper ? text.uppercased() : text
  }

  /// Python's `round(number, digits)`: to the nearest, ties of the exact value to even.
  static func round(_ number: Double, _ digits: Int) -> Double {
    guard number.isFinite, digits < 324 else { return number }
    guard digits > -309 else { return number.sign == .minus ? -0.0 : 0.0 }
    let rounded = PythonDecimal(exactly: number).quantized(to: -digits)
    let value = rounded.doubleValue
    return value == 0 && number.sign == .minus ? -0.0 : value
  }
}
