import DBTContext
import DBTProject
import Jinja
import OrderedCollections
import PlainData

/// Makes the schemas that nodes need and fills the relation cache (dbt-engine.md §3.1).
struct SchemaSetup {
  private let run: RunContext
  private let cancellation: Cancellation

  init(_ run: RunContext, _ cancellation: Cancellation) {
    self.run = run
    self.cancellation = cancellation
  }

  /// Prepares a whole run: schemas of the selected nodes, relations of every schema that the project uses, and which of
  /// them depend on which.
  ///
  /// - Parameter createsSchemas: false for commands that only compile.
  func prepare(createsSchemas: Bool) throws(DBTError) {
    if createsSchemas {
      let nodes = run.selected.compactMap { run.engine.project.manifest.node($0) }
      try create(schemas(of: nodes.filter(needsSchema)))
    }
    guard run.invocation.flags["POPULATE_CACHE"]?.boolValue ?? true else { return run.setPrepared() }
    let manifest = run.engine.project.manifest
    let considered =
      run.invocation.flags["CACHE_SELECTED_ONLY"]?.boolValue ?? false
      ? run.selected.compactMap { manifest.nodes[$0] } : Array(manifest.nodes.values)
    let known = schemas(of: considered.filter { isRelational($0) && !$0.isEphemeral })
    for schema in known {
      try cancelled()
      try onConnection("list_\(schema.database ?? "")_\(schema.schema ?? "")") { relations, evaluation in
        _ = try relations.list(database: schema.database, schema: schema.schema, evaluation)
      }
    }
    try link(known)
    run.setPrepared()
  }

  /// Makes the schema of one node, when it is not there.
  func ensure(_ node: Node) throws(DBTError) {
    guard needsSchema(node) else { return }
    try create(schemas(of: [node]))
  }

  // MARK: Steps

  private func cancelled() throws(DBTError) {
    if cancellation.isCancelled { throw DBTError(.runtime, "the run was cancelled") }
  }

  private func create(_ wanted: [Relation]) throws(DBTError) {
    guard !wanted.isEmpty else { return }
    var missing: [Relation] = []
    for database in Set(wanted.map { $0.database ?? "" }).sorted() {
      let present = try existing(database)
      missing += wanted.filter {
        ($0.database ?? "") == database && !present.contains($0.schema?.lowercased() ?? "")
      }
    }
    for schema in missing {
      try cancelled()
      do throws(DBTError) {
        try onConnection("create_\(schema.database ?? "")_\(schema.schema ?? "")") { relations, _ in
          try relations.change("create_schema", schema)
        }
      } catch {
        // Several processes may make the same schema at one time; PostgreSQL lets only one of them win.
        guard try existing(schema.database ?? "").contains(schema.schema?.lowercased() ?? "") else { throw error }
      }
    }
  }

  /// The schemas of a database, in lower case.
  private func existing(_ database: String) throws(DBTError) -> Set<String> {
    var names: Set<String> = []
    try onConnection("list_\(database)") { relations, evaluation in
      let table = try relations.host.callMacro("list_schemas", [("database", .string(database))])
      names = Set(try Tables.rows(table, evaluation).compactMap { $0.first?.text.lowercased() })
    }
    return names
  }

  private func link(_ schemas: [Relation]) throws(DBTError) {
    let known = Set(schemas.compactMap { $0.schema?.lowercased() })
    guard !known.isEmpty else { return }
    let database = run.engine.project.profile.database
    try onConnection("master") { relations, evaluation in
      let table = try relations.host.callMacro("postgres__get_relations", [])
      for row in try Tables.rows(table, evaluation) where row.count >= 4 && known.contains(row[2].text.lowercased()) {
        let dependent = try Relation(RelationPath(database: database, schema: row[0].text, identifier: row[1].text))
        let referenced = try Relation(RelationPath(database: database, schema: row[2].text, identifier: row[3].text))
        run.cache.addLink(from: dependent, to: referenced)
      }
    }
  }

  private func onConnection(_ name: String, _ body: (AdapterRelations, Evaluation) throws -> Void) throws(DBTError) {
    let connection = run.connection(name, node: nil, cancellation)
    defer { connection.close() }
    let context = RenderContext(run, node: nil, connection: connection, threadName: "MainThread")
    do {
      try body(AdapterRelations(host: context), context.scope.evaluation())
    } catch {
      throw DBTError(error, node: nil)
    }
  }

  // MARK: Which schemas

  /// Whether a node makes a relation: tests do when they keep their failures.
  func isRelational(_ node: Node) -> Bool {
    switch node.resourceType {
    case .model, .seed, .snapshot, .function: true
    case .test: storesFailures(node)
    default: false
    }
  }

  private func needsSchema(_ node: Node) -> Bool { isRelational(node) && !node.isEphemeral }

  private func storesFailures(_ node: Node) -> Bool {
    if let stores = node.config["store_failures"]?.boolValue { return stores }
    return run.invocation.flags.storeFailures
  }

  private func schemas(of nodes: [Node]) -> [Relation] {
    var seen: Set<RelationKey> = []
    return nodes.compactMap { node in
      guard let relation = try? run.engine.relation(of: node).withoutIdentifier() else { return nil }
      return seen.insert(RelationKey(relation)).inserted ? relation : nil
    }
  }
}
