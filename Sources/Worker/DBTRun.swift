import OrderedCollections
package import PlainData
package import WorkflowEngine

/// The workflow `dbt_run`: plans a dbt command, runs each node as an activity as soon as the node's own parents are done, and
/// gathers the results.
///
/// Cancelling it cancels what runs, waits until that has ended, and keeps the results; see `DBTRunOrders` for the activities
/// and `DBTRunProgress` for what memo and queries show.
package struct DBTRun: Orchestration {
  package static let workflowType = "dbt_run"

  package static let interactions = OrchestrationInteractions(queries: ["run_status"], updates: ["set_fail_fast"])

  /// Most nodes that are handed to the scheduler at a time, whatever the plan says; it allows 2000 open activities to a run.
  static let window = 500
  /// Bytes that the orders of one workflow task may have together; the scheduler takes requests of 4 MiB.
  static let orderBudget = 2 << 20

  /// What the run does now; the names of the query's `phase`.
  package enum Phase: String, Codable, Sendable {
    case initializing, planning
    case preRunHooks = "pre_run_hooks"
    case executing, finalizing
  }

  /// Id of the invocation: the first run's id, the same over a reset.
  let invocationID: String
  private(set) var phase = Phase.initializing
  private(set) var input = DBTRunInput()
  private var inputFault: String?
  private var startedAt = WorkflowTime(nanoseconds: 0)
  private var now = WorkflowTime(nanoseconds: 0)
  private(set) var plan: DBTRunPlan?
  private(set) var schedule: NodeSchedule?
  private(set) var results = DBTRunResults()
  private(set) var progress = DBTRunProgress()
  private(set) var isCancelled = false
  private var hookErrors: [PlainValue] = []
  private var artifacts: PlainValue?
  /// Set when the run failed outside its nodes.
  private var fault: OrchestrationFailure?
  private var lastWords = ""

  package init(start: OrchestrationStart) {
    invocationID = start.originalRunID
    do throws(DBTRunInputError) {
      if let fault = start.argumentsFault { throw DBTRunInputError("the argument cannot be read: \(fault)") }
      input = try DBTRunInput(arguments: start.arguments)
    } catch {
      inputFault = error.message
    }
  }

  package mutating func handle(
    _ event: OrchestrationEvent, in context: OrchestrationContext
  ) -> [OrchestrationCommand] {
    now = context.now
    switch event {
    case .started: return begin()
    case .activityCompleted(let id, let result): return completed(id, result)
    case .activityFailed(let id, let failure): return failed(id, failure)
    case .activityCancelled(let id): return cancelled(id)
    case .cancelRequested: return cancel()
    case .timerFired, .signaled: return []
    }
  }

  package mutating func update(
    _ name: String, arguments: [PlainValue], in context: OrchestrationContext
  ) -> UpdateReply {
    guard name == "set_fail_fast" else { return .rejected(.unknownUpdate(name, known: Self.interactions.updates)) }
    guard let value = arguments.first?.boolValue else {
      return .rejected(
        OrchestrationFailure(
          message: "set_fail_fast takes true or false", type: "InvalidArgument", isNonRetryable: true))
    }
    now = context.now
    input.failFast = value
    var commands: [OrchestrationCommand] = []
    if value, let schedule, schedule.count(.error) > 0 { commands = failFast() + advance() }
    return .completed(.bool(value), commands: commands)
  }

  package func query(_ name: String, arguments: [PlainValue]) throws(QueryRefusal) -> PlainValue {
    guard name == "run_status" else { throw .unknown(name, known: Self.interactions.queries) }
    return progress.status(of: self)
  }

  package var currentDetails: String { lastWords.isEmpty ? progress.details(of: self) : lastWords }

  /// Seconds of workflow time since the start.
  var elapsed: Double { now.seconds(since: startedAt) }

  // MARK: - Phases

  private mutating func begin() -> [OrchestrationCommand] {
    startedAt = now
    if let inputFault {
      let message = DBTErrorClass.configuration.prefix + inputFault
      return [.fail(OrchestrationFailure(message: message, type: "Configuration", isNonRetryable: true))]
    }
    phase = .planning
    progress.log("Running with sallyport: dbt \(input.command)")
    return [.upsertMemo(["command": input.memo]), .scheduleActivity(orders.plan(input))]
  }

  /// The orders for activities, with what all of them carry.
  private var orders: DBTRunOrders {
    DBTRunOrders(
      invocationID: invocationID, startedAt: startedAt, input: input, project: plan?.project ?? input.project ?? "",
      settings: plan?.settings ?? DBTRunSettings())
  }

  private mutating func completed(_ id: String, _ result: PlainValue) -> [OrchestrationCommand] {
    switch id {
    case DBTRunOrders.planID: return planned(result)
    case DBTRunOrders.onRunStartID: return isCancelled ? store() : execute()
    case DBTRunOrders.onRunEndID: return store()
    case DBTRunOrders.storeID:
      artifacts = result
      return conclude()
    default: return nodeEnded(id, .success, result)
    }
  }

  private mutating func failed(_ id: String, _ failure: OrchestrationFailure) -> [OrchestrationCommand] {
    switch id {
    case DBTRunOrders.planID:
      fault = DBTRunResults.fault(failure, during: "plan")
      return conclude()
    case DBTRunOrders.onRunStartID:
      fault = DBTRunResults.fault(failure, during: "on-run-start")
      hookErrors.append(DBTRunResults.hookError("on_run_start", failure))
      if plan?.continuesAfterFailedStart == true, !isCancelled { return execute() }
      skipAll(DBTRunResults.failedHooks)
      return store()
    case DBTRunOrders.onRunEndID:
      fault = fault ?? DBTRunResults.fault(failure, during: "on-run-end")
      hookErrors.append(DBTRunResults.hookError("on_run_end", failure))
      return store()
    case DBTRunOrders.storeID:
      fault = fault ?? DBTRunResults.fault(failure, during: "store_artifacts")
      return conclude()
    default:
      if isCancelled, failure.root.kind == .timeout { return cancelled(id) }
      return nodeEnded(id, .error, DBTRunResults.errorResult(of: failure, id: uniqueID(of: id)))
    }
  }

  private mutating func cancelled(_ id: String) -> [OrchestrationCommand] {
    switch id {
    case DBTRunOrders.planID, DBTRunOrders.storeID: return conclude()
    case DBTRunOrders.onRunStartID, DBTRunOrders.onRunEndID: return store()
    default: return nodeEnded(id, .cancelled, DBTRunResults.plainResult(uniqueID(of: id), .cancelled, "cancelled"))
    }
  }

  private mutating func planned(_ result: PlainValue) -> [OrchestrationCommand] {
    do throws(DBTRunInputError) {
      let plan = try DBTRunPlan(plain: result)
      schedule = try NodeSchedule(plan)
      self.plan = plan
      results.name(plan.nodes)
      progress.log(DBTRunProgress.found(plan))
    } catch {
      fault = OrchestrationFailure(
        message: DBTErrorClass.configuration.prefix + error.message, type: "Configuration", isNonRetryable: true)
      return conclude()
    }
    if isCancelled { return conclude() }
    if input.command == "list" { return listed() }
    guard plan?.hasOnRunStart == true else { return execute() }
    phase = .preRunHooks
    return [.scheduleActivity(orders.hooks(.onRunStart, results: [])), memo()]
  }

  private mutating func listed() -> [OrchestrationCommand] {
    for (index, node) in (plan?.nodes ?? []).enumerated() {
      results.record(index, DBTRunResults.plainResult(node.uniqueID, .success, nil))
      results.began(index)
    }
    lastWords = "list"
    return [.complete(output(isSuccess: true))]
  }

  private mutating func execute() -> [OrchestrationCommand] {
    phase = .executing
    return advance()
  }

  /// Starts what may start; when nothing is left to do, goes on to the end of the run.
  private mutating func advance() -> [OrchestrationCommand] {
    guard phase == .executing, var schedule else { return [] }
    var commands: [OrchestrationCommand] = []
    if !isCancelled {
      for index in schedule.takeReady(limit: window - schedule.runningCount) {
        guard let node = plan?.nodes[index] else { continue }
        results.began(index)
        progress.started(node, number: results.order.count, of: schedule.status.count)
        commands.append(.scheduleActivity(orders.node(node, id: results.activityID(index))))
      }
    }
    self.schedule = schedule
    if schedule.isDone { return commands + finalize() }
    if progress.isMemoDue(schedule, now: now) { commands.append(memo()) }
    return commands
  }

  /// Nodes that may be open at a time: what the plan allows, and no more than fit into one request.
  private var window: Int {
    let bytes = input.vars.jsonBytes().count + input.env.jsonBytes().count + 1024
    return max(1, min(Self.window, plan?.threads ?? Self.window, Self.orderBudget / bytes))
  }

  private mutating func nodeEnded(
    _ id: String, _ status: NodeSchedule.Status, _ result: PlainValue
  ) -> [OrchestrationCommand] {
    guard let index = results.index(ofActivity: id), let node = plan?.nodes[index] else { return [] }
    results.record(index, result)
    progress.ended(node, status, result, number: results.number(index), of: schedule?.status.count ?? 0)
    for skipped in schedule?.finish(index, status) ?? [] {
      record(skipped, .skipped, status == .cancelled ? "cancelled" : DBTRunResults.failedParent)
    }
    if status == .error, input.failFast { return failFast() + advance() }
    if status == .cancelled, !isCancelled { progress.forceMemo() }
    return advance()
  }

  private mutating func failFast() -> [OrchestrationCommand] {
    for index in schedule?.endPending(as: .skipped) ?? [] {
      record(index, .skipped, DBTRunResults.failedFast)
    }
    return []
  }

  private mutating func skipAll(_ reason: String) {
    for index in schedule?.endPending(as: .skipped) ?? [] { record(index, .skipped, reason) }
  }

  private mutating func record(_ index: Int, _ status: NodeSchedule.Status, _ message: String) {
    guard let node = plan?.nodes[index] else { return }
    results.began(index)
    results.record(index, DBTRunResults.plainResult(node.uniqueID, status, message))
    progress.ended(node, status, .null, number: results.number(index), of: schedule?.status.count ?? 0)
  }

  /// Answers a cancel request: stops what runs, ends what waits.
  private mutating func cancel() -> [OrchestrationCommand] {
    isCancelled = true
    switch phase {
    case .initializing, .planning: return [.cancelActivity(id: DBTRunOrders.planID)]
    case .preRunHooks: return [.cancelActivity(id: DBTRunOrders.onRunStartID)]
    case .finalizing:
      return [.cancelActivity(id: DBTRunOrders.onRunEndID), .cancelActivity(id: DBTRunOrders.storeID)]
    case .executing:
      for index in schedule?.endPending(as: .cancelled) ?? [] { record(index, .cancelled, "cancelled") }
      let running = schedule?.running ?? []
      return running.map { .cancelActivity(id: results.activityID($0)) } + advance()
    }
  }

  private mutating func finalize() -> [OrchestrationCommand] {
    phase = .finalizing
    progress.finished(schedule, seconds: elapsed)
    if plan?.hasOnRunEnd == true, !isCancelled {
      return [.scheduleActivity(orders.hooks(.onRunEnd, results: results.trimmed)), memo()]
    }
    return store()
  }

  private mutating func store() -> [OrchestrationCommand] {
    phase = .finalizing
    if isCancelled {
      for index in schedule?.endPending(as: .cancelled) ?? [] { record(index, .cancelled, "cancelled") }
    }
    guard plan?.writesArtifacts == true else { return conclude() }
    return [.scheduleActivity(orders.store(results: results.trimmed, log: progress.lines))]
  }

  /// Ends the run.
  private mutating func conclude() -> [OrchestrationCommand] {
    phase = .finalizing
    if isCancelled {
      for index in schedule?.endPending(as: .cancelled) ?? [] { record(index, .cancelled, "cancelled") }
      lastWords = "cancelled"
      return [memo(), .cancel(details: output(isSuccess: false))]
    }
    let errors = schedule?.count(.error) ?? 0
    let isSuccess = fault == nil && errors == 0 && (schedule?.count(.cancelled) ?? 0) == 0
    lastWords = progress.summary(schedule, isSuccess: isSuccess, seconds: elapsed)
    guard !isSuccess else { return [memo(), .complete(output(isSuccess: true))] }
    if errors == 0, let fault, schedule == nil { return [memo(), .fail(fault)] }
    let message = results.failureMessage(errors: errors, fault: fault)
    return [
      memo(),
      .fail(
        OrchestrationFailure(
          message: message, type: "RunFailed", isNonRetryable: true, details: [output(isSuccess: false)], cause: fault)),
    ]
  }

  private mutating func memo() -> OrchestrationCommand {
    progress.memoTaken(schedule, now: now)
    return .upsertMemo(progress.memo(of: self))
  }

  /// The run's result.
  private func output(isSuccess: Bool) -> PlainValue {
    var members: PlainObject = [
      "invocation_id": .string(invocationID), "success": .bool(isSuccess), "skipped": false,
      "node_results": .array(results.bounded), "elapsed_time": .double(elapsed),
    ]
    if let artifacts, !artifacts.isNull {
      members["artifacts"] = artifacts
      members["log_path"] = artifacts["log_path"] ?? .null
    } else {
      members["log_path"] = .null
    }
    members["hook_errors"] = .array(hookErrors)
    return .object(members)
  }

  private func uniqueID(of activityID: String) -> String {
    results.index(ofActivity: activityID).flatMap { plan?.nodes[$0].uniqueID } ?? activityID
  }
}
