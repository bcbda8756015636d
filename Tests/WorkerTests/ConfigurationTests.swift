import Foundation
import Observability
import Secrets
import TLSClient
import Testing

@testable import Worker

/// A folder with a project, a profile and certificates, and environments that use them.
struct ConfigurationFixture {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)

  init() throws {
    try write("project/dbt_project.yml", "name: harbor\n")
    try write("project/profiles.yml", "harbor: {}\n")
    try write("profiles/profiles.yml", "harbor: {}\n")
    try write("ca.crt", "-----BEGIN CERTIFICATE-----\n")
    try write("tls.crt", "-----BEGIN CERTIFICATE-----\n")
    try write("tls.key", "-----BEGIN PRIVATE KEY-----\n")
    try write("api-key", "key-from-file\n")
  }

  func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

  func write(_ name: String, _ text: String) throws {
    let url = folder.appendingPathComponent(name)
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try text.write(to: url, atomically: true, encoding: .utf8)
  }

  func environment(_ values: [String: String] = [:], key: String? = nil) -> ProcessEnvironment {
    let secrets = key.map { ["TEMPORAL_API_KEY": SharedSecret(copying: $0.utf8)] } ?? [:]
    return ProcessEnvironment(
      values: ["DBT_PROJECT_DIR": path("project")].merging(values) { _, new in new }, secrets: secrets)
  }

  func configuration(_ values: [String: String] = [:], key: String? = nil) throws -> Configuration {
    try Configuration(environment(values, key: key))
  }

  /// The faults of an environment as `NAME: fault` lines; empty when there are none.
  func faults(_ values: [String: String], key: String? = nil) -> [String] {
    do { _ = try configuration(values, key: key) } catch {
      return (error as? ConfigurationError)?.problems.map(\.description) ?? ["\(error)"]
    }
    return []
  }
}

@Suite struct ConfigurationTests {
  let fixture: ConfigurationFixture

  init() throws { fixture = try ConfigurationFixture() }

  @Test func nothingSetGivesTheDocumentedDefaults() throws {
    let configuration = try fixture.configuration()
    #expect(configuration.scheduler.address.description == "localhost:7233")
    #expect(configuration.scheduler.tls == nil)
    #expect(configuration.scheduler.namespace == "default" && configuration.scheduler.taskQueue == "dbt-tasks")
    #expect(configuration.tuning.workflowTaskSlots == 200 && configuration.tuning.activitySlots == 100)
    #expect(configuration.tuning.cachedWorkflows == 1000 && configuration.tuning.stickyTimeout == .seconds(10))
    #expect(
      configuration.artifacts == ArtifactConfiguration(isOn: false, directory: "/tmp/dbt-artifacts", writesLog: true))
    #expect(configuration.health == HealthConfiguration(port: nil, host: "0.0.0.0", file: nil))
    #expect(configuration.log == LogConfiguration(format: .text, filter: LogFilter()))
    #expect(configuration.warnings.isEmpty)
  }

  @Test func emptyMeansUnsetForEveryVariable() throws {
    var values: [String: String] = [:]
    for setting in Setting.all {
      values[setting.name] = ""
      values[setting.name + "_FILE"] = ""
    }
    values["DBT_PROJECT_DIR"] = fixture.path("project")
    #expect(fixture.faults(values) == [])
  }

  @Test func theParserAsksForEveryVariableOfTheTableAndNoOther() {
    var values: [String: String] = [:]
    for setting in Setting.all where setting.availability != .read { values[setting.name] = "x" }
    var reader = SettingReader(fixture.environment(values))
    _ = Configuration(&reader)
    // Of the three discovery variables all are looked at, though the first that is set decides.
    #expect(reader.consulted == Set(Setting.all.map(\.name)))
    #expect(Set(Setting.all.map(\.name)).count == Setting.all.count)
  }

  @Test func everyDefaultIsARightValue() throws {
    var values: [String: String] = [:]
    for setting in Setting.all { values[setting.name] = setting.standard }
    values["DBT_PROJECT_DIR"] = fixture.path("project")
    #expect(fixture.faults(values) == [])
  }

  @Test(arguments: [
    ("WORKER_MAX_CONCURRENT_ACTIVITIES", "many"), ("WORKER_MAX_CONCURRENT_ACTIVITIES", "0"),
    ("WORKER_MAX_CONCURRENT_WORKFLOW_TASKS", "-1"), ("WORKER_MAX_CACHED_WORKFLOWS", "1e3"),
    ("WORKER_STICKY_QUEUE_TIMEOUT_SECS", "0"), ("HEALTH_PORT", "0"), ("HEALTH_PORT", "70000"), ("HEALTH_PORT", "http"),
    ("WRITE_ARTIFACTS", "maybe"), ("TEMPORAL_TLS", "sometimes"), ("LOG_FORMAT", "xml"), ("LOG_LEVEL", "loud"),
    ("RUST_LOG", "a=b"), ("TEMPORAL_ADDRESS", "ftp://x"), ("TEMPORAL_ADDRESS", "host:99999"), ("HEALTH_FILE", "health"),
    ("SALLYPORT_HEALTH_HOST", "everywhere"), ("DBT_PROFILES_DIR", "/no/such/folder"), ("DBT_PROJECT_DIR", "/no/such"),
    ("DBT_PROJECT_DIRS", " , "), ("DBT_PROJECTS_DIR", "/no/such"), ("TEMPORAL_TLS_CA", "/no/such"),
    ("ARTIFACT_STORE", "relative"), ("SALLYPORT_MACROS", "/no/such"),
  ])
  func wrongValuesAreNamedWithAnExample(name: String, value: String) {
    let faults = fixture.faults([name: value])
    #expect(faults.count == 1)
    #expect(faults.first?.hasPrefix(name + ": ") == true)
    #expect(faults.first?.contains("for example \(name)=") == true || faults.first?.contains("absolute path") == true)
  }

  @Test func allFaultsAreShownAtOnce() {
    let faults = fixture.faults(["HEALTH_PORT": "x", "TEMPORAL_TLS_CERT": "/none", "LOG_FORMAT": "y"])
    #expect(
      faults.map { $0.split(separator: ":")[0] } == [
        "TEMPORAL_TLS_CERT", "TEMPORAL_TLS_KEY", "HEALTH_PORT", "LOG_FORMAT",
      ])
    let error = ConfigurationError([.init(variable: "A", fault: "b"), .init(variable: "C", fault: "d")])
    #expect("\(error)" == "configuration error: 2 settings need attention\n  A: b\n  C: d")
  }

  @Test(arguments: ["1", "true", "TRUE", "yes", "on"])
  func flagsSayYesInSeveralWords(word: String) throws {
    #expect(try fixture.configuration(["WRITE_ARTIFACTS": word]).artifacts.isOn)
  }

  @Test(arguments: Setting.all.filter { if case .later = $0.availability { true } else { false } })
  func whatIsNotThereYetIsRefusedByName(setting: Setting) {
    let secrets = setting.isSecret ? [setting.name: SharedSecret(copying: "k=v".utf8)] : [:]
    let values = setting.isSecret ? [:] : [setting.name: "true"]
    let environment = ProcessEnvironment(
      values: ["DBT_PROJECT_DIR": fixture.path("project")].merging(values) { $1 }, secrets: secrets)
    #expect {
      _ = try Configuration(environment)
    } throws: { error in
      "\(error)".contains("\(setting.name): asks for what this version cannot do yet")
    }
    guard case .later(let harmless) = setting.availability else { return }
    for value in harmless { #expect(fixture.faults([setting.name: value]) == []) }
  }

  @Test func whatHasNoEffectAndWhatIsMisspeltEarnsAWarning() throws {
    let configuration = try fixture.configuration([
      "WORKER_MAX_CONCURRENT_LOCAL_ACTIVITIES": "7", "TEMPORAL_ADRESS": "x", "TEMPORAL_TLS_CRET": "y",
      "TEMPORAL_FRONTEND_SERVICE_HOST": "10.0.0.1",
    ])
    #expect(configuration.warnings.count == 3)
    #expect(
      configuration.warnings.contains { $0.contains("TEMPORAL_ADRESS is not known: was TEMPORAL_ADDRESS meant?") })
    #expect(configuration.warnings.contains { $0.contains("was TEMPORAL_TLS_CERT meant?") })
    #expect(configuration.warnings.contains { $0.hasPrefix("WORKER_MAX_CONCURRENT_LOCAL_ACTIVITIES is set: ") })
  }

  @Test func theHealthFileHasItsDefaultWhenThePortIsSet() throws {
    #expect(try fixture.configuration(["HEALTH_PORT": "8080"]).health.file == "/tmp/health")
    #expect(try fixture.configuration(["HEALTH_PORT": "8080", "HEALTH_FILE": "/x/h"]).health.file == "/x/h")
  }

  @Test func ownLogLevelWinsOverThePeersName() throws {
    #expect(try fixture.configuration(["RUST_LOG": "debug"]).log.filter == LogFilter("debug"))
    #expect(try fixture.configuration(["RUST_LOG": "debug", "LOG_LEVEL": "error"]).log.filter == LogFilter("error"))
  }

  @Test func aClientNeedsNoProject() throws {
    let client = try ClientConfiguration(
      ProcessEnvironment(values: ["DBT_PROJECT_DIR": "/no/such", "HEALTH_PORT": "x"]))
    #expect(client.scheduler.taskQueue == "dbt-tasks")
  }

  @Test func theReadmeHasTheTableOfThisVersion() throws {
    let readme = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("README.md")
    let text = try String(contentsOf: readme, encoding: .utf8)
    #expect(text.contains(ConfigurationMarkdown.render()), "run: swift run sallyport config --markdown, and paste")
  }
}
