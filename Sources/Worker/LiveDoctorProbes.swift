import CLinux
import EventLoop
import GRPCClient
import Glibc
import HTTP2Client
package import Logging
import Observability
import OrderedCollections
import PlainData
package import Secrets
import Synchronization
import TLSClient
import TemporalClient
import TemporalMessages

/// The probes of `sallyport doctor` on the real world: this process's environment, its files, the scheduler, the databases.
///
/// Everything is done as the worker would do it, by the same code, and nothing is changed anywhere.
package final class LiveDoctorProbes: DoctorProbes {
  /// What earlier steps learnt.
  struct Memory: Sendable {
    /// The whole configuration; nil when anything in it is wrong.
    var configuration: Configuration?
    /// How to reach the scheduler; there as soon as that part of the configuration is right.
    var scheduler: SchedulerConfiguration?
    /// The addresses of the scheduler's name.
    var addresses: [SocketAddress] = []
    /// What a connection showed.
    var connection: ConnectionProbe.Outcome?
    /// The channel and the calls on it.
    var line: (channel: GRPCChannel, service: WorkflowService)?
    /// How the scheduler refused to say who it is.
    var refusal: ServiceError?
    /// What the scheduler says of the namespace.
    var namespace: Result<DescribeNamespaceResponse, ServiceError>?
    /// The databases of the projects that could be read.
    var warehouses: [DoctorWarehouse] = []
  }

  /// What the process was started with.
  let environment: ProcessEnvironment
  /// Where the layers below log.
  let logger: Logger
  /// The loop that connections live on.
  let loop: EventLoop
  /// Threads for what blocks.
  let threads = BlockingThreads(limit: 8)
  /// What earlier steps learnt.
  let memory = Mutex(Memory())

  /// - Throws: `WorkerProcessError` when the system refuses a thread or descriptor.
  package init(_ environment: ProcessEnvironment, logger: Logger) throws(WorkerProcessError) {
    self.environment = environment
    self.logger = logger
    do {
      loop = try EventLoop(name: "doctor")
    } catch {
      throw WorkerProcessError("the event loop cannot start: \(error)")
    }
    WorkerProcess.registerSecrets(environment)
  }

  /// Closes what is still open.
  package func close() async {
    if let line = memory.withLock({ $0.line }) { await line.channel.shutdown(grace: .zero) }
    loop.stop()
  }

  package func look(at step: DoctorStep) async -> DoctorReport.Finding {
    await found(step).redacted
  }

  private func found(_ step: DoctorStep) async -> DoctorReport.Finding {
    switch step {
    case .configuration: lookAtConfiguration()
    case .files: await blocking { self.lookAtFiles() }
    case .process:
      await blocking { Confinement.read(self.memory.withLock { $0.configuration?.confinement.mode }).finding }
    case .certificates: await withScheduler { await self.lookAtCertificates($0) }
    case .dns: await withScheduler { await self.lookAtName($0) }
    case .proxy: await withScheduler { await self.lookAtProxy($0) }
    case .tcp: await withScheduler { await self.lookAtAddresses($0) }
    case .tls: await withScheduler { await self.lookAtTLS($0) }
    case .alpn: await withScheduler { self.lookAtALPN($0) }
    case .http2: await withScheduler { self.lookAtHTTP2($0) }
    case .grpc: await withScheduler { await self.lookAtServer($0) }
    case .authentication: await withScheduler { await self.lookAtAuthentication($0) }
    case .namespace: await withScheduler { self.lookAtNamespace($0) }
    case .taskQueue: await withScheduler { await self.lookAtTaskQueue($0) }
    case .projects: await lookAtProjects()
    case .warehouse: await lookAtWarehouses()
    case .egress: await withScheduler { self.lookAtEgress($0) }
    }
  }

  /// Runs what blocks on a thread of its own.
  func blocking(_ body: @escaping @Sendable () -> DoctorReport.Finding) async -> DoctorReport.Finding {
    do {
      return try await threads.run(body)
    } catch {
      return DoctorReport.Finding(
        .failed, reason: "the system gives no thread: \(error)", advice: "raise the limit of processes (pids)")
    }
  }

  private func withScheduler(
    _ body: (SchedulerConfiguration) async -> DoctorReport.Finding
  ) async -> DoctorReport.Finding {
    guard let scheduler = memory.withLock({ $0.scheduler }) else { return .withoutConfiguration }
    return await body(scheduler)
  }

  // MARK: Configuration and files

  private func lookAtConfiguration() -> DoctorReport.Finding {
    do throws(ConfigurationError) {
      let configuration = try Configuration(environment)
      memory.withLock { memory in
        memory.configuration = configuration
        memory.scheduler = configuration.scheduler
      }
      let warnings = configuration.warnings
      return DoctorReport.Finding(
        warnings.isEmpty ? .ok : .warning, seen: configuration.scheduler.summary + warnings,
        facts: configuration.scheduler.facts, reason: warnings.isEmpty ? nil : warnings.joined(separator: "; "),
        advice: warnings.isEmpty ? nil : "`sallyport config` tells what each variable means")
    } catch {
      // The scheduler's part may be right all the same: then what depends on it alone is looked at.
      memory.withLock { $0.scheduler = try? ClientConfiguration(environment).scheduler }
      let problems = error.problems.map(\.description)
      return DoctorReport.Finding(
        .failed, seen: problems.count == 1 ? [] : problems,
        facts: [
          "problems": .array(
            error.problems.map { ["variable": .string($0.variable), "fault": .string($0.fault)] })
        ],
        reason: problems.count == 1 ? problems[0] : "\(problems.count) settings need attention",
        advice: "set \(error.problems.map(\.variable).uniqued.joined(separator: ", ")) right; `sallyport config` tells "
          + "what each variable means")
    }
  }

  private func lookAtFiles() -> DoctorReport.Finding {
    let mounts = MountTable.read().targets
    let rules = FileRules(user: geteuid())
    var seen: [String] = []
    var facts: [PlainValue] = []
    var worst: (name: String, verdict: FileRules.Verdict)?
    for (name, path, isSecret) in namedFiles {
      let file = FileInspection.inspect(path, mounts: mounts)
      let verdict = rules.judge(file, isSecret: isSecret)
      let isWorse = verdict.status == .failed && worst?.verdict.status != .failed
      if verdict.status != .ok, worst == nil || isWorse { worst = (name, verdict) }
      seen.append(
        file.failure != nil
          ? "\(name): \(verdict.reason ?? "not readable")"
          : "\(name): \(path), \(file.size) bytes, mode \(file.modeText), owner \(file.owner):\(file.group), "
            + file.renewal.meaning)
      facts.append(file.facts(name, verdict))
    }
    if seen.isEmpty { seen = ["no variable names a file"] }
    return DoctorReport.Finding(
      worst?.verdict.status ?? .ok, seen: seen, facts: ["files": .array(facts)],
      reason: worst.flatMap { worst in worst.verdict.reason.map { "\(worst.name): \($0)" } },
      advice: worst?.verdict.advice)
  }

  /// Every file that a variable names, whether or not the configuration as a whole is right.
  private var namedFiles: [(name: String, path: String, isSecret: Bool)] {
    var files: [(String, String, Bool)] = []
    func add(_ name: String, isSecret: Bool) {
      if let path = environment.values[name], !path.isEmpty { files.append((name, path, isSecret)) }
    }
    for setting in Setting.all where setting.availability == .read {
      if setting.kind == .file { add(setting.name, isSecret: setting.holdsKeyMaterial) }
      if let fileName = setting.fileName { add(fileName, isSecret: true) }
    }
    return files
  }
}

extension Setting {
  /// Whether the file that the variable names opens something.
  fileprivate var holdsKeyMaterial: Bool {
    ["TLS_KEY", "PASSPHRASE", "PKCS12", "PASSWORD", "SECRET"].contains { name.contains($0) }
  }
}

extension FileInspection.Renewal {
  /// What it means for a renewed file.
  fileprivate var meaning: String {
    switch self {
    case .volume: "in a volume that is renewed as a whole"
    case .never: "mounted by itself: never renewed"
    case .ordinary: "an ordinary file"
    }
  }
}

extension FileInspection {
  /// What was seen, for machines.
  fileprivate func facts(_ name: String, _ verdict: FileRules.Verdict) -> PlainValue {
    [
      "variable": .string(name), "path": .string(path), "status": .string(verdict.status.rawValue),
      "exists": .bool(failure == nil), "mode": failure == nil ? .string(modeText) : .null,
      "owner": failure == nil ? .int(Int(owner)) : .null, "size": failure == nil ? .int(size) : .null,
      "renewal": failure == nil ? .string(renewal.rawValue) : .null,
    ]
  }
}

extension DoctorReport.Finding {
  /// What a step is that needs a setting which could not be read.
  static let withoutConfiguration = DoctorReport.Finding(
    .skipped, reason: "not tried because '\(DoctorStep.configuration.rawValue)' failed")

  /// The finding with known secrets replaced, wherever they may have come from, each text on one line.
  fileprivate var redacted: DoctorReport.Finding {
    func clean(_ text: String) -> String {
      LogRecord.escaped(Redactor.process.redact(text).split(separator: "\n").joined(separator: " "))
    }
    return DoctorReport.Finding(
      status, seen: seen.map(clean), facts: PlainValue.object(facts).mapped(clean).objectValue ?? [:],
      reason: reason.map(clean), advice: advice.map(clean))
  }
}

extension PlainValue {
  /// The same tree with every string value passed through `change`.
  fileprivate func mapped(_ change: (String) -> String) -> PlainValue {
    switch self {
    case .string(let text): .string(change(text))
    case .array(let items): .array(items.map { $0.mapped(change) })
    case .object(let members): .object(members.mapValues { $0.mapped(change) })
    default: self
    }
  }
}

extension [String] {
  /// Without those that came before.
  fileprivate var uniqued: [String] { OrderedSet(self).elements }
}

extension SchedulerConfiguration {
  /// Whom this client talks to, and how it is protected.
  fileprivate var summary: [String] {
    ["scheduler \(address), namespace \(namespace), task queue \(taskQueue), \(security)"]
  }

  fileprivate var facts: PlainObject {
    [
      "address": .string(address.description), "namespace": .string(namespace), "task_queue": .string(taskQueue),
      "security": .string(security),
    ]
  }

  /// In a few words, such as `TLS, client certificate`.
  var security: String {
    var words = [tls == nil ? "plaintext" : "TLS"]
    if tls?.clientIdentity != nil { words.append("client certificate") }
    if apiKey != nil { words.append("API key") }
    return words.joined(separator: ", ")
  }
}
