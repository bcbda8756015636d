import Jinja

/// What of a materialized view's configuration differs from the view in the database: its indexes.
final class MaterializedViewChanges: Object {
  private let changes: [Value]

  private init(_ changes: [Value]) { self.changes = changes }

  var typeName: String { "PostgresMaterializedViewConfigChangeCollection" }

  func attribute(_ name: String, _ evaluation: Evaluation) throws -> Value? {
    switch name {
    case "indexes": .list(changes)
    case "has_changes": .bool(!changes.isEmpty)
    // An index can be dropped and made anew at any time.
    case "requires_full_refresh": .bool(false)
    default: nil
    }
  }

  /// Compares the indexes that a query found with those that a node asks for.
  ///
  /// - Parameters:
  ///   - found: a dict whose `indexes` is a table of `name`, `method`, `unique` and `column_names`.
  ///   - node: the node as a dict, with its `config`.
  /// - Returns: drops before creations; None when nothing differs.
  static func compare(_ found: Value, _ node: Value, _ evaluation: Evaluation) throws -> Value {
    let present = try rows(found, evaluation).map { row in
      IndexDefinition(
        name: row["name"]?.text, columns: row["column_names"]?.text.split(separator: ",").map { $0.lowercased() } ?? [],
        isUnique: row["unique"]?.isTruthy ?? false, method: row["method"]?.text)
    }
    let configured = node.dictValue?["config"]?.dictValue?["indexes"]?.listValue?.items ?? []
    let wanted = configured.compactMap(\.dictValue).map { entry in
      IndexDefinition(
        name: nil, columns: entry["columns"]?.listValue?.items.map { $0.text.lowercased() } ?? [],
        isUnique: entry["unique"]?.isTruthy ?? false,
        method: entry["type"].flatMap { $0.isNone || $0.isUndefined ? nil : $0.text })
    }
    let drops = present.filter { index in !wanted.contains { $0.isSame(as: index) } }
    let creations = wanted.filter { index in !present.contains { $0.isSame(as: index) } }
    let changes = drops.map { change("drop", $0) } + creations.map { change("create", $0) }
    return changes.isEmpty ? .none : .object(MaterializedViewChanges(changes))
  }

  private static func rows(_ found: Value, _ evaluation: Evaluation) throws -> [[String: Value]] {
    guard let table = found.dictValue?["indexes"]?.objectValue as? AgateTable else { return [] }
    return table.rows.map { row in
      Dictionary(zip(table.columnNames, row), uniquingKeysWith: { first, _ in first })
    }
  }

  private static func change(_ action: String, _ index: IndexDefinition) -> Value {
    let node = DictObject(named: [
      "columns": .list(index.columns.map { .string($0) }), "unique": .bool(index.isUnique),
      "type": .string(index.method),
    ])
    let context = DictObject(named: [
      "name": .string(index.name ?? ""), "column_names": .list(index.columns.map { .string($0) }),
      "unique": .bool(index.isUnique), "method": .string(index.method), "as_node_config": .dict(node),
    ])
    return .dict(
      DictObject(named: [
        "action": .string(action), "context": .dict(context), "requires_full_refresh": .bool(false),
      ]))
  }
}

/// An index as far as two of them are compared.
private struct IndexDefinition {
  let name: String?
  let columns: [String]
  let isUnique: Bool
  let method: String

  init(name: String?, columns: [String], isUnique: Bool, method: String?) {
    self.name = name
    self.columns = columns
    self.isUnique = isUnique
    self.method = method ?? "btree"
  }

  /// The order of columns does not count, as in dbt.
  func isSame(as other: IndexDefinition) -> Bool {
    Set(columns) == Set(other.columns) && isUnique == other.isUnique && method == other.method
  }
}
