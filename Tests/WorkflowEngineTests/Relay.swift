import OrderedCollections
import PlainData

@testable import WorkflowEngine

/// A small workflow for tests: runs the activities named in its input one after the other, then completes with their results.
struct Relay: Orchestration {
  static let workflowType = "relay"
  static let interactions = OrchestrationInteractions(queries: ["left"], signals: ["add"], updates: ["append"])

  var waiting: [String]
  var running: String?
  var results: [PlainValue] = []
  var cancellation: ActivityCancellation
  var isCancelled = false

  init(start: OrchestrationStart) {
    waiting = start.arguments.compactMap(\.stringValue)
    cancellation = waiting.first.flatMap(ActivityCancellation.init(rawValue:)) ?? .waitForEnd
    if ActivityCancellation(rawValue: waiting.first ?? "") != nil { waiting.removeFirst() }
  }

  mutating func handle(_ event: OrchestrationEvent, in context: OrchestrationContext) -> [OrchestrationCommand] {
    switch event {
    case .started: return [.upsertMemo(["state": "begun"])] + next()
    case .activityCompleted(_, let result):
      results.append(result)
      return next()
    case .activityFailed(_, let failure): return [.fail(failure)]
    case .activityCancelled: return [.cancel(details: .array(results))]
    case .timerFired(let id):
      results.append(.string(id))
      return next()
    case .signaled(_, let arguments):
      waiting += arguments.compactMap(\.stringValue)
      return running == nil ? next() : []
    case .cancelRequested: return running.map { [.cancelActivity(id: $0)] } ?? [.cancel(details: nil)]
    }
  }

  mutating func update(_ name: String, arguments: [PlainValue], in context: OrchestrationContext) -> UpdateReply {
    guard name == "append" else { return .rejected(.unknownUpdate(name, known: ["append"])) }
    waiting += arguments.compactMap(\.stringValue)
    return .completed(.int(waiting.count))
  }

  func query(_ name: String, arguments: [PlainValue]) throws(QueryRefusal) -> PlainValue {
    guard name == "left" else { throw .unknown(name, known: Self.interactions.queries) }
    return .int(waiting.count)
  }

  private mutating func next() -> [OrchestrationCommand] {
    running = nil
    guard !waiting.isEmpty else { return [.complete(.array(results))] }
    let name = waiting.removeFirst()
    running = name
    if name.hasPrefix("timer") { return [.startTimer(id: name, after: .seconds(1))] }
    return [
      .scheduleActivity(
        ActivityOrder(id: name, type: "work", startToClose: .seconds(10), cancellation: cancellation))
    ]
  }
}

/// Writes histories as a server would: ids count up, command events follow the completion of their task.
struct HistoryWriter {
  private(set) var events: [RecordedEvent] = []

  var lastID: Int64 { Int64(events.count) }

  @discardableResult
  mutating func add(_ content: RecordedEvent.Content) -> Int64 {
    let id = lastID + 1
    events.append(RecordedEvent(id: id, time: WorkflowTime(nanoseconds: id * 1_000_000_000), content: content))
    return id
  }

  mutating func start(_ arguments: [PlainValue], type: String = "relay") {
    add(
      .executionStarted(
        OrchestrationStart(
          workflowType: type, workflowID: "w", runID: "r", taskQueue: "q", arguments: arguments)))
  }

  /// Schedules and starts a workflow task.
  /// - Returns: id of the starting event.
  @discardableResult
  mutating func task() -> Int64 {
    add(.taskScheduled)
    return add(.taskStarted(suggestsContinueAsNew: false, historyBytes: 0))
  }

  /// Completes the task that the last `task` began.
  mutating func completeTask(_ started: Int64) { add(.taskCompleted(startedID: started)) }

  /// The events after an id.
  func after(_ id: Int64) -> [RecordedEvent] { events.filter { $0.id > id } }
}
