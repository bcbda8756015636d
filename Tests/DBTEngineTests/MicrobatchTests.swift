import DBTContext
import DBTProject
import OrderedCollections
import PlainData
import Testing

@testable import DBTEngine

/// A moment in UTC from its ISO text.
private func moment(_ text: String) throws -> PythonDateTime {
  EventTime.inUTC(try #require(PythonDateTime(isoText: text)))
}

@Suite struct BatchSizeTests {
  @Test(arguments: [
    (
      "hour", "2024-09-17T16:06:00", "2024-09-17T16:00:00", "2024-09-17T15:00:00", "2024-09-17T17:00:00",
      "2024-09-17T16"
    ),
    ("day", "2024-09-17T16:06:00", "2024-09-17T00:00:00", "2024-09-16T00:00:00", "2024-09-18T00:00:00", "2024-09-17"),
    ("month", "2024-09-17T16:06:00", "2024-09-01T00:00:00", "2024-08-01T00:00:00", "2024-10-01T00:00:00", "2024-09"),
    ("month", "2024-01-31T00:00:00", "2024-01-01T00:00:00", "2023-12-01T00:00:00", "2024-02-01T00:00:00", "2024-01"),
    ("year", "2024-02-29T23:59:59", "2024-01-01T00:00:00", "2023-01-01T00:00:00", "2025-01-01T00:00:00", "2024"),
  ])
  func cutsTimeAsDBTDoes(size: String, time: String, start: String, before: String, after: String, name: String) throws
  {
    let size = try #require(BatchSize(rawValue: size))
    let time = try moment(time)
    #expect(size.truncated(time).isoText() == start + "+00:00")
    #expect(size.start(time, batchesLater: -1)?.isoText() == before + "+00:00")
    #expect(size.ceiling(time)?.isoText() == after + "+00:00")
    #expect(size.ceiling(try moment(start))?.isoText() == start + "+00:00")
    #expect(size.text(size.truncated(time)) == name)
  }

  @Test func stopsAtTheEndOfTheCalendar() throws {
    #expect(BatchSize.day.start(try moment("9999-12-31"), batchesLater: 1) == nil)
    #expect(BatchSize.year.start(try moment("0001-01-01"), batchesLater: -1) == nil)
    #expect(BatchSize.month.start(try moment("0001-01-01"), batchesLater: -1) == nil)
    #expect(BatchSize.hour.start(try moment("2024-01-01"), batchesLater: .max) == nil)
  }
}

@Suite struct BatchPlanTests {
  private func model(_ config: PlainObject) -> Node {
    var all: PlainObject = ["materialized": "incremental", "incremental_strategy": "microbatch", "batch_size": "day"]
    all.merge(config) { _, last in last }
    return Node(
      uniqueID: "model.p.m", resourceType: .model, packageName: "p", name: "m", alias: "m", database: "d", schema: "s",
      path: "m.sql", originalFilePath: "models/m.sql", fqn: ["p", "m"], rawCode: "", config: all)
  }

  private func texts(_ plan: BatchPlan) -> [String] {
    plan.spans.map { "\($0.start.isoText().prefix(13))>\($0.end.isoText().prefix(13))" }
  }

  @Test func aFirstRunBeginsAtBegin() throws {
    let plan = try BatchPlan(
      model(["begin": "2024-01-01T10:00:00"]), window: nil, isIncremental: false, now: try moment("2024-01-03T05:00:00")
    )
    #expect(
      texts(plan) == ["2024-01-01T00>2024-01-02T00", "2024-01-02T00>2024-01-03T00", "2024-01-03T00>2024-01-04T00"])
  }

  @Test func laterRunsLookBack() throws {
    let now = try moment("2024-01-03T05:00:00")
    let usual = try BatchPlan(model(["begin": "2020-01-01"]), window: nil, isIncremental: true, now: now)
    #expect(texts(usual) == ["2024-01-02T00>2024-01-03T00", "2024-01-03T00>2024-01-04T00"])
    let none = try BatchPlan(model(["begin": "2020-01-01", "lookback": 0]), window: nil, isIncremental: true, now: now)
    #expect(texts(none) == ["2024-01-03T00>2024-01-04T00"])
  }

  @Test func aWindowIsWidenedToWholeBatches() throws {
    let window = BatchSpan(start: try moment("2024-01-01T10:00:00"), end: try moment("2024-02-02T10:00:00"))
    let plan = try BatchPlan(
      model(["batch_size": "month"]), window: window, isIncremental: true, now: try moment("2030-01-01"))
    #expect(texts(plan) == ["2024-01-01T00>2024-02-01T00", "2024-02-01T00>2024-03-01T00"])
  }

  @Test func moreBatchesThanTheLimitAreRefused() throws {
    #expect(throws: DBTError.self) {
      try BatchPlan(
        model(["batch_size": "hour", "begin": "0001-01-01"]), window: nil, isIncremental: false,
        now: try moment("2024-01-01"))
    }
  }

  @Test func resultsTravelAsDBTWritesThem() throws {
    var results = BatchResults()
    results.successful = [BatchSpan(start: try moment("2024-01-01"), end: try moment("2024-01-02"))]
    #expect(
      results.plain.json() == #"{"successful":[["2024-01-01T00:00:00+00:00","2024-01-02T00:00:00+00:00"]],"failed":[]}"#
    )
    #expect(BatchResults(plain: results.plain) == results)
    #expect(BatchResults(plain: .null) == nil)
  }
}

@Suite struct EventTimeTests {
  @Test func readsBothEndsOrNone() throws {
    #expect(try EventTime.span(start: nil, end: nil) == nil)
    let span = try #require(try EventTime.span(start: "2024-01-01", end: "2024-01-02T10:00:00+02:00"))
    #expect(span.end.isoText() == "2024-01-02T08:00:00+00:00")
    for (start, end) in [
      ("2024-01-01", nil), (nil, "2024-01-01"), ("2024-01-02", "2024-01-02"), ("soon", "2024-01-01"),
    ]
      as [(String?, String?)]
    {
      #expect(throws: EngineError.self) { try EventTime.span(start: start, end: end) }
    }
  }

  @Test(arguments: [
    ("3 days", "2024-02-27T12:00:00+00:00"), ("1 month", "2024-02-01T12:00:00+00:00"),
    ("2 hours", "2024-03-01T10:00:00+00:00"), ("4 years", "2020-03-01T12:00:00+00:00"),
  ])
  func samplesReachBack(text: String, start: String) throws {
    let now = try moment("2024-03-01T12:00:00").unixSeconds
    let span = try SampleWindow.read(text, now: now)
    #expect(span.start.isoText() == start)
    #expect(span.end.isoText() == "2024-03-01T12:00:00+00:00")
  }

  @Test func samplesMayNameTheirEnds() throws {
    let span = try SampleWindow.read("{start: 2024-01-01, end: '2024-01-02 10:00:00'}", now: 0)
    #expect(span.end.isoText() == "2024-01-02T10:00:00+00:00")
    for text in ["3", "x days", "3 weeks", "{start: 2024-01-01}", "99999999999999 days"] {
      #expect(throws: EngineError.self) { try SampleWindow.read(text, now: 0) }
    }
  }
}
