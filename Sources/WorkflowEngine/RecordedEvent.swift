package import PlainData
package import TemporalMessages

/// One event of a history, read into what this machine needs to know of it.
package struct RecordedEvent: Sendable, Equatable {
  /// Position in the history, from 1, without gaps.
  package var id: Int64
  package var time: WorkflowTime
  package var content: Content

  package init(id: Int64, time: WorkflowTime, content: Content) {
    self.id = id
    self.time = time
    self.content = content
  }

  /// The event types of `temporal.api.history.v1` that can occur in the histories of our workflows.
  package enum Content: Sendable, Equatable {
    case executionStarted(OrchestrationStart)
    case taskScheduled
    case taskStarted(suggestsContinueAsNew: Bool, historyBytes: Int64)
    case taskCompleted(startedID: Int64)
    /// A workflow task that failed, timed out or was cut off by a reset.
    case taskUnsuccessful(startedID: Int64)
    case activityScheduled(activityID: String, type: String)
    case activityStarted
    case activityCompleted(scheduledID: Int64, result: PlainValue)
    case activityFailed(scheduledID: Int64, failure: OrchestrationFailure)
    case activityCancelRequested(scheduledID: Int64)
    case activityCancelled(scheduledID: Int64)
    case timerStarted(timerID: String)
    case timerFired(startedID: Int64)
    case timerCancelled(timerID: String)
    case signaled(name: String, arguments: [PlainValue])
    case cancelRequested(cause: String)
    case updateAdmitted(UpdateCall)
    /// `call` is nil when the request stands in an earlier `updateAdmitted`.
    case updateAccepted(updateID: String, sequencingID: Int64, call: UpdateCall?)
    case updateCompleted(updateID: String)
    case propertiesModified(memoKeys: [String])
    case executionCompleted
    case executionFailed
    case executionCancelled
    /// Terminated or timed out: the run ended without a command of ours.
    case executionCutOff
    /// A command event of a kind that our workflows never cause; its name, for the error.
    case foreignCommand(String)
    /// Carries nothing that a workflow sees.
    case ignored
  }

  /// Whether a workflow's command caused this event, so that replay must have produced the same command.
  package var isCausedByCommand: Bool {
    switch content {
    case .activityScheduled, .activityCancelRequested, .timerStarted, .timerCancelled, .updateAccepted,
      .updateCompleted,
      .propertiesModified, .executionCompleted, .executionFailed, .executionCancelled, .foreignCommand:
      true
    default: false
    }
  }
}

/// A request to update a workflow, as the server hands it to the worker.
package struct UpdateCall: Sendable, Equatable {
  /// The id that the caller gave or got; also the protocol instance id.
  package var updateID: String
  /// Id of the protocol message that carried the request.
  package var messageID: String
  /// The request takes its place after the event with this id.
  package var sequencingID: Int64
  package var name: String
  package var arguments: [PlainValue]
  /// Who asked.
  package var identity: String
  /// The request as it came, to be sent back with the answer; nil while replaying.
  package var request: UpdateRequest?

  package init(
    updateID: String, messageID: String? = nil, sequencingID: Int64, name: String, arguments: [PlainValue] = [],
    identity: String = ""
  ) {
    self.updateID = updateID
    self.messageID = messageID ?? updateID + "/request"
    self.sequencingID = sequencingID
    self.name = name
    self.arguments = arguments
    self.identity = identity
  }
}
