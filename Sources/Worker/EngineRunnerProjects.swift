import DBTEngine
import DBTProject
import Glibc
import Logging
import OrderedCollections
import PlainData
import PostgresWarehouse
import Secrets
import Synchronization
import YAMLDocument

/// The projects of a worker by name, and the parsed form of each for the settings of recent runs.
final class ProjectCatalog: Sendable {
  /// A project folder.
  struct Project: Sendable {
    let name: String
    /// Absolute.
    let directory: String
    let profilesDirectory: String
  }

  /// What decides how a project reads: runs with equal keys share one parsed form.
  private struct Key: Hashable {
    let project: String
    let target: String?
    let command: RunCommand
    let vars: PlainObject
    let environment: [String: String]
    let fullRefresh: Bool
  }

  /// One parsed form; the mutex is held while it is made, so that it is made once.
  private final class Slot: Sendable {
    let engine = Mutex<Engine?>(nil)
  }

  /// Parsed forms kept at most; the longest unused goes.
  private static let slotLimit = 16

  private let projects: OrderedDictionary<String, Project>
  private let macroFolder: String
  private let target: String?
  private let environment: ProcessEnvironment
  private let logger: Logger
  private let slots = Mutex<OrderedDictionary<Key, Slot>>([:])

  init(_ configuration: ProjectConfiguration, environment: ProcessEnvironment, logger: Logger) throws {
    var projects: OrderedDictionary<String, Project> = [:]
    for directory in configuration.directories {
      let path = Folder.absolute(directory)
      let name = ProjectCatalog.name(path) ?? path.split(separator: "/").last.map(String.init) ?? path
      if let other = projects[name] {
        throw WorkerProcessError("two projects have the name '\(name)': \(other.directory) and \(path); rename one")
      }
      let profiles = configuration.profilesDirectory.map(Folder.absolute) ?? path
      projects[name] = Project(name: name, directory: path, profilesDirectory: profiles)
    }
    self.projects = projects
    macroFolder = try MacroPackages.find(configured: configuration.macrosDirectory)
    target = configuration.target
    self.environment = environment
    self.logger = logger
  }

  /// The project of that name, or the only one.
  func project(_ name: String?) throws -> Project {
    let known = projects.keys.joined(separator: ", ")
    if let name {
      guard let project = projects[name] else {
        throw RunnerError.failed(.projectNotFound, "'\(name)'; this worker has: \(known)", details: nil)
      }
      return project
    }
    guard projects.count == 1, let only = projects.values.first else {
      throw RunnerError.failed(.projectNotFound, "none was named and this worker has several: \(known)", details: nil)
    }
    return only
  }

  /// Parses every project for a run without settings of its own; answers the names and faults of those that fail.
  func parseAll() -> [(String, String)] {
    projects.values.compactMap { project in
      do {
        _ = try engine(project, RunRequest(.build), target: nil)
        return nil
      } catch {
        return (project.name, "\(error)")
      }
    }
  }

  /// The parsed form for a run; parses when none of the recent ones fits. Failures are not kept, so that a project that
  /// was mended in place works with the next run.
  func engine(_ project: Project, _ request: RunRequest, target: String?) throws -> Engine {
    let key = Key(
      project: project.name, target: target ?? self.target, command: request.command, vars: request.settings.vars,
      environment: request.settings.environment, fullRefresh: request.settings.fullRefresh)
    return try slot(key).engine.withLock { engine in
      if let engine { return engine }
      let made = try open(project, request, key.target)
      engine = made
      return made
    }
  }

  private func slot(_ key: Key) -> Slot {
    slots.withLock { slots in
      let slot = slots.removeValue(forKey: key) ?? Slot()
      slots[key] = slot
      if slots.count > ProjectCatalog.slotLimit { slots.removeFirst() }
      return slot
    }
  }

  private func open(_ project: Project, _ request: RunRequest, _ target: String?) throws -> Engine {
    var options = EngineOptions(
      projectDirectory: project.directory, macroFolder: macroFolder, environment: environment)
    options.profilesDirectory = project.profilesDirectory
    options.targetName = target
    var settings = request.settings
    settings.invocationID = ""
    let sink = LogSink(logger, project: project.name)
    let engine = try Engine.open(
      options, settings: settings, command: request.command,
      warehouse: { profile in
        if let password = profile.password { Redactor.process.register(password) }
        return PostgresWarehouse(profile)
      }, sink: { sink.take($0) })
    logger.info("project parsed", metadata: ["project": "\(project.name)"])
    return engine
  }

  /// The name that `dbt_project.yml` gives; nil when it cannot be read.
  private static func name(_ directory: String) -> String? {
    guard let bytes = try? MountedFile.read(directory + "/dbt_project.yml"),
      let document = try? YAMLDocument.parse(bytes, path: "dbt_project.yml"), let name = document["name"]?.stringValue
    else { return nil }
    return name.isEmpty ? nil : name
  }
}

extension ProjectCatalog.Project {
  /// Retries and time limits from the project's `dbt_temporal.yml`; the defaults without one.
  ///
  /// - Throws: `RunnerError` for a file that is no YAML, or asks for hooks, which are not there yet.
  func settings() throws -> DBTRunSettings {
    let path = directory + "/dbt_temporal.yml"
    let bytes: [UInt8]
    do throws(SecretError) {
      bytes = try MountedFile.read(path)
    } catch {
      if error.code == .missing { return DBTRunSettings() }
      throw RunnerError.failed(.configuration, "dbt_temporal.yml: \(error)", details: nil)
    }
    let document: PlainValue
    do {
      document = try YAMLDocument.parse(bytes, path: "dbt_temporal.yml")
    } catch {
      throw RunnerError.failed(.configuration, "\(error)", details: nil)
    }
    let hooks = document["hooks"]?.objectValue ?? [:]
    if let event = hooks.first(where: { $0.value.arrayValue?.isEmpty == false })?.key {
      throw RunnerError.failed(
        .configuration, "dbt_temporal.yml asks for '\(event)' hooks, which this version cannot run yet: remove them",
        details: nil)
    }
    return DBTRunSettings(plan: document)
  }
}

/// The runs that this process takes part in: what their nodes share is kept while they are recent.
final class RunRegistry: Sendable {
  /// A run in this process.
  struct Run: Sendable {
    let engine: Engine
    let context: RunContext
  }

  /// Runs kept at most; the longest unused goes and is begun anew when it comes back.
  private static let limit = 32

  private let runs = Mutex<OrderedDictionary<String, Run>>([:])
  private let logger: Logger

  init(logger: Logger) { self.logger = logger }

  func run(_ invocationID: String, _ request: RunRequest, _ engine: Engine) -> Run {
    runs.withLock { runs in
      // The same id with another engine: a run that was reset or begun with other settings.
      let known = runs.removeValue(forKey: invocationID).flatMap { $0.engine === engine ? $0 : nil }
      let sink = LogSink(logger, project: engine.project.project.name, invocationID: invocationID)
      let run = known ?? Run(engine: engine, context: engine.begin(request, sink: { sink.take($0) }))
      runs[invocationID] = run
      if runs.count > RunRegistry.limit { runs.removeFirst() }
      return run
    }
  }
}

extension Folder {
  /// The path from the root, links resolved; the path itself when it leads nowhere.
  static func absolute(_ path: String) -> String {
    guard let resolved = unsafe realpath(path, nil) else { return path }
    defer { unsafe free(resolved) }
    return unsafe String(cString: resolved)
  }
}
