package import Logging
import OrderedCollections
package import PlainData

/// One event as it will be written: fields in order, values as text or plain data.
package struct LogRecord: Sendable {
  /// When it happened.
  package var time: Timestamp
  /// How grave it is.
  package var level: Logger.Level
  /// The logger's label, such as `worker.poller`.
  package var logger: String
  /// The constant name of the event.
  package var message: String
  /// What varies from event to event.
  package var fields: PlainObject

  package init(time: Timestamp, level: Logger.Level, logger: String, message: String, fields: PlainObject = [:]) {
    self.time = time
    self.level = level
    self.logger = logger
    self.message = message
    self.fields = fields
  }
}

/// How a record is written.
package enum LogFormat: String, Sendable, Hashable, CaseIterable {
  /// A readable line; times in full unless a person watches the terminal.
  case text
  /// One JSON object a line.
  case json
}

extension LogRecord {
  /// One line without its line end. `isTerminal` turns on colour and shortens the time.
  ///
  /// Control characters are escaped in both formats, so that no value can forge a line or drive a terminal.
  package func line(format: LogFormat, isTerminal: Bool, redact: (String) -> String) -> String {
    switch format {
    case .json: jsonLine(redact)
    case .text: textLine(isTerminal: isTerminal, redact)
    }
  }

  private func jsonLine(_ redact: (String) -> String) -> String {
    var object: PlainObject = [
      "time": .string(time.text), "level": .string(level.shortName), "logger": .string(redact(logger)),
      "message": .string(redact(message)),
    ]
    for (key, value) in fields {
      let free = object[key] == nil ? key : "field." + key
      object[redact(free)] = value.mapStrings(redact)
    }
    return PlainValue.object(object).json()
  }

  private func textLine(isTerminal: Bool, _ redact: (String) -> String) -> String {
    let name = level.shortName
    let padded = name.uppercased() + String(repeating: " ", count: max(0, 5 - name.count))
    var line = isTerminal ? "\u{1B}[2m\(time.clock)\u{1B}[0m " : time.text + " "
    line += isTerminal ? "\u{1B}[\(level.colour)m\(padded)\u{1B}[0m" : padded
    line += " " + LogRecord.escaped(redact(logger)) + ": " + LogRecord.escaped(redact(message))
    for (key, value) in fields {
      let text = value.mapStrings(redact)
      line += isTerminal ? " \u{1B}[2m\(LogRecord.escaped(key))=\u{1B}[0m" : " \(LogRecord.escaped(key))="
      line += LogRecord.fieldText(text)
    }
    return line
  }

  /// A value in a text line: strings that would be ambiguous are quoted as in JSON.
  private static func fieldText(_ value: PlainValue) -> String {
    guard case .string(let text) = value else { return value.json() }
    let isPlain =
      !text.isEmpty
      && text.unicodeScalars.allSatisfy { $0.value > 0x20 && $0.value != 0x7F && $0 != "\"" && $0 != "=" }
    return isPlain && text == escaped(text) ? text : escaped(PlainValue.string(text).json())
  }

  /// The text with control characters, line separators and direction overrides written as `\u{…}`.
  package static func escaped(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isControl) else { return text }
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\n": result += "\\n"
      case "\t": result += "\\t"
      case _ where isControl(scalar): result += "\\u{\(String(scalar.value, radix: 16))}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029, 0x202A...0x202E, 0x2066...0x2069: true
    default: false
    }
  }
}

extension Logger.Level {
  /// The name used in log lines.
  package var shortName: String { self == .warning ? "warn" : rawValue }

  /// The ANSI colour number of the level's name.
  fileprivate var colour: Int {
    switch self {
    case .trace, .debug: 90
    case .info: 32
    case .notice: 36
    case .warning: 33
    case .error, .critical: 31
    }
  }
}

extension PlainValue {
  /// The same tree with every string, keys included, passed through `change`.
  func mapStrings(_ change: (String) -> String) -> PlainValue {
    switch self {
    case .string(let text): .string(change(text))
    case .array(let items): .array(items.map { $0.mapStrings(change) })
    case .object(let members):
      .object(
        PlainObject(
          members.map { (change($0.key), $0.value.mapStrings(change)) }, uniquingKeysWith: { _, last in last }))
    default: self
    }
  }
}
