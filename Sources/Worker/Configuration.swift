package import Observability
package import Secrets

/// Everything the worker is told from outside, checked before anything starts.
package struct Configuration: Sendable {
  /// How to reach the scheduler.
  package var scheduler: SchedulerConfiguration
  /// Which projects to serve.
  package var projects: ProjectConfiguration
  /// What is kept of runs.
  package var artifacts: ArtifactConfiguration
  /// How much to take on.
  package var tuning: TuningConfiguration
  /// Where to tell how the worker is.
  package var health: HealthConfiguration
  /// What is logged.
  package var log: LogConfiguration
  /// How far to restrict itself.
  package var confinement: ConfinementConfiguration
  /// What deserves a line in the log though it stops nothing.
  package var warnings: [String]

  /// Reads and checks all variables of the worker.
  ///
  /// - Throws: all faults together.
  package init(_ environment: ProcessEnvironment) throws(ConfigurationError) {
    var reader = SettingReader(environment)
    self.init(&reader)
    try reader.finish()
  }

  /// Reads everything; faults stay in the reader.
  init(_ reader: inout SettingReader) {
    scheduler = .read(&reader)
    projects = .read(&reader)
    artifacts = .read(&reader)
    tuning = .read(&reader)
    health = .read(&reader)
    log = .read(&reader)
    confinement = .read(&reader)
    reader.refuseWhatIsNotThere(in: Set(Setting.Section.allCases))
    reader.warnOfMisspellings()
    warnings = reader.warnings
  }
}

/// What `sallyport submit` and other clients of the scheduler are told from outside.
package struct ClientConfiguration: Sendable {
  /// How to reach the scheduler.
  package var scheduler: SchedulerConfiguration
  /// What is logged.
  package var log: LogConfiguration
  /// What deserves a line though it stops nothing.
  package var warnings: [String]

  /// Reads and checks the variables of the scheduler and the log only.
  package init(_ environment: ProcessEnvironment) throws(ConfigurationError) {
    var reader = SettingReader(environment)
    scheduler = .read(&reader)
    log = .read(&reader)
    reader.refuseWhatIsNotThere(in: [.scheduler, .network])
    reader.warnOfMisspellings()
    warnings = reader.warnings
    try reader.finish()
  }
}

/// What is kept of each run, and where.
package struct ArtifactConfiguration: Sendable, Hashable {
  /// Whether artifacts are stored.
  package var isOn: Bool
  /// The folder of all runs' artifacts.
  package var directory: String
  /// Whether the run's log is stored with them.
  package var writesLog: Bool

  /// Reads the variables of artifacts.
  static func read(_ reader: inout SettingReader) -> ArtifactConfiguration {
    let directory = reader.text(.artifactStore) ?? ""
    if let scheme = ["s3://", "gs://"].first(where: { directory.hasPrefix($0) }) {
      reader.fault(.artifactStore, "names an object store (\(scheme)…), which this version cannot write: use a folder")
    } else if !directory.hasPrefix("/") {
      reader.fault(.artifactStore, value: directory, "is not an absolute path")
    }
    return ArtifactConfiguration(
      isOn: reader.flag(.writeArtifacts), directory: directory, writesLog: reader.flag(.writeRunLog))
  }
}

/// How much the worker takes on.
package struct TuningConfiguration: Sendable, Hashable {
  /// Workflow tasks in hand at a time.
  package var workflowTaskSlots: Int
  /// Activities in hand at a time.
  package var activitySlots: Int
  /// Runs kept in the sticky cache.
  package var cachedWorkflows: Int
  /// How long a workflow task waits for the worker that has the run in its cache.
  package var stickyTimeout: Duration
  /// How long activities may go on after SIGTERM before they are cancelled.
  package var shutdownGrace: Duration

  /// Reads the variables of tuning.
  static func read(_ reader: inout SettingReader) -> TuningConfiguration {
    TuningConfiguration(
      workflowTaskSlots: reader.integer(.workerMaxWorkflowTasks) ?? 1,
      activitySlots: reader.integer(.workerMaxActivities) ?? 1,
      cachedWorkflows: reader.integer(.workerMaxCachedWorkflows) ?? 0,
      stickyTimeout: .seconds(reader.integer(.workerStickyTimeout) ?? 1),
      shutdownGrace: .seconds(reader.integer(.workerGracefulShutdown) ?? 0))
  }
}

/// Where the worker tells how it is.
package struct HealthConfiguration: Sendable, Hashable {
  /// Nil: no server.
  package var port: Int?
  /// An address literal.
  package var host: String
  /// Nil: no file.
  package var file: String?

  /// Where `sallyport healthcheck` looks when nothing is said.
  package static let standardFile = "/tmp/health"

  /// Reads the variables of health.
  static func read(_ reader: inout SettingReader) -> HealthConfiguration {
    let port = reader.integer(.healthPort)
    let host = reader.text(.healthHost) ?? ""
    if !SchedulerAddress.isLiteral(host) { reader.fault(.healthHost, value: host, "is no IPv4 or IPv6 address") }
    let file = reader.text(.healthFile) ?? (port == nil ? nil : standardFile)
    if let file, !file.hasPrefix("/") || file.hasSuffix("/") {
      reader.fault(.healthFile, value: file, "is not an absolute path of a file")
    }
    return HealthConfiguration(port: port, host: host, file: file)
  }
}

/// What is logged, and how.
package struct LogConfiguration: Sendable, Hashable {
  /// Text or JSON.
  package var format: LogFormat
  /// Levels, by logger.
  package var filter: LogFilter

  /// Reads the variables of the log.
  static func read(_ reader: inout SettingReader) -> LogConfiguration {
    let format = LogFormat(rawValue: reader.choice(.logFormat)) ?? .text
    let isNamed = reader.isSet(.logLevel)
    let other = reader.logFilter(.rustLog)
    let own = reader.logFilter(.logLevel)
    return LogConfiguration(format: format, filter: (isNamed ? own : other ?? own) ?? LogFilter())
  }
}
