import GRPCClient
import OrderedCollections
import PlainData
import TemporalMessages
import Testing

@testable import TemporalClient

/// Workflows are started, followed and reached.
@Suite struct WorkflowClientTests {
  private func client(_ caller: ScriptedCaller) -> WorkflowClient {
    WorkflowClient(
      service: WorkflowService(
        caller: caller, namespace: "default", identity: "t", timing: ManualTiming().timing))
  }

  private func page(_ event: HistoryEvent.Attributes?, token: [UInt8] = []) throws -> ScriptedCaller.Step {
    try .message(
      GetWorkflowExecutionHistoryResponse.with { response in
        response.nextPageToken = token
        response.history = .with { history in
          if let event { history.events = [.with { $0.attributes = event }] }
        }
      })
  }

  private let execution = WorkflowExecution.with {
    $0.workflowID = "w"
    $0.runID = "r1"
  }

  @Test func startSendsEverything() async throws {
    let caller = ScriptedCaller([
      try .message(
        StartWorkflowExecutionResponse.with {
          $0.runID = "r"
          $0.started = true
        })
    ])
    var start = WorkflowStart(workflowID: "w", type: "dbt_run", taskQueue: "dbt-tasks", input: [["command": "build"]])
    start.memo = ["k": "v"]
    start.searchAttributes = ["DbtCommand": "build"]
    start.summary = "nightly"
    start.reusePolicy = .rejectDuplicate
    start.conflictPolicy = .useExisting
    start.runTimeout = .seconds(90)
    let started = try await client(caller).start(start)
    #expect(started.execution.runID == "r")
    #expect(started.isNew)
    let sent = try StartWorkflowExecutionRequest(wire: #require(caller.calls.first).message)
    #expect(sent.workflowType?.name == "dbt_run")
    #expect(sent.input?.payloads.first?.data == Array(#"{"command":"build"}"#.utf8))
    #expect(sent.memo?.fields["k"]?.data == Array(#""v""#.utf8))
    #expect(sent.searchAttributes?.indexedFields["DbtCommand"] != nil)
    #expect(sent.userMetadata?.summary?.data == Array(#""nightly""#.utf8))
    #expect(sent.workflowIDReusePolicy == .rejectDuplicate)
    #expect(sent.workflowIDConflictPolicy == .useExisting)
    #expect(sent.workflowRunTimeout?.seconds == 90)
    #expect(sent.requestID == "id-1")
  }

  @Test func resultWaitsThroughEmptyPagesAndLostConnections() async throws {
    let payloads = try PayloadConverter().payloads([["success": true]])
    let caller = ScriptedCaller([
      try page(nil, token: [1]), try .status(.unavailable, "restarting"), try .status(.deadlineExceeded),
      try page(.workflowExecutionCompletedEventAttributes(.with { $0.result = payloads })),
    ])
    let result = try await client(caller).result(of: execution)
    #expect(result.outcome == .completed(result: [["success": true]]))
    #expect(result.execution == execution)
    let sent = try caller.calls.map { try GetWorkflowExecutionHistoryRequest(wire: $0.message) }
    #expect(sent.map(\.nextPageToken) == [[], [1], [1], [1]])
    #expect(sent.allSatisfy { $0.waitNewEvent && $0.historyEventFilterType == .closeEvent })
  }

  @Test func resultFollowsTheNextRun() async throws {
    let caller = ScriptedCaller([
      try page(.workflowExecutionContinuedAsNewEventAttributes(.with { $0.newExecutionRunID = "r2" })),
      try page(.workflowExecutionFailedEventAttributes(.with { $0.newExecutionRunID = "r3" })),
      try page(
        .workflowExecutionFailedEventAttributes(
          .with { end in
            end.failure = .with { failure in
              failure.message = "2 nodes failed"
              failure.failureInfo = .applicationFailureInfo(.with { $0.type = "DbtRunFailed" })
            }
          })),
    ])
    let result = try await client(caller).result(of: execution)
    #expect(result.execution.runID == "r3")
    guard case .failed(let failure) = result.outcome else {
      Issue.record("not failed: \(result.outcome)")
      return
    }
    #expect(failure.application?.type == "DbtRunFailed")
    let runs = try caller.calls.map { try GetWorkflowExecutionHistoryRequest(wire: $0.message).execution?.runID }
    #expect(runs == ["r1", "r2", "r3"])
  }

  @Test func everyEndHasItsOutcome() async throws {
    let ends: [(HistoryEvent.Attributes, WorkflowOutcome)] = [
      (.workflowExecutionCanceledEventAttributes(.init()), .canceled(details: [])),
      (.workflowExecutionTerminatedEventAttributes(.with { $0.reason = "stop" }), .terminated(reason: "stop")),
      (.workflowExecutionTimedOutEventAttributes(.init()), .timedOut),
    ]
    for (event, outcome) in ends {
      #expect(try await client(ScriptedCaller([page(event)])).result(of: execution).outcome == outcome)
    }
  }

  @Test func queriesReturnTheFirstValue() async throws {
    let payloads = try PayloadConverter().payloads([["done": 3]])
    let caller = ScriptedCaller([try .message(QueryWorkflowResponse.with { $0.queryResult = payloads })])
    #expect(try await client(caller).query(execution, "run_status") == ["done": 3])
    let sent = try QueryWorkflowRequest(wire: #require(caller.calls.first).message)
    #expect(sent.query?.queryType == "run_status")
  }

  @Test func rejectedQueriesAreErrors() async throws {
    let caller = ScriptedCaller([
      try .message(QueryWorkflowResponse.with { $0.queryRejected = .with { $0.status = .failed } })
    ])
    let error = await #expect(throws: ServiceError.self) { try await client(caller).query(execution, "q") }
    #expect(error?.origin == .outcome)
  }

  @Test func cancellingTwiceIsNoError() async throws {
    let caller = ScriptedCaller([
      try .status(.alreadyExists, "again", detail: CancellationAlreadyRequestedFailure())
    ])
    try await client(caller).cancel(execution, reason: "user")
  }

  @Test func aTakenIDIsTold() async throws {
    let caller = ScriptedCaller([
      try .status(.alreadyExists, "taken", detail: WorkflowExecutionAlreadyStartedFailure.with { $0.runID = "r0" })
    ])
    let error = await #expect(throws: ServiceError.self) {
      try await client(caller).start(WorkflowStart(workflowID: "w", type: "t", taskQueue: "q"))
    }
    guard case .workflowExecutionAlreadyStarted(let detail)? = error?.detail else {
      Issue.record("no detail")
      return
    }
    #expect(detail.runID == "r0")
  }
}
