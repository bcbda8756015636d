import ArgumentParser
import Worker

/// `sallyport worker`.
struct WorkerCommand: AsyncParsableCommand, RestrictedCommand {
  static let configuration = CommandConfiguration(
    commandName: "worker",
    abstract: "Runs the worker until SIGTERM.",
    discussion: """
      Polls a task queue of the scheduler and runs the dbt projects it was given. All settings are environment \\
      variables: `sallyport config` lists them, `sallyport config --check` judges them.

      SIGTERM or SIGINT: takes no more work, lets running nodes finish for WORKER_GRACEFUL_SHUTDOWN_SECS, cancels what \\
      is left, reports, exits 0. A second signal exits at once.

      Exit codes: 0 stopped by a signal, 1 wrong configuration or refused by the scheduler.
      """)

  func run() async throws {
    let code = await WorkerProcess.run(Launch.environment, restriction: Launch.restriction) {
      configuration, environment, logger in
      try EngineRunner(configuration, environment: environment, logger: logger)
    }
    throw ExitCode(code)
  }
}
