import PlainData
package import TemporalMessages

extension RecordedEvent {
  /// Reads the events of one run.
  ///
  /// - Parameter runID: of the run that the history belongs to; the first event does not tell it after a reset.
  package static func read(_ events: [HistoryEvent], runID: String) throws(WorkflowEngineError) -> [RecordedEvent] {
    var read: [RecordedEvent] = []
    read.reserveCapacity(events.count)
    for event in events { read.append(try RecordedEvent(event, runID: runID)) }
    return read
  }

  /// Reads one event.
  package init(_ event: HistoryEvent, runID: String) throws(WorkflowEngineError) {
    id = event.eventID
    time = WorkflowTime(event.eventTime)
    content = try Self.content(of: event, runID: runID)
  }

  private static func content(of event: HistoryEvent, runID: String) throws(WorkflowEngineError) -> Content {
    switch event.attributes {
    case .workflowExecutionStartedEventAttributes(let started):
      return .executionStarted(try start(started, runID: runID))
    case .workflowExecutionSignaledEventAttributes(let signal):
      return .signaled(name: signal.signalName, arguments: (try? plainValues(signal.input, in: "a signal")) ?? [])
    case .workflowExecutionCancelRequestedEventAttributes(let request): return .cancelRequested(cause: request.cause)
    case .workflowExecutionCompletedEventAttributes: return .executionCompleted
    case .workflowExecutionFailedEventAttributes: return .executionFailed
    case .workflowExecutionCanceledEventAttributes: return .executionCancelled
    case .workflowExecutionTimedOutEventAttributes, .workflowExecutionTerminatedEventAttributes: return .executionCutOff
    case .workflowPropertiesModifiedEventAttributes(let change):
      return .propertiesModified(memoKeys: change.upsertedMemo.map { Array($0.fields.keys) } ?? [])
    default: return try taskContent(of: event)
    }
  }

  private static func taskContent(of event: HistoryEvent) throws(WorkflowEngineError) -> Content {
    switch event.attributes {
    case .workflowTaskScheduledEventAttributes: return .taskScheduled
    case .workflowTaskStartedEventAttributes(let task):
      return .taskStarted(suggestsContinueAsNew: task.suggestContinueAsNew, historyBytes: task.historySizeBytes)
    case .workflowTaskCompletedEventAttributes(let task): return .taskCompleted(startedID: task.startedEventID)
    case .workflowTaskFailedEventAttributes(let task): return .taskUnsuccessful(startedID: task.startedEventID)
    case .workflowTaskTimedOutEventAttributes(let task): return .taskUnsuccessful(startedID: task.startedEventID)
    case .timerStartedEventAttributes(let timer): return .timerStarted(timerID: timer.timerID)
    case .timerFiredEventAttributes(let timer): return .timerFired(startedID: timer.startedEventID)
    case .timerCanceledEventAttributes(let timer): return .timerCancelled(timerID: timer.timerID)
    default: return try activityContent(of: event)
    }
  }

  private static func activityContent(of event: HistoryEvent) throws(WorkflowEngineError) -> Content {
    switch event.attributes {
    case .activityTaskScheduledEventAttributes(let activity):
      return .activityScheduled(activityID: activity.activityID, type: activity.activityType?.name ?? "")
    case .activityTaskStartedEventAttributes: return .activityStarted
    case .activityTaskCompletedEventAttributes(let activity):
      let results = try plainValues(activity.result, in: "the result of event \(event.eventID)")
      return .activityCompleted(scheduledID: activity.scheduledEventID, result: results.first ?? .null)
    case .activityTaskFailedEventAttributes(let activity):
      return .activityFailed(
        scheduledID: activity.scheduledEventID, failure: OrchestrationFailure(activity.failure ?? Failure()))
    case .activityTaskTimedOutEventAttributes(let activity):
      return .activityFailed(
        scheduledID: activity.scheduledEventID, failure: OrchestrationFailure(activity.failure ?? Failure()))
    case .activityTaskCancelRequestedEventAttributes(let activity):
      return .activityCancelRequested(scheduledID: activity.scheduledEventID)
    case .activityTaskCanceledEventAttributes(let activity):
      return .activityCancelled(scheduledID: activity.scheduledEventID)
    default: return try updateContent(of: event)
    }
  }

  private static func updateContent(of event: HistoryEvent) throws(WorkflowEngineError) -> Content {
    switch event.attributes {
    case .workflowExecutionUpdateAdmittedEventAttributes(let update):
      guard let request = update.request else { return .ignored }
      return .updateAdmitted(try UpdateCall(request, messageID: nil, sequencingID: event.eventID))
    case .workflowExecutionUpdateAcceptedEventAttributes(let update):
      var call: UpdateCall?
      if let request = update.acceptedRequest {
        call = try UpdateCall(
          request, messageID: update.acceptedRequestMessageID, sequencingID: update.acceptedRequestSequencingEventID)
      }
      return .updateAccepted(
        updateID: update.protocolInstanceID, sequencingID: update.acceptedRequestSequencingEventID, call: call)
    case .workflowExecutionUpdateCompletedEventAttributes(let update):
      return .updateCompleted(updateID: update.meta?.updateID ?? "")
    default: return try otherContent(of: event)
    }
  }

  private static func otherContent(of event: HistoryEvent) throws(WorkflowEngineError) -> Content {
    switch event.attributes {
    case .markerRecordedEventAttributes(let marker): return .foreignCommand("record marker '\(marker.markerName)'")
    case .upsertWorkflowSearchAttributesEventAttributes: return .foreignCommand("upsert search attributes")
    case .startChildWorkflowExecutionInitiatedEventAttributes(let child):
      return .foreignCommand("start child workflow '\(child.workflowID)'")
    case .signalExternalWorkflowExecutionInitiatedEventAttributes: return .foreignCommand("signal another workflow")
    case .requestCancelExternalWorkflowExecutionInitiatedEventAttributes:
      return .foreignCommand("cancel another workflow")
    case .workflowExecutionContinuedAsNewEventAttributes: return .foreignCommand("continue as new")
    case .workflowExecutionOptionsUpdatedEventAttributes, .workflowExecutionPausedEventAttributes,
      .workflowExecutionUnpausedEventAttributes, .workflowExecutionTimeSkippingTransitionedEventAttributes,
      .workflowPropertiesModifiedExternallyEventAttributes, .activityPropertiesModifiedExternallyEventAttributes,
      .workflowExecutionUpdateRejectedEventAttributes:
      return .ignored
    default:
      guard event.workerMayIgnore else {
        throw .unsupportedEvent(eventID: event.eventID, type: event.eventType.rawValue)
      }
      return .ignored
    }
  }

  /// The first event. Arguments that are not what they claim are the starter's fault, which the workflow itself answers; an
  /// encoding that this worker cannot read may be the worker's own fault and stops the task.
  private static func start(
    _ started: WorkflowExecutionStartedEventAttributes, runID: String
  ) throws(WorkflowEngineError) -> OrchestrationStart {
    var start = OrchestrationStart(
      workflowType: started.workflowType?.name ?? "", workflowID: started.workflowID, runID: runID,
      originalRunID: started.originalExecutionRunID.isEmpty ? nil : started.originalExecutionRunID,
      firstRunID: started.firstExecutionRunID.isEmpty ? nil : started.firstExecutionRunID,
      taskQueue: started.taskQueue?.name ?? "", attempt: Int(started.attempt))
    for payload in started.input?.payloads ?? [] {
      do {
        start.arguments.append(try payload.plain())
      } catch .unsupported(let encoding) where encoding.hasPrefix("binary/encrypted") {
        throw .unsupportedEncoding(encoding, where: "the workflow's input")
      } catch {
        start.arguments = []
        start.argumentsFault = "\(error)"
        break
      }
    }
    return start
  }
}

extension UpdateCall {
  /// Reads a request out of a protocol message or an event.
  package init(_ request: UpdateRequest, messageID: String?, sequencingID: Int64) throws(WorkflowEngineError) {
    let updateID = request.meta?.updateID ?? ""
    self.init(
      updateID: updateID, messageID: messageID, sequencingID: sequencingID, name: request.input?.name ?? "",
      arguments: try plainValues(request.input?.args, in: "update '\(updateID)'"),
      identity: request.meta?.identity ?? "")
  }

  /// Reads the requests among the protocol messages of a workflow task.
  package static func read(
    _ messages: [ProtocolMessage], startedID: Int64
  ) throws(WorkflowEngineError) -> [UpdateCall] {
    var calls: [UpdateCall] = []
    for message in messages {
      guard let body = message.body, body.holds(UpdateRequest.self) else { continue }
      do {
        let request: UpdateRequest = try body.unpacked()
        var sequencingID = startedID - 1
        if case .eventID(let id) = message.sequencingID { sequencingID = id }
        var call = try UpdateCall(request, messageID: message.id, sequencingID: sequencingID)
        call.request = request
        calls.append(call)
      } catch let error as WorkflowEngineError {
        throw error
      } catch {
        throw .malformedHistory("update message '\(message.id)': \(error)")
      }
    }
    return calls
  }
}

extension WorkflowTime {
  /// A protocol time; absent counts as 1970. Saturates beyond the years 1677 to 2262.
  package init(_ time: ProtoTimestamp?) {
    let (product, overflow) = (time?.seconds ?? 0).multipliedReportingOverflow(by: 1_000_000_000)
    let (sum, sumOverflow) = product.addingReportingOverflow(Int64(time?.nanos ?? 0))
    let isNegative = (time?.seconds ?? 0) < 0
    self.init(nanoseconds: overflow || sumOverflow ? (isNegative ? .min : .max) : sum)
  }
}

extension ProtoDuration {
  /// A duration cut to whole nanoseconds.
  package init(_ duration: Duration) {
    self.init()
    seconds = duration.components.seconds
    nanos = Int32(duration.components.attoseconds / 1_000_000_000)
  }

  /// nil for zero, which the server writes for what was not set.
  package var duration: Duration? {
    seconds == 0 && nanos == 0 ? nil : .seconds(seconds) + .nanoseconds(Int64(nanos))
  }
}
