/// The shapes of semantic models, metrics and saved queries in property files.
extension Shape {
  private static let filter = optional(.text, .list(.text))
  private static let metricInput: Shape = .object([
    must("name", .text), may("filter", filter), may("alias", optional(.text)), may("offset_window", optional(.text)),
    may("offset_to_grain", optional(.text)),
  ])
  private static let constantProperties = optional(
    .list(.object([must("base_property", .text), must("conversion_property", .text)])))
  private static let nameless: [Member] = [
    may("description", optional(.text)), may("label", optional(.text)),
  ]

  // MARK: The older form

  private static let measureInput: Shape = .object([
    must("name", .text), may("filter", filter), may("alias", optional(.text)), may("join_to_timespine", .flag),
    may("fill_nulls_with", optional(.integer)),
  ])

  private static let conversion: Shape = .object([
    must("base_measure", .any([measureInput, .text])), must("conversion_measure", .any([measureInput, .text])),
    must("entity", .text), may("calculation", .text), may("window", optional(.text)),
    may("constant_properties", constantProperties),
  ])

  private static let typeParameters: Shape = .object([
    may("measure", optional(measureInput, .text)), may("numerator", optional(metricInput, .text)),
    may("denominator", optional(metricInput, .text)), may("expr", optional(.text, .flag)),
    may("window", optional(.text)), may("grain_to_date", optional(.text)),
    may("metrics", optional(.list(.any([metricInput, .text])))),
    may("conversion_type_params", optional(conversion)),
    may(
      "cumulative_type_params",
      optional(
        .object([
          may("window", optional(.text)), may("grain_to_date", optional(.text)), may("period_agg", .text),
        ]))),
  ])

  /// A metric with `type_params`.
  static let measuredMetric: Shape = .object([
    must("name", .text), may("type", .text), may("label", .text), may("description", .text), may("filter", filter),
    may("time_granularity", optional(.text)), may("config", .members), must("type_params", typeParameters),
    may("meta", .members), may("tags", .list(.text)),
  ])

  private static let validity = optional(.object([may("is_start", .flag), may("is_end", .flag)]))

  private static let measure: Shape = .object(
    [must("name", .text), must("agg", .text)] + nameless + [
      may("expr", optional(.text, .flag, .integer)),
      may(
        "agg_params",
        optional(
          .object([
            may("percentile", optional(.number)), may("use_discrete_percentile", .flag),
            may("use_approximate_percentile", .flag),
          ]))),
      may(
        "non_additive_dimension",
        optional(
          .object([must("name", .text), must("window_choice", .text), may("window_groupings", .list(.text))]))),
      may("agg_time_dimension", optional(.text)), may("create_metric", .flag), may("config", .members),
    ])

  private static let dimension: Shape = .object(
    [must("type", .text), may("name", .text)] + nameless + [
      may("is_partition", .flag), may("config", .members),
      may(
        "type_params", optional(.object([must("time_granularity", .text), may("validity_params", validity)]))),
      may("expr", optional(.text)),
    ])

  private static let entity: Shape = .object(
    [must("type", .text), may("name", .text)] + nameless + [
      may("config", .members), may("role", optional(.text)), may("expr", optional(.text)),
    ])

  static let semanticModel: Shape = .object(
    [must("name", .text), must("model", .text), may("config", .members)] + nameless + [
      may("defaults", optional(.object([may("agg_time_dimension", optional(.text))]))),
      may("entities", .list(entity)), may("measures", .list(measure)), may("dimensions", .list(dimension)),
      may("primary_entity", optional(.text)),
    ])

  static let savedQuery: Shape = .object(
    [
      must("name", .text),
      must(
        "query_params",
        .object([
          may("metrics", .list(.text)), may("group_by", .list(.text)), may("where", filter),
          may("order_by", .list(.text)), may("limit", optional(.integer)),
        ])),
    ] + nameless + [
      may("exports", .list(.object([must("name", .text), may("config", .members)]))), may("config", .members),
      may("tags", .any([.text, .list(.text)])),
    ])

  // MARK: The newer form

  /// A metric without `type_params`.
  static let metric: Shape = .object([
    must("name", .text), may("type", .text), may("label", optional(.text)), may("description", .text),
    may("filter", filter), may("time_granularity", optional(.text)), may("config", .members), may("hidden", .flag),
    may("agg", optional(.text)), may("percentile", optional(.number)), may("percentile_type", optional(.text)),
    may("join_to_timespine", optional(.flag)), may("fill_nulls_with", optional(.integer)),
    may("expr", optional(.text, .integer)),
    may(
      "non_additive_dimension",
      optional(.object([must("name", .text), must("window_agg", .text), may("group_by", .list(.text))]))),
    may("agg_time_dimension", optional(.text)), may("window", optional(.text)),
    may("grain_to_date", optional(.text)), may("period_agg", .text),
    may("input_metric", optional(metricInput, .text)), may("numerator", optional(metricInput, .text)),
    may("denominator", optional(metricInput, .text)),
    may("input_metrics", optional(.list(.any([metricInput, .text])))), may("entity", optional(.text)),
    may("calculation", optional(.text)), may("base_metric", optional(metricInput, .text)),
    may("conversion_metric", optional(metricInput, .text)), may("constant_properties", constantProperties),
  ])

  private static let spine: Shape = .object([
    must("standard_granularity_column", .text),
    may("custom_granularities", .list(.object([must("name", .text), may("column_name", optional(.text))]))),
  ])

  private static let columnDimension: Shape = .object(
    [must("type", .text), may("name", optional(.text))] + nameless + [
      may("is_partition", .flag), may("config", .members), may("validity_params", validity),
    ])

  private static let columnEntity: Shape = .object(
    [must("type", .text), may("name", optional(.text))] + nameless + [may("config", .members)])

  private static let derivedSemantics: Shape = .object([
    may(
      "entities",
      .list(
        .object(
          [must("type", .text), may("name", optional(.text))] + nameless + [
            may("config", .members), must("expr", .text),
          ]))),
    may(
      "dimensions",
      .list(
        .object(
          [must("type", .text), may("name", .text)] + nameless + [
            may("is_partition", .flag), may("config", .members), may("validity_params", validity),
            must("expr", .text), may("granularity", optional(.text)),
          ]))),
  ])

  private static let semanticSettings: Shape = .object([
    may("name", optional(.text)), may("enabled", .flag), may("group", optional(.text)),
    may("config", optional(.object([may("meta", .members)]))),
  ])

  /// The members of a column's properties that are about its meaning.
  static let columnSemantics: [Member] = [
    may("granularity", optional(.text)), may("dimension", optional(columnDimension, .text)),
    may("entity", optional(columnEntity, .text)),
  ]

  /// The members of a model's properties that are about its meaning.
  static let modelSemantics: [Member] = [
    may("time_spine", optional(spine)), may("semantic_model", optional(semanticSettings, .flag)),
    may("primary_entity", optional(.text)), may("agg_time_dimension", optional(.text)),
    may("metrics", optional(.list(metric))), may("derived_semantics", optional(derivedSemantics)),
  ]
}
