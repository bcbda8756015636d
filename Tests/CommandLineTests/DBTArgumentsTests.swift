import OrderedCollections
import PlainData
import Secrets
import Testing

@testable import sallyport

/// dbt's command line, and where flags come from.
struct DBTArgumentsTests {
  private func command(_ line: String) throws -> DBTArguments {
    guard case .command(let arguments) = try DBTArguments.parse(line.split(separator: " ").map(String.init)) else {
      throw DBTUsageError(program: "", pattern: nil, message: "no command")
    }
    return arguments
  }

  private func message(_ line: String) -> String? {
    do {
      _ = try DBTArguments.parse(line.split(separator: " ").map(String.init))
      return nil
    } catch {
      return error.message
    }
  }

  private func flags(_ line: String, _ variables: [String: String] = [:]) throws -> DBTFlags {
    try DBTFlags(try command(line), environment: ProcessEnvironment(values: variables, secrets: [:]))
  }

  @Test("global options stand before or after the command, in all their spellings")
  func places() throws {
    let arguments = try command("--debug --target=dev run -f --no-print -qx --threads 8")
    #expect(arguments.syntax.which == "run")
    #expect(
      arguments.given == [
        "debug": true, "target": "dev", "full_refresh": true, "print": false, "quiet": true, "fail_fast": true,
        "threads": 8,
      ])
    #expect(try command("docs generate --static").syntax.which == "generate")
    #expect(try command("ls").syntax.which == "list")
    #expect(try command("run-operation my_macro").positionals == ["my_macro"])
  }

  @Test("lists take words up to the next option, as often as they are given")
  func lists() throws {
    let arguments = try command("build --select a b -s c --exclude d e --threads 2 -m f")
    #expect(arguments.given["select"] == ["a", "b", "c", "f"])
    #expect(arguments.given["exclude"] == ["d", "e"])
    #expect(arguments.usesModelsAlias)
  }

  @Test("what is wrong is said as dbt's parser says it")
  func complaints() {
    #expect(
      message("run --nope")
        == "No such option '--nope'. (Did you mean one of: '--no-empty', '--no-print', '--no-quiet'?)")
    #expect(message("rnu") == "No such command 'rnu'. Did you mean 'run'?")
    #expect(message("run --threads x") == "Invalid value for '--threads': 'x' is not a valid integer.")
    #expect(
      message("run --indirect-selection x")
        == "Invalid value for '--indirect-selection': 'x' is not one of 'eager', 'cautious', 'buildable', 'empty'.")
    #expect(message("run foo") == "Got unexpected extra argument (foo)")
    #expect(message("run foo bar") == "Got unexpected extra arguments (foo bar)")
    #expect(message("run --select") == "Option '--select' requires an argument.")
    #expect(message("run --vars {a") == "Invalid value for '--vars': String '{a' is not valid YAML")
    #expect(message("run --full-refresh=1") == "Option '--full-refresh' does not take a value.")
    #expect(message("run -Z") == "No such option '-Z'.")
    #expect(
      message("-x run -x")
        == "fail_fast was provided both before and after the subcommand, it can only be set either before or after.")
    #expect(message("run --profiles-dir /nope") == "Invalid value for '--profiles-dir': Path '/nope' does not exist.")
    #expect(
      DBTUsageError(program: "dbt run", pattern: "[OPTIONS]", message: "m").text
        == "Usage: dbt run [OPTIONS]\nTry 'dbt run --help' for help.\n\nError: m")
  }

  @Test("the command line counts more than the environment, its new names more than the old")
  func precedence() throws {
    let variables = [
      "DBT_TARGET": "old", "DBT_ENGINE_TARGET": "new", "DBT_FULL_REFRESH": "true", "DBT_PRINT": "0",
      "DBT_RESOURCE_TYPES": "model test", "DBT_FAIL_FAST": "",
    ]
    let flags = try flags("build --no-fail-fast", variables)
    #expect(flags.text("target") == "new")
    #expect(flags.isOn("full_refresh"))
    #expect(!flags.isOn("print"))
    #expect(flags.words("resource_types") == ["model", "test"])
    #expect(try self.flags("build --target mine", variables).text("target") == "mine")
    #expect(throws: DBTUsageError.self) { try self.flags("run", ["DBT_PRINT": "maybe"]) }
    #expect(try self.flags("run --print", ["DBT_NO_PRINT": "1"]).isOn("print") == false)
  }

  @Test("log settings of the console hold for the file unless it has its own")
  func followers() throws {
    #expect(try flags("run").text("log_format_file") == "debug")
    #expect(try flags("run --log-format json").text("log_format_file") == "json")
    #expect(try flags("run --log-format json --log-format-file text").text("log_format_file") == "text")
  }

  @Test("flags that exclude each other")
  func exclusive() {
    #expect(throws: (any Error).self) { try flags("compile --select a --inline b") }
    #expect(throws: (any Error).self) { try flags("run --warn-error --warn-error-options {}") }
  }

  @Test("every command's help names its options and stays within 80 columns")
  func help() throws {
    for syntax in DBTSyntax.all {
      let page = DBTHelp.page(syntax)
      #expect(page.hasPrefix("Usage: dbt \(syntax.words.joined(separator: " ")) [OPTIONS]"))
      for line in page.split(separator: "\n") where !line.contains("[") { #expect(line.count <= 100, "\(line)") }
      for name in syntax.parameters { #expect(DBTParameters.byName[name] != nil, "\(name)") }
    }
  }

  @Test("similarity is that of the longest common blocks")
  func similarity() {
    #expect(NearMatch.similarity("abcd", "bcde") == 0.75)
    #expect(NearMatch.similarity("", "") == 1)
    #expect(NearMatch.find("rnu", among: ["run", "seed", "snapshot"]) == ["run"])
  }
}
