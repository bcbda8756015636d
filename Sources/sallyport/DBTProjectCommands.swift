import DBTContext
import DBTEngine
import DBTProject
import Glibc
import OrderedCollections
import PlainData

/// Commands that read the project and build nothing.
extension DBTSession {
  /// `dbt parse`: writes the manifest.
  func parse() throws(EngineError) -> Int32 {
    let engine = try open()
    try Artifacts(engine.begin(request)).write(nil, elapsed: 0)
    return 0
  }

  /// `dbt list`: a line for each resource that is selected.
  func list() throws(EngineError) -> Int32 {
    var request = request
    let engine = try open()
    let models = flags.words("models")
    if !models.isEmpty {
      guard request.select.isEmpty else {
        throw EngineError(.runtime, "\"models\" and \"select\" are mutually exclusive arguments")
      }
      guard request.resourceTypes.isEmpty else {
        throw EngineError(.runtime, "\"models\" and \"resource_type\" are mutually exclusive arguments")
      }
      request.select = models
      request.resourceTypes = ["model"]
    }
    let listing = ProjectListing(output: flags.text("output") ?? "selector", keys: flags.words("output_keys"))
    let plan = try engine.plan(request)
    let console = console
    let run = engine.begin(request, plan: plan, sink: { console.take($0) })
    for warning in plan.warnings { try run.warn(warning, event: "NoNodesForSelectionCriteria") }
    if plan.nodes.isEmpty { try run.warn("No nodes selected!", event: "NoNodesSelected") }
    for line in try listing.lines(plan.nodes.map(\.uniqueID), engine) {
      console.show(line, data: ["msg": .string(line)])
    }
    try Artifacts(run).write(nil, elapsed: 0)
    return 0
  }

  /// `dbt run-operation`: calls one macro, or executes one statement.
  func callMacro() throws(EngineError) -> Int32 {
    try callMacro(flags.positionals.first, sql: flags.text("sql"), arguments: flags.object("args"))
  }

  /// Calls a macro with arguments, or executes a statement.
  func callMacro(_ name: String?, sql: String?, arguments: PlainObject) throws(EngineError) -> Int32 {
    guard name != nil || sql != nil else {
      throw EngineError(.runtime, "Either a macro name or --sql must be passed to run-operation")
    }
    guard name == nil || sql == nil else {
      throw EngineError(.runtime, "Cannot specify both a macro name and --sql for run-operation")
    }
    guard sql == nil || arguments.isEmpty else {
      throw EngineError(.runtime, "--args cannot be used with --sql; pass arguments directly in the SQL")
    }
    let engine = try open(inlineQuery: sql)
    let console = console
    var request = request
    if let name { request.operation = ["macro": .string(name), "args": .object(arguments)] }
    let run = engine.begin(request, sink: { console.take($0) })
    let result: NodeResult
    if let name {
      result = engine.runOperation(name, arguments: arguments, in: run, cancellation: cancellation)
    } else {
      result = try executeStatement(engine, run)
    }
    if let message = result.message, result.status != .success {
      console.take(
        LogLine(
          .error, "[ERROR]: Encountered an error while running operation: \(message)",
          event: "RunningOperationCaughtError", data: ["exc": .string(message)]))
    }
    if let name, !engine.hasOperation(name) {
      // After the failure itself, dbt finds no macro to write a result for.
      throw EngineError(
        .compilation,
        "dbt could not find a macro with the name '\(name)' in any package. This can happen when calling a macro that "
          + "does not exist. Check for typos and/or install package dependencies with \"dbt deps\".")
    }
    try Artifacts(run).write([result], elapsed: result.executionTime)
    return result.status == .success ? 0 : 1
  }

  private func executeStatement(_ engine: Engine, _ run: RunContext) throws(EngineError) -> NodeResult {
    let label = "inline_query"
    say(ResultLines.operationStarted(label))
    let result = engine.executeInline(in: run, cancellation: cancellation)
    console.take(
      LogLine(result.status == .success ? .info : .error, ResultLines.operationFinished(label, result)))
    return result
  }

  /// `dbt clean`: removes the project's clean-targets.
  func clean() throws(EngineError) -> Int32 {
    let console = console
    let project = try engineOptions().readProject(request.settings, sink: { console.take($0) })
    if project.cleanTargets.contains("dbt_modules"), !project.cleanTargets.contains(project.packagesInstallPath) {
      try deprecate("PackageInstallPathDeprecation", Self.movedPackages)
    }
    var folders: [String] = []
    for target in project.cleanTargets {
      let path = target.hasPrefix("/") ? target : "\(project.root)/\(target)"
      let absolute = Paths.resolved(path) ?? Paths.normalized(path)
      if !folders.contains(absolute) { folders.append(absolute) }
    }
    let sources = (project.allPaths + project.testPaths).map { Paths.normalized("\(project.root)/\($0)") }
    let protected = folders.filter(sources.contains)
    guard protected.isEmpty else {
      throw EngineError(.runtime, "dbt will not clean the following source paths: \(Self.list(protected))")
    }
    let outside = folders.filter { !$0.hasPrefix(project.root + "/") }
    // dbt would also remove what the project itself lies in.
    let around = folders.filter { (project.root + "/").hasPrefix($0 == "/" ? "/" : $0 + "/") }
    guard outside.isEmpty || (around.isEmpty && !flags.isOn("clean_project_files_only")) else {
      throw EngineError(
        .runtime, "dbt will not clean the following directories outside the project: \(Self.list(outside))")
    }
    for folder in folders {
      say("Checking \(folder)/*", event: "CheckCleanPath", data: ["path": .string(folder)])
      Folders.remove(folder)
      say("Cleaned \(folder)/*", event: "ConfirmCleanPath", data: ["path": .string(folder)])
    }
    say("Finished cleaning all paths.", event: "FinishedCleanPaths")
    return 0
  }

  /// With the blanks that dbt leaves in it.
  private static let movedPackages =
    "        The default package install path has changed from `dbt_modules` to `dbt_packages`.\n"
    + "        Please update `clean-targets` in `dbt_project.yml` and check `.gitignore` as well.\n"
    + "        Or, set `packages-install-path: dbt_modules` if you'd like to keep the current value.\n        "

  /// A list as Python prints it.
  private static func list(_ texts: [String]) -> String {
    "[" + texts.map { "'\($0)'" }.joined(separator: ", ") + "]"
  }
}

/// Removing folders.
enum Folders {
  /// Removes a folder or a file with everything below it; what cannot be removed stays. Links are removed, never followed.
  static func remove(_ path: String) {
    var status = stat()
    guard unsafe lstat(path, &status) == 0 else { return }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      _ = unsafe unlink(path)
      return
    }
    for name in names(path) { remove("\(path)/\(name)") }
    _ = unsafe rmdir(path)
  }

  private static func names(_ path: String) -> [String] {
    guard let folder = unsafe opendir(path) else { return [] }
    defer { unsafe closedir(folder) }
    var found: [String] = []
    while let entry = unsafe readdir(folder) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      if name != ".", name != ".." { found.append(name) }
    }
    return found
  }
}
