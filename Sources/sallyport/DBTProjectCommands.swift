import ArgumentParser
import DBTContext
import DBTEngine
import DBTProject
import OrderedCollections
import PlainData
import PostgresWarehouse
import Worker

/// `sallyport dbt parse`.
struct DBTParseCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "parse", abstract: "Reads the whole project and writes manifest.json.")
  @OptionGroup var options: DBTOptions

  func run() async throws {
    let session = try DBTSession(options, .parse)
    try await session.perform { session throws(EngineError) in
      let engine = try session.open()
      try Artifacts(engine.begin(session.request)).write(nil, elapsed: 0)
      return 0
    }
  }
}

/// `sallyport dbt list`.
struct DBTListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Lists the resources that are selected.", aliases: ["ls"])
  @OptionGroup var options: DBTOptions
  @OptionGroup var selection: DBTSelection
  @OptionGroup var types: DBTResourceTypes

  @Option(help: "What is printed of each: selector, name, path or json.")
  var output = "selector"

  @Option(parsing: .upToNextOption, help: "With --output json: the members to print.")
  var outputKeys: [String] = []

  func run() async throws {
    let session = try DBTSession(options, .list, selection: selection, types: types)
    let listing = ProjectListing(output: output, keys: outputKeys)
    try await session.perform { session throws(EngineError) in
      let engine = try session.open(announces: false)
      let plan = try engine.plan(session.request)
      for warning in plan.warnings { session.console.take(LogLine(.warn, "[WARNING]: \(warning)")) }
      if plan.nodes.isEmpty { session.console.take(LogLine(.warn, "[WARNING]: No nodes selected!")) }
      for line in try listing.lines(plan.nodes.map(\.uniqueID), engine) { session.console.show(line) }
      try Artifacts(engine.begin(session.request, plan: plan)).write(nil, elapsed: 0)
      return 0
    }
  }
}

/// `sallyport dbt debug`.
struct DBTDebugCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "debug", abstract: "Checks the project, the profile and the connection.")
  @OptionGroup var options: DBTOptions

  func run() async throws {
    let session = try DBTSession(options, .parse)
    try await session.perform { session throws(EngineError) in
      func say(_ text: String) { session.console.take(LogLine(.info, text)) }
      say("sallyport version: \(Version.text) (behaves as dbt 1.12.6 with postgres 1.11.0)")
      let engine: Engine
      do throws(EngineError) {
        engine = try session.open(announces: false)
      } catch {
        say("Configuration:\n  project and profile [ERROR]\n\(error.description)")
        say("1 check failed")
        return 1
      }
      say("Configuration:\n  profiles.yml file [OK found and valid]\n  dbt_project.yml file [OK found and valid]")
      let profile = engine.project.profile
      say("Connection:")
      for (name, value) in profile.contextValues
      where !["dbname", "name", "target_name", "profile_name", "type", "threads"].contains(name) {
        say("  \(name): \(value.stringValue ?? value.json())")
      }
      do throws(WarehouseError) {
        let database = try PostgresWarehouse(profile, egress: session.egress).connect(session.cancellation)
        defer { database.close() }
        _ = try database.execute("select 1 as id", fetch: .all)
      } catch {
        say("  Connection test: [ERROR]\n\n\(engine.scrub(error.message))")
        say("1 check failed")
        return 1
      }
      say("  Connection test: [OK connection ok]")
      say("All checks passed!")
      return 0
    }
  }
}

/// `sallyport dbt run-operation`.
struct DBTRunOperationCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run-operation", abstract: "Calls one macro of the project or a package.")
  @OptionGroup var options: DBTOptions

  @Argument(help: "The macro, or package.macro.")
  var macro: String

  @Option(help: ArgumentHelp("Its arguments: a YAML object.", valueName: "yaml"))
  var args: String?

  func run() async throws {
    let session = try DBTSession(options, .runOperation)
    let arguments = try DBTOptions.object(args, option: "--args")
    let macro = macro
    try await session.perform { session throws(EngineError) in
      let engine = try session.open()
      let console = session.console
      let run = engine.begin(session.request, sink: { console.take($0) })
      let result = engine.runOperation(macro, arguments: arguments, in: run, cancellation: session.cancellation)
      if let message = result.message {
        console.take(LogLine(.error, "[ERROR]: Encountered an error while running operation: \(message)"))
      }
      try Artifacts(run).write([result], elapsed: result.executionTime)
      return result.status == .success ? 0 : 1
    }
  }
}
