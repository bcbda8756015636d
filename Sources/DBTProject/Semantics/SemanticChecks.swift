import DBTContext
import OrderedCollections
import PlainData
import SemanticManifest

/// What is wrong with semantic models, metrics and time spines taken together, and what is going to be.
struct SemanticChecks {
  let resources: ParsedResources
  let environment: ParseEnvironment

  /// Checks little where there are no metrics or no semantic models, as dbt.
  ///
  /// - Throws: a parsing error once everything has been told.
  func check() throws(ProjectError) {
    try noteOpenDocuments()
    guard !resources.manifest.metrics.isEmpty, !resources.manifest.semanticModels.isEmpty else { return }
    let assembly = SemanticAssembly(resources)
    let issues = try assembly.semanticManifest().issues()
    var errors = issues.filter { $0.level == .error }.map(\.message)
    if let error = cumulativeMetrics() { errors.append(error) }
    noteTimeSpine(assembly)
    for issue in issues where issue.level == .warning { tell(issue.message) }
    for issue in issues where issue.level == .futureError {
      let isGranularity =
        issue.message.contains("time dimension") && issue.message.contains("must have a time granularity set")
      resources.warn(
        isGranularity ? "TimeDimensionsRequireGranularityDeprecation" : "GenericSemanticLayerDeprecation",
        issue.message)
    }
    for error in errors { tell(error) }
    guard errors.isEmpty else { throw ProjectError(.parsing, "Semantic Manifest validation failed.") }
  }

  /// Tells of documents that dbt would make semantic models of.
  private func noteOpenDocuments() throws(ProjectError) {
    for path in environment.root.openSemanticPaths {
      let documents = try FileReader.list("\(environment.root.root)/\(path)").map(\.name).filter {
        $0.hasSuffix(".json")
      }
      guard let first = documents.min() else { continue }
      tell(
        "\(path)/\(first) is not read: Sallyport makes no semantic models of documents of Open Semantic Interchange. "
          + "Describe its datasets and metrics in property files.")
    }
  }

  private func tell(_ message: String) { resources.warn("SemanticValidationFailure", message) }

  /// The complaint about metrics in the old form, where the project's flags do not allow it.
  private func cumulativeMetrics() -> String? {
    let names = resources.manifest.metrics.values.filter { metric in
      let parameters = metric.document["type_params"]
      return ["window", "grain_to_date"].contains { parameters?[$0]?.isTruthy ?? false }
    }.map(\.name)
    guard !names.isEmpty else { return nil }
    guard environment.root.isOn(.requiresNestedCumulativeParameters) else {
      resources.warn(
        "MFCumulativeTypeParamsDeprecation",
        "Cumulative fields `type_params.window` and `type_params.grain_to_date` have been moved and will soon be "
          + "deprecated. Please nest those values under `type_params.cumulative_type_params.window` and "
          + "`type_params.cumulative_type_params.grain_to_date`. See documentation on behavior changes: "
          + "https://docs.getdbt.com/reference/global-configs/behavior-changes.")
      return nil
    }
    return
      "Cumulative fields `type_params.window` and `type_params.grain_to_date` should be nested under "
      + "`type_params.cumulative_type_params.window` and `type_params.cumulative_type_params.grain_to_date`. "
      + "Invalid metrics: \(names.joined(separator: ", ")). See documentation on behavior changes: "
      + "https://docs.getdbt.com/reference/global-configs/behavior-changes."
  }

  /// Tells of a time spine without properties where no other one has days.
  private func noteTimeSpine(_ assembly: SemanticAssembly) {
    guard !environment.root.isOn(.requiresTimeSpineProperties), let former = assembly.formerTimeSpine,
      former.timeSpine.isNull, !assembly.timeSpines.contains(where: { $0.granularity == "day" })
    else { return }
    resources.warn(
      "MFTimespineWithoutYamlConfigurationDeprecation",
      "Time spines without YAML configuration are in the process of deprecation. Please add YAML configuration for your "
        + "'metricflow_time_spine' model. See documentation on MetricFlow time spines: "
        + "https://docs.getdbt.com/docs/build/metricflow-time-spine and behavior change documentation: "
        + "https://docs.getdbt.com/reference/global-configs/behavior-changes.")
  }
}
