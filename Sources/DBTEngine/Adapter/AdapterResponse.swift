import DBTContext
import Jinja
import OrderedCollections
import PlainData

/// What a statement answered, as results keep it: `INSERT 0 5`.
final class AdapterResponse: Object {
  let message: String
  /// The message without its numbers.
  let code: Value
  let rowsAffected: Value

  /// The response of dbt's Postgres adapter.
  init(_ result: StatementResult) {
    message = result.commandTag
    let words = result.commandTag.split(separator: " ").filter { !$0.allSatisfy { $0.isASCII && $0.isNumber } }
    code = .string(words.joined(separator: " "))
    rowsAffected = .int(result.rowsAffected)
  }

  /// A response made by a macro (`store_raw_result`).
  init(message: String, code: Value, rowsAffected: Value) {
    self.message = message
    self.code = code
    self.rowsAffected = rowsAffected
  }

  var typeName: String { "AdapterResponse" }
  var text: String { message }
  var repr: String {
    "AdapterResponse(_message=\(Value.string(message).repr), code=\(code.repr), rows_affected=\(rowsAffected.repr), query_id=None)"
  }

  func attribute(_ name: String, _ evaluation: Evaluation) throws -> Value? {
    switch name {
    case "_message", "message": .string(message)
    case "code": code
    case "rows_affected": rowsAffected
    case "query_id": Value.none
    default: nil
    }
  }

  /// What run_results.json keeps: members without a value are left out.
  var fields: PlainObject {
    var members: PlainObject = ["_message": .string(message)]
    for (name, value) in [("code", code), ("rows_affected", rowsAffected)] {
      if let plain = try? value.plain(), !plain.isNull { members[name] = plain }
    }
    return members
  }

  func plain() throws -> PlainValue? { .object(fields) }
}

/// The cursor that `adapter.add_query` returns.
final class CursorObject: Object {
  private var rows: ArraySlice<[Value]>
  private let result: StatementResult

  init(_ result: StatementResult) {
    self.result = result
    rows = result.rows[...]
  }

  var typeName: String { "cursor" }

  func attribute(_ name: String, _ evaluation: Evaluation) throws -> Value? {
    switch name {
    case "rowcount": .int(result.rowsAffected)
    case "statusmessage": .string(result.commandTag)
    case "description": .list(result.columns.map { .tuple([.string($0.name), .string($0.typeName)]) })
    case "fetchone":
      .function(name) { [self] _, _ in rows.popFirst().map { .tuple($0) } ?? .none }
    case "fetchall":
      .function(name) { [self] _, _ in
        defer { rows = [] }
        return .list(rows.map { .tuple($0) })
      }
    default: nil
    }
  }
}
