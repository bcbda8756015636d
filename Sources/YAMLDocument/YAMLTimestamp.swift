extension YAMLScalar {
  /// Whether a plain scalar of this text has the form of a date or a timestamp.
  static func isTimestamp(_ text: String) -> Bool {
    do {
      return try timestamp(Array(text.utf8)) != nil
    } catch {
      return true
    }
  }

  /// The text that Python's `str()` gives to the date or timestamp written here, or nil when the form is another one.
  ///
  /// A date is `YYYY-MM-DD`. A timestamp has a date, `T` or blanks, a time, and maybe a fraction and a zone.
  static func timestamp(_ bytes: [UInt8]) throws(Fault) -> String? {
    guard bytes.count >= 8, bytes.count <= 60, bytes[4] == UInt8(ascii: "-") else { return nil }
    var scanner = StampScanner(bytes: bytes)
    guard let year = scanner.digits(4...4), scanner.skip("-"), let month = scanner.digits(1...2), scanner.skip("-"),
      let day = scanner.digits(1...2)
    else { return nil }
    if scanner.isAtEnd {
      guard bytes.count == 10 else { return nil }
      try check(year, month, day)
      return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
    }
    guard scanner.skip("T") || scanner.skip("t") || scanner.skipBlanks() > 0, let hour = scanner.digits(1...2),
      scanner.skip(":"), let minute = scanner.digits(2...2), scanner.skip(":"), let second = scanner.digits(2...2)
    else { return nil }
    let fraction = scanner.skip(".") ? scanner.fraction() : 0
    guard let zone = scanner.zone(), scanner.isAtEnd else { return nil }
    try check(year, month, day)
    guard hour < 24, minute < 60, second < 60 else { throw Fault(message: "no such time of day") }
    let micros = fraction == 0 ? "" : "." + padded(fraction, 6)
    return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2)) "
      + "\(padded(hour, 2)):\(padded(minute, 2)):\(padded(second, 2))\(micros)\(zone)"
  }

  private static func check(_ year: Int, _ month: Int, _ day: Int) throws(Fault) {
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    guard year > 0, (1...12).contains(month), (1...days[month - 1]).contains(day) else {
      throw Fault(message: "no such date: \(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))")
    }
  }

  fileprivate static func padded(_ number: Int, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}

/// Walks over the bytes of a timestamp.
private struct StampScanner {
  let bytes: [UInt8]
  var at = 0

  init(bytes: [UInt8]) { self.bytes = bytes }

  var isAtEnd: Bool { at == bytes.count }

  mutating func digits(_ count: ClosedRange<Int>) -> Int? {
    var value = 0
    let start = at
    while at < bytes.count, at - start < count.upperBound, bytes[at] >= 0x30, bytes[at] <= 0x39 {
      value = value * 10 + Int(bytes[at] - 0x30)
      at += 1
    }
    return at - start >= count.lowerBound ? value : nil
  }

  mutating func skip(_ mark: Unicode.Scalar) -> Bool {
    guard at < bytes.count, UInt32(bytes[at]) == mark.value else { return false }
    at += 1
    return true
  }

  mutating func skipBlanks() -> Int {
    let start = at
    while at < bytes.count, bytes[at] == 0x20 || bytes[at] == 0x09 { at += 1 }
    return at - start
  }

  /// Microseconds of the digits that follow; further digits are dropped.
  mutating func fraction() -> Int {
    var value = 0
    var places = 0
    while at < bytes.count, bytes[at] >= 0x30, bytes[at] <= 0x39 {
      if places < 6 { value = value * 10 + Int(bytes[at] - 0x30) }
      places += 1
      at += 1
    }
    while places < 6 {
      value *= 10
      places += 1
    }
    return value
  }

  /// The zone in Python's form, empty when there is none, nil when it is malformed.
  mutating func zone() -> String? {
    if isAtEnd { return "" }
    _ = skipBlanks()
    if skip("Z") { return "+00:00" }
    let sign = skip("+") ? "+" : skip("-") ? "-" : ""
    guard !sign.isEmpty, let hours = digits(1...2) else { return nil }
    guard skip(":") else { return sign + YAMLScalar.padded(hours, 2) + ":00" }
    guard let minutes = digits(2...2), hours < 24, minutes < 60 else { return nil }
    return sign + YAMLScalar.padded(hours, 2) + ":" + YAMLScalar.padded(minutes, 2)
  }
}
