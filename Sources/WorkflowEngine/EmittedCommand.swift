package import OrderedCollections
package import PlainData

/// A command as it goes to the server and as the history must show it again.
package enum EmittedCommand: Sendable, Equatable {
  case scheduleActivity(ActivityOrder)
  case requestCancelActivity(id: String, scheduledID: Int64)
  case startTimer(id: String, after: Duration)
  case cancelTimer(id: String)
  case upsertMemo(OrderedDictionary<String, PlainValue>)
  case acceptUpdate(UpdateCall)
  case completeUpdate(UpdateCall, result: PlainValue)
  case complete(PlainValue)
  case fail(OrchestrationFailure)
  case cancel(details: PlainValue)

  /// Whether the command ends the run; then it must be the last one.
  package var isTerminal: Bool {
    switch self {
    case .complete, .fail, .cancel: true
    default: false
    }
  }

  /// Whether this is the command that led to the event: same kind, same ids.
  package func matches(_ content: RecordedEvent.Content) -> Bool {
    switch (self, content) {
    case (.scheduleActivity(let order), .activityScheduled(let id, let type)): order.id == id && order.type == type
    case (.requestCancelActivity(_, let ours), .activityCancelRequested(let theirs)): ours == theirs
    case (.startTimer(let ours, _), .timerStarted(let theirs)): ours == theirs
    case (.cancelTimer(let ours), .timerCancelled(let theirs)): ours == theirs
    case (.upsertMemo(let fields), .propertiesModified(let keys)): Set(fields.keys) == Set(keys)
    case (.acceptUpdate(let request), .updateAccepted(let id, _, _)): request.updateID == id
    case (.completeUpdate(let request, _), .updateCompleted(let id)): request.updateID == id
    case (.complete, .executionCompleted), (.fail, .executionFailed), (.cancel, .executionCancelled): true
    default: false
    }
  }

  /// For error messages: the kind and the ids.
  package var label: String {
    switch self {
    case .scheduleActivity(let order): "schedule activity '\(order.id)' of type '\(order.type)'"
    case .requestCancelActivity(let id, let scheduledID): "cancel activity '\(id)' (event \(scheduledID))"
    case .startTimer(let id, _): "start timer '\(id)'"
    case .cancelTimer(let id): "cancel timer '\(id)'"
    case .upsertMemo(let fields): "upsert memo (\(fields.keys.joined(separator: ", ")))"
    case .acceptUpdate(let request): "accept update '\(request.updateID)'"
    case .completeUpdate(let request, _): "complete update '\(request.updateID)'"
    case .complete: "complete the workflow"
    case .fail: "fail the workflow"
    case .cancel: "cancel the workflow"
    }
  }
}

extension RecordedEvent.Content {
  /// For error messages: what command must have caused the event.
  var label: String {
    switch self {
    case .activityScheduled(let id, let type): "schedule activity '\(id)' of type '\(type)'"
    case .activityCancelRequested(let scheduledID): "cancel activity (event \(scheduledID))"
    case .timerStarted(let id): "start timer '\(id)'"
    case .timerCancelled(let id): "cancel timer '\(id)'"
    case .updateAccepted(let id, _, _): "accept update '\(id)'"
    case .updateCompleted(let id): "complete update '\(id)'"
    case .propertiesModified(let keys): "upsert memo (\(keys.sorted().joined(separator: ", ")))"
    case .executionCompleted: "complete the workflow"
    case .executionFailed: "fail the workflow"
    case .executionCancelled: "cancel the workflow"
    case .foreignCommand(let name): name
    default: "\(self)"
    }
  }
}
