package import Jinja

/// A database that models are built in: makes connections. Shared by all threads.
package protocol Warehouse: Sendable {
  /// Opens a session; blocks. The failure's text is what the driver says, scrubbed of nothing.
  func connect(_ cancellation: Cancellation) throws(WarehouseError) -> any WarehouseSession
  /// Whether statements outside of any transaction are sent without `BEGIN` (profile key `autocommit`).
  var isAutocommit: Bool { get }
  /// How often connecting is tried again after a transient failure.
  var connectRetries: Int { get }
}

/// One session, used by one thread at a time. All calls block.
package protocol WarehouseSession: AnyObject {
  /// Runs one string of one or more statements and returns the answer of the last.
  func execute(_ sql: String, fetch: RowFetch) throws(WarehouseError) -> StatementResult
  /// A value as a literal of the database's SQL, for statements with bindings.
  func literal(_ value: Value) throws(WarehouseError) -> String
  /// Messages of the server since the last call.
  func takeNotices() -> [String]
  /// Ends the session; the server rolls back what is open.
  func close()
}

/// Which rows of an answer are wanted.
package enum RowFetch: Sendable, Hashable {
  case none
  case all
  case first(Int)
}

/// The answer to a statement.
package struct StatementResult {
  package struct Column: Sendable, Hashable {
    package let name: String
    /// The driver's name of the type, as contracts and `data_type_code_to_name` show it: `INTEGER`, `STRING`.
    package let typeName: String

    package init(name: String, typeName: String) {
      self.name = name
      self.typeName = typeName
    }
  }

  package var columns: [Column]
  package var rows: [[Value]]
  /// Such as `INSERT 0 5`.
  package var commandTag: String
  /// −1 when the statement has no count.
  package var rowsAffected: Int

  package init(columns: [Column], rows: [[Value]], commandTag: String, rowsAffected: Int) {
    self.columns = columns
    self.rows = rows
    self.commandTag = commandTag
    self.rowsAffected = rowsAffected
  }
}

/// A failure of the database.
package struct WarehouseError: Error, Sendable, Hashable {
  /// The driver's text, with its line ends.
  package let message: String
  /// Whether no session could be opened (or it broke) rather than a statement being refused.
  package let isConnection: Bool
  package let isTransient: Bool
  package let isCancelled: Bool
  /// The five-character code of the server, when it sent one.
  package let sqlState: String?

  package init(
    _ message: String, isConnection: Bool = false, isTransient: Bool = false, isCancelled: Bool = false,
    sqlState: String? = nil
  ) {
    self.message = message
    self.isConnection = isConnection
    self.isTransient = isTransient
    self.isCancelled = isCancelled
    self.sqlState = sqlState
  }
}
