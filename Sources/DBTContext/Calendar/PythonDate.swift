/// Python's `datetime.date`: a day of the proleptic Gregorian calendar, years 1 to 9999.
package struct PythonDate: Sendable, Hashable, Comparable {
  package let year: Int
  package let month: Int
  package let day: Int

  /// nil when there is no such day.
  package init?(year: Int, month: Int, day: Int) {
    guard (1...9999).contains(year), (1...12).contains(month),
      (1...PythonDate.days(inMonth: month, of: year)).contains(day)
    else { return nil }
    self.init(checked: year, month, day)
  }

  private init(checked year: Int, _ month: Int, _ day: Int) {
    self.year = year
    self.month = month
    self.day = day
  }

  /// The day with a number as Python counts them: 1 is 0001-01-01. nil outside the calendar.
  package init?(ordinal: Int) {
    guard (1...PythonDate.lastOrdinal).contains(ordinal) else { return nil }
    // Days of whole 400, 100, 4 and 1 years, then the months.
    var rest = ordinal - 1
    let eras = rest / 146_097
    rest %= 146_097
    let centuries = min(rest / 36_524, 3)
    rest -= centuries * 36_524
    let fours = rest / 1461
    rest %= 1461
    let years = min(rest / 365, 3)
    rest -= years * 365
    let year = eras * 400 + centuries * 100 + fours * 4 + years + 1
    var month = 1
    while rest >= PythonDate.days(inMonth: month, of: year) {
      rest -= PythonDate.days(inMonth: month, of: year)
      month += 1
    }
    self.init(checked: year, month, rest + 1)
  }

  /// 9999-12-31.
  static let lastOrdinal = 3_652_059
  package static let epoch = PythonDate(checked: 1970, 1, 1)
  package static let first = PythonDate(checked: 1, 1, 1)
  package static let last = PythonDate(checked: 9999, 12, 31)

  static func isLeap(_ year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

  static func days(inMonth month: Int, of year: Int) -> Int {
    switch month {
    case 2: isLeap(year) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  /// Python's `toordinal()`.
  package var ordinal: Int {
    let before = year - 1
    return before * 365 + before / 4 - before / 100 + before / 400 + dayOfYear
  }

  /// From 1.
  package var dayOfYear: Int {
    (1..<month).reduce(day) { $0 + PythonDate.days(inMonth: $1, of: year) }
  }

  /// 0 is Monday.
  package var weekday: Int { (ordinal + 6) % 7 }

  /// ISO 8601 year, week and day (1 is Monday).
  package var isoCalendar: (year: Int, week: Int, day: Int) {
    func firstMonday(_ year: Int) -> Int {
      let before = year - 1
      let firstDay = before * 365 + before / 4 - before / 100 + before / 400 + 1
      let weekday = (firstDay + 6) % 7
      return weekday > 3 ? firstDay + 7 - weekday : firstDay - weekday
    }
    var isoYear = year
    if ordinal < firstMonday(year) {
      isoYear -= 1
    } else if ordinal >= firstMonday(year + 1) {
      isoYear += 1
    }
    return (isoYear, (ordinal - firstMonday(isoYear)) / 7 + 1, weekday + 1)
  }

  /// `YYYY-MM-DD`.
  package var text: String { "\(Digits.padded(year, 4))-\(Digits.padded(month, 2))-\(Digits.padded(day, 2))" }

  /// The day some days later; nil outside the calendar.
  package func adding(days: Int) -> PythonDate? {
    let (sum, isOverflow) = ordinal.addingReportingOverflow(days)
    return isOverflow ? nil : PythonDate(ordinal: sum)
  }

  package static func < (left: PythonDate, right: PythonDate) -> Bool {
    (left.year, left.month, left.day) < (right.year, right.month, right.day)
  }
}

/// Decimal digits with a least width.
enum Digits {
  static func padded(_ number: Int, _ width: Int, with pad: Character = "0") -> String {
    let digits = String(abs(number))
    let padding = String(repeating: pad, count: max(0, width - digits.count - (number < 0 ? 1 : 0)))
    return (number < 0 ? "-" : "") + padding + digits
  }
}
