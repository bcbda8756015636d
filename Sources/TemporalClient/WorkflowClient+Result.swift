import GRPCClient
package import PlainData
package import TemporalMessages

/// How a workflow ended.
package enum WorkflowOutcome: Sendable, Equatable {
  /// It returned.
  case completed(result: [PlainValue])
  /// It failed.
  case failed(TemporalFailure)
  /// It cancelled itself on request.
  case canceled(details: [PlainValue])
  /// Someone ended it by force.
  case terminated(reason: String)
  /// It took too long.
  case timedOut
}

/// The end of a workflow and the run that came to it.
package struct WorkflowResult: Sendable, Equatable {
  /// The last run of the chain.
  package let execution: WorkflowExecution
  /// How it ended.
  package let outcome: WorkflowOutcome
}

extension WorkflowClient {
  /// Waits until a workflow ends, through retries and runs continued as new.
  ///
  /// A lost connection or a restarted server only delays the answer (`CallRetryPolicy.follow`). Cancelling the task ends
  /// the wait and leaves the workflow alone.
  package func result(
    of execution: WorkflowExecution, retry: CallRetryPolicy = .follow
  ) async throws(ServiceError) -> WorkflowResult {
    var run = execution
    while true {
      let event = try await closeEvent(of: run, retry: retry)
      if let next = nextRunID(after: event) {
        run.runID = next
        continue
      }
      do {
        return WorkflowResult(execution: run, outcome: try outcome(of: event))
      } catch {
        throw unreadable("GetWorkflowExecutionHistory", error)
      }
    }
  }

  /// The event that closed a run; waits for it.
  private func closeEvent(
    of execution: WorkflowExecution, retry: CallRetryPolicy
  ) async throws(ServiceError) -> HistoryEvent {
    var request = GetWorkflowExecutionHistoryRequest()
    request.execution = execution
    request.waitNewEvent = true
    request.historyEventFilterType = .closeEvent
    request.skipArchival = true
    while true {
      let response = try await service.getWorkflowExecutionHistory(request, options: CallOptions(retry: retry))
      if let event = response.history?.events.last { return event }
      // Nothing for some 20 seconds: the token resumes the wait. Without one the run closed between two pages.
      request.nextPageToken = response.nextPageToken
      if Task.isCancelled {
        throw ServiceError(
          method: "GetWorkflowExecutionHistory", origin: .call, code: .cancelled, message: "cancelled while waiting")
      }
    }
  }

  private func nextRunID(after event: HistoryEvent) -> String? {
    let id =
      switch event.attributes {
      case .workflowExecutionCompletedEventAttributes(let end)?: end.newExecutionRunID
      case .workflowExecutionFailedEventAttributes(let end)?: end.newExecutionRunID
      case .workflowExecutionTimedOutEventAttributes(let end)?: end.newExecutionRunID
      case .workflowExecutionContinuedAsNewEventAttributes(let end)?: end.newExecutionRunID
      default: ""
      }
    return id.isEmpty ? nil : id
  }

  private func outcome(of event: HistoryEvent) throws(PayloadError) -> WorkflowOutcome {
    switch event.attributes {
    case .workflowExecutionCompletedEventAttributes(let end)?:
      return .completed(result: try payloads.values(end.result))
    case .workflowExecutionFailedEventAttributes(let end)?: return .failed(failures.failure(end.failure ?? Failure()))
    case .workflowExecutionCanceledEventAttributes(let end)?:
      return .canceled(details: try payloads.values(end.details))
    case .workflowExecutionTerminatedEventAttributes(let end)?: return .terminated(reason: end.reason)
    case .workflowExecutionTimedOutEventAttributes?: return .timedOut
    default: throw PayloadError(.malformed, "a run ended with an event of type \(event.eventType)")
    }
  }
}
