import ArgumentParser
import DBTEngine
import OrderedCollections
import PlainData
import YAMLDocument

/// The options that every dbt command takes, under dbt's names.
struct DBTOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The folder with dbt_project.yml.", valueName: "path"))
  var projectDir: String?

  @Option(help: ArgumentHelp("The folder with profiles.yml.", valueName: "path"))
  var profilesDir: String?

  @Option(help: "The profile to use instead of the project's.")
  var profile: String?

  @Option(name: .shortAndLong, help: "The target of the profile.")
  var target: String?

  @Option(help: ArgumentHelp("Where artifacts and compiled code go.", valueName: "path"))
  var targetPath: String?

  @Option(help: ArgumentHelp("Variables for var(): a YAML object.", valueName: "yaml"))
  var vars: String?

  @Option(help: "Nodes that run at the same time.")
  var threads: Int?

  @Option(help: "How lines look: text or json.")
  var logFormat: String?

  @Option(help: ArgumentHelp("Accepted for dbt's sake; no log file is written.", visibility: .hidden))
  var logPath: String?

  @Flag(name: .shortAndLong, help: "Only errors and what commands are asked to print.")
  var quiet = false

  @Flag(name: .shortAndLong, help: "Also every statement.")
  var debug = false

  @Flag(name: .customLong("write-json"), inversion: .prefixedNo, help: "Write artifacts and compiled code.")
  var writesFiles = true

  @Flag(name: .customLong("populate-cache"), inversion: .prefixedNo, help: "List all schemas before the first node.")
  var populatesCache = true

  @Flag(inversion: .prefixedNo, help: "Write what print() says.")
  var print = true

  @Flag(help: "Treat warnings as errors.")
  var warnError = false

  @Flag(inversion: .prefixedNo, help: ArgumentHelp("Accepted for dbt's sake.", visibility: .hidden))
  var useColors = false

  @Flag(inversion: .prefixedNo, help: ArgumentHelp("Accepted for dbt's sake.", visibility: .hidden))
  var versionCheck = true

  @Flag(
    inversion: .prefixedNo, help: ArgumentHelp("Accepted for dbt's sake; parsing is always whole.", visibility: .hidden)
  )
  var partialParse = true

  @Flag(
    inversion: .prefixedNo, help: ArgumentHelp("Accepted for dbt's sake; nothing is ever sent.", visibility: .hidden))
  var sendAnonymousUsageStats = false
}

/// The options by which commands choose nodes.
struct DBTSelection: ParsableArguments {
  @Option(
    name: [.customShort("s"), .long, .customShort("m"), .customLong("models"), .customLong("model")],
    parsing: .upToNextOption, help: "Nodes to take, in dbt's selection syntax.")
  var select: [String] = []

  @Option(parsing: .upToNextOption, help: "Nodes to leave out.")
  var exclude: [String] = []

  @Option(help: "A selector of selectors.yml.")
  var selector: String?

  @Option(help: "Which tests come with their nodes: eager, cautious, buildable or empty.")
  var indirectSelection: String?
}

/// The options of commands that choose by type.
struct DBTResourceTypes: ParsableArguments {
  @Option(parsing: .upToNextOption, help: "Only resources of these types.")
  var resourceType: [String] = []

  @Option(parsing: .upToNextOption, help: "No resources of these types.")
  var excludeResourceType: [String] = []
}

/// The options of commands that build.
struct DBTBuilding: ParsableArguments {
  @Flag(name: .shortAndLong, help: "Rebuild incremental models and seeds.")
  var fullRefresh = false

  @Flag(name: [.customShort("x"), .long], help: "Stop at the first failure.")
  var failFast = false

  @Flag(help: "Keep the rows that fail tests in tables.")
  var storeFailures = false

  @Flag(help: "Let refs and sources give no rows.")
  var empty = false
}

extension DBTOptions {
  /// `--vars` as an object.
  ///
  /// - Throws: a usage error for text that is no YAML object.
  func readVars() throws(EngineError) -> PlainObject { try Self.object(vars, option: "--vars") }

  /// An option's text as an object; empty when it was not given.
  ///
  /// - Throws: a usage error for text that is no YAML object.
  static func object(_ text: String?, option: String) throws(EngineError) -> PlainObject {
    guard let text, !text.allSatisfy(\.isWhitespace) else { return [:] }
    do {
      let document = try YAMLDocument.parse(Array(text.utf8), path: option)
      if let object = document.objectValue { return object }
    } catch {
      throw EngineError(.usage, "The YAML provided in the \(option) argument is not valid.\n\(error)")
    }
    throw EngineError(.usage, "The YAML provided in the \(option) argument is not valid: it must be an object")
  }
}
