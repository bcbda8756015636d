import DBTContext
import DBTEngine
import Glibc
import OrderedCollections
import PlainData
import Secrets

/// Prints a command's lines as dbt does, and keeps them in dbt's log file. Thread-safe.
final class DBTConsole: Sendable {
  /// How lines look.
  enum Format: String {
    case text, debug, json
  }

  let isQuiet: Bool
  private let format: Format
  /// The least level that is printed; nil prints what is bare and nothing else.
  private let level: LogLine.Level?
  private let hasColours: Bool
  private let file: DBTLogFile?
  private let fileFormat: Format
  private let invocationID: String
  /// Of the environment's secrets, whoever writes: also what was given on the command line goes into the file.
  private let scrubber: SecretScrubber

  init(_ flags: DBTFlags, invocationID: String) {
    self.invocationID = invocationID
    let environment = Launch.environment
    let forTemplates = environment.values.filter { $0.key.hasPrefix("DBT_ENV_SECRET") }.values
    scrubber = SecretScrubber(environment.secrets.values + forTemplates.map { SharedSecret(copying: $0.utf8) })
    isQuiet = flags.isOn("quiet")
    hasColours = flags.wasGiven("use_colors") ? flags.isOn("use_colors") : Terminal.hasColour
    format = Format(rawValue: flags.text("log_format") ?? "") ?? .text
    fileFormat = Format(rawValue: flags.text("log_format_file") ?? "") ?? .debug
    let least = flags.text("log_level") ?? "info"
    level =
      least == "none"
      ? nil : isQuiet ? .error : flags.isOn("debug") ? .debug : LogLine.Level(rawValue: least) ?? .info
    let fileLevel = flags.isOn("debug") ? "debug" : flags.text("log_level_file") ?? "debug"
    file = LogLine.Level(rawValue: fileLevel).map {
      DBTLogFile(
        folder: flags.logFolder, level: $0, limit: flags.number("log_file_max_bytes") ?? DBTLogFile.standardLimit)
    }
  }

  /// Prints one line and logs it. Lines of several threads do not mix.
  func take(_ line: LogLine) {
    let now = UTCTime.now
    if let level, line.level >= level || line.isBare {
      Terminal.write(scrubber.scrub(written(line, format, now, inColours: hasColours)) + "\n")
    }
    if let file, line.level >= file.level, !Self.unlogged.contains(line.event ?? "") {
      file.append(scrubber.scrub(separator(line, now) + written(line, fileFormat, now)) + "\n")
    }
  }

  /// Prints what a command was asked for, without a time, even when quiet.
  func show(_ text: String, event: String = "PrintEvent", data: PlainObject = [:]) {
    take(LogLine(.info, text, isBare: true, event: event, data: data))
  }

  /// Events of `clean`, which may have just removed the log's folder.
  private static let unlogged: Set<String> = [
    "CheckCleanPath", "ConfirmCleanPath", "ProtectedCleanPath", "FinishedCleanPaths",
  ]

  private func written(_ line: LogLine, _ format: Format, _ now: UTCTime, inColours: Bool = false) -> String {
    let text = inColours && format != .json && !line.isBare ? DBTColours.painted(marked(line)) : marked(line)
    switch format {
    case .json: return document(line, now).json(.python)
    case .debug:
      let level = line.level.rawValue + (line.level.rawValue.count < 5 ? " " : "")
      let thread =
        String(WorkThread.name.prefix(10)) + String(repeating: " ", count: max(0, 10 - WorkThread.name.count))
      return "\(now.preciseClock) [\(level)] [\(thread)]: \(text)"
    case .text: return line.isBare ? line.message : "\(now.clock)  \(text)"
    }
  }

  /// The first line of a command in the log file is set off from the last one's.
  private func separator(_ line: LogLine, _ now: UTCTime) -> String {
    guard line.event == "MainReportVersion", fileFormat == .debug else { return "" }
    let rule = String(repeating: "=", count: 30)
    return "\n\n\(rule) \(now.preciseClock) | \(invocationID) \(rule)\n"
  }

  /// Warnings carry dbt's mark, those of templates too once they are events.
  private func marked(_ line: LogLine) -> String {
    let needsMark =
      line.level == .warn && line.event != nil && !line.message.hasPrefix("[WARNING]")
      && !Self.unmarked.contains(line.event ?? "")
    return needsMark ? "[WARNING]: \(line.message)" : line.message
  }

  /// Events of the level warn whose text comes without the mark.
  private static let unmarked: Set<String> = [
    "LogTestResult", "LogFreshnessResult", "SelectExcludeIgnoredWithSelectorWarning", "Note",
  ]

  private func document(_ line: LogLine, _ now: UTCTime) -> PlainValue {
    let name = line.event ?? "Note"
    var data = line.data
    if data.isEmpty { data["msg"] = .string(line.message) }
    return [
      "data": .object(data),
      "info": [
        "category": "", "code": .string(EventCode.of(name)), "extra": [:], "invocation_id": .string(invocationID),
        "level": .string(line.level.rawValue), "msg": .string(marked(line)), "name": .string(name),
        "pid": .int(Int(getpid())), "thread": .string(WorkThread.name), "ts": .string(now.iso),
      ],
    ]
  }
}
