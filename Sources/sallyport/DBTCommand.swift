import ArgumentParser
import DBTEngine

/// `sallyport dbt`: the engine without a scheduler.
struct DBTCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dbt",
    abstract: "Runs a dbt project here and now, with dbt's commands, flags, lines and exit codes.",
    subcommands: [
      DBTBuildCommand.self, DBTRunCommand.self, DBTTestCommand.self, DBTSeedCommand.self, DBTSnapshotCommand.self,
      DBTCompileCommand.self, DBTParseCommand.self,
      DBTListCommand.self, DBTDebugCommand.self, DBTRunOperationCommand.self,
    ])
}

/// `sallyport dbt build`.
struct DBTBuildCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "build", abstract: "Builds seeds, models and snapshots and runs tests, each as soon as it can.")
  @OptionGroup var options: DBTOptions
  @OptionGroup var selection: DBTSelection
  @OptionGroup var types: DBTResourceTypes
  @OptionGroup var building: DBTBuilding

  func run() async throws {
    let session = try DBTSession(options, .build, selection: selection, types: types, building: building)
    try await session.perform { session throws(EngineError) in try session.runNodes() }
  }
}

/// `sallyport dbt run`.
struct DBTRunCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "run", abstract: "Builds models.")
  @OptionGroup var options: DBTOptions
  @OptionGroup var selection: DBTSelection
  @OptionGroup var building: DBTBuilding

  func run() async throws {
    let session = try DBTSession(options, .run, selection: selection, building: building)
    try await session.perform { session throws(EngineError) in try session.runNodes() }
  }
}

/// `sallyport dbt test`.
struct DBTTestCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "test", abstract: "Runs tests.")
  @OptionGroup var options: DBTOptions
  @OptionGroup var selection: DBTSelection
  @OptionGroup var types: DBTResourceTypes
  @OptionGroup var building: DBTBuilding

  func run() async throws {
    let session = try DBTSession(options, .test, selection: selection, types: types, building: building)
    try await session.perform { session throws(EngineError) in try session.runNodes() }
  }
}

/// `sallyport dbt seed`.
struct DBTSeedCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "seed", abstract: "Loads CSV files.")
  @OptionGroup var options: DBTOptions
  @OptionGroup var selection: DBTSelection
  @OptionGroup var building: DBTBuilding

  func run() async throws {
    let session = try DBTSession(options, .seed, selection: selection, building: building)
    try await session.perform { session throws(EngineError) in try session.runNodes() }
  }
}

/// `sallyport dbt snapshot`.
struct DBTSnapshotCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "snapshot", abstract: "Takes snapshots.")
  @OptionGroup var options: DBTOptions
  @OptionGroup var selection: DBTSelection
  @OptionGroup var building: DBTBuilding

  func run() async throws {
    let session = try DBTSession(options, .snapshot, selection: selection, building: building)
    try await session.perform { session throws(EngineError) in try session.runNodes() }
  }
}

/// `sallyport dbt compile`.
struct DBTCompileCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compile", abstract: "Renders templates, and prints those that --select names.")
  @OptionGroup var options: DBTOptions
  @OptionGroup var selection: DBTSelection

  func run() async throws {
    let session = try DBTSession(options, .compile, selection: selection)
    try await session.perform { session throws(EngineError) in try session.runNodes() }
  }
}
