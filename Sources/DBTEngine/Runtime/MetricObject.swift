import DBTContext
import DBTProject
import Jinja
import OrderedCollections
import PlainData

/// What `metric()` gives while a run renders: the name of a metric as text, its members as attributes, and dbt's helpers
/// that tell which metrics it is computed from.
final class MetricObject: Object {
  let typeName = "ResolvedMetricReference"
  private let metric: ResourceEntry
  private let manifest: Manifest

  init(_ metric: ResourceEntry, _ manifest: Manifest) {
    self.metric = metric
    self.manifest = manifest
  }

  var text: String { metric.name }

  func attribute(_ name: String, _ evaluation: Evaluation) throws -> Value? {
    switch name {
    case "metric_name": .string(metric.name)
    case "full_metric_dependency": helper(name) { _ in true }
    case "base_metric_dependency": helper(name) { !Self.isDerived($0) }
    case "derived_metric_dependency": helper(name, Self.isDerived)
    case "derived_metric_dependency_depth":
      .function(name, []) { [self] _, _ in
        .list(try depths().map { Value(.object([$0.metric.name: .int($0.depth)])) })
      }
    default: metric.json()[name].map { Value($0) }
    }
  }

  private func helper(_ name: String, _ isWanted: @escaping (ResourceEntry) -> Bool) -> Value {
    .function(name, []) { [self] _, _ in
      .list(try upstream().filter(isWanted).map { .string($0.name) })
    }
  }

  private static func isDerived(_ metric: ResourceEntry) -> Bool {
    ["derived", "ratio"].contains(metric.document["type"]?.stringValue ?? "")
  }

  private func inputs(of metric: ResourceEntry) -> [ResourceEntry] {
    metric.dependsOnNodes.compactMap { manifest.metrics[$0] }
  }

  /// The metric and all that it is computed from, each once.
  private func upstream() throws -> [ResourceEntry] {
    var found: OrderedDictionary<String, ResourceEntry> = [:]
    var open = [metric]
    while let next = open.popLast() {
      guard found.updateValue(next, forKey: next.uniqueID) == nil else { continue }
      open += inputs(of: next).reversed()
    }
    return Array(found.values)
  }

  /// The derived metrics among these with the number of steps to each, one for every way that leads there.
  private func depths() throws -> [(metric: ResourceEntry, depth: Int)] {
    var found: [(metric: ResourceEntry, depth: Int)] = []
    var open = [(metric: metric, depth: 1)]
    while let next = open.popLast() {
      guard Self.isDerived(next.metric) else { continue }
      guard found.count < Self.wayLimit else {
        throw DBTError(
          .compilation, "metric '\(metric.name)' is computed from others in more than \(Self.wayLimit) ways")
      }
      found.append(next)
      open += inputs(of: next.metric).reversed().map { ($0, next.depth + 1) }
    }
    return found
  }

  private static let wayLimit = 10_000
}
