/// What the checks of a semantic manifest have to say about it.
package struct SemanticIssue: Sendable, Hashable {
  package enum Level: String, Sendable {
    case warning
    /// What a later version will refuse.
    case futureError = "future_error"
    case error
  }

  package let level: Level
  /// The message as dbt prints it.
  package let message: String
}
