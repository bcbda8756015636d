package import Logging
import OrderedCollections
import PlainData

/// swift-log's back end here: turns events into records for a `LogOutput`.
package struct StructuredLogHandler: LogHandler {
  private let label: String
  private let output: LogOutput
  private let now: @Sendable () -> Timestamp
  /// Nil: this logger is silent, whatever its level.
  private let isSilent: Bool
  package var logLevel: Logger.Level
  package var metadata: Logger.Metadata = [:]
  package var metadataProvider: Logger.MetadataProvider?

  /// - Parameter now: the wall clock; a test gives its own.
  package init(
    label: String, output: LogOutput, filter: LogFilter, now: @escaping @Sendable () -> Timestamp = Timestamp.now
  ) {
    self.label = label
    self.output = output
    self.now = now
    let level = filter.level(label: label)
    logLevel = level ?? .critical
    isSilent = level == nil
  }

  package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  package func log(event: LogEvent) {
    guard !isSilent else { return }
    var merged = metadata
    if let provided = metadataProvider?.get() { merged.merge(provided) { _, new in new } }
    if let own = event.metadata { merged.merge(own) { _, new in new } }
    var fields = PlainObject()
    for key in merged.keys.sorted() { fields[key] = merged[key]?.plain }
    if let error = event.error { fields["error"] = .string(String(describing: error)) }
    output.write(
      LogRecord(time: now(), level: event.level, logger: label, message: event.message.description, fields: fields))
  }

  /// Makes this handler the one behind every `Logger` of the process. Call once, first of all.
  package static func bootstrap(output: LogOutput, filter: LogFilter) {
    LoggingSystem.bootstrap { label in StructuredLogHandler(label: label, output: output, filter: filter) }
  }
}

extension Logger.MetadataValue {
  /// The value as plain data.
  fileprivate var plain: PlainValue {
    switch self {
    case .string(let text): .string(text)
    case .stringConvertible(let value):
      switch value {
      case let number as Int: .int(number)
      case let number as Double: .double(number)
      case let flag as Bool: .bool(flag)
      default: .string(value.description)
      }
    case .array(let items): .array(items.map(\.plain))
    case .dictionary(let members):
      .object(
        PlainObject(members.sorted { $0.key < $1.key }.map { ($0.key, $0.value.plain) }, uniquingKeysWith: { $1 }))
    }
  }
}
