import DBTContext
import Jinja

/// The adapter's methods on columns.
struct AdapterColumns {
  let host: any AdapterHost

  /// What the macro answers, which a project may have replaced by one that answers no list of columns.
  func answer(_ relation: Value) throws -> Value {
    try host.callMacro("get_columns_in_relation", [("relation", relation)])
  }

  func of(_ relation: Value) throws -> [Column] {
    let found = try answer(relation)
    return found.listValue?.items.compactMap(\.columnValue) ?? []
  }

  /// The columns of the first relation that the second lacks.
  func missing(from: Value, to: Value) throws -> [Column] {
    try check(from, "get_missing_columns", "from_relation")
    try check(to, "get_missing_columns", "to_relation")
    let columns = try of(from)
    let known = Set(try of(to).map(\.name))
    return columns.filter { !known.contains($0.name) }
  }

  /// Widens text columns of the second relation to hold what the first holds.
  func expand(from: Value, to: Value) throws {
    try check(from, "expand_target_column_types", "from_relation")
    try check(to, "expand_target_column_types", "to_relation")
    let wanted = try of(from)
    let present = Dictionary(try of(to).map { ($0.name, $0) }, uniquingKeysWith: { _, last in last })
    for column in wanted {
      guard let current = present[column.name], current.canExpand(to: column) else { continue }
      let type = Column.stringType(try column.stringSize())
      _ = try host.callMacro(
        "alter_column_type",
        [("relation", to), ("column_name", .string(column.name)), ("new_column_type", .string(type))])
    }
  }

  /// Checks that a snapshot's table has the columns dbt keeps there.
  ///
  /// - Parameter strategy: a dict with `hard_deletes`; nil checks only what every snapshot has.
  func checkSnapshot(_ relation: Value, _ names: Value?, _ strategy: Value?) throws {
    try check(relation, "valid_snapshot_target", "relation")
    var known = Set(try of(relation).map { $0.name.lowercased() })
    func name(_ column: String) -> String {
      guard let dict = names?.dictValue, !dict.isEmpty else { return column }
      return dict[column]?.text ?? column
    }
    func require(_ wanted: [String]) throws(DBTError) {
      let missing = wanted.map(name).filter { !$0.isEmpty && !known.contains($0.lowercased()) }
      guard missing.isEmpty else {
        throw DBTError(
          .compilation,
          "Snapshot target is missing configured columns (missing \"\(missing.joined(separator: "\", \""))\"). See "
            + "https://docs.getdbt.com/docs/build/snapshots#snapshot-meta-fields for more information.")
      }
    }
    try require(["dbt_scd_id", "dbt_valid_from", "dbt_valid_to"])
    guard strategy?.dictValue?["hard_deletes"]?.stringValue == "new_record" else { return }
    // dbt asks again, and so do we: what is compared are the statements.
    known = Set(try of(relation).map(\.name))
    try require(["dbt_is_deleted"])
  }

  private func check(_ value: Value, _ method: String, _ argument: String) throws {
    guard value.relationValue == nil else { return }
    throw DBTError(
      .compilation,
      "'adapter.\(method)' expects argument '\(argument)' to be of type 'PostgresRelation', instead got \(value.text) "
        + "(\(value.typeName))")
  }
}

/// Grants as the database lists them.
enum Grants {
  /// Grantees by privilege.
  static func byPrivilege(_ table: Value, _ evaluation: Evaluation) throws -> Value {
    let grants = DictObject()
    for row in try Tables.rowObjects(table, evaluation) {
      guard let grantee = try row.item(.string("grantee"), evaluation),
        let privilege = try row.item(.string("privilege_type"), evaluation)
      else { throw DBTError(.runtime, "a table of grants needs the columns grantee and privilege_type") }
      if let known = grants[privilege]?.listValue {
        known.items.append(grantee)
      } else {
        grants[privilege] = .list([grantee])
      }
    }
    return .dict(grants)
  }
}

/// What a snapshot does with rows that disappeared.
enum HardDeletes {
  static func behavior(_ config: Value, _ evaluation: Evaluation) throws -> String {
    func option(_ name: String) throws -> Value? {
      let value: Value?
      if let dict = config.dictValue {
        value = dict[name]
      } else if let get = try config.objectValue?.attribute("get", evaluation) {
        value = try evaluation.call(get, Arguments([.string(name)]))
      } else {
        value = nil
      }
      guard let value, !value.isNone, !value.isUndefined else { return nil }
      return value
    }
    let legacy = try option("invalidate_hard_deletes")
    guard let behavior = try option("hard_deletes") else { return legacy?.isTruthy ?? false ? "invalidate" : "ignore" }
    if legacy != nil {
      throw DBTError(
        .validation,
        "You cannot set both the invalidate_hard_deletes and hard_deletes config properties on the same snapshot.")
    }
    guard ["ignore", "invalidate", "new_record"].contains(behavior.text) else {
      throw DBTError(.validation, "Invalid setting for property hard_deletes.")
    }
    return behavior.text
  }
}
