import GRPCClient
import Logging
import PlainData
import Synchronization
import TemporalMessages
import WorkflowEngine

/// Takes activity tasks from poll to report: runs the handler, sends heartbeats, delivers cancellation, reports the end.
final class ActivityTaskRunner: Sendable {
  private let service: any TaskService
  private let options: WorkerOptions
  private let handlers: [String: any ActivityHandler]
  private let logger: Logger
  private let running = Mutex<[ObjectIdentifier: ActivityContext]>([:])
  /// Set once the worker cancels what runs; activities that come later are cancelled at once.
  private let isCancelling = Mutex(false)

  init(service: any TaskService, options: WorkerOptions, handlers: [any ActivityHandler], logger: Logger) {
    self.service = service
    self.options = options
    self.handlers = Dictionary(handlers.map { ($0.type, $0) }) { _, last in last }
    self.logger = logger
  }

  /// Activities running now.
  var count: Int { running.withLock { $0.count } }

  /// Asks every activity to stop, those that run and those still to come.
  func cancelAll() {
    isCancelling.withLock { $0 = true }
    for context in running.withLock({ Array($0.values) }) { context.stop.fire(.workerShutdown) }
  }

  /// Runs one attempt and reports how it ended.
  func process(_ task: PollActivityTaskQueueResponse) async {
    let context = ActivityContext(task)
    running.withLock { $0[ObjectIdentifier(context)] = context }
    defer { _ = running.withLock { $0.removeValue(forKey: ObjectIdentifier(context)) } }
    logger.debug("activity started", metadata: metadata(context, ["attempt": "\(context.attempt)"]))
    if isCancelling.withLock({ $0 }) { context.stop.fire(.workerShutdown) }
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await self.beat(task, context) }
      group.addTask { await self.watchClock(context) }
      let ending = await self.run(task, context)
      // Heartbeats go on until the end has been reported: the server must not give the attempt up meanwhile.
      await self.report(ending, task, context)
      group.cancelAll()
    }
  }

  /// How an attempt ended.
  private enum Ending: Sendable {
    case completed(PlainValue)
    case failed(OrchestrationFailure)
    /// Ended because it was asked to.
    case stopped(PlainValue?)
  }

  // MARK: - The attempt

  /// Runs the handler in a task of its own, which is cancelled when the attempt is asked to stop.
  private func run(_ task: PollActivityTaskQueueResponse, _ context: ActivityContext) async -> Ending {
    guard let handler = handlers[context.type] else {
      let known = handlers.keys.sorted().joined(separator: ", ")
      return .failed(
        OrchestrationFailure(
          message: "activity type '\(context.type)' is not known to this worker; known: \(known)", type: "NotFoundError"
        ))
    }
    let arguments: [PlainValue]
    do {
      arguments = try (task.input?.payloads ?? []).map { try $0.plain() }
    } catch {
      return .failed(
        OrchestrationFailure(message: "the activity's input cannot be read: \(error)", type: "PayloadDecoding"))
    }
    return await withTaskGroup(of: Ending?.self) { group in
      group.addTask {
        do {
          return .completed(try await handler.run(arguments, in: context))
        } catch let failure as OrchestrationFailure where failure.kind == .cancelled {
          return .stopped(failure.details.first)
        } catch let failure as OrchestrationFailure {
          return .failed(failure)
        } catch is CancellationError {
          return .stopped(nil)
        } catch {
          return .failed(OrchestrationFailure(message: "\(error)", type: "\(type(of: error))"))
        }
      }
      group.addTask {
        _ = await context.stop.wait()
        return nil
      }
      while let ending = await group.next() {
        group.cancelAll()
        if let ending { return ending }
      }
      return .stopped(nil)
    }
  }

  // MARK: - Heartbeats

  /// Sends heartbeats until its task is cancelled, and hands on what the server answers.
  private func beat(_ task: PollActivityTaskQueueResponse, _ context: ActivityContext) async {
    let pace = HeartbeatPace(timeout: context.heartbeatTimeout, limit: options.heartbeatInterval)
    let clock = ContinuousClock()
    var lastHeard = clock.now
    while !Task.isCancelled {
      try? await clock.sleep(for: pace.interval)
      if Task.isCancelled { return }
      var request = RecordActivityTaskHeartbeatRequest()
      request.taskToken = task.taskToken
      request.namespace = options.namespace
      request.identity = options.identity
      request.details = context.pulse.take().map { Payloads(plain: [$0]) }
      do {
        let response = try await service.recordActivityTaskHeartbeat(request)
        lastHeard = clock.now
        if response.cancelRequested {
          context.stop.fire(.cancelled)
        } else if response.activityReset {
          context.stop.fire(.reset)
        } else if response.activityPaused {
          context.stop.fire(.paused)
        }
      } catch {
        if Task.isCancelled { return }
        if error.code == .notFound {
          context.stop.fire(.lost)
          return
        }
        logger.debug("heartbeat failed", metadata: metadata(context, ["error": "\(error)"]))
        if let limit = pace.silenceLimit, lastHeard.duration(to: clock.now) > limit { context.stop.fire(.timedOut) }
      }
    }
  }

  /// Gives the attempt up when by this worker's own clock its time is over.
  private func watchClock(_ context: ActivityContext) async {
    guard let limit = context.startToCloseTimeout else { return }
    try? await ContinuousClock().sleep(for: limit + .seconds(5))
    if !Task.isCancelled { context.stop.fire(.timedOut) }
  }

  // MARK: - Reports

  private func report(_ ending: Ending, _ task: PollActivityTaskQueueResponse, _ context: ActivityContext) async {
    let stop = context.stop.value
    var ending = ending
    if case .stopped(let details) = ending {
      switch stop {
      case .cancelled: break
      case .lost, .timedOut:
        logger.warning("activity given up", metadata: metadata(context, ["reason": "\(stop?.rawValue ?? "")"]))
        return
      case .workerShutdown:
        ending = .failed(OrchestrationFailure(message: "the worker is shutting down", type: "WorkerShutdown"))
      case .paused: ending = .failed(OrchestrationFailure(message: "the activity was paused", type: "ActivityPaused"))
      case .reset: ending = .failed(OrchestrationFailure(message: "the activity was reset", type: "ActivityReset"))
      case nil:
        ending = .failed(
          OrchestrationFailure(
            message: "the activity ended itself as cancelled", type: "Cancelled", details: [details ?? nil]))
      }
    }
    if stop == .lost { return }
    await send(sized(ending), task, context)
  }

  /// Turns what the server would refuse for its size into a failure that says so.
  private func sized(_ ending: Ending) -> Ending {
    func tooLarge(_ bytes: Int, _ what: String) -> Ending {
      .failed(
        OrchestrationFailure(
          message: "the activity's \(what) has \(bytes) bytes, more than the limit of \(options.payloadLimit)",
          type: "PayloadsTooLarge", isNonRetryable: true))
    }
    switch ending {
    case .completed(let result):
      let bytes = Payload(plain: result).data.count + 64
      return bytes > options.payloadLimit ? tooLarge(bytes, "result") : ending
    case .failed(let failure):
      let bytes = (try? Failure(failure).wire().count) ?? .max
      guard bytes > options.payloadLimit else { return ending }
      var shorter = failure
      shorter.details = []
      shorter.cause = nil
      shorter.message = String(failure.message.prefix(2000))
      return .failed(shorter)
    case .stopped: return ending
    }
  }

  private func send(_ ending: Ending, _ task: PollActivityTaskQueueResponse, _ context: ActivityContext) async {
    let clock = ContinuousClock()
    let begun = clock.now
    var backoff = Backoff()
    while true {
      do {
        try await sendOnce(ending, task, context)
        return
      } catch {
        let patience = isCancelling.withLock { $0 } ? options.cancelPatience : options.reportPatience
        let isHopeless = !error.isTransient || begun.duration(to: clock.now) > patience
        if isHopeless || context.stop.value == .lost {
          let level: Logger.Level = error.code == .notFound ? .info : .error
          logger.log(level: level, "activity report refused", metadata: metadata(context, ["error": "\(error)"]))
          return
        }
        logger.warning("activity report failed, trying again", metadata: metadata(context, ["error": "\(error)"]))
        try? await clock.sleep(for: backoff.next())
      }
    }
  }

  private func sendOnce(
    _ ending: Ending, _ task: PollActivityTaskQueueResponse, _ context: ActivityContext
  ) async throws(RPCFault) {
    switch ending {
    case .completed(let result):
      var request = RespondActivityTaskCompletedRequest()
      request.taskToken = task.taskToken
      request.namespace = options.namespace
      request.identity = options.identity
      request.result = Payloads(plain: [result])
      try await service.respondActivityTaskCompleted(request)
    case .failed(let failure):
      var request = RespondActivityTaskFailedRequest()
      request.taskToken = task.taskToken
      request.namespace = options.namespace
      request.identity = options.identity
      request.failure = Failure(failure)
      request.lastHeartbeatDetails = context.pulse.unsent.map { Payloads(plain: [$0]) }
      if failure.type == "PayloadsTooLarge" { request.cause = .payloadsTooLarge }
      try await service.respondActivityTaskFailed(request)
      logger.warning(
        "activity failed",
        metadata: metadata(
          context,
          ["type": "\(failure.type)", "attempt": "\(context.attempt)", "error": "\(failure.message.prefix(1000))"]))
    case .stopped(let details):
      var request = RespondActivityTaskCanceledRequest()
      request.taskToken = task.taskToken
      request.namespace = options.namespace
      request.identity = options.identity
      request.details = details.map { Payloads(plain: [$0]) }
      try await service.respondActivityTaskCanceled(request)
    }
  }

  private func metadata(_ context: ActivityContext, _ more: Logger.Metadata) -> Logger.Metadata {
    var metadata: Logger.Metadata = [
      "activity_type": "\(context.type)", "activity_id": "\(context.activityID)",
      "workflow_id": "\(context.workflowID)",
      "run_id": "\(context.runID)",
    ]
    metadata.merge(more) { _, new in new }
    return metadata
  }
}

extension ActivityContext {
  fileprivate convenience init(_ task: PollActivityTaskQueueResponse) {
    self.init(
      type: task.activityType?.name ?? "", activityID: task.activityID,
      workflowID: task.workflowExecution?.workflowID ?? "", runID: task.workflowExecution?.runID ?? "",
      attempt: Int(task.attempt), heartbeatTimeout: task.heartbeatTimeout?.duration,
      startToCloseTimeout: task.startToCloseTimeout?.duration,
      lastHeartbeat: (task.heartbeatDetails?.payloads ?? []).compactMap { try? $0.plain() })
  }
}
