import CLinux
import Glibc
import Jinja

/// `modules.datetime`: the classes date, datetime, time, timedelta and tzinfo.
enum DateTimeModule {
  /// The classes dbt offers.
  static let names = ["date", "datetime", "time", "timedelta", "tzinfo"]

  static func member(_ name: String) -> Value? {
    switch name {
    case "date": .object(PythonClass(name, construct: date, member: dateMember))
    case "datetime": .object(PythonClass(name, construct: dateTime, member: dateTimeMember))
    case "time": .object(PythonClass(name, construct: time, member: timeMember))
    case "timedelta": .object(PythonClass(name, construct: timeDelta, member: timeDeltaMember))
    case "tzinfo": .object(PythonClass(name, construct: { _ in throw JinjaError(.type, "tzinfo cannot be made here") }))
    default: nil
    }
  }

  /// The clock of the machine, in UTC to the microsecond.
  static func now() -> PythonDateTime {
    var clock = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &clock)
    return PythonDateTime(unixSeconds: clock.tv_sec, microseconds: clock.tv_nsec / 1000) ?? PythonDateTime(.epoch)
  }

  // MARK: date

  private static func date(_ arguments: Arguments) throws -> Value {
    let values = try arguments.bind("date", ["year", "month", "day"])
    return try DateMembers.date(values[0], values[1], values[2], default: .epoch).value
  }

  private static func dateMember(_ name: String) -> Value? {
    switch name {
    case "today": .function(name) { _, _ in now().date.value }
    case "min": PythonDate.first.value
    case "max": PythonDate.last.value
    case "resolution": PythonTimeDelta(microseconds: PythonTimeDelta.microsecondsPerDay).value
    case "fromisocalendar":
      .function(name, ["year", "week", "day"]) { values, _ in try fromISOCalendar(values).value }
    case "fromisoformat":
      .function(name, ["date_string"]) { values, _ in
        let text = try values[0]?.requiredText("fromisoformat: argument") ?? ""
        guard let date = ISODate.pythonDate(text) else {
          throw JinjaError(.value, "Invalid isoformat string: \(Value.string(text).repr)")
        }
        return date.value
      }
    case "fromordinal":
      .function(name, ["ordinal"]) { values, _ in
        guard let date = PythonDate(ordinal: try values[0]?.requiredInt("ordinal") ?? 0) else {
          throw JinjaError(.value, "ordinal must be >= 1 and within year 9999")
        }
        return date.value
      }
    case "fromtimestamp":
      .function(name, ["timestamp"]) { values, _ in try fromTimestamp(values[0], zone: nil).date.value }
    default: nil
    }
  }

  /// The day of an ISO 8601 year, week and weekday.
  private static func fromISOCalendar(_ values: [Value?]) throws -> PythonDate {
    let year = try values[0]?.requiredInt("year") ?? 0
    let week = try values[1]?.requiredInt("week") ?? 0
    let day = try values[2]?.requiredInt("day") ?? 0
    guard (1...9999).contains(year), let fourth = PythonDate(year: year, month: 1, day: 4) else {
      throw JinjaError(.value, "Year is out of range: \(year)")
    }
    // The last week of a year is that of its 28th of December.
    let lastWeek = PythonDate(year: year, month: 12, day: 28)?.isoCalendar.week ?? 52
    guard (1...lastWeek).contains(week) else { throw JinjaError(.value, "Invalid week: \(week)") }
    guard (1...7).contains(day) else { throw JinjaError(.value, "Invalid weekday: \(day) (range is [1, 7])") }
    guard let date = fourth.adding(days: (week - 1) * 7 + day - 1 - fourth.weekday) else {
      throw JinjaError(.overflow, "date value out of range")
    }
    return date
  }

  // MARK: datetime

  private static func dateTime(_ arguments: Arguments) throws -> Value {
    let values = try arguments.bind(
      "datetime",
      ["year", "month", "day", "hour?", "minute?", "second?", "microsecond?", "tzinfo?", "*", "fold?"])
    let date = try DateMembers.date(values[0], values[1], values[2], default: .epoch)
    return PythonDateTime(date, try DateMembers.time(Array(values[3...7]), default: .midnight)).value
  }

  private static func dateTimeMember(_ name: String) -> Value? {
    switch name {
    case "now":
      return .function(name, ["tz?"]) { values, _ in
        guard let zone = try DateMembers.zone(values[0]) else { return now().replacing(zone: nil).value }
        return (now().converted(to: zone) ?? now()).value
      }
    case "utcnow", "today": return .function(name) { _, _ in now().replacing(zone: nil).value }
    case "min": return PythonDateTime(.first).value
    case "resolution": return PythonTimeDelta(microseconds: 1).value
    case "fromisocalendar":
      return .function(name, ["year", "week", "day"]) { values, _ in
        PythonDateTime(try fromISOCalendar(values)).value
      }
    case "fromordinal":
      return .function(name, ["ordinal"]) { values, _ in
        guard let date = PythonDate(ordinal: try values[0]?.requiredInt("ordinal") ?? 0) else {
          throw JinjaError(.value, "ordinal must be >= 1 and within year 9999")
        }
        return PythonDateTime(date).value
      }
    case "max":
      return PythonDateTime(.last, PythonTime(hour: 23, minute: 59, second: 59, microsecond: 999_999) ?? .midnight)
        .value
    case "strptime":
      return .function(name, ["date_string", "format"]) { values, _ in
        try TimeParser.parse(
          try values[0]?.requiredText("strptime() argument 1") ?? "",
          format: try values[1]?.requiredText("strptime() argument 2") ?? ""
        ).value
      }
    case "fromisoformat":
      return .function(name, ["date_string"]) { values, _ in
        let text = try values[0]?.requiredText("fromisoformat: argument") ?? ""
        guard let time = ISODate.pythonDateTime(text) else {
          throw JinjaError(.value, "Invalid isoformat string: \(Value.string(text).repr)")
        }
        return time.value
      }
    case "combine":
      return .function(name, ["date", "time", "tzinfo?"]) { values, _ in
        let object = values[0]?.objectValue
        guard let date = (object as? DateObject)?.date ?? (object as? DateTimeObject)?.dateTime.date,
          var time = (values[1]?.objectValue as? TimeObject)?.time
        else { throw JinjaError(.type, "combine() needs a date and a time") }
        if values[2] != nil { time.zone = try DateMembers.zone(values[2]) }
        return PythonDateTime(date, time).value
      }
    case "fromtimestamp":
      return .function(name, ["timestamp", "tz?"]) { values, _ in
        try fromTimestamp(values[0], zone: try DateMembers.zone(values[1])).value
      }
    case "utcfromtimestamp":
      return .function(name, ["timestamp"]) { values, _ in try fromTimestamp(values[0], zone: nil).value }
    default: return nil
    }
  }

  /// Local time is UTC here.
  private static func fromTimestamp(_ value: Value?, zone: PythonZone?) throws -> PythonDateTime {
    let seconds: Double
    switch value {
    case .int(let number): seconds = Double(number)
    case .double(let number): seconds = number
    case .decimal(let number): seconds = number.doubleValue
    default: throw JinjaError(.type, "a timestamp must be a number, not \(value?.typeName ?? "NoneType")")
    }
    let whole = seconds.rounded(.down)
    let micros = Int(((seconds - whole) * 1_000_000).rounded(.toNearestOrEven))
    guard let unix = Int(exactly: whole), let time = PythonDateTime(unixSeconds: unix, microseconds: micros),
      let converted = zone == nil ? time.replacing(zone: nil) : time.converted(to: zone ?? .utc)
    else { throw JinjaError(.value, "timestamp \(seconds) is out of range") }
    return converted
  }

  // MARK: time and timedelta

  private static func time(_ arguments: Arguments) throws -> Value {
    let values = try arguments.bind(
      "time", ["hour?", "minute?", "second?", "microsecond?", "tzinfo?", "*", "fold?"])
    return try DateMembers.time(Array(values[0...4]), default: .midnight).value
  }

  private static func timeMember(_ name: String) -> Value? {
    switch name {
    case "min": PythonTime.midnight.value
    case "max": PythonTime(hour: 23, minute: 59, second: 59, microsecond: 999_999)?.value
    case "resolution": PythonTimeDelta(microseconds: 1).value
    case "fromisoformat":
      .function(name, ["time_string"]) { values, _ in
        let text = try values[0]?.requiredText("fromisoformat: argument") ?? ""
        guard let time = ISODate.time(text[...], isLenient: false) else {
          throw JinjaError(.value, "Invalid isoformat string: \(Value.string(text).repr)")
        }
        return time.value
      }
    default: nil
    }
  }

  private static func timeDelta(_ arguments: Arguments) throws -> Value {
    let values = try arguments.bind(
      "timedelta", ["days?", "seconds?", "microseconds?", "milliseconds?", "minutes?", "hours?", "weeks?"])
    let day = PythonTimeDelta.microsecondsPerDay
    let units = [day, 1_000_000, 1, 1000, 60_000_000, 3_600_000_000, 7 * day]
    var total = 0
    for (value, unit) in zip(values, units) {
      guard let value else { continue }
      let amount: Int?
      switch value {
      case .int(let number):
        let product = number.multipliedReportingOverflow(by: unit)
        amount = product.overflow ? nil : product.partialValue
      case .bool(let flag): amount = flag ? unit : 0
      case .double(let number): amount = Int(exactly: (number * Double(unit)).rounded(.toNearestOrEven))
      case .decimal(let number): amount = Int(exactly: (number.doubleValue * Double(unit)).rounded(.toNearestOrEven))
      default: throw JinjaError(.type, "unsupported type for timedelta component: \(value.typeName)")
      }
      guard let amount, case let sum = total.addingReportingOverflow(amount), !sum.overflow else {
        throw JinjaError(.overflow, "timedelta is out of range")
      }
      total = sum.partialValue
    }
    return PythonTimeDelta(microseconds: total).value
  }

  private static func timeDeltaMember(_ name: String) -> Value? {
    name == "resolution" ? PythonTimeDelta(microseconds: 1).value : nil
  }
}

/// A Python class as a callable value. A method reached through it takes the instance as its first argument.
final class PythonClass: Object {
  private let name: String
  private let construct: (Arguments) throws -> Value
  private let member: (String) throws -> Value?

  init(
    _ name: String, construct: @escaping (Arguments) throws -> Value,
    member: @escaping (String) throws -> Value? = { _ in nil }
  ) {
    self.name = name
    self.construct = construct
    self.member = member
  }

  var typeName: String { "type" }
  var repr: String { "<class 'datetime.\(name)'>" }
  var kinds: ValueKinds { .callable }

  func call(_ arguments: Arguments, _ evaluation: Evaluation) throws -> Value { try construct(arguments) }

  private static let instanceMethods: Set<String> = [
    "strftime", "isoformat", "replace", "date", "time", "weekday", "isoweekday", "timestamp", "total_seconds",
    "astimezone",
    "isocalendar", "toordinal", "utcoffset", "tzname",
  ]

  func attribute(_ name: String, _ evaluation: Evaluation) throws -> Value? {
    if let value = try member(name) { return value }
    guard PythonClass.instanceMethods.contains(name) else { return nil }
    return .object(
      NativeFunction(name) { arguments, evaluation in
        guard let instance = arguments.positional.first?.objectValue,
          let method = try instance.attribute(name, evaluation)
        else { throw JinjaError(.type, "unbound method \(name)() needs an argument") }
        return try evaluation.call(
          method, Arguments(Array(arguments.positional.dropFirst()), keywords: arguments.keywords))
      })
  }
}
