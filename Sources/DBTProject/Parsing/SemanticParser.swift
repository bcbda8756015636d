import DBTContext
import OrderedCollections
import PlainData

/// Makes metrics, semantic models and saved queries. The engine never computes them; they stand in the manifest in the
/// form
/// that dbt's own classes read.
struct SemanticParser {
  let resources: ParsedResources
  let environment: ParseEnvironment

  /// Adds an entry of `metrics`, `semantic_models` or `saved_queries`.
  ///
  /// - Throws: a parsing error for values of the wrong shape.
  func add(_ entry: PropertyEntry, _ type: ResourceType) throws(ProjectError) {
    let package = entry.file.packageName
    let fqn = NodeParser.fqn(package, entry.file.relativePath, entry.name)
    let config = try environment.configs.build(type, fqn: fqn, package: package, patch: entry.config)
    let id = "\(type.rawValue).\(package).\(entry.name)"
    var document: PlainObject = [
      "name": .string(entry.name), "resource_type": .string(type.rawValue), "package_name": .string(package),
      "path": .string(entry.file.relativePath), "original_file_path": .string(entry.file.originalFilePath),
      "unique_id": .string(id), "fqn": .strings(fqn),
    ]
    let own =
      switch type {
      case .metric: metric(entry)
      case .semanticModel: try semanticModel(entry)
      default: savedQuery(entry)
      }
    document.merge(own) { _, last in last }
    document["metadata"] = .some(.null)
    document["config"] = .object(config)
    document["unrendered_config"] = .object(
      environment.configs.unrendered(type, fqn: fqn, package: package, patch: entry.config))
    document["group"] = config["group"] ?? .null
    document["created_at"] = .double(environment.createdAt)
    var resource = ResourceEntry(
      uniqueID: id, resourceType: type, packageName: package, name: entry.name, fqn: fqn,
      originalFilePath: entry.file.originalFilePath, document: document)
    resource.config = config
    resource.tags = SemanticParser.texts(entry.members["tags"])
    if type == .savedQuery {
      let all = Set(resource.tags + SemanticParser.texts(config["tags"]))
      resource.tags = all.sorted { $0.precedes($1) }
      resource.document["tags"] = .strings(resource.tags)
    }
    if case .ref(let reference)? = ReferenceExpression(entry.members["model"]?.stringValue ?? "") {
      resource.refs = [reference]
      resource.document["refs"] = [reference.json]
    }
    try EntryParser(resources: resources, environment: environment).add(resource, type)
  }

  private static func texts(_ value: PlainValue?) -> [String] {
    (value?.arrayValue ?? value.map { [$0] } ?? []).compactMap(\.stringValue)
  }

  /// The members with these keys, null where absent.
  private static func members(_ value: PlainValue?, _ keys: [String], _ standards: PlainObject = [:]) -> PlainObject {
    PlainObject(
      keys.map { ($0, value?[$0] ?? standards[$0] ?? .null) }, uniquingKeysWith: { _, last in last })
  }

  /// A condition or several as dbt keeps them.
  private static func filter(_ value: PlainValue?) -> PlainValue {
    let texts = texts(value)
    guard !texts.isEmpty else { return .null }
    return ["where_filters": .array(texts.map { ["where_sql_template": .string($0)] })]
  }

  // MARK: Metrics

  private func metric(_ entry: PropertyEntry) -> PlainObject {
    let members = entry.members
    let given = members["type_params"]
    let type = members["type"]?.stringValue ?? "simple"
    var parameters: PlainObject = [
      "measure": SemanticParser.measure(given?["measure"]), "input_measures": [],
      "numerator": SemanticParser.input(given?["numerator"]),
      "denominator": SemanticParser.input(given?["denominator"]),
      "expr": given?["expr"].map { .string($0.pythonText) } ?? .null,
      "window": SemanticParser.window(given?["window"]), "grain_to_date": given?["grain_to_date"] ?? .null,
      "metrics": .array((given?["metrics"]?.arrayValue ?? []).map(SemanticParser.input)),
      "conversion_type_params": SemanticParser.conversion(given?["conversion_type_params"]),
      "cumulative_type_params": nil, "metric_aggregation_params": nil, "fill_nulls_with": nil,
      "join_to_timespine": false, "is_private": nil,
    ]
    if type == "cumulative" {
      let cumulative = given?["cumulative_type_params"]
      parameters["cumulative_type_params"] = [
        "window": SemanticParser.window(cumulative?["window"]),
        "grain_to_date": cumulative?["grain_to_date"] ?? .null, "period_agg": cumulative?["period_agg"] ?? "first",
        "metric": nil,
      ]
    }
    return [
      "description": members["description"] ?? "", "label": members["label"] ?? .string(entry.name),
      "type": .string(type), "type_params": .object(parameters), "filter": SemanticParser.filter(members["filter"]),
      "time_granularity": members["time_granularity"] ?? .null, "sources": [], "refs": [], "metrics": [],
      "meta": members["meta"] ?? entry.config["meta"] ?? [:], "tags": .strings(SemanticParser.texts(members["tags"])),
    ]
  }

  private static func measure(_ value: PlainValue?) -> PlainValue {
    guard let value, !value.isNull else { return .null }
    let object: PlainValue = if case .string = value { ["name": value] } else { value }
    var measure = members(
      object, ["name", "filter", "alias", "join_to_timespine", "fill_nulls_with"], ["join_to_timespine": false])
    measure["filter"] = filter(object["filter"])
    return .object(measure)
  }

  private static func input(_ value: PlainValue?) -> PlainValue {
    guard let value, !value.isNull else { return .null }
    let object: PlainValue = if case .string = value { ["name": value] } else { value }
    var input = members(object, ["name", "filter", "alias", "offset_window", "offset_to_grain"])
    input["filter"] = filter(object["filter"])
    input["offset_window"] = window(object["offset_window"])
    return .object(input)
  }

  private static func conversion(_ value: PlainValue?) -> PlainValue {
    guard let value, value.objectValue != nil else { return .null }
    var conversion = members(
      value, ["base_measure", "conversion_measure", "entity", "calculation", "window", "constant_properties"],
      ["calculation": "conversion_rate"])
    conversion["base_measure"] = measure(value["base_measure"])
    conversion["conversion_measure"] = measure(value["conversion_measure"])
    conversion["window"] = window(value["window"])
    return .object(conversion)
  }

  /// `7 days` as a count and a unit.
  private static func window(_ value: PlainValue?) -> PlainValue {
    let words = (value?.stringValue ?? "").split(separator: " ").map(String.init)
    guard words.count == 2, let count = Int(words[0]) else { return .null }
    let unit = words[1].lowercased()
    return ["count": .int(count), "granularity": .string(unit.hasSuffix("s") ? String(unit.dropLast()) : unit)]
  }

  // MARK: Semantic models and saved queries

  private func semanticModel(_ entry: PropertyEntry) throws(ProjectError) -> PlainObject {
    let members = entry.members
    guard let model = members["model"]?.stringValue else {
      throw entry.invalid("at path []: 'model' is a required property")
    }
    func parts(_ key: String, _ keys: [String], _ standards: PlainObject) -> PlainValue {
      .array(
        (members[key]?.arrayValue ?? []).map { part in
          var fields = SemanticParser.members(part, keys, standards)
          fields["config"] = ["meta": part["config"]?["meta"] ?? [:]]
          if key == "dimensions", let parameters = part["type_params"], parameters.objectValue != nil {
            fields["type_params"] = .object(
              SemanticParser.members(parameters, ["time_granularity", "validity_params"]))
          }
          if let expression = fields["expr"], !expression.isNull { fields["expr"] = .string(expression.pythonText) }
          return .object(fields)
        })
    }
    let defaults = members["defaults"]
    return [
      "model": .string(model), "node_relation": nil, "description": members["description"] ?? .null,
      "label": members["label"] ?? .null,
      "defaults": defaults?.objectValue == nil
        ? .null : ["agg_time_dimension": defaults?["agg_time_dimension"] ?? .null],
      "entities": parts("entities", ["name", "type", "description", "label", "role", "expr"], [:]),
      "measures": parts(
        "measures",
        [
          "name", "agg", "description", "label", "create_metric", "expr", "agg_params", "non_additive_dimension",
          "agg_time_dimension",
        ], ["create_metric": false]),
      "dimensions": parts(
        "dimensions",
        ["name", "type", "description", "label", "is_partition", "type_params", "expr", "metadata", "datatype"],
        ["is_partition": false]),
      "primary_entity": members["primary_entity"] ?? .null,
    ]
  }

  private func savedQuery(_ entry: PropertyEntry) -> PlainObject {
    let members = entry.members
    let query = members["query_params"]
    let profile = environment.profile
    let exports = (members["exports"]?.arrayValue ?? []).map { export -> PlainValue in
      let config = export["config"]
      return [
        "name": export["name"] ?? .null,
        "config": [
          "export_as": config?["export_as"] ?? .null,
          "schema_name": config?["schema"] ?? config?["schema_name"] ?? .string(profile.schema),
          "alias": config?["alias"] ?? export["name"] ?? .null, "database": .string(profile.database),
        ],
        "unrendered_config": config ?? [:],
      ]
    }
    return [
      "query_params": [
        "metrics": query?["metrics"] ?? [], "group_by": query?["group_by"] ?? [],
        "where": SemanticParser.filter(query?["where"]), "order_by": query?["order_by"] ?? [],
        "limit": query?["limit"] ?? .null,
      ],
      "exports": .array(exports), "description": members["description"] ?? .null, "label": members["label"] ?? .null,
      "refs": [], "tags": .strings(SemanticParser.texts(members["tags"])),
    ]
  }
}

/// Links metrics, semantic models and saved queries to what they are computed from.
struct SemanticResolver {
  let resources: ParsedResources

  /// Fills the relations of semantic models and what metrics and saved queries depend on. Names that do not exist are
  /// warnings:
  /// nothing that runs depends on them.
  func resolve() {
    var models: [String: String] = [:]
    for (id, model) in resources.manifest.semanticModels {
      for measure in model.document["measures"]?.arrayValue ?? [] {
        if let name = measure["name"]?.stringValue { models[name] = id }
      }
      guard let node = model.dependsOnNodes.first.flatMap(resources.node) else { continue }
      resources.manifest.semanticModels[id]?.document["node_relation"] = [
        "alias": .string(node.alias), "schema_name": .string(node.schema), "database": .optional(node.database),
        "relation_name": .optional(node.relationName),
      ]
    }
    for id in Array(resources.manifest.metrics.keys) { resolveMetric(id, models) }
    for (id, query) in resources.manifest.savedQueries {
      for name in query.document["query_params"]?["metrics"]?.arrayValue ?? [] {
        guard let metric = metric(name.pythonText) else {
          warn(query, "metric", name.pythonText)
          continue
        }
        resources.manifest.savedQueries[id]?.dependsOnNodes.append(metric)
      }
    }
  }

  private func metric(_ name: String) -> String? {
    resources.manifest.metrics.values.first { $0.name == name }?.uniqueID
  }

  private func warn(_ entry: ResourceEntry, _ kind: String, _ name: String) {
    resources.warn(
      "NodeNotFoundOrDisabled", "'\(entry.uniqueID)' depends on a \(kind) named '\(name)' which was not found")
  }

  private func resolveMetric(_ id: String, _ models: [String: String]) {
    guard let entry = resources.manifest.metrics[id], let parameters = entry.document["type_params"] else { return }
    let conversion = parameters["conversion_type_params"]
    let measures = [parameters["measure"], conversion?["base_measure"], conversion?["conversion_measure"]]
    let named = measures.compactMap { $0?["name"]?.stringValue }
    for name in named {
      guard let model = models[name] else {
        warn(entry, "measure", name)
        continue
      }
      add(model, to: id)
    }
    let inputs = [parameters["numerator"], parameters["denominator"]] + (parameters["metrics"]?.arrayValue ?? [])
    for name in inputs.compactMap({ $0?["name"]?.stringValue }) {
      guard let metric = metric(name) else {
        warn(entry, "metric", name)
        continue
      }
      add(metric, to: id)
    }
    var seen: Set<String> = []
    var changed = parameters.objectValue ?? [:]
    changed["input_measures"] = .array(inputMeasures(id, &seen))
    resources.manifest.metrics[id]?.document["type_params"] = .object(changed)
  }

  private func add(_ dependency: String, to id: String) {
    guard !(resources.manifest.metrics[id]?.dependsOnNodes.contains(dependency) ?? true) else { return }
    resources.manifest.metrics[id]?.dependsOnNodes.append(dependency)
  }

  /// The measures that a metric comes down to.
  private func inputMeasures(_ id: String, _ seen: inout Set<String>) -> [PlainValue] {
    guard seen.insert(id).inserted, let parameters = resources.manifest.metrics[id]?.document["type_params"] else {
      return []
    }
    let conversion = parameters["conversion_type_params"]
    var found = [parameters["measure"], conversion?["base_measure"], conversion?["conversion_measure"]].compactMap {
      measure -> PlainValue? in
      guard let measure, !measure.isNull else { return nil }
      return measure
    }
    let inputs = [parameters["numerator"], parameters["denominator"]] + (parameters["metrics"]?.arrayValue ?? [])
    for name in inputs.compactMap({ $0?["name"]?.stringValue }) {
      guard let metric = metric(name) else { continue }
      for measure in inputMeasures(metric, &seen) where !found.contains(measure) { found.append(measure) }
    }
    return found
  }
}
