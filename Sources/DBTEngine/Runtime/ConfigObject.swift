import DBTContext
import Jinja
import OrderedCollections
import PlainData

/// `config` at run time: reads a node's configuration; calling it does nothing.
final class ConfigObject: Object {
  /// nil for macros, which have no configuration.
  private let values: PlainObject?
  private let uniqueID: String
  /// Members that only exist while a batch is built.
  private let extras: [String: Value]

  init(_ values: PlainObject?, uniqueID: String, batch: Batch? = nil) {
    self.values = values
    self.uniqueID = uniqueID
    extras = batch.map(ConfigObject.spanMembers) ?? [:]
  }

  /// The span of a batch under the names that strategies of projects read.
  static func spanMembers(_ batch: Batch) -> [String: Value] {
    [
      "__dbt_internal_microbatch_event_time_start": batch.span.start.value,
      "__dbt_internal_microbatch_event_time_end": batch.span.end.value,
    ]
  }

  var typeName: String { "RuntimeConfigObject" }
  var kinds: ValueKinds { .callable }
  func call(_ arguments: Arguments, _ evaluation: Evaluation) throws -> Value { .string("") }

  func attribute(_ name: String, _ evaluation: Evaluation) throws -> Value? {
    switch name {
    case "get", "meta_get":
      .function(name, ["name", "default?", "validator?"]) { [self] values, evaluation in
        let value = option(values[0], isMeta: name == "meta_get") ?? values[1] ?? .none
        if let validator = values[2], !validator.isNone, let fallback = values[1], !fallback.isNone {
          _ = try evaluation.call(validator, Arguments([value]))
        }
        return value
      }
    case "require", "meta_require":
      .function(name, ["name", "validator?"]) { [self] values, evaluation in
        guard let value = option(values[0], isMeta: name == "meta_require") else {
          throw DBTError(
            .compilation,
            "Model '\(uniqueID)' does not define a required config parameter '\(values[0]?.text ?? "")'.")
        }
        if let validator = values[1], !validator.isNone { _ = try evaluation.call(validator, Arguments([value])) }
        return value
      }
    case "set": .function(name, ["name", "value"]) { _, _ in .string("") }
    case "persist_relation_docs": .function(name) { [self] _, _ in try persists("relation") }
    case "persist_column_docs": .function(name) { [self] _, _ in try persists("columns") }
    case "model":
      values.map { .dict(DictObject(named: ["config": Value(.object($0)), "unique_id": .string(uniqueID)])) }
    default: nil
    }
  }

  private func option(_ name: Value?, isMeta: Bool) -> Value? {
    guard let values, let name = name?.text else { return nil }
    if isMeta { return values["meta"]?[name].map(Value.init) }
    if name == "begin", let begin = Self.begin(values) { return begin }
    if let value = values[name] { return Value(value) }
    if let value = extras[name] { return value }
    switch name {
    case "pre_hook": return values["pre-hook"].map(Value.init)
    case "post_hook": return values["post-hook"].map(Value.init)
    case "snapshot_table_column_names" where values["strategy"] != nil: return snapshotColumns(values)
    default: return nil
    }
  }

  /// A microbatch model's `begin`, which dbt reads as a datetime whatever it was written as; nil for other models.
  private static func begin(_ values: PlainObject) -> Value? {
    guard values["materialized"] == "incremental", values["incremental_strategy"] == "microbatch" else { return nil }
    return values["begin"]?.stringValue.flatMap { PythonDateTime(isoText: $0) }?.value
  }

  /// The names of the columns that dbt adds to a snapshot.
  private func snapshotColumns(_ values: PlainObject) -> Value {
    let names = DictObject()
    for column in ["dbt_valid_from", "dbt_valid_to", "dbt_scd_id", "dbt_updated_at", "dbt_is_deleted"] {
      let configured = values["snapshot_meta_column_names"]?[column]?.stringValue ?? ""
      names[column] = .string(configured.isEmpty ? column : configured)
    }
    return .dict(names)
  }

  private func persists(_ part: String) throws -> Value {
    guard let docs = values?["persist_docs"], !docs.isNull else { return .bool(false) }
    guard case .object(let parts) = docs else {
      throw DBTError(
        .compilation,
        "Invalid value provided for 'persist_docs'. Expected dict but received \(Value(docs).typeName)")
    }
    return parts[part].map(Value.init) ?? .bool(false)
  }
}
