/// Follows metrics to the measures below them, to fail where MetricFlow does: nothing else comes of it.
struct InputMeasureCheck {
  private let metrics: [Metric]
  /// The first metric of each name.
  private let byName: [String: Int]

  init(_ metrics: [Metric]) {
    self.metrics = metrics
    byName = Dictionary(
      metrics.enumerated().map { ($0.element.name, $0.offset) }, uniquingKeysWith: { first, _ in first })
  }

  /// The names of the metrics a derived metric or a ratio is made of.
  static func inputs(of metric: Metric) throws(OpenSemanticError) -> [String] {
    switch metric.type {
    case .derived: return (metric.parameters.metrics ?? []).map(\.name)
    case .ratio:
      guard let numerator = metric.parameters.numerator, let denominator = metric.parameters.denominator else {
        throw .uncaught(
          "AssertionError",
          "\(metric.name) is metric type MetricType.RATIO, so neither the numerator and denominator should not be None")
      }
      return [numerator.name, denominator.name]
    case .conversion:
      guard metric.parameters.conversion != nil else {
        throw .uncaught("AssertionError", "Conversion metric '\(metric.name)' must have conversion_type_params.")
      }
      return []
    case .simple, .cumulative: return []
    }
  }

  /// A metric on the way down, and what is left of its inputs.
  private struct Visit {
    let metric: Int
    var inputs: ArraySlice<String>
    var height = 1
  }

  func run() throws(OpenSemanticError) {
    /// How many metrics stand below each other from here; nil until known.
    var heights = [Int?](repeating: nil, count: metrics.count)
    var isOpen = [Bool](repeating: false, count: metrics.count)
    for metric in metrics where metric.parameters.inputMeasures.isEmpty {
      var visits: [Visit] = []
      try enter(metric.name, &visits, &isOpen, heights)
      while var visit = visits.popLast() {
        guard let name = visit.inputs.popFirst() else {
          isOpen[visit.metric] = false
          heights[visit.metric] = visit.height
          if let parent = visits.indices.last { visits[parent].height = max(visits[parent].height, visit.height + 1) }
          continue
        }
        if let index = byName[name], let height = heights[index] { visit.height = max(visit.height, height + 1) }
        visits.append(visit)
        try enter(name, &visits, &isOpen, heights)
      }
    }
  }

  private func enter(
    _ name: String, _ visits: inout [Visit], _ isOpen: inout [Bool], _ heights: [Int?]
  ) throws(OpenSemanticError) {
    guard let index = byName[name] else {
      throw .uncaught("ModelTransformError", "Metric '\(name)' is not configured as a metric in the model.")
    }
    let height = heights[index]
    guard !isOpen[index], visits.count + (height ?? 1) < OpenSemanticLimits.measureDepth else { throw .recursion }
    guard height == nil else { return }
    visits.append(Visit(metric: index, inputs: try Self.inputs(of: metrics[index])[...]))
    isOpen[index] = true
  }
}
