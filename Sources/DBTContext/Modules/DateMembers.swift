import Jinja

/// What days, times and datetimes have in common, and how their arguments are read.
enum DateMembers {
  static func member(_ name: String, _ date: PythonDate) -> Value? {
    switch name {
    case "year": return .int(date.year)
    case "month": return .int(date.month)
    case "day": return .int(date.day)
    case "weekday": return .function(name) { _, _ in .int(date.weekday) }
    case "isoweekday": return .function(name) { _, _ in .int(date.weekday + 1) }
    case "toordinal": return .function(name) { _, _ in .int(date.ordinal) }
    case "isocalendar":
      return .function(name) { _, _ in
        let iso = date.isoCalendar
        return .object(
          NamedTuple(
            "datetime.IsoCalendarDate",
            [("year", .int(iso.year)), ("week", .int(iso.week)), ("weekday", .int(iso.day))]))
      }
    default: return nil
    }
  }

  static func member(_ name: String, _ time: PythonTime) -> Value? {
    switch name {
    case "hour": return .int(time.hour)
    case "minute": return .int(time.minute)
    case "second": return .int(time.second)
    case "microsecond": return .int(time.microsecond)
    case "fold": return .int(0)
    case "tzinfo": return time.zone.map { .object(ZoneObject($0)) } ?? Value.none
    case "utcoffset":
      return .function(name) { _, _ in
        time.zone.map { PythonTimeDelta(microseconds: $0.offset * 1_000_000).value } ?? Value.none
      }
    case "dst":
      return .function(name) { _, _ in
        time.zone?.daylight.map { PythonTimeDelta(microseconds: $0 * 1_000_000).value } ?? Value.none
      }
    case "tzname": return .function(name) { _, _ in Value(optional: time.zone?.abbreviation) }
    default: return nil
    }
  }

  /// What days and datetimes share beyond the fields of the day.
  static func shared(_ name: String, _ dateTime: PythonDateTime) -> Value? {
    switch name {
    case "ctime": return .function(name) { _, _ in .string(TimeFormatter.text(dateTime, format: "%c")) }
    case "timetuple": return .function(name) { _, _ in structTime(dateTime, isDaylight: dateTime.zone?.daylight) }
    case "utctimetuple":
      return .function(name) { _, _ in
        structTime(dateTime.converted(to: .utc)?.replacing(zone: nil) ?? dateTime, isDaylight: 0)
      }
    default: return nil
    }
  }

  /// Python's `time.struct_time`.
  private static func structTime(_ dateTime: PythonDateTime, isDaylight: Int?) -> Value {
    let (date, time) = (dateTime.date, dateTime.time)
    let fields: [(String, Int)] = [
      ("tm_year", date.year), ("tm_mon", date.month), ("tm_mday", date.day), ("tm_hour", time.hour),
      ("tm_min", time.minute), ("tm_sec", time.second), ("tm_wday", date.weekday), ("tm_yday", date.dayOfYear),
      ("tm_isdst", isDaylight.map { $0 == 0 ? 0 : 1 } ?? -1),
    ]
    return .object(NamedTuple("time.struct_time", fields.map { (name: $0.0, value: .int($0.1)) }))
  }

  /// A zone object, or nil for None.
  static func zone(_ value: Value?) throws -> PythonZone? {
    guard let value, !value.isNone else { return nil }
    guard let zone = (value.objectValue as? ZoneObject)?.zone else {
      throw JinjaError(.type, "tzinfo argument must be None or of a tzinfo subclass, not type '\(value.typeName)'")
    }
    return zone
  }

  static func date(_ year: Value?, _ month: Value?, _ day: Value?, default fallback: PythonDate) throws -> PythonDate {
    let year = try year?.requiredInt("year") ?? fallback.year
    let month = try month?.requiredInt("month") ?? fallback.month
    let day = try day?.requiredInt("day") ?? fallback.day
    guard let date = PythonDate(year: year, month: month, day: day) else {
      if !(1...9999).contains(year) { throw JinjaError(.value, "year \(year) is out of range") }
      throw JinjaError(.value, (1...12).contains(month) ? "day is out of range for month" : "month must be in 1..12")
    }
    return date
  }

  /// Hour, minute, second, microsecond and zone in this order.
  static func time(_ values: [Value?], default fallback: PythonTime) throws -> PythonTime {
    let names = ["hour", "minute", "second", "microsecond"]
    let present = [fallback.hour, fallback.minute, fallback.second, fallback.microsecond]
    let limits = [23, 59, 59, 999_999]
    var fields = present
    for (index, name) in names.enumerated() {
      guard let value = values[index] else { continue }
      fields[index] = try value.requiredInt(name)
      guard (0...limits[index]).contains(fields[index]) else {
        throw JinjaError(.value, "\(name) must be in 0..\(limits[index])")
      }
    }
    let zone = values[4] == nil ? fallback.zone : try zone(values[4])
    guard
      let time = PythonTime(hour: fields[0], minute: fields[1], second: fields[2], microsecond: fields[3], zone: zone)
    else { throw JinjaError(.value, "no such time of day") }
    return time
  }

  /// `isoformat`'s `timespec`.
  static func timeText(_ time: PythonTime, precision: String) throws -> String {
    let hours = Digits.padded(time.hour, 2)
    let minutes = hours + ":" + Digits.padded(time.minute, 2)
    let seconds = minutes + ":" + Digits.padded(time.second, 2)
    let zone = time.zone?.offsetText(separator: ":") ?? ""
    switch precision {
    case "auto": return time.text
    case "hours": return hours + zone
    case "minutes": return minutes + zone
    case "seconds": return seconds + zone
    case "milliseconds": return seconds + "." + Digits.padded(time.microsecond / 1000, 3) + zone
    case "microseconds": return seconds + "." + Digits.padded(time.microsecond, 6) + zone
    default: throw JinjaError(.value, "Unknown timespec value")
    }
  }
}
