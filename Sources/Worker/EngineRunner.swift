import DBTContext
import DBTEngine
import DBTProject
import EventLoop
package import Logging
import OrderedCollections
package import PlainData
package import Secrets

/// Runs dbt projects for the activities with the engine: one parsed project for all runs with the same settings.
///
/// Every method blocks and may be called from many threads. What it throws and returns is free of known secrets.
package final class EngineRunner: ProjectRunner {
  private let catalog: ProjectCatalog
  private let runs = RunRegistry()
  private let artifacts: ArtifactConfiguration
  private let logger: Logger

  /// Finds the projects and begins to parse them on a thread of its own, so that the first run need not wait. A project
  /// that cannot be parsed is logged and tells so to each of its runs; the others work.
  ///
  /// - Throws: `WorkerProcessError` when two projects have one name, `EngineError` when dbt's macro packages are
  /// missing.
  package init(_ configuration: Configuration, environment: ProcessEnvironment, logger: Logger) throws {
    catalog = try ProjectCatalog(
      configuration.projects, egress: configuration.scheduler.network.egress, environment: environment, logger: logger)
    artifacts = configuration.artifacts
    self.logger = logger
    try OperatingSystemThread.start("parse") { [catalog] in
      for (name, fault) in catalog.parseAll() {
        logger.error("project cannot be loaded", metadata: ["project": "\(name)", "error": "\(fault)"])
      }
    }
  }

  package func plan(_ request: PlanActivityRequest, stop: StopRequest) throws -> DBTRunPlan {
    try guarded(stop) {
      let project = try catalog.project(request.facts.project)
      var run = try RunRequest(request.facts)
      run.settings.failFast = request.failFast
      run.select = request.select.map { [$0] } ?? []
      run.exclude = request.exclude.map { [$0] } ?? []
      run.indirectSelection = request.indirectSelection
      let engine = try catalog.engine(project, run, target: request.facts.target)
      runs.pin(request.facts.invocationID, engine)
      let plan = try engine.plan(run)
      for warning in plan.warnings { logger.warning("\(warning)", metadata: ["project": "\(project.name)"]) }
      var result = DBTRunPlan(project: project.name, nodes: DBTRunPlan.nodes(plan))
      guard !result.nodes.isEmpty else {
        throw EngineRunner.nothingFound(request)
      }
      result.hasOnRunStart = plan.hasOnRunStart && run.command.executes && !plan.leavesHooksOut
      result.hasOnRunEnd = plan.hasOnRunEnd && run.command.executes && !plan.leavesHooksOut
      result.continuesAfterFailedStart = !plan.skipsNodesAfterFailedStart
      result.writesArtifacts = artifacts.isOn
      result.threads = plan.threads
      result.settings = try project.settings()
      return result
    }
  }

  package func executeNode(_ request: NodeActivityRequest, stop: StopRequest) throws -> PlainValue {
    try guarded(stop) {
      let (engine, run) = try begin(request.facts)
      let result = engine.execute(request.uniqueID, in: run, cancellation: stop.cancellation)
      guard result.status.isFailure else { return result.contract }
      if stop.isRequested || result.errorKind == .cancelled { throw RunnerError.stopped }
      throw RunnerError(result)
    }
  }

  package func runHooks(_ request: HooksActivityRequest, stop: StopRequest) throws {
    try guarded(stop) {
      let (engine, run) = try begin(request.facts)
      let phase: HookPhase = request.phase == .onRunStart ? .onRunStart : .onRunEnd
      let results = request.results.compactMap { engine.result(of: $0) }
      let outcomes = engine.runHooks(phase, in: run, results: results, cancellation: stop.cancellation)
      guard let failed = outcomes.first(where: { $0.status.isFailure }) else { return }
      if stop.isRequested { throw RunnerError.stopped }
      throw RunnerError(failed)
    }
  }

  package func storeArtifacts(_ request: ArtifactsActivityRequest, stop: StopRequest) throws -> PlainValue {
    try guarded(stop) {
      let (engine, run) = try begin(request.facts)
      let results = request.results.compactMap { engine.result(of: $0) }
      let store = try ArtifactFolder(artifacts, invocationID: request.facts.invocationID)
      return try store.write(
        Artifacts(run), results, log: request.log, hasSources: run.request.command == .freshness)
    }
  }

  /// The parsed project of a run, and a view of the database that only this activity has: other processes build beside
  /// this one, so that what one node has seen may be old when the next begins.
  private func begin(_ facts: RunFacts) throws -> (Engine, RunContext) {
    let request = try RunRequest(facts)
    let (engine, graph) = try runs.engine(facts.invocationID) {
      try catalog.engine(try catalog.project(facts.project), request, target: facts.target)
    }
    let sink = LogSink(logger, project: engine.project.project.name, invocationID: facts.invocationID)
    return (engine, engine.begin(request, graph: graph, sink: { sink.take($0) }))
  }

  private static func nothingFound(_ request: PlanActivityRequest) -> RunnerError {
    var text = "no nodes found for command '\(request.facts.command)'"
    if let select = request.select { text += " with select '\(select)'" }
    if let exclude = request.exclude { text += " and exclude '\(exclude)'" }
    return .failed(.configuration, text, details: nil)
  }

  /// Turns whatever was thrown into the runner's own error, without secrets.
  private func guarded<Value>(_ stop: StopRequest, _ body: () throws -> Value) throws -> Value {
    do {
      return try body()
    } catch RunnerError.failed(let kind, let message, let details) {
      throw RunnerError.failed(kind, Redactor.process.redact(message), details: details?.redacted)
    } catch let error as EngineError {
      if error.kind == .cancelled || stop.isRequested { throw RunnerError.stopped }
      let kind = DBTErrorClass(error.kind, isTransient: error.isTransient)
      throw RunnerError.failed(kind, Redactor.process.redact(error.description), details: nil)
    }
  }
}

extension StopRequest {
  /// The engine's form of the request.
  fileprivate var cancellation: Cancellation {
    let cancellation = Cancellation()
    onRequest { cancellation.cancel() }
    return cancellation
  }
}

extension RunRequest {
  /// The command and settings that all activities of a run share.
  ///
  /// - Throws: `RunnerError` for a command that the engine does not know.
  init(_ facts: RunFacts) throws {
    // Other workers may have ordered it: what is no scheduled command here is none, whatever the engine knows.
    let name = facts.command == "source-freshness" ? RunCommand.freshness.rawValue : facts.command
    guard DBTRunCommand.known.contains(facts.command), let command = RunCommand(rawValue: name) else {
      throw RunnerError.failed(.configuration, "unknown command '\(facts.command)'", details: nil)
    }
    var settings = RunSettings()
    settings.vars = facts.vars
    settings.environment = facts.environment
    settings.fullRefresh = facts.fullRefresh
    settings.eventTime = try EventTime.span(start: facts.eventTimeStart, end: facts.eventTimeEnd)
    settings.invocationID = facts.invocationID
    settings.startedAt = UTCTime(iso: facts.startedAt)?.seconds
    self.init(command, settings: settings)
  }
}
