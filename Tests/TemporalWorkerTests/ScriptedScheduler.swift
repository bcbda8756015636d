import EventLoop
import GRPCClient
import Logging
import PlainData
import Synchronization
import TemporalMessages
import WorkflowEngine

@testable import TemporalWorker

/// A scheduler by script: hands out the tasks it was given, keeps what it was answered.
final class ScriptedScheduler: TaskService {
  struct State {
    var workflowTasks: [PollWorkflowTaskQueueResponse] = []
    var activityTasks: [PollActivityTaskQueueResponse] = []
    var history: [HistoryEvent] = []
    var heartbeatAnswer = RecordActivityTaskHeartbeatResponse()
    var heartbeatFault: RPCFault?
    var reportFaults: [RPCFault] = []
    var namespaceFault: RPCFault?
    var pollFault: RPCFault?
    var pollFaultsThrown = 0
    var completions: [RespondWorkflowTaskCompletedRequest] = []
    var completionAnswers: [RespondWorkflowTaskCompletedResponse] = []
    var failures: [RespondWorkflowTaskFailedRequest] = []
    var queryAnswers: [RespondQueryTaskCompletedRequest] = []
    var activityResults: [RespondActivityTaskCompletedRequest] = []
    var activityFailures: [RespondActivityTaskFailedRequest] = []
    var activityCancels: [RespondActivityTaskCanceledRequest] = []
    var heartbeats: [RecordActivityTaskHeartbeatRequest] = []
    var historyRequests = 0
    var shutdowns = 0
  }

  /// A mutex that ThreadSanitizer understands.
  let state = PosixMutex(State())

  func set(_ change: (inout State) -> Void) { state.withLock { change(&$0) } }

  func get<Value>(_ read: (State) -> Value) -> Value { state.withLock { read($0) } }

  /// Waits until the state fulfils a condition; gives up after five seconds.
  func until(_ condition: @Sendable (State) -> Bool) async -> Bool {
    for _ in 0..<500 {
      if state.withLock({ condition($0) }) { return true }
      try? await Task.sleep(for: .milliseconds(10))
    }
    return false
  }

  func describeNamespace(_ request: DescribeNamespaceRequest) async throws(RPCFault) -> DescribeNamespaceResponse {
    if let fault = get({ $0.namespaceFault }) { throw fault }
    return DescribeNamespaceResponse()
  }

  func pollWorkflowTaskQueue(
    _ request: PollWorkflowTaskQueueRequest
  ) async throws(RPCFault) -> PollWorkflowTaskQueueResponse {
    try refusePoll()
    if request.taskQueue?.kind == .normal {
      let task = state.withLock { $0.workflowTasks.isEmpty ? nil : $0.workflowTasks.removeFirst() }
      if let task { return task }
    }
    try await idle()
    return PollWorkflowTaskQueueResponse()
  }

  func pollActivityTaskQueue(
    _ request: PollActivityTaskQueueRequest
  ) async throws(RPCFault) -> PollActivityTaskQueueResponse {
    try refusePoll()
    let task = state.withLock { $0.activityTasks.isEmpty ? nil : $0.activityTasks.removeFirst() }
    if let task { return task }
    try await idle()
    return PollActivityTaskQueueResponse()
  }

  private func refusePoll() throws(RPCFault) {
    let fault = state.withLock { state in
      if state.pollFault != nil { state.pollFaultsThrown += 1 }
      return state.pollFault
    }
    if let fault { throw fault }
  }

  private func idle() async throws(RPCFault) {
    do {
      try await Task.sleep(for: .milliseconds(20))
    } catch {
      throw RPCFault(.cancelled, "")
    }
  }

  func respondWorkflowTaskCompleted(
    _ request: RespondWorkflowTaskCompletedRequest
  ) async throws(RPCFault) -> RespondWorkflowTaskCompletedResponse {
    state.withLock {
      $0.completions.append(request)
      return $0.completionAnswers.isEmpty ? .init() : $0.completionAnswers.removeFirst()
    }
  }

  func respondWorkflowTaskFailed(_ request: RespondWorkflowTaskFailedRequest) async throws(RPCFault) {
    set { $0.failures.append(request) }
  }

  func respondQueryTaskCompleted(_ request: RespondQueryTaskCompletedRequest) async throws(RPCFault) {
    set { $0.queryAnswers.append(request) }
  }

  /// Two events a page.
  func getWorkflowExecutionHistory(
    _ request: GetWorkflowExecutionHistoryRequest
  ) async throws(RPCFault) -> GetWorkflowExecutionHistoryResponse {
    state.withLock { state in
      state.historyRequests += 1
      let from = Int(request.nextPageToken.first ?? 0)
      let to = min(from + 2, state.history.count)
      return .with {
        $0.history = .with { $0.events = Array(state.history[from..<to]) }
        if to < state.history.count { $0.nextPageToken = [UInt8(to)] }
      }
    }
  }

  func recordActivityTaskHeartbeat(
    _ request: RecordActivityTaskHeartbeatRequest
  ) async throws(RPCFault) -> RecordActivityTaskHeartbeatResponse {
    if let fault = get({ $0.heartbeatFault }) { throw fault }
    return state.withLock {
      $0.heartbeats.append(request)
      return $0.heartbeatAnswer
    }
  }

  func respondActivityTaskCompleted(_ request: RespondActivityTaskCompletedRequest) async throws(RPCFault) {
    if let fault = state.withLock({ $0.reportFaults.isEmpty ? nil : $0.reportFaults.removeFirst() }) { throw fault }
    set { $0.activityResults.append(request) }
  }

  func respondActivityTaskFailed(_ request: RespondActivityTaskFailedRequest) async throws(RPCFault) {
    set { $0.activityFailures.append(request) }
  }

  func respondActivityTaskCanceled(_ request: RespondActivityTaskCanceledRequest) async throws(RPCFault) {
    set { $0.activityCancels.append(request) }
  }

  func shutdownWorker(_ request: ShutdownWorkerRequest) async throws(RPCFault) {
    set { $0.shutdowns += 1 }
  }
}

extension PollActivityTaskQueueResponse {
  static func task(_ type: String, id: String = "a", heartbeat: Duration? = nil) -> Self {
    .with {
      $0.taskToken = Array(id.utf8)
      $0.activityType = .with { $0.name = type }
      $0.activityID = id
      $0.attempt = 1
      $0.input = Payloads(plain: [["name": .string(id)]])
      $0.heartbeatTimeout = heartbeat.map { ProtoDuration($0) }
    }
  }
}

/// A log that stays silent.
let quietLogger: Logger = {
  var logger = Logger(label: "test")
  logger.logLevel = .critical
  return logger
}()
