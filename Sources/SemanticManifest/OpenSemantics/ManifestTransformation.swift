/// Rewrites a manifest so that simple metrics say themselves what their measures say, as MetricFlow does before it
/// converts or runs anything.
///
/// Only what an OSI document shows is rewritten: windows and the measures of other metrics stay.
struct ManifestTransformation {
  private(set) var manifest: ManifestModel

  init(_ manifest: ManifestModel) { self.manifest = manifest }

  mutating func run() throws(OpenSemanticError) {
    lowercaseNames()
    convertBooleanMeasures()
    try convertCountMeasures()
    try convertMedianMeasures()
    try addProxyMetrics()
    try InputMeasureCheck(manifest.metrics).run()
    flattenMeasures()
    replaceInputMeasures()
    fixProxyExpressions()
    try checkRatios()
    try convertMedianMetrics()
    try convertMetricCounts()
    convertBooleanMetrics()
  }

  // MARK: Measures

  /// Metrics keep their case.
  private mutating func lowercaseNames() {
    for index in manifest.semanticModels.indices {
      var model = manifest.semanticModels[index]
      model.name = model.name.lowercased()
      for item in model.measures.indices { model.measures[item].name = model.measures[item].name.lowercased() }
      for item in model.entities.indices { model.entities[item].name = model.entities[item].name.lowercased() }
      for item in model.dimensions.indices { model.dimensions[item].name = model.dimensions[item].name.lowercased() }
      if let time = model.defaults?.timeDimension { model.defaults?.timeDimension = time.lowercased() }
      manifest.semanticModels[index] = model
    }
  }

  /// Runs a step over all measures, in order.
  private mutating func updateMeasures(
    _ step: (inout Measure) throws(OpenSemanticError) -> Void
  ) throws(OpenSemanticError) {
    for model in manifest.semanticModels.indices {
      for measure in manifest.semanticModels[model].measures.indices {
        try step(&manifest.semanticModels[model].measures[measure])
      }
    }
  }

  private mutating func convertBooleanMeasures() {
    for model in manifest.semanticModels.indices {
      for index in manifest.semanticModels[model].measures.indices {
        let measure = manifest.semanticModels[model].measures[index]
        guard measure.aggregation == .sumBoolean else { continue }
        manifest.semanticModels[model].measures[index].aggregation = .sum
        manifest.semanticModels[model].measures[index].expression = Self.boolean(measure.expression, measure.name)
      }
    }
  }

  private mutating func convertCountMeasures() throws(OpenSemanticError) {
    try updateMeasures { measure throws(OpenSemanticError) in
      guard measure.aggregation == .count else { return }
      // MetricFlow calls the measure a metric, too.
      measure.expression = try Self.count(measure.expression, measure.name)
      measure.aggregation = .sum
    }
  }

  private mutating func convertMedianMeasures() throws(OpenSemanticError) {
    try updateMeasures { measure throws(OpenSemanticError) in
      guard measure.aggregation == .median else { return }
      measure.aggregation = .percentile
      measure.parameters = try Self.median(measure.parameters, "Measure '\(measure.name)'")
    }
  }

  // MARK: Metrics

  /// A ratio without both parts ends Python's look at its windows.
  private func checkRatios() throws(OpenSemanticError) {
    let first = Dictionary(manifest.metrics.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    for metric in manifest.metrics {
      guard let metric = first[metric.name], metric.type == .ratio else { continue }
      _ = try InputMeasureCheck.inputs(of: metric)
    }
  }

  private mutating func convertMedianMetrics() throws(OpenSemanticError) {
    for index in manifest.metrics.indices where aggregation(index) == .median {
      let metric = manifest.metrics[index]
      let parameters = try Self.median(metric.parameters.aggregation?.parameters, "Metric '\(metric.name)'")
      manifest.metrics[index].parameters.aggregation?.aggregation = .percentile
      manifest.metrics[index].parameters.aggregation?.parameters = parameters
    }
  }

  private mutating func convertMetricCounts() throws(OpenSemanticError) {
    for index in manifest.metrics.indices where aggregation(index) == .count {
      let metric = manifest.metrics[index]
      manifest.metrics[index].parameters.expression = try Self.count(metric.parameters.expression, metric.name)
      manifest.metrics[index].parameters.aggregation?.aggregation = .sum
    }
  }

  private mutating func convertBooleanMetrics() {
    for index in manifest.metrics.indices where aggregation(index) == .sumBoolean {
      let metric = manifest.metrics[index]
      manifest.metrics[index].parameters.expression = Self.boolean(metric.parameters.expression, metric.name)
      manifest.metrics[index].parameters.aggregation?.aggregation = .sum
    }
  }

  /// How a simple metric aggregates; nil for other ones and where a measure says so.
  private func aggregation(_ index: Int) -> AggregationType? {
    let metric = manifest.metrics[index]
    return metric.type == .simple ? metric.parameters.aggregation?.aggregation : nil
  }

  // MARK: Conversions

  private static func boolean(_ expression: String?, _ name: String) -> String {
    let condition = expression ?? ""
    return "CASE WHEN \(condition.isEmpty ? name : condition) THEN 1 ELSE 0 END"
  }

  private static func count(_ expression: String?, _ name: String) throws(OpenSemanticError) -> String {
    guard let expression else {
      throw .uncaught(
        "ModelTransformError",
        "Metric '\(name)' uses a COUNT aggregation, which requires an expr to be provided. Provide 'expr: 1' if a "
          + "count of all rows is desired.")
    }
    return expression == "1" ? "1" : "CASE WHEN \(expression) IS NOT NULL THEN 1 ELSE 0 END"
  }

  private static func median(
    _ given: AggregationParameters?, _ owner: String
  ) throws(OpenSemanticError) -> AggregationParameters {
    guard var parameters = given else { return AggregationParameters(percentile: 0.5) }
    if let percentile = parameters.percentile, percentile != 0.5 {
      throw .uncaught(
        "ModelTransformError",
        "\(owner) uses a MEDIAN aggregation, while percentile is set to '\(PythonNumber.text(percentile))', a "
          + "conflicting value. Please remove the parameter or set to '0.5'.")
    }
    if parameters.isDiscrete {
      throw .uncaught(
        "ModelTransformError",
        "\(owner) uses a MEDIAN aggregation, while use_discrete_percentile is set to true. Please remove the parameter "
          + "or set to False.")
    }
    parameters.percentile = 0.5
    return parameters
  }

  // MARK: Parts in other files

  /// Appends a metric.
  mutating func append(_ metric: Metric) { manifest.metrics.append(metric) }

  /// Replaces a metric.
  mutating func replace(_ index: Int, by metric: Metric) { manifest.metrics[index] = metric }
}
