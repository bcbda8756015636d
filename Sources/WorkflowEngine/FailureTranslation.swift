package import TemporalMessages

extension OrchestrationFailure {
  /// Links of a chain that are read; more are left out.
  static let depthLimit = 20

  /// Reads a failure and its causes. Details that cannot be read are left out: the failure itself matters more.
  package init(_ failure: Failure) { self.init(failure, depth: 0) }

  private init(_ failure: Failure, depth: Int) {
    var kind = Kind.other
    var type = ""
    var isNonRetryable = false
    var details: Payloads?
    switch failure.failureInfo {
    case .applicationFailureInfo(let info):
      (kind, type, isNonRetryable, details) = (.application, info.type, info.nonRetryable, info.details)
    case .timeoutFailureInfo(let info): (kind, type) = (.timeout, Self.name(info.timeoutType))
    case .canceledFailureInfo(let info): (kind, details) = (.cancelled, info.details)
    case .terminatedFailureInfo: kind = .terminated
    case .serverFailureInfo(let info): (kind, isNonRetryable) = (.server, info.nonRetryable)
    case .activityFailureInfo(let info): (kind, type) = (.activity, info.activityType?.name ?? "")
    default: break
    }
    self.init(
      kind: kind, message: failure.message, type: type, isNonRetryable: isNonRetryable,
      details: (details?.payloads ?? []).compactMap { try? $0.plain() })
    if depth < Self.depthLimit, let cause = failure.cause {
      self.cause = OrchestrationFailure(cause, depth: depth + 1)
    }
  }

  private static func name(_ type: TimeoutType) -> String {
    switch type {
    case .startToClose: "START_TO_CLOSE"
    case .scheduleToStart: "SCHEDULE_TO_START"
    case .scheduleToClose: "SCHEDULE_TO_CLOSE"
    case .heartbeat: "HEARTBEAT"
    default: ""
    }
  }

  /// What `Failure.source` says about who wrote it.
  package static let source = "Sallyport"

  fileprivate func failureMessage() -> Failure {
    Failure.with { failure in
      failure.message = message
      failure.source = Self.source
      failure.cause = cause?.failureMessage()
      switch kind {
      case .cancelled:
        failure.failureInfo = .canceledFailureInfo(
          .with { if !details.isEmpty { $0.details = Payloads(plain: details) } })
      default:
        failure.failureInfo = .applicationFailureInfo(
          .with {
            $0.type = type
            $0.nonRetryable = isNonRetryable
            if !details.isEmpty { $0.details = Payloads(plain: details) }
          })
      }
    }
  }
}

extension Failure {
  /// The failure as it goes to the server. Kinds that only the server makes go as application failures.
  package init(_ failure: OrchestrationFailure) { self = failure.failureMessage() }
}
