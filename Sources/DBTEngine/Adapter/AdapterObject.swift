import DBTContext
import Jinja

/// What the adapter needs of the render it belongs to.
protocol AdapterHost: AnyObject {
  var connection: DatabaseConnection { get }
  var cache: RelationCache { get }
  /// The project's quoting.
  var quoting: [RelationComponent: Bool] { get }
  var target: TargetProfile { get }
  var projectName: String { get }
  /// Runs a macro by its name in the context of macros, as dbt's adapter does for its own statements.
  func callMacro(_ name: String, _ keywords: [(name: String, value: Value)]) throws -> Value
  /// Finds the implementation of a macro for this adapter: `adapter.dispatch`.
  func dispatch(_ name: String, namespace: String?) throws -> Value
  /// The value of a name in the node's context.
  func contextValue(_ name: String, _ evaluation: Evaluation) throws -> Value?
}

/// `adapter` in templates at run time: dbt's Postgres adapter, whose statements come from macros.
final class AdapterObject: Object {
  /// nil when the object has outlived its render in what templates share.
  private weak var host: (any AdapterHost)?

  init(host: any AdapterHost) { self.host = host }

  var typeName: String { "RuntimeDatabaseWrapper" }

  func attribute(_ name: String, _ evaluation: Evaluation) throws -> Value? {
    guard let host else { throw DBTError(.runtime, "the adapter was used after the work on its node had ended") }
    return switch name {
    case "Relation": .object(RelationClassObject(quoting: host.quoting))
    case "Column": .object(ColumnClassObject())
    case "config": nil
    case "behavior": .object(BehaviorObject())
    default: statement(name, host) ?? relation(name, host) ?? column(name, host) ?? text(name, host)
    }
  }

  // MARK: Statements

  private func statement(_ name: String, _ host: any AdapterHost) -> Value? {
    switch name {
    case "dispatch":
      .function(name, ["macro_name", "macro_namespace?", "packages?"]) { [host] values, _ in
        if let packages = values[2], !packages.isNone {
          throw DBTError(
            .compilation,
            "The `packages` argument of adapter.dispatch() has been deprecated. Use `macro_namespace` instead.")
        }
        guard let macro = values[0]?.stringValue else {
          throw DBTError(.compilation, "The macro name passed to adapter.dispatch was not a string")
        }
        return try host.dispatch(macro, namespace: values[1]?.stringValue)
      }
    case "type": .function(name) { _, _ in .string("postgres") }
    case "commit":
      .function(name) { [host] _, _ in
        try host.connection.commit()
        return .none
      }
    case "execute":
      .function(name, ["sql", "auto_begin?", "fetch?", "limit?"]) { [host] values, _ in
        let limit = values[3]?.intValue
        let fetch: RowFetch =
          values[2]?.isTruthy ?? false ? limit.flatMap { $0 > 0 ? .first($0) : nil } ?? .all : .none
        let result = try host.connection.execute(
          values[0]?.text ?? "", autoBegin: values[1]?.isTruthy ?? false, fetch: fetch)
        return .tuple([
          .object(AdapterResponse(result)), fetch == .none ? Tables.empty() : try Tables.make(result),
        ])
      }
    case "add_query":
      .function(name, ["sql", "auto_begin?", "bindings?", "abridge_sql_log?"]) { [host] values, evaluation in
        let bindings = try values[2].flatMap { value -> [Value]? in
          value.isNone ? nil : try Tables.elements(value, evaluation)
        }
        let result = try host.connection.addQuery(
          values[0]?.text ?? "", autoBegin: values[1]?.isTruthy ?? true, bindings: bindings)
        return .tuple([.none, .object(CursorObject(result))])
      }
    case "get_column_schema_from_query":
      .function(name, ["sql"]) { [host] values, _ in
        let result = try host.connection.execute(values[0]?.text ?? "", autoBegin: false, fetch: .none)
        for column in result.columns { host.connection.noteUnknown(typeName: column.typeName) }
        return .list(result.columns.map { Column(name: $0.name, label: $0.typeName).value })
      }
    case "get_incremental_strategy_macro":
      .function(name, ["model_context", "strategy"]) { [self] values, evaluation in
        try incrementalStrategy(host, values[1] ?? .none, evaluation)
      }
    case "run_sql_for_tests": nil
    default: nil
    }
  }

  private func incrementalStrategy(
    _ host: any AdapterHost, _ strategy: Value, _ evaluation: Evaluation
  ) throws -> Value {
    let name = strategy.isNone || strategy.isUndefined ? "default" : strategy.text
    guard name != "insert_overwrite" else {
      throw DBTError(.runtime, "The incremental strategy '\(name)' is not valid for this adapter")
    }
    let macro =
      "get_incremental_\(name.split(separator: "+", omittingEmptySubsequences: false).joined(separator: "_"))_sql"
    guard let found = try host.contextValue(macro, evaluation) else {
      throw DBTError(
        .runtime,
        "dbt could not find an incremental strategy macro with the name \"\(macro)\" in \(host.projectName)")
    }
    return found
  }

  // MARK: Relations

  private func relation(_ name: String, _ host: any AdapterHost) -> Value? {
    let relations = AdapterRelations(host: host)
    return switch name {
    case "get_relation":
      .function(name, ["database", "schema", "identifier"]) { values, evaluation in
        try relations.find(
          database: values[0]?.name, schema: values[1]?.name, identifier: values[2]?.name, evaluation)?.value ?? .none
      }
    case "list_relations":
      .function(name, ["database", "schema"]) { values, evaluation in
        .list(try relations.list(database: values[0]?.name, schema: values[1]?.name, evaluation).map(\.value))
      }
    case "list_relations_without_caching":
      .function(name, ["schema_relation"]) { values, evaluation in
        .list(try relations.listUncached(try relations.required(values[0], name), evaluation).map(\.value))
      }
    case "already_exists":
      .function(name, ["schema", "name"]) { [host] values, evaluation in
        .bool(
          try relations.find(
            database: host.target.database, schema: values[0]?.name, identifier: values[1]?.name, evaluation) != nil)
      }
    case "check_schema_exists":
      .function(name, ["database", "schema"]) { values, evaluation in
        .bool(try relations.schemaExists(values[0] ?? .none, values[1] ?? .none, evaluation))
      }
    case "create_schema", "drop_schema", "drop_relation", "truncate_relation":
      .function(name, ["relation"]) { values, _ in
        try relations.change(name, try relations.required(values[0], name))
        return .none
      }
    case "rename_relation", "cache_renamed":
      .function(name, ["from_relation", "to_relation"]) { values, _ in
        let pair = (try relations.required(values[0], name), try relations.required(values[1], name))
        try relations.rename(pair.0, to: pair.1, inDatabase: name == "rename_relation")
        return name == "cache_renamed" ? .string("") : .none
      }
    case "cache_added":
      .function(name, ["relation"]) { [host] values, _ in
        host.cache.add(try relations.required(values[0], name))
        return .string("")
      }
    case "cache_dropped":
      .function(name, ["relation"]) { [host] values, _ in
        host.cache.drop(RelationKey(try relations.required(values[0], name)))
        return .string("")
      }
    default: nil
    }
  }

  // MARK: Columns

  private func column(_ name: String, _ host: any AdapterHost) -> Value? {
    let columns = AdapterColumns(host: host)
    return switch name {
    case "get_columns_in_relation":
      .function(name, ["relation"]) { values, _ in try columns.answer(values[0] ?? .none) }
    case "get_columns_in_table":
      .function(name, ["schema", "identifier"]) { [host] values, _ in
        let path = RelationPath(database: host.target.database, schema: values[0]?.name, identifier: values[1]?.name)
        return .list(try columns.of(Relation(path).quoting(host.quoting).value).map(\.value))
      }
    case "get_missing_columns":
      .function(name, ["from_relation", "to_relation"]) { values, _ in
        .list(try columns.missing(from: values[0] ?? .none, to: values[1] ?? .none).map(\.value))
      }
    case "expand_target_column_types":
      .function(name, ["from_relation", "to_relation"]) { values, _ in
        try columns.expand(from: values[0] ?? .none, to: values[1] ?? .none)
        return .none
      }
    case "valid_snapshot_target":
      .function(name, ["relation", "column_names?"]) { values, _ in
        try columns.checkSnapshot(values[0] ?? .none, values[1], nil)
        return .none
      }
    case "assert_valid_snapshot_target_given_strategy":
      .function(name, ["relation", "column_names", "strategy"]) { values, _ in
        try columns.checkSnapshot(values[0] ?? .none, values[1], values[2])
        return .none
      }
    case "convert_type":
      .function(name, ["agate_table", "col_idx"]) { values, _ in
        try Tables.sqlType(values[0] ?? .none, column: values[1]?.intValue ?? 0)
      }
    case "render_raw_columns_constraints":
      .function(name, ["raw_columns"]) { values, _ in .list(try ConstraintText.columns(values[0]).map { .string($0) }) }
    case "render_raw_model_constraints":
      .function(name, ["raw_constraints"]) { values, _ in
        .list(try ConstraintText.models(values[0]).map { .string($0) })
      }
    default: nil
    }
  }

  // MARK: Texts and settings

  private func text(_ name: String, _ host: any AdapterHost) -> Value? {
    switch name {
    case "quote": .function(name, ["identifier"]) { values, _ in .string(Relation.quoted(values[0]?.text ?? "")) }
    case "quote_as_configured":
      .function(name, ["identifier", "quote_key"]) { [host] values, _ in
        let identifier = values[0]?.text ?? ""
        guard let key = RelationComponent(rawValue: values[1]?.text ?? "") else { return .string(identifier) }
        return .string(host.quoting[key] ?? true ? Relation.quoted(identifier) : identifier)
      }
    case "quote_seed_column":
      .function(name, ["column", "quote_config"]) { values, _ in
        let column = values[0]?.text ?? ""
        switch values[1] {
        case .bool(let flag): return .string(flag ? Relation.quoted(column) : column)
        case nil, .some(.none), .undefined: return .string(Relation.quoted(column))
        case .some(let other):
          throw DBTError(
            .compilation, "The seed configuration value of \"quote_columns\" has an invalid type \(other.typeName)")
        }
      }
    case "standardize_grants_dict":
      .function(name, ["grants_table"]) { values, evaluation in
        try Grants.byPrivilege(values[0] ?? .none, evaluation)
      }
    case "get_hard_deletes_behavior":
      .function(name, ["config"]) { values, evaluation in
        .string(try HardDeletes.behavior(values[0] ?? .none, evaluation))
      }
    case "verify_database":
      .function(name, ["database"]) { [host] values, _ in
        let wanted = values[0]?.text.filter { $0 != "\"" } ?? ""
        guard wanted.lowercased() == host.target.database.lowercased() else {
          throw DBTError(
            .runtime,
            "Cross-db references not allowed in postgres (\(wanted) vs \(host.target.database))")
        }
        return .string("")
      }
    case "parse_index": .function(name, ["raw_index"]) { values, _ in try IndexObject.parse(values[0]) }
    case "build_catalog_relation", "get_catalog_integration": .function(name, ["model"]) { _, _ in .none }
    case "get_partitions_metadata": .function(name, ["table"]) { _, _ in .none }
    case "is_cancelable": .function(name) { _, _ in .bool(true) }
    case "date_function": .function(name) { _, _ in .string("now()") }
    case "valid_incremental_strategies":
      .function(name) { _, _ in .list(["append", "delete+insert", "merge", "microbatch"].map { .string($0) }) }
    default: nil
    }
  }
}

extension Value {
  /// The text of a name that may be None.
  fileprivate var name: String? { isNone || isUndefined ? nil : text }
}

/// `adapter.behavior`: flags of adapters; all those of Postgres are on.
private final class BehaviorObject: Object {
  var typeName: String { "Behavior" }
  func attribute(_ name: String, _ evaluation: Evaluation) throws -> Value? { .object(FlagObject()) }

  private final class FlagObject: Object {
    var typeName: String { "BehaviorFlagRendered" }
    var isTruthy: Bool { false }
    func attribute(_ name: String, _ evaluation: Evaluation) throws -> Value? {
      name == "no_warn" || name == "setting" ? .bool(false) : nil
    }
  }
}
