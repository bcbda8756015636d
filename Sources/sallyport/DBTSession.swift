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

/// One dbt command from its flags to its exit code. Runs on a thread of its own.
struct DBTSession: Sendable {
  let flags: DBTFlags
  /// The words of the command line, as artifacts keep them.
  let words: [String]
  private(set) var request: RunRequest
  /// What the run that is repeated was told, where this command is not told otherwise.
  private var earlier: RetryRequest?
  let console: DBTConsole
  let cancellation = Cancellation()
  /// What the command meets of deprecated features.
  let deprecations = Deprecations()
  /// What the warehouse may dial.
  let egress: EgressPolicy
  private let startedAt = ContinuousClock.now

  /// - Throws: a usage error in settings of the network.
  init(_ flags: DBTFlags, words: [String]) throws(EngineError) {
    self.flags = flags
    self.words = words
    var settings = RunSettings()
    settings.invocationID = UUIDText.random()
    // The clock held by a test; the wall clock everywhere else.
    settings.startedAt = (Launch.environment.values["SALLYPORT_NOW"].flatMap(UTCTime.init(iso:)) ?? .now).seconds
    settings.vars = flags.object("vars")
    settings.warnError = flags.isOn("warn_error")
    settings.fullRefresh = flags.isOn("full_refresh")
    settings.failFast = flags.isOn("fail_fast")
    settings.storeFailures = flags.isOn("store_failures")
    settings.empty = flags.isOn("empty")
    settings.defers = flags.isOn("defer")
    settings.favorsState = flags.isOn("favor_state")
    try settings.takeTimes(
      start: flags.text("event_time_start"), end: flags.text("event_time_end"), sample: flags.text("sample"))
    settings.limit = flags.number("limit") ?? 5
    settings.flags = flags.values.merging(flags.ofProject) { own, _ in own }
    settings.flags["invocation_command"] = .string((["dbt"] + words).joined(separator: " "))
    settings.flags["log_path"] = .string(flags.text("log_path") ?? flags.logFolder)
    console = DBTConsole(flags, invocationID: settings.invocationID)
    var request = RunRequest(RunCommand(rawValue: flags.syntax.which) ?? .parse, settings: settings)
    request.select = flags.words("select")
    request.exclude = flags.words("exclude")
    request.selector = flags.text("selector")
    request.indirectSelection = flags.text("indirect_selection")
    request.resourceTypes = flags.words("resource_types")
    request.excludedResourceTypes = flags.words("exclude_resource_types")
    self.request = request
    do throws(ConfigurationError) {
      egress = try NetworkConfiguration.egress(of: Launch.environment)
    } catch {
      throw EngineError(.usage, "\(error)")
    }
  }

  /// The session of a command that repeats an earlier one.
  func repeating(_ earlier: RetryRequest) -> DBTSession {
    var copy = self
    copy.request = earlier.request
    copy.earlier = earlier
    return copy
  }

  /// Opens the project and says what was found.
  ///
  /// - Parameters:
  ///   - inlineQuery: code given on the command line.
  ///   - check: is called when the project has been parsed, before that is said.
  func open(
    inlineQuery: String? = nil, check: () throws(EngineError) -> Void = {}
  ) throws(EngineError) -> Engine {
    var options = try engineOptions()
    options.inlineQuery = inlineQuery
    let console = console
    options.onProjectRead = {
      console.take(LogLine(.info, "Registered adapter: postgres=\(DBTVersions.adapter)", event: "AdapterRegistered"))
    }
    let engine = try Engine.open(
      options, settings: request.settings, command: request.command,
      warehouse: { [egress] in PostgresWarehouse($0, egress: egress) }, sink: { console.take($0) })
    // The process ends with its command: taking a large project apart before would only cost time.
    _ = unsafe Unmanaged.passRetained(engine)
    // As in dbt, which writes for its documentation only once, when that is made.
    if request.command != .generate {
      try Artifacts(engine.begin(request, sink: { console.take($0) })).writeSemantics()
    }
    try check()
    if request.command == .freshness, let path = flags.text("output") {
      try deprecate(
        "CustomOutputPathInSourceFreshnessDeprecation",
        "Custom output path usage `--output \(path)` usage detected in `dbt source freshness` command.")
    }
    // As in dbt, where `ls` says what was found and `list` does not.
    guard request.command != .parse, flags.syntax.words != ["list"] else { return engine }
    let found = engine.foundLine
    say(found, event: "FoundStats", data: ["stat_line": .string(String(found.dropFirst("Found ".count)))])
    return engine
  }

  /// The environment and the folders that the flags mean.
  ///
  /// - Parameter needsMacros: whether dbt's macro packages must be found.
  func engineOptions(needsMacros: Bool = true) throws(EngineError) -> EngineOptions {
    let environment = Launch.environment
    let project = flags.projectFolder
    var result = EngineOptions(
      projectDirectory: project,
      macroFolder: needsMacros ? try MacroPackages.find(configured: environment.values["SALLYPORT_MACROS"]) : "",
      environment: environment)
    result.profilesDirectory = flags.profilesFolder(environment)
    result.profileName = flags.text("profile") ?? earlier?.profileName
    result.targetName = flags.text("target") ?? earlier?.targetName
    result.threads = flags.isOn("single_threaded") ? 1 : flags.number("threads") ?? earlier?.threads
    result.stateFolder = earlier == nil ? flags.text("state") : earlier?.stateFolder
    result.deferStateFolder = flags.text("defer_state")
    result.checksVersion = flags.isOn("version_check")
    let folder = flags.text("target_path")
    result.shownTargetFolder = folder
    result.targetFolder = folder.map { $0.hasPrefix("/") ? $0 : "\(project)/\($0)" }
    result.writesToProjectTarget = folder == nil
    result.writesArtifacts = flags.isOn("write_json")
    result.deprecations = deprecations
    return result
  }

  /// The folder of `profiles.yml`.
  var profilesFolder: String { flags.profilesFolder(Launch.environment) }

  /// Says one line at level info.
  func say(_ text: String, event: String? = nil, data: PlainObject = [:]) {
    console.take(LogLine(.info, text, event: event, data: data))
  }

  /// Runs the body on its own thread, stopping it on SIGINT and SIGTERM, and answers dbt's exit code.
  func perform(_ body: @escaping DBTProgram.Handler) async -> Int32 {
    let session = self
    InterruptSignals.forward(to: cancellation)
    do {
      return try await BlockingThread.run {
        let code: Int32
        do throws(EngineError) {
          try session.begin()
          code = try body(session)
        } catch {
          session.complain(error)
          code = 2
        }
        session.end(code)
        return code
      }
    } catch {
      complain(error)
      return 2
    }
  }

  /// - Throws: a warning about the command line that counts as an error.
  private func begin() throws(EngineError) {
    say(
      "Running with dbt=\(DBTVersions.core)", event: "MainReportVersion",
      data: ["version": .string("=\(DBTVersions.core)"), "log_version": 3])
    console.take(
      LogLine(
        .debug,
        "running sallyport \(DBTVersions.engine) with arguments \(PlainValue.object(flags.values).json(.python))",
        event: "MainReportArgs"))
    let found = DBTDeprecations(words: words, flags: flags, environment: Launch.environment).found
    for (event, description) in found { try deprecate(event, description) }
  }

  /// Warns of something deprecated.
  ///
  /// - Throws: a warning that counts as an error.
  func deprecate(_ event: String, _ description: String) throws(EngineError) {
    do throws(DBTError) {
      guard Deprecations.areMeant(event) else { return try notice(event, description) }
      try invocation.deprecate(event, description)
    } catch {
      throw EngineError(.compilation, error.message)
    }
  }

  /// Warns in dbt's words without a mark before them.
  private func notice(_ event: String, _ text: String) throws(DBTError) {
    switch invocation.treatment(ofWarning: event) {
    case .silence: return
    case .warn: console.take(LogLine(.warn, text, event: event))
    case .error: throw DBTError(.compilation, text)
    }
  }

  /// Says what is said beside all runs: of deprecations.
  private var invocation: Invocation {
    let console = console
    var flags = InvocationFlags(request.settings.flags)
    flags["WARN_ERROR"] = .bool(request.settings.warnError)
    var invocation = Invocation(
      environment: ProcessEnvironment(values: [:]), flags: flags, invocationID: request.settings.invocationID,
      startedAt: PythonDateTime(PythonDate.epoch), sink: { console.take($0) })
    invocation.deprecations = deprecations
    return invocation
  }

  private func end(_ code: Int32) {
    try? invocation.warnOfDeprecations()
    let seconds = (ContinuousClock.now - startedAt) / .seconds(1)
    let name = flags.syntax.words.joined(separator: " ")
    let usage = ResourceUsage.now
    var report: PlainObject = [
      "command_name": .string(flags.syntax.words.last ?? ""), "command_success": .bool(code == 0),
      "command_wall_clock_time": .double(seconds),
    ]
    report.merge(usage) { _, new in new }
    console.take(
      LogLine(
        flags.isOn("show_resource_report") ? .info : .debug,
        "Resource report: \(PlainValue.object(report).json(.python))",
        event: "ResourceReport", data: report))
    let word = code == 0 ? "succeeded" : "failed"
    console.take(
      LogLine(
        .debug, "Command `cli \(name)` \(word) at \(UTCTime.now.clock) after \(Seconds.text(seconds)) seconds",
        event: "CommandCompleted",
        data: [
          "command": .string("cli \(name)"), "success": .bool(code == 0), "completed_at": .string(UTCTime.now.iso),
          "elapsed": .double(seconds),
        ]))
  }

  private func complain(_ error: EngineError) {
    let text = error.kind == .usage ? error.message : error.description
    console.take(
      LogLine(
        .error, "[ERROR]: Encountered an error:\n\(text)", event: "MainEncounteredError",
        data: ["exc": .string(text)]))
  }
}

/// What the process used so far.
enum ResourceUsage {
  /// Times in seconds, memory in KiB.
  static var now: PlainObject {
    var usage = rusage()
    _ = unsafe getrusage(RUSAGE_SELF.rawValue, &usage)
    func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1_000_000 }
    return [
      "process_user_time": .double(seconds(usage.ru_utime)), "process_kernel_time": .double(seconds(usage.ru_stime)),
      "process_mem_max_rss": .int(usage.ru_maxrss), "process_in_blocks": .int(usage.ru_inblock),
      "process_out_blocks": .int(usage.ru_oublock),
    ]
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
