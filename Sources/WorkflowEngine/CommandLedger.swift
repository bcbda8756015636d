import OrderedCollections
import PlainData

/// Keeps account of what a run asked for: commands the history must still show, and activities and timers still open.
struct CommandLedger: Sendable {
  private struct OpenActivity {
    var order: ActivityOrder
    /// nil until the history showed the scheduling event.
    var scheduledID: Int64?
    var cancelIsRequested = false
  }

  /// Commands of the task being processed.
  private var emitted: [EmittedCommand] = []
  /// Commands of the last task that no event has shown yet.
  private var awaited: [EmittedCommand] = []
  private var activities: [String: OpenActivity] = [:]
  /// Scheduling event to activity id; nil when the workflow no longer waits for it.
  private var activityIDs: [Int64: String?] = [:]
  private var timers: [String: Int64?] = [:]
  private var timerIDs: [Int64: String] = [:]

  /// Ids of the activities that the workflow waits for, sorted.
  var openActivities: [String] { activities.keys.sorted() }

  /// Takes off the next awaited command, which must be the one that led to the event, and notes the event's id.
  mutating func match(_ event: RecordedEvent) throws(WorkflowEngineError) {
    guard let command = awaited.first else {
      throw .nondeterminism(
        eventID: event.id, message: "the history records '\(event.content.label)', the workflow asks for nothing more")
    }
    guard command.matches(event.content) else {
      throw .nondeterminism(
        eventID: event.id,
        message: "the history records '\(event.content.label)', the workflow asks for '\(command.label)'")
    }
    awaited.removeFirst()
    switch command {
    case .scheduleActivity(let order):
      guard activities[order.id]?.scheduledID == nil else { break }
      activities[order.id]?.scheduledID = event.id
      activityIDs[event.id] = .some(order.id)
    case .startTimer(let id, _):
      timers[id] = event.id
      timerIDs[event.id] = id
    default: break
    }
  }

  /// Checks that every command of the last task was shown.
  func checkNothingAwaited(before eventID: Int64) throws(WorkflowEngineError) {
    guard let command = awaited.first else { return }
    throw .nondeterminism(
      eventID: eventID, message: "the workflow asks for '\(command.label)', the history records nothing of it")
  }

  /// Notes that an activity ended.
  /// - Returns: its id, or nil if the workflow no longer waits for it.
  mutating func close(_ scheduledID: Int64, at eventID: Int64) throws(WorkflowEngineError) -> String? {
    guard let known = activityIDs.removeValue(forKey: scheduledID) else {
      throw .malformedHistory("event \(eventID) ends an activity that event \(scheduledID) did not schedule")
    }
    guard let id = known else { return nil }
    activities[id] = nil
    return id
  }

  /// Notes that a timer fired.
  /// - Returns: its id, or nil if the workflow no longer waits for it.
  mutating func fire(_ startedID: Int64, at eventID: Int64) throws(WorkflowEngineError) -> String? {
    guard let id = timerIDs.removeValue(forKey: startedID) else {
      throw .malformedHistory("event \(eventID) fires a timer that event \(startedID) did not start")
    }
    guard timers[id] == startedID else { return nil }
    timers[id] = nil
    return id
  }

  /// Notes a command that needs no account.
  mutating func emit(_ command: EmittedCommand) { emitted.append(command) }

  /// Notes a command of the workflow.
  /// - Returns: events that follow from it at once, such as the end of an activity that is given up.
  mutating func take(_ command: OrchestrationCommand) throws(WorkflowEngineError) -> [OrchestrationEvent] {
    switch command {
    case .scheduleActivity(let order): try schedule(order)
    case .cancelActivity(let id): return cancelActivity(id)
    case .startTimer(let id, let delay):
      guard timers[id] == nil else { throw .invalidCommand("timer '\(id)' is already running") }
      timers[id] = .some(nil)
      emitted.append(.startTimer(id: id, after: max(delay, .zero)))
    case .cancelTimer(let id):
      guard let startedID = timers.removeValue(forKey: id) else { break }
      if startedID == nil {
        emitted.removeAll { if case .startTimer(id, _) = $0 { true } else { false } }
      } else {
        emitted.append(.cancelTimer(id: id))
      }
    case .upsertMemo(let fields): emitted.append(.upsertMemo(fields))
    case .complete(let result): emitted.append(.complete(result))
    case .fail(let failure): emitted.append(.fail(failure))
    case .cancel(let details): emitted.append(.cancel(details: details))
    }
    return []
  }

  private mutating func schedule(_ order: ActivityOrder) throws(WorkflowEngineError) {
    guard activities[order.id] == nil else { throw .invalidCommand("activity '\(order.id)' is already open") }
    guard order.startToClose != nil || order.scheduleToClose != nil else {
      throw .invalidCommand("activity '\(order.id)' has neither a start-to-close nor a schedule-to-close timeout")
    }
    activities[order.id] = OpenActivity(order: order)
    emitted.append(.scheduleActivity(order))
  }

  private mutating func cancelActivity(_ id: String) -> [OrchestrationEvent] {
    guard let open = activities[id], !open.cancelIsRequested else { return [] }
    guard let scheduledID = open.scheduledID else {
      // Ordered and given up within one task: the server hears of neither.
      emitted.removeAll { if case .scheduleActivity(let order) = $0 { order.id == id } else { false } }
      activities[id] = nil
      return [.activityCancelled(id: id)]
    }
    if open.order.cancellation != .abandon {
      emitted.append(.requestCancelActivity(id: id, scheduledID: scheduledID))
    }
    guard open.order.cancellation == .waitForEnd else {
      activities[id] = nil
      activityIDs[scheduledID] = .some(nil)
      return [.activityCancelled(id: id)]
    }
    activities[id]?.cancelIsRequested = true
    return []
  }

  /// Ends the task being processed: puts its commands into their final form, which the history must then show.
  mutating func settle() throws(WorkflowEngineError) -> [EmittedCommand] {
    var memo: OrderedDictionary<String, PlainValue> = [:]
    var others: [EmittedCommand] = []
    var terminal: EmittedCommand?
    for command in emitted {
      if case .upsertMemo(let fields) = command {
        memo.merge(fields) { _, last in last }
      } else if command.isTerminal {
        terminal = terminal ?? command
      } else {
        others.append(command)
      }
    }
    if !memo.isEmpty { others.append(.upsertMemo(memo)) }
    if let terminal { others.append(terminal) }
    emitted = []
    awaited = others
    return others
  }
}
