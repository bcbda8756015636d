import PlainData
package import TemporalMessages

/// Failures between their proto form and Swift errors.
package struct FailureConverter: Sendable {
  private static let hiddenMessage = "Encoded failure"
  private static let deepest = 100

  /// For details and hidden attributes.
  package var payloads: PayloadConverter
  /// Moves message and stack trace into a payload, where the codec hides them.
  package var hidesAttributes: Bool

  package init(payloads: PayloadConverter = PayloadConverter(), hidesAttributes: Bool = false) {
    self.payloads = payloads
    self.hidesAttributes = hidesAttributes
  }

  /// Any error in its proto form. A cancellation becomes a cancelled failure, and an error that is no `TemporalFailure` an
  /// application failure with the name of its type. Causes beyond a hundred are dropped.
  package func proto(_ error: any Error) throws(PayloadError) -> Failure {
    switch error {
    case let failure as TemporalFailure: try proto(failure, depth: 1)
    case is CancellationError: try proto(TemporalFailure("cancelled", kind: .canceled(details: [])), depth: 1)
    default:
      try proto(.application(String(describing: error), type: String(describing: type(of: error))), depth: 1)
    }
  }

  private func proto(_ failure: TemporalFailure, depth: Int) throws(PayloadError) -> Failure {
    var message = Failure()
    message.message = failure.message
    message.stackTrace = failure.stackTrace
    message.source = failure.source
    message.failureInfo = try info(failure.kind)
    if let cause = failure.cause, depth < Self.deepest { message.cause = try proto(cause, depth: depth + 1) }
    if hidesAttributes {
      message.encodedAttributes = try payloads.payload([
        "message": .string(failure.message), "stack_trace": .string(failure.stackTrace),
      ])
      message.message = Self.hiddenMessage
      message.stackTrace = ""
    }
    return message
  }

  private func info(_ kind: TemporalFailure.Kind) throws(PayloadError) -> Failure.FailureInfo? {
    switch kind {
    case .application(let application):
      var info = ApplicationFailureInfo()
      info.type = application.type
      info.nonRetryable = application.nonRetryable
      info.details = try details(application.details)
      info.nextRetryDelay = application.nextRetryDelay.map(ProtoDuration.init(whole:))
      info.category = application.isBenign ? .benign : .unspecified
      return .applicationFailureInfo(info)
    case .canceled(let values):
      var info = CanceledFailureInfo()
      info.details = try details(values)
      return .canceledFailureInfo(info)
    case .timeout(let type, let values):
      var info = TimeoutFailureInfo()
      info.timeoutType = type
      info.lastHeartbeatDetails = try details(values)
      return .timeoutFailureInfo(info)
    case .terminated: return .terminatedFailureInfo(TerminatedFailureInfo())
    case .server(let nonRetryable): return .serverFailureInfo(.with { $0.nonRetryable = nonRetryable })
    case .activity(let info): return .activityFailureInfo(info)
    case .childWorkflow(let info): return .childWorkflowExecutionFailureInfo(info)
    case .other(let info): return info
    }
  }

  private func details(_ values: [PlainValue]) throws(PayloadError) -> Payloads? {
    values.isEmpty ? nil : try payloads.payloads(values)
  }

  /// A proto failure as a Swift error. It never throws: details that cannot be read are replaced by a text that says why,
  /// so that the failure itself is not lost.
  package func failure(_ message: Failure) -> TemporalFailure {
    // From the innermost cause outwards. Decoding has bounded the length of the chain.
    var chain = [message]
    while let cause = chain.last?.cause { chain.append(cause) }
    return chain.reversed().reduce(nil as TemporalFailure?) { cause, link in single(link, cause: cause) }
      ?? single(message, cause: nil)
  }

  private func single(_ message: Failure, cause: TemporalFailure?) -> TemporalFailure {
    var failure = TemporalFailure(
      message.message, kind: kind(message.failureInfo), stackTrace: message.stackTrace, source: message.source,
      cause: cause)
    if let hidden = message.encodedAttributes, let attributes = try? payloads.value(hidden) {
      failure.message = attributes["message"]?.stringValue ?? failure.message
      failure.stackTrace = attributes["stack_trace"]?.stringValue ?? failure.stackTrace
    }
    return failure
  }

  private func kind(_ info: Failure.FailureInfo?) -> TemporalFailure.Kind {
    switch info {
    case .applicationFailureInfo(let info)?:
      .application(
        TemporalFailure.Application(
          type: info.type, nonRetryable: info.nonRetryable, details: readable(info.details),
          nextRetryDelay: info.nextRetryDelay?.span, isBenign: info.category == .benign))
    case .canceledFailureInfo(let info)?: .canceled(details: readable(info.details))
    case .timeoutFailureInfo(let info)?:
      .timeout(info.timeoutType, lastHeartbeatDetails: readable(info.lastHeartbeatDetails))
    case .terminatedFailureInfo?: .terminated
    case .serverFailureInfo(let info)?: .server(nonRetryable: info.nonRetryable)
    case .activityFailureInfo(let info)?: .activity(info)
    case .childWorkflowExecutionFailureInfo(let info)?: .childWorkflow(info)
    default: .other(info)
    }
  }

  private func readable(_ details: Payloads?) -> [PlainValue] {
    do {
      return try payloads.values(details)
    } catch {
      return [.string("<\(error.message)>")]
    }
  }
}

extension ProtoDuration {
  /// Cut to whole nanoseconds.
  init(whole duration: Duration) {
    self.init()
    seconds = duration.components.seconds
    nanos = Int32(duration.components.attoseconds / 1_000_000_000)
  }

  /// The span of time, zero included.
  var span: Duration { .seconds(seconds) + .nanoseconds(Int64(nanos)) }
}
