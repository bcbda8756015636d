import OrderedCollections

extension Checker {
  /// Percentiles have a percentile within bounds, and nothing else has one.
  func checkPercentiles() {
    for model in models {
      for measure in model.model.measures { checkPercentile(measure) }
    }
  }

  private func checkPercentile(_ measure: Measure) {
    let parameters = measure.parameters
    switch measure.aggregation {
    case .percentile: checkPercentileValue(measure)
    case .median:
      if let percentile = parameters?.percentile, percentile != 0.5 {
        fail(
          "Measure '\(measure.name)' uses a MEDIAN aggregation, while percentile is set to "
            + "'\(PythonNumber.text(percentile))', a conflicting value. Please remove the parameter or set to '0.5'.")
      }
      if parameters?.isDiscrete == true {
        fail(
          "Measure '\(measure.name)' uses a MEDIAN aggregation, while use_discrete_percentile is set to true. Please "
            + "remove the parameter or set to False.")
      }
    default:
      guard let parameters else { return }
      var wrong: [String] = []
      if let percentile = parameters.percentile, percentile != 0 { wrong.append("percentile") }
      if parameters.isDiscrete { wrong.append("use_discrete_percentile") }
      if parameters.isApproximate { wrong.append("use_approximate_percentile") }
      guard !wrong.isEmpty else { return }
      fail(
        "Measure '\(measure.name)' with aggregation '\(measure.aggregation.rawValue)' uses agg_params "
          + "(\(wrong.joined(separator: ", "))) only relevant to Percentile measures.")
    }
  }

  private func checkPercentileValue(_ measure: Measure) {
    guard let percentile = measure.parameters?.percentile else {
      return fail(
        "Measure '\(measure.name)' uses a PERCENTILE aggregation, which requires agg_params.percentile to be provided."
      )
    }
    guard percentile <= 0 || percentile >= 1 else { return }
    fail(
      "Percentile aggregation parameter for measure '\(measure.name)' is '\(PythonNumber.text(percentile))', but must "
        + "be between 0 and 1 (non-inclusive). For example, to indicate the 65th percentile value, set 'percentile: "
        + "0.65'. For percentile values of 0, please use MIN, for percentile values of 1, please use MAX.")
  }

  /// Counts have an expression.
  func checkCountExpressions() {
    for measure in models.lazy.flatMap(\.model.measures) where measure.aggregation == .count {
      guard let expression = measure.expression else {
        fail(
          "Measure '\(measure.name)' uses a COUNT aggregation, which requires an expr to be provided. Provide 'expr: "
            + "1' if a count of all rows is desired.")
        continue
      }
      guard expression.lowercased().hasPrefix("distinct ") else { continue }
      fail(
        "Measure '\(measure.name)' uses a 'count' aggregation with a DISTINCT expr: '\(expression)'. This is not "
          + "supported as it effectively converts an additive measure into a non-additive one, and this could cause "
          + "certain queries to return incorrect results. Please use the count_distinct aggregation type.")
    }
  }

  /// No two measures have the same name.
  func checkMeasuresAreUnique() {
    var owners: [String: [String]] = [:]
    for model in models {
      for measure in model.model.measures {
        if let others = owners[measure.name] {
          fail(
            "Found measure with name \(measure.name) in multiple semantic models with names "
              + "(\(PythonList.repr(others)))")
        }
        owners[measure.name, default: []].append(model.model.name)
      }
    }
  }

  /// Every measure has a time dimension, and its model has it.
  func checkTimeDimensions() {
    for model in models {
      safely("checking aggregation time dimension for a semantic model") { checker throws(PythonException) in
        for measure in model.model.measures {
          let dimension = try model.timeDimension(ofMeasure: measure.name)
          if model.timeDimensions.contains(dimension) { continue }
          checker.fail(
            "In semantic model '\(model.model.name)', measure '\(measure.name)' has the aggregation time dimension set "
              + "to '\(dimension)', which is not a valid time dimension in the semantic model")
        }
      }
    }
  }

  /// Dimensions over which measures must not be added up exist and fit.
  func checkNonAdditiveDimensions() {
    safely("ensuring that a measure's non_additive_dimensions is valid") { checker throws(PythonException) in
      for model in checker.models {
        for measure in model.model.measures {
          guard let parameters = measure.nonAdditiveDimension else { continue }
          let time = try model.timeDimension(ofMeasure: measure.name)
          checker.check(parameters, of: measure, in: model, time: time)
        }
      }
    }
  }

  private func check(
    _ parameters: NonAdditiveDimension, of measure: Measure, in index: ModelIndex, time: String
  ) {
    let model = index.model.name
    guard let timeDimension = index.dimension(time) else {
      return fail(
        "Measure '\(measure.name)' has a agg_time_dimension of \(time) that is not defined as a dimension in semantic "
          + "model '\(model)'.")
    }
    if let dimension = index.dimension(parameters.name) {
      check(dimension, parameters, of: measure, time: timeDimension)
    } else {
      fail(
        "Measure '\(measure.name)' has a non_additive_dimension with name '\(parameters.name)' that is not defined as "
          + "a dimension in semantic model '\(model)'.")
    }
    if parameters.windowChoice != .min, parameters.windowChoice != .max {
      fail(
        "Measure '\(measure.name)' has a non_additive_dimension with an invalid 'window_choice' of "
          + "'\(parameters.windowChoice.rawValue)'. Only choices supported are 'min' or 'max'.")
    }
    let unknown = OrderedSet(parameters.windowGroupings).filter { !index.entities.contains($0) }
    if !unknown.isEmpty {
      fail(
        "Measure '\(measure.name)' has a non_additive_dimension with an invalid 'window_groupings'. These entities "
          + "\(PythonList.setRepr(unknown)) do not exist in the semantic model.")
    }
  }

  private func check(
    _ dimension: Dimension, _ parameters: NonAdditiveDimension, of measure: Measure, time: Dimension
  ) {
    if dimension.type != .time {
      fail(
        "Measure '\(measure.name)' has a non_additive_dimension with name'\(parameters.name)' that is defined as a "
          + "categorical dimension which is not supported.")
    }
    if let own = dimension.parameters?.granularity, let common = time.parameters?.granularity, own != common {
      fail(
        "Measure '\(measure.name)' has a non_additive_dimension with name '\(parameters.name)' that has a base time "
          + "granularity (\(own.name)) that is not equal to the measure's agg_time_dimension \(time.name) with a base "
          + "granularity of (\(common.name)).")
    }
  }
}
