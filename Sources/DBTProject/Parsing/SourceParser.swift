import DBTContext
import OrderedCollections
import PlainData

/// Makes the tables of sources and their tests.
struct SourceParser {
  let resources: ParsedResources
  let environment: ParseEnvironment
  let tests: GenericTestParser

  /// One table of a source's entry, before it becomes part of the manifest.
  struct Declaration {
    var entry: PropertyEntry
    var source: PlainObject
    var table: PlainObject

    var package: String { entry.file.packageName }
    var sourceName: String { source["name"]?.pythonText ?? "" }
    var tableName: String { table["name"]?.pythonText ?? "" }
    var uniqueID: String { "source.\(package).\(sourceName).\(tableName)" }
    var sourceConfig: PlainObject { source["config"]?.objectValue ?? [:] }
    var tableConfig: PlainObject { table["config"]?.objectValue ?? [:] }
  }

  /// The tables of an entry.
  ///
  /// - Throws: a parsing error for a `loaded_at_field` without a name.
  static func declarations(_ entry: PropertyEntry) throws(ProjectError) -> [Declaration] {
    let tables = (entry.members["tables"]?.arrayValue ?? []).compactMap(\.objectValue)
    guard !([entry.members] + tables).contains(where: { $0["loaded_at_field"] == "" }) else {
      throw entry.invalid("at path []: loaded_at_field cannot be an empty string.")
    }
    return tables.map { Declaration(entry: entry, source: entry.members, table: $0) }
  }

  /// Adds a table and its tests to the resources.
  func add(_ declaration: Declaration) throws(ProjectError) {
    try addTests(declaration)
    let table = try table(declaration)
    if table.isEnabled {
      if let present = resources.manifest.sources[table.uniqueID] {
        throw DuplicateResource.error(
          "sources", "\(table.sourceName)_\(table.name)", "source(\"\(table.sourceName)\", \"\(table.name)\")",
          (table.uniqueID, table.originalFilePath), (present.uniqueID, present.originalFilePath))
      }
      resources.manifest.sources[table.uniqueID] = table
    } else {
      resources.manifest.disabledEntries[table.uniqueID, default: []].append(table.json())
    }
  }

  // MARK: The table

  private func table(_ declaration: Declaration) throws(ProjectError) -> SourceTable {
    let (source, table) = (declaration.source, declaration.table)
    let file = declaration.entry.file
    let folders = file.relativePath.split(separator: "/").dropLast().map(String.init)
    let fqn = [declaration.package] + folders + [declaration.sourceName, declaration.tableName]
    let given = try SourceParser.givenConfig(declaration)
    let config = try environment.configs.build(.source, fqn: fqn, package: declaration.package, patch: given)
    let database = source["database"]?.stringValue ?? environment.profile.database
    let schema = source["schema"]?.stringValue ?? declaration.sourceName
    let identifier = table["identifier"]?.stringValue ?? declaration.tableName
    let quoting = SourceParser.quoting(declaration)
    var result = SourceTable(
      uniqueID: declaration.uniqueID, packageName: declaration.package, sourceName: declaration.sourceName,
      name: declaration.tableName, database: database, schema: schema, identifier: identifier,
      path: file.originalFilePath, fqn: fqn,
      relationName: RelationName.text(
        database: database, schema: schema, identifier: identifier,
        quoting: environment.quoting.merging(quoting) { old, new in new.isNull ? old : new }))
    result.sourceDescription = source["description"]?.stringValue ?? ""
    result.loader = source["loader"]?.stringValue ?? ""
    result.quoting = quoting
    result.loadedAtField = config["loaded_at_field"]?.stringValue
    result.loadedAtQuery = config["loaded_at_query"]?.stringValue
    result.freshness = config["freshness"] ?? .null
    result.external = SourceParser.external(table["external"])
    result.description = table["description"]?.stringValue ?? ""
    result.columns = try ColumnReader(path: file.originalFilePath).columns(table["columns"]?.arrayValue ?? [])
    result.meta = config["meta"]?.objectValue ?? [:]
    result.sourceMeta = (source["meta"]?.objectValue ?? [:]).merging(
      declaration.sourceConfig["meta"]?.objectValue ?? [:]
    ) { _, last in last }
    result.tags = (config["tags"]?.arrayValue ?? []).compactMap(\.stringValue)
    result.config = config
    result.unrenderedConfig = environment.configs.unrendered(
      .source, fqn: fqn, package: declaration.package, patch: given)
    result.unrenderedDatabase = declaration.entry.unrendered["database"]?.stringValue
    result.unrenderedSchema = declaration.entry.unrendered["schema"]?.stringValue
    result.createdAt = environment.createdAt
    return result
  }

  private static func quoting(_ declaration: Declaration) -> PlainObject {
    var quoting: PlainObject = ["database": nil, "schema": nil, "identifier": nil, "column": nil]
    for given in [declaration.source["quoting"], declaration.table["quoting"]] {
      for (key, value) in given?.objectValue ?? [:] where quoting[key] != nil && !value.isNull { quoting[key] = value }
    }
    return quoting
  }

  private static func external(_ value: PlainValue?) -> PlainValue {
    guard let members = value?.objectValue else { return .null }
    var external: PlainObject = [
      "location": nil, "file_format": nil, "row_format": nil, "tbl_properties": nil, "partitions": nil,
    ]
    external.merge(members) { _, last in last }
    return .object(external)
  }

  /// What the entry says of configuration, from the source and the table, beside and inside `config`.
  private static func givenConfig(_ declaration: Declaration) throws(ProjectError) -> PlainObject {
    let (source, table) = (declaration.source, declaration.table)
    let (sourceConfig, tableConfig) = (declaration.sourceConfig, declaration.tableConfig)
    var given = sourceConfig.merging(tableConfig) { _, last in last }
    let freshness = SourceFreshness.merged(
      [source["freshness"], sourceConfig["freshness"], table["freshness"], tableConfig["freshness"]].map(
        SourceFreshness.read))
    if freshness.isNull || SourceFreshness.isSet(freshness) {
      given["freshness"] = freshness
    } else {
      given.removeValue(forKey: "freshness")
    }
    given["loaded_at_field"] = try loaded("loaded_at_field", "loaded_at_query", declaration)
    given["loaded_at_query"] = try loaded("loaded_at_query", "loaded_at_field", declaration)
    var meta = PlainObject()
    for value in [source["meta"], sourceConfig["meta"], table["meta"], tableConfig["meta"]] {
      meta.merge(value?.objectValue ?? [:]) { _, last in last }
    }
    given["meta"] = .object(meta)
    let tags = [source["tags"], sourceConfig["tags"], table["tags"], tableConfig["tags"]].flatMap { value in
      (value?.arrayValue ?? value.map { [$0] } ?? []).compactMap(\.stringValue)
    }
    given["tags"] = .strings(Array(Set(tags)).sorted { $0.precedes($1) })
    return given
  }

  /// A table's own setting, else its source's. A table that names the field or query only does without the other.
  private static func loaded(
    _ key: String, _ other: String, _ declaration: Declaration
  ) throws(ProjectError) -> PlainValue {
    let (source, table) = (declaration.source, declaration.table)
    let (sourceConfig, tableConfig) = (declaration.sourceConfig, declaration.tableConfig)
    func isGiven(_ key: String, _ members: PlainObject, _ config: PlainObject) -> Bool {
      (members[key] ?? .null).isTruthy || (config[key] ?? .null).isTruthy
    }
    for (level, members, config) in [("table", table, tableConfig), ("source", source, sourceConfig)]
    where isGiven(key, members, config) && isGiven(other, members, config) {
      throw ProjectError(
        .parsing, "Cannot specify both loaded_at_field and loaded_at_query at \(level) level.",
        path: declaration.entry.file.originalFilePath)
    }
    let isExplicit =
      table[key] != nil || tableConfig[key] != nil
      || key == "loaded_at_field" && table["loaded_at_field_present"] == true
    if isExplicit { return first(table[key], tableConfig[key]) }
    if key == "loaded_at_query", table[other] != nil || (tableConfig[other] ?? .null).isTruthy { return .null }
    return first(source[key], sourceConfig[key])
  }

  private static func first(_ one: PlainValue?, _ two: PlainValue?) -> PlainValue {
    if let one, one.isTruthy { return one }
    return two ?? .null
  }

  // MARK: Tests

  private func addTests(_ declaration: Declaration) throws(ProjectError) {
    let (source, table) = (declaration.source, declaration.table)
    let target = TestTarget(
      kind: .source(declaration.sourceName), name: declaration.tableName, packageName: declaration.package,
      path: declaration.entry.file.originalFilePath, fileKeyName: "sources.\(declaration.sourceName)")
    let tags = [source["tags"], table["tags"]].flatMap { ($0?.arrayValue ?? []).compactMap(\.stringValue) }
    for test in try list(table, declaration) {
      try resources.add(try tests.node(test, target: target, columnName: nil, tags: tags))
    }
    let quotes = SourceParser.quoting(declaration)["column"]?.boolValue ?? false
    for column in table["columns"]?.arrayValue ?? [] {
      guard let members = column.objectValue, let name = members["name"]?.stringValue else { continue }
      let isQuoted = members["quote"]?.boolValue ?? quotes
      for test in try list(members, declaration) {
        try resources.add(
          try tests.node(
            test, target: target, columnName: isQuoted ? Relation.quoted(name) : name,
            tags: tags + ColumnReader.tags(members)))
      }
    }
  }

  private func list(_ members: PlainObject, _ declaration: Declaration) throws(ProjectError) -> [PlainValue] {
    let (old, new) = (members["tests"]?.arrayValue ?? [], members["data_tests"]?.arrayValue ?? [])
    guard old.isEmpty || new.isEmpty else {
      throw ProjectError(
        .inline, "Invalid test config: cannot have both 'tests' and 'data_tests' defined",
        path: declaration.entry.file.originalFilePath)
    }
    return new.isEmpty ? old : new
  }
}
