import ArgumentParser
import Observability
import OrderedCollections
import PlainData
import Secrets
import Worker

/// `sallyport version`.
struct VersionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "version", abstract: "Prints the version.")

  func run() { print(Version.text) }
}

/// `sallyport healthcheck`.
struct HealthcheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "healthcheck",
    abstract: "Exits 0 while the worker on this machine is healthy, else 1 with the reason.",
    discussion: """
      Reads the file that the worker writes every few seconds while its event loop turns and its polls succeed. Needs no \
      network and no shell, so that it serves as the exec probe of a container:

        readinessProbe: {exec: {command: [sallyport, healthcheck]}}

      HEALTH_FILE names the file; without it, /tmp/health.
      """)

  @Option(help: ArgumentHelp("The file to judge instead.", valueName: "path"))
  var file: String?

  @Flag(name: .shortAndLong, help: "Say nothing; only exit.")
  var quiet = false

  func run() throws {
    let configured = Launch.environment.values["HEALTH_FILE"] ?? ""
    let path = file ?? (configured.isEmpty ? HealthConfiguration.standardFile : configured)
    let finding = HealthFile(path: path).inspect(now: .now())
    if !quiet { finding.isHealthy ? print(finding.message) : Terminal.complain(finding.message) }
    if !finding.isHealthy { throw ExitCode(1) }
  }
}

/// `sallyport config`.
struct ConfigCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config",
    abstract: "Shows every setting: name, default, meaning, and what is set now.",
    discussion: "With --check, reads the configuration as the worker would and exits 1 when anything is wrong.")

  @Flag(help: "Print the README's table.")
  var markdown = false

  @Flag(help: "Check the settings of this environment and do nothing else.")
  var check = false

  func run() throws {
    if markdown { return print(ConfigurationMarkdown.render(), terminator: "") }
    if check { return try checkEnvironment() }
    for section in Setting.Section.allCases {
      print("\n\(section.rawValue)")
      for setting in Setting.all where setting.section == section && setting.availability == .read {
        print("  " + line(setting))
        print("      " + setting.doc)
      }
    }
  }

  private func line(_ setting: Setting) -> String {
    let environment = Launch.environment
    var text = setting.name
    if let standard = setting.standard { text += " (default: \(standard))" }
    if let fileName = setting.fileName, let path = environment.values[fileName], !path.isEmpty {
      return text + " from \(fileName)"
    }
    if environment.secrets[setting.name] != nil { return text + " is set" }
    if let value = environment.values[setting.name], !value.isEmpty {
      // An address with a password in it is wrong, and no reason to show the password.
      if setting.kind == .address && value.contains("@") { return text + " is set, with a user in it, which is wrong" }
      return text + " = " + LogRecord.escaped(value)
    }
    return text
  }

  private func checkEnvironment() throws {
    do {
      let configuration = try Configuration(Launch.environment)
      for warning in configuration.warnings { Terminal.complain("warning: \(warning)") }
      print("the configuration is right")
    } catch {
      Terminal.complain("\(error)")
      throw ExitCode(1)
    }
  }
}
