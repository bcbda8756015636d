import GRPCClient
import Logging
import PlainData
import TemporalMessages
import Testing
import WorkflowEngine

@testable import TemporalWorker

/// A workflow that runs one activity and completes with its result.
struct Single: Orchestration {
  static let workflowType = "single"
  static let interactions = OrchestrationInteractions(queries: ["state"], updates: ["note"])

  var state = "begun"

  init(start: OrchestrationStart) {}

  mutating func handle(_ event: OrchestrationEvent, in context: OrchestrationContext) -> [OrchestrationCommand] {
    switch event {
    case .started: return [.scheduleActivity(ActivityOrder(id: "a", type: "work", startToClose: .seconds(5)))]
    case .activityCompleted(_, let result):
      state = "done"
      return [.complete(result)]
    default: return []
    }
  }

  func query(_ name: String, arguments: [PlainValue]) throws(QueryRefusal) -> PlainValue {
    guard name == "state" else { throw .unknown(name, known: ["state"]) }
    return .string(state)
  }
}

/// Writes histories in the protocol's own messages.
struct ProtocolHistory {
  private(set) var events: [HistoryEvent] = []

  @discardableResult
  mutating func add(_ type: EventType, _ attributes: HistoryEvent.Attributes) -> Int64 {
    let id = Int64(events.count + 1)
    events.append(
      .with {
        $0.eventID = id
        $0.eventType = type
        $0.attributes = attributes
        $0.eventTime = .with { $0.seconds = 1_800_000_000 + id }
      })
    return id
  }

  mutating func start(_ type: String = "single") {
    add(
      .workflowExecutionStarted,
      .workflowExecutionStartedEventAttributes(
        .with {
          $0.workflowType = .with { $0.name = type }
          $0.taskQueue = .with { $0.name = "q" }
          $0.originalExecutionRunID = "run"
        }))
  }

  @discardableResult
  mutating func task() -> Int64 {
    add(.workflowTaskScheduled, .workflowTaskScheduledEventAttributes(.init()))
    return add(.workflowTaskStarted, .workflowTaskStartedEventAttributes(.init()))
  }

  mutating func completeTask(_ started: Int64) {
    add(.workflowTaskCompleted, .workflowTaskCompletedEventAttributes(.with { $0.startedEventID = started }))
  }

  /// Schedules activity `a`.
  mutating func schedule(_ type: String = "work") -> Int64 {
    add(
      .activityTaskScheduled,
      .activityTaskScheduledEventAttributes(
        .with {
          $0.activityID = "a"
          $0.activityType = .with { $0.name = type }
        }))
  }

  mutating func complete(_ scheduled: Int64) {
    add(.activityTaskStarted, .activityTaskStartedEventAttributes(.init()))
    add(
      .activityTaskCompleted,
      .activityTaskCompletedEventAttributes(
        .with {
          $0.scheduledEventID = scheduled
          $0.result = Payloads(plain: [7])
        }))
  }

  /// A task that brings the events after an id.
  func response(after: Int64 = 0, started: Int64, previous: Int64 = 0, attempt: Int32 = 1)
    -> PollWorkflowTaskQueueResponse
  {
    .with {
      $0.taskToken = [1]
      $0.workflowExecution = .with {
        $0.workflowID = "wf"
        $0.runID = "run"
      }
      $0.workflowType = .with { $0.name = "single" }
      $0.startedEventID = started
      $0.previousStartedEventID = previous
      $0.attempt = attempt
      $0.history = .with { $0.events = events.filter { $0.eventID > after } }
    }
  }
}

@Suite struct WorkflowTaskTests {
  let scheduler = ScriptedScheduler()
  let cache = RunCache(limit: 10)

  func processor(_ change: (inout WorkerOptions) -> Void = { _ in }) -> WorkflowTaskProcessor {
    var options = ActivityTaskTests.options()
    change(&options)
    var registry = OrchestrationRegistry()
    registry.register(Single.self)
    return WorkflowTaskProcessor(
      service: scheduler, options: options, registry: registry, cache: cache, logger: quietLogger)
  }

  /// The history up to a second task, which the activity's end caused.
  func twoTasks() -> (history: ProtocolHistory, first: Int64, second: Int64) {
    var history = ProtocolHistory()
    history.start()
    let first = history.task()
    history.completeTask(first)
    history.complete(history.schedule())
    let second = history.task()
    return (history, first, second)
  }

  @Test func firstTaskIsAnsweredWithCommandsAndStickiness() async throws {
    var history = ProtocolHistory()
    history.start()
    let started = history.task()
    await processor().process(history.response(started: started))
    let request = try #require(scheduler.get { $0.completions.first })
    #expect(request.commands.map(\.commandType) == [.scheduleActivityTask])
    #expect(request.stickyAttributes?.workerTaskQueue?.name == "me-key")
    #expect(request.stickyAttributes?.workerTaskQueue?.normalName == "q")
    #expect(request.returnNewWorkflowTask)
    #expect(await cache.count == 1)
  }

  @Test func inlineTaskIsProcessedAtOnceAndTheEndedRunLeavesTheCache() async {
    let (history, first, second) = twoTasks()
    scheduler.set {
      $0.completionAnswers = [
        .with { $0.workflowTask = history.response(after: first, started: second, previous: first) }
      ]
    }
    var begin = ProtocolHistory()
    begin.start()
    begin.task()
    await processor().process(begin.response(started: first))
    #expect(
      scheduler.get { $0.completions.map { $0.commands.map(\.commandType) } } == [
        [.scheduleActivityTask], [.completeWorkflowExecution],
      ])
    #expect(await cache.count == 0)
    #expect(scheduler.get { $0.historyRequests } == 0)
  }

  @Test func partialHistoryWithoutCachedRunIsFetchedPageByPage() async {
    let (history, first, second) = twoTasks()
    scheduler.set { $0.history = Array(history.events.dropLast(2)) }
    await processor().process(history.response(after: first, started: second, previous: first))
    #expect(scheduler.get { $0.completions.first?.commands.first?.commandType } == .completeWorkflowExecution)
    #expect(scheduler.get { $0.historyRequests } > 1)
  }

  @Test func historyThatDoesNotEndIsGivenUp() async {
    let (history, first, second) = twoTasks()
    scheduler.set { $0.history = history.events }
    await processor { $0.historyEvents = 4 }.process(
      history.response(after: first, started: second, previous: first))
    #expect(scheduler.get { $0.completions.isEmpty && $0.failures.isEmpty })
    #expect(scheduler.get { $0.historyRequests } == 2)
  }

  @Test func furtherPagesOfATaskAreRead() async {
    let (history, _, second) = twoTasks()
    scheduler.set { $0.history = history.events }
    var task = history.response(started: second)
    task.history?.events = Array(history.events.prefix(2))
    task.nextPageToken = [2]
    await processor().process(task)
    #expect(scheduler.get { $0.completions.first?.commands.first?.commandType } == .completeWorkflowExecution)
  }

  @Test func nondeterminismFailsTheTaskOnceAndDropsTheRun() async {
    for attempt in [Int32(1), 2] {
      let scheduler = ScriptedScheduler()
      var history = ProtocolHistory()
      history.start()
      history.completeTask(history.task())
      history.complete(history.schedule("other"))
      let started = history.task()
      var registry = OrchestrationRegistry()
      registry.register(Single.self)
      let processor = WorkflowTaskProcessor(
        service: scheduler, options: ActivityTaskTests.options(), registry: registry, cache: cache,
        logger: quietLogger)
      await processor.process(history.response(started: started, attempt: attempt))
      #expect(scheduler.get { $0.failures.map(\.cause) } == (attempt == 1 ? [.nonDeterministicError] : []))
      #expect(scheduler.get { $0.completions.isEmpty })
      #expect(await cache.count == 0)
    }
  }

  @Test func unknownWorkflowTypeFailsTheTask() async {
    var history = ProtocolHistory()
    history.start("nobody")
    let started = history.task()
    await processor().process(history.response(started: started))
    #expect(scheduler.get { $0.failures.map(\.cause) } == [.workflowWorkerUnhandledFailure])
  }

  @Test func oversizedCommandFailsTheTaskInsteadOfTheWorkflow() async {
    let (history, _, second) = twoTasks()
    await processor { $0.payloadLimit = 10 }.process(history.response(started: second))
    #expect(scheduler.get { $0.failures.map(\.cause) } == [.payloadsTooLarge])
  }

  @Test func queryTaskIsAnsweredAsAQuery() async throws {
    let (history, _, second) = twoTasks()
    var writer = history
    writer.completeTask(second)
    writer.add(.workflowExecutionCompleted, .workflowExecutionCompletedEventAttributes(.init()))
    for (name, expected) in [("state", QueryResultType.answered), ("nope", .failed)] {
      var task = writer.response(started: 0)
      task.query = .with { $0.queryType = name }
      await processor().process(task)
      let answer = try #require(scheduler.get { $0.queryAnswers.last })
      #expect(answer.completedType == expected)
      if expected == .answered {
        #expect(try answer.queryResult?.payloads.first?.plain() == "done")
      } else {
        #expect(
          answer.errorMessage == "unknown query type 'nope'; known: state, __stack_trace, __temporal_workflow_metadata")
      }
    }
    #expect(scheduler.get { $0.completions.isEmpty })
    #expect(await cache.count == 0)
  }

  @Test func queryInsideATaskSeesTheNewEvents() async throws {
    let (history, _, second) = twoTasks()
    var task = history.response(started: second)
    task.queries = ["q1": .with { $0.queryType = "state" }]
    await processor().process(task)
    let result = try #require(scheduler.get { $0.completions.first?.queryResults["q1"] })
    #expect(try result.answer?.payloads.first?.plain() == "done")
  }

  @Test func refusedUpdateOnASpeculativeTaskPutsTheRunBack() async throws {
    var history = ProtocolHistory()
    history.start()
    let first = history.task()
    await processor().process(history.response(started: first))
    history.completeTask(first)
    _ = history.schedule()
    let speculative = history.task()
    var task = history.response(after: first, started: speculative, previous: first)
    let call = UpdateRequest.with {
      $0.meta = .with { $0.updateID = "u" }
      $0.input = .with { $0.name = "unknown" }
    }
    task.messages = [
      try .with {
        $0.id = "u/request"
        $0.protocolInstanceID = "u"
        $0.sequencingID = .eventID(speculative - 1)
        $0.body = try ProtoAny(packing: call)
      }
    ]
    scheduler.set { $0.completionAnswers = [.with { $0.resetHistoryEventID = first }] }
    await processor().process(task)
    let request = try #require(scheduler.get { $0.completions.last })
    #expect(request.commands.isEmpty)
    #expect(request.messages.map(\.id) == ["u/request/reject"])
    let kept = await cache.checkOut("run")
    #expect(kept?.lastEventID == first)
  }
}
