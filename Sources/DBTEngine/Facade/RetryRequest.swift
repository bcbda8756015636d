import DBTContext
import DBTProject
import OrderedCollections
package import PlainData

/// What `dbt retry` repeats: the command of an earlier run, for the nodes that failed or were skipped.
package struct RetryRequest: Sendable {
  /// The earlier run's request; its `uniqueIDs` are what is repeated.
  package var request: RunRequest
  /// The earlier run's `--target`, `--profile`, `--threads` and `--state`, where it gave them.
  package var targetName: String?
  package var profileName: String?
  package var threads: Int?
  package var stateFolder: String?
  /// The macro that `run-operation` called.
  package var macro: String?
  /// The arguments it was called with.
  package var arguments: PlainObject = [:]

  /// Whether nothing is left to repeat.
  package var isDone: Bool { request.uniqueIDs?.isEmpty ?? true }

  /// Reads the `run_results.json` of a folder, whether dbt or Sallyport wrote it.
  ///
  /// - Parameters:
  ///   - folder: absolute.
  ///   - shown: the folder as the user named it.
  ///   - settings: of the present command; its vars win over the earlier ones when there are any, as does `warnError`.
  /// - Throws: a runtime error without such a file, or for a command that cannot be repeated.
  package init(folder: String, shown: String, settings: RunSettings) throws(EngineError) {
    let document: PlainValue?
    do throws(ProjectError) {
      document = try PreviousState.read("\(folder)/run_results.json", "run-results", 4...6)
    } catch {
      throw EngineError(error)
    }
    guard let document else {
      throw EngineError(.runtime, "Could not find previous run in '\(shown)' target directory")
    }
    let arguments = document["args"]?.objectValue ?? [:]
    let which = arguments["which"]?.stringValue ?? ""
    guard let command = RunCommand(rawValue: which), Self.repeatable.contains(command) else {
      throw EngineError(
        .runtime,
        "The previous command was '\(which)', which cannot be retried; only "
          + Self.repeatable.map(\.rawValue).joined(separator: ", ") + " can")
    }
    request = RunRequest(command, settings: settings)
    read(arguments)
    select(document["results"]?.arrayValue ?? [], warnError: settings.warnError)
  }

  private static let repeatable: [RunCommand] = [
    .build, .compile, .clone, .generate, .seed, .snapshot, .test, .run, .runOperation,
  ]

  private mutating func read(_ arguments: PlainObject) {
    func flag(_ name: String) -> Bool { arguments[name]?.boolValue ?? false }
    func text(_ name: String) -> String? { arguments[name]?.stringValue }
    func texts(_ name: String) -> [String] { (arguments[name]?.arrayValue ?? []).compactMap(\.stringValue) }
    var settings = request.settings
    if settings.vars.isEmpty { settings.vars = arguments["vars"]?.objectValue ?? [:] }
    settings.fullRefresh = flag("full_refresh")
    settings.failFast = flag("fail_fast")
    settings.storeFailures = flag("store_failures")
    settings.empty = flag("empty")
    settings.defers = flag("defer")
    settings.favorsState = flag("favor_state")
    for name in ["event_time_start", "event_time_end", "sample"] {
      if let value = arguments[name], !value.isNull { settings.flags[name] = value }
    }
    request.settings = settings
    request.select = texts("select")
    request.exclude = texts("exclude")
    request.selector = text("selector").flatMap { $0.isEmpty ? nil : $0 }
    request.resourceTypes = texts("resource_types")
    request.excludedResourceTypes = texts("exclude_resource_types")
    request.indirectSelection = text("indirect_selection")
    targetName = text("target")
    profileName = text("profile")
    threads = arguments["threads"]?.intValue
    stateFolder = text("state")
    macro = text("macro")
    self.arguments = arguments["args"]?.objectValue ?? [:]
  }

  /// Keeps what did not succeed. Hooks run again by themselves.
  private mutating func select(_ results: [PlainValue], warnError: Bool) {
    var statuses: Set<String> = ["error", "fail", "skipped", "runtime error", "partial success"]
    if warnError { statuses.insert("warn") }
    var ids: [String] = []
    for result in results {
      guard let id = result["unique_id"]?.stringValue, let status = result["status"]?.stringValue,
        statuses.contains(status), request.command == .runOperation || !id.hasPrefix("operation.")
      else { continue }
      if !ids.contains(id) { ids.append(id) }
      let batches = result["batch_results"] ?? .null
      if !(batches["successful"]?.arrayValue ?? []).isEmpty, !(batches["failed"]?.arrayValue ?? []).isEmpty {
        request.previousBatches[id] = batches
      }
      let overloads = result["overload_results"] ?? .null
      if !(overloads["failed"]?.arrayValue ?? []).isEmpty { request.previousOverloads[id] = overloads }
    }
    request.uniqueIDs = ids
  }
}
