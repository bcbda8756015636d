import CLinux
import DBTContext
import DBTEngine
import DBTProject
import Egress
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
    /// State of the project's files.
    let fingerprint: Int
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
  private let egress: EgressPolicy
  private let logger: Logger
  private let slots = Mutex<OrderedDictionary<Key, Slot>>([:])

  /// Reads the names of the projects; parses none.
  init(
    _ configuration: ProjectConfiguration, egress: EgressPolicy = .open, environment: ProcessEnvironment, logger: Logger
  ) throws {
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
    self.egress = egress
    self.logger = logger
  }

  /// Every project, in the order of the configuration.
  var all: [Project] { Array(projects.values) }

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
      project: project.name, fingerprint: Folder.fingerprint([project.directory, project.profilesDirectory]),
      target: target ?? self.target, command: request.command, vars: request.settings.vars,
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
      warehouse: { [egress] profile in
        if let password = profile.password { Redactor.process.register(password) }
        return PostgresWarehouse(profile, egress: egress)
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
    func refuse(_ fault: String) -> RunnerError { .failed(.configuration, "dbt_temporal.yml: \(fault)", details: nil) }
    for (event, hooks) in document["hooks"]?.objectValue ?? [:] where hooks.arrayValue?.isEmpty == false {
      throw refuse("hooks.\(event) is not supported by this version yet; remove it")
    }
    if document["retry"]?["non_retryable_errors"]?.arrayValue?.isEmpty == false {
      throw refuse("retry.non_retryable_errors is not supported by this version yet; remove it")
    }
    for block in ["retry", "timeouts"] {
      for (key, value) in document[block]?.objectValue ?? [:] where value.objectValue == nil && value.arrayValue == nil
      {
        guard let number = value.doubleValue, number > 0 else {
          throw refuse("\(block).\(key) must be a number above 0")
        }
      }
    }
    let settings = DBTRunSettings(plan: document)
    guard settings.nodeHeartbeatSeconds <= settings.nodeSeconds, settings.hookHeartbeatSeconds <= settings.hookSeconds
    else { throw refuse("a heartbeat timeout must not exceed the time limit it belongs to") }
    return settings
  }
}

/// Which parsed form each recent run uses: one run never sees two states of a project within a process.
final class RunRegistry: Sendable {
  /// Runs remembered at most; the longest unused goes.
  private static let limit = 64

  private struct Entry {
    var engine: Engine
    /// What the run's templates have kept for each other in this process.
    var graph = SharedGraph()
  }

  private let entries = Mutex<OrderedDictionary<String, Entry>>([:])

  /// Notes the form that a run was planned with.
  func pin(_ invocationID: String, _ engine: Engine) { _ = keep(invocationID, engine) }

  /// The run's form, and what its templates share; `make` finds a form when this process has not seen the run yet.
  func engine(_ invocationID: String, make: () throws -> Engine) throws -> (Engine, SharedGraph) {
    let known = entries.withLock { $0[invocationID]?.engine }
    let entry = keep(invocationID, try known ?? make())
    return (entry.engine, entry.graph)
  }

  private func keep(_ invocationID: String, _ engine: Engine) -> Entry {
    entries.withLock { entries in
      var entry = entries.removeValue(forKey: invocationID) ?? Entry(engine: engine)
      entry.engine = engine
      entries[invocationID] = entry
      if entries.count > RunRegistry.limit { entries.removeFirst() }
      return entry
    }
  }
}

extension Folder {
  /// A number that changes when a file below the folders is added, removed, replaced or rewritten. Looks at names, sizes
  /// and times, not into files; output folders (`target`, `logs`) and hidden ones are left out.
  ///
  /// The time of the last change of state cannot be set back as that of the contents can. As file systems tell it in
  /// steps, a file that changed within the last seconds might change again unseen: the number is then a new one each time.
  static func fingerprint(_ folders: [String]) -> Int {
    var hasher = Hasher()
    var waiting = folders.map { (path: $0, depth: 0) }
    var count = 0
    var newest = 0
    while let (path, depth) = waiting.popLast(), count < 200_000 {
      for name in entries(path) where !["target", "logs"].contains(name) || depth > 0 {
        var status = stat()
        let full = path + "/" + name
        guard unsafe stat(full, &status) == 0 else { continue }
        count += 1
        if status.st_mode & S_IFMT == S_IFDIR {
          if depth < 32 { waiting.append((full, depth + 1)) }
          continue
        }
        hasher.combine(full)
        hasher.combine(status.st_ino)
        hasher.combine(status.st_size)
        hasher.combine(status.st_mtim.tv_sec)
        hasher.combine(status.st_mtim.tv_nsec)
        hasher.combine(status.st_ctim.tv_sec)
        hasher.combine(status.st_ctim.tv_nsec)
        newest = max(newest, status.st_ctim.tv_sec)
      }
    }
    if newest > time(nil) - 2 { hasher.combine(UInt64.random(in: 0...UInt64.max)) }
    return hasher.finalize()
  }

  /// The path from the root, links resolved; the path itself when it leads nowhere.
  static func absolute(_ path: String) -> String {
    guard let resolved = unsafe realpath(path, nil) else { return path }
    defer { unsafe free(resolved) }
    return unsafe String(cString: resolved)
  }
}
