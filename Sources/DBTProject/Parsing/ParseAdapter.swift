import DBTContext
import Jinja

/// `adapter` while parsing: nothing reaches a database, answers are empty.
final class ParseAdapter: Object {
  private let environment: ParseEnvironment
  private let package: String

  init(environment: ParseEnvironment, package: String) {
    self.environment = environment
    self.package = package
  }

  var typeName: String { "ParseDatabaseWrapper" }

  func attribute(_ name: String, _ evaluation: Evaluation) throws -> Value? {
    switch name {
    case "dispatch": return dispatch
    case "Relation", "Column":
      guard let api = try evaluation.dbtScope().member("api")?.objectValue else { return nil }
      return try api.attribute(name, evaluation)
    case "type": return constant(name, .string("postgres"))
    case "quote": return text(name) { Relation.quoted($0) }
    case "quote_as_configured", "quote_seed_column": return text(name) { Relation.quoted($0) }
    case "execute": return constant(name, .tuple([.string(""), .list(ListObject([]))]))
    case "add_query": return constant(name, .tuple([.none, .none]))
    case "config": return Value.none
    default: break
    }
    if ParseAdapter.listed.contains(name) {
      return .object(NativeFunction(name) { _, _ in .list(ListObject([])) })
    }
    if let value = ParseAdapter.answers[name] { return constant(name, value ? .bool(false) : .none) }
    return ParseAdapter.silent.contains(name) ? constant(name, .string("")) : nil
  }

  private static let listed: Set<String> = [
    "get_columns_in_relation", "get_column_schema_from_query", "get_missing_columns", "get_columns_in_table",
    "list_relations", "list_relations_without_caching", "list_schemas", "render_raw_columns_constraints",
    "render_raw_model_constraints", "get_partitions_metadata", "get_catalog",
  ]

  /// Functions that answer None, or False where the value is true.
  private static let answers: [String: Bool] = [
    "get_relation": false, "check_schema_exists": true, "create_schema": false, "drop_schema": false,
    "drop_relation": false, "truncate_relation": false, "rename_relation": false, "expand_target_column_types": false,
    "valid_snapshot_target": false, "assert_valid_snapshot_target_given_strategy": false, "already_exists": true,
    "standardize_grants_dict": false, "get_incremental_strategy_macro": false, "get_hard_deletes_behavior": false,
    "parse_index": false, "build_catalog_relation": false, "get_catalog_integration": false, "convert_type": false,
    "run_sql_for_tests": false, "behavior": false, "commit": false,
  ]

  private static let silent: Set<String> = ["cache_added", "cache_dropped", "cache_renamed", "verify_database"]

  private func constant(_ name: String, _ value: Value) -> Value { .object(NativeFunction(name) { _, _ in value }) }

  private func text(_ name: String, _ change: @escaping (String) -> String) -> Value {
    .object(NativeFunction(name) { arguments, _ in .string(change(arguments.positional.first?.text ?? "")) })
  }

  private var dispatch: Value {
    .function("dispatch", ["macro_name", "macro_namespace?", "packages?"]) { [self] values, evaluation in
      let name = values[0]?.text ?? ""
      let namespace = values[1].flatMap { $0.isNone ? nil : $0.text }
      let macro = try environment.registry.dispatch(name, namespace: namespace, searchPackage: package)
      return try evaluation.dbtScope().settings.callable(macro)
    }
  }
}
