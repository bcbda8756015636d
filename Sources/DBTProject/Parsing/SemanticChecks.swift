import DBTContext
import OrderedCollections
import PlainData

/// What of metrics and time spines is written in ways that dbt has given up or is going to.
struct SemanticChecks {
  let resources: ParsedResources
  let environment: ParseEnvironment

  /// The model that was the time spine before there were properties for it.
  private static let formerSpine = "metricflow_time_spine"

  /// Checks nothing where there are no metrics or no semantic models, as dbt.
  ///
  /// - Throws: a parsing error for cumulative metrics in the old form, unless the project's flags allow it.
  func check() throws(ProjectError) {
    guard !resources.manifest.metrics.isEmpty, !resources.manifest.semanticModels.isEmpty else { return }
    let isOld = !noteCumulativeMetrics()
    noteTimeSpine()
    guard !isOld else { throw ProjectError(.parsing, "Semantic Manifest validation failed.") }
  }

  /// Whether metrics in the old form are none or allowed.
  private func noteCumulativeMetrics() -> Bool {
    let names = resources.manifest.metrics.values.filter { metric in
      let parameters = metric.document["type_params"]
      return ["window", "grain_to_date"].contains { parameters?[$0]?.isTruthy ?? false }
    }.map(\.name)
    guard !names.isEmpty else { return true }
    guard environment.root.isOn(.requiresNestedCumulativeParameters) else {
      resources.warn(
        "MFCumulativeTypeParamsDeprecation",
        "Cumulative fields `type_params.window` and `type_params.grain_to_date` have been moved and will soon be "
          + "deprecated. Please nest those values under `type_params.cumulative_type_params.window` and "
          + "`type_params.cumulative_type_params.grain_to_date`. See documentation on behavior changes: "
          + "https://docs.getdbt.com/reference/global-configs/behavior-changes.")
      return true
    }
    environment.invocation.log(
      LogLine(
        .error,
        "[WARNING]: Cumulative fields `type_params.window` and `type_params.grain_to_date` should be nested under "
          + "`type_params.cumulative_type_params.window` and `type_params.cumulative_type_params.grain_to_date`. "
          + "Invalid metrics: \(names.joined(separator: ", ")). See documentation on behavior changes: "
          + "https://docs.getdbt.com/reference/global-configs/behavior-changes.", event: "SemanticValidationFailure"))
    return false
  }

  /// Tells of a time spine without properties where no other one has days.
  private func noteTimeSpine() {
    guard !environment.root.isOn(.requiresTimeSpineProperties) else { return }
    let models = resources.nodes.values.map(\.node).filter { $0.resourceType == .model }
    guard models.contains(where: { $0.name == Self.formerSpine && $0.timeSpine.isNull }),
      !models.contains(where: { model in
        let column = model.timeSpine["standard_granularity_column"]?.stringValue ?? ""
        return model.columns[column]?["granularity"] == "day"
      })
    else { return }
    resources.warn(
      "MFTimespineWithoutYamlConfigurationDeprecation",
      "Time spines without YAML configuration are in the process of deprecation. Please add YAML configuration for your "
        + "'metricflow_time_spine' model. See documentation on MetricFlow time spines: "
        + "https://docs.getdbt.com/docs/build/metricflow-time-spine and behavior change documentation: "
        + "https://docs.getdbt.com/reference/global-configs/behavior-changes.")
  }
}
