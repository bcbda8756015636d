import OrderedCollections
import PlainData

/// How a configuration value given later meets one given earlier.
enum MergeBehavior: Sendable {
  /// The later one counts.
  case clobber
  /// Lists are joined; a single value counts as a list of one.
  case append
  /// Members are laid over members, one level deep.
  case update
  /// As `update` over lists; a key that begins with `+` adds to the earlier list.
  case dictionaryKeyAppend
}

/// The configuration keys dbt knows for a type of resource, with their defaults, in dbt's order.
struct ConfigSchema: Sendable {
  struct Field: Sendable {
    var key: String
    var standard: PlainValue
    var behavior: MergeBehavior
  }

  let fields: OrderedDictionary<String, Field>

  private init(_ fields: [Field]) {
    self.fields = OrderedDictionary(fields.map { ($0.key, $0) }, uniquingKeysWith: { _, last in last })
  }

  /// The schema for resources of a type.
  static func of(_ type: ResourceType) -> ConfigSchema {
    switch type {
    case .model: model
    case .seed: seed
    case .snapshot: snapshot
    case .test: test
    case .source: source
    case .exposure: exposure
    case .unitTest: unitTest
    case .group: group
    case .metric, .semanticModel: metric
    case .savedQuery: savedQuery
    case .function: function
    default: node
    }
  }

  /// Every key with its default.
  var defaults: PlainObject { fields.mapValues(\.standard) }

  /// How a key that no schema knows, or that is known, is merged.
  func behavior(_ key: String) -> MergeBehavior { fields[key]?.behavior ?? .clobber }

  private static func field(
    _ key: String, _ standard: PlainValue = nil, _ behavior: MergeBehavior = .clobber
  ) -> Field {
    Field(key: key, standard: standard, behavior: behavior)
  }

  private static let common: [Field] = [
    field("enabled", true), field("alias"), field("schema"), field("database"), field("tags", [], .append),
    field("meta", [:], .update), field("group"), field("static_analysis"),
  ]

  private static let nodeFields: [Field] =
    common + [
      field("materialized", "view"), field("incremental_strategy"), field("batch_size"), field("lookback", 1),
      field("begin"), field("persist_docs", [:]), field("post-hook", [], .append), field("pre-hook", [], .append),
      field("quoting", [:], .update), field("column_types", [:], .update), field("full_refresh"), field("unique_key"),
      field("on_schema_change", "ignore"), field("on_configuration_change", "apply"),
      field("grants", [:], .dictionaryKeyAppend), field("packages", [], .append),
      field("docs", ["show": true, "node_color": nil], .update),
      field("contract", ["enforced": false, "alias_types": true], .update), field("event_time"),
      field("concurrent_batches"),
    ]

  private static let node = ConfigSchema(nodeFields)

  private static let model = ConfigSchema(
    nodeFields + [
      field("access", "protected"), field("freshness"), field("on_error"),
      field("latest_version_pointer", ["enabled": nil, "alias": nil], .update),
    ])

  private static let seed = ConfigSchema(
    nodeFields + [field("materialized", "seed"), field("delimiter", ","), field("quote_columns")])

  private static let snapshot = ConfigSchema(
    nodeFields + [
      field("materialized", "snapshot"), field("strategy"), field("target_schema"), field("target_database"),
      field("updated_at"), field("check_cols"),
      field(
        "snapshot_meta_column_names",
        [
          "dbt_valid_to": nil, "dbt_valid_from": nil, "dbt_scd_id": nil, "dbt_updated_at": nil, "dbt_is_deleted": nil,
        ]),
      field("dbt_valid_to_current"),
    ])

  private static let function = ConfigSchema(
    nodeFields + [
      field("materialized", "function"), field("type", "scalar"), field("volatility"), field("runtime_version"),
      field("entry_point"), field("snowflake", ["quote_args": true]),
    ])

  private static let test = ConfigSchema(
    common + [
      field("schema", "dbt_test__audit"), field("materialized", "test"), field("severity", "ERROR"),
      field("store_failures"), field("store_failures_as"), field("sql_header"), field("where"), field("limit"),
      field("fail_calc", "count(*)"), field("warn_if", "!= 0"), field("error_if", "!= 0"),
    ])

  private static let source = ConfigSchema([
    field("enabled", true), field("event_time"), field("freshness", SourceFreshness.unset), field("loaded_at_field"),
    field("loaded_at_query"), field("meta", [:], .update), field("tags", []), field("static_analysis"),
  ])

  private static let exposure = ConfigSchema([field("enabled", true), field("tags", []), field("meta", [:])])

  private static let unitTest = ConfigSchema([
    field("tags", [], .append), field("meta", [:], .update), field("enabled", true), field("static_analysis"),
  ])

  private static let group = ConfigSchema([field("meta", [:], .update)])

  private static let metric = ConfigSchema([field("enabled", true), field("group"), field("meta", [:], .update)])

  private static let savedQuery = ConfigSchema([
    field("enabled", true), field("group"), field("meta", [:], .update), field("export_as"), field("schema"),
    field("cache", ["enabled": false]),
  ])
}
