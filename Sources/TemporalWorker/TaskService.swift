package import GRPCClient
package import TemporalMessages

/// The calls a worker makes to the scheduler. `WorkflowService` answers them over the wire, a test by script.
///
/// Every method waits for its answer, retries within itself what is safe to repeat, and throws the `RPCFault` that remains.
package protocol TaskService: Sendable {
  func describeNamespace(_ request: DescribeNamespaceRequest) async throws(RPCFault) -> DescribeNamespaceResponse
  /// One long poll, not retried: the poll loop paces itself and has to know of every failure.
  func pollWorkflowTaskQueue(
    _ request: PollWorkflowTaskQueueRequest
  ) async throws(RPCFault) -> PollWorkflowTaskQueueResponse
  /// One long poll, not retried.
  func pollActivityTaskQueue(
    _ request: PollActivityTaskQueueRequest
  ) async throws(RPCFault) -> PollActivityTaskQueueResponse
  func respondWorkflowTaskCompleted(
    _ request: RespondWorkflowTaskCompletedRequest
  ) async throws(RPCFault) -> RespondWorkflowTaskCompletedResponse
  func respondWorkflowTaskFailed(_ request: RespondWorkflowTaskFailedRequest) async throws(RPCFault)
  func respondQueryTaskCompleted(_ request: RespondQueryTaskCompletedRequest) async throws(RPCFault)
  func getWorkflowExecutionHistory(
    _ request: GetWorkflowExecutionHistoryRequest
  ) async throws(RPCFault) -> GetWorkflowExecutionHistoryResponse
  func recordActivityTaskHeartbeat(
    _ request: RecordActivityTaskHeartbeatRequest
  ) async throws(RPCFault) -> RecordActivityTaskHeartbeatResponse
  func respondActivityTaskCompleted(_ request: RespondActivityTaskCompletedRequest) async throws(RPCFault)
  func respondActivityTaskFailed(_ request: RespondActivityTaskFailedRequest) async throws(RPCFault)
  func respondActivityTaskCanceled(_ request: RespondActivityTaskCanceledRequest) async throws(RPCFault)
  /// Not retried: it is a courtesy on the way out.
  func shutdownWorker(_ request: ShutdownWorkerRequest) async throws(RPCFault)
}

/// Why a call to the scheduler came to nothing.
package struct RPCFault: Error, Sendable, Equatable, CustomStringConvertible {
  package var code: GRPCStatus
  package var message: String

  package init(_ code: GRPCStatus, _ message: String) {
    self.code = code
    self.message = message
  }

  package var description: String { "\(code.name): \(message)" }

  /// Whether trying again later may help (§1.5 of the protocol notes: the codes that official workers retry on task polls).
  package var isTransient: Bool {
    switch code {
    case .unknown, .resourceExhausted, .aborted, .outOfRange, .internal, .unavailable, .dataLoss, .cancelled,
      .deadlineExceeded:
      !isTooLarge
    default: false
    }
  }

  /// Whether the scheduler does not take this worker's certificate, key or token, or grants it too little.
  package var isCredentialRefusal: Bool { code == .unauthenticated || code == .permissionDenied }

  /// Whether the request was refused for its size; repeating it is useless.
  package var isTooLarge: Bool {
    code == .resourceExhausted && message.contains("larger than max")
  }
}
