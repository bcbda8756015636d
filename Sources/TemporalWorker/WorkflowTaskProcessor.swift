import GRPCClient
import Logging
import PlainData
import TemporalMessages
import WorkflowEngine

/// Takes workflow tasks from poll to answer: fetches what history is missing, runs the workflow, reports, keeps the cache.
struct WorkflowTaskProcessor: Sendable {
  let service: any TaskService
  let options: WorkerOptions
  let registry: OrchestrationRegistry
  let cache: RunCache
  let logger: Logger

  /// Processes a task and those that the server hands out inline after it.
  func process(_ first: PollWorkflowTaskQueueResponse) async {
    var next: PollWorkflowTaskQueueResponse? = first
    while let task = next, !task.taskToken.isEmpty {
      next = nil
      let runID = task.workflowExecution?.runID ?? ""
      let cached = await cache.checkOut(runID)
      if let query = task.query {
        await cache.putBack(runID, await answer(query, of: task, cached: cached))
      } else {
        let outcome = await complete(task, cached: cached)
        await cache.putBack(runID, outcome.keep)
        next = outcome.next
      }
    }
  }

  /// What is left after a task: the run to keep, if any, and the task that came with the server's answer.
  private struct Outcome {
    var keep: WorkflowRun?
    var next: PollWorkflowTaskQueueResponse?
  }

  // MARK: - Workflow tasks

  private func complete(_ task: PollWorkflowTaskQueueResponse, cached: WorkflowRun?) async -> Outcome {
    do {
      let (before, events) = try await history(of: task, cached: cached)
      var run = before
      let calls = try UpdateCall.read(task.messages, startedID: task.startedEventID)
      let activation = try run.process(events, openTask: task.startedEventID, updates: calls)
      let request = try completion(of: task, run: run, activation)
      return try await send(request, task: task, before: before, after: run, isClosed: activation.isClosed)
    } catch let error as WorkflowEngineError {
      await reportFailure(of: task, error)
    } catch let error as OversizedTask {
      await reportOversize(of: task, error)
    } catch let fault as RPCFault {
      let level: Logger.Level = fault.code == .notFound ? .debug : .warning
      logger.log(level: level, "workflow task dropped", metadata: metadata(task, ["error": "\(fault)"]))
    } catch {
      logger.error("workflow task dropped", metadata: metadata(task, ["error": "\(error)"]))
    }
    return Outcome()
  }

  private func send(
    _ request: RespondWorkflowTaskCompletedRequest, task: PollWorkflowTaskQueueResponse, before: WorkflowRun,
    after: WorkflowRun, isClosed: Bool
  ) async throws(RPCFault) -> Outcome {
    let response = try await service.respondWorkflowTaskCompleted(request)
    var keep: WorkflowRun? = isClosed || !options.isCaching ? nil : after
    if response.resetHistoryEventID > 0, response.resetHistoryEventID != task.startedEventID {
      // A speculative task came to nothing: its events never were.
      keep = before.lastEventID == response.resetHistoryEventID ? before : nil
    }
    logger.debug(
      "workflow task completed",
      metadata: metadata(task, ["commands": "\(request.commands.count)", "closed": "\(isClosed)"]))
    return Outcome(keep: keep, next: response.workflowTask)
  }

  private func completion(
    of task: PollWorkflowTaskQueueResponse, run: WorkflowRun, _ activation: WorkflowRun.Activation
  ) throws -> RespondWorkflowTaskCompletedRequest {
    var request = RespondWorkflowTaskCompletedRequest()
    request.taskToken = task.taskToken
    request.namespace = options.namespace
    request.identity = options.identity
    request.workerInstanceKey = options.instanceKey
    request.commands = activation.protocolCommands(taskQueue: run.start?.taskQueue ?? options.taskQueue)
    request.messages = try activation.protocolMessages()
    request.capabilities = .with { $0.discardSpeculativeWorkflowTaskWithEvents = true }
    request.sdkMetadata = task.previousStartedEventID == 0 ? WorkerIdentity.sdkMetadata : nil
    request.meteringMetadata = MeteringMetadata()
    if options.isCaching {
      request.stickyAttributes = .with {
        $0.workerTaskQueue = .with {
          $0.name = options.stickyQueue
          $0.kind = .sticky
          $0.normalName = options.taskQueue
        }
        $0.scheduleToStartTimeout = ProtoDuration(options.stickyTimeout)
      }
      request.returnNewWorkflowTask = true
    }
    for (id, query) in task.queries { request.queryResults[id] = result(of: query, run: run) }
    try checkSizes(request)
    return request
  }

  // MARK: - History

  /// The state to start from and the events that lead on from it, all of them, up to the task.
  private func history(
    of task: PollWorkflowTaskQueueResponse, cached: WorkflowRun?
  ) async throws -> (WorkflowRun, [RecordedEvent]) {
    let runID = task.workflowExecution?.runID ?? ""
    var events = task.history?.events ?? []
    var token = task.nextPageToken
    let first = events.first?.eventID ?? 0
    var run = cached ?? WorkflowRun(registry: registry)
    if first == 1, task.query == nil { run = WorkflowRun(registry: registry) }
    let isContinuous = first != 0 ? first <= run.lastEventID + 1 : run.lastEventID > 0
    if !isContinuous {
      logger.debug("workflow history fetched from its beginning", metadata: metadata(task, [:]))
      run = WorkflowRun(registry: registry)
      let newer = events
      events = try await pages(of: task, from: [])
      let last = events.last?.eventID ?? 0
      events += newer.filter { $0.eventID > last }
      token = []
    }
    if !token.isEmpty { events += try await pages(of: task, from: token) }
    if task.startedEventID > 0 { events.removeAll { $0.eventID > task.startedEventID } }
    return (run, try RecordedEvent.read(events, runID: runID))
  }

  /// Every page of the history from a token on; from its first page when the token is empty.
  private func pages(
    of task: PollWorkflowTaskQueueResponse, from first: [UInt8]
  ) async throws(RPCFault) -> [HistoryEvent] {
    var events: [HistoryEvent] = []
    var token = first
    var pages = 0
    repeat {
      var request = GetWorkflowExecutionHistoryRequest()
      request.namespace = options.namespace
      request.execution = task.workflowExecution
      request.nextPageToken = token
      let response = try await service.getWorkflowExecutionHistory(request)
      pages += 1
      let page = response.history?.events ?? []
      // Pages count too: empty ones that lead on for ever must come to an end.
      guard events.count + page.count + pages <= options.historyEvents else {
        throw RPCFault(
          .resourceExhausted,
          "the history of run '\(task.workflowExecution?.runID ?? "")' does not end within \(options.historyEvents) events"
        )
      }
      events += page
      token = response.nextPageToken
    } while !token.isEmpty
    return events
  }

  // MARK: - Queries

  /// Answers a task that carries only a query.
  /// - Returns: the run to keep.
  private func answer(
    _ query: WorkflowQuery, of task: PollWorkflowTaskQueueResponse, cached: WorkflowRun?
  ) async -> WorkflowRun? {
    var request = RespondQueryTaskCompletedRequest()
    request.taskToken = task.taskToken
    request.namespace = options.namespace
    var keep: WorkflowRun?
    do {
      var (run, events) = try await history(of: task, cached: cached)
      if !events.isEmpty { _ = try run.process(events, openTask: 0) }
      let answer = result(of: query, run: run)
      request.completedType = answer.resultType
      request.queryResult = answer.answer
      request.errorMessage = answer.errorMessage
      request.failure = answer.failure
      keep = run.isClosed ? nil : run
    } catch {
      let text = "\(error)"
      request.completedType = .failed
      request.errorMessage = text
      request.failure = Failure(OrchestrationFailure(message: text, type: "WorkflowTaskFailure"))
      request.cause =
        (error as? WorkflowEngineError)?.isNondeterminism == true
        ? .nonDeterministicError : .workflowWorkerUnhandledFailure
    }
    do {
      try await service.respondQueryTaskCompleted(request)
    } catch {
      logger.debug("query answer dropped", metadata: metadata(task, ["error": "\(error)"]))
    }
    return keep
  }

  private func result(of query: WorkflowQuery, run: WorkflowRun) -> WorkflowQueryResult {
    var result = WorkflowQueryResult()
    do {
      var arguments = [PlainValue]()
      for payload in query.queryArgs?.payloads ?? [] { arguments.append(try payload.plain()) }
      let answer = try run.answer(query: query.queryType, arguments: arguments)
      var payload = Payload(plain: answer.value)
      if let type = answer.messageType {
        payload.metadata["encoding"] = Array("json/protobuf".utf8)
        payload.metadata["messageType"] = Array(type.utf8)
      }
      guard payload.data.count <= options.payloadLimit else {
        throw QueryRefusal("the answer has \(payload.data.count) bytes, more than the limit of \(options.payloadLimit)")
      }
      result.resultType = .answered
      result.answer = .with { $0.payloads = [payload] }
    } catch {
      result.resultType = .failed
      result.errorMessage = "\(error)"
      result.failure = Failure(OrchestrationFailure(message: "\(error)", type: "QueryRefused"))
    }
    return result
  }

  // MARK: - Failures

  /// Reports a task that this worker cannot process. Only at the first attempt: the server hands a reported task out again at
  /// once, but waits longer and longer with one that nobody answers.
  private func reportFailure(of task: PollWorkflowTaskQueueResponse, _ error: WorkflowEngineError) async {
    logger.error(
      "workflow task failed", metadata: metadata(task, ["error": "\(error)", "attempt": "\(task.attempt)"]))
    guard task.attempt <= 1 else { return }
    await report(
      task, cause: error.isNondeterminism ? .nonDeterministicError : .workflowWorkerUnhandledFailure,
      OrchestrationFailure(message: "\(error)", type: "WorkflowTaskFailure"))
  }

  private func reportOversize(of task: PollWorkflowTaskQueueResponse, _ error: OversizedTask) async {
    logger.error("workflow task failed", metadata: metadata(task, ["error": "\(error)"]))
    guard task.attempt <= 1 else { return }
    await report(
      task, cause: .payloadsTooLarge, OrchestrationFailure(message: "\(error)", type: "PayloadsTooLarge"))
  }

  private func report(
    _ task: PollWorkflowTaskQueueResponse, cause: WorkflowTaskFailedCause, _ failure: OrchestrationFailure
  ) async {
    var request = RespondWorkflowTaskFailedRequest()
    request.taskToken = task.taskToken
    request.namespace = options.namespace
    request.identity = options.identity
    request.cause = cause
    request.failure = Failure(failure)
    do {
      try await service.respondWorkflowTaskFailed(request)
    } catch {
      logger.warning("workflow task failure not reported", metadata: metadata(task, ["error": "\(error)"]))
    }
  }

  /// Checks what the server would answer by ending the workflow: a payload beyond its limit.
  private func checkSizes(_ request: RespondWorkflowTaskCompletedRequest) throws {
    for command in request.commands {
      let bytes = try command.wire().count
      guard bytes <= options.payloadLimit else {
        throw OversizedTask(
          message: "a command has \(bytes) bytes, more than the limit of \(options.payloadLimit) for one payload")
      }
    }
    let total = try request.wire().count
    guard total <= options.requestLimit else {
      throw OversizedTask(
        message: "the answer to the task has \(total) bytes, more than the limit of \(options.requestLimit)")
    }
  }

  private func metadata(_ task: PollWorkflowTaskQueueResponse, _ more: Logger.Metadata) -> Logger.Metadata {
    var metadata: Logger.Metadata = [
      "workflow_id": "\(task.workflowExecution?.workflowID ?? "")", "run_id": "\(task.workflowExecution?.runID ?? "")",
      "workflow_type": "\(task.workflowType?.name ?? "")",
    ]
    metadata.merge(more) { _, new in new }
    return metadata
  }
}

/// The answer to a workflow task is larger than the server takes.
private struct OversizedTask: Error, CustomStringConvertible {
  var message: String
  var description: String { message }
}
