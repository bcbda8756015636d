/// One cell of a result, read by its column's type.
package enum PostgresValue: Sendable, Hashable {
  case null
  case bool(Bool)
  /// smallint, integer, bigint, oid.
  case int(Int)
  /// numeric: the server's exact text, also `NaN` and `Infinity`.
  case numeric(String)
  case double(Double)
  /// `YYYY-MM-DD`, or the server's text for years outside of that (`infinity`, `… BC`).
  case date(String)
  /// `YYYY-MM-DD HH:MM:SS[.ffffff]`.
  case timestamp(String)
  /// `YYYY-MM-DD HH:MM:SS[.ffffff]+HH[:MM]`.
  case timestampWithZone(String)
  case time(String)
  case interval(String)
  /// json, jsonb: the text as the server sent it.
  case json(String)
  case bytes([UInt8])
  indirect case array([PostgresValue])
  /// Every other type: the server's text.
  case text(String)
}

/// Which of the cases above a column's cells take, by the fixed type numbers of `pg_type.dat`.
package enum PostgresType: Sendable, Hashable {
  case bool, int, numeric, double, date, timestamp, timestampWithZone, time, interval, json, bytes, text
  /// Of the driver's text types only; every unknown type reads as text too but is not one.
  case other
  indirect case array(PostgresType)

  package init(oid: UInt32) {
    switch oid {
    case 16: self = .bool
    case 20, 21, 23, 26: self = .int
    case 700, 701: self = .double
    case 1700: self = .numeric
    case 1082: self = .date
    case 1114: self = .timestamp
    case 1184: self = .timestampWithZone
    case 1083, 1266: self = .time
    case 1186: self = .interval
    case 114, 3802: self = .json
    case 17: self = .bytes
    case 18, 19, 25, 1042, 1043: self = .text
    case 1000: self = .array(.bool)
    case 1005, 1006, 1007, 1016, 1028: self = .array(.int)
    case 1021, 1022: self = .array(.double)
    case 1231: self = .array(.numeric)
    case 1182: self = .array(.date)
    case 1115: self = .array(.timestamp)
    case 1185: self = .array(.timestampWithZone)
    case 1183, 1270: self = .array(.time)
    case 1187: self = .array(.interval)
    case 199, 3807: self = .array(.json)
    case 1001: self = .array(.bytes)
    case 1002, 1003, 1009, 1014, 1015: self = .array(.text)
    default: self = .other
    }
  }

  /// Reads a cell's text. A text that does not fit its type stays text rather than being lost.
  package func value(_ text: String) -> PostgresValue {
    switch self {
    case .bool: .bool(text == "t")
    case .int: Int(text).map(PostgresValue.int) ?? .text(text)
    case .numeric: .numeric(text)
    case .double: Double(text).map(PostgresValue.double) ?? .text(text)
    case .date: .date(text)
    case .timestamp: .timestamp(text)
    case .timestampWithZone: .timestampWithZone(text)
    case .time: .time(text)
    case .interval: .interval(text)
    case .json: .json(text)
    case .bytes: PostgresType.bytes(text).map(PostgresValue.bytes) ?? .text(text)
    case .array(let element): ArrayText.parse(text, element: element) ?? .text(text)
    case .text, .other: .text(text)
    }
  }

  /// The hexadecimal form `\x…` of bytea.
  private static func bytes(_ text: String) -> [UInt8]? {
    let utf8 = Array(text.utf8)
    guard utf8.count >= 2, utf8[0] == UInt8(ascii: "\\"), utf8[1] == UInt8(ascii: "x"), utf8.count % 2 == 0 else {
      return nil
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(utf8.count / 2)
    for index in stride(from: 2, to: utf8.count, by: 2) {
      guard let high = nibble(utf8[index]), let low = nibble(utf8[index + 1]) else { return nil }
      bytes.append(high << 4 | low)
    }
    return bytes
  }

  private static func nibble(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}

/// The text form of arrays: `{1,NULL,"a \"b\""}`, nested by braces, with optional bounds in front (`[0:1]={…}`).
struct ArrayText {
  private let bytes: [UInt8]
  private var index: Int
  private let element: PostgresType

  /// The most nested braces; PostgreSQL itself allows six dimensions.
  private static let maximumDepth = 8

  /// Nil when the text is no array.
  static func parse(_ text: String, element: PostgresType) -> PostgresValue? {
    let bytes = Array(text.utf8)
    guard let start = bytes.firstIndex(of: UInt8(ascii: "{")) else { return nil }
    var reader = ArrayText(bytes: bytes, index: start, element: element)
    guard let value = reader.list(depth: 1), reader.index == bytes.count else { return nil }
    return value
  }

  private mutating func list(depth: Int) -> PostgresValue? {
    guard depth <= Self.maximumDepth else { return nil }
    index += 1
    var items: [PostgresValue] = []
    if peek() == UInt8(ascii: "}") {
      index += 1
      return .array([])
    }
    while let byte = peek() {
      if byte == UInt8(ascii: "{") {
        guard let inner = list(depth: depth + 1) else { return nil }
        items.append(inner)
      } else {
        guard let item = scalar() else { return nil }
        items.append(item)
      }
      switch peek() {
      case UInt8(ascii: ","): index += 1
      case UInt8(ascii: "}"):
        index += 1
        return .array(items)
      default: return nil
      }
    }
    return nil
  }

  private mutating func scalar() -> PostgresValue? {
    var text: [UInt8] = []
    guard peek() == UInt8(ascii: "\"") else {
      while let byte = peek(), byte != UInt8(ascii: ","), byte != UInt8(ascii: "}") {
        text.append(byte)
        index += 1
      }
      let plain = String(decoding: text, as: UTF8.self)
      return plain == "NULL" ? .null : element.value(plain)
    }
    index += 1
    while let byte = peek() {
      index += 1
      if byte == UInt8(ascii: "\"") { return element.value(String(decoding: text, as: UTF8.self)) }
      if byte == UInt8(ascii: "\\"), let escaped = peek() {
        text.append(escaped)
        index += 1
      } else {
        text.append(byte)
      }
    }
    return nil
  }

  private func peek() -> UInt8? { index < bytes.count ? bytes[index] : nil }
}
