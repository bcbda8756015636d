package import TemporalMessages

extension WorkflowService {
  /// Waits for a workflow task. The answer has no task token when none came within a minute.
  /// Transient failures are retried without end.
  package func pollWorkflowTaskQueue(
    _ request: PollWorkflowTaskQueueRequest, options: CallOptions = CallOptions()
  ) async throws(ServiceError) -> PollWorkflowTaskQueueResponse {
    try await call(ServiceMethod("PollWorkflowTaskQueue", timeout: .seconds(70), retry: .taskPoll), request, options)
  }

  /// Waits for an activity task. The answer has no task token when none came within a minute.
  /// Transient failures are retried without end.
  package func pollActivityTaskQueue(
    _ request: PollActivityTaskQueueRequest, options: CallOptions = CallOptions()
  ) async throws(ServiceError) -> PollActivityTaskQueueResponse {
    try await call(ServiceMethod("PollActivityTaskQueue", timeout: .seconds(70), retry: .taskPoll), request, options)
  }

  /// Answers a workflow task. `.notFound` can mean that an earlier attempt was taken: evict the run, do not fail it.
  package func respondWorkflowTaskCompleted(
    _ request: RespondWorkflowTaskCompletedRequest, options: CallOptions = CallOptions()
  ) async throws(ServiceError) -> RespondWorkflowTaskCompletedResponse {
    try await call(ServiceMethod("RespondWorkflowTaskCompleted"), request, options)
  }

  /// Gives a workflow task up. For the first attempt of the task only.
  package func respondWorkflowTaskFailed(
    _ request: RespondWorkflowTaskFailedRequest, options: CallOptions = CallOptions()
  ) async throws(ServiceError) -> RespondWorkflowTaskFailedResponse {
    try await call(ServiceMethod("RespondWorkflowTaskFailed"), request, options)
  }

  /// Answers a task that was a query alone.
  package func respondQueryTaskCompleted(
    _ request: RespondQueryTaskCompletedRequest, options: CallOptions = CallOptions()
  ) async throws(ServiceError) -> RespondQueryTaskCompletedResponse {
    try await call(ServiceMethod("RespondQueryTaskCompleted"), request, options)
  }

  /// Returns the result of an activity.
  package func respondActivityTaskCompleted(
    _ request: RespondActivityTaskCompletedRequest, options: CallOptions = CallOptions()
  ) async throws(ServiceError) -> RespondActivityTaskCompletedResponse {
    try await call(ServiceMethod("RespondActivityTaskCompleted"), request, options)
  }

  /// Reports the failure of an attempt of an activity.
  package func respondActivityTaskFailed(
    _ request: RespondActivityTaskFailedRequest, options: CallOptions = CallOptions()
  ) async throws(ServiceError) -> RespondActivityTaskFailedResponse {
    try await call(ServiceMethod("RespondActivityTaskFailed"), request, options)
  }

  /// Reports that an activity cancelled itself on request.
  package func respondActivityTaskCanceled(
    _ request: RespondActivityTaskCanceledRequest, options: CallOptions = CallOptions()
  ) async throws(ServiceError) -> RespondActivityTaskCanceledResponse {
    try await call(ServiceMethod("RespondActivityTaskCanceled"), request, options)
  }

  /// Reports progress of an activity and learns whether to stop.
  package func recordActivityTaskHeartbeat(
    _ request: RecordActivityTaskHeartbeatRequest, options: CallOptions = CallOptions()
  ) async throws(ServiceError) -> RecordActivityTaskHeartbeatResponse {
    try await call(ServiceMethod("RecordActivityTaskHeartbeat"), request, options)
  }

  /// Sends the tasks of a run back to its normal queue.
  package func resetStickyTaskQueue(
    _ request: ResetStickyTaskQueueRequest, options: CallOptions = CallOptions()
  ) async throws(ServiceError) -> ResetStickyTaskQueueResponse {
    try await call(ServiceMethod("ResetStickyTaskQueue"), request, options)
  }

  /// Reports the state of workers.
  package func recordWorkerHeartbeat(
    _ request: RecordWorkerHeartbeatRequest, options: CallOptions = CallOptions()
  ) async throws(ServiceError) -> RecordWorkerHeartbeatResponse {
    try await call(ServiceMethod("RecordWorkerHeartbeat"), request, options)
  }

  /// Says that a worker goes. Never retried.
  package func shutdownWorker(
    _ request: ShutdownWorkerRequest, options: CallOptions = CallOptions()
  ) async throws(ServiceError) -> ShutdownWorkerResponse {
    try await call(ServiceMethod("ShutdownWorker", retry: .never), request, options)
  }
}
