import GRPCClient
import OrderedCollections
import PlainData
import Synchronization
import TemporalClient
import TemporalMessages

/// The scheduler itself: who it is, whether it knows us, the namespace, the task queue.
extension LiveDoctorProbes {
  /// One attempt, and a deadline well within the step's own limit.
  private static let once = CallOptions(timeout: .seconds(5), retry: .never)

  /// Asks for what needs no right with the scheduler itself; a gateway before it may refuse even that.
  func lookAtServer(_ scheduler: SchedulerConfiguration) async -> DoctorReport.Finding {
    let line = scheduler.connect(on: loop, identity: ProcessIdentity.text(role: "sallyport-doctor"), logger: logger)
    memory.withLock { $0.line = line }
    do throws(ServiceError) {
      let info = try await line.service.getSystemInfo(GetSystemInfoRequest(), options: Self.once)
      let abilities = info.capabilities.map(Self.abilities) ?? []
      return DoctorReport.Finding(
        .ok,
        seen: ["Temporal \(info.serverVersion)" + (abilities.isEmpty ? "" : ": " + abilities.joined(separator: ", "))],
        facts: [
          "server_version": .string(info.serverVersion), "capabilities": .array(abilities.map { .string($0) }),
        ])
    } catch {
      guard error.isRefusedCredential else {
        return DoctorReport.Finding(
          .failed, facts: ["code": .string(error.code.name)], reason: error.description,
          advice: DoctorAdvice.text(for: error))
      }
      memory.withLock { $0.refusal = error }
      return DoctorReport.Finding(
        .ok, seen: ["it answers, and does not say who it is to this client: see the next step"],
        facts: ["server_version": .null, "code": .string(error.code.name)])
    }
  }

  private static func abilities(_ capabilities: GetSystemInfoResponseCapabilities) -> [String] {
    let all = [
      ("schedules", capabilities.supportsSchedules), ("eager start", capabilities.eagerWorkflowStart),
      ("build id versioning", capabilities.buildIDBasedVersioning), ("nexus", capabilities.nexus),
      ("encoded failure attributes", capabilities.encodedFailureAttributes),
    ]
    return all.filter(\.1).map(\.0)
  }

  /// Makes a call that needs the right to be in the namespace; the next step reads its answer.
  func lookAtAuthentication(_ scheduler: SchedulerConfiguration) async -> DoctorReport.Finding {
    guard let service = memory.withLock({ $0.line?.service }) else { return .withoutConfiguration }
    let answer: Result<DescribeNamespaceResponse, ServiceError>
    do throws(ServiceError) {
      answer = .success(
        try await service.describeNamespace(.with { $0.namespace = scheduler.namespace }, options: Self.once))
    } catch {
      answer = .failure(error)
    }
    memory.withLock { $0.namespace = answer }
    let means = scheduler.security
    guard case .failure(let error) = answer else {
      return DoctorReport.Finding(.ok, seen: ["accepted (\(means))"], facts: ["security": .string(means)])
    }
    if error.isRefusedCredential {
      return DoctorReport.Finding(
        .failed, seen: ["sent: \(means)"], facts: ["security": .string(means), "code": .string(error.code.name)],
        reason: error.description, advice: DoctorAdvice.text(for: error))
    }
    guard error.code == .notFound || error.code == .invalidArgument else {
      return DoctorReport.Finding(
        .failed, facts: ["code": .string(error.code.name)], reason: error.description,
        advice: DoctorAdvice.text(for: error))
    }
    return DoctorReport.Finding(.ok, seen: ["accepted (\(means))"], facts: ["security": .string(means)])
  }

  func lookAtNamespace(_ scheduler: SchedulerConfiguration) -> DoctorReport.Finding {
    switch memory.withLock({ $0.namespace }) {
    case nil: return .withoutConfiguration
    case .failure(let error):
      return DoctorReport.Finding(
        .failed, facts: ["namespace": .string(scheduler.namespace), "code": .string(error.code.name)],
        reason: error.description,
        advice: "correct TEMPORAL_NAMESPACE (it is now '\(scheduler.namespace)'), or have the namespace made")
    case .success(let answer):
      let state = answer.namespaceInfo?.state ?? .unspecified
      let retention = answer.config?.workflowExecutionRetentionTtl?.seconds ?? 0
      let facts: PlainObject = [
        "namespace": .string(scheduler.namespace), "state": .string("\(state)"),
        "retention_seconds": .int(Int(retention)),
      ]
      let seen = ["\(scheduler.namespace) is \(state), histories are kept for \(retention / 3_600) h"]
      guard state == .registered else {
        return DoctorReport.Finding(
          .failed, seen: seen, facts: facts, reason: "the namespace takes no new runs",
          advice: "choose another in TEMPORAL_NAMESPACE")
      }
      return DoctorReport.Finding(.ok, seen: seen, facts: facts)
    }
  }

  func lookAtTaskQueue(_ scheduler: SchedulerConfiguration) async -> DoctorReport.Finding {
    guard let service = memory.withLock({ $0.line?.service }) else { return .withoutConfiguration }
    var pollers: [(kind: String, identities: [String])] = []
    for (kind, type) in [("workflow", TaskQueueType.workflow), ("activity", .activity)] {
      do throws(ServiceError) {
        let answer = try await service.describeTaskQueue(
          .with {
            $0.taskQueue = .with { $0.name = scheduler.taskQueue }
            $0.taskQueueType = type
          }, options: Self.once)
        pollers.append((kind, answer.pollers.map(\.identity)))
      } catch {
        return DoctorReport.Finding(
          .failed, facts: ["task_queue": .string(scheduler.taskQueue)], reason: error.description,
          advice: "look at TEMPORAL_TASK_QUEUE (it is now '\(scheduler.taskQueue)') and at the rights of this client")
      }
    }
    let seen = pollers.map { kind, identities in
      "\(scheduler.taskQueue), \(kind) tasks: "
        + (identities.isEmpty
          ? "nobody polls" : "\(identities.count) pollers, such as \(identities.prefix(3).joined(separator: ", "))")
    }
    var facts: PlainObject = ["task_queue": .string(scheduler.taskQueue)]
    for (kind, identities) in pollers { facts["\(kind)_pollers"] = .int(identities.count) }
    guard pollers.contains(where: \.identities.isEmpty) else {
      return DoctorReport.Finding(.ok, seen: seen, facts: facts)
    }
    return DoctorReport.Finding(
      .warning, seen: seen, facts: facts, reason: "no worker has polled this queue in the last minutes",
      advice: "start a worker, or compare TEMPORAL_TASK_QUEUE and TEMPORAL_NAMESPACE with those of the workers")
  }
}

extension ServiceError {
  /// Whether the other side does not accept who we are.
  fileprivate var isRefusedCredential: Bool { code == .unauthenticated || code == .permissionDenied }
}
