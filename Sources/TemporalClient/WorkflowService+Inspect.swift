package import TemporalMessages

extension WorkflowService {
  /// Version and abilities of the server. `.unimplemented` means an old server without any.
  package func getSystemInfo(
    _ request: GetSystemInfoRequest, options: CallOptions = CallOptions()
  ) async throws(ServiceError) -> GetSystemInfoResponse {
    try await call(ServiceMethod("GetSystemInfo"), request, options)
  }

  /// A namespace, by name or id.
  package func describeNamespace(
    _ request: DescribeNamespaceRequest, options: CallOptions = CallOptions()
  ) async throws(ServiceError) -> DescribeNamespaceResponse {
    try await call(ServiceMethod("DescribeNamespace"), request, options)
  }

  /// The state of a run.
  package func describeWorkflowExecution(
    _ request: DescribeWorkflowExecutionRequest, options: CallOptions = CallOptions()
  ) async throws(ServiceError) -> DescribeWorkflowExecutionResponse {
    try await call(ServiceMethod("DescribeWorkflowExecution"), request, options)
  }

  /// Runs that match a query.
  package func listWorkflowExecutions(
    _ request: ListWorkflowExecutionsRequest, options: CallOptions = CallOptions()
  ) async throws(ServiceError) -> ListWorkflowExecutionsResponse {
    try await call(ServiceMethod("ListWorkflowExecutions"), request, options)
  }

  /// Who polls a queue and what it holds.
  package func describeTaskQueue(
    _ request: DescribeTaskQueueRequest, options: CallOptions = CallOptions()
  ) async throws(ServiceError) -> DescribeTaskQueueResponse {
    try await call(ServiceMethod("DescribeTaskQueue"), request, options)
  }

  /// A page of the history of a run. With `waitNewEvent` the call waits up to 20 s for an event, and its deadline allows
  /// for that.
  package func getWorkflowExecutionHistory(
    _ request: GetWorkflowExecutionHistoryRequest, options: CallOptions = CallOptions()
  ) async throws(ServiceError) -> GetWorkflowExecutionHistoryResponse {
    let timeout: Duration = request.waitNewEvent ? .seconds(70) : .seconds(30)
    return try await call(ServiceMethod("GetWorkflowExecutionHistory", timeout: timeout), request, options)
  }
}
