import ArgumentParser
import DBTContext
import DBTEngine
import OrderedCollections
import PlainData

/// The options that compare with earlier runs, under dbt's names.
struct DBTStateOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The folder with an earlier run's artifacts.", valueName: "path"))
  var state: String?

  @Flag(inversion: .prefixedNo, help: "Let refs to what is not here mean the earlier run's relations.")
  var `defer` = false

  @Flag(inversion: .prefixedNo, help: "With --defer: prefer them for everything that is not selected.")
  var favorState = false

  @Option(help: ArgumentHelp("An earlier run's artifacts for --defer only.", valueName: "path"))
  var deferState: String?
}

/// `sallyport dbt clone`.
struct DBTCloneCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "clone", abstract: "Makes views on the relations of an earlier run.")
  @OptionGroup var options: DBTOptions
  @OptionGroup var selection: DBTSelection
  @OptionGroup var types: DBTResourceTypes
  @OptionGroup var building: DBTBuilding

  func run() async throws {
    let session = try DBTSession(options, .clone, selection: selection, types: types, building: building)
    try await session.perform { session throws(EngineError) in try session.runNodes() }
  }
}

/// `sallyport dbt source`.
struct DBTSourceCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "source", abstract: "Looks at sources.", subcommands: [DBTFreshnessCommand.self])
}

/// `sallyport dbt source freshness`.
struct DBTFreshnessCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "freshness", abstract: "Measures how old the newest rows of sources are.")
  @OptionGroup var options: DBTOptions
  @OptionGroup var selection: DBTSelection

  func run() async throws {
    let session = try DBTSession(options, .freshness, selection: selection)
    try await session.perform { session throws(EngineError) in try session.runNodes() }
  }
}

/// `sallyport dbt docs`.
struct DBTDocsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "docs", abstract: "Writes what a documentation site shows.", subcommands: [DBTGenerateCommand.self])
}

/// `sallyport dbt docs generate`.
struct DBTGenerateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate", abstract: "Writes manifest.json and catalog.json.")
  @OptionGroup var options: DBTOptions
  @OptionGroup var selection: DBTSelection

  @Flag(inversion: .prefixedNo, help: "Compile nodes first.")
  var compile = true

  @Flag(help: "Write a catalog without entries.")
  var emptyCatalog = false

  @Flag(help: ArgumentHelp("Refused: the site's page is not part of Sallyport.", visibility: .hidden))
  var `static` = false

  func run() async throws {
    let session = try DBTSession(options, .generate, selection: selection)
    let (compiles, asks, isStatic) = (compile, !emptyCatalog, `static`)
    try await session.perform { session throws(EngineError) in
      try session.generateDocs(compiles: compiles, asksDatabase: asks, isStatic: isStatic)
    }
  }
}

/// `sallyport dbt retry`.
struct DBTRetryCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "retry", abstract: "Repeats what failed or was skipped in the last run.")
  @OptionGroup var options: DBTOptions

  @Option(help: ArgumentHelp("The folder with the run's artifacts instead of the target folder.", valueName: "path"))
  var state: String?

  func run() async throws {
    let session = try DBTSession(options, .run)
    let state = state
    try await session.perform { session throws(EngineError) in try session.retry(state: state) }
  }
}

/// `sallyport dbt deps`.
struct DBTDepsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "deps", abstract: "Links local packages and checks that others were delivered.")
  @OptionGroup var options: DBTOptions

  @Flag(help: "Only write package-lock.yml.")
  var lock = false

  @Flag(help: "Resolve anew although nothing changed.")
  var upgrade = false

  func run() async throws {
    let session = try DBTSession(options, .parse)
    let (lock, upgrade) = (lock, upgrade)
    try await session.perform { session throws(EngineError) in
      try session.installPackages(locksOnly: lock, upgrades: upgrade)
    }
  }
}
