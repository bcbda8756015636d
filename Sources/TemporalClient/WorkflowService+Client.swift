package import TemporalMessages

extension WorkflowService {
  /// Starts a workflow once, however often it is sent.
  package func startWorkflowExecution(
    _ request: StartWorkflowExecutionRequest, options: CallOptions = CallOptions()
  ) async throws(ServiceError) -> StartWorkflowExecutionResponse {
    try await call(ServiceMethod("StartWorkflowExecution"), request, options)
  }

  /// Signals a workflow once, however often it is sent.
  package func signalWorkflowExecution(
    _ request: SignalWorkflowExecutionRequest, options: CallOptions = CallOptions()
  ) async throws(ServiceError) -> SignalWorkflowExecutionResponse {
    try await call(ServiceMethod("SignalWorkflowExecution"), request, options)
  }

  /// Asks a workflow a question; waits until a worker answers.
  package func queryWorkflow(
    _ request: QueryWorkflowRequest, options: CallOptions = CallOptions()
  ) async throws(ServiceError) -> QueryWorkflowResponse {
    try await call(ServiceMethod("QueryWorkflow"), request, options)
  }

  /// Sends an update and waits up to 20 s. Repeat with the same update id until there is an outcome.
  package func updateWorkflowExecution(
    _ request: UpdateWorkflowExecutionRequest, options: CallOptions = CallOptions()
  ) async throws(ServiceError) -> UpdateWorkflowExecutionResponse {
    try await call(ServiceMethod("UpdateWorkflowExecution", timeout: .seconds(70)), request, options)
  }

  /// Waits up to 20 s for the outcome of an update.
  package func pollWorkflowExecutionUpdate(
    _ request: PollWorkflowExecutionUpdateRequest, options: CallOptions = CallOptions()
  ) async throws(ServiceError) -> PollWorkflowExecutionUpdateResponse {
    try await call(ServiceMethod("PollWorkflowExecutionUpdate", timeout: .seconds(70)), request, options)
  }

  /// Asks a workflow to cancel itself.
  package func requestCancelWorkflowExecution(
    _ request: RequestCancelWorkflowExecutionRequest, options: CallOptions = CallOptions()
  ) async throws(ServiceError) -> RequestCancelWorkflowExecutionResponse {
    try await call(ServiceMethod("RequestCancelWorkflowExecution"), request, options)
  }

  /// Ends a run by force.
  package func terminateWorkflowExecution(
    _ request: TerminateWorkflowExecutionRequest, options: CallOptions = CallOptions()
  ) async throws(ServiceError) -> TerminateWorkflowExecutionResponse {
    try await call(ServiceMethod("TerminateWorkflowExecution"), request, options)
  }
}
