import Foundation
import OrderedCollections
import PlainData
import SemanticManifest
import Testing

@testable import DBTProject

/// Semantic models, metrics and saved queries are read in both forms, linked, and refused in dbt's words; all that dbt says
/// of a hundred projects is compared in `Tests/Conformance/test_semantic_layer.py`.
@Suite struct SemanticTests {
  private static let spine = """
    models: [{name: days, time_spine: {standard_granularity_column: day}, columns: [{name: day, granularity: day}]}]
    """
  private static let model = """
    semantic_models:
      - name: sales
        model: ref('orders')
        defaults: {agg_time_dimension: at}
        entities: [{name: order, type: primary}]
        dimensions: [{name: at, type: time, type_params: {time_granularity: day}}]
        measures: [{name: orders, agg: count, expr: id}]

    """

  private func load(_ properties: String) throws -> LoadedProject {
    try ProjectFixture([
      "models/orders.sql": "select 1 as id, now() as at", "models/days.sql": "select current_date as day",
      "models/spine.yml": Self.spine, "models/layer.yml": properties,
    ]).load(macros: try DBTOracle.macroPackages.get())
  }

  private func complaint(_ properties: String) -> String {
    do {
      let project = try load(properties)
      return "no error; " + project.warnings.map(\.message).joined(separator: "\n")
    } catch {
      return "\(error)"
    }
  }

  @Test func metricsDependOnWhatTheyAreComputedFrom() throws {
    let manifest = try load(
      Self.model + """
        metrics:
          - {name: count, label: C, type: simple, type_params: {measure: {name: orders, fill_nulls_with: 0}}}
          - {name: twice, label: T, type: derived, type_params: {expr: count + before, metrics: [count, {name: count, alias: before, offset_window: 2 Weeks}]}}
        saved_queries: [{name: all, query_params: {metrics: [twice, twice]}}]
        """
    ).manifest
    #expect(manifest.metrics["metric.shop.count"]?.dependsOnNodes == ["semantic_model.shop.sales"])
    #expect(manifest.metrics["metric.shop.twice"]?.dependsOnNodes == ["metric.shop.count"])
    #expect(manifest.savedQueries["saved_query.shop.all"]?.dependsOnNodes == ["metric.shop.twice"])
    let parameters = manifest.metrics["metric.shop.twice"]?.document["type_params"]
    #expect(parameters?["input_measures"]?.arrayValue?.first?["fill_nulls_with"] == 0)
    #expect(
      parameters?["metrics"]?.arrayValue?.last?["offset_window"] == ["count": 2, "granularity": "week"])
    #expect(
      manifest.semanticModels["semantic_model.shop.sales"]?.document["node_relation"]?["relation_name"]
        == "\"d\".\"an\".\"orders\"")
    #expect(try manifest.semanticManifest().document["metrics"]?.arrayValue?.count == 2)
  }

  @Test(arguments: [
    ("type_params: {}", "Simple metric m should have a measure or agg type defined"),
    ("type_params: {measure: nothing}", "A semantic model having a measure `nothing` does not exist"),
    (
      "type_params: {measures: orders}",
      "at path ['type_params']: Additional properties are not allowed ('measures' was unexpected)"
    ),
    (
      "type_params: {measure: {alias: x}}",
      "at path ['type_params']['measure']: {'alias': 'x'} is not valid under any of the given"
    ),
    ("type: ratio, type_params: {numerator: m}", "Both a numerator and denominator must be specified"),
    (
      "type: derived, type_params: {metrics: [other]}",
      "The metric `other` does not exist but was referenced by metric `m`."
    ),
    (
      "type: derived, type_params: {expr: m, metrics: [m]}", "Metrics are computed from each other in a circle: m --> m"
    ),
    ("type: simple, agg: sum", "simple metrics in v2 YAML must be attached to semantic_model"),
    ("type: cumulative", "input_metric is required for cumulative metrics."),
    ("type: most, type_params: {measure: orders}", "Invalid enum value: `most` in enum MetricType"),
    ("filter: 3, type_params: {measure: orders}", "at path ['filter']: 3 is not valid under any of the given schemas"),
    (
      "type: cumulative, type_params: {measure: orders, cumulative_type_params: {window: 1.5 days}}",
      "Invalid count (1.5) in"
    ),
    ("filter: \"{{ Dimension( }}\", type_params: {measure: orders}", "Semantic Manifest validation failed."),
  ])
  func faultyMetrics(members: String, words: String) {
    let text = complaint(Self.model + "metrics: [{name: m, label: M, \(members)}]")
    #expect(text.contains(words))
  }

  /// However long a chain of metrics is, it ends.
  @Test func metricsStandOnOneAnotherToADepth() {
    let chain = (1...300).map {
      "  - {name: m\($0), label: M, type: derived, type_params: {expr: m\($0 + 1), metrics: [m\($0 + 1)]}}"
    }
    let last = "  - {name: m301, label: M, type: simple, type_params: {measure: orders}}"
    let text = complaint(Self.model + "metrics:\n" + (chain + [last]).joined(separator: "\n"))
    #expect(text.contains("is the last of more than 200 that are computed one from another"))
  }

  @Test func documentsOfOtherToolsAreNotReadInSilence() throws {
    let fixture = try ProjectFixture(["models/a.sql": "select 1 as id", "osi/b.json": "{}", "osi/a.json": "{}"])
    let warnings = try fixture.load(macros: try DBTOracle.macroPackages.get()).warnings
    #expect(warnings.map(\.message).contains { $0.hasPrefix("osi/a.json is not read") })
  }
}
