import DBTContext

/// The length of a microbatch model's batches: units of the calendar in UTC.
enum BatchSize: String {
  case hour, day, month, year

  /// The start of the batch that holds a moment.
  func truncated(_ moment: PythonDateTime) -> PythonDateTime {
    let date = moment.date
    return switch self {
    case .hour: Self.moment(date.year, date.month, date.day, hour: moment.time.hour) ?? moment
    case .day: Self.moment(date.year, date.month, date.day) ?? moment
    case .month: Self.moment(date.year, date.month, 1) ?? moment
    case .year: Self.moment(date.year, 1, 1) ?? moment
    }
  }

  /// The start of the batch so many batches after the one that holds a moment; nil outside the calendar.
  func start(_ moment: PythonDateTime, batchesLater count: Int) -> PythonDateTime? {
    let first = truncated(moment)
    switch self {
    case .hour: return Self.adding(first, count, microseconds: 3_600_000_000)
    case .day: return Self.adding(first, count, microseconds: 86_400_000_000)
    case .month:
      let (months, isOverflow) = (first.date.year * 12 + first.date.month - 1).addingReportingOverflow(count)
      guard !isOverflow, months >= 12 else { return nil }
      return Self.moment(months / 12, months % 12 + 1, 1)
    case .year:
      let (year, isOverflow) = first.date.year.addingReportingOverflow(count)
      return isOverflow ? nil : Self.moment(year, 1, 1)
    }
  }

  /// The moment itself when a batch begins there, else the start of the next batch; nil outside the calendar.
  func ceiling(_ moment: PythonDateTime) -> PythonDateTime? {
    let start = truncated(moment)
    return start.unixSeconds == moment.unixSeconds ? start : self.start(moment, batchesLater: 1)
  }

  /// The start of a batch in the name of its files: `2024-09-17T16`, `2024-09-17`, `2024-09` or `2024`.
  func text(_ start: PythonDateTime) -> String {
    let date = start.date.text
    return switch self {
    case .hour: "\(date)T\(start.time.hour < 10 ? "0" : "")\(start.time.hour)"
    case .day: date
    case .month: String(date.prefix(7))
    case .year: String(date.prefix(4))
    }
  }

  private static func moment(_ year: Int, _ month: Int, _ day: Int, hour: Int = 0) -> PythonDateTime? {
    guard let date = PythonDate(year: year, month: month, day: day),
      let time = PythonTime(hour: hour, minute: 0, zone: .utc)
    else { return nil }
    return PythonDateTime(date, time)
  }

  private static func adding(_ moment: PythonDateTime, _ count: Int, microseconds: Int) -> PythonDateTime? {
    let (total, isOverflow) = count.multipliedReportingOverflow(by: microseconds)
    return isOverflow ? nil : moment.adding(PythonTimeDelta(microseconds: total))
  }
}
