import ArgumentParser
import Glibc
import Secrets
import Worker

/// The entry point: what must happen before any other thread runs, then the command line.
@main
enum EntryPoint {
  static func main() async {
    Lifecycle.harden()
    Launch.takeEnvironment()
    // dbt's command line is dbt's: `--help` and all that follows is read by its own parser.
    if CommandLine.arguments.dropFirst().first == "dbt" {
      exit(await DBTProgram.run(Array(CommandLine.arguments.dropFirst(2))))
    }
    do {
      var command = try Sallyport.parseAsRoot()
      if command is any RestrictedCommand { Launch.restrict() }
      if var command = command as? any AsyncParsableCommand {
        try await command.run()
      } else {
        try command.run()
      }
    } catch {
      // Wrong usage exits with 2, as dbt does; the library's own choice is 64.
      guard Sallyport.exitCode(for: error) == .validationFailure else { Sallyport.exit(withError: error) }
      Terminal.complain(Sallyport.fullMessage(for: error))
      exit(2)
    }
  }
}

/// What the process was started with.
enum Launch {
  /// The environment, its secrets moved into protected memory.
  static let environment = ProcessEnvironment.take(
    secretNames: Setting.secretNames, wipedPrefix: "DBT_ENV_SECRET")

  /// Takes the environment over; to be called before other threads run.
  static func takeEnvironment() { _ = environment.values.count }

  /// What the process has given up; nil where the configuration could not be read for that.
  static let restriction = SelfRestriction.apply(environment)

  /// Gives up what a worker does not need; to be called before other threads run.
  static func restrict() { _ = restriction?.mode }
}

/// A command that gives up the rights that a worker does not need, before it runs.
protocol RestrictedCommand: ParsableCommand {}

/// The root of the command line.
struct Sallyport: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sallyport",
    abstract: "Runs dbt projects inside your network, on work pulled from a Temporal scheduler.",
    discussion: """
      A worker dials out to the scheduler over TLS, takes `dbt_run` workflows from a task queue and runs their nodes \
      against PostgreSQL with its own engine. Nothing connects to the worker, and the scheduler sees no credential.

      A first run, with a scheduler on this machine:

        temporal server start-dev &
        DBT_PROJECT_DIR=Examples/harbor DBT_PROFILES_DIR=profiles sallyport worker &
        sallyport submit build

      Settings come from environment variables: `sallyport config` shows them all.
      """,
    version: Version.text,
    subcommands: [
      WorkerCommand.self, SubmitCommand.self, HealthcheckCommand.self, DoctorCommand.self, ConfigCommand.self,
      VersionCommand.self,
      DBTCommand.self, ConfinementTrialCommand.self,
    ],
    defaultSubcommand: WorkerCommand.self)
}
