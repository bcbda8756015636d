package import GRPCClient
package import TemporalMessages

/// A method of the scheduler's service and how it is called unless told otherwise.
struct ServiceMethod<Request: WireMessage, Response: WireMessage>: Sendable {
  /// Such as `StartWorkflowExecution`.
  let name: String
  /// Deadline of one attempt.
  let timeout: Duration
  /// What happens after a failure.
  let retry: CallRetryPolicy

  init(_ name: String, timeout: Duration = .seconds(30), retry: CallRetryPolicy = .normal) {
    self.name = name
    self.timeout = timeout
    self.retry = retry
  }

  /// Whether the server may hold the call until something happens; only such calls are given more than 30 s.
  var isLongPoll: Bool { timeout > .seconds(30) }

  var path: String { "/temporal.api.workflowservice.v1.WorkflowService/\(name)" }
}

/// How one call differs from the usual.
package struct CallOptions: Sendable {
  /// Deadline of each attempt; nil: what the method usually has.
  package var timeout: Duration?
  /// What happens after a failure; nil: what the method usually does.
  package var retry: CallRetryPolicy?
  /// Further headers: lower-case names.
  package var metadata: [(name: String, value: String)]

  package init(
    timeout: Duration? = nil, retry: CallRetryPolicy? = nil, metadata: [(name: String, value: String)] = []
  ) {
    self.timeout = timeout
    self.retry = retry
    self.metadata = metadata
  }
}

/// How one attempt of a call ended, for metrics, logs and health.
package struct CallAttempt: Sendable {
  /// Such as `PollWorkflowTaskQueue`.
  package let method: String
  /// Counts from 1.
  package let number: Int
  /// How long the attempt took.
  package let duration: Duration
  /// `.ok`, or why the attempt failed.
  package let code: GRPCStatus
  /// The error, when it failed.
  package let error: GRPCError?
  /// How long until the next attempt; nil: there is none.
  package let wait: Duration?
}

/// A request that names its namespace.
protocol NamespacedRequest: WireMessage {
  var namespace: String { get set }
}

/// A request that says who asks.
protocol IdentifiedRequest: WireMessage {
  var identity: String { get set }
}

/// A request that acts once for all attempts that carry the same id.
protocol RepeatableRequest: WireMessage {
  var requestID: String { get set }
}

extension DescribeNamespaceRequest: NamespacedRequest {}
extension PollWorkflowTaskQueueRequest: NamespacedRequest, IdentifiedRequest {}
extension PollActivityTaskQueueRequest: NamespacedRequest, IdentifiedRequest {}
extension RespondWorkflowTaskCompletedRequest: NamespacedRequest, IdentifiedRequest {}
extension RespondWorkflowTaskFailedRequest: NamespacedRequest, IdentifiedRequest {}
extension RespondQueryTaskCompletedRequest: NamespacedRequest {}
extension GetWorkflowExecutionHistoryRequest: NamespacedRequest {}
extension RespondActivityTaskCompletedRequest: NamespacedRequest, IdentifiedRequest {}
extension RespondActivityTaskFailedRequest: NamespacedRequest, IdentifiedRequest {}
extension RespondActivityTaskCanceledRequest: NamespacedRequest, IdentifiedRequest {}
extension RecordActivityTaskHeartbeatRequest: NamespacedRequest, IdentifiedRequest {}
extension ResetStickyTaskQueueRequest: NamespacedRequest {}
extension RecordWorkerHeartbeatRequest: NamespacedRequest, IdentifiedRequest {}
extension ShutdownWorkerRequest: NamespacedRequest, IdentifiedRequest {}
extension StartWorkflowExecutionRequest: NamespacedRequest, IdentifiedRequest, RepeatableRequest {}
extension SignalWorkflowExecutionRequest: NamespacedRequest, IdentifiedRequest, RepeatableRequest {}
extension QueryWorkflowRequest: NamespacedRequest {}
extension UpdateWorkflowExecutionRequest: NamespacedRequest {}
extension PollWorkflowExecutionUpdateRequest: NamespacedRequest, IdentifiedRequest {}
extension RequestCancelWorkflowExecutionRequest: NamespacedRequest, IdentifiedRequest, RepeatableRequest {}
extension TerminateWorkflowExecutionRequest: NamespacedRequest, IdentifiedRequest {}
extension DescribeWorkflowExecutionRequest: NamespacedRequest {}
extension ListWorkflowExecutionsRequest: NamespacedRequest {}
extension DescribeTaskQueueRequest: NamespacedRequest {}
