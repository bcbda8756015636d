import GRPCClient
package import Logging
package import Observability
import Synchronization
import TemporalMessages
package import WorkflowEngine

/// Serves one task queue: polls for workflow tasks and activities, runs them, answers, until it is told to stop.
package final class TemporalWorker: Sendable {
  private let service: any TaskService
  private let options: WorkerOptions
  private let registry: OrchestrationRegistry
  private let handlers: [any ActivityHandler]
  private let health: HealthState
  private let logger: Logger
  private let stop = Signal<StopOrder>()

  /// How and why the worker stops.
  private struct StopOrder: Sendable {
    var grace: Duration
    var error: WorkerError?
  }

  /// - Parameters:
  ///   - health: told of every poll.
  ///   - handlers: one for each activity type.
  package init(
    service: any TaskService, options: WorkerOptions, registry: OrchestrationRegistry, handlers: [any ActivityHandler],
    health: HealthState, logger: Logger
  ) {
    self.service = service
    self.options = options
    self.registry = registry
    self.handlers = handlers
    self.health = health
    self.logger = logger
  }

  /// Tells the worker to stop: no more polls; workflow tasks in hand are finished; activities may go on for `grace`, then they are
  /// asked to stop and reported as failed for this reason, so that the server tries them elsewhere. Returns at once; `run` returns
  /// when all is done. A second call changes nothing.
  package func shutDown(grace: Duration) { stop.fire(StopOrder(grace: grace)) }

  /// Works until told to stop.
  ///
  /// - Throws: `WorkerError` when the namespace or the polls are refused for good. Cancelling the task stops without grace.
  package func run() async throws(WorkerError) {
    guard let prepared = try await prepareUnlessStopped() else {
      logger.info("worker stopped before it began", metadata: ["identity": "\(options.identity)"])
      return
    }
    let runner = ActivityTaskRunner(
      service: service, options: prepared.options, handlers: handlers, logger: logger)
    let processor = WorkflowTaskProcessor(
      service: service, options: prepared.options, registry: registry,
      cache: RunCache(limit: prepared.options.cachedRuns), logger: logger)
    logger.info(
      "worker started",
      metadata: [
        "namespace": "\(options.namespace)", "task_queue": "\(options.taskQueue)", "identity": "\(options.identity)",
        "workflow_types": "\(registry.names.joined(separator: ", "))",
        "activity_types": "\(handlers.map(\.type).sorted().joined(separator: ", "))",
      ])
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await self.enforceGrace(runner) }
      await self.work(prepared, processor, runner)
      group.cancelAll()
    }
    logger.info("worker stopped", metadata: ["identity": "\(options.identity)"])
    if let error = stop.value?.error { throw error }
  }

  /// What the namespace allows, learned at the start.
  private struct Prepared: Sendable {
    var options: WorkerOptions
    /// Whether open polls end by themselves once the server knows that this worker shuts down.
    var pollsEndOnShutdown: Bool
  }

  /// Learns what the namespace allows; nil when told to stop before the scheduler answered.
  private func prepareUnlessStopped() async throws(WorkerError) -> Prepared? {
    let first = await withTaskGroup(of: Result<Prepared, WorkerError>?.self) { group in
      group.addTask {
        do throws(WorkerError) {
          return .success(try await self.prepare())
        } catch {
          return .failure(error)
        }
      }
      group.addTask {
        _ = await self.stop.wait()
        return nil
      }
      let first = await group.next() ?? nil
      group.cancelAll()
      return first
    }
    return try first?.get()
  }

  private func prepare() async throws(WorkerError) -> Prepared {
    var backoff = Backoff()
    while true {
      var request = DescribeNamespaceRequest()
      request.namespace = options.namespace
      do {
        let info = try await service.describeNamespace(request).namespaceInfo
        health.pollingEnded("start")
        var options = options
        if let limit = info?.limits?.blobSizeLimitError, limit > 0 {
          options.payloadLimit = min(options.payloadLimit, Int(clamping: limit))
        }
        return Prepared(
          options: options, pollsEndOnShutdown: info?.capabilities?.workerPollCompleteOnShutdown ?? false)
      } catch {
        // An unreachable scheduler is no reason to give up: it may come up after us.
        guard error.isTransient else { throw .namespaceRefused(options.namespace, error) }
        logger.warning("scheduler not reachable yet", metadata: ["error": "\(error)"])
        health.pollFailed("start", reason: "\(error)")
        try? await ContinuousClock().sleep(for: backoff.next())
        if stop.isFired || Task.isCancelled {
          return Prepared(options: options, pollsEndOnShutdown: false)
        }
      }
    }
  }

  /// What a poll brought.
  private enum Work: Sendable {
    case workflow(PollWorkflowTaskQueueResponse)
    case activity(PollActivityTaskQueueResponse)
  }

  private func work(_ prepared: Prepared, _ processor: WorkflowTaskProcessor, _ runner: ActivityTaskRunner) async {
    let (tasks, intake) = AsyncStream<Work>.makeStream()
    let workflowSlots = SlotPool(max(options.isCaching ? 2 : 1, options.workflowSlots))
    let activitySlots = SlotPool(options.activitySlots)
    await withDiscardingTaskGroup { group in
      group.addTask {
        await self.pollAll(prepared, workflowSlots, activitySlots, intake)
        intake.finish()
      }
      for await task in tasks {
        group.addTask {
          switch task {
          case .workflow(let task):
            await processor.process(task)
            workflowSlots.giveBack()
          case .activity(let task):
            await runner.process(task)
            activitySlots.giveBack()
          }
        }
      }
    }
  }

  /// What ended while polls were going on.
  private enum PollingEvent: Sendable { case pollerEnded, shutdownAnnounced, patienceOver }

  /// How long open polls have to end by themselves once the server has said that it ends them.
  private static let pollPatience: Duration = .seconds(3)

  /// Keeps all polls going until the worker is told to stop; then lets the server end them when it can, and cuts them off
  /// otherwise.
  private func pollAll(
    _ prepared: Prepared, _ workflowSlots: SlotPool, _ activitySlots: SlotPool, _ intake: AsyncStream<Work>.Continuation
  ) async {
    let split = options.pollSplit
    await withTaskGroup(of: PollingEvent.self) { group in
      var open = 0
      func poll(
        _ name: String, _ count: Int, _ slots: SlotPool, _ body: @escaping @Sendable () async throws(RPCFault) -> Bool
      ) {
        open += count
        for _ in 0..<count {
          group.addTask {
            await self.loop(name, slots, poll: body)
            return .pollerEnded
          }
        }
      }
      poll("workflow", split.normal, workflowSlots) { () async throws(RPCFault) in
        try await self.pollWorkflow(sticky: false, intake)
      }
      poll("sticky", split.sticky, workflowSlots) { () async throws(RPCFault) in
        try await self.pollWorkflow(sticky: true, intake)
      }
      if !handlers.isEmpty {
        poll("activity", max(1, options.activityPollers), activitySlots) { () async throws(RPCFault) in
          try await self.pollActivity(intake)
        }
      }
      group.addTask {
        if await self.stop.wait() != nil { await self.announceShutdown() }
        return .shutdownAnnounced
      }
      var isAnnounced = false
      for await event in group {
        switch event {
        case .pollerEnded: open -= 1
        case .shutdownAnnounced:
          isAnnounced = true
          guard prepared.pollsEndOnShutdown else {
            group.cancelAll()
            continue
          }
          group.addTask {
            try? await ContinuousClock().sleep(for: Self.pollPatience)
            return .patienceOver
          }
        case .patienceOver: group.cancelAll()
        }
        if isAnnounced, open == 0 { group.cancelAll() }
      }
    }
  }

  /// One poll after the other, each with a slot of its own. A poll that brings a task keeps the slot for it.
  private func loop(
    _ name: String, _ slots: SlotPool, poll: @Sendable () async throws(RPCFault) -> Bool
  ) async {
    var backoff = Backoff()
    var refusals = Backoff(initial: .seconds(1), factor: 2, maximum: .seconds(60))
    var refusedSince: ContinuousClock.Instant?
    let clock = ContinuousClock()
    health.pollingBegan(name)
    while !stop.isFired, !Task.isCancelled {
      guard await slots.take() else { break }
      guard !stop.isFired else {
        slots.giveBack()
        break
      }
      health.pollSent(name)
      do {
        let hasTask = try await poll()
        if !hasTask { slots.giveBack() }
        health.pollSucceeded(name)
        backoff.reset()
        refusals.reset()
        refusedSince = nil
      } catch {
        slots.giveBack()
        if stop.isFired || Task.isCancelled { break }
        health.pollFailed(name, reason: "\(error)")
        logger.warning("poll failed", metadata: ["poller": "\(name)", "error": "\(error)"])
        if error.isTransient {
          refusedSince = nil
          try? await clock.sleep(for: backoff.next(floor: error.code == .resourceExhausted ? .seconds(1) : .zero))
          continue
        }
        if error.isCredentialRefusal {
          // Credentials rotate by themselves: whoever renews the key finds this worker alive and polling, though not ready.
          try? await clock.sleep(for: refusals.next())
          continue
        }
        let since = refusedSince ?? clock.now
        refusedSince = since
        if since.duration(to: clock.now) >= options.refusalPatience {
          stop.fire(StopOrder(grace: .seconds(10), error: .pollRefused(name, error)))
          break
        }
        try? await clock.sleep(for: min(.seconds(10), options.refusalPatience / 6))
      }
    }
  }

  private func pollWorkflow(
    sticky: Bool, _ intake: AsyncStream<Work>.Continuation
  ) async throws(RPCFault) -> Bool {
    var request = PollWorkflowTaskQueueRequest()
    request.namespace = options.namespace
    request.identity = options.identity
    request.workerInstanceKey = options.instanceKey
    request.taskQueue = .with {
      $0.name = sticky ? options.stickyQueue : options.taskQueue
      $0.kind = sticky ? .sticky : .normal
      if sticky { $0.normalName = options.taskQueue }
    }
    let response = try await service.pollWorkflowTaskQueue(request)
    guard !response.taskToken.isEmpty else { return false }
    intake.yield(.workflow(response))
    return true
  }

  private func pollActivity(_ intake: AsyncStream<Work>.Continuation) async throws(RPCFault) -> Bool {
    var request = PollActivityTaskQueueRequest()
    request.namespace = options.namespace
    request.identity = options.identity
    request.workerInstanceKey = options.instanceKey
    request.taskQueue = .with {
      $0.name = options.taskQueue
      $0.kind = .normal
    }
    let response = try await service.pollActivityTaskQueue(request)
    guard !response.taskToken.isEmpty else { return false }
    intake.yield(.activity(response))
    return true
  }

  /// Tells the server that this worker takes no more, so that it gives nothing to polls that are about to be cut off.
  private func announceShutdown() async {
    var request = ShutdownWorkerRequest()
    request.namespace = options.namespace
    request.identity = options.identity
    request.workerInstanceKey = options.instanceKey
    request.stickyTaskQueue = options.isCaching ? options.stickyQueue : ""
    request.taskQueue = options.taskQueue
    request.taskQueueTypes = [.workflow, .activity]
    request.reason = "graceful shutdown"
    logger.info("worker stopping", metadata: ["identity": "\(options.identity)"])
    do {
      try await service.shutdownWorker(request)
    } catch {
      logger.debug("shutdown not announced", metadata: ["error": "\(error)"])
    }
  }

  /// After the grace asks the activities that still run to stop.
  private func enforceGrace(_ runner: ActivityTaskRunner) async {
    guard let order = await stop.wait() else {
      if Task.isCancelled { runner.cancelAll() }
      return
    }
    try? await ContinuousClock().sleep(for: order.grace)
    if runner.count > 0 {
      logger.info("activities asked to stop", metadata: ["count": "\(runner.count)"])
    }
    runner.cancelAll()
  }
}
