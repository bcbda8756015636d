import DBTContext
import DBTProject
import Jinja
import OrderedCollections
import PlainData

/// Executes one node: compiles it, runs its materialization's macro, and reads the outcome. Over one connection, on one
/// thread.
struct NodeRunner {
  let run: RunContext
  let node: Node
  private let cancellation: Cancellation
  let threadName: String
  let connection: DatabaseConnection

  init(_ run: RunContext, _ node: Node, _ cancellation: Cancellation, threadName: String) {
    self.run = run
    self.node = node
    self.cancellation = cancellation
    self.threadName = threadName
    connection = run.connection(node.uniqueID, node: node, cancellation)
  }

  /// What is known while the node is worked on, for its result.
  private final class Progress {
    var timing: [NodeTiming] = []
    var compiled: CompiledNode?
  }

  /// - Parameter compilesOnly: whether to stop after compiling.
  func execute(compilesOnly: Bool) -> NodeResult {
    let started = UTCTime.now.seconds
    let progress = Progress()
    var result: NodeResult
    do {
      if !run.isPrepared, run.request.command.executes { try SchemaSetup(run, cancellation).ensure(node) }
      result = try outcome(progress, compilesOnly: compilesOnly)
      connection.close()
    } catch {
      connection.close()
      result = failure(error, progress)
    }
    result.timing = progress.timing
    result.threadID = threadName
    result.executionTime = UTCTime.now.seconds - started
    NodeNaming.describe(&result, node)
    if let compiled = progress.compiled {
      result.compiled = true
      result.compiledCode = result.compiledCode ?? run.scrub(compiled.code)
      result.codePath = compiled.path
    }
    result.message = result.message.map { run.scrub($0) }
    return result
  }

  private func outcome(_ progress: Progress, compilesOnly: Bool) throws -> NodeResult {
    if run.request.command == .clone {
      timed("compile", progress) {}
      guard !node.isEphemeral else { return NodeResult(uniqueID: node.uniqueID, status: .success) }
      return try timed("execute", progress) { try clone() }
    }
    if node.resourceType != .seed {
      progress.compiled = try timed("compile", progress) {
        try NodeCompiler(run: run, connection: connection, threadName: threadName).compile(node)
      }
    } else {
      timed("compile", progress) {}
    }
    if run.request.command == .show {
      return try timed("execute", progress) { try preview(progress.compiled) { try materialize(progress) } }
    }
    guard !compilesOnly, !node.isEphemeral, node.resourceType != .analysis else {
      if node.isEphemeral, let compiled = progress.compiled { run.keepEphemeral(node.uniqueID, compiled) }
      timed("execute", progress) {}
      return NodeResult(uniqueID: node.uniqueID, status: .success)
    }
    return try timed("execute", progress) { try materialize(progress) }
  }

  private func timed<R>(_ name: String, _ progress: Progress, _ body: () throws -> R) rethrows -> R {
    let started = UTCTime.now.seconds
    defer {
      progress.timing.append(NodeTiming(name: name, startedAt: started, completedAt: UTCTime.now.seconds))
    }
    return try body()
  }

  /// Runs the macro of the node's materialization.
  private func materialize(_ progress: Progress) throws -> NodeResult {
    let macro = try run.materialization(node.materialized)
    if node.resourceType == .model, case .materialization(_, let languages) = macro.definition.kind,
      !languages.contains(node.language)
    {
      throw DBTError(
        .runtime,
        "Materialization \"\(macro.name)\" only supports languages ["
          + "\(languages.map { "'\($0)'" }.joined(separator: ", "))]; got \"\(node.language)\"")
    }
    let context = RenderContext(
      run, node: node, connection: connection, compiledCode: progress.compiled?.code,
      ownCallDepth: node.resourceType == .test || node.resourceType == .function ? 1 : 0, threadName: threadName)
    let answer = try context.scope.evaluation().call(macro.definition, Arguments())
    guard node.resourceType != .test else { return try TestOutcome(node, run.invocation).read(context.results) }
    if node.resourceType == .function {
      return try FunctionOverloads(run, node, connection, threadName).finish(context)
    }
    var relations = try MaterializationAnswer.relations(answer, node)
    if let made = relations.first,
      let pointer = LatestVersionPointer(run, node, connection, threadName: threadName)
    {
      relations += try pointer.make(over: made, in: context)
    }
    for relation in relations { run.cache.add(relation.created()) }
    guard let main = context.results.main else {
      throw DBTError(.runtime, "main is not being called during running model")
    }
    var result = NodeResult(uniqueID: node.uniqueID, status: .success)
    if let response = main.response.objectValue as? AdapterResponse {
      result.adapterResponse = response.fields
      result.message = response.message
    } else {
      result.message = main.response.text
    }
    return result
  }

  private func failure(_ error: any Error, _ progress: Progress) -> NodeResult {
    var known = DBTError(error, node: NodeNaming.reference(node))
    // As in dbt: only errors of templates name the macros on the way to them.
    if known.kind != .compilation { known.stack = [] }
    if known.kind == .database, known.compiledPath == nil, run.files.areKept {
      known.compiledPath = run.buildPath(of: node.uniqueID)
    }
    var result = NodeResult(uniqueID: node.uniqueID, status: .error)
    result.message = known.description
    result.errorKind = EngineError(known).kind
    // Other connections may have failed too, such as the one that makes the schema.
    result.isTransient = known.isTransient
    if let failure = connection.lastFailure {
      result.isTransient = failure.isTransient
      if failure.isCancelled { result.errorKind = .cancelled }
    }
    if cancellation.isCancelled {
      result.errorKind = .cancelled
      result.isTransient = false
    }
    return result
  }
}
