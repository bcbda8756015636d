package import PlainData

/// A workflow as a value: its whole state, and how it answers each event with commands.
///
/// A conforming type holds no clock, no randomness and no handle: what `handle` returns depends on the state, the event and
/// the context alone. So it replays by construction, is tested as a table, and can be carried across a continue-as-new.
package protocol Orchestration: Codable, Sendable {
  /// The workflow type name that clients start it by.
  static var workflowType: String { get }

  /// Names this workflow answers to beside its events; what `__temporal_workflow_metadata` lists.
  static var interactions: OrchestrationInteractions { get }

  /// The state before the first event. Never fails: wrong input is answered by a `fail` command to `.started`.
  init(start: OrchestrationStart)

  /// Takes in one event and answers with commands, in the order in which they shall stand in the history.
  ///
  /// No event follows after `complete`, `fail` or `cancel` was answered.
  mutating func handle(_ event: OrchestrationEvent, in context: OrchestrationContext) -> [OrchestrationCommand]

  /// Answers a query from the state; must not be asked to change it.
  ///
  /// - Throws: `QueryRefusal` for a name that is not in `interactions` or for wrong arguments.
  func query(_ name: String, arguments: [PlainValue]) throws(QueryRefusal) -> PlainValue

  /// Takes in an update at once: refuses it and stays as it was, or accepts it, changes and answers it.
  mutating func update(_ name: String, arguments: [PlainValue], in context: OrchestrationContext) -> UpdateReply

  /// One or a few lines of Markdown on what the run does now, which the scheduler's pages show.
  var currentDetails: String { get }
}

extension Orchestration {
  package static var interactions: OrchestrationInteractions { OrchestrationInteractions() }

  package func query(_ name: String, arguments: [PlainValue]) throws(QueryRefusal) -> PlainValue {
    throw QueryRefusal.unknown(name, known: Self.interactions.queries)
  }

  package mutating func update(
    _ name: String, arguments: [PlainValue], in context: OrchestrationContext
  ) -> UpdateReply {
    .rejected(.unknownUpdate(name, known: Self.interactions.updates))
  }

  package var currentDetails: String { "" }
}

/// The names a workflow type answers to.
package struct OrchestrationInteractions: Sendable, Equatable {
  package var queries: [String]
  package var signals: [String]
  package var updates: [String]

  package init(queries: [String] = [], signals: [String] = [], updates: [String] = []) {
    self.queries = queries
    self.signals = signals
    self.updates = updates
  }
}

/// What a workflow knows when it begins: the content of the history's first event.
package struct OrchestrationStart: Sendable, Equatable {
  package var workflowType: String
  package var workflowID: String
  /// The id of the run that the history belongs to.
  package var runID: String
  /// The run id that stays the same over a reset: the seed of everything that must be unique and yet repeatable.
  package var originalRunID: String
  /// The first run of a chain of retries or of runs continued as new.
  package var firstRunID: String
  package var taskQueue: String
  package var arguments: [PlainValue]
  /// Why `arguments` is empty although the starter sent some: the payload was not the JSON it claims to be.
  package var argumentsFault: String?
  package var attempt: Int

  package init(
    workflowType: String, workflowID: String, runID: String, originalRunID: String? = nil, firstRunID: String? = nil,
    taskQueue: String, arguments: [PlainValue] = [], argumentsFault: String? = nil, attempt: Int = 1
  ) {
    self.workflowType = workflowType
    self.workflowID = workflowID
    self.runID = runID
    self.originalRunID = originalRunID ?? runID
    self.firstRunID = firstRunID ?? runID
    self.taskQueue = taskQueue
    self.arguments = arguments
    self.argumentsFault = argumentsFault
    self.attempt = attempt
  }
}

/// What holds while an event is handled; the same at every replay.
package struct OrchestrationContext: Sendable, Equatable {
  /// The time at which the workflow task being processed was started. Never goes back.
  package var now: WorkflowTime
  /// The server asks for a continue-as-new soon because of the history's length or size.
  package var suggestsContinueAsNew = false
  /// Bytes of the history so far, as the server counts them.
  package var historyBytes: Int64 = 0

  package init(now: WorkflowTime) { self.now = now }
}

/// A point in workflow time: nanoseconds since the start of 1970 (UTC).
package struct WorkflowTime: Codable, Sendable, Hashable, Comparable {
  package var nanoseconds: Int64

  package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  package static func < (left: WorkflowTime, right: WorkflowTime) -> Bool { left.nanoseconds < right.nanoseconds }

  /// Seconds from an earlier point to this one.
  package func seconds(since earlier: WorkflowTime) -> Double {
    Double(nanoseconds &- earlier.nanoseconds) / 1_000_000_000
  }
}

/// Why a query was not answered. The text goes to whoever asked.
package struct QueryRefusal: Error, Sendable, Equatable, CustomStringConvertible {
  package var message: String
  package var description: String { message }

  package init(_ message: String) { self.message = message }

  /// The refusal of a name that nobody answers to.
  package static func unknown(_ name: String, known: [String]) -> QueryRefusal {
    QueryRefusal("unknown query type '\(name)'; known: \((known + BuiltInQuery.names).joined(separator: ", "))")
  }
}

/// A workflow's answer to an update.
package enum UpdateReply: Sendable, Equatable {
  /// Refused: leaves no trace in the history, and the state must not have changed.
  case rejected(OrchestrationFailure)
  /// Accepted and finished at once, with what the caller gets, and commands that follow from it.
  case completed(PlainValue, commands: [OrchestrationCommand] = [])
}
