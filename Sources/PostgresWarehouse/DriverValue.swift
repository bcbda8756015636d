import DBTContext
import DBTEngine
import Jinja
import PlainData
import PostgresClient

/// Values of the database as templates see them: what the reference driver's Python types are.
enum DriverValue {
  /// A cell as a template value. Times that the calendar of Python cannot hold stay text.
  static func read(_ value: PostgresValue) -> Value {
    switch value {
    case .null: .none
    case .bool(let flag): .bool(flag)
    case .int(let number): .int(number)
    case .numeric(let text): PythonDecimal(text).map { .decimal($0) } ?? .double(Double(text.lowercased()) ?? .nan)
    case .double(let number): .double(number)
    case .date(let text): DriverTime.date(text)?.value ?? .string(text)
    case .timestamp(let text), .timestampWithZone(let text): DriverTime.dateTime(text)?.value ?? .string(text)
    case .time(let text), .interval(let text), .text(let text): .string(text)
    case .json(let text): json(text)
    case .bytes(let bytes): .string(hexadecimal(bytes))
    case .array(let items): .list(items.map(read))
    }
  }

  /// JSON as the driver gives it: read, so that dicts and lists become dbt's JSON text and scalars keep their types.
  private static func json(_ text: String) -> Value {
    guard let plain = try? PlainValue(json: Array(text.utf8)) else { return .string(text) }
    return Value(plain)
  }

  private static func hexadecimal(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text = Array("\\x".utf8)
    for byte in bytes { text += [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
    return String(decoding: text, as: UTF8.self)
  }

  /// A value as a literal, as the reference driver writes bindings.
  ///
  /// - Parameter quoted: quotes text for the session.
  static func literal(
    _ value: Value, quoted: (String) throws(WarehouseError) -> String
  ) throws(WarehouseError) -> String {
    switch value {
    case .none, .undefined: return "NULL"
    case .bool(let flag): return flag ? "true" : "false"
    case .int, .bigInt, .decimal, .double:
      let text = value.text
      let lowered = text.lowercased()
      if lowered.contains("nan") || lowered.contains("inf") {
        return "'\(lowered.contains("nan") ? "NaN" : text)'::\(value.typeName == "float" ? "float" : "numeric")"
      }
      // A minus after another operator would begin a comment.
      return text.hasPrefix("-") ? " \(text)" : text
    case .string(let text): return try quoted(text)
    case .list(let list):
      var parts: [String] = []
      for item in list.items { parts.append(try literal(item, quoted: quoted)) }
      return parts.isEmpty ? "'{}'" : "ARRAY[\(parts.joined(separator: ","))]"
    case .tuple, .dict: return try quoted(value.text)
    case .object(let object):
      if let date = (object as? DateObject)?.date { return "'\(date.text)'::date" }
      if let moment = (object as? DateTimeObject)?.dateTime {
        return "'\(moment.isoText())'::\(moment.zone == nil ? "timestamp" : "timestamptz")"
      }
      return try quoted(value.text)
    }
  }
}

/// The server's ISO texts of dates and times.
enum DriverTime {
  /// `YYYY-MM-DD`; nil for years outside 1 to 9999 and `infinity`.
  static func date(_ text: some StringProtocol) -> PythonDate? {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 3, let year = Int(parts[0]), let month = Int(parts[1]), let day = Int(parts[2]) else {
      return nil
    }
    return PythonDate(year: year, month: month, day: day)
  }

  /// `YYYY-MM-DD HH:MM:SS[.ffffff][±HH[:MM[:SS]]]`.
  static func dateTime(_ text: String) -> PythonDateTime? {
    let halves = text.split(separator: " ", maxSplits: 1)
    guard halves.count == 2, let date = date(halves[0]) else { return nil }
    var clock = halves[1]
    var zone: PythonZone?
    if let sign = clock.lastIndex(where: { $0 == "+" || $0 == "-" }) {
      let parts = clock[clock.index(after: sign)...].split(separator: ":").compactMap { Int($0) }
      guard !parts.isEmpty, parts.count <= 3 else { return nil }
      let seconds = parts[0] * 3600 + (parts.count > 1 ? parts[1] * 60 : 0) + (parts.count > 2 ? parts[2] : 0)
      zone = seconds == 0 ? .utc : .fixed(seconds: clock[sign] == "-" ? -seconds : seconds)
      clock = clock[..<sign]
    }
    let parts = clock.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 3, let hour = Int(parts[0]), let minute = Int(parts[1]) else { return nil }
    let second = parts[2].split(separator: ".", maxSplits: 1)
    guard let whole = second.first.flatMap({ Int($0) }) else { return nil }
    var microsecond = 0
    if second.count == 2 {
      guard let fraction = Int(second[1]), second[1].count <= 6 else { return nil }
      microsecond = fraction
      for _ in second[1].count..<6 { microsecond *= 10 }
    }
    guard let time = PythonTime(hour: hour, minute: minute, second: whole, microsecond: microsecond, zone: zone) else {
      return nil
    }
    return PythonDateTime(date, time)
  }
}
