import DBTContext
import Jinja

/// Tables of query results, as the engine makes and reads them.
enum Tables {
  /// A table without columns, as dbt has for results that were not fetched.
  static func empty() -> Value { .object(AgateTable.empty) }

  static func make(_ result: StatementResult) throws -> Value {
    .object(try AgateTable.queryResult(columnNames: result.columns.map(\.name), rows: result.rows))
  }

  /// The rows of a table; a macro may hand over any iterable of rows.
  static func rows(_ value: Value, _ evaluation: Evaluation) throws -> [[Value]] {
    if let table = value.objectValue as? AgateTable { return table.rows }
    return try elements(value, evaluation).map { try elements($0, evaluation) }
  }

  /// The rows of a table as objects that know their columns' names.
  static func rowObjects(_ value: Value, _ evaluation: Evaluation) throws -> [any Object] {
    try elements(value, evaluation).compactMap(\.objectValue)
  }

  /// The SQL type that seeds give a column: what dbt's adapter makes of agate's type.
  ///
  /// - Returns: None for a type that has no counterpart.
  static func sqlType(_ value: Value, column: Int) throws -> Value {
    guard let table = value.objectValue as? AgateTable, table.columnTypes.indices.contains(column) else {
      throw DBTError(.runtime, "adapter.convert_type() needs a table and the number of one of its columns")
    }
    switch table.columnTypes[column] {
    case .integer: return .string("integer")
    case .number: return .string(table.maxPrecision(of: column) > 0 ? "float8" : "integer")
    case .date: return .string("date")
    case .dateTime, .isoDateTime: return .string("timestamp without time zone")
    case .boolean: return .string("boolean")
    case .text: return .string("text")
    }
  }

  /// The elements of anything that can be iterated.
  static func elements(_ value: Value, _ evaluation: Evaluation) throws -> [Value] {
    switch value {
    case .list(let list): return list.items
    case .tuple(let items): return items
    case .object(let object):
      if let items = try object.iterate(evaluation) { return items }
    default: break
    }
    throw DBTError(.runtime, "'\(value.typeName)' object is not iterable")
  }
}
