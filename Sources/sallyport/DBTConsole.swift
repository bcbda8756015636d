import DBTContext
import DBTEngine
import OrderedCollections
import PlainData

/// Prints a run's lines as dbt does: `HH:MM:SS  text`, or one JSON object a line.
struct DBTConsole: Sendable {
  let isQuiet: Bool
  let isDebug: Bool
  let isJSON: Bool
  let invocationID: String

  /// Prints one line. Lines of several threads do not mix.
  func take(_ line: LogLine) {
    if line.level == .debug, !isDebug { return }
    if isQuiet, line.level < .error, !line.isBare { return }
    if isJSON { return Terminal.write(document(line).json(.python) + "\n") }
    if line.isBare { return Terminal.write(line.message + "\n") }
    // Warnings of templates come without dbt's mark.
    let needsMark = line.level == .warn && line.event != nil && !line.message.hasPrefix("[WARNING]")
    let mark = needsMark ? "[WARNING]: " : ""
    Terminal.write("\(UTCTime.now.clock)  \(mark)\(line.message)\n")
  }

  /// Prints what a command was asked for, without a time, even when quiet.
  func show(_ text: String) { Terminal.write(text + "\n") }

  private func document(_ line: LogLine) -> PlainValue {
    [
      "data": ["msg": .string(line.message), "node_info": ["unique_id": line.nodeID.map { .string($0) } ?? .null]],
      "info": [
        "name": .string(line.event ?? "Note"), "level": .string(line.level.rawValue), "msg": .string(line.message),
        "ts": .string(UTCTime.now.iso), "invocation_id": .string(invocationID),
      ],
    ]
  }
}
