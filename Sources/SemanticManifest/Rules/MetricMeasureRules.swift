import OrderedCollections

/// Rules on the measures that metrics are made of.
extension Checker {
  private var measureNames: Set<String> { Set(models.flatMap { $0.model.measures.map(\.name) }) }

  /// Measures that stand on a metric more than once, or under other names, can be told apart.
  func checkMeasureAliases() {
    safely("checking constrained measures are aliased properly") { checker throws(PythonException) in
      let names = checker.measureNames
      var users: [String: [String]] = [:]
      for metric in checker.manifest.metrics {
        checker.checkRepeatedMeasures(metric)
        for measure in metric.parameters.inputMeasures {
          guard let alias = measure.alias else { continue }
          guard !alias.isEmpty else {
            throw .assertion("Type refinement assertion, previous filter should ensure this is true")
          }
          checker.check(alias, of: measure, measureNames: names, users: users[alias])
          users[alias, default: []].append(metric.name)
        }
      }
    }
  }

  private func check(_ alias: String, of measure: InputMeasure, measureNames: Set<String>, users: [String]?) {
    checkName(alias)
    if measureNames.contains(alias) {
      fail(
        "Alias `\(alias)` for measure `\(measure.name)` conflicts with measure names defined elsewhere in the model! "
          + "This can cause ambiguity for certain types of query. Please choose another alias.")
    }
    guard let users else { return }
    fail(
      "Measure alias \(alias) conflicts with a measure alias used elsewhere in the model! This can cause ambiguity for "
        + "certain types of query. Please choose another alias, or, if the measures are constrained in the same way, "
        + "consider centralizing that definition in a new semantic model. Measure specification: "
        + "\(measure.pythonText). Existing metrics with that measure alias used: \(PythonList.repr(users))")
  }

  private func checkRepeatedMeasures(_ metric: Metric) {
    let groups = OrderedDictionary(grouping: metric.parameters.inputMeasures, by: \.name)
    for (name, measures) in groups where measures.count > 1 {
      if Set(measures).count == 1 {
        warn(
          "PydanticMetric \(metric.name) has multiple identical input measures specifications for measure \(name). "
            + "This might be hiding a semantic error. Input measure specification: \(measures[0].pythonText).")
        continue
      }
      let nameless = measures.filter { $0.filter != nil && $0.alias == nil }
      guard !nameless.isEmpty else { continue }
      fail(
        "PydanticMetric \(metric.name) depends on multiple different constrained versions of measure \(name). In such "
          + "cases, aliases must be provided, but the following input measures have constraints specified without an "
          + "alias: [\(nameless.map(\.repr).joined(separator: ", "))].")
    }
  }

  /// The measures of metrics exist.
  func checkMetricMeasures() {
    let names = measureNames
    for metric in manifest.metrics {
      for measure in metric.parameters.inputMeasures where !names.contains(measure.name) {
        fail("Measure \(measure.name) referenced in metric \(metric.name) is not defined in the model!")
      }
    }
  }

  /// A simple metric of a measure has the measure's expression, if any.
  func checkProxyExpressions() {
    var measures: [String: Measure] = [:]
    for measure in models.lazy.flatMap(\.model.measures) { measures[measure.name] = measure }
    for metric in manifest.metrics where metric.type == .simple {
      guard let name = metric.parameters.measure?.name else { continue }
      guard let measure = measures[name] else {
        fail("Measure '\(name)'not found in semantic manifest")
        continue
      }
      guard let expression = metric.parameters.expression, expression != measure.expression,
        expression != measure.name
      else { continue }
      warn("Metric '\(metric.name)' should not have an expr set if it's proxy from measures")
    }
  }
}
