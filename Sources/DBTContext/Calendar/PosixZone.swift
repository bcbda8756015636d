/// A rule such as `CET-1CEST,M3.5.0,M10.5.0/3` (POSIX, `TZ`), which ends a compiled zone.
struct PosixZone {
  private struct Day {
    var month: Int
    var week: Int
    var weekday: Int
    /// Seconds after midnight, by the clock in force before.
    var time: Int
  }

  private let standard: ZoneType
  private let daylight: ZoneType?
  private var start: Day?
  private var end: Day?

  var hasDaylight: Bool { daylight != nil && start != nil && end != nil }

  /// nil for rules of another form than month, week and weekday: such zones keep their last period.
  init?(_ text: String) {
    var scanner = RuleScanner(text)
    guard let name = scanner.name(), let west = scanner.time() else { return nil }
    standard = ZoneType(offset: -west, isDaylight: false, abbreviation: name)
    guard let other = scanner.name() else {
      daylight = nil
      return
    }
    let otherWest = scanner.next == "," ? west - 3600 : scanner.time() ?? west - 3600
    daylight = ZoneType(offset: -otherWest, isDaylight: true, abbreviation: other)
    start = PosixZone.day(&scanner)
    end = PosixZone.day(&scanner)
  }

  private static func day(_ scanner: inout RuleScanner) -> Day? {
    guard scanner.skip(","), scanner.skip("M"), let month = scanner.number(), scanner.skip("."),
      let week = scanner.number(), scanner.skip("."), let weekday = scanner.number(), (1...12).contains(month),
      (1...5).contains(week), (0...6).contains(weekday)
    else { return nil }
    let time = scanner.skip("/") ? scanner.time() ?? 7200 : 7200
    return Day(month: month, week: week, weekday: weekday, time: time)
  }

  /// The changes of clocks from 1970 to a year, in order of time.
  func changes(upTo lastYear: Int) -> [(time: Int, type: ZoneType)] {
    guard let daylight, let start, let end else { return [] }
    return (1970...lastYear).flatMap { year in
      [
        (time: PosixZone.unix(start, year) - standard.offset, type: daylight),
        (time: PosixZone.unix(end, year) - daylight.offset, type: standard),
      ]
    }.sorted { $0.time < $1.time }
  }

  /// The change's reading of the clock as if it were UTC.
  private static func unix(_ day: Day, _ year: Int) -> Int {
    let last = PythonDate.days(inMonth: day.month, of: year)
    guard let first = PythonDate(year: year, month: day.month, day: 1) else { return 0 }
    // Rules count from Sunday, Python from Monday.
    let weekdayOfFirst = (first.weekday + 1) % 7
    var number = 1 + (day.weekday - weekdayOfFirst + 7) % 7 + (day.week - 1) * 7
    while number > last { number -= 7 }
    return (first.ordinal + number - 1 - PythonDate.epoch.ordinal) * 86_400 + day.time
  }
}

private struct RuleScanner {
  private var rest: Substring
  private let text: String

  init(_ text: String) {
    self.text = text
    rest = text[...]
  }

  var next: Character? { rest.first }

  mutating func skip(_ mark: Character) -> Bool {
    guard rest.first == mark else { return false }
    rest.removeFirst()
    return true
  }

  mutating func name() -> String? {
    if skip("<") {
      let name = rest.prefix { $0 != ">" }
      rest = rest.dropFirst(name.count + 1)
      return String(name)
    }
    let name = rest.prefix { $0.isLetter }
    rest = rest.dropFirst(name.count)
    return name.isEmpty ? nil : String(name)
  }

  mutating func number() -> Int? {
    let digits = rest.prefix { $0.isNumber }
    rest = rest.dropFirst(digits.count)
    return digits.count > 4 ? nil : Int(digits)
  }

  /// `[+-]h[:m[:s]]` in seconds.
  mutating func time() -> Int? {
    let isNegative = skip("-")
    if !isNegative { _ = skip("+") }
    guard let hours = number() else { return nil }
    var seconds = hours * 3600
    if skip(":"), let minutes = number() { seconds += minutes * 60 }
    if skip(":"), let more = number() { seconds += more }
    return isNegative ? -seconds : seconds
  }
}
