import Foundation
import Logging
import OrderedCollections
import PlainData
import Secrets
import Testing

@testable import Observability

@Suite struct LogTests {
  static let moment = Timestamp(seconds: 1_795_302_904, nanoseconds: 250_999_999)

  private func record(_ message: String, _ fields: PlainObject = [:], level: Logger.Level = .info) -> LogRecord {
    LogRecord(time: Self.moment, level: level, logger: "worker", message: message, fields: fields)
  }

  @Test(
    arguments: [
      (0, "1970-01-01T00:00:00.000Z"), (951_782_400, "2000-02-29T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.000Z"),
      (4_107_542_399, "2100-02-28T23:59:59.000Z"), (4_107_542_400, "2100-03-01T00:00:00.000Z"),
    ] as [(Int64, String)])
  func timestampsAreUTC(seconds: Int64, text: String) {
    #expect(Timestamp(seconds: seconds).text == text)
  }

  @Test func textLinesNameTheMomentLevelLoggerEventAndFields() {
    let line = record(
      "poll failed", ["attempt": 3, "cause": "connection refused", "queue": "dbt-tasks"], level: .warning
    )
    .line(format: .text, isTerminal: false) { $0 }
    #expect(
      line
        == #"2026-11-21T23:15:04.250Z WARN  worker: poll failed attempt=3 cause="connection refused" queue=dbt-tasks"#)
  }

  @Test func jsonLinesAreOneObjectEach() throws {
    let line = record("started", ["pid": 7, "message": "own", "ok": true]).line(format: .json, isTerminal: false) { $0 }
    #expect(!line.contains("\n"))
    #expect(
      try PlainValue(jsonText: line) == [
        "time": "2026-11-21T23:15:04.250Z", "level": "info", "logger": "worker", "message": "started", "pid": 7,
        "field.message": "own", "ok": true,
      ])
  }

  @Test(arguments: LogFormat.allCases, [true, false])
  func noValueCanForgeALineOrDriveATerminal(format: LogFormat, isTerminal: Bool) {
    let evil = "x\n2026-11-21 INFO forged \u{1B}[2J\u{9B}31m\u{202E}\r"
    let line = LogRecord(time: Self.moment, level: .info, logger: evil, message: evil, fields: [evil: .string(evil)])
      .line(format: format, isTerminal: isTerminal) { $0 }
    #expect(!line.contains("\n") && !line.contains("\r") && !line.contains("\u{1B}[2J"))
    if format == .text { #expect(!line.contains("\u{202E}") && !line.contains("\u{9B}")) }
  }

  @Test(arguments: LogFormat.allCases)
  func registeredSecretsNeverReachTheDescriptor(format: LogFormat) throws {
    let redactor = Redactor()
    redactor.register(SharedSecret(copying: "can\"ary-1".utf8))
    let pipe = Pipe()
    let output = LogOutput(
      descriptor: pipe.fileHandleForWriting.fileDescriptor, format: format, isTerminal: false, redactor: redactor)
    struct Leaky: Error, CustomStringConvertible { let description = "login failed for can\"ary-1" }
    var logger = Logger(label: "can\"ary-1.log") { label in
      StructuredLogHandler(label: label, output: output, filter: LogFilter(), now: { Self.moment })
    }
    logger[metadataKey: "context"] = .array(["can\"ary-1", .dictionary(["can\"ary-1": "x can\"ary-1"])])
    logger.error("got can\"ary-1", error: Leaky(), metadata: ["key": "can\"ary-1"])
    try pipe.fileHandleForWriting.close()
    let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    #expect(!text.contains("ary-1"))
    #expect(text.contains(Redactor.mark))
    #expect(text.hasSuffix("\n") && text.count { $0 == "\n" } == 1)
  }

  @Test func aClosedPipeLosesLinesButNotTheProcess() throws {
    signal(SIGPIPE, SIG_IGN)
    let pipe = Pipe()
    try pipe.fileHandleForReading.close()
    let output = LogOutput(descriptor: pipe.fileHandleForWriting.fileDescriptor, format: .json)
    output.write(record("lost"))
    #expect(output.lostLines == 1)
  }

  @Test func theFilterReadsLevelsByLogger() throws {
    let filter = try #require(LogFilter("warn, worker=debug,worker.poller = trace,quiet=off"))
    #expect(filter.level(label: "other") == .warning)
    #expect(filter.level(label: "worker") == .debug)
    #expect(filter.level(label: "worker.cache") == .debug)
    #expect(filter.level(label: "workers") == .warning)
    #expect(filter.level(label: "worker.poller") == .trace)
    #expect(filter.level(label: "quiet") == nil)
    #expect(LogFilter("off")?.level(label: "x") == .some(nil))
    #expect(LogFilter("INFO")?.level == .info)
  }

  @Test(arguments: ["loud", "worker=", "=debug", "info,x=y", "worker=debug=info"])
  func malformedFiltersAreRefused(text: String) {
    #expect(LogFilter(text) == nil)
  }
}
