import CLinux
import Glibc

/// A moment, in seconds since 1970, and its texts in UTC.
package struct UTCTime: Sendable, Hashable {
  package let seconds: Double

  package init(_ seconds: Double) { self.seconds = seconds }

  /// The system's clock.
  package static var now: UTCTime {
    var time = timespec()
    _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
    return UTCTime(Double(time.tv_sec) + Double(time.tv_nsec) / 1_000_000_000)
  }

  /// `2026-01-02T03:04:05.678901Z`.
  package var iso: String {
    "\(date)T\(preciseClock)Z"
  }

  /// `03:04:05.678901`.
  package var preciseClock: String { "\(clock).\(Self.padded(microseconds, 6))" }

  /// `03:04:05`.
  package var clock: String {
    let (_, second) = daysAndSeconds
    return "\(Self.padded(second / 3600, 2)):\(Self.padded(second / 60 % 60, 2)):\(Self.padded(second % 60, 2))"
  }

  /// `2026-01-02`.
  package var date: String {
    let (days, _) = daysAndSeconds
    let (year, month, day) = Self.civil(days)
    return "\(Self.padded(year, 4))-\(Self.padded(month, 2))-\(Self.padded(day, 2))"
  }

  /// Reads what `iso` writes; fractions of any length, or none, are accepted, the zone must be `Z`, `+00:00` or absent.
  package init?(iso text: String) {
    var body = Substring(text)
    for zone in ["Z", "+00:00"] where body.hasSuffix(zone) { body.removeLast(zone.count) }
    let halves = body.split(separator: "T", maxSplits: 1)
    guard halves.count == 2 else { return nil }
    let date = halves[0].split(separator: "-").compactMap { Int($0) }
    let clock = halves[1].split(separator: ":")
    guard date.count == 3, clock.count == 3, let hour = Int(clock[0]), let minute = Int(clock[1]),
      let second = Double(clock[2]), (1...9999).contains(date[0]), (1...12).contains(date[1]),
      (1...31).contains(date[2]),
      (0...23).contains(hour), (0...59).contains(minute)
    else { return nil }
    self.init(Double(Self.days(date[0], date[1], date[2]) * 86400 + hour * 3600 + minute * 60) + second)
  }

  private var microseconds: Int { max(0, Int(((seconds - seconds.rounded(.down)) * 1_000_000).rounded(.down))) }

  private var daysAndSeconds: (Int, Int) {
    let whole = Int(seconds.rounded(.down))
    let days = whole >= 0 ? whole / 86400 : -((86399 - whole) / 86400)
    return (days, whole - days * 86400)
  }

  /// The proleptic Gregorian date of a day counted from 1970-01-01, by eras of 400 years from March.
  private static func civil(_ days: Int) -> (Int, Int, Int) {
    let shifted = days + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
  }

  private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
    let shiftedYear = month <= 2 ? year - 1 : year
    let era = shiftedYear / 400
    let yearOfEra = shiftedYear - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  private static func padded(_ number: Int, _ width: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, width - text.count)) + text
  }
}
