import ArgumentParser
import Logging
import Observability
import PlainData
import Worker

/// `sallyport doctor`.
struct DoctorCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Looks at everything outside that the worker needs, in order, and says what is wrong and what to do.",
    discussion: """
      Reads the same environment as the worker: run it in the worker's own container. It walks the settings, the mounted \
      files, the certificates, the scheduler's name and addresses, TLS, HTTP/2, gRPC, authentication, namespace and task \
      queue, the dbt projects and their databases, the destinations, and how this process is confined. Each step has a \
      time limit, all together at most 60 s. Nothing is changed, and no secret is shown.

      Exit codes: 0 nothing failed (there may be warnings), 1 something failed.
      """)

  @Flag(help: "One JSON object instead of text.")
  var json = false

  func run() async throws {
    let filter = LogFilter(level: nil)
    let output = LogOutput()
    let logger = Logger(label: "doctor") { StructuredLogHandler(label: $0, output: output, filter: filter) }
    let probes: LiveDoctorProbes
    do {
      probes = try LiveDoctorProbes(Launch.environment, logger: logger)
    } catch {
      Terminal.complain("\(error)")
      throw ExitCode(1)
    }
    let text = DoctorText(hasColour: Terminal.hasColour)
    let report = await Doctor.run(
      probes,
      each: { entry in
        if !json { Terminal.write(text.block(entry)) }
      })
    Terminal.write(json ? report.json.json() + "\n" : text.conclusion(report))
    await probes.close()
    throw ExitCode(report.exitCode)
  }
}
