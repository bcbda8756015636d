import DBTContext
import DBTEngine
import OrderedCollections
import PlainData
import Worker

extension DBTSession {
  /// `docs generate`.
  func generateDocs(compiles: Bool, asksDatabase: Bool, isStatic: Bool) throws(EngineError) -> Int32 {
    guard !isStatic else {
      throw EngineError(
        .usage,
        "--static is not supported: the page of dbt's documentation site is not part of Sallyport. Serve manifest.json "
          + "and catalog.json with dbt's own page, or run 'dbt docs generate --static' where dbt is installed.")
    }
    let engine = try open()
    let console = console
    try DocumentationRun(engine: engine, cancellation: cancellation, sink: { console.take($0) })
      .run(request, compiles: compiles, asksDatabase: asksDatabase)
    return 0
  }

  /// `retry`: reads the last results and repeats their command for what did not succeed.
  func retry(state: String?) throws(EngineError) -> Int32 {
    let own = try engineOptions()
    let shown = state ?? own.shownTargetFolder ?? "target"
    let folder = shown.hasPrefix("/") ? shown : "\(own.projectDirectory)/\(shown)"
    let earlier = try RetryRequest(folder: folder, shown: shown, settings: request.settings)
    let session = repeating(earlier)
    switch earlier.request.command {
    case .generate: return try session.generateDocs(compiles: true, asksDatabase: true, isStatic: false)
    case .runOperation:
      guard !earlier.isDone, let macro = earlier.macro else { return 0 }
      return try session.runOperation(macro, earlier.arguments)
    default: return try session.runNodes()
    }
  }

  /// `deps`.
  func installPackages(locksOnly: Bool, upgrades: Bool) throws(EngineError) -> Int32 {
    let console = console
    console.take(LogLine(.info, "Running with sallyport=\(Version.text) (dbt=1.12.6)"))
    try Engine.installPackages(
      try engineOptions(needsMacros: false), settings: request.settings, locksOnly: locksOnly, upgrades: upgrades,
      say: { console.take(LogLine(.info, $0)) })
    return 0
  }
}
