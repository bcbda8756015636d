package import PlainData

/// What happens to a workflow, in history order.
package enum OrchestrationEvent: Sendable, Equatable {
  /// The first event of every run; the input came with `init(start:)`.
  case started
  /// An activity ended well. `result` is null when it returned nothing.
  case activityCompleted(id: String, result: PlainValue)
  /// An activity failed for good, or its timeout ran out: the server has no attempt left.
  case activityFailed(id: String, failure: OrchestrationFailure)
  /// An activity was cancelled at the workflow's own wish.
  case activityCancelled(id: String)
  case timerFired(id: String)
  case signaled(name: String, arguments: [PlainValue])
  /// Somebody asked to cancel the workflow. Comes once; the workflow may clean up before it answers `cancel`.
  case cancelRequested(cause: String)
}

/// A failure as Temporal records it: a chain of links, the outermost first.
package struct OrchestrationFailure: Error, Codable, Sendable, Equatable {
  /// What kind of link this is.
  package enum Kind: String, Codable, Sendable {
    case application, timeout, cancelled, terminated, server, activity, other
  }

  package var kind: Kind
  package var message: String
  /// The application's own class name; for a timeout `START_TO_CLOSE`, `SCHEDULE_TO_START`, `SCHEDULE_TO_CLOSE` or
  /// `HEARTBEAT`; otherwise empty.
  package var type: String
  package var isNonRetryable: Bool
  package var details: [PlainValue]
  /// Zero or one element: the link below this one.
  private var below: [OrchestrationFailure]

  package init(
    kind: Kind = .application, message: String, type: String = "", isNonRetryable: Bool = false,
    details: [PlainValue] = [], cause: OrchestrationFailure? = nil
  ) {
    self.kind = kind
    self.message = message
    self.type = type
    self.isNonRetryable = isNonRetryable
    self.details = details
    self.below = cause.map { [$0] } ?? []
  }

  package var cause: OrchestrationFailure? {
    get { below.first }
    set { below = newValue.map { [$0] } ?? [] }
  }

  /// The link that says most: the first that the application threw, or the outermost.
  package var root: OrchestrationFailure {
    var link = self
    while link.kind == .activity || link.kind == .other, let next = link.cause { link = next }
    return link
  }

  /// All messages from the outermost to the innermost, joined by `: `; repeated ones once.
  package var chain: String {
    var messages: [String] = []
    var link: OrchestrationFailure? = self
    while let current = link {
      if !current.message.isEmpty, messages.last != current.message { messages.append(current.message) }
      link = current.cause
    }
    return messages.joined(separator: ": ")
  }

  /// The answer to an update that nobody handles.
  package static func unknownUpdate(_ name: String, known: [String]) -> OrchestrationFailure {
    let list = known.isEmpty ? "none" : known.joined(separator: ", ")
    return OrchestrationFailure(
      message: "unknown update '\(name)'; known: \(list)", type: "UnknownUpdate", isNonRetryable: true)
  }
}
