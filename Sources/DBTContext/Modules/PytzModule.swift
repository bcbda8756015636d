package import Jinja

/// `modules.pytz`.
enum PytzModule {
  /// pytz's public names.
  static let names = [
    "timezone", "utc", "country_timezones", "country_names", "AmbiguousTimeError", "InvalidTimeError",
    "NonExistentTimeError", "UnknownTimeZoneError", "all_timezones", "all_timezones_set", "common_timezones",
    "common_timezones_set", "BaseTzInfo", "FixedOffset",
  ]

  static func member(_ name: String) throws -> Value? {
    switch name {
    case "utc": return .object(ZoneObject(.utc))
    case "timezone":
      return .function(name, ["zone"]) { values, _ in
        guard let text = values[0]?.stringValue else {
          throw JinjaError(.unknownZone, values[0]?.repr ?? "None")
        }
        do {
          return .object(ZoneObject(try ZoneDatabase.system.zone(named: text)))
        } catch let error as DBTError where error.kind == .compilation {
          throw JinjaError(.unknownZone, values[0]?.repr ?? "")
        }
      }
    case "FixedOffset":
      return .function(name, ["offset"]) { values, _ in
        let minutes = try values[0]?.requiredInt("offset") ?? 0
        guard abs(minutes) < 1440 else { throw JinjaError(.value, "absolute offset is too large (\(minutes))") }
        return .object(ZoneObject(minutes == 0 ? .utc : .pytzFixed(minutes: minutes)))
      }
    case "all_timezones", "common_timezones":
      // Without a tz database there are none; asking for a zone says why.
      return .list(((try? ZoneDatabase.system.allNames()) ?? []).map { .string($0) })
    case "all_timezones_set", "common_timezones_set":
      return .object(try SetObject(((try? ZoneDatabase.system.allNames()) ?? []).map { .string($0) }))
    case "country_names": return .object(CountryTable(ZoneDatabase.system.countryNames.mapValues { .string($0) }))
    case "country_timezones":
      return .object(CountryTable(ZoneDatabase.system.countryZones.mapValues { .list($0.map { .string($0) }) }))
    case "AmbiguousTimeError", "InvalidTimeError", "NonExistentTimeError", "UnknownTimeZoneError":
      return .object(OpaqueClass("<class 'pytz.exceptions.\(name)'>"))
    case "BaseTzInfo": return .object(OpaqueClass("<class 'pytz.tzinfo.BaseTzInfo'>"))
    default: return nil
    }
  }
}

/// `pytz.country_names` and `pytz.country_timezones`: by country code in any case; the second is also called.
private final class CountryTable: Object {
  private let entries: [String: Value]
  init(_ entries: [String: Value]) { self.entries = entries }

  var typeName: String { "dict" }
  var kinds: ValueKinds { [.mapping, .iterable, .callable] }
  var count: Int? { entries.count }
  func item(_ key: Value, _ evaluation: Evaluation) -> Value? { key.stringValue.flatMap { entries[$0.uppercased()] } }
  func iterate(_ evaluation: Evaluation) -> [Value]? { entries.keys.sorted().map { .string($0) } }
  func call(_ arguments: Arguments, _ evaluation: Evaluation) throws -> Value {
    let code = try arguments.bind("country_timezones", ["iso3166_code"])[0] ?? .none
    guard let found = item(code, evaluation) else { throw JinjaError(.key, code.repr) }
    return found
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
        guard let converted = instant.converted(to: zone) else {
          throw JinjaError(.overflow, "date value out of range")
        }
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
      throw JinjaError(.attribute, "'\(value?.typeName ?? "NoneType")' object has no attribute 'tzinfo'")
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
      case .missing: throw JinjaError(.missingTime, time.text)
      case .ambiguous: throw JinjaError(.ambiguousTime, time.text)
      case .outOfRange: throw JinjaError(.overflow, "date value out of range")
      }
    }
  }
}
