import EventLoop
import GRPCClient
import Logging
import OrderedCollections
import PlainData
import TemporalMessages
import TestSupport
import Testing

@testable import TemporalClient

/// The client against a real Temporal server. The tests play the worker too, by hand, through the same service.
@Suite(.serialized) struct RealServerTests {
  private static let loop = Result { try EventLoop(name: "client-tests") }

  /// One channel, the client over it and a task queue of its own.
  private struct Stage {
    let channel: GRPCChannel
    let client: WorkflowClient
    let taskQueue = "queue-\(UniqueID.random())"
    let workflowID = "workflow-\(UniqueID.random())"

    var service: WorkflowService { client.service }

    init(namespace: String = "default") throws {
      let server = try TemporalServer.shared()
      let configuration = ChannelConfiguration(host: "127.0.0.1", port: server.port)
      var logger = Logger(label: "client-tests")
      logger.logLevel = .error
      channel = GRPCChannel(configuration: configuration, loop: try RealServerTests.loop.get(), logger: logger)
      client = WorkflowClient(
        service: WorkflowService(caller: channel, namespace: namespace, identity: "client-tests"))
    }

    func start(_ change: (inout WorkflowStart) -> Void = { _ in }) async throws -> StartedWorkflow {
      var start = WorkflowStart(
        workflowID: workflowID, type: "dbt_run", taskQueue: taskQueue, input: [["command": "build", "vars": nil]])
      change(&start)
      return try await client.start(start)
    }

    func workflowTask() async throws -> PollWorkflowTaskQueueResponse {
      let task = try await service.pollWorkflowTaskQueue(.with { $0.taskQueue = .with { $0.name = taskQueue } })
      try #require(!task.taskToken.isEmpty, "no workflow task within a minute")
      return task
    }

    func complete(_ task: PollWorkflowTaskQueueResponse, _ type: CommandType, _ attributes: Command.Attributes)
      async throws
    {
      _ = try await service.respondWorkflowTaskCompleted(
        .with { request in
          request.taskToken = task.taskToken
          request.commands = [
            .with {
              $0.commandType = type
              $0.attributes = attributes
            }
          ]
        })
    }
  }

  /// Runs a test on a stage and closes its channel.
  private func staged(namespace: String = "default", _ body: (Stage) async throws -> Void) async throws {
    let stage = try Stage(namespace: namespace)
    do {
      try await body(stage)
    } catch {
      await stage.channel.shutdown(grace: .zero)
      throw error
    }
    await stage.channel.shutdown(grace: .zero)
  }

  @Test(.timeLimit(.minutes(2))) func serverAndNamespaceDescribeThemselves() async throws {
    try await staged { stage in
      let system = try await stage.service.getSystemInfo(GetSystemInfoRequest())
      #expect(system.serverVersion.first?.isNumber == true)
      #expect(system.capabilities?.encodedFailureAttributes == true)
      let namespace = try await stage.service.describeNamespace(.with { $0.namespace = "default" })
      #expect(namespace.namespaceInfo?.limits?.blobSizeLimitError == 2_097_152)
    }
  }

  @Test(.timeLimit(.minutes(2))) func aMissingNamespaceIsNamed() async throws {
    try await staged(namespace: "nowhere") { stage in
      let error = await #expect(throws: ServiceError.self) { try await stage.start() }
      #expect(error?.code == .notFound)
      #expect(error?.detail == .namespaceNotFound(.with { $0.namespace = "nowhere" }))
      #expect(error?.isRetryable == false)
    }
  }

  @Test(.timeLimit(.minutes(2))) func aWorkflowRunsFromStartToResult() async throws {
    try await staged { stage in
      let started = try await stage.start {
        $0.memo = ["purpose": "test"]
        $0.summary = "a test"
      }
      async let result = stage.client.result(of: started.execution)
      try await runActivity(stage)
      let last = try await stage.workflowTask()
      guard case .activityTaskCompletedEventAttributes(let done)? = last.history?.events.dropLast(2).last?.attributes
      else {
        Issue.record("no result of the activity in \(last.history?.events.map(\.eventType) ?? [])")
        return
      }
      #expect(try stage.client.payloads.values(done.result) == [["rows": 3, "snow": "☃"]])
      let answer = try stage.client.payloads.payloads([["success": true]])
      try await stage.complete(
        last, .completeWorkflowExecution, .completeWorkflowExecutionCommandAttributes(.with { $0.result = answer }))
      #expect(try await result.outcome == .completed(result: [["success": true]]))
      let description = try await stage.client.describe(started.execution)
      #expect(description.workflowExecutionInfo?.status == .completed)
      #expect(description.workflowExecutionInfo?.memo?.fields["purpose"]?.data == Array(#""test""#.utf8))
    }
  }

  /// First workflow task: schedules an activity; then the activity itself, with a heartbeat.
  private func runActivity(_ stage: Stage) async throws {
    let first = try await stage.workflowTask()
    #expect(first.history?.events.first?.eventType == .workflowExecutionStarted)
    guard case .workflowExecutionStartedEventAttributes(let begin)? = first.history?.events.first?.attributes else {
      Issue.record("the history does not begin with the start")
      return
    }
    #expect(try stage.client.payloads.values(begin.input) == [["command": "build", "vars": nil]])
    try await stage.complete(
      first, .scheduleActivityTask,
      .scheduleActivityTaskCommandAttributes(
        .with {
          $0.activityID = "node-1"
          $0.activityType = .with { $0.name = "execute_node" }
          $0.taskQueue = .with { $0.name = stage.taskQueue }
          $0.startToCloseTimeout = .with { $0.seconds = 30 }
        }))
    let task = try await stage.service.pollActivityTaskQueue(
      .with { $0.taskQueue = .with { $0.name = stage.taskQueue } })
    #expect(task.activityType?.name == "execute_node")
    #expect(task.attempt == 1)
    let beat = try await stage.service.recordActivityTaskHeartbeat(.with { $0.taskToken = task.taskToken })
    #expect(!beat.cancelRequested)
    let rows = try stage.client.payloads.payloads([["rows": 3, "snow": "☃"]])
    _ = try await stage.service.respondActivityTaskCompleted(
      .with {
        $0.taskToken = task.taskToken
        $0.result = rows
      })
  }

  @Test(.timeLimit(.minutes(2))) func failuresArriveWithTypeDetailsAndCause() async throws {
    try await staged { stage in
      let started = try await stage.start()
      let task = try await stage.workflowTask()
      let failure = TemporalFailure.application(
        "2 of 3 nodes failed", type: "DbtRunFailed", nonRetryable: true, details: [["failed": 2]],
        cause: .application("relation missing", type: "Database"))
      let proto = try stage.client.failures.proto(failure)
      try await stage.complete(
        task, .failWorkflowExecution, .failWorkflowExecutionCommandAttributes(.with { $0.failure = proto }))
      let result = try await stage.client.result(of: started.execution)
      #expect(result.outcome == .failed(failure))
    }
  }

  @Test(.timeLimit(.minutes(2))) func queriesReachTheWorker() async throws {
    try await staged { stage in
      let started = try await stage.start()
      try await stage.complete(
        try await stage.workflowTask(), .completeWorkflowExecution,
        .completeWorkflowExecutionCommandAttributes(.init()))
      async let answer = stage.client.query(started.execution, "run_status", arguments: [1])
      let task = try await stage.workflowTask()
      #expect(task.startedEventID == 0)
      #expect(task.query?.queryType == "run_status")
      let reply = try stage.client.payloads.payloads([["phase": "done"]])
      _ = try await stage.service.respondQueryTaskCompleted(
        .with {
          $0.taskToken = task.taskToken
          $0.completedType = .answered
          $0.queryResult = reply
        })
      #expect(try await answer == ["phase": "done"])
    }
  }

  @Test(.timeLimit(.minutes(2))) func failedQueriesCarryTheirFailure() async throws {
    try await staged { stage in
      let started = try await stage.start()
      try await stage.complete(
        try await stage.workflowTask(), .completeWorkflowExecution,
        .completeWorkflowExecutionCommandAttributes(.init()))
      let query = Task { try await stage.client.query(started.execution, "no_such") }
      let task = try await stage.workflowTask()
      let failure = try stage.client.failures.proto(TemporalFailure.application("unknown query", type: "UnknownQuery"))
      _ = try await stage.service.respondQueryTaskCompleted(
        .with {
          $0.taskToken = task.taskToken
          $0.completedType = .failed
          $0.errorMessage = "unknown query"
          $0.failure = failure
        })
      let error = await #expect(throws: ServiceError.self) { try await query.value }
      #expect(error?.code == .invalidArgument)
      guard case .queryFailed(let detail)? = error?.detail else {
        Issue.record("no detail: \(String(describing: error))")
        return
      }
      #expect(detail.failure?.message == "unknown query")
    }
  }

  @Test(.timeLimit(.minutes(2))) func startingTwiceFindsTheFirst() async throws {
    try await staged { stage in
      let first = try await stage.start { $0.requestID = "same" }
      let again = try await stage.start { $0.requestID = "same" }
      #expect(again == first)
      let error = await #expect(throws: ServiceError.self) { try await stage.start() }
      guard case .workflowExecutionAlreadyStarted(let detail)? = error?.detail else {
        Issue.record("no detail: \(String(describing: error))")
        return
      }
      #expect(detail.runID == first.execution.runID)
      let found = try await stage.start { $0.conflictPolicy = .useExisting }
      #expect(found.execution == first.execution)
      #expect(!found.isNew)
      try await stage.client.terminate(first.execution, reason: "done")
      #expect(try await stage.client.result(of: first.execution).outcome == .terminated(reason: "done"))
    }
  }

  @Test(.timeLimit(.minutes(2))) func cancellationAndSignalsReachTheHistory() async throws {
    try await staged { stage in
      let started = try await stage.start()
      try await stage.client.signal(started.execution, "pause", arguments: ["now"])
      try await stage.client.cancel(started.execution, reason: "user asked")
      try await stage.client.cancel(started.execution, reason: "user asked again")
      let task = try await stage.workflowTask()
      let types = task.history?.events.map(\.eventType) ?? []
      #expect(types.contains(.workflowExecutionSignaled))
      #expect(types.contains(.workflowExecutionCancelRequested))
      try await stage.complete(
        task, .cancelWorkflowExecution, .cancelWorkflowExecutionCommandAttributes(.init()))
      #expect(try await stage.client.result(of: started.execution).outcome == .canceled(details: []))
    }
  }

  @Test(.timeLimit(.minutes(2))) func anAbandonedPollTakesNoTask() async throws {
    try await staged { stage in
      let poll = Task {
        try await stage.service.pollWorkflowTaskQueue(.with { $0.taskQueue = .with { $0.name = stage.taskQueue } })
      }
      try await Task.sleep(for: .milliseconds(300))
      poll.cancel()
      let error = await #expect(throws: ServiceError.self) { try await poll.value }
      #expect(error?.code == .cancelled)
      let started = try await stage.start()
      let task = try await stage.workflowTask()
      #expect(task.workflowExecution == started.execution)
      let pollers = try await stage.service.describeTaskQueue(
        .with {
          $0.taskQueue = .with { $0.name = stage.taskQueue }
          $0.taskQueueType = .workflow
        })
      #expect(pollers.pollers.first?.identity == "client-tests")
    }
  }
}
