import ArgumentParser
import Logging
import Observability
import OrderedCollections
import PlainData
import Secrets
import Worker
import YAMLDocument

/// `sallyport submit`.
struct SubmitCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "submit",
    abstract: "Starts a dbt command on the scheduler, follows it, and exits as the run did.",
    discussion: """
      Examples:

        sallyport submit build
        sallyport submit run --select staging+ --exclude tag:slow --full-refresh
        sallyport submit build --vars '{run_date: 2026-11-21}' --env REGION=eu
        sallyport submit test --detach

      Which scheduler, namespace and task queue: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_TASK_QUEUE and the \
      other settings of the section "Scheduler" of `sallyport config`. A worker must poll that task queue.

      Ctrl-C asks the run to cancel itself and goes on following it; a second Ctrl-C leaves it alone and exits.

      Exit codes: 0 the run succeeded (with --detach: was started), 1 it failed or was cancelled, 2 it could not be \
      started or followed, 130 it was left alone.
      """)

  @Argument(
    help: ArgumentHelp(
      "One of \(DBTRunInput.commands.joined(separator: ", ")).", valueName: "command"))
  var command: String

  @Option(
    name: [.customShort("s"), .long, .customLong("models")], parsing: .upToNextOption,
    help: ArgumentHelp("Nodes to take, in dbt's selection language.", valueName: "selectors"))
  var select: [String] = []

  @Option(
    parsing: .upToNextOption, help: ArgumentHelp("Nodes to leave out.", valueName: "selectors"))
  var exclude: [String] = []

  @Option(help: ArgumentHelp("Which tests a selection brings along.", valueName: "eager|cautious|buildable|empty"))
  var indirectSelection: String?

  @Option(help: ArgumentHelp("Variables of the project, as a YAML or JSON object.", valueName: "yaml"))
  var vars: String?

  @Option(name: .shortAndLong, help: ArgumentHelp("The target of the profile.", valueName: "name"))
  var target: String?

  @Flag(name: .shortAndLong, help: "Rebuild incremental models and seeds from nothing.")
  var fullRefresh = false

  @Flag(name: [.customShort("x"), .long], help: "Start nothing more after the first failure.")
  var failFast = false

  @Option(help: ArgumentHelp("The project, when the worker serves several.", valueName: "name"))
  var project: String?

  @Option(
    name: .customLong("env"),
    help: ArgumentHelp(
      "A value for env_var() in this run; may be repeated. It stands in the run's history: no secrets.",
      valueName: "name=value"))
  var environment: [String] = []

  @Option(help: ArgumentHelp("Id of the run; must not be that of a running one.", valueName: "id"))
  var workflowID: String?

  @Flag(help: "Start the run and leave.")
  var detach = false

  func validate() throws {
    do {
      _ = try DBTRunInput(arguments: [try input()])
    } catch let error as DBTRunInputError {
      throw ValidationError(error.message)
    }
  }

  func run() async throws {
    let configuration: ClientConfiguration
    do {
      configuration = try ClientConfiguration(Launch.environment)
    } catch {
      Terminal.complain("\(error)")
      throw ExitCode(2)
    }
    let logger = Launch.quietLogger("submit", configuration.log)
    for warning in configuration.warnings { Terminal.complain("warning: \(warning)") }
    let session: SchedulerSession
    do {
      session = try SchedulerSession(configuration.scheduler, role: "sallyport-submit", logger: logger)
    } catch {
      Terminal.complain("\(error)")
      throw ExitCode(2)
    }
    let submission = Submission(
      command: command, input: try input(), workflowID: workflowID ?? Submission.newID(command), isDetached: detach)
    let code = await submission.run(on: session)
    await session.close()
    throw ExitCode(code)
  }

  /// The workflow's one argument; what was not given is left out.
  private func input() throws -> PlainValue {
    var fields: PlainObject = ["command": .string(command)]
    if !select.isEmpty { fields["select"] = .string(select.joined(separator: " ")) }
    if !exclude.isEmpty { fields["exclude"] = .string(exclude.joined(separator: " ")) }
    fields["indirect_selection"] = indirectSelection.map { .string($0) }
    fields["target"] = target.map { .string($0) }
    fields["project"] = project.map { .string($0) }
    if fullRefresh { fields["full_refresh"] = true }
    if failFast { fields["fail_fast"] = true }
    if let vars { fields["vars"] = try SubmitCommand.object(vars) }
    if !environment.isEmpty { fields["env"] = try SubmitCommand.pairs(environment) }
    return .object(fields)
  }

  private static func object(_ text: String) throws -> PlainValue {
    do {
      let value = try YAMLDocument.parse(text: text, path: "--vars")
      guard value.objectValue != nil else {
        throw ValidationError("--vars must be an object, such as '{key: value}', not \(value.kindName)")
      }
      return value
    } catch let error as YAMLError {
      throw ValidationError("--vars is no YAML: \(error)")
    }
  }

  private static func pairs(_ texts: [String]) throws -> PlainValue {
    var members: PlainObject = [:]
    for text in texts {
      let sides = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard sides.count == 2, !sides[0].isEmpty else {
        throw ValidationError("--env takes NAME=VALUE; one without '=' or a name was given")
      }
      members[String(sides[0])] = .string(String(sides[1]))
    }
    return .object(members)
  }
}

extension Launch {
  /// A logger for commands that tell by themselves what fails: quiet unless the environment asks for more.
  static func quietLogger(_ label: String, _ configuration: LogConfiguration) -> Logger {
    var filter = configuration.filter
    let isAsked = ["LOG_LEVEL", "RUST_LOG"].contains { !(environment.values[$0] ?? "").isEmpty }
    if !isAsked { filter = LogFilter(level: .error) }
    let output = LogOutput(format: configuration.format)
    return Logger(label: label) { StructuredLogHandler(label: $0, output: output, filter: filter) }
  }
}
