/// Python's `datetime.timedelta`: a span of time in microseconds, here within ±292,000 years.
package struct PythonTimeDelta: Sendable, Hashable, Comparable {
  package let total: Int

  /// A span of so many microseconds.
  package init(microseconds: Int) { total = microseconds }

  static let microsecondsPerDay = 86_400_000_000

  /// The whole days, rounded down.
  package var days: Int { floor(total, PythonTimeDelta.microsecondsPerDay) }
  /// The seconds beyond the days, 0 to 86399.
  package var seconds: Int { (total - days * PythonTimeDelta.microsecondsPerDay) / 1_000_000 }
  /// The microseconds beyond the seconds, 0 to 999999.
  package var microseconds: Int { total - floor(total, 1_000_000) * 1_000_000 }

  package var totalSeconds: Double { Double(total) / 1_000_000 }

  private func floor(_ value: Int, _ divisor: Int) -> Int {
    let quotient = value / divisor
    return value % divisor < 0 ? quotient - 1 : quotient
  }

  /// `[D day[s], ]H:MM:SS[.ffffff]`.
  package var text: String {
    let hours = seconds / 3600
    var text = "\(hours):\(Digits.padded(seconds / 60 % 60, 2)):\(Digits.padded(seconds % 60, 2))"
    if microseconds != 0 { text += "." + Digits.padded(microseconds, 6) }
    guard days != 0 else { return text }
    return "\(days) day\(abs(days) == 1 ? "" : "s"), " + text
  }

  /// `datetime.timedelta(days=1, seconds=2)`.
  package var repr: String {
    let parts = [("days", days), ("seconds", seconds), ("microseconds", microseconds)].filter { $0.1 != 0 }
    return "datetime.timedelta(" + (parts.isEmpty ? "0" : parts.map { "\($0.0)=\($0.1)" }.joined(separator: ", ")) + ")"
  }

  package static func < (left: PythonTimeDelta, right: PythonTimeDelta) -> Bool { left.total < right.total }
}
