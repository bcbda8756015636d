import OrderedCollections
import PlainData

/// Lays the properties of models, seeds, snapshots, analyses and singular tests over their nodes.
struct NodePatcher {
  let resources: ParsedResources
  let parser: NodeParser

  /// Applies an entry of `models`, `seeds`, `snapshots` or `analyses`.
  ///
  /// - Throws: a compilation error when the node is described twice, a parsing error for wrong properties.
  func patch(_ entry: PropertyEntry) throws(ProjectError) {
    let package = entry.file.packageName
    let found = try find(entry, package)
    if let found, let type = resources.node(found)?.resourceType, type.propertyFileKey != entry.key {
      resources.warn(
        "WrongResourceSchemaFile",
        "'\(entry.name)' is a \(type.rawValue) node, but it is specified in the \(entry.key) section of "
          + "\(entry.file.originalFilePath). To fix this error, place the `\(entry.name)` specification under the "
          + "\(type.propertyFileKey ?? "") key instead.")
      return
    }
    guard let found else {
      try patchDisabled(entry, package)
      return
    }
    if let present = resources.node(found)?.patchPath { throw NodePatcher.duplicate(entry, present) }
    try resources.update(found) { draft throws(ProjectError) in try apply(entry, to: &draft) }
  }

  private func find(_ entry: PropertyEntry, _ package: String) throws(ProjectError) -> String? {
    if entry.key == "analyses" {
      let id = "analysis.\(package).\(entry.name)"
      return resources.nodes[id] == nil
        ? resources.nodes.keys.first { $0.hasPrefix("analysis.") && resources.node($0)?.name == entry.name } : id
    }
    if let own = try resources.lookup.ref(entry.name, package: package) { return own }
    return try resources.lookup.ref(entry.name, package: nil)
  }

  private func patchDisabled(_ entry: PropertyEntry, _ package: String) throws(ProjectError) {
    let ids = resources.lookup.disabled(entry.name, package: package).filter {
      resources.node($0)?.resourceType.propertyFileKey == entry.key
    }
    guard let id = ids.first else {
      resources.warn(
        "NoNodeForYamlKey",
        "Did not find matching node for patch with name '\(entry.name)' in the '\(entry.key)' section of file "
          + "'\(entry.file.originalFilePath)'")
      return
    }
    let count = resources.disabled[id]?.count ?? 0
    if count > 1, entry.config["enabled"]?.isTruthy ?? false {
      throw ProjectError(
        .parsing,
        "Found \(count) matching disabled nodes for \(id.prefix { $0 != "." }) '\(entry.name)'. Multiple nodes for the "
          + "same unique id cannot be enabled in the schema file. They must be enabled in `dbt_project.yml` or in "
          + "the sql "
          + "files.",
        path: entry.file.originalFilePath)
    }
    try resources.updateDisabled(id) { draft throws(ProjectError) in try apply(entry, to: &draft) }
  }

  /// dbt's complaint about two descriptions of one node.
  static func duplicate(_ entry: PropertyEntry, _ presentPatch: String) -> ProjectError {
    DuplicateResource.entry(
      "resource named \(entry.name). Resources and their associated columns may only be described", "resource",
      entry.name, in: entry.file.originalFilePath, presentPatch)
  }

  // MARK: Applying

  private func apply(_ entry: PropertyEntry, to draft: inout DraftNode) throws(ProjectError) {
    if !entry.config.isEmpty {
      try parser.configure(&draft, patch: entry.config, unrenderedPatch: entry.unrenderedConfig)
    }
    try describe(&draft.node, entry.members, entry: entry)
    if draft.node.resourceType == .model {
      try NodePatcher.applyModel(&draft.node, entry.members, file: entry.file)
      try SemanticModelParser(semantics: semantics).add(of: draft.node, entry)
    }
  }

  private var semantics: SemanticParser {
    SemanticParser(resources: resources, environment: parser.environment, names: parser.names)
  }

  /// Description, columns and the file they come from.
  func describe(_ node: inout Node, _ members: PlainObject, entry: PropertyEntry) throws(ProjectError) {
    node.patchPath = entry.file.fileID
    node.description = members["description"]?.stringValue ?? ""
    node.columns = try ColumnReader(path: entry.file.originalFilePath).columns(members["columns"]?.arrayValue ?? [])
  }

  /// What only models have: dates, constraints, the contract's checksum, references of foreign keys.
  static func applyModel(_ node: inout Node, _ members: PlainObject, file: SourceFile) throws(ProjectError) {
    node.deprecationDate = try deprecationDate(members["deprecation_date"], file)
    node.timeSpine = timeSpine(members["time_spine"])
    let entries = members["constraints"]?.arrayValue ?? []
    var constraints: [PlainValue] = []
    for entry in entries {
      constraints.append(
        try ColumnReader.constraint(entry, of: "model \(node.name)", path: file.originalFilePath, isForModel: true))
    }
    node.constraints = constraints
    if node.contract["enforced"] == true, node.columns.isEmpty {
      throw ProjectError(
        .parsing,
        "Contract enforcement failed for: (\(node.originalFilePath))\nConstraints must be defined in a `yml` schema "
          + "configuration file like `schema.yml`.")
    }
    try addForeignKeys(&node)
    ContractChecksum.fill(&node)
  }

  private static func timeSpine(_ value: PlainValue?) -> PlainValue {
    guard let members = value?.objectValue else { return .null }
    let granularities = (members["custom_granularities"]?.arrayValue ?? []).map { entry -> PlainValue in
      ["name": entry["name"] ?? .null, "column_name": entry["column_name"] ?? .null]
    }
    return [
      "standard_granularity_column": members["standard_granularity_column"] ?? .null,
      "custom_granularities": .array(granularities),
    ]
  }

  /// Dates become midnight UTC, as dbt writes them.
  private static func deprecationDate(_ value: PlainValue?, _ file: SourceFile) throws(ProjectError) -> String? {
    guard let value, !value.isNull else { return nil }
    guard case .string(let text) = value else {
      throw ProjectError(.parsing, "Invalid deprecation_date: \(value.pythonText)", path: file.originalFilePath)
    }
    let isDateOnly = text.count == 10 && text.allSatisfy { $0.isASCII && ($0.isNumber || $0 == "-") }
    return isDateOnly ? text + "T00:00:00+00:00" : text.replacing(" ", with: "T")
  }

  private static func addForeignKeys(_ node: inout Node) throws(ProjectError) {
    let columnConstraints = node.columns.values.flatMap { $0["constraints"]?.arrayValue ?? [] }
    for constraint in node.constraints + columnConstraints where constraint["type"] == "foreign_key" {
      guard let target = constraint["to"]?.stringValue, !target.isEmpty else { continue }
      switch ReferenceExpression(target) {
      case .ref(let reference)?: node.refs.append(reference)
      case .source(let name, let table)?: node.sources.append([name, table])
      case nil:
        throw ProjectError(
          .parsing,
          "Invalid 'ref' or 'source' syntax on foreign key constraint 'to' on model \(node.name): \(target).",
          path: node.originalFilePath)
      }
    }
  }

  /// Applies an entry of `data_tests` at the top of a file: the description of a singular test.
  func patchSingularTest(_ entry: PropertyEntry) throws(ProjectError) {
    let id = "test.\(entry.file.packageName).\(entry.name)"
    guard resources.nodes[id] != nil else {
      resources.warn(
        "NoNodeForYamlKey",
        "Did not find matching node for patch with name '\(entry.name)' in the 'data_tests' section of file "
          + "'\(entry.file.originalFilePath)'")
      return
    }
    try resources.update(id) { draft throws(ProjectError) in
      if !entry.config.isEmpty {
        try parser.configure(&draft, patch: entry.config)
      }
      draft.node.patchPath = entry.file.fileID
      draft.node.description = entry.members["description"]?.stringValue ?? ""
    }
  }

  /// Adds a snapshot that a property file defines by its `relation`.
  func addSnapshot(_ entry: PropertyEntry) throws(ProjectError) {
    let given = entry.members["relation"] ?? .null
    let relation = given.pythonText
    let file = entry.file
    let fqn = NodeParser.fqn(file.packageName, file.relativePath, entry.name)
    let checksum = SourceFile.checksum(try file.contents())
    var node = parser.base(
      .snapshot, name: entry.name, file: file, path: entry.name + ".sql", fqn: fqn,
      code: "select * from {{ \(relation) }}", checksum: checksum)
    switch ReferenceExpression(relation) {
    case .ref(let reference)?: node.refs = [reference]
    case .source(let name, let table)?: node.sources = [[name, table]]
    case nil:
      let isLiteral = given.stringValue.map { Double($0) != nil || "'\"".contains($0.prefix(1)) } ?? !given.isNull
      throw ProjectError(.parsing, "Invalid \(isLiteral ? "ref or source" : "jinja") expression: \(relation)")
    }
    node.config = try parser.environment.configs.build(.snapshot, fqn: fqn, package: file.packageName, isChecked: false)
    try resources.add(DraftNode(node: node))
  }
}
