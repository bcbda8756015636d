/// Python's `datetime.time`: a time of day, maybe with a zone.
package struct PythonTime: Sendable, Hashable {
  package let hour: Int
  package let minute: Int
  package let second: Int
  package let microsecond: Int
  package var zone: PythonZone?

  /// nil when there is no such time of day.
  package init?(hour: Int, minute: Int, second: Int = 0, microsecond: Int = 0, zone: PythonZone? = nil) {
    guard (0..<24).contains(hour), (0..<60).contains(minute), (0..<60).contains(second),
      (0..<1_000_000).contains(microsecond)
    else { return nil }
    self.init(checked: hour, minute, second, microsecond, zone)
  }

  private init(checked hour: Int, _ minute: Int, _ second: Int, _ microsecond: Int, _ zone: PythonZone?) {
    self.hour = hour
    self.minute = minute
    self.second = second
    self.microsecond = microsecond
    self.zone = zone
  }

  package static let midnight = PythonTime(checked: 0, 0, 0, 0, nil)

  /// The time so many microseconds after midnight, which are less than a day's.
  init(sinceMidnight microseconds: Int, zone: PythonZone? = nil) {
    let seconds = microseconds / 1_000_000
    self.init(
      checked: seconds / 3600 % 24, seconds / 60 % 60, seconds % 60, microseconds % 1_000_000, zone)
  }

  var sinceMidnight: Int { ((hour * 60 + minute) * 60 + second) * 1_000_000 + microsecond }

  /// `HH:MM:SS[.ffffff][+HH:MM]`.
  package var text: String {
    var text = "\(Digits.padded(hour, 2)):\(Digits.padded(minute, 2)):\(Digits.padded(second, 2))"
    if microsecond != 0 { text += "." + Digits.padded(microsecond, 6) }
    return text + (zone?.offsetText(separator: ":") ?? "")
  }
}

/// Python's `datetime.datetime`: a day and a time of day, maybe with a zone.
package struct PythonDateTime: Sendable, Hashable {
  package let date: PythonDate
  package let time: PythonTime

  package init(_ date: PythonDate, _ time: PythonTime = .midnight) {
    self.date = date
    self.time = time
  }

  /// Python's `datetime.fromisoformat`; nil for text that is none.
  package init?(isoText text: String) {
    guard let moment = ISODate.pythonDateTime(text) else { return nil }
    self = moment
  }

  package var zone: PythonZone? { time.zone }

  /// The same reading of the clock with another zone, or with none.
  package func replacing(zone: PythonZone?) -> PythonDateTime {
    var time = time
    time.zone = zone
    return PythonDateTime(date, time)
  }

  /// Microseconds since 0001-01-01 00:00 by this clock.
  var wallMicroseconds: Int { date.ordinal * PythonTimeDelta.microsecondsPerDay + time.sinceMidnight }

  /// Microseconds since 0001-01-01 00:00 UTC; without a zone, by this clock.
  package var absoluteMicroseconds: Int { wallMicroseconds - (zone?.offset ?? 0) * 1_000_000 }

  /// nil outside the calendar.
  init?(wallMicroseconds: Int, zone: PythonZone?) {
    let day = PythonTimeDelta(microseconds: wallMicroseconds).days
    guard let date = PythonDate(ordinal: day) else { return nil }
    self.init(date, PythonTime(sinceMidnight: wallMicroseconds - day * PythonTimeDelta.microsecondsPerDay, zone: zone))
  }

  /// A time of the Unix clock, in UTC. nil outside the calendar.
  package init?(unixSeconds: Int, microseconds: Int = 0, zone: PythonZone = .utc) {
    let (scaled, isTooLarge) = unixSeconds.multipliedReportingOverflow(by: 1_000_000)
    let (total, isOverflow) = scaled.addingReportingOverflow(
      PythonDate.epoch.ordinal * PythonTimeDelta.microsecondsPerDay + microseconds)
    guard !isTooLarge, !isOverflow else { return nil }
    self.init(wallMicroseconds: total, zone: zone)
  }

  /// Python's `timestamp()`; a time without zone counts as UTC.
  package var unixSeconds: Double {
    let epoch = PythonDate.epoch.ordinal * PythonTimeDelta.microsecondsPerDay
    return Double(absoluteMicroseconds - epoch) / 1_000_000
  }

  /// The same zone, so much later by this clock. nil outside the calendar.
  package func adding(_ delta: PythonTimeDelta) -> PythonDateTime? {
    let (sum, isOverflow) = wallMicroseconds.addingReportingOverflow(delta.total)
    return isOverflow ? nil : PythonDateTime(wallMicroseconds: sum, zone: zone)
  }

  /// The same instant read in another zone; a time without zone counts as UTC. nil outside the calendar.
  package func converted(to zone: PythonZone) -> PythonDateTime? {
    let epoch = PythonDate.epoch.ordinal * PythonTimeDelta.microsecondsPerDay
    let bound = zone.bound(atUnix: PythonTimeDelta(microseconds: absoluteMicroseconds - epoch))
    return PythonDateTime(wallMicroseconds: absoluteMicroseconds + bound.offset * 1_000_000, zone: bound)
  }

  /// Python's `isoformat(sep)`.
  package func isoText(separator: String = "T") -> String { date.text + separator + time.text }

  /// Python's `str()`.
  package var text: String { isoText(separator: " ") }
}
