package import DBTContext
package import DBTProject
import OrderedCollections
package import PlainData
package import Secrets

/// Where a project is and how it is opened.
package struct EngineOptions: Sendable {
  /// The folder with `dbt_project.yml`, absolute.
  package var projectDirectory: String
  /// The folder with `profiles.yml`; nil: dbt's search.
  package var profilesDirectory: String?
  /// nil: the one the project names.
  package var profileName: String?
  /// nil: the one the profile names.
  package var targetName: String?
  /// nil: the profile's number.
  package var threads: Int?
  /// The folder with dbt's own macro packages, `dbt` and `dbt_postgres`; see `MacroPackages`.
  package var macroFolder: String
  /// The only source of `env_var()`; `RunSettings.environment` is laid over it.
  package var environment: ProcessEnvironment
  /// Where artifacts and compiled code go, absolute; nil writes nothing.
  package var targetFolder: String?
  /// How messages name that folder; nil: the project's `target-path`.
  package var shownTargetFolder: String?
  /// Code given on the command line, to be compiled or shown instead of nodes.
  package var inlineQuery: String?
  /// Whether the project's `require-dbt-version` is checked.
  package var checksVersion = true
  /// Whether artifacts are written where compiled code goes.
  package var writesArtifacts = true
  /// Without a `targetFolder`: whether to write to the project's own `target-path`.
  package var writesToProjectTarget = false
  /// The folder with an earlier run's artifacts, relative to the project unless absolute (`--state`).
  package var stateFolder: String?
  /// The same for deferral only; without it `stateFolder` serves (`--defer-state`).
  package var deferStateFolder: String?
  /// Called when the project's file and the profile have been read, before anything is parsed.
  package var onProjectRead: (@Sendable () -> Void)?
  /// Counts what is met of deprecated features, over everything that is done with these options.
  package var deprecations = Deprecations()

  package init(projectDirectory: String, macroFolder: String, environment: ProcessEnvironment) {
    self.projectDirectory = projectDirectory
    self.macroFolder = macroFolder
    self.environment = environment
  }
}

extension EngineOptions {
  /// Where files are written, absolute; nil for nowhere.
  func outputFolder(_ project: ProjectConfig) -> String? {
    if let targetFolder { return targetFolder }
    let own = project.targetPath
    return writesToProjectTarget ? (own.hasPrefix("/") ? own : "\(project.root)/\(own)") : nil
  }
}

/// A parsed project with a database to build it in. Immutable and shared by threads; runs are made from it by `begin`.
///
/// It is bound to the settings it was opened with, since vars, environment and flags decide what a project says.
package final class Engine: Sendable {
  package let project: LoadedProject
  package let options: EngineOptions
  package let settings: RunSettings
  let warehouse: any Warehouse
  let references: ReferenceResolver
  /// What earlier runs left, when the options name a folder.
  package let state: PreviousState?
  /// Where an earlier run's relations lie, when its manifest was found.
  let deferral: Deferral?
  private let invocation: Invocation
  private let varsByPackage: [String: PlainObject]

  /// Reads and parses the project. Nothing is asked of the database.
  ///
  /// - Parameters:
  ///   - warehouse: makes the database for the target of the profile.
  ///   - sink: receives warnings of parsing and what templates log while parsing.
  /// - Throws: what is wrong with files, templates or settings, in dbt's words.
  package static func open(
    _ options: EngineOptions, settings: RunSettings = RunSettings(), command: RunCommand = .build,
    warehouse: (TargetProfile) -> any Warehouse, sink: @escaping @Sendable (LogLine) -> Void = { _ in }
  ) throws(EngineError) -> Engine {
    let invocation = Invocation.made(options, settings, command: command.rawValue, sink: sink)
    do {
      var load = options.loadOptions
      load.parsedBefore = ParsedFile.reader(options, invocation)
      let project = try ProjectLoader.load(load, invocation: invocation)
      ParsedFile.write(project, options)
      for warning in project.warnings {
        try project.invocation.warn(of: warning)
      }
      let earlier = try EarlierRuns(options, project)
      if let warning = earlier.warning {
        project.invocation.log(LogLine(.warn, "[WARNING]: \(warning)", event: "WarnStateTargetEqual"))
      }
      return Engine(project, options, settings, warehouse(project.profile), earlier)
    } catch {
      throw EngineError(any: error).scrubbed(by: invocation.scrubber)
    }
  }

  private init(
    _ project: LoadedProject, _ options: EngineOptions, _ settings: RunSettings, _ warehouse: any Warehouse,
    _ earlier: EarlierRuns
  ) {
    state = earlier.state
    deferral = earlier.deferral
    self.project = project
    self.options = options
    self.settings = settings
    self.warehouse = warehouse
    invocation = project.invocation
    references = ReferenceResolver(project.manifest)
    varsByPackage = Dictionary(uniqueKeysWithValues: project.packages.keys.map { ($0, project.vars(of: $0)) })
  }

  /// What a command will execute.
  ///
  /// - Throws: a wrong selector, an unknown resource type, a circle in the graph.
  package func plan(_ request: RunRequest) throws(EngineError) -> RunPlan {
    do throws(ProjectError) {
      return try RunPlanner(engine: self, request: request).plan()
    } catch {
      throw EngineError(error).scrubbed(by: invocation.scrubber)
    }
  }

  /// Starts a run in this process; see `RunContext`.
  ///
  /// - Parameters:
  ///   - plan: what the run executes; nil when this process executes single nodes of a plan made elsewhere.
  ///   - graph: what templates of the run have kept so far in this process.
  ///   - sink: receives what templates log and, at level debug, every statement. Called from several threads.
  package func begin(
    _ request: RunRequest, plan: RunPlan? = nil, graph: SharedGraph = SharedGraph(),
    sink: @escaping @Sendable (LogLine) -> Void = { _ in }
  ) -> RunContext {
    var settings = request.settings
    settings.vars = self.settings.vars
    settings.environment = self.settings.environment
    var made = Invocation.made(options, settings, command: request.command.rawValue, sink: sink)
      .with(target: project.profile)
    made.flags = made.flags.taking(project.project)
    let files = RunFiles(
      folder: options.outputFolder(project.project), shown: options.shownTargetFolder ?? project.project.targetPath,
      keepsArtifacts: options.writesArtifacts)
    return RunContext(
      engine: self, request: request, invocation: made, selected: plan?.nodes.map(\.uniqueID) ?? [], files: files,
      graph: graph)
  }

  /// Makes the schemas of the run's nodes and fills the relation cache. Blocks.
  ///
  /// Without it, each node makes its own schema and lists what it needs: right for runs spread over processes.
  /// - Throws: a database that cannot be reached or refuses.
  package func prepare(_ run: RunContext, cancellation: Cancellation) throws(EngineError) {
    do throws(DBTError) {
      try SchemaSetup(run, cancellation).prepare(createsSchemas: run.request.command.executes)
    } catch {
      throw EngineError(error).scrubbed(by: run.invocation.scrubber)
    }
  }

  /// Compiles and runs one node over a connection of its own. Blocks; call it on a `BlockingThread`. Never throws: failures are
  /// in the result. Many nodes may run at once.
  package func execute(
    _ uniqueID: String, in run: RunContext, cancellation: Cancellation, threadName: String = "Thread-1 (worker)"
  ) -> NodeResult {
    guard !cancellation.isCancelled else {
      var result = NodeResult(uniqueID: uniqueID, status: .error)
      result.message = "the run was cancelled"
      result.errorKind = .cancelled
      return result
    }
    let compilesOnly = !run.request.command.executes
    if let node = project.manifest.node(uniqueID) {
      if !compilesOnly, node.isMicrobatch, usesBatches {
        return MicrobatchRunner(run, node, cancellation, threadName: threadName).execute()
      }
      return NodeRunner(run, node, cancellation, threadName: threadName).execute(compilesOnly: compilesOnly)
    }
    if let source = project.manifest.sources[uniqueID] {
      return FreshnessCheck(run, source, cancellation, threadName: threadName).execute()
    }
    var result = NodeResult(uniqueID: uniqueID, status: .error)
    switch project.manifest.member(uniqueID)?.resourceType {
    case .exposure, .savedQuery:
      result.status = .noOp
      result.message = "NO-OP"
      result.failures = 0
      result.threadID = threadName
      let now = UTCTime.now.seconds
      result.timing = ["compile", "execute"].map { NodeTiming(name: $0, startedAt: now, completedAt: now) }
    case .unitTest:
      guard let test = project.manifest.unitTests[uniqueID], !compilesOnly else {
        result.status = .success
        return result
      }
      return UnitTestRunner(run, test, cancellation, threadName: threadName).execute()
    default:
      result.message = "Compilation Error\n  the project has no node '\(uniqueID)'"
      result.errorKind = .compilation
    }
    return result
  }

  /// The result of a node that was never started.
  package func skippedResult(_ uniqueID: String) -> NodeResult {
    var result = NodeResult(uniqueID: uniqueID, status: .skipped)
    if let node = project.manifest.node(uniqueID) { NodeNaming.describe(&result, node) }
    return result
  }

  /// Runs the hooks of a phase on one connection. Blocks.
  ///
  /// - Parameter results: what the nodes came to, for `on-run-end`.
  package func runHooks(
    _ phase: HookPhase, in run: RunContext, results: [NodeResult] = [], cancellation: Cancellation,
    observe: (HookEvent) -> Void = { _ in }
  ) -> [NodeResult] {
    HookRunner(run, cancellation).execute(phase, results: results, observe: observe)
  }

  /// Calls one macro outside of any node: `dbt run-operation`. Blocks.
  ///
  /// - Parameter name: a macro's name, or `package.macro`.
  package func runOperation(
    _ name: String, arguments: PlainObject, in run: RunContext, cancellation: Cancellation
  ) -> NodeResult {
    MacroOperation(run: run, cancellation: cancellation).execute(name, arguments)
  }

  /// Whether there is such a macro for `runOperation`.
  package func hasOperation(_ name: String) -> Bool { MacroOperation.macro(name, in: project.macros) != nil }

  /// Replaces the secrets that the project knows in a text.
  package func scrub(_ text: String) -> String { invocation.scrubber.scrub(text) }
}

// MARK: - What runs need

extension Engine {
  /// The project's quoting.
  var quoting: [RelationComponent: Bool] {
    var quoting: [RelationComponent: Bool] = [:]
    for component in RelationComponent.allCases {
      if let flag = project.project.quoting[component.rawValue]?.boolValue { quoting[component] = flag }
    }
    return quoting
  }

  func vars(of package: String) -> PlainObject { varsByPackage[package] ?? settings.vars }

  /// The folder of a package, absolute.
  func root(of package: String) -> String { project.packages[package]?.root ?? project.project.root }

  /// A node's relation, quoted as the project and the node say.
  func relation(of node: Node) throws(DBTError) -> Relation {
    var quotes = quoting
    for component in RelationComponent.allCases {
      if let flag = node.config["quoting"]?[component.rawValue]?.boolValue { quotes[component] = flag }
    }
    let database = node.database ?? project.profile.database
    return try Relation(RelationPath(database: database, schema: node.schema, identifier: node.alias)).quoting(quotes)
  }

  /// A source's relation; the project's quoting does not count for sources.
  func relation(of source: SourceTable) throws(DBTError) -> Relation {
    var quotes: [RelationComponent: Bool] = [:]
    for component in RelationComponent.allCases {
      if let flag = source.quoting[component.rawValue]?.boolValue { quotes[component] = flag }
    }
    let database = source.database ?? project.profile.database
    return try Relation(RelationPath(database: database, schema: source.schema, identifier: source.identifier))
      .quoting(quotes)
  }

  /// Whether microbatch models are built in batches, rather than as other incremental models are.
  private var usesBatches: Bool {
    project.project.isOn(.batchesCustomMicrobatch) || project.macros.hasOwnMicrobatch
  }

  /// What lines say of a node.
  package func label(_ uniqueID: String) -> NodeLabel {
    let member = project.manifest.member(uniqueID)
    let node = project.manifest.node(uniqueID)
    let source = member as? SourceTable
    let stores = node?.config["store_failures"]?.boolValue ?? settings.storeFailures
    var label = NodeLabel(
      uniqueID: uniqueID, resourceType: member?.resourceType.rawValue ?? "node", name: member?.name ?? uniqueID,
      searchName: node?.searchName ?? member?.name ?? uniqueID,
      schema: source?.sourceName ?? node?.schema ?? "", alias: node?.alias ?? "",
      materialized: node?.materialized ?? "",
      language: node?.language ?? "sql", path: member?.originalFilePath ?? "",
      storedFailures: node?.resourceType == .test && stores
        ? (try? node.map { try relation(of: $0).render() }) ?? nil : nil)
    if let test = project.manifest.unitTests[uniqueID] {
      label.name = UnitTestCase.versionedName(test)
      label.lineName = UnitTestCase.lineName(test)
    }
    label.isMicrobatch = usesBatches && node?.isMicrobatch ?? false
    return label
  }

  /// The comment of a connection's statements.
  func comment(_ name: String, node: Node?, _ run: RunContext) -> QueryComment {
    let setting = project.project.queryComment
    if let comments = project.queryComments {
      do throws(DBTError) {
        let text = try comments.comment(
          connection: name, node: node.map { NodeNaming.object($0.json()) }, run.invocation)
        return QueryComment(text: text, isAppended: setting.isAppended)
      } catch {
        return QueryComment(text: nil, failure: error)
      }
    }
    var comment = QueryComment.standard(
      version: run.invocation.dbtVersion, profile: project.profile.profileName, target: project.profile.targetName,
      nodeID: node?.uniqueID, connectionName: name)
    comment.isAppended = setting.isAppended
    return comment
  }
}

extension Invocation {
  static func made(
    _ options: EngineOptions, _ settings: RunSettings, command: String, sink: @escaping @Sendable (LogLine) -> Void
  ) -> Invocation {
    var flags = InvocationFlags(settings.flags)
    flags["FULL_REFRESH"] = .bool(settings.fullRefresh)
    flags["FAIL_FAST"] = .bool(settings.failFast)
    flags["STORE_FAILURES"] = .bool(settings.storeFailures)
    // As in dbt: what was not given has no value, and times have no zone, which is UTC.
    if settings.warnError { flags["WARN_ERROR"] = true }
    if settings.empty { flags["EMPTY"] = true }
    flags["EVENT_TIME_START"] = settings.eventTime.map { .string($0.start.replacing(zone: nil).isoText()) }
    flags["EVENT_TIME_END"] = settings.eventTime.map { .string($0.end.replacing(zone: nil).isoText()) }
    if let sample = settings.sample {
      flags["SAMPLE"] = ["start": .string(sample.start.isoText()), "end": .string(sample.end.isoText())]
    }
    flags["WHICH"] = .string(command)
    flags["PROJECT_DIR"] = .string(options.projectDirectory)
    flags["PROFILES_DIR"] = .string(options.profilesDirectory ?? options.projectDirectory)
    if let target = options.targetName { flags["TARGET"] = .string(target) }
    if let profile = options.profileName { flags["PROFILE"] = .string(profile) }
    if let threads = options.threads { flags["THREADS"] = .int(threads) }
    let environment = ProcessEnvironment(
      values: options.environment.values.merging(settings.environment) { _, new in new },
      secrets: options.environment.secrets)
    let seconds = settings.startedAt ?? UTCTime.now.seconds
    let whole = seconds.rounded(.down)
    let moment = PythonDateTime(unixSeconds: Int(whole), microseconds: Int((seconds - whole) * 1_000_000))
    var made = Invocation(
      vars: settings.vars, environment: environment, flags: flags,
      invocationID: settings.invocationID.isEmpty ? UUIDText.random() : settings.invocationID,
      startedAt: moment ?? PythonDateTime(PythonDate.epoch), sink: sink)
    made.deprecations = options.deprecations
    return made
  }

  /// The same invocation with some variables of the environment set.
  func adding(environment added: [String: String]) -> Invocation {
    guard !added.isEmpty else { return self }
    var copy = Invocation(
      vars: vars,
      environment: ProcessEnvironment(
        values: environment.values.merging(added) { _, new in new }, secrets: environment.secrets),
      flags: flags, target: target, invocationID: invocationID, startedAt: startedAt, sink: sink)
    copy.dbtVersion = dbtVersion
    copy.deprecations = deprecations
    return copy
  }

  /// The same invocation with the target's connection, whose password becomes one of its secrets.
  func with(target: TargetProfile) -> Invocation {
    var copy = Invocation(
      vars: vars, environment: environment, flags: flags, target: target, invocationID: invocationID,
      startedAt: startedAt, sink: sink)
    copy.dbtVersion = dbtVersion
    copy.deprecations = deprecations
    return copy
  }
}
