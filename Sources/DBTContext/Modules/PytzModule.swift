package import Jinja

/// `modules.pytz`.
enum PytzModule {
  static func member(_ name: String) throws -> Value? {
    switch name {
    case "utc", "UTC": return .object(ZoneObject(.utc))
    case "timezone":
      return .function(name, ["zone"]) { values, _ in
        .object(ZoneObject(try ZoneDatabase.system.zone(named: try values[0]?.requiredText("zone") ?? "")))
      }
    case "FixedOffset":
      return .function(name, ["offset"]) { values, _ in
        let minutes = try values[0]?.requiredInt("offset") ?? 0
        guard abs(minutes) < 1440 else { throw JinjaError(.value, "absolute offset is too large (\(minutes))") }
        return .object(ZoneObject(minutes == 0 ? .utc : .pytzFixed(minutes: minutes)))
      }
    case "all_timezones", "common_timezones":
      return .list(try ZoneDatabase.system.allNames().map { .string($0) })
    case "all_timezones_set", "common_timezones_set":
      return .object(try SetObject(try ZoneDatabase.system.allNames().map { .string($0) }))
    default: return nil
    }
  }
}

/// A zone in a template, with pytz's methods.
package final class ZoneObject: Object {
  package let zone: PythonZone

  package init(_ zone: PythonZone) { self.zone = zone }

  package var typeName: String { "tzinfo" }
  package var text: String { zone.text }
  package var repr: String { zone.repr }

  package func isEqual(to other: any Object) -> Bool { (other as? ZoneObject)?.zone == zone }
  package func hash(into hasher: inout Hasher) { hasher.combine(zone) }

  package func attribute(_ name: String, _ evaluation: Evaluation) throws -> Value? {
    let zone = zone
    switch name {
    case "zone": return .string(zone.text)
    case "localize":
      return .function(name, ["dt", "is_dst?"]) { values, _ in
        try ZoneObject.localized(try ZoneObject.time(values[0]), values[1], in: zone).value
      }
    case "normalize", "fromutc":
      return .function(name, ["dt"]) { values, _ in
        let time = try ZoneObject.time(values[0])
        guard name == "fromutc" || time.zone != nil else {
          throw JinjaError(.value, "Naive time - no tzinfo set")
        }
        let instant = name == "fromutc" ? time.replacing(zone: .utc) : time
        guard let converted = instant.converted(to: zone) else { throw JinjaError(.value, "date value out of range") }
        return converted.value
      }
    case "utcoffset", "dst", "tzname":
      return .function(name, ["dt", "is_dst?"]) { values, _ in
        var bound = zone
        if let value = values[0], !value.isNone {
          let time = try ZoneObject.time(value)
          bound =
            time.zone == nil ? try ZoneObject.localized(time, values[1], in: zone).zone ?? zone : time.zone ?? zone
        }
        switch name {
        case "tzname": return Value(optional: bound.abbreviation)
        case "dst": return bound.daylight.map { PythonTimeDelta(microseconds: $0 * 1_000_000).value } ?? Value.none
        default: return PythonTimeDelta(microseconds: bound.offset * 1_000_000).value
        }
      }
    default: return nil
    }
  }

  private static func time(_ value: Value?) throws -> PythonDateTime {
    guard let time = (value?.objectValue as? DateTimeObject)?.dateTime else {
      throw JinjaError(.type, "a datetime is needed, not '\(value?.typeName ?? "NoneType")'")
    }
    return time
  }

  private static func localized(
    _ time: PythonDateTime, _ isDaylight: Value?, in zone: PythonZone
  ) throws -> PythonDateTime {
    guard time.zone == nil else { throw JinjaError(.value, "Not naive datetime (tzinfo is already set)") }
    let choice: Bool? = isDaylight == nil ? false : isDaylight?.isNone == true ? nil : isDaylight?.isTruthy
    do {
      return try zone.localized(time, isDaylight: choice)
    } catch {
      switch error {
      case .missing, .ambiguous: throw JinjaError(.value, time.text)
      case .outOfRange: throw JinjaError(.value, "date value out of range")
      }
    }
  }
}
