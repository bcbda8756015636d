import OrderedCollections
package import PlainData

/// One line that a template or the engine has to say to the user.
package struct LogLine: Sendable, Equatable {
  package enum Level: String, Sendable, Comparable {
    case debug, info, warn, error

    private var rank: Int {
      switch self {
      case .debug: 0
      case .info: 1
      case .warn: 2
      case .error: 3
      }
    }

    package static func < (left: Level, right: Level) -> Bool { left.rank < right.rank }
  }

  package var level: Level
  /// Already free of secrets.
  package var message: String
  /// `print()` writes its text bare to standard output, without time or level.
  package var isBare: Bool
  /// The name of dbt's event class for warnings that `--warn-error-options` may select, such as `JinjaLogWarning`.
  package var event: String?
  /// The node being worked on, when there is one.
  package var nodeID: String?
  /// What a structured line carries besides its message, by the names of dbt's event.
  package var data: PlainObject

  package init(
    _ level: Level, _ message: String, isBare: Bool = false, event: String? = nil, nodeID: String? = nil,
    data: PlainObject = [:]
  ) {
    self.level = level
    self.message = message
    self.isBare = isBare
    self.event = event
    self.nodeID = nodeID
    self.data = data
  }
}
