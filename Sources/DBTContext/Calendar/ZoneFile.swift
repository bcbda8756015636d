/// Reads compiled zones of the tz database (RFC 8536, versions 1 to 4).
enum ZoneFile {
  /// pytz knows no changes of clocks after this year.
  private static let lastYear = 2037

  /// The region of a file's bytes, or nil when they are malformed.
  static func region(_ name: String, _ bytes: [UInt8]) -> ZoneRegion? {
    var reader = ZoneReader(bytes: bytes)
    guard let first = reader.header() else { return nil }
    if first.version == 0 {
      guard let body = reader.body(first, timeSize: 4) else { return nil }
      return region(name, body, footer: nil)
    }
    guard reader.skip(first.bodySize(timeSize: 4)), let second = reader.header(),
      let body = reader.body(second, timeSize: 8)
    else { return nil }
    return region(name, body, footer: reader.footer())
  }

  private static func region(_ name: String, _ body: ZoneBody, footer: PosixZone?) -> ZoneRegion? {
    guard let firstStandard = body.types.first(where: { !$0.isDaylight }) ?? body.types.first else { return nil }
    var changes = zip(body.times, body.indexes).map { (time: $0, type: body.types[$1]) }
    if let footer, footer.hasDaylight {
      let from = changes.last?.time ?? Int.min
      changes += footer.changes(upTo: lastYear).filter { $0.time > from }
    }
    let last = unix(year: lastYear + 1)
    changes.removeAll { $0.time >= last }
    var periods: [(start: Int, period: ZonePeriod)] = []
    var standard = firstStandard.offset
    func add(_ start: Int, _ type: ZoneType) {
      if !type.isDaylight { standard = type.offset }
      let daylight = type.isDaylight ? (type.offset == standard ? 3600 : type.offset - standard) : 0
      let period = ZonePeriod(
        offset: rounded(type.offset), daylight: rounded(daylight), abbreviation: type.abbreviation)
      if periods.last?.period != period { periods.append((start, period)) }
    }
    add(Int.min, firstStandard)
    for change in changes { add(change.time, change.type) }
    return ZoneRegion(name: name, periods: periods)
  }

  private static func rounded(_ seconds: Int) -> Int { Int((Double(seconds) / 60 + 0.5).rounded(.down)) * 60 }

  static func unix(year: Int) -> Int {
    let before = year - 1
    let ordinal = before * 365 + before / 4 - before / 100 + before / 400 + 1
    return (ordinal - PythonDate.epoch.ordinal) * 86_400
  }
}

struct ZoneType {
  var offset: Int
  var isDaylight: Bool
  var abbreviation: String
}

struct ZoneBody {
  var times: [Int]
  var indexes: [Int]
  var types: [ZoneType]
}

private struct ZoneHeader {
  var version: UInt8
  var isUTCCount: Int
  var isStandardCount: Int
  var leapCount: Int
  var timeCount: Int
  var typeCount: Int
  var characterCount: Int

  func bodySize(timeSize: Int) -> Int {
    timeCount * (timeSize + 1) + typeCount * 6 + characterCount + leapCount * (timeSize + 4) + isStandardCount
      + isUTCCount
  }
}

private struct ZoneReader {
  let bytes: [UInt8]
  var at = 0

  init(bytes: [UInt8]) { self.bytes = bytes }

  mutating func skip(_ count: Int) -> Bool {
    guard count >= 0, bytes.count - at >= count else { return false }
    at += count
    return true
  }

  private mutating func number(_ size: Int) -> Int {
    var value = Int(Int8(bitPattern: bytes[at]))
    for index in 1..<size { value = value << 8 | Int(bytes[at + index]) }
    at += size
    return value
  }

  mutating func header() -> ZoneHeader? {
    guard bytes.count - at >= 44, bytes[at..<(at + 4)].elementsEqual("TZif".utf8) else { return nil }
    let version = bytes[at + 4]
    at += 20
    let counts = (0..<6).map { _ in number(4) }
    // A megabyte file cannot hold more of anything.
    guard counts.allSatisfy({ (0..<(1 << 20)).contains($0) }) else { return nil }
    return ZoneHeader(
      version: version, isUTCCount: counts[0], isStandardCount: counts[1], leapCount: counts[2], timeCount: counts[3],
      typeCount: counts[4], characterCount: counts[5])
  }

  mutating func body(_ header: ZoneHeader, timeSize: Int) -> ZoneBody? {
    guard bytes.count - at >= header.bodySize(timeSize: timeSize), header.typeCount > 0 else { return nil }
    let end = at + header.bodySize(timeSize: timeSize)
    let times = (0..<header.timeCount).map { _ in number(timeSize) }
    let indexes = (0..<header.timeCount).map { Int(bytes[at + $0]) }
    at += header.timeCount
    let raw = (0..<header.typeCount).map { _ -> (Int, Bool, Int) in
      let offset = number(4)
      at += 2
      return (offset, bytes[at - 2] != 0, Int(bytes[at - 1]))
    }
    let names = bytes[at..<(at + header.characterCount)]
    at = end
    guard indexes.allSatisfy({ $0 < raw.count }), zip(times, times.dropFirst()).allSatisfy({ $0 <= $1 }) else {
      return nil
    }
    let types = raw.map { offset, isDaylight, start in
      ZoneType(
        offset: offset, isDaylight: isDaylight,
        abbreviation: String(decoding: names.dropFirst(start).prefix { $0 != 0 }, as: UTF8.self))
    }
    return ZoneBody(times: times, indexes: indexes, types: types)
  }

  /// The rule for times after the last change, between two newlines.
  func footer() -> PosixZone? {
    guard at < bytes.count, bytes[at] == 0x0A else { return nil }
    return PosixZone(String(decoding: bytes[(at + 1)...].prefix { $0 != 0x0A }, as: UTF8.self))
  }
}
