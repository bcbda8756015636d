import Synchronization

/// A stretch of time in which a region's clocks keep one offset.
package struct ZonePeriod: Sendable, Hashable {
  /// Seconds east of UTC, rounded to minutes as pytz does.
  package var offset: Int
  /// Seconds of daylight saving within `offset`.
  package var daylight: Int
  package var abbreviation: String
}

/// A region of the tz database with the history of its clocks.
package final class ZoneRegion: Sendable, Hashable {
  /// Such as `Europe/Berlin`.
  package let name: String
  /// Unix seconds at which each period begins, ascending; the first counts from the beginning of time.
  private let starts: [Int]
  private let periods: [ZonePeriod]

  /// - Parameter periods: with the Unix second each begins; the first holds for all time before the second, too.
  init(name: String, periods: [(start: Int, period: ZonePeriod)]) {
    self.name = name
    self.starts = periods.map(\.start)
    self.periods = periods.map(\.period)
  }

  /// Clocks there never changed.
  package var isStatic: Bool { periods.count == 1 }

  /// The oldest period, which pytz gives to a zone that is not bound to a time yet.
  package var firstPeriod: ZonePeriod { periods[0] }

  /// The period in force at an instant.
  func period(atUnix second: Int) -> ZonePeriod {
    var low = 0
    var high = starts.count
    while low < high {
      let middle = (low + high) / 2
      if starts[middle] <= second { low = middle + 1 } else { high = middle }
    }
    return periods[max(0, low - 1)]
  }

  package static func == (left: ZoneRegion, right: ZoneRegion) -> Bool { left.name == right.name }
  package func hash(into hasher: inout Hasher) { hasher.combine(name) }
}

/// The tz database of the machine.
package struct ZoneDatabase: Sendable {
  /// The folder of compiled zones.
  package let directory: String
  private let cache = ZoneCache()

  package init(directory: String) { self.directory = directory }

  /// The database of the operating system.
  package static let system = ZoneDatabase(directory: "/usr/share/zoneinfo")

  /// The zone of a name, in any case; `UTC` needs no database.
  ///
  /// - Throws: `DBTError` when there is no such zone, when its file is damaged, or when the machine has no tz database.
  package func zone(named name: String) throws -> PythonZone {
    if name.uppercased() == "UTC" { return .utc }
    if let known = cache.regions.withLock({ $0[name] }) { return .region(known, known.firstPeriod) }
    guard name.utf8.allSatisfy(ZoneDatabase.isNamePart), !name.contains(".."), !name.hasPrefix("/"), !name.isEmpty
    else {
      throw DBTError(.compilation, "unknown time zone '\(name)'")
    }
    let region = try read(name)
    cache.regions.withLock { $0[name] = region }
    return .region(region, region.firstPeriod)
  }

  private static func isNamePart(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"),
      UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "."):
      true
    default: false
    }
  }

  private func read(_ name: String) throws -> ZoneRegion {
    let names = [name] + (try canonical(name).map { [$0] } ?? [])
    for candidate in names {
      guard let bytes = try? FileBytes.read("\(directory)/\(candidate)", limit: 1 << 20) else { continue }
      guard let region = ZoneFile.region(candidate, bytes) else {
        throw DBTError(.runtime, "the time zone file '\(directory)/\(candidate)' is damaged")
      }
      return region
    }
    throw DBTError(.compilation, "unknown time zone '\(name)'")
  }

  /// The name as the database spells it, when only its case differs.
  private func canonical(_ name: String) throws -> String? {
    let all = try allNames()
    return all.first { $0.lowercased() == name.lowercased() && $0 != name }
  }

  /// Every zone's name, sorted.
  ///
  /// - Throws: `DBTError` when the machine has no tz database.
  package func allNames() throws -> [String] {
    if let known = cache.names.withLock({ $0 }) { return known }
    guard let listing = try? FileBytes.read("\(directory)/tzdata.zi", limit: 4 << 20) else {
      throw DBTError(
        .runtime, "no tz database in '\(directory)': install the package tzdata, or use pytz.utc and pytz.FixedOffset")
    }
    var names: Set<String> = ["UTC"]
    for line in listing.split(separator: 0x0A) {
      let fields = line.split(separator: 0x20)
      if fields.first == [UInt8(ascii: "Z")], fields.count > 1 {
        names.insert(String(decoding: fields[1], as: UTF8.self))
      }
      if fields.first == [UInt8(ascii: "L")], fields.count > 2 {
        names.insert(String(decoding: fields[2], as: UTF8.self))
      }
    }
    let sorted = names.sorted()
    cache.names.withLock { $0 = sorted }
    return sorted
  }
}

extension ZoneDatabase {
  /// Names of countries by their codes, from the database's table.
  var countryNames: [String: String] {
    Dictionary(table("iso3166.tab").compactMap { $0.count > 1 ? ($0[0], $0[1]) : nil }) { first, _ in first }
  }

  /// The zones of each country by its code, the most populous first.
  var countryZones: [String: [String]] {
    Dictionary(table("zone.tab").compactMap { $0.count > 2 ? ($0[0], [$0[2]]) : nil }, uniquingKeysWith: +)
  }

  /// The fields of a table's lines, comments left out; none when there is no such table.
  private func table(_ name: String) -> [[String]] {
    guard let bytes = try? FileBytes.read("\(directory)/\(name)", limit: 1 << 20) else { return [] }
    return bytes.split(separator: 0x0A).filter { $0.first != UInt8(ascii: "#") }.map { line in
      line.split(separator: 0x09).map { String(decoding: $0, as: UTF8.self) }
    }
  }
}

/// Zones read so far.
private final class ZoneCache: Sendable {
  let regions = Mutex<[String: ZoneRegion]>([:])
  let names = Mutex<[String]?>(nil)
}
