import Jinja

/// Python's `strptime` in the C locale.
struct TimeParser {
  private let text: [Unicode.Scalar]
  private var at = 0
  private var year: Int?
  private var month = 1
  private var day: Int?
  private var hour = 0
  private var minute = 0
  private var second = 0
  private var microsecond = 0
  private var isAfternoon: Bool?
  private var isTwelveHour = false
  private var dayOfYear: Int?
  private var weekday: Int?
  private var week: (number: Int, startsMonday: Bool)?
  private var iso: (year: Int?, week: Int?) = (nil, nil)
  private var zone: PythonZone?

  /// - Throws: Python's ValueErrors.
  static func parse(_ text: String, format: String) throws -> PythonDateTime {
    var parser = TimeParser(text: Array(text.unicodeScalars))
    guard try parser.run(Array(format.unicodeScalars)) else {
      throw JinjaError(
        .value, "time data \(Value.string(text).repr) does not match format \(Value.string(format).repr)")
    }
    guard parser.at == parser.text.count else {
      let rest = String(String.UnicodeScalarView(parser.text[parser.at...]))
      throw JinjaError(.value, "unconverted data remains: \(rest)")
    }
    return try parser.result()
  }

  private init(text: [Unicode.Scalar]) { self.text = text }

  private mutating func run(_ format: [Unicode.Scalar]) throws -> Bool {
    var index = 0
    while index < format.count {
      let scalar = format[index]
      index += 1
      if PythonBlank.isBlank(scalar) {
        // Blanks in the format stand for one or more blanks.
        while index < format.count, PythonBlank.isBlank(format[index]) { index += 1 }
        guard skipBlanks() > 0 else { return false }
      } else if scalar != "%" {
        guard at < text.count, TimeParser.folded(text[at]) == TimeParser.folded(scalar) else { return false }
        at += 1
      } else {
        guard index < format.count else { throw JinjaError(.value, "stray % in format '\(TimeParser.joined(format))'") }
        let code = format[index]
        index += 1
        guard try take(code, format) else { return false }
      }
    }
    return true
  }

  private static func joined(_ scalars: [Unicode.Scalar]) -> String { String(String.UnicodeScalarView(scalars)) }

  private static func folded(_ scalar: Unicode.Scalar) -> String { String(scalar).lowercased() }

  private mutating func skipBlanks() -> Int {
    let start = at
    while at < text.count, PythonBlank.isBlank(text[at]) { at += 1 }
    return at - start
  }

  /// Reads one code; false when the text does not fit.
  private mutating func take(_ code: Unicode.Scalar, _ format: [Unicode.Scalar]) throws -> Bool {
    switch code {
    case "Y":
      year = number(4...4, 0...9999)
      return year != nil
    case "y":
      guard let short = number(2...2, 0...99) else { return false }
      year = short + (short <= 68 ? 2000 : 1900)
    case "m":
      guard let value = number(1...2, 1...12) else { return false }
      month = value
    case "d":
      day = number(1...2, 1...31)
      return day != nil
    case "j":
      dayOfYear = number(1...3, 1...366)
      return dayOfYear != nil
    case "b", "B":
      guard let index = name(TimeFormatter.monthNames, isShort: code == "b") else { return false }
      month = index + 1
    case "a", "A":
      weekday = name(TimeFormatter.dayNames, isShort: code == "a")
      return weekday != nil
    case "w":
      guard let value = number(1...1, 0...6) else { return false }
      weekday = (value + 6) % 7
    case "u":
      guard let value = number(1...1, 1...7) else { return false }
      weekday = value - 1
    case "U", "W":
      guard let value = number(1...2, 0...53) else { return false }
      week = (value, code == "W")
    case "G":
      iso.year = number(4...4, 0...9999)
      return iso.year != nil
    case "V":
      iso.week = number(1...2, 1...53)
      return iso.week != nil
    case "c": return try run(Array("%a %b %d %H:%M:%S %Y".unicodeScalars))
    case "x": return try run(Array("%m/%d/%y".unicodeScalars))
    case "X": return try run(Array("%H:%M:%S".unicodeScalars))
    case "%":
      guard at < text.count, text[at] == "%" else { return false }
      at += 1
    default: return try takeClock(code, format)
    }
    return true
  }

  private mutating func takeClock(_ code: Unicode.Scalar, _ format: [Unicode.Scalar]) throws -> Bool {
    switch code {
    case "H", "I":
      guard let value = number(1...2, code == "H" ? 0...23 : 1...12) else { return false }
      hour = value
      isTwelveHour = code == "I"
    case "M":
      guard let value = number(1...2, 0...59) else { return false }
      minute = value
    case "S":
      guard let value = number(1...2, 0...61) else { return false }
      second = value
    case "f":
      let start = at
      guard let value = number(1...6, 0...999_999) else { return false }
      microsecond = (at - start..<6).reduce(value) { product, _ in product * 10 }
    case "p":
      guard at + 1 < text.count, ["a", "p"].contains(TimeParser.folded(text[at])),
        TimeParser.folded(text[at + 1]) == "m"
      else { return false }
      isAfternoon = TimeParser.folded(text[at]) == "p"
      at += 2
    case "z": return takeOffset()
    case "Z":
      for name in ["utc", "gmt"] where at + 3 <= text.count {
        guard text[at..<(at + 3)].map(TimeParser.folded).joined() == name else { continue }
        at += 3
        // Python reads the name but makes no zone of it.
        return true
      }
      return false
    default:
      let shown = TimeParser.joined(format)
      throw JinjaError(.value, "'\(code)' is a bad directive in format '\(shown)'")
    }
    return true
  }

  /// The longest run of digits that is within both bounds, as a regular expression would take it.
  private mutating func number(_ width: ClosedRange<Int>, _ range: ClosedRange<Int>) -> Int? {
    var digits = 0
    while at + digits < text.count, digits < width.upperBound, ("0"..."9").contains(text[at + digits]) { digits += 1 }
    while digits >= width.lowerBound {
      let value = text[at..<(at + digits)].reduce(0) { $0 * 10 + Int($1.value - 48) }
      if range.contains(value) {
        at += digits
        return value
      }
      digits -= 1
    }
    return nil
  }

  /// The index of the longest name that the text goes on with.
  private mutating func name(_ names: [String], isShort: Bool) -> Int? {
    for (index, full) in names.enumerated() {
      let name = isShort ? String(full.prefix(3)) : full
      let count = name.unicodeScalars.count
      guard at + count <= text.count, text[at..<(at + count)].map(TimeParser.folded).joined() == name.lowercased()
      else {
        continue
      }
      at += count
      return index
    }
    return nil
  }

  /// `Z`, `+HHMM`, `+HH:MM`, with seconds or without.
  private mutating func takeOffset() -> Bool {
    guard at < text.count else { return false }
    if text[at] == "Z" {
      at += 1
      zone = .fixed(seconds: 0)
      return true
    }
    guard text[at] == "+" || text[at] == "-" else { return false }
    let sign = text[at] == "-" ? -1 : 1
    at += 1
    guard let hours = number(2...2, 0...23) else { return false }
    let hasColon = at < text.count && text[at] == ":"
    if hasColon { at += 1 }
    guard let minutes = number(2...2, 0...59) else { return false }
    var total = hours * 3600 + minutes * 60
    // Seconds follow in the same style, or not at all.
    let mark = at
    if !hasColon || (at < text.count && text[at] == ":") {
      if hasColon { at += 1 }
      if let seconds = number(2...2, 0...59) { total += seconds } else { at = mark }
    }
    zone = .fixed(seconds: sign * total)
    return true
  }

  private func result() throws -> PythonDateTime {
    var hour = hour
    if isTwelveHour {
      hour = hour % 12 + (isAfternoon == true ? 12 : 0)
    }
    guard let clock = PythonTime(hour: hour, minute: minute, second: second, microsecond: microsecond, zone: zone)
    else {
      throw JinjaError(.value, "second must be in 0..59")
    }
    guard let date = try date() else { throw JinjaError(.value, "day is out of range for month") }
    return PythonDateTime(date, clock)
  }

  private func date() throws -> PythonDate? {
    if iso.year != nil || iso.week != nil {
      guard let year = iso.year, let week = iso.week, let weekday else {
        throw JinjaError(
          .value, "ISO year directive '%G' must be used with the ISO week directive '%V' and a weekday directive")
      }
      guard let fourth = PythonDate(year: year, month: 1, day: 4) else { return nil }
      return PythonDate(ordinal: fourth.ordinal - fourth.weekday + (week - 1) * 7 + weekday)
    }
    let year = year ?? (month == 2 && day == 29 ? 1904 : 1900)
    guard let first = PythonDate(year: year, month: 1, day: 1) else { return nil }
    if let dayOfYear {
      return first.adding(days: dayOfYear - 1)
    }
    if let week, let weekday, self.year != nil {
      // Days before the first Monday (or Sunday) belong to week 0.
      let firstWeekday = week.startsMonday ? first.weekday : (first.weekday + 1) % 7
      let wanted = week.startsMonday ? weekday : (weekday + 1) % 7
      let lead = (7 - firstWeekday) % 7
      let offset = week.number == 0 ? wanted - firstWeekday : lead + 7 * (week.number - 1) + wanted
      return first.adding(days: offset)
    }
    return PythonDate(year: self.year == nil && month == 2 && day == 29 ? 1904 : year, month: month, day: day ?? 1)
  }
}
