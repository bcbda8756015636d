/// Why a workflow task cannot be processed. None of these fails the workflow: the task is reported as failed and the server
/// hands it out again, so that a repaired worker can go on.
package enum WorkflowEngineError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The commands of this code are not those that the history records.
  case nondeterminism(eventID: Int64, message: String)
  /// This worker does not know the workflow type.
  case unregisteredWorkflowType(String, known: [String])
  /// The history breaks the protocol: a gap, a reference to nothing, a missing field.
  case malformedHistory(String)
  /// The history goes on from an event that this machine has not reached: it must be fetched from its beginning.
  case historyGap(expected: Int64, found: Int64)
  /// An event that this worker does not understand and must not ignore.
  case unsupportedEvent(eventID: Int64, type: Int32)
  /// A payload has an encoding that this worker cannot read.
  case unsupportedEncoding(String, where: String)
  /// The workflow code asked for something impossible.
  case invalidCommand(String)

  package var description: String {
    switch self {
    case .nondeterminism(let eventID, let message): "nondeterminism at event \(eventID): \(message)"
    case .unregisteredWorkflowType(let name, let known):
      "workflow type '\(name)' is not known to this worker; known: \(known.joined(separator: ", "))"
    case .malformedHistory(let message): "malformed history: \(message)"
    case .historyGap(let expected, let found): "history begins at event \(found), expected \(expected)"
    case .unsupportedEvent(let eventID, let type):
      "event \(eventID) has type \(type), which this worker does not support"
    case .unsupportedEncoding(let encoding, let place): "payload encoding '\(encoding)' in \(place) is not supported"
    case .invalidCommand(let message): "invalid command: \(message)"
    }
  }

  /// Whether the cause to be reported is `NON_DETERMINISTIC_ERROR`.
  package var isNondeterminism: Bool { if case .nondeterminism = self { true } else { false } }
}
