import DBTContext
import Jinja

/// What `statement` blocks stored under their names, for one render.
final class StatementResults {
  private enum Entry {
    case stored(Value)
    /// Given out once already; every name but `main` can be loaded only once.
    case taken
  }

  private var entries: [String: Entry] = [:]

  /// `load_result`: None for a name that was never stored.
  func load(_ name: String) throws -> Value {
    switch entries[name] {
    case nil: return .none
    case .taken:
      throw DBTError(.compilation, "The 'statement' result named '\(name)' has already been loaded into a variable")
    case .stored(let value):
      if name != "main" { entries[name] = .taken }
      return value
    }
  }

  /// `store_result`.
  func store(_ name: String, response: Value, table: Value?) {
    let table = table.flatMap { $0.isNone ? nil : $0 } ?? Tables.empty()
    entries[name] = .stored(.object(StatementResultObject(response: response, table: table)))
  }

  /// Forgets everything.
  func clear() { entries = [:] }

  /// The result that the node itself comes to.
  var main: StatementResultObject? {
    guard case .stored(let value) = entries["main"] else { return nil }
    return value.objectValue as? StatementResultObject
  }
}

/// A stored result: `response`, `data` and `table`, as attributes and items.
final class StatementResultObject: Object {
  let response: Value
  let table: Value

  init(response: Value, table: Value) {
    self.response = response
    self.table = table
  }

  var typeName: String { "AttrDict" }
  var kinds: ValueKinds { .mapping }

  func attribute(_ name: String, _ evaluation: Evaluation) throws -> Value? {
    if let value = try item(.string(name), evaluation) { return value }
    guard name == "get" else { return nil }
    return .function(name, ["key", "default?"]) { [self] values, evaluation in
      try item(values[0] ?? .none, evaluation) ?? values[1] ?? .none
    }
  }

  func item(_ key: Value, _ evaluation: Evaluation) throws -> Value? {
    switch key.stringValue {
    case "response": response
    case "table": table
    case "data": .list(try Tables.rows(table, evaluation).map { .tuple($0) })
    default: nil
    }
  }
}
