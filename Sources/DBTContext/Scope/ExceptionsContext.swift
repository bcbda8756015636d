import Jinja
import OrderedCollections
package import PlainData

/// `exceptions`: functions that raise dbt's errors with the node attached, and two that warn.
enum ExceptionsContext {
  static func value(_ settings: DBTScope.Settings) -> Value {
    let node = settings.node
    func raising(
      _ name: String, _ kind: DBTError.Kind, _ parameters: [String],
      _ message: @escaping ([Value?], Evaluation) throws -> String
    ) -> (Value, Value) {
      let function = Value.function(name, parameters) { values, evaluation in
        throw DBTError(kind, try message(values, evaluation), node: node)
      }
      return (.string(name), function)
    }
    func text(_ value: Value?) -> String { value?.text ?? "" }
    var members: [(key: Value, value: Value)] = [
      raising("raise_compiler_error", .compilation, ["msg", "node?"]) { values, _ in text(values[0]) },
      raising("raise_database_error", .database, ["msg", "node?"]) { values, _ in text(values[0]) },
      raising("raise_not_implemented", .notImplemented, ["msg"]) { values, _ in text(values[0]) },
      raising("raise_fail_fast_error", .failFast, ["msg", "node?"]) { values, _ in text(values[0]) },
      raising("raise_dependency_error", .dependency, ["msg"]) { values, _ in text(values[0]) },
      raising("raise_cache_inconsistent", .internal, ["message"]) { values, _ in
        "Cache inconsistency detected: \(text(values[0]))"
      },
      raising("raise_dataclass_not_dict", .compilation, ["obj"]) { values, _ in
        "The object (\"\(text(values[0]))\") was used as a dictionary. This capability has been removed from objects of "
          + "this type."
      },
      raising("missing_config", .compilation, ["model", "name"]) { values, evaluation in
        "Model '\(member(values[0], "unique_id", evaluation))' does not define a required config parameter "
          + "'\(text(values[1]))'."
      },
      raising("missing_materialization", .compilation, ["model", "adapter_type"]) { values, evaluation in
        let config = values[0]?.dictValue?["config"]
        let type = text(values[1])
        let searched = type == "default" ? "'default'" : "'default' and '\(type)'"
        return "No materialization '\(member(config, "materialized", evaluation))' was found for adapter \(type)! "
          + "(searched types \(searched))"
      },
      raising("missing_relation", .compilation, ["relation", "model?"]) { values, _ in
        "Relation \(text(values[0])) not found!"
      },
      raising("relation_wrong_type", .compilation, ["relation", "expected_type", "model?"]) { values, evaluation in
        let relation = text(values[0])
        return "Trying to create \(text(values[1])) \(relation), but it currently exists as a "
          + "\(member(values[0], "type", evaluation)). Either drop \(relation) manually, or run dbt with "
          + "`--full-refresh` and dbt will drop it for you."
      },
      raising("column_type_missing", .compilation, ["column_names"]) { values, _ in
        "Contracted models require data_type to be defined for each column. Please ensure that the column name and "
          + "data_type are defined within the YAML configuration for the \(text(values[0])) column(s)."
      },
      raising("raise_contract_error", .compilation, ["yaml_columns", "sql_columns"]) { values, evaluation in
        try ContractMismatch.message(
          yamlColumns: values[0]?.elements(evaluation) ?? [], sqlColumns: values[1]?.elements(evaluation) ?? [])
      },
      raising("raise_dep_not_found", .compilation, ["node", "node_description", "required_pkg"]) { values, _ in
        "Error while parsing \(text(values[1])).\nThe required package \"\(text(values[2]))\" was not found. Is the "
          + "package installed?\nHint: You may need to run `dbt deps`."
      },
      raising("raise_invalid_property_yml_version", .compilation, ["path", "issue"]) { values, _ in
        "The yml property file at \(text(values[0])) is invalid because \(text(values[1])). Please consult the "
          + "documentation for more information on yml property file syntax:\n\n"
          + "https://docs.getdbt.com/reference/configs-and-properties"
      },
      raising("raise_duplicate_resource_name", .compilation, ["node_1", "node_2"]) { values, evaluation in
        "dbt found two resources with the name \"\(member(values[0], "name", evaluation))\":\n"
          + "- \(member(values[0], "unique_id", evaluation)) (\(member(values[0], "original_file_path", evaluation)))\n"
          + "- \(member(values[1], "unique_id", evaluation)) (\(member(values[1], "original_file_path", evaluation)))"
      },
      raising("raise_duplicate_patch_name", .compilation, ["patch_1", "existing_patch_path"]) { values, evaluation in
        "dbt found two schema.yml entries for the same resource named \(member(values[0], "name", evaluation)). "
          + "Resources and their associated columns may only be described a single time. The other entry is in "
          + text(values[1])
      },
      raising("raise_ambiguous_alias", .compilation, ["node_1", "node_2", "duped_name?"]) { values, evaluation in
        let name = values[2].map(\.text) ?? member(values[0], "alias", evaluation)
        return "dbt found two resources with the database representation \"\(name)\".\ndbt cannot create two resources "
          + "with identical database representations. To fix this,\nchange the configuration of one of these "
          + "resources:\n- \(member(values[0], "unique_id", evaluation))\n- \(member(values[1], "unique_id", evaluation))"
      },
      raising("raise_ambiguous_catalog_match", .compilation, ["unique_id", "match_1", "match_2"]) { values, _ in
        "dbt found two relations in your warehouse with similar database identifiers. dbt\nis unable to determine which "
          + "of these relations was created by the model \"\(text(values[0]))\"."
      },
    ].map { (key: $0.0, value: $0.1) }
    members += warnings(settings)
    return .dict(DictObject(members))
  }

  private static func warnings(_ settings: DBTScope.Settings) -> [(key: Value, value: Value)] {
    let invocation = settings.invocation
    let node = settings.node
    return [
      (
        .string("warn"),
        .function("warn", ["msg", "node?"]) { values, _ in
          try invocation.warn(values[0]?.text ?? "", event: "JinjaLogWarning", node: node)
          return .string("")
        }
      ),
      (
        .string("warn_snapshot_timestamp_data_types"),
        .function("warn_snapshot_timestamp_data_types", ["snapshot_time_data_type", "updated_at_data_type"]) {
          values, _ in
          let message =
            "Data type of snapshot table timestamp columns (\(values[0]?.text ?? "")) doesn't match derived column "
            + "'updated_at' (\(values[1]?.text ?? "")). Please update snapshot config 'updated_at'."
          try invocation.warn(message, event: "SnapshotTimestampWarning", node: node)
          return .none
        }
      ),
    ]
  }

  /// The text of a member of a dict or an object.
  private static func member(_ value: Value?, _ name: String, _ evaluation: Evaluation) -> String {
    if let dict = value?.dictValue { return dict[name]?.text ?? "" }
    return (try? value?.objectValue?.attribute(name, evaluation))?.text ?? ""
  }
}

extension Invocation {
  /// Logs a warning of an event class, or raises it when `--warn-error` or `--warn-error-options` say so; silenced ones do
  /// neither.
  ///
  /// - Throws: `DBTError` (compilation) for a warning that counts as an error.
  package func warn(_ message: String, event: String, node: NodeReference?, data: PlainObject = [:]) throws(DBTError) {
    let text = message.hasPrefix("[WARNING]") ? message : "[WARNING]: \(message)"
    switch treatment(ofWarning: event) {
    case .silence: return
    case .error: throw DBTError(.compilation, scrubber.scrub(text), node: node)
    case .warn: log(LogLine(.warn, text, event: event, nodeID: node?.uniqueID, data: data))
    }
  }

  /// What becomes of a warning.
  package enum WarningTreatment: Sendable {
    case silence, warn, error
  }

  /// What the flags say of an event's warnings: those that name it count more than those for all deprecations, those more
  /// than those for all; silence counts more than warn, that more than error.
  package func treatment(ofWarning event: String) -> WarningTreatment {
    if Self.unhandled.contains(event), !(flags["REQUIRE_ALL_WARNINGS_HANDLED_BY_WARN_ERROR"]?.boolValue ?? true) {
      return .warn
    }
    if flags.warnError { return .error }
    let options = flags["WARN_ERROR_OPTIONS"]
    func names(_ key: String, _ old: String? = nil) -> [String] {
      let value = options?[key] ?? old.flatMap { options?[$0] }
      return value?.arrayValue?.compactMap(\.stringValue) ?? value?.stringValue.map { [$0] } ?? []
    }
    let (errors, warns, silences) = (names("error", "include"), names("warn", "exclude"), names("silence"))
    for name in Deprecations.areMeant(event) ? [event, "Deprecations"] : [event] {
      if silences.contains(name) { return .silence }
      if warns.contains(name) { return .warn }
      if errors.contains(name) { return .error }
    }
    return errors.contains("all") || errors.contains("*") ? .error : .warn
  }

  /// Warnings that no flag turns into errors or silences while `require_all_warnings_handled_by_warn_error` is off.
  private static let unhandled: Set<String> = [
    "AdapterEventWarning", "FreshnessConfigProblem", "GetMetaKeyWarning", "JinjaLogWarning", "LogFreshnessResult",
    "MFConverterIssue", "MicrobatchModelNoEventTimeInputs", "RunResultWarning", "RunResultWarningMessage",
    "SelectExcludeIgnoredWithSelectorWarning", "SemanticValidationFailure", "SpacesInResourceNameDeprecation",
    "WarnStateTargetEqual",
  ]
}

/// The table that a failed model contract shows.
private enum ContractMismatch {
  static func message(yamlColumns: [Value], sqlColumns: [Value]) throws -> String {
    guard !yamlColumns.isEmpty else {
      return "This model has an enforced contract, and its 'columns' specification is missing"
    }
    func member(_ column: Value, _ name: String) -> String { column.dictValue?[name]?.text ?? "" }
    var rows: [[String]] = []
    for column in sqlColumns {
      let name = member(column, "name")
      let type = member(column, "data_type")
      guard let declared = yamlColumns.first(where: { member($0, "name") == name }) else {
        rows.append([name, type, "", "missing in contract"])
        continue
      }
      let contract = member(declared, "data_type")
      if contract != type { rows.append([name, type, contract, "data type mismatch"]) }
    }
    for column in yamlColumns where !sqlColumns.contains(where: { member($0, "name") == member(column, "name") }) {
      rows.append([member(column, "name"), "", member(column, "data_type"), "missing in definition"])
    }
    rows.sort { $0[0] < $1[0] }
    let table = AgateTable(
      columnNames: ["column_name", "definition_type", "contract_type", "mismatch_reason"],
      columnTypes: [.text, .text, .text, .text], rows: rows.map { $0.map { .string($0) } })
    return
      "This model has an enforced contract that failed.\nPlease ensure the name, data_type, and number of columns in "
      + "your contract match the columns in your model's definition.\n\n"
      + table.printed(maxRows: nil, maxColumns: 6, maxColumnWidth: 50)
  }
}
