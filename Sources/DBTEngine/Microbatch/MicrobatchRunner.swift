import DBTContext
import DBTProject
import Jinja
import OrderedCollections
import PlainData

/// Builds a microbatch model: its batches one after the other, each compiled for its own span and run over a connection of its
/// own. PostgreSQL builds no batches at a time, as with dbt.
struct MicrobatchRunner {
  private let run: RunContext
  private let node: Node
  private let cancellation: Cancellation
  private let threadName: String

  init(_ run: RunContext, _ node: Node, _ cancellation: Cancellation, threadName: String) {
    self.run = run
    self.node = node
    self.cancellation = cancellation
    self.threadName = threadName
  }

  /// What became of one batch.
  private enum Outcome {
    case success
    case failure(EngineError.Kind, isTransient: Bool)
    case skipped
  }

  func execute() -> NodeResult {
    let started = UTCTime.now.seconds
    var result: NodeResult
    do {
      if !run.isPrepared { try SchemaSetup(run, cancellation).ensure(node) }
      let relation = try existing()
      let isIncremental = isIncremental(relation)
      let previous = BatchResults(plain: run.request.previousBatches[node.uniqueID])
      let plan = try previous.map { BatchPlan(node, repeating: $0.failed) } ?? batches(isIncremental)
      result = merged(plan, previous, execute(plan, isIncremental: isIncremental))
      if result.status == .success { try pointToLatestVersion() }
    } catch {
      let known = DBTError(error, node: NodeNaming.reference(node))
      result = NodeResult(uniqueID: node.uniqueID, status: .error)
      result.message = run.scrub(known.description)
      result.errorKind = cancellation.isCancelled ? .cancelled : EngineError(known).kind
      result.isTransient = known.isTransient
    }
    result.noteExecution(since: started)
    result.threadID = threadName
    result.compiled = false
    result.relationName = node.relationName
    return result
  }

  private func pointToLatestVersion() throws {
    let connection = run.connection(node.uniqueID, node: node, cancellation)
    defer { connection.close() }
    guard let pointer = LatestVersionPointer(run, node, connection, threadName: threadName) else { return }
    let context = RenderContext(run, node: node, connection: connection, threadName: threadName)
    for relation in try pointer.make(over: try run.engine.relation(of: node), in: context) {
      run.cache.add(relation.created())
    }
  }

  // MARK: Which batches

  private func existing() throws -> Relation? {
    let connection = run.connection(node.uniqueID, node: node, cancellation)
    defer { connection.close() }
    let context = RenderContext(run, node: node, connection: connection, threadName: threadName)
    return try AdapterRelations(host: context).find(
      database: node.database ?? run.engine.project.profile.database, schema: node.schema, identifier: node.alias,
      context.scope.evaluation())
  }

  private func isIncremental(_ relation: Relation?) -> Bool {
    guard relation?.type == .table else { return false }
    return !(node.config["full_refresh"]?.boolValue ?? run.invocation.flags.fullRefresh)
  }

  private func batches(_ isIncremental: Bool) throws -> BatchPlan {
    let settings = run.request.settings
    return try BatchPlan(
      node, window: settings.sample ?? settings.eventTime, isIncremental: isIncremental,
      now: run.invocation.startedAt)
  }

  // MARK: Running them

  private func execute(_ plan: BatchPlan, isIncremental: Bool) -> [Outcome] {
    var outcomes: [Outcome] = []
    for (index, span) in plan.spans.enumerated() {
      let batch = Batch(span, plan.size)
      let place = (index: index + 1, total: plan.spans.count)
      guard !cancellation.isCancelled else {
        outcomes.append(.failure(.cancelled, isTransient: false))
        continue
      }
      // Nothing can be added to a table whose first batch failed.
      if index > 0, case .success = outcomes[0] {
      } else if index > 0 {
        say(.info, ResultLines.batchSkipped(batch.name, label, index: place.index, total: place.total))
        outcomes.append(.skipped)
        continue
      }
      say(.info, ResultLines.batchStarted(batch.name, label, index: place.index, total: place.total))
      let started = ContinuousClock.now
      let (outcome, message) = execute(
        batch, hooked(isFirst: index == 0, isLast: place.index == place.total),
        isIncremental: index == 0 ? isIncremental : true)
      let seconds = (ContinuousClock.now - started) / .seconds(1)
      var level = LogLine.Level.info
      if case .failure = outcome { level = .error }
      say(
        level,
        ResultLines.batchFinished(
          batch.name, label, message: level == .error ? nil : message, seconds: seconds, index: place.index,
          total: place.total))
      outcomes.append(outcome)
    }
    return outcomes
  }

  private var label: NodeLabel { run.engine.label(node.uniqueID) }

  private func say(_ level: LogLine.Level, _ text: String) {
    run.log(LogLine(level, text, nodeID: node.uniqueID))
  }

  /// The model with only those of its hooks that a batch runs: the first one those before, the last one those after.
  private func hooked(isFirst: Bool, isLast: Bool) -> Node {
    var copy = node
    if !isFirst { copy.config["pre-hook"] = [] }
    if !isLast { copy.config["post-hook"] = [] }
    return copy
  }

  private func execute(_ batch: Batch, _ node: Node, isIncremental: Bool) -> (Outcome, message: String) {
    let connection = run.connection(node.uniqueID, node: node, cancellation)
    defer { connection.close() }
    var isExecuting = false
    do {
      let compiled = try NodeCompiler(run: run, connection: connection, threadName: threadName)
        .compile(node, batch: batch)
      isExecuting = true
      let context = RenderContext(
        run, node: node, connection: connection, compiledCode: compiled.code, batch: batch, threadName: threadName)
      if isIncremental {
        for (name, answer) in [("is_incremental", true), ("should_full_refresh", false)] {
          context.scope.update(name, .object(NativeFunction(name) { _, _ in .bool(answer) }))
        }
      }
      let macro = try run.materialization(node.materialized)
      let answer = try context.scope.evaluation().call(macro.definition, Arguments())
      for relation in try MaterializationAnswer.relations(answer, node) { run.cache.add(relation.created()) }
      guard let main = context.results.main else {
        throw DBTError(.runtime, "main is not being called during running model")
      }
      return (.success, main.response.text)
    } catch {
      var known = DBTError(error, node: nil)
      if known.kind == .database { known.stack = [] }
      if isExecuting {
        say(.error, "[ERROR]: Unhandled error while executing \nException on worker thread. \(known.description)")
      }
      let isCancelled = cancellation.isCancelled || connection.lastFailure?.isCancelled ?? false
      return (
        .failure(
          isCancelled ? .cancelled : EngineError(known).kind,
          isTransient: !isCancelled && (connection.lastFailure?.isTransient ?? known.isTransient)), ""
      )
    }
  }

  // MARK: The whole

  private func merged(_ plan: BatchPlan, _ previous: BatchResults?, _ outcomes: [Outcome]) -> NodeResult {
    var batches = BatchResults()
    var result = NodeResult(uniqueID: node.uniqueID, status: .success)
    for (span, outcome) in zip(plan.spans, outcomes) {
      switch outcome {
      case .success: batches.successful.append(span)
      case .skipped: batches.failed.append(span)
      case .failure(let kind, let isTransient):
        batches.failed.append(span)
        result.errorKind = result.errorKind ?? kind
        result.isTransient = isTransient
      }
    }
    let (done, failed) = (batches.successful.count, batches.failed.count)
    if failed == 0 {
      result.message = plan.spans.isEmpty ? "" : "SUCCESS"
    } else if done == 0 {
      result.status = .error
      result.message = "ERROR"
    } else {
      result.status = .partialSuccess
      result.message = "PARTIAL SUCCESS (\(done)/\(done + failed))"
    }
    if let previous { batches.successful += previous.successful }
    result.failures = 0
    result.batchResults = batches
    return result
  }
}
