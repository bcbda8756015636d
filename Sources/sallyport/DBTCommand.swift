import ArgumentParser
import DBTContext
import DBTEngine
import Worker

/// `sallyport dbt`: the engine without a scheduler. Its command line is dbt's, so `DBTProgram` reads it, not the argument
/// parser; this declaration only stands in the list of commands.
struct DBTCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dbt",
    abstract: "Runs a dbt project here and now, with dbt's commands, flags, lines and exit codes.",
    discussion: "`sallyport dbt --help` lists the commands.")

  @Argument(parsing: .captureForPassthrough)
  var words: [String] = []

  func run() async throws {
    let code = await DBTProgram.run(words)
    if code != 0 { throw ExitCode(code) }
  }
}

/// dbt's program: from the words of its command line to its exit code.
enum DBTProgram {
  /// What a command does; returns its exit code.
  typealias Handler = @Sendable (DBTSession) throws(EngineError) -> Int32

  /// Runs one command and returns dbt's exit code: 0 done, 1 something failed, 2 nothing could be done.
  static func run(_ words: [String]) async -> Int32 {
    do {
      switch try DBTArguments.parse(words) {
      case .help(let page):
        Terminal.write(page + "\n")
        return words.contains("--help") || words.contains("-h") ? 0 : 2
      case .version:
        Terminal.write(
          "Core:\n  - installed: \(DBTVersions.core)\n\nPlugins:\n  - postgres: \(DBTVersions.adapter)\n\n"
            + "Engine:\n  - sallyport: \(DBTVersions.engine)\n")
        return 0
      case .command(let arguments):
        let flags = try DBTFlags(arguments, environment: Launch.environment)
        let session = try DBTSession(flags, words: words)
        guard let handler = handlers[arguments.syntax.which] else {
          throw EngineError(.usage, "`dbt \(arguments.syntax.words.joined(separator: " "))` is not supported")
        }
        return await session.perform(handler)
      }
    } catch let error as DBTUsageError where error.isOfFlags {
      Terminal.write("\(UTCTime.now.clock)  [ERROR]: Encountered an error:\n\(error.message)\n")
    } catch let error as DBTUsageError {
      if let notice = error.notice { Terminal.write("\(UTCTime.now.clock)  \(notice)\n") }
      Terminal.complain(error.text)
    } catch let error as EngineError {
      // As with dbt, what is wrong with flags together is no matter of usage text.
      let text = error.kind == .usage ? error.message : error.description
      Terminal.write("\(UTCTime.now.clock)  [ERROR]: Encountered an error:\n\(text)\n")
    } catch {
      Terminal.complain("\(error)")
    }
    return 2
  }

  /// By the name in `which`.
  static let handlers: [String: Handler] = [
    "build": nodes, "run": nodes, "test": nodes, "seed": nodes, "snapshot": nodes,
    "compile": { session throws(EngineError) in try session.compile() },
    "show": { session throws(EngineError) in try session.preview() },
    "parse": { session throws(EngineError) in try session.parse() },
    "list": { session throws(EngineError) in try session.list() },
    "debug": { session throws(EngineError) in try session.check() },
    "run-operation": { session throws(EngineError) in try session.callMacro() },
    "clean": { session throws(EngineError) in try session.clean() },
    "init": { session throws(EngineError) in try session.makeProject() },
    "clone": nodes,
    "freshness": { session throws(EngineError) in try session.measureFreshness() },
    "generate": { session throws(EngineError) in try session.generateDocs() },
    "retry": { session throws(EngineError) in try session.retry() },
    "deps": { session throws(EngineError) in try session.installPackages() },
  ]

  private static let nodes: Handler = { session throws(EngineError) in try session.runNodes() }
}

/// What the program says it is.
enum DBTVersions {
  /// The dbt whose behaviour is kept.
  static let core = "1.12.6"
  static let adapter = "1.11.0"
  static var engine: String { Version.text }
}
