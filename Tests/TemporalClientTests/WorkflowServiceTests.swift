import GRPCClient
import Synchronization
import TemporalMessages
import Testing

@testable import TemporalClient

/// Calls carry what they must and are repeated as the policy says.
@Suite struct WorkflowServiceTests {
  private let clock = ManualTiming()

  private func service(_ caller: ScriptedCaller) -> WorkflowService {
    WorkflowService(caller: caller, namespace: "ships", identity: "1@gate", timing: clock.timing)
  }

  @Test func requestsAreCompletedAndCarryHeaders() async throws {
    let caller = ScriptedCaller([try .message(PollActivityTaskQueueResponse.with { $0.activityID = "7" })])
    let task = try await service(caller).pollActivityTaskQueue(.with { $0.taskQueue = .with { $0.name = "dbt-tasks" } })
    #expect(task.activityID == "7")
    let call = try #require(caller.calls.first)
    #expect(call.path == "/temporal.api.workflowservice.v1.WorkflowService/PollActivityTaskQueue")
    #expect(call.timeout == .seconds(70))
    let headers = Dictionary(call.metadata.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
    #expect(headers["temporal-namespace"] == "ships")
    #expect(headers["client-name"] == "sallyport")
    #expect(headers["supported-features"] == "follows-next-run-id")
    let sent = try PollActivityTaskQueueRequest(wire: call.message)
    #expect(sent.namespace == "ships")
    #expect(sent.identity == "1@gate")
    #expect(sent.taskQueue?.name == "dbt-tasks")
  }

  @Test func callsWithoutANamespaceSendNone() async throws {
    let caller = ScriptedCaller([.answer([])])
    _ = try await service(caller).getSystemInfo(GetSystemInfoRequest())
    #expect(caller.calls.first?.metadata.contains { $0.name == "temporal-namespace" } == false)
    #expect(caller.calls.first?.timeout == .seconds(30))
  }

  @Test func longPollsOfHistoryHaveTheLongDeadline() async throws {
    let caller = ScriptedCaller([.answer([]), .answer([])])
    _ = try await service(caller).getWorkflowExecutionHistory(.with { $0.waitNewEvent = true })
    _ = try await service(caller).getWorkflowExecutionHistory(GetWorkflowExecutionHistoryRequest())
    #expect(caller.calls.map(\.timeout) == [.seconds(70), .seconds(30)])
  }

  @Test func startIsRepeatedWithTheSameRequestID() async throws {
    let caller = ScriptedCaller([
      try .status(.unavailable, "gone"), try .status(.internal),
      try .message(StartWorkflowExecutionResponse.with { $0.runID = "r" }),
    ])
    let response = try await service(caller).startWorkflowExecution(.with { $0.workflowID = "w" })
    #expect(response.runID == "r")
    let ids = try caller.calls.map { try StartWorkflowExecutionRequest(wire: $0.message).requestID }
    #expect(ids == ["id-1", "id-1", "id-1"])
    #expect(clock.waits == [.milliseconds(100), .milliseconds(170)])
  }

  @Test func aRequestIDOfTheCallerIsKept() async throws {
    let caller = ScriptedCaller([.answer([])])
    _ = try await service(caller).signalWorkflowExecution(.with { $0.requestID = "mine" })
    #expect(try SignalWorkflowExecutionRequest(wire: #require(caller.calls.first).message).requestID == "mine")
  }

  @Test func hopelessCodesAreNotRepeated() async throws {
    for code in [GRPCStatus.invalidArgument, .notFound, .alreadyExists, .permissionDenied, .unauthenticated] {
      let caller = ScriptedCaller([try .status(code, "no"), .answer([])])
      let error = await #expect(throws: ServiceError.self) {
        try await service(caller).describeTaskQueue(DescribeTaskQueueRequest())
      }
      #expect(error?.code == code)
      #expect(error?.isRetryable == false)
      #expect(caller.calls.count == 1)
    }
  }

  @Test func normalCallsGiveUpAfterTenAttempts() async throws {
    let caller = ScriptedCaller(Array(repeating: try .status(.unavailable, "gone"), count: 50))
    let error = await #expect(throws: ServiceError.self) {
      try await service(caller).describeTaskQueue(DescribeTaskQueueRequest())
    }
    #expect(error?.attempts == caller.calls.count)
    #expect(caller.calls.count <= 10)
    #expect(error?.isRetryable == true)
    #expect(clock.waits.reduce(.zero, +) <= .seconds(10))
  }

  @Test func pollsGoOnThroughElapsedDeadlinesAndResets() async throws {
    var steps: [ScriptedCaller.Step] = []
    for _ in 0..<20 {
      steps += [try .status(.deadlineExceeded), try .status(.cancelled), try .status(.unavailable)]
    }
    let caller = ScriptedCaller(steps + [.answer([])])
    _ = try await service(caller).pollWorkflowTaskQueue(PollWorkflowTaskQueueRequest())
    #expect(caller.calls.count == 61)
    #expect(clock.waits.max() == .seconds(10))
  }

  @Test func exhaustionWaitsLonger() async throws {
    let caller = ScriptedCaller([try .status(.resourceExhausted, "rps limit"), .answer([])])
    _ = try await service(caller).describeTaskQueue(DescribeTaskQueueRequest())
    #expect(clock.waits == [.seconds(1)])
  }

  @Test func messagesThatAreTooLargeAreNotRepeated() async throws {
    let text = "grpc: received message larger than max (5000000 vs. 4194304)"
    let caller = ScriptedCaller([try .status(.resourceExhausted, text), .answer([])])
    await #expect(throws: ServiceError.self) {
      try await service(caller).respondActivityTaskCompleted(RespondActivityTaskCompletedRequest())
    }
    #expect(caller.calls.count == 1)
  }

  @Test func aCallLostWithItsConnectionIsRepeatedOnce() async throws {
    let caller = ScriptedCaller([try .status(.cancelled), try .status(.cancelled), .answer([])])
    let error = await #expect(throws: ServiceError.self) {
      try await service(caller).respondWorkflowTaskCompleted(RespondWorkflowTaskCompletedRequest())
    }
    #expect(error?.code == .cancelled)
    #expect(caller.calls.count == 2)
  }

  @Test func shutdownIsSentOnce() async throws {
    let caller = ScriptedCaller([try .status(.unavailable), .answer([])])
    await #expect(throws: ServiceError.self) { try await service(caller).shutdownWorker(ShutdownWorkerRequest()) }
    #expect(caller.calls.count == 1)
  }

  @Test func ourOwnCancellationEndsTheCall() async throws {
    let caller = ScriptedCaller([.cancellation, .answer([])])
    let service = service(caller)
    let error = await Task {
      await #expect(throws: ServiceError.self) {
        try await service.pollWorkflowTaskQueue(PollWorkflowTaskQueueRequest())
      }
    }.value
    #expect(error?.code == .cancelled)
    #expect(caller.calls.count == 1)
  }

  @Test func detailsAreDecoded() async throws {
    let detail = WorkflowExecutionAlreadyStartedFailure.with { $0.runID = "first" }
    let caller = ScriptedCaller([try .status(.alreadyExists, "taken", detail: detail)])
    let error = await #expect(throws: ServiceError.self) {
      try await service(caller).startWorkflowExecution(StartWorkflowExecutionRequest())
    }
    #expect(error?.detail == .workflowExecutionAlreadyStarted(detail))
    #expect(error?.description == "StartWorkflowExecution: ALREADY_EXISTS: taken")
  }

  @Test func brokenDetailsDoNotHideTheStatus() async throws {
    let caller = ScriptedCaller([
      .failure(GRPCError(.notFound, "gone", details: [0xff, 0xff], mayHaveReachedServer: true))
    ])
    let error = await #expect(throws: ServiceError.self) {
      try await service(caller).describeWorkflowExecution(DescribeWorkflowExecutionRequest())
    }
    #expect(error?.code == .notFound)
    #expect(error?.detail == nil)
  }

  @Test func brokenAnswersAreTheServersFault() async throws {
    let caller = ScriptedCaller([.answer([0x0a, 0x05, 0x61])])
    let error = await #expect(throws: ServiceError.self) {
      try await service(caller).startWorkflowExecution(StartWorkflowExecutionRequest())
    }
    #expect(error?.origin == .response)
    #expect(caller.calls.count == 1)
  }

  @Test func textWithANULIsRefusedBeforeSending() async throws {
    let caller = ScriptedCaller([])
    let error = await #expect(throws: ServiceError.self) {
      try await service(caller).startWorkflowExecution(.with { $0.workflowID = "a\0b" })
    }
    #expect(error?.origin == .request)
    #expect(caller.calls.isEmpty)
  }

  @Test func everyAttemptIsReported() async throws {
    let caller = ScriptedCaller([try .status(.unavailable, "gone"), .answer([])])
    let seen = Mutex<[String]>([])
    var service = service(caller)
    service.onAttempt = { attempt in
      seen.withLock { $0.append("\(attempt.method) \(attempt.number) \(attempt.code.name)") }
    }
    _ = try await service.describeTaskQueue(DescribeTaskQueueRequest())
    #expect(seen.withLock { $0 } == ["DescribeTaskQueue 1 UNAVAILABLE", "DescribeTaskQueue 2 OK"])
  }

  @Test func identifiersAreVersionFourUUIDs() {
    let ids = (0..<100).map { _ in UniqueID.random() }
    #expect(Set(ids).count == 100)
    for id in ids {
      let groups = id.split(separator: "-")
      #expect(groups.map(\.count) == [8, 4, 4, 4, 12])
      #expect(groups[2].first == "4")
      #expect("89ab".contains(groups[3].first ?? " "))
    }
  }
}
