import OrderedCollections
import PlainData

/// Makes metrics, semantic models and saved queries in the form of dbt's manifest.
///
/// The engine never computes them; they are for the tools that read the manifest and the semantic manifest.
struct SemanticParser {
  let resources: ParsedResources
  let environment: ParseEnvironment
  let names: NameGenerator

  /// The configuration of a resource, finished.
  ///
  /// - Throws: a parsing error for values of the wrong kind.
  func config(_ type: ResourceType, _ entry: PropertyEntry) throws(ProjectError) -> PlainObject {
    let package = entry.file.packageName
    return try environment.configs.build(type, fqn: fqn(entry), package: package, patch: entry.config)
  }

  private func fqn(_ entry: PropertyEntry) -> [String] {
    NodeParser.fqn(entry.file.packageName, entry.file.relativePath, entry.name)
  }

  /// Adds a resource, among the disabled ones when its configuration says so.
  ///
  /// - Parameters:
  ///   - config: its configuration, finished.
  ///   - own: the members that resources of its type have.
  ///   - refs: the nodes it reads.
  /// - Throws: a compilation error when there is one of its name already.
  func add(
    _ type: ResourceType, _ entry: PropertyEntry, _ config: PlainObject, _ own: PlainObject, refs: [RefArguments] = []
  ) throws(ProjectError) {
    let package = entry.file.packageName
    let id = "\(type.rawValue).\(package).\(entry.name)"
    var document: PlainObject = [
      "name": .string(entry.name), "resource_type": .string(type.rawValue), "package_name": .string(package),
      "path": .string(entry.file.relativePath), "original_file_path": .string(entry.file.originalFilePath),
      "unique_id": .string(id), "fqn": .strings(fqn(entry)),
    ]
    document.merge(own) { _, last in last }
    document["metadata"] = .some(.null)
    document["config"] = .object(config)
    document["unrendered_config"] = .object(
      environment.configs.unrendered(type, fqn: fqn(entry), package: package, patch: entry.config))
    document["group"] = config["group"] ?? .null
    document["created_at"] = .double(environment.createdAt)
    document["refs"] = .array(refs.map(\.json))
    var resource = ResourceEntry(
      uniqueID: id, resourceType: type, packageName: package, name: entry.name, fqn: fqn(entry),
      originalFilePath: entry.file.originalFilePath, document: document)
    resource.config = config
    resource.refs = refs
    resource.tags = SemanticParser.texts(own["tags"])
    try EntryParser(resources: resources, environment: environment).add(resource, type)
  }

  private static func texts(_ value: PlainValue?) -> [String] {
    (value?.arrayValue ?? value.map { [$0] } ?? []).compactMap(\.stringValue)
  }

  // MARK: Saved queries

  /// Adds an entry of `saved_queries`.
  func addSavedQuery(_ entry: PropertyEntry) throws(ProjectError) {
    try entry.check(.savedQuery)
    let members = entry.members
    let config = try config(.savedQuery, entry)
    if let destination = config["export_as"], !destination.isNull, SemanticParser.destination(destination) == nil {
      throw ProjectError(
        .parsing,
        "Field \"export_as\" of type Optional[ExportDestinationType] in SavedQueryConfig has invalid value "
          + destination.pythonRepresentation)
    }
    let query = members["query_params"]
    let tags = Set(SemanticParser.texts(members["tags"]) + SemanticParser.texts(config["tags"]))
    let exports = try (members["exports"]?.arrayValue ?? []).map { export throws(ProjectError) in
      try self.export(export, config, package: entry.file.packageName)
    }
    try add(
      .savedQuery, entry, config,
      [
        "query_params": [
          "metrics": query?["metrics"] ?? [], "group_by": query?["group_by"] ?? [],
          "where": MetricValues.filter(query?["where"]), "order_by": query?["order_by"] ?? [],
          "limit": query?["limit"] ?? .null,
        ],
        "exports": .array(exports), "description": members["description"] ?? .null,
        "label": members["label"] ?? .null, "tags": .strings(tags.sorted { $0.precedes($1) }),
      ])
  }

  /// What rows are written as; nil for what is neither.
  private static func destination(_ value: PlainValue) -> String? {
    value.stringValue.map { $0.lowercased() }.flatMap { ["table", "view"].contains($0) ? $0 : nil }
  }

  /// Where the rows of a saved query are written to: what the export says, else the query, else the project's macros.
  private func export(
    _ export: PlainValue, _ config: PlainObject, package: String
  ) throws(ProjectError) -> PlainValue {
    let own = export["config"]?.objectValue ?? [:]
    func given(_ key: String) -> PlainValue { own[key] ?? config[key] ?? .null }
    guard let destination = SemanticParser.destination(given("export_as")) else {
      throw ProjectError(
        .inline,
        "Field \"export_as\" of type ExportDestinationType in ExportConfig has invalid value "
          + given("export_as").pythonRepresentation)
    }
    let schema = given("schema_name").isNull ? given("schema") : given("schema_name")
    let made = try names.exportNames(
      export["name"]?.pythonText ?? "", package: package, database: given("database"), alias: given("alias"))
    return [
      "name": export["name"] ?? .null,
      "config": [
        "export_as": .string(destination), "schema_name": schema.isTruthy ? schema : .optional(made.schema),
        "alias": given("alias").isTruthy ? given("alias") : .optional(made.alias),
        "database": made.database.map { .string($0) } ?? given("database"),
      ],
      "unrendered_config": .object(own),
    ]
  }
}
