import DBTContext
import OrderedCollections
import PlainData

/// Makes the resources that live in property files only: exposures and groups, and the properties of macros.
struct EntryParser {
  let resources: ParsedResources
  let environment: ParseEnvironment

  private func fqn(_ entry: PropertyEntry) -> [String] {
    NodeParser.fqn(entry.file.packageName, entry.file.relativePath, entry.name)
  }

  private func heading(_ entry: PropertyEntry, _ type: ResourceType) -> PlainObject {
    [
      "name": .string(entry.name), "resource_type": .string(type.rawValue),
      "package_name": .string(entry.file.packageName), "path": .string(entry.file.relativePath),
      "original_file_path": .string(entry.file.originalFilePath),
      "unique_id": .string("\(type.rawValue).\(entry.file.packageName).\(entry.name)"),
    ]
  }

  private func make(_ entry: PropertyEntry, _ type: ResourceType, _ document: PlainObject) -> ResourceEntry {
    ResourceEntry(
      uniqueID: "\(type.rawValue).\(entry.file.packageName).\(entry.name)", resourceType: type,
      packageName: entry.file.packageName, name: entry.name, fqn: fqn(entry),
      originalFilePath: entry.file.originalFilePath, document: document)
  }

  private func owner(_ entry: PropertyEntry, _ noun: String) throws(ProjectError) -> PlainValue {
    let owner = entry.members["owner"]?.objectValue ?? [:]
    guard !(owner["name"] ?? .null).isNull || !(owner["email"] ?? .null).isNull else {
      throw entry.invalid("at path []: \(noun) owner must have at least one of 'name' or 'email'.")
    }
    var document: PlainObject = ["email": owner["email"] ?? .null, "name": owner["name"] ?? .null]
    document.merge(owner) { _, last in last }
    return .object(document)
  }

  // MARK: Exposures and groups

  /// Adds an exposure; its `depends_on` texts are rendered for their references.
  func addExposure(_ entry: PropertyEntry) throws(ProjectError) {
    let members = entry.members
    if !entry.name.unicodeScalars.allSatisfy({
      $0 == "_" || $0 == "-" || $0.properties.isAlphabetic || $0.properties.numericType != nil
    }) {
      resources.warn(
        "ExposureNameDeprecation",
        "Starting in v1.3, the 'name' of an exposure should contain only letters, numbers, and underscores. Exposures "
          + "support a new property, 'label', which may contain spaces, capital letters, and special characters. "
          + "\(entry.name) does not follow this pattern. Please update the 'name', and use the 'label' property for a "
          + "human-friendly title. This will raise an error in a future version of dbt-core.")
    }
    let package = entry.file.packageName
    var config = try environment.configs.build(.exposure, fqn: fqn(entry), package: package, patch: entry.config)
    let own = (members["tags"]?.arrayValue ?? members["tags"].map { [$0] } ?? []).compactMap(\.stringValue)
    let configured = (config["tags"]?.arrayValue ?? config["tags"].map { [$0] } ?? []).compactMap(\.stringValue)
    let tags = Array(Set(own + configured)).sorted { $0.precedes($1) }
    let meta = (members["meta"]?.objectValue ?? [:]).merging(config["meta"]?.objectValue ?? [:]) { _, last in last }
    config["tags"] = .strings(tags)
    config["meta"] = .object(meta)
    var document = heading(entry, .exposure)
    document["fqn"] = .strings(fqn(entry))
    document["type"] = members["type"]
    document["owner"] = try owner(entry, "Exposure")
    document["description"] = members["description"] ?? ""
    for key in ["label", "maturity"] { document[key] = members[key] ?? .null }
    document["meta"] = .object(meta)
    document["tags"] = .strings(tags)
    document["config"] = .object(config)
    document["unrendered_config"] = .object(
      environment.configs.unrendered(.exposure, fqn: fqn(entry), package: package, patch: entry.config))
    document["url"] = members["url"] ?? .null
    var exposure = make(entry, .exposure, document)
    exposure.tags = tags
    exposure.config = config
    try readReferences(entry, into: &exposure)
    try add(exposure, to: \.exposures, "exposures")
  }

  private func readReferences(_ entry: PropertyEntry, into exposure: inout ResourceEntry) throws(ProjectError) {
    let lines = (entry.members["depends_on"]?.arrayValue ?? []).map(\.pythonText)
    let stand = Node(
      uniqueID: exposure.uniqueID, resourceType: .exposure, packageName: exposure.packageName, name: exposure.name,
      alias: exposure.name, database: nil, schema: "", path: entry.file.relativePath,
      originalFilePath: entry.file.originalFilePath, fqn: exposure.fqn, rawCode: "", config: [:])
    let context = ParseContext(environment, node: stand)
    try context.render(lines.map { "{{ \($0) }}" }.joined(separator: "\n"))
    exposure.refs = context.capture.refs
    exposure.sources = context.capture.sources
    exposure.metrics = context.capture.metrics
    exposure.document["refs"] = .array(exposure.refs.map(\.json))
    exposure.document["sources"] = .array(exposure.sources.map(PlainValue.strings))
    exposure.document["metrics"] = .array(exposure.metrics.map(PlainValue.strings))
    exposure.document["created_at"] = .double(environment.createdAt)
  }

  /// Adds a group.
  func addGroup(_ entry: PropertyEntry) throws(ProjectError) {
    var document = heading(entry, .group)
    document["owner"] = try owner(entry, "Group")
    document["description"] = entry.members["description"] ?? .null
    let config = try environment.configs.build(
      .group, fqn: fqn(entry), package: entry.file.packageName, patch: entry.config)
    document["config"] = .object(config)
    try add(make(entry, .group, document), to: \.groups, "groups")
  }

  /// Adds a metric, semantic model or saved query.
  func add(_ entry: ResourceEntry, _ type: ResourceType) throws(ProjectError) {
    switch type {
    case .metric: try add(entry, to: \.metrics, "metrics")
    case .semanticModel: try add(entry, to: \.semanticModels, "semantic_models")
    default: try add(entry, to: \.savedQueries, "saved_queries")
    }
  }

  private func add(
    _ entry: ResourceEntry, to list: WritableKeyPath<Manifest, OrderedDictionary<String, ResourceEntry>>,
    _ plural: String
  ) throws(ProjectError) {
    guard entry.isEnabled else {
      resources.manifest.disabledEntries[entry.uniqueID, default: []].append(entry.json())
      return
    }
    if let present = resources.manifest[keyPath: list][entry.uniqueID] {
      throw DuplicateResource.error(
        plural, entry.name, entry.name, (entry.uniqueID, entry.originalFilePath),
        (present.uniqueID, present.originalFilePath))
    }
    resources.manifest[keyPath: list][entry.uniqueID] = entry
  }

  // MARK: Macros

  /// Lays an entry of `macros` over the macro it describes.
  func patchMacro(_ entry: PropertyEntry) throws(ProjectError) {
    let id = "macro.\(entry.file.packageName).\(entry.name)"
    guard var macro = resources.manifest.macros[id] else {
      resources.warn("MacroNotFoundForPatch", "Found patch for macro \"\(entry.name)\" which was not found")
      return
    }
    if let present = macro.patchPath {
      throw DuplicateResource.entry(
        "macro in package \(entry.file.packageName) named \(entry.name). Macros may only be described", "macros",
        entry.name,
        in: entry.file.originalFilePath, present)
    }
    macro.patchPath = entry.file.fileID
    macro.description = entry.members["description"]?.stringValue ?? ""
    macro.meta = (entry.members["meta"]?.objectValue ?? [:]).merging(
      entry.config["meta"]?.objectValue ?? [:]
    ) { _, last in last }
    let docs = (entry.config["docs"] ?? entry.members["docs"])?.objectValue ?? [:]
    macro.docs.merge(docs) { _, last in last }
    let arguments = (entry.members["arguments"]?.arrayValue ?? []).compactMap(\.objectValue)
    let isChecked = environment.root.isOn(.checksMacroArguments)
    if isChecked {
      for text in MacroArguments.complaints(arguments, own: macro.arguments, macro: macro.name) {
        resources.warn("InvalidMacroAnnotation", text)
      }
    }
    if !isChecked || !arguments.isEmpty {
      macro.arguments = arguments.map { argument in
        [
          "name": argument["name"] ?? .null, "type": argument["type"] ?? .null,
          "description": argument["description"] ?? "",
        ]
      }
    }
    resources.manifest.macros[id] = macro
  }
}
