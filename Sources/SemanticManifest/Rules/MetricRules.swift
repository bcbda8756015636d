import OrderedCollections

/// Rules on derived and cumulative metrics.
extension Checker {
  private static let noCustomGranularity = "Custom granularities are not supported for this field yet."

  /// Derived metrics have inputs that exist, and use them.
  func checkDerivedMetrics() {
    for metric in manifest.metrics where metric.type == .derived { checkInputsExist(metric) }
    for metric in manifest.metrics {
      checkInputAliases(metric)
      checkOffsets(metric)
      checkDerivedExpression(metric)
    }
  }

  private func checkInputsExist(_ metric: Metric) {
    let inputs = metric.parameters.metrics ?? []
    if inputs.isEmpty {
      fail("No input metrics found for derived metric '\(metric.name)'. Please add metrics to type_params.metrics.")
    }
    for input in inputs where metricsByName[input.name] == nil {
      fail(
        "For metric: \(metric.name), input metric: '\(input.name)' does not exist as a configured metric in the model.")
    }
  }

  private func checkInputAliases(_ metric: Metric) {
    guard metric.type == .derived, let inputs = metric.parameters.metrics else { return }
    let names = Set(inputs.map(\.name))
    for input in inputs {
      guard let alias = input.alias, !alias.isEmpty else { continue }
      checkName(alias)
      guard names.contains(alias) else { continue }
      fail(
        "Alias '\(alias)' for input metric: '\(input.name)' is already being used. Please choose another alias.")
    }
  }

  private func checkOffsets(_ metric: Metric) {
    for input in metric.parameters.metrics ?? [] {
      if let window = input.offsetWindow { check(window, allowsCustom: true) }
      let grain = input.offsetGrain ?? ""
      if !grain.isEmpty, !TimeGranularity.names.contains(grain) {
        fail("Invalid time granularity found in `offset_to_grain`: '\(grain)'. \(Self.noCustomGranularity)")
      }
      if input.offsetWindow != nil, !grain.isEmpty {
        fail(
          "Both offset_window and offset_to_grain set for derived metric '\(metric.name)' on input metric "
            + "'\(input.name)'. Please set one or the other.")
      }
    }
  }

  private func checkDerivedExpression(_ metric: Metric) {
    guard metric.type == .derived else { return }
    guard let expression = metric.parameters.expression, !expression.isEmpty else {
      return warn(
        "No `expr` set for derived metric \(metric.name). Please add an `expr` that references all input metrics.")
    }
    for input in metric.parameters.metrics ?? [] {
      let alias = input.alias ?? ""
      let name = alias.isEmpty ? input.name : alias
      guard !expression.holds(name) else { continue }
      warn(
        "Input metric '\(name)' is not used in `expr`: '\(expression)' for derived metric '\(metric.name)'. Please "
          + "update the `expr` or remove the input metric.")
    }
  }

  /// Checks the granularity of a window.
  ///
  /// - Parameter allowsCustom: whether it may be one that a time spine defines.
  func check(_ window: TimeWindow, allowsCustom: Bool = false) {
    func isStandard(_ name: String) -> Bool { TimeGranularity.names.contains(name) }
    func isKnown(_ name: String) -> Bool { isStandard(name) || customGranularities.contains(name) }
    var name = window.granularity
    if name.utf8.last == UInt8(ascii: "s"), isKnown(String(name.unicodeScalars.dropLast())) {
      name = String(name.unicodeScalars.dropLast())
    }
    let message = "Invalid time granularity '\(name)' in window: '\(window.text)'"
    if !isKnown(name) {
      fail(message)
    } else if !allowsCustom, !isStandard(name) {
      fail("\(message) \(Self.noCustomGranularity)")
    }
  }

  /// Cumulative metrics have one input and one window.
  func checkCumulativeMetrics() {
    for metric in manifest.metrics where metric.type == .cumulative {
      checkCumulativeInput(metric)
      checkCumulativeWindow(metric)
    }
  }

  private func checkCumulativeInput(_ metric: Metric) {
    let hasMeasure = metric.parameters.measure != nil
    let hasMetric = metric.parameters.cumulative?.metric != nil
    if hasMeasure, hasMetric {
      warn(
        "Cumulative metric '\(metric.name)' should not have both a measure and a metric as inputs. The measure will "
          + "be ignored; please remove it to avoid confusion.")
    } else if !hasMeasure, !hasMetric {
      warn(
        "Cumulative metric '\(metric.name)' must have either a measure or a metric as inputs. Please add one of them.")
    }
  }

  private func checkCumulativeWindow(_ metric: Metric) {
    let former = metric.parameters.window
    let own = metric.parameters.cumulative?.window
    if let former, let own, former != own {
      fail(
        "Got differing values for `window` on cumulative metric '\(metric.name)'. In `type_params.window`, got "
          + "'\(former.pythonText)'. In `type_params.cumulative_type_params.window`, got '\(own.pythonText)'. Please "
          + "remove the value from `type_params.window`.")
    }
    var grain = metric.parameters.grainToDate?.rawValue ?? ""
    if let own = metric.parameters.cumulative?.grainToDate, !own.isEmpty { grain = own }
    if !grain.isEmpty, !TimeGranularity.names.contains(grain) {
      fail("Invalid time granularity found in `grain_to_date`: '\(grain)'. \(Self.noCustomGranularity)")
    }
    guard let window = own ?? former else { return }
    if !grain.isEmpty {
      fail("Both window and grain_to_date set for cumulative metric. Please set one or the other.")
    }
    check(window)
  }
}
