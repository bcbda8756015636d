import OrderedCollections
import PlainData

/// Links metrics, semantic models and saved queries to what they are computed from.
///
/// One thread uses it.
final class SemanticResolver {
  private let resources: ParsedResources
  private let root: ProjectConfig
  /// Metrics and semantic models, the latter by the names of their measures: name to package to unique id.
  private var metrics: [String: OrderedDictionary<String, String>] = [:]
  private var models: [String: OrderedDictionary<String, String>] = [:]
  private var disabledModels: [String: String] = [:]
  private var disabledMetrics: [String: Set<String>] = [:]
  /// Metrics whose inputs are known, and those that are being looked at.
  private var settled: Set<String> = []
  private var open: OrderedSet<String> = []

  /// How many metrics may stand upon one another.
  private static let depthLimit = 200

  init(resources: ParsedResources, root: ProjectConfig) {
    self.resources = resources
    self.root = root
    for (id, metric) in resources.manifest.metrics { metrics[metric.name, default: [:]][metric.packageName] = id }
    for (id, model) in resources.manifest.semanticModels { register(model.document, id, model.packageName) }
    for (id, entries) in resources.manifest.disabledEntries {
      for entry in entries { registerDisabled(id, entry) }
    }
  }

  private func register(_ model: PlainObject, _ id: String, _ package: String) {
    for measure in model["measures"]?.arrayValue ?? [] {
      guard let name = measure["name"]?.stringValue else { continue }
      models[name, default: [:]][package] = id
    }
  }

  private func registerDisabled(_ id: String, _ entry: PlainValue) {
    guard let document = entry.objectValue, let package = document["package_name"]?.stringValue,
      let name = document["name"]?.stringValue
    else { return }
    switch document["resource_type"] {
    case "semantic_model":
      register(document, id, package)
      disabledModels[id] = name
    case "metric": disabledMetrics[name, default: []].insert(package)
    default: break
    }
  }

  /// Fills the relations of semantic models and what metrics and saved queries depend on.
  ///
  /// - Throws: a parsing error for a measure or metric that does not exist or is disabled, a compilation error for
  ///   one that a saved query asks for.
  func resolve() throws(ProjectError) {
    for (id, model) in resources.manifest.semanticModels {
      guard let node = model.dependsOnNodes.first.flatMap(resources.node) else { continue }
      resources.manifest.semanticModels[id]?.document["node_relation"] = [
        "alias": .string(node.alias), "schema_name": .string(node.schema), "database": .optional(node.database),
        "relation_name": .optional(node.relationName),
      ]
    }
    for id in Array(resources.manifest.metrics.keys) { try resolveMetric(id) }
    for node in resources.nodes.values.map(\.node) where !node.metrics.isEmpty {
      let links = try links(to: node.metrics, of: node)
      resources.mutate(node.uniqueID) { draft in
        draft.node.dependsOnNodes = links.ids
        if !links.isComplete { draft.node.config["enabled"] = false }
      }
    }
    for (id, exposure) in resources.manifest.exposures {
      resources.manifest.exposures[id]?.dependsOnNodes = try links(to: exposure.metrics, of: exposure).ids
    }
    for (id, query) in resources.manifest.savedQueries {
      let metrics = (query.document["query_params"]?["metrics"]?.arrayValue ?? []).map { [$0.pythonText] }
      resources.manifest.savedQueries[id]?.dependsOnNodes = try links(to: metrics, of: query).ids
    }
  }

  /// What a resource depends on with the metrics that it names.
  private func links(
    to metrics: [[String]], of member: any GraphMember
  ) throws(ProjectError) -> ReferenceResolver.Links {
    var links = ReferenceResolver.Links(ids: member.dependsOnNodes)
    for names in metrics {
      let wanted = ReferenceResolver.Wanted(
        kind: "metric", name: names.last ?? "", package: names.count > 1 ? names[0] : nil)
      let found = find(wanted.name, from: member.packageName, named: wanted.package)
      if let metric = found.id {
        links.add(metric)
      } else {
        links.isComplete = false
        try ReferenceResolver.refuse(resources, member, wanted, isDisabled: found.isDisabled)
      }
    }
    return links
  }

  private func find(
    _ name: String, from package: String, named: String? = nil
  ) -> (id: String?, isDisabled: Bool) {
    for candidate in ResourceLookup.packages(root, node: package, named: named) {
      let known = metrics[name]
      if let id = candidate.map({ known?[$0] }) ?? known?.values.first { return (id, false) }
    }
    return (nil, disabledMetrics[name] != nil)
  }

  private func fault(_ metric: ResourceEntry, _ message: String) -> ProjectError {
    ProjectError(.parsing, message, resource: "metric \(metric.name)", path: metric.originalFilePath)
  }

  // MARK: Metrics

  /// Fills the inputs of a metric and of those that it is computed from.
  private func resolveMetric(_ id: String) throws(ProjectError) {
    guard !settled.contains(id), let metric = resources.manifest.metrics[id] else { return }
    // As in dbt, which leaves a circle whose first metric has found a measure to the graph.
    guard !open.contains(id) || !inputMeasures(of: id).isEmpty else { throw tooDeep(id, metric) }
    guard !open.contains(id) else { return }
    guard open.count < Self.depthLimit else { throw tooDeep(id, metric) }
    open.append(id)
    defer { open.removeLast() }
    let parameters = metric.document["type_params"] ?? .null
    switch metric.document["type"]?.stringValue {
    case "simple": try resolveSimple(id, metric, parameters)
    case "cumulative": try resolveCumulative(id, metric, parameters)
    case "conversion": try resolveConversion(id, metric, parameters["conversion_type_params"] ?? .null)
    case "ratio":
      let inputs = ["numerator", "denominator"].compactMap { parameters[$0] }.filter { !$0.isNull }
      guard inputs.count == 2 else {
        throw fault(metric, "Invalid ratio metric. Both a numerator and denominator must be specified")
      }
      try addInputs(inputs, to: id, metric, saysMetric: true)
    default: try addInputs(parameters["metrics"]?.arrayValue ?? [], to: id, metric, saysMetric: true)
    }
    settled.insert(id)
  }

  private func tooDeep(_ id: String, _ metric: ResourceEntry) -> ProjectError {
    guard let start = open.firstIndex(of: id) else {
      return fault(
        metric,
        "The metric `\(metric.name)` is the last of more than \(Self.depthLimit) that are computed one from "
          + "another.")
    }
    return fault(
      metric,
      "Metrics are computed from each other in a circle: "
        + (open[start...] + [id]).compactMap { resources.manifest.metrics[$0]?.name }.joined(separator: " --> "))
  }

  private func resolveSimple(_ id: String, _ metric: ResourceEntry, _ parameters: PlainValue) throws(ProjectError) {
    if let measure = parameters["measure"], !measure.isNull { return try addMeasures([measure], to: id, metric) }
    guard let aggregation = parameters["metric_aggregation_params"], !aggregation.isNull else {
      throw fault(
        metric, "Simple metric \(metric.name) should have a measure or agg type defined, but it does not.")
    }
    add("semantic_model.\(root.name).\(aggregation["semantic_model"]?.pythonText ?? "")", to: id)
  }

  private func resolveCumulative(_ id: String, _ metric: ResourceEntry, _ parameters: PlainValue) throws(ProjectError) {
    if let measure = parameters["measure"], !measure.isNull { return try addMeasures([measure], to: id, metric) }
    guard let input = parameters["cumulative_type_params"]?["metric"], !input.isNull else {
      throw fault(
        metric, "Cumulative metric \(metric.name) should have a measure or input_metric defined, but it does not.")
    }
    try addInputs([input], to: id, metric, saysMetric: false, carriesMeasures: false)
  }

  private func resolveConversion(_ id: String, _ metric: ResourceEntry, _ parameters: PlainValue) throws(ProjectError) {
    let measures = ["base_measure", "conversion_measure"].compactMap { parameters[$0] }.filter { !$0.isNull }
    if !measures.isEmpty { return try addMeasures(measures, to: id, metric) }
    let inputs = ["base_metric", "conversion_metric"].compactMap { parameters[$0] }.filter { !$0.isNull }
    guard inputs.count == 2 else {
      throw ProjectError(
        .inline, "\(metric.name) is a conversion metric and must have conversion_type_params defined.")
    }
    try addInputs(inputs, to: id, metric, saysMetric: false, carriesMeasures: false)
  }

  /// Adds measures as inputs and the semantic models that they stand in as dependencies.
  private func addMeasures(_ measures: [PlainValue], to id: String, _ metric: ResourceEntry) throws(ProjectError) {
    addInputMeasures(measures, to: id)
    for measure in measures {
      let name = measure["name"]?.pythonText ?? ""
      let packages = ResourceLookup.packages(root, node: metric.packageName, named: nil)
      let known = models[name]
      let found = packages.lazy.compactMap { package in package.map { known?[$0] } ?? known?.values.first }.first
      guard let model = found else {
        throw fault(
          metric, "A semantic model having a measure `\(name)` does not exist but was referenced.")
      }
      if resources.manifest.semanticModels[model] == nil {
        throw fault(
          metric,
          "The measure `\(name)` is referenced on disabled semantic model `\(disabledModels[model] ?? "")`.")
      }
      add(model, to: id)
    }
  }

  /// Adds metrics as dependencies.
  ///
  /// - Parameters:
  ///   - saysMetric: whether the complaint about one that is missing names this metric.
  ///   - carriesMeasures: whether their measures become inputs of this metric.
  private func addInputs(
    _ inputs: [PlainValue], to id: String, _ metric: ResourceEntry, saysMetric: Bool, carriesMeasures: Bool = true
  ) throws(ProjectError) {
    for input in inputs {
      let name = input["name"]?.pythonText ?? ""
      let found = find(name, from: metric.packageName)
      guard let target = found.id else {
        let end = saysMetric ? " by metric `\(metric.name)`." : "."
        throw fault(
          metric,
          found.isDisabled
            ? "The metric `\(name)` is disabled and thus cannot be referenced."
            : "The metric `\(name)` does not exist but was referenced\(end)")
      }
      try resolveMetric(target)
      if carriesMeasures {
        addInputMeasures(inputMeasures(of: target), to: id)
      }
      add(target, to: id)
    }
  }

  private func add(_ dependency: String, to id: String) {
    guard !(resources.manifest.metrics[id]?.dependsOnNodes.contains(dependency) ?? true) else { return }
    resources.manifest.metrics[id]?.dependsOnNodes.append(dependency)
  }

  private func inputMeasures(of id: String) -> [PlainValue] {
    resources.manifest.metrics[id]?.document["type_params"]?["input_measures"]?.arrayValue ?? []
  }

  private func addInputMeasures(_ measures: [PlainValue], to id: String) {
    guard !measures.isEmpty, var parameters = resources.manifest.metrics[id]?.document["type_params"]?.objectValue
    else {
      return
    }
    var present = inputMeasures(of: id)
    for measure in measures where !present.contains(measure) { present.append(measure) }
    parameters["input_measures"] = .array(present)
    resources.manifest.metrics[id]?.document["type_params"] = .object(parameters)
  }
}
