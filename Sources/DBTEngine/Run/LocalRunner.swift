package import DBTContext
import OrderedCollections
import PlainData

/// Runs a command on this machine with a number of threads, printing what dbt prints.
package final class LocalRunner: Sendable {
  private let engine: Engine
  private let sink: @Sendable (LogLine) -> Void
  private let cancellation: Cancellation

  /// - Parameter sink: receives every line; called from several threads.
  package init(engine: Engine, cancellation: Cancellation, sink: @escaping @Sendable (LogLine) -> Void) {
    self.engine = engine
    self.cancellation = cancellation
    self.sink = sink
  }

  private struct Progress {
    var queue: NodeQueue
    var started = 0
    var results: [NodeResult]
    var failures: [String: NodeResult] = [:]
    /// Unique ids of the nodes under way, in the order of starting.
    var running: OrderedSet<String> = []
    /// What made a run that fails fast stop.
    var stopper: NodeResult?
    var isStopping: Bool { stopper != nil }
  }

  /// Executes the plan of a request: prepares schemas, runs hooks and nodes, prints the lines between.
  ///
  /// - Returns: the outcome, and the run for writing its artifacts.
  /// - Throws: what prevents the run as a whole (dbt's exit code 2). Failures of nodes are in the summary.
  package func run(
    _ request: RunRequest, plan: RunPlan
  ) throws(EngineError) -> (summary: RunSummary, run: RunContext) {
    let plan = plan.threads == 1 ? plan.inSerialOrder : plan
    let run = engine.begin(request, plan: plan, sink: sink)
    for warning in plan.warnings { try run.warn(warning, event: "NoNodesForSelectionCriteria") }
    guard !plan.nodes.isEmpty else {
      try run.warn("Nothing to do. Try checking your model configs and model specification args", event: "NothingToDo")
      if request.command == .freshness { tell(LogLine(.info, "Done.", event: "FreshnessCheckComplete")) }
      return (RunSummary(), run)
    }
    blank()
    tell(
      LogLine(
        .info, "Concurrency: \(plan.threads) threads (target='\(plan.targetName)')", event: "ConcurrencyLine",
        data: [
          "num_threads": .int(plan.threads), "target_name": .string(plan.targetName),
          "node_count": .int(plan.nodes.count { !$0.isEphemeral }),
        ]))
    blank()
    let started = ContinuousClock.now
    var summary = RunSummary()
    var canRun = true
    try engine.requireDeferral(request)
    try engine.prepare(run, cancellation: cancellation)
    if request.command.announces, plan.hasOnRunStart {
      summary.results = try hooks(.onRunStart, plan, run, [])
      canRun = !plan.skipsNodesAfterFailedStart || !summary.results.contains { $0.status.isFailure }
    }
    if !cancellation.isCancelled {
      let nodes = canRun ? execute(plan, run, request) : skipAll(plan)
      summary.results += nodes
    }
    if request.command.announces, plan.hasOnRunEnd, !cancellation.isCancelled {
      summary.results += try hooks(.onRunEnd, plan, run, summary.results)
    }
    summary.elapsed = (ContinuousClock.now - started) / .seconds(1)
    summary.isInterrupted = cancellation.isCancelled
    let labels = Dictionary(
      summary.results.map { ($0.uniqueID, engine.label($0.uniqueID)) }, uniquingKeysWith: { first, _ in first })
    if request.command == .clone {
      for line in summary.endEvents(labels) { tell(line) }
      return (summary, run)
    }
    guard run.announcesNodes || summary.isInterrupted else { return (summary, run) }
    let finished = summary.finishedLine(labels)
    let finish = [
      LogLine(.info, "", event: "Formatting"),
      LogLine(
        .info, finished, event: "FinishedRunningStats",
        data: ["stat_line": .string(finished), "execution": "", "execution_time": .double(summary.elapsed)]),
    ]
    let outcome =
      request.command == .freshness && !summary.isInterrupted
      ? FreshnessLines.endLines(summary.results, labels) : summary.endEvents(labels)
    // As in dbt: an interrupted run tells how it ended first.
    for line in summary.isInterrupted ? outcome + finish : finish + outcome { tell(line) }
    return (summary, run)
  }

  private var events: NodeEvents { NodeEvents(engine: engine) }

  private func say(_ level: LogLine.Level, _ text: String, _ node: String? = nil) {
    tell(LogLine(level, text, nodeID: node))
  }

  private func tell(_ line: LogLine) {
    var line = line
    line.message = engine.scrub(line.message)
    sink(line)
  }

  private func blank() { tell(LogLine(.info, "", event: "Formatting")) }

  private func hooks(
    _ phase: HookPhase, _ plan: RunPlan, _ run: RunContext, _ results: [NodeResult]
  ) throws(EngineError) -> [NodeResult] {
    guard !plan.leavesHooksOut else {
      do throws(EngineError) {
        try run.deprecate(
          "SourceFreshnessProjectHooksNotRun",
          "In a future version of dbt, the `source freshness` command will start running `on-run-start` and `on-run-end` "
            + "hooks by default. For more information: https://docs.getdbt.com/reference/global-configs/legacy-behaviors"
        )
      } catch {
        blank()
        tell(LogLine(.info, RunSummary().finishedLine([:]), event: "FinishedRunningStats"))
        throw error
      }
      return []
    }
    if phase == .onRunEnd { blank() }
    let events = events
    let outcome = engine.runHooks(phase, in: run, results: results, cancellation: cancellation) { event in
      tell(events.hook(event))
    }
    guard !cancellation.isCancelled else {
      return outcome.filter { $0.errorKind != .cancelled && $0.status != .skipped }
    }
    if let failure = outcome.compactMap(\.renderFailure).first { throw failure }
    if phase == .onRunStart { blank() }
    return outcome
  }

  private func skipAll(_ plan: RunPlan) -> [NodeResult] {
    let visible = plan.nodes.filter { !$0.isEphemeral }
    for (index, node) in visible.enumerated() {
      tell(events.skipped(engine.label(node.uniqueID), index: index + 1, total: visible.count))
    }
    return visible.map { engine.skippedResult($0.uniqueID) }
  }

  /// Runs the nodes on `threads` threads and waits for all.
  private func execute(_ plan: RunPlan, _ run: RunContext, _ request: RunRequest) -> [NodeResult] {
    let total = plan.nodes.count { !$0.isEphemeral }
    let nodeCancellation = Cancellation()
    let progress = Monitor(Progress(queue: NodeQueue(plan), results: []))
    let token = cancellation.onCancel { [self] in stop(progress, nodeCancellation) }
    defer { cancellation.remove(token) }
    var threads: [BlockingThread] = []
    for number in 1...max(1, plan.threads) {
      do throws(EngineError) {
        threads.append(
          try BlockingThread { [self] in
            let worker = Worker(
              name: "Thread-\(number) (worker)", total: total, failsFast: request.settings.failFast,
              cancellation: nodeCancellation)
            WorkThread.named(worker.name) {
              while let entry = takeNext(progress) { perform(entry, progress, run, worker) }
            }
          })
      } catch {
        if threads.isEmpty { say(.error, error.description) }
        break
      }
    }
    for thread in threads { thread.join() }
    let (results, stopper) = progress.withLock { progress in
      guard !cancellation.isCancelled else { return (progress.results, NodeResult?.none) }
      let known = Set(progress.results.map(\.uniqueID))
      // As in dbt: a run that fails fast also counts the ephemeral models, which never have a result of their own.
      for node in plan.nodes where !known.contains(node.uniqueID) && (!node.isEphemeral || progress.isStopping) {
        var result = engine.skippedResult(node.uniqueID)
        if progress.isStopping { skip(&result) }
        progress.results.append(result)
      }
      return (progress.results, progress.stopper)
    }
    if let stopper {
      for line in RunSummary.problem(stopper, engine.label(stopper.uniqueID), isWarning: false) { tell(line) }
    }
    return results
  }

  /// Marks what a run that fails fast never finished.
  private func skip(_ result: inout NodeResult) {
    result.status = .skipped
    result.message = "Skipping due to fail_fast"
    result.threadID = "MainThread"
  }

  /// Interrupts what runs, and says so.
  private func stop(_ progress: Monitor<Progress>, _ nodes: Cancellation) {
    for id in progress.withLock({ $0.running }) {
      tell(
        LogLine(
          .error, ResultLines.cancelled(id), event: "LogCancelLine", nodeID: id, data: ["conn_name": .string(id)]))
    }
    nodes.cancel()
  }

  /// What every step of one thread needs.
  private struct Worker {
    let name: String
    let total: Int
    let failsFast: Bool
    let cancellation: Cancellation
  }

  private struct Step {
    let entry: NodeQueue.Entry
    let node: RunPlanNode
    /// The order of starting, from 1; 0 for ephemeral models.
    let index: Int
  }

  private func takeNext(_ progress: Monitor<Progress>) -> Step? {
    progress.wait { progress -> Step?? in
      if progress.isStopping || cancellation.isCancelled || progress.queue.isFinished || progress.queue.isStuck {
        return .some(nil)
      }
      guard let entry = progress.queue.next() else { return nil }
      let node = progress.queue.nodes[entry.index]
      if !node.isEphemeral { progress.started += 1 }
      if entry.skip == nil, !node.isEphemeral { progress.running.append(node.uniqueID) }
      return .some(Step(entry: entry, node: node, index: node.isEphemeral ? 0 : progress.started))
    }
  }

  private func perform(_ step: Step, _ progress: Monitor<Progress>, _ run: RunContext, _ worker: Worker) {
    let label = engine.label(step.node.uniqueID)
    var result: NodeResult
    var isInterrupted = false
    if let skip = step.entry.skip {
      result = skipped(step, skip, label, worker.total, progress, run)
    } else {
      if !step.node.isEphemeral, label.resourceType != "exposure", label.resourceType != "saved_query",
        run.announcesNodes
      {
        tell(events.started(label, index: step.index, total: worker.total))
      }
      tell(events.began(label))
      result = engine.execute(
        step.node.uniqueID, in: run, cancellation: worker.cancellation, threadName: worker.name)
      if !step.node.isEphemeral, run.announcesNodes {
        let line = events.finished(label, result, index: step.index, total: worker.total)
        if let refusal = refusal(of: line, result, run) {
          result = refusal
        } else {
          tell(line)
        }
      }
      tell(events.ended(label, result))
      isInterrupted = worker.cancellation.isCancelled && result.status.isFailure
    }
    result.threadID = worker.name
    if isInterrupted {
      let code = result.compiledCode
      result = engine.skippedResult(step.node.uniqueID)
      (result.compiled, result.compiledCode) = (code != nil, code)
      skip(&result)
    }
    // What is compiled or shown by name is a result even when it is never built.
    let keepsEphemerals =
      !run.request.command.executes && (!run.request.select.isEmpty || engine.options.inlineQuery != nil)
    let stops = worker.failsFast && result.status.isFailure
    let isFirst = progress.withLock { progress in
      progress.queue.finish(step.entry.index, result.status)
      progress.running.remove(step.node.uniqueID)
      // What the user interrupted has no result.
      if isInterrupted, cancellation.isCancelled { return false }
      if step.node.isEphemeral, !keepsEphemerals {
        if result.status.isFailure { progress.failures[step.node.uniqueID] = result }
      } else {
        progress.results.append(result)
      }
      guard stops, !progress.isStopping else { return false }
      progress.stopper = result
      return true
    }
    if isFirst { stop(progress, worker.cancellation) }
  }

  /// What becomes of a source that is older than it should be when the warning of it counts as an error: as in dbt that is a
  /// fault of the thread. nil where there is no such warning. One that is silenced is told nothing of.
  private func refusal(of line: LogLine, _ result: NodeResult, _ run: RunContext) -> NodeResult? {
    guard run.request.command == .freshness, result.status == .warn else { return nil }
    switch run.invocation.treatment(ofWarning: "LogFreshnessResult") {
    case .warn: return nil
    case .silence: return result
    case .error: break
    }
    let fault = "Compilation Error\n  \(line.message)"
    say(.error, "[ERROR]: Unhandled error while executing \n\(fault)", result.uniqueID)
    var refused = result
    refused.status = .runtimeError
    refused.message = FreshnessLines.threadFault + fault
    refused.errorKind = .compilation
    return refused
  }

  private func skipped(
    _ step: Step, _ skip: NodeQueue.Skip, _ label: NodeLabel, _ total: Int, _ progress: Monitor<Progress>,
    _ run: RunContext
  ) -> NodeResult {
    var result = engine.skippedResult(step.node.uniqueID)
    guard !step.node.isEphemeral, run.request.command.executes else { return result }
    guard let cause = skip.ephemeral else {
      tell(events.skipped(label, index: step.index, total: total))
      return result
    }
    tell(events.skippedByEphemeral(label, skip.status, index: step.index, total: total))
    let message = progress.withLock { $0.failures[cause]?.message } ?? ""
    say(.error, "  \(message)", step.node.uniqueID)
    result.message =
      "Compilation Error in \(step.node.uniqueID), caused by compilation error in referenced ephemeral model \(cause)"
    return result
  }
}
