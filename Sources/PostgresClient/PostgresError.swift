/// Why a connection could not be opened, or what the server answered to a statement.
///
/// Texts come from libpq or the server and may quote the statement: scrub them before they are logged.
package struct PostgresError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The family of the failure, for callers that decide by it.
  package enum Kind: Sendable, Hashable {
    /// The server could not be reached, refused the login, or went away.
    case connection
    /// The server answered a statement with an error; `sqlState` is set.
    case statement
    /// The caller asked to stop before a connection stood, or the server did not answer to a cancel in time.
    case cancelled
    /// A wait was longer than allowed.
    case timeout
    /// A result was larger than the `PostgresLimits` allow; the text names the limit.
    case limit
    /// The parameters cannot be used: a missing password file, an inner zero byte.
    case configuration
  }

  package let kind: Kind
  /// The text as psycopg2 prints it: primary message, then `LINE n:` with a caret, `DETAIL:`, `HINT:`, `CONTEXT:` lines.
  package let message: String
  /// The five-character SQLSTATE; nil when the failure was not the server's answer to a statement.
  package let sqlState: String?
  /// The first line of the server's answer.
  package let primary: String?
  package let detail: String?
  package let hint: String?
  /// Where in the statement the error stands, in characters from 1.
  package let position: Int?

  package init(
    _ kind: Kind, _ message: String, sqlState: String? = nil, primary: String? = nil, detail: String? = nil,
    hint: String? = nil, position: Int? = nil
  ) {
    self.kind = kind
    self.message = message
    self.sqlState = sqlState
    self.primary = primary
    self.detail = detail
    self.hint = hint
    self.position = position
  }

  package var description: String { message }

  /// Whether the same attempt may succeed later without any change: the server was away, starting, stopping or full, or the
  /// transaction lost a race. A statement that was cancelled is not retryable.
  package var isTransient: Bool {
    switch kind {
    case .timeout: return true
    case .cancelled, .limit, .configuration: return false
    case .connection:
      guard let sqlState else {
        return !message.contains("authentication failed") && !message.contains("does not exist")
      }
      return Self.isTransient(sqlState: sqlState)
    case .statement: return sqlState.map(Self.isTransient(sqlState:)) ?? false
    }
  }

  /// Classes 08 (connection), 53 (resources), the serialization failures of 40 and the shutdowns of 57.
  private static func isTransient(sqlState: String) -> Bool {
    if sqlState.hasPrefix("08") || sqlState.hasPrefix("53") { return true }
    return ["40001", "40P01", "57P01", "57P02", "57P03"].contains(sqlState)
  }
}
