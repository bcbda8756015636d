/// Dates and times in the forms of ISO 8601.
enum ISODate {
  /// A day and a time of day with `T` between them, as the package isodate reads them.
  static func dateTime(_ text: String) -> PythonDateTime? {
    let parts = text.split(separator: "T", omittingEmptySubsequences: false)
    guard parts.count == 2, let date = date(parts[0]), let time = time(parts[1], isLenient: true) else { return nil }
    // An end of day written as 24:00 is the start of the next one.
    return PythonDateTime(date, time)
  }

  /// Python's `datetime.fromisoformat`: a day, maybe any one character and a time of day.
  static func pythonDateTime(_ text: String) -> PythonDateTime? {
    if let date = pythonDate(text) { return PythonDateTime(date) }
    for length in [10, 8, 7] where text.unicodeScalars.count > length + 1 {
      let scalars = text.unicodeScalars
      let split = scalars.index(scalars.startIndex, offsetBy: length)
      if let date = pythonDate(String(scalars[..<split])) {
        guard let time = time(Substring(scalars[scalars.index(after: split)...]), isLenient: false) else { return nil }
        return PythonDateTime(date, time)
      }
    }
    return nil
  }

  /// Python's `date.fromisoformat`: `YYYY-MM-DD`, `YYYYMMDD`, `YYYY-Www-D` or `YYYYWwwD`.
  static func pythonDate(_ text: String) -> PythonDate? {
    let count = text.utf8.count
    guard [10, 8, 7].contains(count) else { return nil }
    if let week = weekDate(text[...]) { return week }
    return count == 7 ? nil : calendarDate(text[...])
  }

  /// `HH[:MM[:SS[.ffffff]]]` or `HHMMSS`, maybe with a zone.
  ///
  /// - Parameter isLenient: as isodate: fractions of any length, `+HH` zones, a comma for the point.
  static func time(_ text: Substring, isLenient: Bool) -> PythonTime? {
    var clock = text
    var zone: PythonZone?
    if let mark = text.firstIndex(where: { $0 == "Z" || $0 == "+" || $0 == "-" }) {
      guard let found = self.zone(text[mark...]) else { return nil }
      zone = found
      clock = text[..<mark]
    }
    var fraction = Substring()
    if let point = clock.firstIndex(where: { $0 == "." || $0 == "," }) {
      fraction = clock[clock.index(after: point)...]
      clock = clock[..<point]
      guard !fraction.isEmpty, fraction.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
    }
    guard let fields = clockFields(clock), !fields.isEmpty else { return nil }
    guard fraction.isEmpty || fields.count == 3 else { return nil }
    let digits = (fraction.prefix(6) + String(repeating: "0", count: max(0, 6 - fraction.count)))
    return PythonTime(
      hour: fields[0], minute: fields.count > 1 ? fields[1] : 0, second: fields.count > 2 ? fields[2] : 0,
      microsecond: Int(digits) ?? 0, zone: zone)
  }

  private static func clockFields(_ text: Substring) -> [Int]? {
    let parts: [Substring]
    if text.contains(":") {
      parts = text.split(separator: ":", omittingEmptySubsequences: false)
    } else {
      var rest = text
      var pieces: [Substring] = []
      while !rest.isEmpty {
        pieces.append(rest.prefix(2))
        rest = rest.dropFirst(2)
      }
      parts = pieces
    }
    guard parts.count <= 3 else { return nil }
    var fields: [Int] = []
    for part in parts {
      guard let value = digits(part, 2) else { return nil }
      fields.append(value)
    }
    return fields
  }

  /// `Z`, `+HH`, `+HH:MM`, `+HHMM`, maybe with seconds.
  static func zone(_ text: Substring) -> PythonZone? {
    if text == "Z" { return .fixed(seconds: 0) }
    guard let sign = text.first, sign == "+" || sign == "-", let fields = clockFields(text.dropFirst()),
      !fields.isEmpty,
      fields[0] < 24, fields.dropFirst().allSatisfy({ $0 < 60 })
    else { return nil }
    let seconds = fields[0] * 3600 + (fields.count > 1 ? fields[1] * 60 : 0) + (fields.count > 2 ? fields[2] : 0)
    return .fixed(seconds: sign == "-" ? -seconds : seconds)
  }

  /// Calendar, week and ordinal dates, complete or to the month or year.
  private static func date(_ text: Substring) -> PythonDate? {
    if let date = calendarDate(text) ?? weekDate(text) { return date }
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    if parts.count == 2, let year = digits(parts[0], 4) {
      if let day = digits(parts[1], 3) { return PythonDate(year: year, month: 1, day: 1)?.adding(days: day - 1) }
      if let month = digits(parts[1], 2) { return PythonDate(year: year, month: month, day: 1) }
    }
    if parts.count == 1 {
      if text.count == 7, let year = digits(text.prefix(4), 4), let day = digits(text.suffix(3), 3) {
        return PythonDate(year: year, month: 1, day: 1)?.adding(days: day - 1)
      }
      if let year = digits(text, 4) { return PythonDate(year: year, month: 1, day: 1) }
      if let century = digits(text, 2) { return PythonDate(year: century * 100 + 1, month: 1, day: 1) }
    }
    return nil
  }

  private static func calendarDate(_ text: Substring) -> PythonDate? {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    if parts.count == 3, let year = digits(parts[0], 4), let month = digits(parts[1], 2), let day = digits(parts[2], 2)
    {
      return PythonDate(year: year, month: month, day: day)
    }
    guard parts.count == 1, text.utf8.count == 8, let year = digits(text.prefix(4), 4),
      let month = digits(text.dropFirst(4).prefix(2), 2), let day = digits(text.suffix(2), 2)
    else { return nil }
    return PythonDate(year: year, month: month, day: day)
  }

  private static func weekDate(_ text: Substring) -> PythonDate? {
    let bare = text.filter { $0 != "-" }
    guard bare.count == 7 || bare.count == 8, let year = digits(bare.prefix(4)[...], 4),
      bare.dropFirst(4).first == "W", let week = digits(bare.dropFirst(5).prefix(2), 2), (1...53).contains(week)
    else { return nil }
    let day = bare.count == 8 ? digits(bare.suffix(1), 1) : 1
    guard let day, (1...7).contains(day), let fourth = PythonDate(year: year, month: 1, day: 4) else { return nil }
    return PythonDate(ordinal: fourth.ordinal - fourth.weekday + (week - 1) * 7 + day - 1)
  }

  private static func digits(_ text: Substring, _ count: Int) -> Int? {
    guard text.utf8.count == count, text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
    return Int(text)
  }
}
