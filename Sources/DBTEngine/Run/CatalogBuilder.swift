import DBTContext
import DBTProject
import Jinja
import OrderedCollections
package import PlainData

/// What stands in the database, as `docs generate` writes it into `catalog.json` (v1).
package struct CatalogBuilder {
  private let run: RunContext
  private let cancellation: Cancellation

  /// Up to this many relations are asked for one by one; above, whole schemas.
  private static let relationLimit = 100

  package init(_ run: RunContext, _ cancellation: Cancellation) {
    self.run = run
    self.cancellation = cancellation
  }

  /// The `nodes` and `sources` of the catalog. Blocks.
  ///
  /// - Parameter uniqueIDs: the nodes and sources to describe; nil for all.
  /// - Throws: a database that cannot be reached, or a macro that answers something else than a catalog.
  package func build(_ uniqueIDs: [String]?) throws(EngineError) -> (nodes: PlainObject, sources: PlainObject) {
    let connection = run.connection(
      "\(run.engine.project.profile.database).information_schema", node: nil, cancellation)
    defer { connection.close() }
    do {
      let context = RenderContext(run, node: nil, connection: connection, threadName: "MainThread")
      let rows = try rows(uniqueIDs, context)
      return try entries(rows, Set(uniqueIDs ?? all))
    } catch {
      throw EngineError(DBTError(error, node: nil)).scrubbed(by: run.invocation.scrubber)
    }
  }

  private var manifest: Manifest { run.engine.project.manifest }

  private var all: [String] { Array(manifest.nodes.keys) + Array(manifest.sources.keys) }

  private func relation(_ id: String) throws -> Relation? {
    if let source = manifest.sources[id] { return try run.engine.relation(of: source) }
    guard let node = manifest.nodes[id], SchemaSetup(run, cancellation).isRelational(node), !node.isEphemeral else {
      return nil
    }
    return try run.engine.relation(of: node)
  }

  // MARK: Asking

  private func rows(_ uniqueIDs: [String]?, _ context: RenderContext) throws -> [PlainObject] {
    let wanted = try (uniqueIDs ?? all).compactMap(relation)
    let information = try Relation(
      RelationPath(database: run.engine.project.profile.database, schema: "", identifier: "")
    ).quoting(run.engine.quoting).informationSchema()
    let table: Value
    if uniqueIDs != nil, wanted.count <= Self.relationLimit {
      guard !wanted.isEmpty else { return [] }
      table = try context.callMacro(
        "get_catalog_relations",
        [("information_schema", information.value), ("relations", .list(wanted.map(\.value)))])
    } else {
      var schemas: OrderedSet<String> = []
      for id in all { if let schema = try relation(id)?.schema { schemas.append(schema.lowercased()) } }
      guard !schemas.isEmpty else { return [] }
      table = try context.callMacro(
        "get_catalog", [("information_schema", information.value), ("schemas", .list(schemas.map { .string($0) }))])
    }
    let keys = Set(wanted.map(RelationKey.init))
    return try read(table, context.scope.evaluation()).filter { row in
      uniqueIDs == nil
        || keys.contains(
          RelationKey(
            row["table_database"]?.stringValue, row["table_schema"]?.stringValue, row["table_name"]?.stringValue))
    }
  }

  /// Each row by column names.
  private func read(_ value: Value, _ evaluation: Evaluation) throws -> [PlainObject] {
    guard let table = value.objectValue as? AgateTable else {
      throw DBTError(.compilation, "The catalog macro answered \(value.typeName), expected a table")
    }
    return try table.rows.map { row in
      var members = PlainObject()
      for (name, cell) in zip(table.columnNames, row) { members[name] = try cell.plain() }
      return members
    }
  }

  // MARK: Entries

  private func entries(
    _ rows: [PlainObject], _ wanted: Set<String>
  ) throws -> (nodes: PlainObject, sources: PlainObject) {
    var tables: OrderedDictionary<RelationKey, (metadata: PlainObject, columns: PlainObject)> = [:]
    for row in rows {
      func text(_ key: String) -> String? { row[key].flatMap { $0.isNull ? nil : $0.pythonText } }
      guard let schema = text("table_schema"), let name = text("table_name") else {
        throw DBTError(.compilation, "Catalog information missing required key table_schema or table_name")
      }
      let key = RelationKey(text("table_database"), schema, name)
      if tables[key] == nil {
        var metadata = PlainObject()
        for field in ["type", "schema", "name", "database", "comment", "owner"] {
          metadata[field] = row["table_\(field)"] ?? .null
        }
        tables[key] = (metadata, [:])
      }
      let column = text("column_name") ?? ""
      let index = row["column_index"].flatMap { $0.intValue ?? $0.doubleValue.map { Int($0) } ?? Int($0.pythonText) }
      tables[key]?.columns[column] = [
        "type": row["column_type"] ?? .null, "index": index.map { .int($0) } ?? .null, "name": .string(column),
        "comment": row["column_comment"] ?? .null,
      ]
    }
    var nodes = PlainObject()
    var sources = PlainObject()
    let (nodeIDs, sourceIDs) = identifiers()
    for (key, table) in tables {
      if let id = nodeIDs[key], wanted.contains(id) { nodes[id] = Self.entry(table.metadata, table.columns, id) }
      for id in sourceIDs[key] ?? [] where wanted.contains(id) {
        sources[id] = Self.entry(table.metadata, table.columns, id)
      }
    }
    return (nodes, sources)
  }

  /// Unique ids by relation; several sources may be one relation.
  private func identifiers() -> ([RelationKey: String], [RelationKey: [String]]) {
    var nodes: [RelationKey: String] = [:]
    for (id, node) in manifest.nodes { nodes[RelationKey(node.database, node.schema, node.alias)] = id }
    var sources: [RelationKey: [String]] = [:]
    for (id, source) in manifest.sources {
      sources[RelationKey(source.database, source.schema, source.identifier), default: []].append(id)
    }
    return (nodes, sources)
  }

  private static func entry(_ metadata: PlainObject, _ columns: PlainObject, _ id: String) -> PlainValue {
    [
      "metadata": .object(metadata), "columns": .object(columns),
      "stats": [
        "has_stats": [
          "id": "has_stats", "label": "Has Stats?", "value": false, "include": false,
          "description": "Indicates whether there are statistics for this table",
        ]
      ], "unique_id": .string(id),
    ]
  }
}
