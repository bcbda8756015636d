import PlainData

/// A time dimension over which values must not be added up.
struct NonAdditiveDimension: ElementWithMembers, Documented, Equatable {
  let name: String
  /// Which end of a window counts.
  let windowChoice: AggregationType
  /// The entities within which the window is chosen.
  let windowGroupings: [String]

  init(_ reader: ElementReader) throws(SemanticManifestError) {
    name = try reader.text("name")
    windowChoice = try reader.choice("window_choice", missing: .min)
    windowGroupings = try reader.list("window_groupings")
  }

  var document: PlainValue {
    ["name": .string(name), "window_choice": windowChoice.plain, "window_groupings": windowGroupings.plain]
  }
}

/// What only percentiles and medians have.
struct AggregationParameters: ElementWithMembers, Documented, Equatable {
  var percentile: Double?
  let isDiscrete: Bool
  let isApproximate: Bool

  init(_ reader: ElementReader) throws(SemanticManifestError) {
    percentile = try reader.optionalNumber("percentile")
    isDiscrete = try reader.flag("use_discrete_percentile")
    isApproximate = try reader.flag("use_approximate_percentile")
  }

  /// Those of a median that says nothing more.
  init(percentile: Double) {
    self.percentile = percentile
    isDiscrete = false
    isApproximate = false
  }

  var document: PlainValue {
    [
      "percentile": percentile.plain, "use_discrete_percentile": .bool(isDiscrete),
      "use_approximate_percentile": .bool(isApproximate),
    ]
  }
}

/// An aggregation over a column or expression of a semantic model.
struct Measure: ElementWithMembers, Documented {
  var name: String
  var aggregation: AggregationType
  let description: String?
  /// Whether a metric of the same name is made of it.
  let createsMetric: Bool?
  var expression: String?
  var parameters: AggregationParameters?
  let metadata: Metadata?
  let nonAdditiveDimension: NonAdditiveDimension?
  let timeDimension: String?
  let label: String?
  let configuration: ElementConfiguration?

  init(_ reader: ElementReader) throws(SemanticManifestError) {
    name = try reader.text("name")
    aggregation = try reader.choice("agg")
    description = try reader.optionalText("description")
    createsMetric = try reader.optionalFlag("create_metric")
    expression = try reader.optionalText("expr")
    parameters = try reader.optionalPart("agg_params")
    metadata = try reader.optionalPart("metadata")
    nonAdditiveDimension = try reader.optionalPart("non_additive_dimension")
    timeDimension = try reader.optionalText("agg_time_dimension")
    label = try reader.optionalText("label")
    configuration = try reader.optionalPart("config")
  }

  var document: PlainValue {
    [
      "name": .string(name), "agg": aggregation.plain, "description": description.plain,
      "create_metric": createsMetric.plain, "expr": expression.plain, "agg_params": parameters.plain,
      "metadata": metadata.plain, "non_additive_dimension": nonAdditiveDimension.plain,
      "agg_time_dimension": timeDimension.plain, "label": label.plain, "config": configuration.plain,
    ]
  }
}
