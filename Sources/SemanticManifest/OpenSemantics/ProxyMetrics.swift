/// The steps that make simple metrics of measures.
extension ManifestTransformation {
  /// A measure and the name of its semantic model.
  private typealias Owned = (model: String, measure: Measure)

  /// The last measure of each name.
  private var measures: [String: Owned] {
    var found: [String: Owned] = [:]
    for model in manifest.semanticModels {
      for measure in model.measures { found[measure.name] = (model.name, measure) }
    }
    return found
  }

  /// Adds a metric for each measure that wants one and has none of its name.
  mutating func addProxyMetrics() throws(OpenSemanticError) {
    /// Whether all metrics of a name are simple.
    var areSimple: [String: Bool] = [:]
    for metric in manifest.metrics { areSimple[metric.name] = metric.type == .simple && areSimple[metric.name] ?? true }
    for model in manifest.semanticModels {
      for measure in model.measures where measure.createsMetric == true {
        guard let isSimple = areSimple[measure.name] else {
          var metric = Self.metric(of: (model.name, measure), InputMeasure(name: measure.name), isPrivate: false)
          metric.parameters.measure = InputMeasure(name: measure.name)
          append(metric)
          areSimple[measure.name] = true
          continue
        }
        guard isSimple else {
          throw .uncaught(
            "ModelTransformError",
            "Cannot have metric with the same name as a measure (\(measure.name)) that is not a created mechanically "
              + "from that measure using create_metric=True")
        }
      }
    }
  }

  /// Takes what measures say into the simple metrics made of them.
  mutating func flattenMeasures() {
    let measures = measures
    for (index, metric) in manifest.metrics.enumerated() where metric.type == .simple {
      guard let input = metric.parameters.measure, let owned = measures[input.name] else { continue }
      var metric = metric
      Self.take(owned, input, into: &metric)
      replace(index, by: metric)
    }
  }

  /// Takes what a measure says into a simple metric, unless it says so itself.
  private static func take(_ owned: Owned, _ input: InputMeasure, into metric: inout Metric) {
    guard metric.parameters.aggregation == nil else { return }
    if let nullFill = input.nullFill { metric.parameters.nullFill = nullFill }
    if input.joinsTimeSpine { metric.parameters.joinsTimeSpine = true }
    metric.parameters.aggregation = MetricAggregation(owned.measure, of: owned.model)
    if metric.parameters.expression == nil { metric.parameters.expression = expression(of: owned.measure) }
    let filters = (input.filter?.filters ?? []) + (metric.filter?.filters ?? [])
    if !filters.isEmpty { metric.filter = WhereFilterIntersection(filters) }
    metric.parameters.measure = InputMeasure(
      name: owned.measure.name, filter: input.filter.map { _ in WhereFilterIntersection(filters) })
  }

  private static func expression(of measure: Measure) -> String {
    let own = measure.expression ?? ""
    return own.isEmpty ? measure.name : own
  }

  /// A simple metric of a measure, without the filters of the input.
  private static func metric(of owned: Owned, _ input: InputMeasure, isPrivate: Bool) -> Metric {
    var metric = Metric(owned.measure, isPrivate: isPrivate)
    var input = input
    input.filter = nil
    take(owned, input, into: &metric)
    return metric
  }

  /// Gives simple metrics the expressions of their measures.
  mutating func fixProxyExpressions() {
    let measures = measures
    for (index, metric) in manifest.metrics.enumerated() where metric.type == .simple {
      guard let name = metric.parameters.measure?.name, let owned = measures[name] else { continue }
      var metric = metric
      metric.parameters.expression = Self.expression(of: owned.measure)
      replace(index, by: metric)
    }
  }

  // MARK: Inputs of cumulative and conversion metrics

  /// Lets cumulative and conversion metrics take simple metrics in place of measures; makes those that are missing.
  mutating func replaceInputMeasures() {
    var finder = SimpleMetricFinder(manifest.metrics)
    let measures = measures
    for (index, metric) in manifest.metrics.enumerated() {
      var metric = metric
      func input(_ measure: InputMeasure?, _ given: InputMetric?) -> InputMetric? {
        guard let measure, given == nil, let owned = measures[measure.name] else { return given }
        let name = finder.name(of: measure) { Self.metric(of: owned, measure, isPrivate: true) }
        return InputMetric(name: name, filter: measure.filter, alias: measure.alias)
      }
      switch metric.type {
      case .cumulative where metric.parameters.measure != nil:
        var parameters = metric.parameters.cumulative ?? CumulativeParameters()
        parameters.metric = input(metric.parameters.measure, parameters.metric)
        metric.parameters.cumulative = parameters
      case .conversion:
        guard var parameters = metric.parameters.conversion else { continue }
        parameters.baseMetric = input(parameters.baseMeasure, parameters.baseMetric)
        parameters.conversionMetric = input(parameters.conversionMeasure, parameters.conversionMetric)
        metric.parameters.conversion = parameters
      default: continue
      }
      replace(index, by: metric)
    }
    for metric in finder.made { append(metric) }
  }
}

/// Finds the simple metric that stands for a measure with its settings, or makes it.
private struct SimpleMetricFinder {
  private struct Settings: Hashable {
    let measure: String
    let nullFill: Int?
    let joinsTimeSpine: Bool
  }

  private var known: [Settings: String] = [:]
  private var names: Set<String>
  /// Simple metrics by their expressions.
  private var candidates: [String?: [Metric]] = [:]
  private(set) var made: [Metric] = []

  init(_ metrics: [Metric]) {
    names = Set(metrics.map(\.name))
    for metric in metrics where metric.type == .simple {
      candidates[metric.parameters.expression, default: []].append(metric)
    }
  }

  mutating func name(of input: InputMeasure, _ make: () -> Metric) -> String {
    var wanted = make()
    let settings = Settings(measure: wanted.name, nullFill: input.nullFill, joinsTimeSpine: input.joinsTimeSpine)
    if let name = known[settings] { return name }
    let twin = candidates[wanted.parameters.expression]?.first { Self.isTwin($0, of: wanted) }
    if let twin {
      known[settings] = twin.name
      return twin.name
    }
    wanted.name = freeName(settings)
    names.insert(wanted.name)
    candidates[wanted.parameters.expression, default: []].append(wanted)
    made.append(wanted)
    known[settings] = wanted.name
    return wanted.name
  }

  private static func isTwin(_ metric: Metric, of wanted: Metric) -> Bool {
    let own = metric.parameters
    return own.window == nil && own.grainToDate == nil && own.aggregation == wanted.parameters.aggregation
      && own.joinsTimeSpine == wanted.parameters.joinsTimeSpine && own.nullFill == wanted.parameters.nullFill
      && metric.filter == wanted.filter && metric.granularity == nil
      && (own.measure == nil || own.measure == wanted.parameters.measure)
  }

  private func freeName(_ settings: Settings) -> String {
    var name = settings.measure
    if let fill = settings.nullFill {
      name += "_fill_nulls_with_" + (fill < 0 ? "neg_\(fill.magnitude)" : String(fill))
    }
    if settings.joinsTimeSpine { name += "_join_to_timespine" }
    guard names.contains(name) else { return name }
    var count = 1
    while names.contains("\(name)_\(count)") { count += 1 }
    return "\(name)_\(count)"
  }
}
