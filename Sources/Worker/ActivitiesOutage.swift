/// Recognizes in an error's text that the warehouse could not be reached, for errors that reached us without their SQLSTATE.
enum WarehouseOutage {
  /// What PostgreSQL and its client library say when the server is away, starting, stopping or full.
  private static let outages = [
    "connection refused", "could not connect", "connection reset", "connection timed out", "timeout expired",
    "server closed the connection", "terminating connection", "connection already closed", "connection lost",
    "ssl connection has been closed", "broken pipe", "no route to host", "network is unreachable",
    "could not translate host name", "the database system is starting up", "the database system is shutting down",
    "the database system is in recovery mode", "too many clients", "too many connections", "remaining connection slots",
  ]
  /// What it says when waiting does not help.
  private static let refusals = [
    "authentication failed", "no pg_hba.conf entry", "does not exist", "permission denied",
  ]

  /// Whether the text is dbt's account of a database error that may pass by itself.
  static func isTold(by message: String) -> Bool {
    guard message.hasPrefix("Database Error") else { return false }
    let text = message.lowercased()
    return outages.contains(where: text.contains) && !refusals.contains(where: text.contains)
  }
}
