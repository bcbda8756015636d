package import DBTContext
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
    var isStopping = false
  }

  /// Executes the plan of a request: prepares schemas, runs hooks and nodes, prints the lines between.
  ///
  /// - Returns: the outcome, and the run for writing its artifacts.
  /// - Throws: what prevents the run as a whole (dbt's exit code 2). Failures of nodes are in the summary.
  package func run(
    _ request: RunRequest, plan: RunPlan
  ) throws(EngineError) -> (summary: RunSummary, run: RunContext) {
    let run = engine.begin(request, plan: plan, sink: sink)
    for warning in plan.warnings { say(.warn, "[WARNING]: \(warning)") }
    guard !plan.nodes.isEmpty else {
      say(.warn, "[WARNING]: Nothing to do. Try checking your model configs and model specification args")
      return (RunSummary(), run)
    }
    say(.info, "")
    say(.info, "Concurrency: \(plan.threads) threads (target='\(plan.targetName)')")
    say(.info, "")
    let started = ContinuousClock.now
    var summary = RunSummary()
    var canRun = true
    try engine.prepare(run, cancellation: cancellation)
    if request.command.executes, plan.hasOnRunStart {
      summary.results = hooks(.onRunStart, run, [])
      canRun = !summary.results.contains { $0.status.isFailure }
    }
    let nodes = canRun ? execute(plan, run, request) : skipAll(plan)
    summary.results += nodes
    if request.command.executes, plan.hasOnRunEnd {
      summary.results += hooks(.onRunEnd, run, summary.results)
    }
    summary.elapsed = (ContinuousClock.now - started) / .seconds(1)
    summary.isInterrupted = cancellation.isCancelled
    let labels = Dictionary(
      summary.results.map { ($0.uniqueID, engine.label($0.uniqueID)) }, uniquingKeysWith: { first, _ in first })
    say(.info, "")
    say(.info, summary.finishedLine(labels))
    for line in summary.endLines(labels) { say(.info, line) }
    return (summary, run)
  }

  private func say(_ level: LogLine.Level, _ text: String, _ node: String? = nil) {
    sink(LogLine(level, engine.scrub(text), nodeID: node))
  }

  private func hooks(_ phase: HookPhase, _ run: RunContext, _ results: [NodeResult]) -> [NodeResult] {
    if phase == .onRunEnd { say(.info, "") }
    let outcome = engine.runHooks(phase, in: run, results: results, cancellation: cancellation) { event in
      switch event {
      case .started(let name, let index, let total):
        say(.info, ResultLines.hookStarted(name, index: index, total: total))
      case .finished(let name, let result, let index, let total):
        say(
          .info,
          ResultLines.hookFinished(name, result.status, seconds: result.executionTime, index: index, total: total))
      }
    }
    if phase == .onRunStart { say(.info, "") }
    return outcome
  }

  private func skipAll(_ plan: RunPlan) -> [NodeResult] {
    let visible = plan.nodes.filter { !$0.isEphemeral }
    for (index, node) in visible.enumerated() {
      say(
        .info, ResultLines.skipped(engine.label(node.uniqueID), index: index + 1, total: visible.count), node.uniqueID)
    }
    return visible.map { NodeResult(uniqueID: $0.uniqueID, status: .skipped) }
  }

  /// Runs the nodes on `threads` threads and waits for all.
  private func execute(_ plan: RunPlan, _ run: RunContext, _ request: RunRequest) -> [NodeResult] {
    let total = plan.nodes.count { !$0.isEphemeral }
    let nodeCancellation = Cancellation()
    let token = cancellation.onCancel { nodeCancellation.cancel() }
    defer { cancellation.remove(token) }
    let progress = Monitor(Progress(queue: NodeQueue(plan), results: []))
    var threads: [BlockingThread] = []
    for number in 1...max(1, plan.threads) {
      do throws(EngineError) {
        threads.append(
          try BlockingThread { [self] in
            let worker = Worker(
              name: "Thread-\(number) (worker)", total: total, failsFast: request.settings.failFast,
              cancellation: nodeCancellation)
            while let entry = takeNext(progress) { perform(entry, progress, run, worker) }
          })
      } catch {
        if threads.isEmpty { say(.error, error.description) }
        break
      }
    }
    for thread in threads { thread.join() }
    return progress.withLock { progress in
      let known = Set(progress.results.map(\.uniqueID))
      for node in plan.nodes where !node.isEphemeral && !known.contains(node.uniqueID) {
        var result = NodeResult(uniqueID: node.uniqueID, status: .skipped)
        if request.settings.failFast, progress.isStopping { result.message = "Skipping due to fail_fast" }
        progress.results.append(result)
      }
      return progress.results
    }
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
      return .some(Step(entry: entry, node: node, index: node.isEphemeral ? 0 : progress.started))
    }
  }

  private func perform(_ step: Step, _ progress: Monitor<Progress>, _ run: RunContext, _ worker: Worker) {
    let label = engine.label(step.node.uniqueID)
    var result: NodeResult
    if let skip = step.entry.skip {
      result = skipped(step, skip, label, worker.total, progress)
    } else {
      if !step.node.isEphemeral, label.resourceType != "exposure", label.resourceType != "saved_query",
        run.announcesNodes
      {
        say(.info, ResultLines.started(label, index: step.index, total: worker.total), step.node.uniqueID)
      }
      result = engine.execute(step.node.uniqueID, in: run, cancellation: worker.cancellation)
      if worker.cancellation.isCancelled, !cancellation.isCancelled, result.status == .error {
        result = NodeResult(uniqueID: step.node.uniqueID, status: .skipped)
        result.message = "Skipping due to fail_fast"
      } else if !step.node.isEphemeral, run.announcesNodes {
        let level: LogLine.Level = result.status.isFailure ? .error : result.status == .warn ? .warn : .info
        say(level, ResultLines.finished(label, result, index: step.index, total: worker.total), step.node.uniqueID)
      }
    }
    result.threadID = worker.name
    let stops = worker.failsFast && result.status.isFailure
    progress.withLock { progress in
      progress.queue.finish(step.entry.index, result.status)
      if step.node.isEphemeral {
        if result.status.isFailure { progress.failures[step.node.uniqueID] = result }
      } else {
        progress.results.append(result)
      }
      if stops { progress.isStopping = true }
    }
    if stops { worker.cancellation.cancel() }
  }

  private func skipped(
    _ step: Step, _ skip: NodeQueue.Skip, _ label: NodeLabel, _ total: Int, _ progress: Monitor<Progress>
  ) -> NodeResult {
    var result = NodeResult(uniqueID: step.node.uniqueID, status: .skipped)
    guard !step.node.isEphemeral else { return result }
    guard let cause = skip.ephemeral else {
      say(.info, ResultLines.skipped(label, index: step.index, total: total), step.node.uniqueID)
      return result
    }
    say(
      .error, ResultLines.skippedByEphemeral(label, status: skip.status, index: step.index, total: total),
      step.node.uniqueID)
    let message = progress.withLock { $0.failures[cause]?.message } ?? ""
    say(.error, "  \(message)", step.node.uniqueID)
    result.message =
      "Compilation Error in \(step.node.uniqueID), caused by compilation error in referenced ephemeral model \(cause)"
    return result
  }
}
