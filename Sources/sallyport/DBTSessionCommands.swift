import DBTContext
import DBTEngine
import DBTProject
import Egress
import Glibc
import OrderedCollections
import PlainData
import Worker

/// Commands that look at the database, repeat earlier runs or fetch what the project needs.
extension DBTSession {
  /// `dbt source freshness`: measures, and writes `sources.json`.
  func measureFreshness() throws(EngineError) -> Int32 {
    let engine = try open()
    let plan = try engine.plan(request)
    let console = console
    let runner = LocalRunner(engine: engine, cancellation: cancellation) { console.take($0) }
    let (summary, run) = try runner.run(request, plan: plan)
    try summary.refuseInterruption()
    let artifacts = Artifacts(run)
    try artifacts.write(nil, elapsed: summary.elapsed)
    try artifacts.writeSemantics()
    let document = artifacts.sources(summary.results, elapsed: summary.elapsed)
    if let path = flags.text("output") {
      try artifacts.write(document, to: Paths.absolute(path))
    } else {
      try artifacts.write("sources.json", document)
    }
    return summary.exitCode
  }

  /// `dbt docs generate`.
  func generateDocs() throws(EngineError) -> Int32 {
    guard !flags.isOn("static") else {
      throw EngineError(
        .runtime,
        "--static is not supported: the page of dbt's documentation site is not part of Sallyport. Serve manifest.json "
          + "and catalog.json with dbt's own page, or run 'dbt docs generate --static' where dbt is installed.")
    }
    let compiles = request.command != .generate || flags.syntax.which != "generate" || flags.isOn("compile")
    let engine = try open()
    let console = console
    try DocumentationRun(engine: engine, cancellation: cancellation, sink: { console.take($0) })
      .run(request, compiles: compiles, asksDatabase: !flags.isOn("empty_catalog"))
    return 0
  }

  /// `dbt retry`: reads the last results and repeats their command for what did not succeed.
  func retry() throws(EngineError) -> Int32 {
    let own = try engineOptions()
    let project = try own.readProject(request.settings)
    let shown = flags.text("state") ?? own.shownTargetFolder ?? project.targetPath
    let folder = shown.hasPrefix("/") ? shown : "\(project.root)/\(shown)"
    let earlier = try RetryRequest(folder: folder, shown: shown, settings: request.settings)
    let session = repeating(earlier)
    switch earlier.request.command {
    case .generate: return try session.generateDocs()
    case .compile: return try session.compile()
    case .runOperation:
      guard !earlier.isDone, let macro = earlier.macro else { return 0 }
      return try session.callMacro(macro, sql: nil, arguments: earlier.arguments)
    default: return try session.runNodes()
    }
  }

  /// `dbt deps`.
  func installPackages() throws(EngineError) -> Int32 {
    let source = PackageAddition.Source(rawValue: flags.text("source") ?? "") ?? .hub
    let addition = flags.text("add_package").map { PackageAddition($0, source: source) }
    Lifecycle.shareFiles()
    let session = self
    let cancellation = cancellation
    let downloader = try PackageDownload(Launch.environment) { cancellation.isCancelled }
    _ = try engineOptions(needsMacros: false).readProject(request.settings, sink: { session.console.take($0) })
    try Engine.installPackages(
      try engineOptions(needsMacros: false), settings: request.settings, adding: addition,
      locksOnly: flags.isOn("lock"),
      upgrades: flags.isOn("upgrade"), mayDial: egress.isOpen, downloader: downloader,
      pause: { if !cancellation.isCancelled { sleep(1) } }, say: { session.say($0) })
    return 0
  }
}
