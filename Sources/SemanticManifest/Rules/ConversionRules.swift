/// Rules on conversion metrics.
extension Checker {
  /// The two events of a conversion metric, and what is said of one of them.
  private struct Side {
    /// `base` or `conversion`.
    let name: String
    let measure: InputMeasure?
    let metric: InputMetric?

    var isBase: Bool { name == "base" }
  }

  /// Conversion metrics have two events that exist and can be counted.
  func checkConversionMetrics() {
    safely("running manifest validation ensuring conversion metrics are valid") { checker throws(PythonException) in
      let modelsByMeasure = checker.modelsByMeasure()
      for metric in checker.manifest.metrics where metric.type == .conversion {
        try checker.checkConversion(metric, modelsByMeasure)
      }
    }
  }

  /// The first semantic model that has a measure of each name.
  private func modelsByMeasure() -> [String: Int] {
    var found: [String: Int] = [:]
    for (index, model) in models.enumerated() {
      for measure in model.model.measures where found[measure.name] == nil { found[measure.name] = index }
    }
    return found
  }

  private func checkConversion(_ metric: Metric, _ modelsByMeasure: [String: Int]) throws(PythonException) {
    guard let parameters = metric.parameters.conversion else {
      throw .assertion("Conversion metric '\(metric.name)' must have conversion_type_params.")
    }
    let sides = [
      Side(name: "base", measure: parameters.baseMeasure, metric: parameters.baseMetric),
      Side(name: "conversion", measure: parameters.conversionMeasure, metric: parameters.conversionMetric),
    ]
    for side in sides { checkHasOneInput(side, of: metric) }
    let found = sides.map { model(of: $0, of: metric, modelsByMeasure) }
    guard let base = found[0], let conversion = found[1] else { return }
    checkEntity(parameters.entity, base, conversion)
    for (side, model) in zip(sides, [base, conversion]) { checkMeasure(of: side, in: model) }
    for side in sides { try checkMetric(of: side) }
    if let window = parameters.window { check(window) }
    let properties = parameters.constantProperties ?? []
    check(properties.map(\.base), existIn: base)
    check(properties.map(\.conversion), existIn: conversion)
  }

  private func checkHasOneInput(_ side: Side, of metric: Metric) {
    if side.measure != nil, side.metric != nil {
      warn(
        "Conversion metric '\(metric.name)' should not have both a \(side.name) measure and a \(side.name) metric as "
          + "inputs. The \(side.name) measure will be ignored; please remove it to avoid confusion.")
    } else if side.measure == nil, side.metric == nil {
      // MetricFlow forgets to put the name into the second message.
      fail(
        side.isBase
          ? "Conversion metric '\(metric.name)' must have either a base measure or a base metric as inputs. Please add "
            + "one of them."
          : "Conversion metric '{metric.name}' must have either a conversion measure or a conversion metric as inputs. "
            + "Please add one of them.")
    }
  }

  /// The semantic model of an event; nil where it has none, with an issue.
  private func model(of side: Side, of metric: Metric, _ modelsByMeasure: [String: Int]) -> ModelIndex? {
    let input = side.metric.flatMap { self.metric($0.name) }
    if let input, input.type != .simple {
      fail(
        "Metric '\(input.name)' is not a Simple metric, so it cannot be used as an input for Conversion metric "
          + "'\(metric.name)'.")
    }
    switch (side.measure, side.metric) {
    case (.some, .some):
      warn(
        "Conversion metric '\(metric.name)' should not have both a \(side.name) measure and a \(side.name) metric as "
          + "inputs. The measure input will be ignored; please remove it to avoid confusion.")
    case (nil, nil):
      fail(
        "Conversion metric '\(metric.name)' must have either a \(side.name) measure or a \(side.name) metric as an "
          + "input. Please add one of them.")
    case (let measure?, nil):
      if let index = modelsByMeasure[measure.name] { return models[index] }
      fail("Input measure '\(measure.name)' for conversion metric '\(metric.name)' does not exist in your manifest.")
    case (nil, let given?):
      let name = input?.parameters.aggregation?.semanticModel
      if let name, let model = models.first(where: { $0.model.name == name }) { return model }
      fail(
        "Input metric '\(given.name)' for conversion metric '\(metric.name)' is linked to a semantic model that does "
          + "not exist in your manifest.")
    }
    return nil
  }

  private func checkEntity(_ entity: String, _ base: ModelIndex, _ conversion: ModelIndex) {
    if !base.entities.contains(entity) {
      fail("Entity: \(entity) not found in base semantic model: \(base.model.name).")
    }
    if !conversion.entities.contains(entity) {
      fail("Entity: \(entity) not found in conversion semantic model: \(conversion.model.name).")
    }
  }

  private func checkMeasure(of side: Side, in model: ModelIndex) {
    guard let input = side.measure, let measure = model.measure(input.name) else { return }
    checkCounts(measure.aggregation, measure.expression, "Measure", measure.name)
    checkFilter(input.filter, of: side, "Measure", measure.name)
  }

  private func checkMetric(of side: Side) throws(PythonException) {
    guard let input = side.metric else { return }
    guard let metric = metric(input.name) else { throw .assertion("Metric '\(input.name)' was not found.'") }
    guard let aggregation = metric.parameters.aggregation?.aggregation else {
      throw .assertion("Metric '\(input.name)' is missing aggregation parameters ")
    }
    checkCounts(aggregation, metric.parameters.expression, "Metric", metric.name)
    checkFilter(input.filter, of: side, "Metric", metric.name)
  }

  private func checkCounts(_ aggregation: AggregationType, _ expression: String?, _ kind: String, _ name: String) {
    switch aggregation {
    case .count, .countDistinct: return
    case .sum where expression == "1": return
    default:
      fail(
        "For conversion metrics, the input \(kind.lowercased()) must be COUNT/SUM(1)/COUNT_DISTINCT. \(kind) '\(name)' "
          + "is agg type: \(aggregation.pythonText)")
    }
  }

  private func checkFilter(_ filter: WhereFilterIntersection?, of side: Side, _ kind: String, _ name: String) {
    guard filter != nil, !side.isBase else { return }
    warn(
      "\(kind) input '\(name)' has a filter. For conversion metrics, filtering on the conversion input is not fully "
        + "supported yet. ")
  }

  private func check(_ properties: [String], existIn model: ModelIndex) {
    for property in properties where !model.entities.contains(property) && model.dimension(property) == nil {
      fail("The provided constant property: \(property), cannot be found in semantic model \(model.model.name)")
    }
  }
}
