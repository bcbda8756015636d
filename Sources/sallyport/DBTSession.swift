import ArgumentParser
import CLinux
import DBTContext
import DBTEngine
import Egress
import Glibc
import OrderedCollections
import PlainData
import PostgresWarehouse
import Secrets
import Worker

/// One dbt command from its options to its exit code. Runs on a thread of its own.
struct DBTSession: Sendable {
  let options: DBTOptions
  let request: RunRequest
  let console: DBTConsole
  let cancellation = Cancellation()
  /// What the warehouse may dial.
  let egress: EgressPolicy

  /// - Throws: a usage error in `--vars`.
  init(
    _ options: DBTOptions, _ command: RunCommand, selection: DBTSelection? = nil, types: DBTResourceTypes? = nil,
    building: DBTBuilding? = nil
  ) throws(EngineError) {
    var settings = RunSettings()
    settings.invocationID = UUIDText.random()
    settings.startedAt = UTCTime.now.seconds
    console = DBTConsole(
      isQuiet: options.quiet, isDebug: options.debug, isJSON: options.logFormat == "json",
      invocationID: settings.invocationID)
    self.options = options
    settings.vars = try options.readVars()
    settings.warnError = options.warnError
    settings.flags = [
      "quiet": .bool(options.quiet), "debug": .bool(options.debug), "print": .bool(options.print),
      "populate_cache": .bool(options.populatesCache), "write_json": .bool(options.writesFiles),
      "invocation_command": .string(
        "dbt " + CommandLine.arguments.drop { $0 != "dbt" }.dropFirst().joined(separator: " ")),
    ]
    if let building {
      settings.fullRefresh = building.fullRefresh
      settings.failFast = building.failFast
      settings.storeFailures = building.storeFailures
      settings.empty = building.empty
    }
    var request = RunRequest(command, settings: settings)
    if let selection {
      request.select = selection.select
      request.exclude = selection.exclude
      request.selector = selection.selector
      request.indirectSelection = selection.indirectSelection
    }
    request.resourceTypes = types?.resourceType ?? []
    request.excludedResourceTypes = types?.excludeResourceType ?? []
    self.request = request
    do throws(ConfigurationError) {
      egress = try NetworkConfiguration.egress(of: Launch.environment)
    } catch {
      throw EngineError(.usage, "\(error)")
    }
  }

  /// Opens the project and says what was found.
  func open(announces: Bool = true) throws(EngineError) -> Engine {
    if announces { console.take(LogLine(.info, "Running with sallyport=\(Version.text) (dbt=1.12.6)")) }
    let console = console
    let engine = try Engine.open(
      try engineOptions(), settings: request.settings, command: request.command,
      warehouse: { [egress] in PostgresWarehouse($0, egress: egress) }, sink: { console.take($0) })
    if announces { console.take(LogLine(.info, engine.foundLine)) }
    return engine
  }

  /// The environment and the folders that the options mean.
  func engineOptions() throws(EngineError) -> EngineOptions {
    let environment = Launch.environment
    func absolute(_ path: String) -> String {
      guard let resolved = unsafe realpath(path, nil) else {
        return path.hasPrefix("/") ? path : "\(Self.workingFolder)/\(path)"
      }
      defer { unsafe free(resolved) }
      return unsafe String(cString: resolved)
    }
    let project = absolute(options.projectDir ?? environment.values["DBT_PROJECT_DIR"] ?? ".")
    var result = EngineOptions(
      projectDirectory: project,
      macroFolder: try MacroPackages.find(configured: environment.values["SALLYPORT_MACROS"]), environment: environment)
    result.profilesDirectory = (options.profilesDir ?? environment.values["DBT_PROFILES_DIR"]).map(absolute)
    result.profileName = options.profile ?? environment.values["DBT_PROFILE"]
    result.targetName = options.target ?? environment.values["DBT_TARGET"]
    result.threads = options.threads ?? environment.values["DBT_THREADS"].flatMap { Int($0) }
    if options.writesFiles {
      let folder = options.targetPath ?? environment.values["DBT_TARGET_PATH"]
      result.shownTargetFolder = folder
      result.targetFolder = folder.map { $0.hasPrefix("/") ? $0 : "\(project)/\($0)" }
      result.writesToProjectTarget = folder == nil
    }
    return result
  }

  private static var workingFolder: String {
    guard let folder = unsafe realpath(".", nil) else { return "." }
    defer { unsafe free(folder) }
    return unsafe String(cString: folder)
  }

  /// Runs the body on its own thread, stopping it on SIGINT and SIGTERM, and ends with dbt's exit code.
  func perform(_ body: @escaping @Sendable (DBTSession) throws(EngineError) -> Int32) async throws {
    let session = self
    InterruptSignals.forward(to: cancellation)
    let code: Int32 = try await BlockingThread.run {
      do throws(EngineError) {
        return try body(session)
      } catch {
        session.complain(error)
        return 2
      }
    }
    if code != 0 { throw ExitCode(code) }
  }

  private func complain(_ error: EngineError) {
    console.take(LogLine(.error, "[ERROR]: Encountered an error:\n\(error.description)", event: "MainEncounteredError"))
  }

  /// Plans and runs, prints, writes artifacts.
  func runNodes() throws(EngineError) -> Int32 {
    let engine = try open()
    let plan = try engine.plan(request)
    let console = console
    let runner = LocalRunner(engine: engine, cancellation: cancellation) { console.take($0) }
    let (summary, run) = try runner.run(request, plan: plan)
    try Artifacts(run).write(summary.results, elapsed: summary.elapsed)
    if request.command == .compile, !request.select.isEmpty { showCompiled(summary) }
    return summary.exitCode
  }

  /// Prints the code of nodes that were named.
  private func showCompiled(_ summary: RunSummary) {
    for result in summary.results {
      guard let code = result.compiledCode,
        let name = request.select.first(where: { result.uniqueID.hasSuffix(".\($0)") })
      else { continue }
      console.show(console.isQuiet ? code : "Compiled node '\(name)' is:\n\(code)")
    }
  }
}

/// SIGINT and SIGTERM as cancellations.
enum InterruptSignals {
  /// The writing end of a pipe that signal handlers write to; −1 before the first use. Set once by the main thread,
  /// before the handlers that read it are there.
  nonisolated(unsafe) private static var pipeEnd: Int32 = -1

  /// From now on both signals cancel instead of ending the process at once; a second one ends it.
  static func forward(to cancellation: Cancellation) {
    var ends: [Int32] = [0, 0]
    guard unsafe pipe(&ends) == 0 else { return }
    unsafe pipeEnd = ends[1]
    let reading = ends[0]
    _ = try? BlockingThread {
      var byte: UInt8 = 0
      guard unsafe read(reading, &byte, 1) == 1 else { return }
      cancellation.cancel()
      guard unsafe read(reading, &byte, 1) == 1 else { return }
      _exit(130)
    }
    for number in [SIGINT, SIGTERM] {
      _ = signal(number) { _ in
        var byte: UInt8 = 1
        _ = unsafe write(InterruptSignals.pipeEnd, &byte, 1)
      }
    }
  }
}
