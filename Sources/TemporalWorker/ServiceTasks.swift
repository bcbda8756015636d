import GRPCClient
package import TemporalClient
package import TemporalMessages

/// A worker's calls over the wire.
package struct ServiceTasks: TaskService {
  private let service: WorkflowService
  /// Polls are sent once: the poll loop paces itself.
  private var once: CallOptions {
    var options = CallOptions()
    options.retry = .never
    return options
  }

  package init(_ service: WorkflowService) { self.service = service }

  package func describeNamespace(
    _ request: DescribeNamespaceRequest
  ) async throws(RPCFault) -> DescribeNamespaceResponse {
    do { return try await service.describeNamespace(request) } catch { throw RPCFault(error) }
  }

  package func pollWorkflowTaskQueue(
    _ request: PollWorkflowTaskQueueRequest
  ) async throws(RPCFault) -> PollWorkflowTaskQueueResponse {
    do { return try await service.pollWorkflowTaskQueue(request, options: once) } catch { throw RPCFault(error) }
  }

  package func pollActivityTaskQueue(
    _ request: PollActivityTaskQueueRequest
  ) async throws(RPCFault) -> PollActivityTaskQueueResponse {
    do { return try await service.pollActivityTaskQueue(request, options: once) } catch { throw RPCFault(error) }
  }

  package func respondWorkflowTaskCompleted(
    _ request: RespondWorkflowTaskCompletedRequest
  ) async throws(RPCFault) -> RespondWorkflowTaskCompletedResponse {
    do { return try await service.respondWorkflowTaskCompleted(request) } catch { throw RPCFault(error) }
  }

  package func respondWorkflowTaskFailed(_ request: RespondWorkflowTaskFailedRequest) async throws(RPCFault) {
    do { _ = try await service.respondWorkflowTaskFailed(request) } catch { throw RPCFault(error) }
  }

  package func respondQueryTaskCompleted(_ request: RespondQueryTaskCompletedRequest) async throws(RPCFault) {
    do { _ = try await service.respondQueryTaskCompleted(request) } catch { throw RPCFault(error) }
  }

  package func getWorkflowExecutionHistory(
    _ request: GetWorkflowExecutionHistoryRequest
  ) async throws(RPCFault) -> GetWorkflowExecutionHistoryResponse {
    do { return try await service.getWorkflowExecutionHistory(request) } catch { throw RPCFault(error) }
  }

  package func recordActivityTaskHeartbeat(
    _ request: RecordActivityTaskHeartbeatRequest
  ) async throws(RPCFault) -> RecordActivityTaskHeartbeatResponse {
    do { return try await service.recordActivityTaskHeartbeat(request) } catch { throw RPCFault(error) }
  }

  package func respondActivityTaskCompleted(_ request: RespondActivityTaskCompletedRequest) async throws(RPCFault) {
    do { _ = try await service.respondActivityTaskCompleted(request) } catch { throw RPCFault(error) }
  }

  package func respondActivityTaskFailed(_ request: RespondActivityTaskFailedRequest) async throws(RPCFault) {
    do { _ = try await service.respondActivityTaskFailed(request) } catch { throw RPCFault(error) }
  }

  package func respondActivityTaskCanceled(_ request: RespondActivityTaskCanceledRequest) async throws(RPCFault) {
    do { _ = try await service.respondActivityTaskCanceled(request) } catch { throw RPCFault(error) }
  }

  package func shutdownWorker(_ request: ShutdownWorkerRequest) async throws(RPCFault) {
    var options = once
    options.timeout = .seconds(3)
    do { _ = try await service.shutdownWorker(request, options: options) } catch { throw RPCFault(error) }
  }
}

extension RPCFault {
  /// What remains of a failed call after its retries.
  init(_ error: ServiceError) {
    self.init(error.code, error.cause.map { "\(error.message) (\($0))" } ?? error.message)
  }
}
