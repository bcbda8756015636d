import OrderedCollections
import PlainData

/// The checks that dbt makes on a resource's finished configuration.
struct ConfigCheck {
  let type: ResourceType
  /// The resource, for messages.
  let uniqueID: String

  /// - Throws: a parsing error in dbt's words.
  func check(_ config: PlainObject) throws(ProjectError) {
    try checkKinds(config)
    switch type {
    case .seed: try checkMaterialization(config, "seed", "A seed must have a materialized value of 'seed'")
    case .test:
      try checkMaterialization(config, "test", "A test must have a materialized value of 'test'")
      let severity = config["severity"]?.stringValue ?? ""
      guard ["warn", "error"].contains(severity.lowercased()) else {
        throw ProjectError(.validation, "Severity must be either 'warn' or 'error'. Got '\(severity)'")
      }
    case .model: try checkModel(config)
    default: break
    }
  }

  /// The checks of snapshots that need their whole configuration, from SQL and properties alike.
  static func checkSnapshot(_ config: PlainObject) throws(ProjectError) {
    func fail(_ message: String) -> ProjectError { ProjectError(.validation, message) }
    guard config["strategy"]?.isTruthy ?? false, config["unique_key"]?.isTruthy ?? false else {
      throw fail("Snapshots must be configured with a 'strategy' and 'unique_key'.")
    }
    let columns = config["check_cols"] ?? .null
    switch config["strategy"]?.stringValue {
    case "check":
      guard columns.isTruthy else {
        throw fail("A snapshot configured with the check strategy must specify a check_cols configuration.")
      }
      if let text = columns.stringValue, text != "all" {
        throw fail("Invalid value for 'check_cols': \(text). Expected 'all' or a list of strings.")
      }
    case "timestamp":
      guard config["updated_at"]?.isTruthy ?? false else {
        throw fail("A snapshot configured with the timestamp strategy must specify an updated_at configuration.")
      }
      if columns.isTruthy { throw fail("A 'timestamp' snapshot should not have 'check_cols'") }
    default: break
    }
    if let kind = config["materialized"]?.stringValue, kind != "snapshot" {
      throw fail("A snapshot must have a materialized value of 'snapshot'")
    }
  }

  private func checkMaterialization(_ config: PlainObject, _ expected: String, _ message: String) throws(ProjectError) {
    if let kind = config["materialized"], kind.isTruthy, kind != .string(expected) {
      throw ProjectError(.validation, message)
    }
  }

  private func checkModel(_ config: PlainObject) throws(ProjectError) {
    let access = config["access"]?.stringValue ?? ""
    guard ["private", "protected", "public"].contains(access) else {
      throw ProjectError(
        .parsing,
        "Node \(uniqueID) has an invalid value (\(config["access"]?.pythonText ?? "")) for the access field")
    }
    let change = config["on_schema_change"]?.stringValue ?? ""
    if config["contract"]?["enforced"] == true, config["materialized"] == "incremental",
      change != "append_new_columns", change != "fail"
    {
      throw ProjectError(
        .validation,
        "Invalid value for on_schema_change: \(change). Models materialized as incremental with contracts enabled must "
          + "set on_schema_change to 'append_new_columns' or 'fail'")
    }
  }

  private enum Kind: String {
    case boolean, string, object, number
  }

  private static let kinds: [String: Kind] = [
    "enabled": .boolean, "full_refresh": .boolean, "quote_columns": .boolean, "store_failures": .boolean,
    "alias": .string, "schema": .string, "database": .string, "group": .string, "materialized": .string,
    "incremental_strategy": .string, "on_schema_change": .string, "severity": .string, "where": .string,
    "fail_calc": .string, "warn_if": .string, "error_if": .string, "store_failures_as": .string, "strategy": .string,
    "target_schema": .string, "target_database": .string, "updated_at": .string, "delimiter": .string,
    "meta": .object, "persist_docs": .object, "quoting": .object, "column_types": .object, "grants": .object,
    "docs": .object, "contract": .object, "limit": .number,
  ]

  /// Of these dbt prints what its library for JSON schemas says, as it is.
  private static let bare: Set<ResourceType> = [.source, .exposure, .metric, .semanticModel, .savedQuery, .unitTest]

  private func checkKinds(_ config: PlainObject) throws(ProjectError) {
    let known = ConfigSchema.of(type).fields
    for (key, value) in config where !value.isNull && known[key] != nil {
      guard let kind = ConfigCheck.kinds[key], !ConfigCheck.matches(value, kind) else { continue }
      let name = kind == .number ? "integer" : kind.rawValue
      let reason = "\(value.pythonRepresentation) is not of type '\(name)'"
      guard ConfigCheck.bare.contains(type), kind == .boolean || kind == .object else {
        throw ProjectError(.parsing, "at path ['\(key)']: \(reason)")
      }
      let schema =
        kind == .boolean
        ? "{'type': 'boolean', 'default': True}" : "{'type': 'object', 'propertyNames': {'type': 'string'}}"
      throw ProjectError(
        .schema,
        """
        \(reason)

        Failed validating 'type' in schema['properties']['\(key)']:
            \(schema)

        On instance['\(key)']:
            \(value.pythonRepresentation)
        """,
        resource: uniqueID)
    }
    if let tags = config["tags"]?.arrayValue, let odd = tags.first(where: { $0.stringValue == nil }) {
      throw ProjectError(.parsing, "at path ['tags']: \(odd.pythonRepresentation) is not of type 'string'")
    }
  }

  private static func matches(_ value: PlainValue, _ kind: Kind) -> Bool {
    switch (value, kind) {
    case (.bool, .boolean), (.string, .string), (.object, .object), (.int, .number): true
    default: false
    }
  }
}
