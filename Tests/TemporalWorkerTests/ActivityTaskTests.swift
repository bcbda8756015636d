import GRPCClient
import Logging
import Observability
import PlainData
import TemporalMessages
import Testing
import WorkflowEngine

@testable import TemporalWorker

/// An activity whose behaviour a test gives.
struct ClosureActivity: ActivityHandler {
  let type: String
  let body: @Sendable ([PlainValue], ActivityContext) async throws -> PlainValue

  func run(_ arguments: [PlainValue], in context: ActivityContext) async throws -> PlainValue {
    try await body(arguments, context)
  }
}

/// Sleeps until cancelled.
struct Sleeper: ActivityHandler {
  let type = "sleep"

  func run(_ arguments: [PlainValue], in context: ActivityContext) async throws -> PlainValue {
    context.progress("half")
    try await Task.sleep(for: .seconds(60))
    return nil
  }
}

@Suite struct ActivityTaskTests {
  static func options() -> WorkerOptions {
    var options = WorkerOptions(namespace: "default", taskQueue: "q", identity: "me", instanceKey: "key")
    options.heartbeatInterval = .milliseconds(30)
    options.reportPatience = .seconds(2)
    return options
  }

  func process(
    _ task: PollActivityTaskQueueResponse, _ handlers: [any ActivityHandler], scheduler: ScriptedScheduler,
    options: WorkerOptions = Self.options()
  ) async {
    let runner = ActivityTaskRunner(
      service: scheduler, options: options, handlers: handlers, logger: quietLogger)
    await runner.process(task)
  }

  @Test func resultIsReported() async throws {
    let scheduler = ScriptedScheduler()
    await process(
      .task("echo"), [ClosureActivity(type: "echo") { arguments, _ in arguments[0] }], scheduler: scheduler)
    let request = try #require(scheduler.get { $0.activityResults.first })
    #expect(try request.result?.payloads.first?.plain() == ["name": "a"])
    #expect(request.namespace == "default")
  }

  @Test func failureKeepsTypeDetailsAndWhetherItIsFinal() async throws {
    let scheduler = ScriptedScheduler()
    let failing = ClosureActivity(type: "f") { _, _ in
      throw OrchestrationFailure(message: "bad sql", type: "Compilation", isNonRetryable: true, details: [["n": 1]])
    }
    await process(.task("f"), [failing], scheduler: scheduler)
    let failure = try #require(scheduler.get { $0.activityFailures.first?.failure })
    guard case .applicationFailureInfo(let info) = failure.failureInfo else {
      Issue.record("no application failure")
      return
    }
    #expect(failure.message == "bad sql")
    #expect(info.type == "Compilation")
    #expect(info.nonRetryable)
    #expect(try info.details?.payloads.first?.plain() == ["n": 1])
  }

  @Test func unknownTypeIsARetryableFailureThatListsTheKnownOnes() async throws {
    let scheduler = ScriptedScheduler()
    await process(.task("other"), [Sleeper()], scheduler: scheduler)
    let failure = try #require(scheduler.get { $0.activityFailures.first?.failure })
    #expect(failure.message.contains("'other'") && failure.message.contains("sleep"))
    #expect(!OrchestrationFailure(failure).isNonRetryable)
  }

  @Test func cancelRequestArrivesWithAHeartbeatAndIsReportedAsCancelled() async {
    let scheduler = ScriptedScheduler()
    scheduler.set { $0.heartbeatAnswer.cancelRequested = true }
    await process(.task("sleep", heartbeat: .seconds(10)), [Sleeper()], scheduler: scheduler)
    #expect(scheduler.get { $0.activityCancels.count } == 1)
    #expect(scheduler.get { $0.heartbeats.first?.details?.payloads.count } == 1)
  }

  @Test func lostAttemptIsStoppedAndNotReported() async {
    let scheduler = ScriptedScheduler()
    scheduler.set { $0.heartbeatFault = RPCFault(.notFound, "gone") }
    await process(.task("sleep", heartbeat: .seconds(10)), [Sleeper()], scheduler: scheduler)
    #expect(scheduler.get { $0.activityCancels.isEmpty && $0.activityFailures.isEmpty && $0.activityResults.isEmpty })
  }

  @Test func pausedAndResetAttemptsFailSoThatTheyAreTriedAgain() async throws {
    for reset in [false, true] {
      let scheduler = ScriptedScheduler()
      scheduler.set {
        $0.heartbeatAnswer.activityPaused = true
        $0.heartbeatAnswer.activityReset = reset
      }
      await process(.task("sleep"), [Sleeper()], scheduler: scheduler)
      let failure = try #require(scheduler.get { $0.activityFailures.first?.failure })
      #expect(OrchestrationFailure(failure).type == (reset ? "ActivityReset" : "ActivityPaused"))
      #expect(!OrchestrationFailure(failure).isNonRetryable)
    }
  }

  @Test func reportIsRepeatedWhileTheSchedulerIsAway() async {
    let scheduler = ScriptedScheduler()
    scheduler.set { $0.reportFaults = [RPCFault(.unavailable, "no connection"), RPCFault(.internal, "broken")] }
    await process(.task("echo"), [ClosureActivity(type: "echo") { _, _ in 1 }], scheduler: scheduler)
    #expect(scheduler.get { $0.activityResults.count } == 1)
  }

  @Test func oversizedResultBecomesAFailureThatSaysSo() async throws {
    let scheduler = ScriptedScheduler()
    var options = Self.options()
    options.payloadLimit = 1000
    let large = ClosureActivity(type: "large") { _, _ in .string(String(repeating: "x", count: 2000)) }
    await process(.task("large"), [large], scheduler: scheduler, options: options)
    let request = try #require(scheduler.get { $0.activityFailures.first })
    #expect(request.cause == .payloadsTooLarge)
    #expect(OrchestrationFailure(request.failure ?? Failure()).isNonRetryable)
  }
}

@Suite struct TemporalWorkerTests {
  func worker(_ scheduler: ScriptedScheduler, _ handlers: [any ActivityHandler], options: WorkerOptions? = nil)
    -> TemporalWorker
  {
    TemporalWorker(
      service: scheduler, options: options ?? ActivityTaskTests.options(), registry: OrchestrationRegistry(),
      handlers: handlers, health: HealthState(), logger: quietLogger)
  }

  @Test func shutdownLetsActivitiesFinishWithinTheGrace() async throws {
    let scheduler = ScriptedScheduler()
    scheduler.set { $0.activityTasks = [.task("short")] }
    let begun = Signal<Bool>()
    let short = ClosureActivity(type: "short") { _, _ in
      begun.fire(true)
      try await Task.sleep(for: .milliseconds(200))
      return 1
    }
    let worker = worker(scheduler, [short])
    async let running: Void = worker.run()
    _ = await begun.wait()
    worker.shutDown(grace: .seconds(5))
    try await running
    #expect(scheduler.get { $0.activityResults.count } == 1)
    #expect(scheduler.get { $0.shutdowns } == 1)
  }

  @Test func shutdownStopsActivitiesAfterTheGraceAndTheServerMayRetryThem() async throws {
    let scheduler = ScriptedScheduler()
    scheduler.set { $0.activityTasks = [.task("long")] }
    let begun = Signal<Bool>()
    let long = ClosureActivity(type: "long") { _, _ in
      begun.fire(true)
      try await Task.sleep(for: .seconds(60))
      return 1
    }
    let worker = worker(scheduler, [long])
    async let running: Void = worker.run()
    _ = await begun.wait()
    worker.shutDown(grace: .milliseconds(50))
    try await running
    let failure = try #require(scheduler.get { $0.activityFailures.first?.failure })
    #expect(OrchestrationFailure(failure).type == "WorkerShutdown")
    #expect(!OrchestrationFailure(failure).isNonRetryable)
  }

  @Test func refusedNamespaceStopsTheStart() async {
    let scheduler = ScriptedScheduler()
    scheduler.set { $0.namespaceFault = RPCFault(.notFound, "Namespace x is not found.") }
    await #expect(throws: WorkerError.namespaceRefused("default", RPCFault(.notFound, "Namespace x is not found."))) {
      try await self.worker(scheduler, []).run()
    }
  }

  @Test func refusedPollsEndTheWorkerAfterItsPatience() async {
    let scheduler = ScriptedScheduler()
    scheduler.set { $0.pollFault = RPCFault(.invalidArgument, "no such queue") }
    var options = ActivityTaskTests.options()
    options.refusalPatience = .milliseconds(60)
    await #expect(throws: WorkerError.self) { try await self.worker(scheduler, [Sleeper()], options: options).run() }
  }

  @Test(arguments: [GRPCStatus.unauthenticated, .permissionDenied])
  func refusedCredentialsKeepTheWorkerAliveUntilTheyAreRenewed(code: GRPCStatus) async throws {
    let scheduler = ScriptedScheduler()
    scheduler.set { $0.pollFault = RPCFault(code, "the key has expired") }
    var options = ActivityTaskTests.options()
    options.refusalPatience = .milliseconds(1)
    let echo = ClosureActivity(type: "echo") { arguments, _ in arguments[0] }
    let worker = worker(scheduler, [echo], options: options)
    async let running: Void = worker.run()
    #expect(await scheduler.until { $0.pollFaultsThrown >= 2 })
    scheduler.set {
      $0.pollFault = nil
      $0.activityTasks = [.task("echo")]
    }
    #expect(await scheduler.until { !$0.activityResults.isEmpty })
    worker.shutDown(grace: .zero)
    try await running
  }
}

@Suite struct PacingTests {
  @Test func heartbeatsComeWellWithinTheTimeout() {
    #expect(HeartbeatPace(timeout: .seconds(60), limit: .seconds(2)).interval == .seconds(2))
    #expect(HeartbeatPace(timeout: .seconds(1), limit: .seconds(2)).interval == .milliseconds(800))
    #expect(HeartbeatPace(timeout: nil, limit: .seconds(2)).silenceLimit == nil)
  }

  @Test func waitsGrowToTheirMaximum() {
    var backoff = Backoff(initial: .milliseconds(100), factor: 2, maximum: .milliseconds(350))
    #expect(
      (0..<4).map { _ in backoff.next(spread: 0) } == [
        .milliseconds(100), .milliseconds(200), .milliseconds(350), .milliseconds(350),
      ])
    backoff.reset()
    #expect(backoff.next(floor: .seconds(1), spread: 0) == .seconds(1))
  }

  @Test func pollsNeverOutnumberSlotsAndEachKindHasOne() {
    var options = ActivityTaskTests.options()
    #expect(options.pollSplit == (1, 4))
    options.workflowSlots = 2
    #expect(options.pollSplit == (1, 1))
    options.cachedRuns = 0
    #expect(options.pollSplit == (2, 0))
  }

  @Test func slotsAreHandedOverInOrder() async {
    let pool = SlotPool(1)
    #expect(await pool.take())
    async let second = pool.take()
    pool.giveBack()
    #expect(await second)
    #expect(pool.used == 1)
  }

  @Test func cacheDropsTheLeastRecentlyUsedRun() async {
    let cache = RunCache(limit: 2)
    for id in ["a", "b"] {
      #expect(await cache.checkOut(id) == nil)
      await cache.putBack(id, WorkflowRun(registry: OrchestrationRegistry()))
    }
    let a = await cache.checkOut("a")
    await cache.putBack("a", a)
    _ = await cache.checkOut("c")
    await cache.putBack("c", WorkflowRun(registry: OrchestrationRegistry()))
    #expect(await cache.checkOut("b") == nil)
    #expect(await cache.checkOut("a") != nil)
    #expect(await cache.evictions == 1)
  }
}
