package import PlainData
package import TemporalMessages

/// A failure of a workflow or an activity with its causes, as a Swift error.
package struct TemporalFailure: Error, Sendable, Equatable, CustomStringConvertible {
  /// What kind of failure it is, with what belongs to that kind.
  package enum Kind: Sendable, Equatable {
    /// Raised by workflow or activity code.
    case application(Application)
    /// Cancelled on request.
    case canceled(details: [PlainValue])
    /// A clock ran out.
    case timeout(TimeoutType, lastHeartbeatDetails: [PlainValue])
    /// Ended by force.
    case terminated
    /// Failed inside the server.
    case server(nonRetryable: Bool)
    /// Wraps why an activity failed.
    case activity(ActivityFailureInfo)
    /// Wraps why a child workflow failed.
    case childWorkflow(ChildWorkflowExecutionFailureInfo)
    /// Any other kind, kept as it came.
    case other(Failure.FailureInfo?)
  }

  /// What workflow or activity code raises.
  package struct Application: Sendable, Equatable {
    /// Name of the error, which retry policies may list.
    package var type: String
    /// True when no retry policy may try again.
    package var nonRetryable: Bool
    /// Further data.
    package var details: [PlainValue]
    /// Replaces the next wait of the retry policy.
    package var nextRetryDelay: Duration?
    /// Expected by its author: neither logged as an error nor counted.
    package var isBenign: Bool

    package init(
      type: String, nonRetryable: Bool = false, details: [PlainValue] = [], nextRetryDelay: Duration? = nil,
      isBenign: Bool = false
    ) {
      self.type = type
      self.nonRetryable = nonRetryable
      self.details = details
      self.nextRetryDelay = nextRetryDelay
      self.isBenign = isBenign
    }
  }

  /// What happened, for people.
  package var message: String
  /// What kind of failure it is.
  package var kind: Kind
  /// Where it happened.
  package var stackTrace: String
  /// Name of the library that made it.
  package var source: String
  private var causes: [TemporalFailure]

  /// Why it happened.
  package var cause: TemporalFailure? {
    get { causes.first }
    set { causes = newValue.map { [$0] } ?? [] }
  }

  package init(
    _ message: String, kind: Kind, stackTrace: String = "", source: String = "Sallyport", cause: TemporalFailure? = nil
  ) {
    self.message = message
    self.kind = kind
    self.stackTrace = stackTrace
    self.source = source
    causes = cause.map { [$0] } ?? []
  }

  /// A failure raised by workflow or activity code.
  package static func application(
    _ message: String, type: String, nonRetryable: Bool = false, details: [PlainValue] = [],
    cause: TemporalFailure? = nil
  ) -> TemporalFailure {
    TemporalFailure(
      message, kind: .application(Application(type: type, nonRetryable: nonRetryable, details: details)), cause: cause)
  }

  /// The innermost cause, or this failure itself.
  package var root: TemporalFailure {
    var link = self
    while let cause = link.cause { link = cause }
    return link
  }

  /// The first failure of the chain that code raised.
  package var application: Application? {
    var link: TemporalFailure? = self
    while let failure = link {
      if case .application(let application) = failure.kind { return application }
      link = failure.cause
    }
    return nil
  }

  package var description: String {
    var text = message
    var link = cause
    while let failure = link {
      text += ": \(failure.message)"
      link = failure.cause
    }
    return text
  }
}
