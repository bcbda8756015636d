import EventLoop
import Foundation
import GRPCClient
import Logging
import Observability
import PlainData
import TemporalClient
import TemporalMessages
import TemporalWorker
import TestSupport
import WorkflowEngine

@testable import Worker

/// A real Temporal server, a queue of its own for one test, and workers on it.
struct SchedulerRig {
  static let loop = Result { try EventLoop(name: "worker-tests") }

  let port: Int
  let queue = "q-\(UInt32.random(in: 0 ... .max))"
  let channel: GRPCChannel
  let client: WorkflowClient

  init() throws {
    port = try TemporalServer.shared().port
    channel = try Self.channel(port)
    client = WorkflowClient(service: WorkflowService(caller: channel, namespace: "default", identity: "tests"))
  }

  private static func channel(_ port: Int) throws -> GRPCChannel {
    var logger = Logger(label: "channel")
    logger.logLevel = .error
    return GRPCChannel(
      configuration: ChannelConfiguration(host: "127.0.0.1", port: port), loop: try loop.get(), logger: logger)
  }

  /// A worker with a channel of its own.
  func worker(
    _ runner: any ProjectRunner, name: String = "worker", service wrap: (any TaskService) -> any TaskService = { $0 },
    change: (inout WorkerOptions) -> Void = { _ in }
  ) throws -> TemporalWorker {
    var options = WorkerOptions(
      namespace: "default", taskQueue: queue, identity: "\(name)@tests", instanceKey: UniqueID.random())
    options.heartbeatInterval = .milliseconds(300)
    change(&options)
    var registry = OrchestrationRegistry()
    registry.register(DBTRun.self)
    var logger = Logger(label: name)
    logger.logLevel = .critical
    let service = WorkflowService(
      caller: try Self.channel(port), namespace: "default", identity: options.identity)
    return TemporalWorker(
      service: wrap(ServiceTasks(service)), options: options, registry: registry,
      handlers: DBTActivities.handlers(runner, threads: BlockingThreads(limit: 16)), health: HealthState(),
      logger: logger)
  }

  /// Runs the body while the worker works, then stops the worker.
  func serving<Result: Sendable>(
    _ worker: TemporalWorker, grace: Duration = .seconds(5), _ body: @Sendable () async throws -> Result
  ) async throws -> Result {
    async let running: Void = worker.run()
    let result: Swift.Result<Result, any Error>
    do {
      result = .success(try await body())
    } catch {
      result = .failure(error)
    }
    worker.shutDown(grace: grace)
    try await running
    return try result.get()
  }

  /// Starts `dbt_run` on this rig's queue.
  func start(_ input: PlainValue = ["command": "build"]) async throws -> WorkflowExecution {
    var start = WorkflowStart(workflowID: "run-\(UniqueID.random())", type: "dbt_run", taskQueue: queue)
    start.input = [input]
    return try await client.start(start).execution
  }

  /// Waits for the run's end.
  func end(_ execution: WorkflowExecution) async throws -> HistoryEvent {
    let events = try await history(execution, waitForEnd: true)
    return events.last ?? HistoryEvent()
  }

  /// All events of the run.
  func history(_ execution: WorkflowExecution, waitForEnd: Bool = false) async throws -> [HistoryEvent] {
    if waitForEnd {
      var request = GetWorkflowExecutionHistoryRequest()
      request.execution = execution
      request.waitNewEvent = true
      request.historyEventFilterType = .closeEvent
      var response = GetWorkflowExecutionHistoryResponse()
      repeat {
        response = try await client.service.getWorkflowExecutionHistory(request)
        request.nextPageToken = response.nextPageToken
      } while response.history?.events.isEmpty != false && !response.nextPageToken.isEmpty
    }
    var events: [HistoryEvent] = []
    var request = GetWorkflowExecutionHistoryRequest()
    request.execution = execution
    repeat {
      let response = try await client.service.getWorkflowExecutionHistory(request)
      events += response.history?.events ?? []
      request.nextPageToken = response.nextPageToken
    } while !request.nextPageToken.isEmpty
    return events
  }

  /// All events of a closed run; kept under a name for `StoredHistoryTests` when `SALLYPORT_RECORD_HISTORIES` is set.
  func record(_ execution: WorkflowExecution, as name: String) async throws -> [HistoryEvent] {
    let events = try await history(execution)
    if ProcessInfo.processInfo.environment["SALLYPORT_RECORD_HISTORIES"] != nil {
      let bytes = try History.with { $0.events = events }.wire()
      try Data(bytes).write(to: StoredHistoryTests.folder.appendingPathComponent(name + ".history"))
    }
    return events
  }

  /// Waits until a condition holds; false after 20 seconds.
  func until(_ condition: () async throws -> Bool) async rethrows -> Bool {
    for _ in 0..<400 {
      if try await condition() { return true }
      try? await Task.sleep(for: .milliseconds(50))
    }
    return false
  }

  /// Runs the official command-line client.
  func cli(_ arguments: String...) throws -> String { try cli(arguments) }

  /// Runs the official command-line client.
  func cli(_ arguments: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try TemporalServer.program())
    process.arguments = arguments + ["--address", "127.0.0.1:\(port)"]
    let output = Pipe()
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw RigError(text: text) }
    return text
  }
}

struct RigError: Error, CustomStringConvertible {
  var text: String
  var description: String { text }
}

extension HistoryEvent {
  /// The result of a completed run, the details of a failed or cancelled one.
  var outcome: PlainValue? {
    switch attributes {
    case .workflowExecutionCompletedEventAttributes(let end): try? end.result?.payloads.first?.plain()
    case .workflowExecutionFailedEventAttributes(let end):
      OrchestrationFailure(end.failure ?? Failure()).details.first
    case .workflowExecutionCanceledEventAttributes(let end): try? end.details?.payloads.first?.plain()
    default: nil
    }
  }

  var failure: OrchestrationFailure? {
    guard case .workflowExecutionFailedEventAttributes(let end) = attributes else { return nil }
    return OrchestrationFailure(end.failure ?? Failure())
  }
}

/// A worker's line to the scheduler that can be cut, as if the process were gone.
final class CuttableTasks: TaskService {
  private let inner: any TaskService
  let isCut = Signal<Bool>()

  init(_ inner: any TaskService) { self.inner = inner }

  private func check() async throws(RPCFault) {
    guard isCut.isFired else { return }
    try? await Task.sleep(for: .milliseconds(100))
    throw RPCFault(.unavailable, "cut")
  }

  func describeNamespace(_ request: DescribeNamespaceRequest) async throws(RPCFault) -> DescribeNamespaceResponse {
    try await inner.describeNamespace(request)
  }
  func pollWorkflowTaskQueue(
    _ request: PollWorkflowTaskQueueRequest
  ) async throws(RPCFault) -> PollWorkflowTaskQueueResponse {
    try await check()
    return try await inner.pollWorkflowTaskQueue(request)
  }
  func pollActivityTaskQueue(
    _ request: PollActivityTaskQueueRequest
  ) async throws(RPCFault) -> PollActivityTaskQueueResponse {
    try await check()
    return try await inner.pollActivityTaskQueue(request)
  }
  func respondWorkflowTaskCompleted(
    _ request: RespondWorkflowTaskCompletedRequest
  ) async throws(RPCFault) -> RespondWorkflowTaskCompletedResponse {
    try await check()
    return try await inner.respondWorkflowTaskCompleted(request)
  }
  func respondWorkflowTaskFailed(_ request: RespondWorkflowTaskFailedRequest) async throws(RPCFault) {
    try await check()
    try await inner.respondWorkflowTaskFailed(request)
  }
  func respondQueryTaskCompleted(_ request: RespondQueryTaskCompletedRequest) async throws(RPCFault) {
    try await check()
    try await inner.respondQueryTaskCompleted(request)
  }
  func getWorkflowExecutionHistory(
    _ request: GetWorkflowExecutionHistoryRequest
  ) async throws(RPCFault) -> GetWorkflowExecutionHistoryResponse {
    try await inner.getWorkflowExecutionHistory(request)
  }
  func recordActivityTaskHeartbeat(
    _ request: RecordActivityTaskHeartbeatRequest
  ) async throws(RPCFault) -> RecordActivityTaskHeartbeatResponse {
    try await check()
    return try await inner.recordActivityTaskHeartbeat(request)
  }
  func respondActivityTaskCompleted(_ request: RespondActivityTaskCompletedRequest) async throws(RPCFault) {
    try await check()
    try await inner.respondActivityTaskCompleted(request)
  }
  func respondActivityTaskFailed(_ request: RespondActivityTaskFailedRequest) async throws(RPCFault) {
    try await check()
    try await inner.respondActivityTaskFailed(request)
  }
  func respondActivityTaskCanceled(_ request: RespondActivityTaskCanceledRequest) async throws(RPCFault) {
    try await check()
    try await inner.respondActivityTaskCanceled(request)
  }
  func shutdownWorker(_ request: ShutdownWorkerRequest) async throws(RPCFault) {
    try await check()
    try await inner.shutdownWorker(request)
  }
}
