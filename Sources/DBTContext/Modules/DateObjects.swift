package import Jinja
package import PlainData

/// A `datetime.date` in a template.
package final class DateObject: Object {
  package let date: PythonDate

  package init(_ date: PythonDate) { self.date = date }

  package var typeName: String { "datetime.date" }
  package var text: String { date.text }
  package var repr: String { "datetime.date(\(date.year), \(date.month), \(date.day))" }
  package var isTruthy: Bool { true }

  package func isEqual(to other: any Object) -> Bool { (other as? DateObject)?.date == date }
  package func hash(into hasher: inout Hasher) { hasher.combine(date) }

  package func compare(_ other: Value) throws -> Int? {
    guard let other = (other.objectValue as? DateObject)?.date else { return nil }
    return date == other ? 0 : date < other ? -1 : 1
  }

  package func binary(_ operation: BinaryOperator, _ other: Value, reversed: Bool) throws -> Value? {
    if let delta = (other.objectValue as? TimeDeltaObject)?.delta {
      guard operation == .add || (operation == .subtract && !reversed) else { return nil }
      guard let moved = date.adding(days: operation == .add ? delta.days : -delta.days) else {
        throw JinjaError(.overflow, "date value out of range")
      }
      return moved.value
    }
    guard operation == .subtract, let other = (other.objectValue as? DateObject)?.date else { return nil }
    let days = reversed ? other.ordinal - date.ordinal : date.ordinal - other.ordinal
    return PythonTimeDelta(microseconds: days * PythonTimeDelta.microsecondsPerDay).value
  }

  package func attribute(_ name: String, _ evaluation: Evaluation) throws -> Value? {
    let date = date
    if let value = DateMembers.member(name, date) { return value }
    if name != "utctimetuple", let value = DateMembers.shared(name, PythonDateTime(date)) { return value }
    switch name {
    case "isoformat": return .function(name) { _, _ in .string(date.text) }
    case "strftime", "__format__":
      return .function(name, ["format"]) { values, _ in
        .string(TimeFormatter.text(PythonDateTime(date), format: try values[0]?.requiredText("format") ?? ""))
      }
    case "replace":
      return .function(name, ["year?", "month?", "day?"]) { values, _ in
        try DateMembers.date(values[0], values[1], values[2], default: date).value
      }
    default: return nil
    }
  }
}

/// A `datetime.datetime` in a template.
package final class DateTimeObject: Object {
  package let dateTime: PythonDateTime

  package init(_ dateTime: PythonDateTime) { self.dateTime = dateTime }

  package var typeName: String { "datetime.datetime" }
  package var text: String { dateTime.text }
  package var isTruthy: Bool { true }
  package var repr: String {
    let time = dateTime.time
    var fields = [dateTime.date.year, dateTime.date.month, dateTime.date.day, time.hour, time.minute]
    if time.second != 0 || time.microsecond != 0 { fields.append(time.second) }
    if time.microsecond != 0 { fields.append(time.microsecond) }
    let zone = dateTime.zone.map { ", tzinfo=\($0.repr)" } ?? ""
    return "datetime.datetime(\(fields.map(String.init).joined(separator: ", "))\(zone))"
  }

  package func isEqual(to other: any Object) -> Bool {
    guard let other = (other as? DateTimeObject)?.dateTime, (other.zone == nil) == (dateTime.zone == nil) else {
      return false
    }
    return other.absoluteMicroseconds == dateTime.absoluteMicroseconds
  }

  package func hash(into hasher: inout Hasher) { hasher.combine(dateTime.absoluteMicroseconds) }

  package func compare(_ other: Value) throws -> Int? {
    guard let other = (other.objectValue as? DateTimeObject)?.dateTime else { return nil }
    guard (other.zone == nil) == (dateTime.zone == nil) else {
      throw JinjaError(.type, "can't compare offset-naive and offset-aware datetimes")
    }
    let (a, b) = (dateTime.absoluteMicroseconds, other.absoluteMicroseconds)
    return a == b ? 0 : a < b ? -1 : 1
  }

  package func binary(_ operation: BinaryOperator, _ other: Value, reversed: Bool) throws -> Value? {
    if let delta = (other.objectValue as? TimeDeltaObject)?.delta {
      guard operation == .add || (operation == .subtract && !reversed) else { return nil }
      let amount = operation == .add ? delta : PythonTimeDelta(microseconds: -delta.total)
      guard let moved = dateTime.adding(amount) else { throw JinjaError(.overflow, "date value out of range") }
      return moved.value
    }
    guard operation == .subtract, let other = (other.objectValue as? DateTimeObject)?.dateTime else { return nil }
    guard (other.zone == nil) == (dateTime.zone == nil) else {
      throw JinjaError(.type, "can't subtract offset-naive and offset-aware datetimes")
    }
    let difference = dateTime.absoluteMicroseconds - other.absoluteMicroseconds
    return PythonTimeDelta(microseconds: reversed ? -difference : difference).value
  }

  package func attribute(_ name: String, _ evaluation: Evaluation) throws -> Value? {
    let dateTime = dateTime
    if let value = DateMembers.member(name, dateTime.date) ?? DateMembers.member(name, dateTime.time)
      ?? DateMembers.shared(name, dateTime)
    {
      return value
    }
    switch name {
    case "date": return .function(name) { _, _ in dateTime.date.value }
    case "time": return .function(name) { _, _ in dateTime.replacing(zone: nil).time.value }
    case "timetz": return .function(name) { _, _ in dateTime.time.value }
    case "timestamp": return .function(name) { _, _ in .double(dateTime.unixSeconds) }
    case "isoformat":
      return .function(name, ["sep?", "timespec?"]) { values, _ in
        let separator = try values[0]?.requiredText("sep") ?? "T"
        return .string(
          dateTime.date.text + separator
            + (try DateMembers.timeText(dateTime.time, precision: values[1]?.text ?? "auto")))
      }
    case "strftime", "__format__":
      return .function(name, ["format"]) { values, _ in
        .string(TimeFormatter.text(dateTime, format: try values[0]?.requiredText("format") ?? ""))
      }
    case "astimezone":
      return .function(name, ["tz?"]) { values, _ in
        let zone = try DateMembers.zone(values[0]) ?? .utc
        guard let converted = dateTime.converted(to: zone) else {
          throw JinjaError(.overflow, "date value out of range")
        }
        return converted.value
      }
    case "replace":
      return .function(
        name, ["year?", "month?", "day?", "hour?", "minute?", "second?", "microsecond?", "tzinfo?", "*", "fold?"]
      ) { values, _ in
        let date = try DateMembers.date(values[0], values[1], values[2], default: dateTime.date)
        return PythonDateTime(date, try DateMembers.time(Array(values[3...7]), default: dateTime.time)).value
      }
    default: return nil
    }
  }
}

/// A `datetime.time` in a template.
package final class TimeObject: Object {
  package let time: PythonTime

  package init(_ time: PythonTime) { self.time = time }

  package var typeName: String { "datetime.time" }
  package var text: String { time.text }
  package var isTruthy: Bool { true }
  package var repr: String {
    var fields = [time.hour, time.minute]
    if time.second != 0 || time.microsecond != 0 { fields.append(time.second) }
    if time.microsecond != 0 { fields.append(time.microsecond) }
    let zone = time.zone.map { ", tzinfo=\($0.repr)" } ?? ""
    return "datetime.time(\(fields.map(String.init).joined(separator: ", "))\(zone))"
  }

  package func isEqual(to other: any Object) -> Bool { (other as? TimeObject)?.time == time }
  package func hash(into hasher: inout Hasher) { hasher.combine(time) }

  package func compare(_ other: Value) throws -> Int? {
    guard let other = (other.objectValue as? TimeObject)?.time else { return nil }
    let (a, b) = (time.sinceMidnight, other.sinceMidnight)
    return a == b ? 0 : a < b ? -1 : 1
  }

  package func attribute(_ name: String, _ evaluation: Evaluation) throws -> Value? {
    let time = time
    if let value = DateMembers.member(name, time) { return value }
    switch name {
    case "isoformat":
      return .function(name, ["timespec?"]) { values, _ in
        .string(try DateMembers.timeText(time, precision: values[0]?.text ?? "auto"))
      }
    case "strftime":
      return .function(name, ["format"]) { values, _ in
        let start = PythonDateTime(PythonDate(year: 1900, month: 1, day: 1) ?? .epoch, time)
        return .string(TimeFormatter.text(start, format: try values[0]?.requiredText("format") ?? ""))
      }
    case "replace":
      return .function(name, ["hour?", "minute?", "second?", "microsecond?", "tzinfo?"]) { values, _ in
        try DateMembers.time(values, default: time).value
      }
    default: return nil
    }
  }
}

/// A `datetime.timedelta` in a template.
package final class TimeDeltaObject: Object {
  package let delta: PythonTimeDelta

  package init(_ delta: PythonTimeDelta) { self.delta = delta }

  package var typeName: String { "datetime.timedelta" }
  package var text: String { delta.text }
  package var repr: String { delta.repr }
  package var isTruthy: Bool { delta.total != 0 }

  package func isEqual(to other: any Object) -> Bool { (other as? TimeDeltaObject)?.delta == delta }
  package func hash(into hasher: inout Hasher) { hasher.combine(delta) }

  package func compare(_ other: Value) throws -> Int? {
    guard let other = (other.objectValue as? TimeDeltaObject)?.delta else { return nil }
    return delta == other ? 0 : delta < other ? -1 : 1
  }

  package func binary(_ operation: BinaryOperator, _ other: Value, reversed: Bool) throws -> Value? {
    if let other = (other.objectValue as? TimeDeltaObject)?.delta {
      return try combined(operation, reversed ? other.total : delta.total, reversed ? delta.total : other.total)
    }
    let factor: Double
    switch other.boolValue.map({ Value.int($0 ? 1 : 0) }) ?? other {
    case .int(let number): factor = Double(number)
    case .double(let number): factor = number
    default: return nil
    }
    switch operation {
    case .multiply:
      if case .int(let number) = other { return try checked(delta.total.multipliedReportingOverflow(by: number)) }
      return try rounded(Double(delta.total) * factor)
    case .divide where !reversed:
      guard factor != 0 else { throw JinjaError(.zeroDivision, "division by zero") }
      return try rounded(Double(delta.total) / factor)
    case .floorDivide where !reversed:
      guard case .int(let number) = other, number != 0 else { throw JinjaError(.zeroDivision, "division by zero") }
      return PythonTimeDelta(microseconds: Int((Double(delta.total) / Double(number)).rounded(.down))).value
    default: return nil
    }
  }

  package func negated() throws -> Value? {
    try checked(0.subtractingReportingOverflow(delta.total))
  }

  private func combined(_ operation: BinaryOperator, _ left: Int, _ right: Int) throws -> Value? {
    switch operation {
    case .add: return try checked(left.addingReportingOverflow(right))
    case .subtract: return try checked(left.subtractingReportingOverflow(right))
    case .divide, .floorDivide, .modulo:
      guard right != 0 else { throw JinjaError(.zeroDivision, "integer division or modulo by zero") }
      if operation == .divide { return .double(Double(left) / Double(right)) }
      let quotient = Int((Double(left) / Double(right)).rounded(.down))
      if operation == .floorDivide { return .int(quotient) }
      return PythonTimeDelta(microseconds: left - quotient * right).value
    default: return nil
    }
  }

  private func checked(_ result: (partialValue: Int, overflow: Bool)) throws -> Value {
    guard !result.overflow else { throw JinjaError(.overflow, "timedelta is out of range") }
    return PythonTimeDelta(microseconds: result.partialValue).value
  }

  private func rounded(_ microseconds: Double) throws -> Value {
    guard let whole = Int(exactly: microseconds.rounded(.toNearestOrEven)) else {
      throw JinjaError(.overflow, "timedelta is out of range")
    }
    return PythonTimeDelta(microseconds: whole).value
  }

  package func attribute(_ name: String, _ evaluation: Evaluation) throws -> Value? {
    let delta = delta
    switch name {
    case "days": return .int(delta.days)
    case "seconds": return .int(delta.seconds)
    case "microseconds": return .int(delta.microseconds)
    case "total_seconds": return .function(name) { _, _ in .double(delta.totalSeconds) }
    default: return nil
    }
  }
}

/// Python's dates and times in the form that dbt writes to its artifacts.
package enum DateForm {
  /// The text in the form of ISO 8601; nil for other objects.
  package static func plain(_ object: any Object) -> PlainValue? {
    switch object {
    case let object as DateObject: .string(object.date.text)
    case let object as DateTimeObject: .string(object.dateTime.isoText())
    case let object as TimeObject: .string(object.time.text)
    default: nil
    }
  }
}

extension PythonDate {
  /// The day as a template value.
  package var value: Value { .object(DateObject(self)) }
}

extension PythonDateTime {
  /// The time as a template value.
  package var value: Value { .object(DateTimeObject(self)) }
}

extension PythonTime {
  /// The time of day as a template value.
  package var value: Value { .object(TimeObject(self)) }
}

extension PythonTimeDelta {
  /// The span as a template value.
  package var value: Value { .object(TimeDeltaObject(self)) }
}
