import EventLoop
import GRPCClient
import Glibc
package import Logging
import OAuthClient
import Observability
package import Secrets
import Synchronization
import TLSClient
import TemporalClient
import TemporalWorker
import WorkflowEngine

/// `sallyport worker` from start to end: makes the parts, joins them, and takes them down in order.
package final class WorkerProcess: Sendable {
  /// Makes what runs the projects, once configuration and log are there. Runs on a thread of its own and may block.
  package typealias RunnerMaker = @Sendable (Configuration, ProcessEnvironment, Logger) throws -> any ProjectRunner

  /// What a signal has to reach.
  private struct Running {
    var worker: TemporalWorker?
    var isStopping = false
  }

  private let configuration: Configuration
  private let logger: Logger
  private let health = HealthState()
  private let running = Mutex(Running())

  private init(_ configuration: Configuration, _ logger: Logger) {
    self.configuration = configuration
    self.logger = logger
  }

  /// Works until a signal comes or the scheduler refuses for good; answers the exit code.
  ///
  /// - Parameter restriction: what the process has given up; nil when the configuration could not be read for that.
  package static func run(
    _ environment: ProcessEnvironment, restriction: SelfRestriction?, makeRunner: @escaping RunnerMaker
  ) async -> Int32 {
    let configuration: Configuration
    do {
      configuration = try Configuration(environment)
    } catch {
      report("\(error)", environment)
      return 1
    }
    registerSecrets(environment)
    let output = LogOutput(format: configuration.log.format)
    StructuredLogHandler.bootstrap(output: output, filter: configuration.log.filter)
    PrometheusRegistry.bootstrap()
    let logger = Logger(label: "worker")
    for warning in configuration.warnings { logger.warning("\(warning)") }
    let process = WorkerProcess(configuration, logger)
    do {
      if let restriction { try process.tell(of: restriction) }
      for warning in try configuration.scheduler.inspectTLSFiles() { logger.warning("\(warning)") }
      return try await process.work(environment, makeRunner)
    } catch {
      logger.critical("cannot start", metadata: ["error": "\(error)"])
      return 1
    }
  }

  /// Tells of a wrong configuration: in the form asked for, as far as that can be read.
  private static func report(_ text: String, _ environment: ProcessEnvironment) {
    let isJSON = environment.values["LOG_FORMAT"]?.lowercased() == "json"
    let output = LogOutput(format: isJSON ? .json : .text)
    guard !isJSON else {
      output.write(LogRecord(time: .now(), level: .critical, logger: "worker", message: text))
      return
    }
    for line in text.split(separator: "\n") {
      output.write(LogRecord(time: .now(), level: .critical, logger: "worker", message: String(line)))
    }
  }

  /// What dbt calls a secret is kept out of the log too.
  static func registerSecrets(_ environment: ProcessEnvironment) {
    for (name, value) in environment.values where name.hasPrefix("DBT_ENV_SECRET") {
      Redactor.process.register(SharedSecret(copying: value.utf8))
    }
    for secret in environment.secrets.values { Redactor.process.register(secret) }
  }

  /// Makes known what the process has given up.
  private func tell(of restriction: SelfRestriction) throws(WorkerProcessError) {
    if let refusal = restriction.refusal { throw refusal }
    restriction.count()
    health.confinementIs(restriction.summary)
    let fields: Logger.Metadata = ["mode": "\(restriction.mode.rawValue)", "restricted": "\(restriction.summary)"]
    guard restriction.mode != .off else {
      logger.warning("confinement is off: this process keeps every right that its pod leaves it", metadata: fields)
      return
    }
    logger.notice("confined", metadata: fields)
    for shortfall in restriction.shortfalls { logger.info("not restricted", metadata: ["what": "\(shortfall)"]) }
  }

  // MARK: The parts

  private func work(_ environment: ProcessEnvironment, _ makeRunner: @escaping RunnerMaker) async throws -> Int32 {
    try listenForSignals()
    let loop = try EventLoop(name: "scheduler")
    defer { loop.stop() }
    let identity = ProcessIdentity.text(role: "sallyport-worker")
    let tokens = configuration.scheduler.tokenSource(on: loop, logger: Logger(label: "scheduler"))
    let (channel, service) = configuration.scheduler.connect(
      on: loop, identity: identity, logger: Logger(label: "scheduler"), tokens: tokens)
    let monitor = HealthMonitor(
      state: health, loop: loop, file: configuration.health.file.map { HealthFile(path: $0) },
      logger: Logger(label: "health")
    ) {
      HealthState.Connection(channel.state)
    } credential: {
      HealthState.Credential(channel.state)
    } token: {
      tokens.map { HealthState.Token($0.state) }
    }
    let server = try startHealthServer(channel, tokens)
    try monitor.start()
    defer {
      monitor.stop()
      server?.stop()
    }
    logStart(identity)
    let threads = BlockingThreads(limit: configuration.tuning.activitySlots)
    let runner = try await threads.run { [configuration] in
      try makeRunner(configuration, environment, Logger(label: "dbt"))
    }
    let worker = makeWorker(ServiceTasks(service), identity, DBTActivities.handlers(runner, threads: threads))
    let code = await serve(worker)
    await channel.shutdown(grace: .seconds(2))
    logger.notice("stopped", metadata: ["exit_code": "\(code)"])
    return code
  }

  private func startHealthServer(_ channel: GRPCChannel, _ tokens: OAuthTokenSource?) throws -> HealthServer? {
    guard let port = configuration.health.port else { return nil }
    let responder = HealthResponder(
      report: { [health] in
        health.connectionIs(HealthState.Connection(channel.state))
        health.credentialIs(HealthState.Credential(channel.state))
        health.tokenIs(tokens.map { HealthState.Token($0.state) })
        return health.report()
      }, metrics: { WorkerMetrics.page(channel.state) })
    let server = try HealthServer(host: configuration.health.host, port: port, responder: responder)
    try server.start()
    return server
  }

  private func makeWorker(
    _ service: any TaskService, _ identity: String, _ handlers: [any ActivityHandler]
  ) -> TemporalWorker {
    var options = WorkerOptions(
      namespace: configuration.scheduler.namespace, taskQueue: configuration.scheduler.taskQueue, identity: identity,
      instanceKey: UniqueID.random())
    options.workflowSlots = configuration.tuning.workflowTaskSlots
    options.activitySlots = configuration.tuning.activitySlots
    options.cachedRuns = configuration.tuning.cachedWorkflows
    options.stickyTimeout = configuration.tuning.stickyTimeout
    var registry = OrchestrationRegistry()
    registry.register(DBTRun.self)
    return TemporalWorker(
      service: service, options: options, registry: registry, handlers: handlers, health: health,
      logger: Logger(label: "worker"))
  }

  /// Runs the worker; answers the exit code.
  private func serve(_ worker: TemporalWorker) async -> Int32 {
    let isStopping = running.withLock { running in
      running.worker = worker
      if !running.isStopping { health.enter(.running) }
      return running.isStopping
    }
    if isStopping { return 0 }
    do throws(WorkerError) {
      try await worker.run()
      return 0
    } catch {
      let text = ConnectionAdvice.explain(error, address: configuration.scheduler.address)
      logger.critical("the scheduler refuses this worker", metadata: ["error": "\(text)"])
      return 1
    }
  }

  // MARK: Signals

  /// The first signal drains the worker, the second ends the process at once.
  private func listenForSignals() throws(EventLoopError) {
    try SignalWatcher.start([SIGTERM, SIGINT]) { [self] signal, count in
      guard count == 1 else {
        logger.warning("second signal: ending at once", metadata: ["signal": "\(SignalWatcher.name(signal))"])
        _exit(128 + signal)
      }
      let grace = configuration.tuning.shutdownGrace
      logger.notice(
        "stopping",
        metadata: ["signal": "\(SignalWatcher.name(signal))", "grace_seconds": "\(grace.components.seconds)"])
      let worker = running.withLock { running in
        running.isStopping = true
        health.enter(.draining)
        return running.worker
      }
      worker?.shutDown(grace: grace)
    }
  }

  /// What this worker is and how it is connected, so that a log tells without the environment.
  private func logStart(_ identity: String) {
    let scheduler = configuration.scheduler
    var security = "plaintext"
    if let tls = scheduler.tls {
      security = "TLS"
      if tls.clientIdentity != nil { security += ", client certificate" }
    }
    if scheduler.apiKey != nil { security += ", API key" }
    if scheduler.oauth != nil { security += ", OAuth token" }
    logger.notice(
      "starting",
      metadata: [
        "version": "\(Version.text)", "identity": "\(identity)", "scheduler": "\(scheduler.address)",
        "security": "\(security)", "namespace": "\(scheduler.namespace)", "task_queue": "\(scheduler.taskQueue)",
        "projects": "\(configuration.projects.directories.joined(separator: ", "))",
        "health_port": "\(configuration.health.port.map(String.init) ?? "none")",
        "confinement": "\(health.current.confinement ?? "unknown")",
      ])
  }
}

extension HealthState.Credential {
  /// What health checks need of a channel's identity; nil without one.
  init?(_ state: ChannelState) {
    guard state.credentialGeneration > 0 else { return nil }
    self.init(fault: state.credentialFault, warning: state.rotationFault)
    if let expiry = state.expiry {
      subject = "the \(expiry.kind.rawValue) certificate '\(expiry.subject)'"
      expiresAt = expiry.notAfter
    }
  }
}

extension HealthState.Token {
  /// What health checks need of a token source's state.
  init(_ state: OAuthState) {
    self.init(expiresAt: state.expiry, lastError: state.lastError?.message, isRefused: state.isRefused)
  }
}

extension HealthState.Connection {
  /// What health checks need of a channel's state.
  init(_ state: ChannelState) {
    self.init(
      isReady: state.isConnected, since: state.connectedSince, lastError: state.lastError,
      established: state.connections, warning: state.streamShortage)
  }
}
