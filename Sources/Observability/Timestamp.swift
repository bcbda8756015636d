import CLinux

/// A moment of wall-clock time, for people and records; never for deadlines.
package struct Timestamp: Sendable, Hashable, Comparable {
  /// Seconds since 1970-01-01 00:00:00 UTC.
  package var seconds: Int64
  /// Nanoseconds within the second, 0..<1_000_000_000.
  package var nanoseconds: Int32

  package init(seconds: Int64, nanoseconds: Int32 = 0) {
    self.seconds = seconds
    self.nanoseconds = nanoseconds
  }

  /// The system's wall clock, read now.
  package static func now() -> Timestamp {
    var value = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &value)
    return Timestamp(seconds: Int64(value.tv_sec), nanoseconds: Int32(truncatingIfNeeded: value.tv_nsec))
  }

  package static func < (left: Timestamp, right: Timestamp) -> Bool {
    (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
  }

  /// RFC 3339 in UTC with milliseconds, such as `2026-11-21T23:15:04.250Z`.
  package var text: String { "\(date)T\(clock)Z" }

  /// The time of day in UTC with milliseconds, such as `23:15:04.250`.
  package var clock: String {
    let second = Int((seconds % 86_400 + 86_400) % 86_400)
    let millisecond = Int(nanoseconds) / 1_000_000
    return "\(padded(second / 3600)):\(padded(second / 60 % 60)):\(padded(second % 60)).\(padded(millisecond, 3))"
  }

  /// The day in UTC, such as `2026-11-21`, in the proleptic Gregorian calendar.
  private var date: String {
    // Days are counted from 0000-03-01, so that a leap day ends its year; 146,097 days make 400 years.
    let days = (seconds - (seconds % 86_400 + 86_400) % 86_400) / 86_400 + 719_468
    let era = (days >= 0 ? days : days - 146_096) / 146_097
    let dayOfEra = days - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * shifted + 2) / 5 + 1
    let month = shifted < 10 ? shifted + 3 : shifted - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    return "\(padded(Int(year), 4))-\(padded(Int(month)))-\(padded(Int(day)))"
  }

  private func padded(_ number: Int, _ width: Int = 2) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}
