/// The zone of a time: UTC, a fixed offset, or a region of the tz database bound to one of its periods, as pytz has it.
package enum PythonZone: Sendable, Hashable {
  /// `pytz.utc`.
  case utc
  /// `datetime.timezone(offset)`: seconds east of UTC.
  case fixed(seconds: Int)
  /// `pytz.FixedOffset(minutes)`.
  case pytzFixed(minutes: Int)
  case region(ZoneRegion, ZonePeriod)

  /// Seconds east of UTC.
  package var offset: Int {
    switch self {
    case .utc: 0
    case .fixed(let seconds): seconds
    case .pytzFixed(let minutes): minutes * 60
    case .region(_, let period): period.offset
    }
  }

  /// Seconds of daylight saving that `offset` contains; nil where Python answers None.
  package var daylight: Int? {
    switch self {
    case .utc, .pytzFixed: 0
    case .fixed: nil
    case .region(_, let period): period.daylight
    }
  }

  /// Python's `tzname()`: an abbreviation; nil where Python answers None.
  package var abbreviation: String? {
    switch self {
    case .utc: "UTC"
    case .fixed(let seconds): seconds == 0 ? "UTC" : "UTC" + offsetText(separator: ":")
    case .pytzFixed: nil
    case .region(_, let period): period.abbreviation
    }
  }

  /// `str()` of the zone object.
  package var text: String {
    switch self {
    case .utc: "UTC"
    case .fixed: abbreviation ?? ""
    case .pytzFixed(let minutes): "pytz.FixedOffset(\(minutes))"
    case .region(let region, _): region.name
    }
  }

  /// `repr()` of the zone object, as pytz writes it.
  package var repr: String {
    switch self {
    case .utc: return "<UTC>"
    case .fixed(let seconds):
      if seconds == 0 { return "datetime.timezone.utc" }
      return "datetime.timezone(\(PythonTimeDelta(microseconds: seconds * 1_000_000).repr))"
    case .pytzFixed: return text
    case .region(let region, let period):
      guard !region.isStatic else { return "<StaticTzInfo '\(region.name)'>" }
      let kind = period.daylight == 0 ? "STD" : "DST"
      let sign = period.offset > 0 ? "+" : ""
      let span = PythonTimeDelta(microseconds: period.offset * 1_000_000).text
      return "<DstTzInfo '\(region.name)' \(period.abbreviation)\(sign)\(span) \(kind)>"
    }
  }

  /// `+HH:MM[:SS]`, with the given separator.
  package func offsetText(separator: String) -> String {
    let size = abs(offset)
    var text = (offset < 0 ? "-" : "+") + Digits.padded(size / 3600, 2) + separator + Digits.padded(size / 60 % 60, 2)
    if size % 60 != 0 { text += separator + Digits.padded(size % 60, 2) }
    return text
  }

  /// The zone with the period that is in force at an instant of the Unix clock.
  func bound(atUnix instant: PythonTimeDelta) -> PythonZone {
    guard case .region(let region, _) = self else { return self }
    return .region(region, region.period(atUnix: instant.days * 86_400 + instant.seconds))
  }
}

extension PythonZone {
  /// Why a local time has no meaning, or more than one, in a zone.
  package enum LocalTimeFault: Error {
    /// Skipped when clocks went forward.
    case missing
    /// Comes twice when clocks went back.
    case ambiguous
    /// Outside the calendar.
    case outOfRange
  }

  /// pytz's `localize`: gives a time without zone the period that is in force at it.
  ///
  /// - Parameter isDaylight: which side to take where clocks change; nil refuses such times.
  package func localized(
    _ naive: PythonDateTime, isDaylight: Bool? = false
  ) throws(LocalTimeFault) -> PythonDateTime {
    guard case .region(let region, _) = self, !region.isStatic else { return naive.replacing(zone: self) }
    let wall = naive.wallMicroseconds
    let epoch = PythonDate.epoch.ordinal * PythonTimeDelta.microsecondsPerDay
    let seconds = PythonTimeDelta(microseconds: wall - epoch)
    let near = seconds.days * 86_400 + seconds.seconds
    var candidates: [ZonePeriod] = []
    for delta in [-86_400, 86_400] {
      let period = region.period(atUnix: near + delta)
      // The guess holds when the instant it leads to is in a period with the same clock.
      let actual = region.period(atUnix: near - period.offset)
      if actual.offset == period.offset, !candidates.contains(actual) { candidates.append(actual) }
    }
    if candidates.count == 1 { return naive.replacing(zone: .region(region, candidates[0])) }
    guard let isDaylight else { throw candidates.isEmpty ? .missing : .ambiguous }
    if candidates.isEmpty { return try bridged(naive, isDaylight) }
    let wanted = candidates.filter { ($0.daylight != 0) == isDaylight }
    let pool = wanted.isEmpty ? candidates : wanted
    // With daylight saving the earlier instant counts, without it the later one.
    let chosen = isDaylight ? pool.max { $0.offset < $1.offset } : pool.min { $0.offset < $1.offset }
    return naive.replacing(zone: chosen.map { .region(region, $0) } ?? self)
  }

  /// A skipped time, read by the clock of the period before it (or after it, with daylight saving).
  private func bridged(_ naive: PythonDateTime, _ isDaylight: Bool) throws(LocalTimeFault) -> PythonDateTime {
    let sixHours = PythonTimeDelta(microseconds: (isDaylight ? 6 : -6) * 3_600_000_000)
    guard let moved = naive.adding(sixHours) else { throw .outOfRange }
    let local = try localized(moved, isDaylight: isDaylight)
    guard let back = local.adding(PythonTimeDelta(microseconds: -sixHours.total)) else { throw .outOfRange }
    return back
  }
}
