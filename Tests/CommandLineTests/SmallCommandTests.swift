import Foundation
import Testing

/// Runs the built binary.
struct Binary {
  struct Outcome {
    let status: Int32
    let out: String
    let err: String
  }

  /// `sallyport` beside the test bundle.
  static let path: String = {
    let bundles = CommandLine.arguments.compactMap { argument -> URL? in
      guard let range = argument.range(of: ".xctest") else { return nil }
      return URL(filePath: String(argument[..<range.upperBound])).deletingLastPathComponent()
    }
    let folder = bundles.first ?? URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
    return folder.appendingPathComponent("sallyport").path
  }()

  /// Runs it to its end with nothing but the given environment.
  static func run(_ arguments: [String], environment: [String: String] = [:]) throws -> Outcome {
    let process = Process()
    process.executableURL = URL(filePath: path)
    process.arguments = arguments
    process.environment = environment
    let (out, err) = (Pipe(), Pipe())
    process.standardOutput = out
    process.standardError = err
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let text = String(decoding: out.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    let complaint = String(decoding: err.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return Outcome(status: process.terminationStatus, out: text, err: complaint)
  }
}

@Suite struct SmallCommandTests {
  @Test func versionAndHelpAreThere() throws {
    let version = try Binary.run(["version"])
    #expect(version.status == 0 && version.out == "0.1.0\n")
    let help = try Binary.run(["--help"])
    #expect(help.status == 0)
    for word in ["healthcheck", "config", "version", "worker", "submit"] { #expect(help.out.contains(word)) }
  }

  @Test func healthcheckExitsWithOneAndAReasonWithoutAFile() throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
    let outcome = try Binary.run(["healthcheck"], environment: ["HEALTH_FILE": path])
    #expect(outcome.status == 1 && outcome.out.isEmpty)
    #expect(outcome.err.hasPrefix("unhealthy: no health file at '\(path)'"))
    #expect(try Binary.run(["healthcheck", "--quiet", "--file", path]).err.isEmpty)
  }

  @Test func healthcheckExitsWithZeroOnAFreshFile() throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
    try #"{"status":"healthy","phase":"running"}"#.write(toFile: path, atomically: true, encoding: .utf8)
    let outcome = try Binary.run(["healthcheck", "--file", path])
    #expect(outcome.status == 0 && outcome.out.hasPrefix("healthy: running, said "))
  }

  @Test func configChecksAndNeverShowsASecret() throws {
    let environment = [
      "TEMPORAL_API_KEY": "canary-key-value", "HEALTH_PORT": "many", "DBT_PROJECT_DIR": "/none",
      "TEMPORAL_ADDRESS": "https://user:canary@host:1",
    ]
    let check = try Binary.run(["config", "--check"], environment: environment)
    #expect(check.status == 1)
    #expect(check.err.contains("HEALTH_PORT: 'many' is not a whole number"))
    #expect(check.err.contains("DBT_PROJECT_DIR: '/none' is no folder"))
    let shown = try Binary.run(["config"], environment: environment)
    #expect(shown.status == 0 && shown.out.contains("TEMPORAL_API_KEY is set"))
    #expect(shown.out.contains("HEALTH_PORT = many"))
    for text in [check.out, check.err, shown.out, shown.err] { #expect(!text.contains("canary")) }
  }
}
