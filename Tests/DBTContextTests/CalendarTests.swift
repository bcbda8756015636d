import Jinja
import OrderedCollections
import PlainData
import TestSupport
import Testing

@testable import DBTContext

/// Dates and times against Python and pytz.
@Suite struct CalendarTests {
  static let times = [
    "2024-02-29T10:20:30", "2024-01-01T00:00:00", "1999-12-31T23:59:59.000123", "2021-01-03T12:00:00",
    "2020-12-28T13:05:09",
    "2000-03-01T00:30:00", "1900-01-01T00:00:00", "2262-06-15T18:45:00.5", "2023-10-29T02:30:00", "0999-05-06T07:08:09",
  ]
  static let formats = [
    "%Y-%m-%d %H:%M:%S", "%a %A %w %d %b %B %m %y %Y", "%H %I %p %M %S %f", "%j %U %W %V %G %u",
    "%c|%x|%X|%D|%F|%T|%R|%r",
    "%-d/%-m/%-H", "%e|%k|%l|%C|%g|%h|%n|%t|%%", "%_d %05d %^a %#a", "%z %Z", "plain é %Q %", "%s", "%P %10Y",
  ]

  @Test func strftimeAgreesWithPython() throws {
    let script = """
      import datetime
      for t, f in json.load(sys.stdin):
          d = datetime.datetime.fromisoformat(t).replace(tzinfo=datetime.timezone.utc)
          print(json.dumps(d.strftime(f)))
      """
    let pairs = Self.times.flatMap { time in Self.formats.map { (time, $0) } }
    let answers = try pythonAnswers(script, pairs.map { [.string($0.0), .string($0.1)] })
    for ((text, format), answer) in zip(pairs, answers) {
      let time = try #require(ISODate.pythonDateTime(text)).replacing(zone: .fixed(seconds: 0))
      #expect(TimeFormatter.text(time, format: format) == answer.stringValue, "\(text) \(format)")
    }
  }

  @Test func strptimeAgreesWithPython() throws {
    let cases = [
      ("2024-02-29", "%Y-%m-%d"), ("2024-2-9", "%Y-%m-%d"), ("29/02/24 1:02 PM", "%d/%m/%y %I:%M %p"),
      ("Thu Feb 29 10:20:30 2024", "%c"), ("2024 060", "%Y %j"), ("2024-02-30", "%Y-%m-%d"), ("x", "%Y"),
      ("2024-02-29 ", "%Y-%m-%d"), ("2024-02-29T10:20:30.5Z", "%Y-%m-%dT%H:%M:%S.%f%z"),
      ("10:20:30 +05:30", "%H:%M:%S %z"),
      ("10:20:30 +053015", "%H:%M:%S %z"), ("10:20 -05:30:15", "%H:%M %z"), ("2024-W09-4", "%G-W%V-%u"),
      ("2024 08 1", "%Y %U %w"), ("2024 08 1", "%Y %W %w"), ("february 3 2001", "%B %d %Y"), ("12 AM", "%I %p"),
      ("12 pm", "%I %p"), ("2024%", "%Y%%"), ("2024  05", "%Y %m"), ("", ""), ("20240229", "%Y%m%d"),
      ("112024", "%m%Y"),
      ("2024-01-01 UTC", "%Y-%m-%d %Z"), ("99", "%y"), ("68", "%y"), ("1:2:3", "%H:%M:%S"), ("10", "%Q"),
      ("2024-13-01", "%Y-%m-%d"),
    ]
    let script = """
      import datetime
      for t, f in json.load(sys.stdin):
          try: print(json.dumps(repr(datetime.datetime.strptime(t, f))))
          except ValueError as e: print(json.dumps("error"))
      """
    let answers = try pythonAnswers(script, cases.map { [.string($0.0), .string($0.1)] })
    for ((text, format), answer) in zip(cases, answers) {
      let ours = (try? TimeParser.parse(text, format: format)).map { $0.value.repr } ?? "error"
      #expect(ours == answer.stringValue, "\(text) \(format)")
    }
  }

  @Test func isoTextsAgreeWithPython() throws {
    let texts = [
      "2024-02-29", "20240229", "2024-W09-4", "2024W094", "2024-02-29T10", "2024-02-29 10:20", "2024-02-29T102030",
      "2024-02-29T10:20:30.123", "2024-02-29T10:20:30.123456+05:30", "2024-02-29T10:20:30Z", "2024-02-30", "2024-2-9",
      "2024-02-29T25:00", "x", "", "2024-02-29T10:20:30-0830", "2024-02-29T10:20:30.1234567",
    ]
    let script = """
      import datetime
      for t in json.load(sys.stdin):
          try: print(json.dumps(datetime.datetime.fromisoformat(t).isoformat()))
          except ValueError as e: print(json.dumps("error"))
      """
    let answers = try pythonAnswers(script, texts.map { .string($0) })
    for (text, answer) in zip(texts, answers) {
      #expect(ISODate.pythonDateTime(text)?.isoText() ?? "error" == answer.stringValue, "\(text)")
    }
  }

  @Test func zonesAgreeWithPytz() throws {
    let zones = [
      "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "US/Pacific", "UTC",
      "Africa/Johannesburg", "Europe/London",
    ]
    let instants = [
      "1950-06-01T00:00:00", "1970-01-01T00:00:00", "1985-07-01T12:00:00", "2023-03-26T01:30:00", "2023-10-29T00:30:00",
      "2023-11-05T06:30:00", "2024-07-01T00:00:00", "2036-12-01T00:00:00", "2040-07-01T00:00:00",
    ]
    let script = """
      import datetime, pytz
      for z, t in json.load(sys.stdin):
          d = datetime.datetime.fromisoformat(t).replace(tzinfo=pytz.utc).astimezone(pytz.timezone(z))
          print(json.dumps([str(d), d.tzname(), repr(d.tzinfo)]))
      """
    let pairs = zones.flatMap { zone in instants.map { (zone, $0) } }
    let answers = try pythonAnswers(script, pairs.map { [.string($0.0), .string($0.1)] })
    for ((name, text), answer) in zip(pairs, answers) {
      let zone = try ZoneDatabase.system.zone(named: name)
      let time = try #require(ISODate.pythonDateTime(text)).replacing(zone: .utc)
      let local = try #require(time.converted(to: zone))
      #expect(local.text == answer.arrayValue?[0].stringValue, "\(name) \(text)")
      #expect(local.zone?.abbreviation == answer.arrayValue?[1].stringValue, "\(name) \(text)")
      #expect(local.zone?.repr == answer.arrayValue?[2].stringValue, "\(name) \(text)")
    }
  }

  @Test func localTimesAgreeWithPytz() throws {
    let texts = [
      "2023-03-26T02:30:00", "2023-03-26T01:59:59", "2023-03-26T03:00:00", "2023-10-29T02:30:00", "2023-10-29T01:59:00",
      "2023-10-29T03:00:00", "2024-06-01T00:00:00", "1999-12-31T23:59:59",
    ]
    let script = """
      import datetime, pytz
      tz = pytz.timezone("Europe/Berlin")
      for t in json.load(sys.stdin):
          answers = []
          for d in (False, True, None):
              try: answers.append(str(tz.localize(datetime.datetime.fromisoformat(t), is_dst=d)))
              except pytz.exceptions.InvalidTimeError: answers.append("error")
          print(json.dumps(answers))
      """
    let zone = try ZoneDatabase.system.zone(named: "Europe/Berlin")
    let answers = try pythonAnswers(script, texts.map { .string($0) })
    for (text, answer) in zip(texts, answers) {
      let time = try #require(ISODate.pythonDateTime(text))
      let ours = [false, true, nil].map { (try? zone.localized(time, isDaylight: $0))?.text ?? "error" }
      #expect(ours == answer.arrayValue?.compactMap(\.stringValue), "\(text)")
    }
  }

  @Test(arguments: [1, 59, 60, 365, 366, 1461, 36524, 36525, 146097, 146098, 719163, 738945, 3_652_059])
  func ordinalsReadBack(ordinal: Int) throws {
    #expect(try #require(PythonDate(ordinal: ordinal)).ordinal == ordinal)
  }

  @Test(arguments: [
    (0, "0:00:00", "datetime.timedelta(0)"), (1, "0:00:00.000001", "datetime.timedelta(microseconds=1)"),
    (-1, "-1 day, 23:59:59.999999", "datetime.timedelta(days=-1, seconds=86399, microseconds=999999)"),
    (90_061_000_000, "1 day, 1:01:01", "datetime.timedelta(days=1, seconds=3661)"),
    (-172_800_000_000, "-2 days, 0:00:00", "datetime.timedelta(days=-2)"),
  ])
  func spansPrintAsInPython(microseconds: Int, text: String, repr: String) {
    let delta = PythonTimeDelta(microseconds: microseconds)
    #expect(delta.text == text)
    #expect(delta.repr == repr)
  }

  @Test func unknownZonesAreRefused() {
    for name in ["Mars/Base", "../../etc/passwd", "/etc/passwd", "", "Europe"] {
      #expect(throws: DBTError.self, "\(name)") { try ZoneDatabase.system.zone(named: name) }
    }
  }

  @Test func aMissingDatabaseIsNamed() {
    let database = ZoneDatabase(directory: "/nonexistent")
    let error = #expect(throws: DBTError.self) { try database.zone(named: "Europe/Berlin") }
    #expect(error?.message.contains("no tz database in '/nonexistent'") == true)
  }

  @Test func rulesAfterTheLastChangeAreExpanded() throws {
    let rule = try #require(PosixZone("CET-1CEST,M3.5.0,M10.5.0/3"))
    let changes = rule.changes(upTo: 1970)
    #expect(changes.map(\.time) == [7_520_400, 25_664_400])
  }
}
