import PlainData

/// Properties of a base event and of its conversion that must be equal.
struct ConstantProperty: ElementWithMembers, Documented {
  let base: String
  let conversion: String

  init(_ reader: ElementReader) throws(SemanticManifestError) {
    base = try reader.text("base_property")
    conversion = try reader.text("conversion_property")
  }

  var document: PlainValue { ["base_property": .string(base), "conversion_property": .string(conversion)] }
}

/// What only conversion metrics have.
struct ConversionParameters: ElementWithMembers, Documented {
  let baseMeasure: InputMeasure?
  var baseMetric: InputMetric?
  let conversionMeasure: InputMeasure?
  var conversionMetric: InputMetric?
  let entity: String
  let calculation: ConversionCalculation
  let window: TimeWindow?
  let constantProperties: [ConstantProperty]?

  init(_ reader: ElementReader) throws(SemanticManifestError) {
    baseMeasure = try reader.optionalPart("base_measure")
    baseMetric = try reader.optionalPart("base_metric")
    conversionMeasure = try reader.optionalPart("conversion_measure")
    conversionMetric = try reader.optionalPart("conversion_metric")
    entity = try reader.text("entity")
    calculation = try reader.choice("calculation", missing: .conversionRate)
    window = try reader.optionalPart("window")
    constantProperties = try reader.optionalList("constant_properties")
  }

  var document: PlainValue {
    [
      "base_measure": baseMeasure.plain, "base_metric": baseMetric.plain, "conversion_measure": conversionMeasure.plain,
      "conversion_metric": conversionMetric.plain, "entity": .string(entity), "calculation": calculation.plain,
      "window": window.plain, "constant_properties": constantProperties.map(\.plain) ?? .null,
    ]
  }
}

/// What only cumulative metrics have.
struct CumulativeParameters: ElementWithMembers, Documented {
  let window: TimeWindow?
  let grainToDate: String?
  let periodAggregation: PeriodAggregation
  var metric: InputMetric?

  /// Those of a metric that has none.
  init() {
    window = nil
    grainToDate = nil
    periodAggregation = .first
  }

  init(_ reader: ElementReader) throws(SemanticManifestError) {
    window = try reader.optionalPart("window")
    grainToDate = try reader.optionalText("grain_to_date")
    periodAggregation = try reader.choice("period_agg", missing: .first)
    metric = try reader.optionalPart("metric")
  }

  var document: PlainValue {
    [
      "window": window.plain, "grain_to_date": grainToDate.plain, "period_agg": periodAggregation.plain,
      "metric": metric.plain,
    ]
  }
}

/// How a simple metric aggregates where it has no measure.
struct MetricAggregation: ElementWithMembers, Documented, Equatable {
  let semanticModel: String
  var aggregation: AggregationType
  var parameters: AggregationParameters?
  let timeDimension: String?
  let nonAdditiveDimension: NonAdditiveDimension?

  init(_ reader: ElementReader) throws(SemanticManifestError) {
    semanticModel = try reader.text("semantic_model")
    aggregation = try reader.choice("agg")
    parameters = try reader.optionalPart("agg_params")
    timeDimension = try reader.optionalText("agg_time_dimension")
    nonAdditiveDimension = try reader.optionalPart("non_additive_dimension")
  }

  /// The aggregation of a measure.
  init(_ measure: Measure, of semanticModel: String) {
    self.semanticModel = semanticModel
    aggregation = measure.aggregation
    parameters = measure.parameters
    timeDimension = measure.timeDimension
    nonAdditiveDimension = measure.nonAdditiveDimension
  }

  var document: PlainValue {
    [
      "semantic_model": .string(semanticModel), "agg": aggregation.plain, "agg_params": parameters.plain,
      "agg_time_dimension": timeDimension.plain, "non_additive_dimension": nonAdditiveDimension.plain,
    ]
  }
}

/// What a metric is made of; which members count depends on its type.
struct MetricParameters: ElementWithMembers, Documented {
  var measure: InputMeasure?
  let numerator: InputMetric?
  let denominator: InputMetric?
  var expression: String?
  /// The two former places of a cumulative metric's parameters.
  let window: TimeWindow?
  let grainToDate: TimeGranularity?
  let metrics: [InputMetric]?
  var conversion: ConversionParameters?
  var cumulative: CumulativeParameters?
  let inputMeasures: [InputMeasure]
  var aggregation: MetricAggregation?
  var joinsTimeSpine: Bool
  var nullFill: Int?
  let isPrivate: Bool?

  /// Those of a metric that nothing is said of.
  init(isPrivate: Bool) {
    numerator = nil
    denominator = nil
    window = nil
    grainToDate = nil
    metrics = nil
    inputMeasures = []
    joinsTimeSpine = false
    self.isPrivate = isPrivate
  }

  init(_ reader: ElementReader) throws(SemanticManifestError) {
    measure = try reader.optionalPart("measure")
    numerator = try reader.optionalPart("numerator")
    denominator = try reader.optionalPart("denominator")
    expression = try reader.optionalText("expr")
    window = try reader.optionalPart("window")
    grainToDate = try reader.optionalChoice("grain_to_date")
    metrics = try reader.optionalList("metrics")
    conversion = try reader.optionalPart("conversion_type_params")
    cumulative = try reader.optionalPart("cumulative_type_params")
    inputMeasures = try reader.list("input_measures")
    aggregation = try reader.optionalPart("metric_aggregation_params")
    joinsTimeSpine = try reader.flag("join_to_timespine")
    nullFill = try reader.optionalInteger("fill_nulls_with")
    isPrivate = try reader.optionalFlag("is_private", missing: false)
  }

  var document: PlainValue {
    [
      "measure": measure.plain, "numerator": numerator.plain, "denominator": denominator.plain,
      "expr": expression.plain, "window": window.plain, "grain_to_date": grainToDate.plain,
      "metrics": metrics.map(\.plain) ?? .null, "conversion_type_params": conversion.plain,
      "cumulative_type_params": cumulative.plain, "input_measures": inputMeasures.plain,
      "metric_aggregation_params": aggregation.plain, "join_to_timespine": .bool(joinsTimeSpine),
      "fill_nulls_with": nullFill.plain, "is_private": isPrivate.plain,
    ]
  }
}
