/// A column of a result.
package struct PostgresColumn: Sendable, Hashable {
  package let name: String
  /// The number of the type in `pg_type`.
  package let typeOID: UInt32
  /// The type's modifier, such as the length of a varchar plus four; −1 when there is none.
  package let typeModifier: Int32

  package var type: PostgresType { PostgresType(oid: typeOID) }
}

/// What the last statement of a query answered.
package struct PostgresResult: Sendable, Hashable {
  /// Empty for statements that return no rows.
  package var columns: [PostgresColumn] = []
  /// Whether the statement returns rows at all, even with no column or no row.
  package var hasRows = false
  /// The rows that were asked for.
  package var rows: [[PostgresValue]] = []
  /// The server's command tag, such as `INSERT 0 5`; empty for an empty query.
  package var commandTag = ""
  /// Rows returned or changed; −1 when the tag has no count (CREATE VIEW).
  package var rowCount = -1
}

/// Which rows of a result are kept.
package enum PostgresFetch: Sendable, Hashable {
  case none
  case all
  /// The first ones, as many as given.
  case first(Int)

  func keeps(_ index: Int) -> Bool {
    switch self {
    case .none: false
    case .all: true
    case .first(let limit): index < limit
    }
  }
}

/// A message of the server beside a result: NOTICE, WARNING, INFO.
package struct PostgresNotice: Sendable, Hashable {
  package let severity: String
  package let message: String
  package let sqlState: String?
}
