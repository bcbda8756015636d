import OrderedCollections
import PlainData
import SemanticManifest

/// Reads semantic models in both forms: entries of `semantic_models`, and properties of a model and its columns.
struct SemanticModelParser {
  let semantics: SemanticParser

  /// What both forms come down to.
  private struct Draft {
    let entry: PropertyEntry
    var description: PlainValue = .null
    var label: PlainValue = .null
    let model: String
    let defaults: PlainValue
    var primaryEntity: PlainValue
    var entities: [PlainObject]
    var measures: [PlainObject] = []
    var dimensions: [PlainObject]
  }

  /// Adds an entry of `semantic_models`, and metrics of the measures that ask for them.
  ///
  /// - Throws: a parsing error for a wrong shape, an error for a value that is none of an enumeration's.
  func add(_ entry: PropertyEntry) throws(ProjectError) {
    try entry.check(.semanticModel)
    let members = entry.members
    func list(_ key: String) -> [PlainObject] { (members[key]?.arrayValue ?? []).compactMap(\.objectValue) }
    let draft = Draft(
      entry: entry, description: members["description"] ?? .null, label: members["label"] ?? .null,
      model: members["model"]?.stringValue ?? "",
      defaults: members["defaults"].flatMap { defaults in
        defaults.objectValue.map { ["agg_time_dimension": $0["agg_time_dimension"] ?? .null] }
      } ?? .null,
      primaryEntity: members["primary_entity"] ?? .null,
      entities: try list("entities").map(entity), measures: try list("measures").map(measure),
      dimensions: try list("dimensions").map(dimension))
    let config = try add(draft)
    for measure in list("measures") where measure["create_metric"] == true {
      try MetricParser(semantics: semantics).add(measure: measure, config: config, file: entry.file)
    }
  }

  /// - Returns: its configuration, finished.
  private func add(_ draft: Draft) throws(ProjectError) -> PlainObject {
    let config = try semantics.config(.semanticModel, draft.entry)
    let meta = config["meta"]?.objectValue ?? [:]
    func parts(_ list: [PlainObject]) -> PlainValue {
      .array(
        list.map { part in
          let own = part["config"]?["meta"]?.objectValue ?? [:]
          var part = part
          part["config"] = ["meta": .object(meta.merging(own) { _, last in last })]
          return .object(part)
        })
    }
    var refs: [RefArguments] = []
    if case .ref(let reference)? = ReferenceExpression(draft.model) { refs = [reference] }
    try semantics.add(
      .semanticModel, draft.entry, config,
      [
        "model": .string(draft.model), "node_relation": nil, "description": draft.description, "label": draft.label,
        "defaults": draft.defaults, "entities": parts(draft.entities), "measures": parts(draft.measures),
        "dimensions": parts(draft.dimensions), "primary_entity": draft.primaryEntity,
      ], refs: refs)
    return config
  }

  // MARK: The older form

  /// The members of a part as they are, null where absent.
  private func part(_ given: PlainObject, _ keys: [String], _ standards: PlainObject = [:]) -> PlainObject {
    var part = PlainObject(
      keys.map { ($0, given[$0] ?? standards[$0] ?? .null) }, uniquingKeysWith: { _, last in last })
    part["config"] = ["meta": given["config"]?["meta"] ?? [:]]
    return part
  }

  private func entity(_ given: PlainObject) throws(ProjectError) -> PlainObject {
    var entity = part(given, ["name", "type", "description", "label", "role", "expr"])
    entity["type"] = try EntityType.value(given["type"])
    return entity
  }

  private func dimension(_ given: PlainObject) throws(ProjectError) -> PlainObject {
    var dimension = part(
      given, ["name", "type", "description", "label", "is_partition", "type_params", "expr", "metadata", "datatype"],
      ["is_partition": false])
    dimension["type"] = try DimensionType.value(given["type"])
    dimension["metadata"] = .some(.null)
    dimension["type_params"] = .some(.null)
    if let parameters = given["type_params"], parameters.objectValue != nil {
      dimension["type_params"] = [
        "time_granularity": try TimeGranularity.value(parameters["time_granularity"]),
        "validity_params": SemanticColumn.validity(parameters["validity_params"]),
      ]
    }
    return dimension
  }

  private func measure(_ given: PlainObject) throws(ProjectError) -> PlainObject {
    var measure = part(
      given,
      [
        "name", "agg", "description", "label", "create_metric", "expr", "agg_params", "non_additive_dimension",
        "agg_time_dimension",
      ])
    measure["agg"] = try AggregationType.value(given["agg"])
    // As in dbt, which makes a metric of it and forgets.
    measure["create_metric"] = false
    measure["expr"] = MetricValues.text(given["expr"])
    if let parameters = given["agg_params"], parameters.objectValue != nil {
      measure["agg_params"] = [
        "percentile": parameters["percentile"] ?? .null,
        "use_discrete_percentile": parameters["use_discrete_percentile"] ?? false,
        "use_approximate_percentile": parameters["use_approximate_percentile"] ?? false,
      ]
    }
    if let dimension = given["non_additive_dimension"], dimension.objectValue != nil {
      measure["non_additive_dimension"] = [
        "name": dimension["name"] ?? .null,
        "window_choice": try AggregationType.value(dimension["window_choice"]),
        "window_groupings": dimension["window_groupings"] ?? [],
      ]
    }
    return measure
  }

  // MARK: The newer form

  /// Adds the semantic model that the properties of a model ask for, if they do, and the metrics among them.
  func add(of node: Node, _ entry: PropertyEntry) throws(ProjectError) {
    let members = entry.members
    let settings = members["semantic_model"]?.objectValue
    guard members["semantic_model"] == true || settings.map({ $0["enabled"] != false }) ?? false else { return }
    let given = settings?["name"]?.stringValue
    let time = members["agg_time_dimension"] ?? .null
    let derived = members["derived_semantics"]
    let draft = Draft(
      entry: PropertyEntry(
        ["name": .string(given ?? node.name), "config": .object(config(settings ?? [:]))], key: "semantic_models",
        file: entry.file),
      description: .string(node.description), model: "ref('\(entry.name)')", defaults: ["agg_time_dimension": time],
      primaryEntity: members["primary_entity"] ?? .null,
      entities: columns(of: node, "entity") + (try (derived?["entities"]?.arrayValue ?? []).map(derivedEntity)),
      dimensions: columns(of: node, "dimension")
        + (try (derived?["dimensions"]?.arrayValue ?? []).map(derivedDimension)))
    _ = try add(draft)
    let metrics = MetricParser(semantics: semantics)
    for metric in members["metrics"]?.arrayValue ?? [] {
      try metrics.add(
        PropertyEntry(metric.objectValue ?? [:], key: "metrics", file: entry.file),
        host: MetricParser.Host(semanticModel: given ?? entry.name, aggregationTime: time))
    }
  }

  /// The configuration that `semantic_model` gives; its other members count beside a `config` only, as in dbt.
  private func config(_ settings: PlainObject) -> PlainObject {
    guard let own = settings["config"]?.objectValue else { return [:] }
    var config: PlainObject = ["meta": own["meta"] ?? [:], "enabled": settings["enabled"] ?? true]
    if let group = settings["group"], !group.isNull { config["group"] = group }
    return config
  }

  /// The dimensions or entities that a model's columns are.
  private func columns(of node: Node, _ key: String) -> [PlainObject] {
    node.columns.values.compactMap { column in
      guard let given = column[key], !given.isNull else { return nil }
      return key == "entity" ? columnEntity(column, given) : columnDimension(column, given)
    }
  }

  private func columnEntity(_ column: PlainValue, _ given: PlainValue) -> PlainObject {
    let isPlain = given.objectValue == nil
    var entity = part(
      (isPlain ? column : given).objectValue ?? [:], ["name", "type", "description", "label", "role", "expr"])
    if isPlain {
      entity["type"] = given
      entity["label"] = .some(.null)
    } else {
      entity["config"] = ["meta": given["config"]?["meta"] ?? column["config"]?["meta"] ?? [:]]
      entity["expr"] = given["name"] == column["name"] ? .null : column["name"] ?? .null
    }
    return entity
  }

  private func columnDimension(_ column: PlainValue, _ given: PlainValue) -> PlainObject {
    var dimension = part(
      ["name": column["name"] ?? .null, "description": column["description"] ?? .null],
      ["name", "type", "description", "label", "is_partition", "type_params", "expr", "metadata", "datatype"],
      ["is_partition": false])
    var meta = column["config"]?["meta"]?.objectValue ?? [:]
    dimension["type"] = given
    if given.objectValue != nil {
      for key in ["name", "type", "description", "label", "is_partition"] { dimension[key] = given[key] }
      meta.merge(given["config"]?["meta"]?.objectValue ?? [:]) { _, last in last }
      if let granularity = column["granularity"], !granularity.isNull {
        dimension["type_params"] = [
          "time_granularity": granularity, "validity_params": given["validity_params"] ?? .null,
        ]
      }
      dimension["expr"] = given["name"] == column["name"] ? .null : column["name"] ?? .null
    }
    dimension["config"] = ["meta": .object(meta)]
    return dimension
  }

  private func derivedEntity(_ given: PlainValue) throws(ProjectError) -> PlainObject {
    guard !(given["name"] ?? .null).isNull else {
      throw ProjectError(.inline, "Derived entity is missing a required 'name' field.")
    }
    var entity = try entity(given.objectValue ?? [:])
    entity["role"] = .some(.null)
    return entity
  }

  private func derivedDimension(_ given: PlainValue) throws(ProjectError) -> PlainObject {
    var members = given.objectValue ?? [:]
    if let granularity = members["granularity"], !granularity.isNull {
      members["type_params"] = [
        "time_granularity": granularity, "validity_params": members["validity_params"] ?? .null,
      ]
    }
    return try dimension(members)
  }
}
