package import DBTContext
import OrderedCollections
import PlainData
import YAMLDocument

/// Times as options give them.
package enum EventTime {
  /// A date or a time, such as `2024-01-02`, `2024-01-02 03:04:05` or `2024-01-02T03:04:05+01:00`, brought to UTC, in which
  /// those without a zone are; nil for anything else.
  package static func read(_ text: String) -> PythonDateTime? {
    guard let moment = PythonDateTime(isoText: text) else { return nil }
    return moment.zone == nil ? inUTC(moment) : moment.converted(to: .utc)
  }

  /// The same reading of the clock in UTC: dbt takes times without a zone, and those with any, to be in UTC.
  static func inUTC(_ moment: PythonDateTime) -> PythonDateTime { moment.replacing(zone: .utc) }

  /// A run's span of time for microbatch models.
  ///
  /// - Throws: dbt's usage error when only one end is given or the start is not before the end.
  package static func span(start: String?, end: String?) throws(EngineError) -> BatchSpan? {
    guard start != nil || end != nil else { return nil }
    func moment(_ text: String?, _ option: String, _ other: String) throws(EngineError) -> PythonDateTime {
      guard let text else {
        throw EngineError(
          .usage,
          "The flag `--\(other)` was specified, but `--\(option)` was not. When specifying `--\(other)`, `--\(option)` "
            + "must also be present.")
      }
      guard let moment = read(text) else {
        throw EngineError(
          .usage,
          "Invalid value for '--\(option)': '\(text)' does not match the formats '%Y-%m-%d', '%Y-%m-%dT%H:%M:%S', "
            + "'%Y-%m-%d %H:%M:%S'.")
      }
      return moment
    }
    let first = try moment(start, "event-time-start", "event-time-end")
    let last = try moment(end, "event-time-end", "event-time-start")
    guard first.unixSeconds < last.unixSeconds else {
      throw EngineError(.usage, "Value for `--event-time-start` must be less than `--event-time-end`")
    }
    return BatchSpan(start: first, end: last)
  }
}

/// `--sample`: the span of time to which refs and sources are cut down.
package enum SampleWindow {
  /// Reads `3 days` (back from now) or `{start: 2024-01-01, end: 2024-01-02}`.
  ///
  /// - Parameter now: seconds since 1970.
  /// - Throws: dbt's usage error for anything else.
  package static func read(_ text: String, now: Double) throws(EngineError) -> BatchSpan {
    let trimmed = Blanks.trimmed(text)
    return trimmed.hasPrefix("{") ? try absolute(trimmed) : try relative(text, now: now)
  }

  private static func invalid(_ reason: String) -> EngineError {
    EngineError(.usage, "Invalid value for '--sample': \(reason)")
  }

  private static func absolute(_ text: String) throws(EngineError) -> BatchSpan {
    let members: PlainValue
    do {
      members = try YAMLDocument.parse(Array(text.utf8), path: "--sample")
    } catch {
      throw invalid("The YAML provided in the --sample argument is not valid.\n\(error)")
    }
    guard let start = (members["start"]?.stringValue).flatMap({ PythonDateTime(isoText: $0) }),
      let end = (members["end"]?.stringValue).flatMap({ PythonDateTime(isoText: $0) })
    else { throw invalid("'\(text)' needs 'start' and 'end', each a date or a time") }
    return BatchSpan(start: EventTime.inUTC(start), end: EventTime.inUTC(end))
  }

  private static func relative(_ text: String, now: Double) throws(EngineError) -> BatchSpan {
    let words = text.split(separator: " ", omittingEmptySubsequences: false)
    guard words.count == 2 else {
      throw invalid("Cannot load SAMPLE_WINDOW from '\(text)'. Must be of form 'DAYS_INT GRAIN_SIZE'.")
    }
    guard let count = Int(words[0]) else { throw invalid("Unable to convert '\(words[0])' to an integer.") }
    var grain = words[1].lowercased()
    while grain.hasSuffix("s") { grain.removeLast() }
    guard let size = BatchSize(rawValue: grain) else {
      throw invalid(
        "Invalid grain size '\(words[1])'. Must be one of ['hour', 'day', 'month', 'year', 'hours', 'days', 'months', "
          + "'years'].")
    }
    let whole = now.rounded(.down)
    guard let end = PythonDateTime(unixSeconds: Int(whole), microseconds: Int((now - whole) * 1_000_000)),
      let start = earlier(end, count, size)
    else { throw invalid("'\(text)' reaches beyond the calendar") }
    return BatchSpan(start: start, end: end)
  }

  /// So many units before, at the same time of day; days that a month lacks become its last.
  private static func earlier(_ moment: PythonDateTime, _ count: Int, _ size: BatchSize) -> PythonDateTime? {
    func back(_ microseconds: Int) -> PythonDateTime? {
      let (total, isOverflow) = count.multipliedReportingOverflow(by: -microseconds)
      return isOverflow ? nil : moment.adding(PythonTimeDelta(microseconds: total))
    }
    switch size {
    case .hour: return back(3_600_000_000)
    case .day: return back(86_400_000_000)
    case .month, .year:
      let (months, isOverflow) = count.multipliedReportingOverflow(by: size == .year ? 12 : 1)
      let place = moment.date.year * 12 + moment.date.month - 1
      guard !isOverflow, abs(months) < 200_000, place - months >= 12 else { return nil }
      let (year, month) = ((place - months) / 12, (place - months) % 12 + 1)
      for day in stride(from: moment.date.day, through: 28, by: -1) {
        if let date = PythonDate(year: year, month: month, day: day) { return PythonDateTime(date, moment.time) }
      }
      return PythonDate(year: year, month: month, day: moment.date.day).map { PythonDateTime($0, moment.time) }
    }
  }
}
