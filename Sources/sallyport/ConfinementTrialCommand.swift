import ArgumentParser
import PlainData
import Worker

/// `sallyport confinement-trial`: for tests, and for whoever wants to see what the kernel refuses to a worker.
struct ConfinementTrialCommand: AsyncParsableCommand, RestrictedCommand {
  static let configuration = CommandConfiguration(
    commandName: "confinement-trial",
    abstract: "Restricts itself as the worker would, tries what must fail, and prints how the kernel answered.",
    discussion: """
      Reads the worker's environment. Prints one JSON object: what is restricted, and each attempt with its error number, 0 \
      for one that went through. Nothing is sent on the connections that are tried. At the end it tries to start a program, \
      itself with `version`, and prints the error number of that.
      """,
    shouldDisplay: false)

  @Option(help: ArgumentHelp("A path to open for reading.", valueName: "path"))
  var read: [String] = []

  @Option(help: ArgumentHelp("A path of a file to make.", valueName: "path"))
  var write: [String] = []

  @Option(help: ArgumentHelp("A port of 127.0.0.1 to dial.", valueName: "port"))
  var connect: [Int] = []

  @Option(help: ArgumentHelp("A port of 127.0.0.1 to listen on.", valueName: "port"))
  var listen: [Int] = []

  func run() async throws {
    var trial = ConfinementTrial()
    (trial.read, trial.write, trial.connect, trial.listen) = (read, write, connect, listen)
    guard let restriction = Launch.restriction else {
      Terminal.complain("the configuration is wrong: `sallyport config --check` tells how")
      throw ExitCode(1)
    }
    do {
      Terminal.write(try await trial.run(under: restriction).json() + "\n")
      // Where it is not refused, nothing comes after it.
      let answer: PlainValue = ["execve": .int(ConfinementTrial.execute())]
      Terminal.write(answer.json() + "\n")
    } catch {
      Terminal.complain("\(error)")
      throw ExitCode(1)
    }
  }
}
