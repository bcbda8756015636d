import DBTContext
import Jinja

/// The adapter's methods on relations and schemas: the cache in front, macros behind.
struct AdapterRelations {
  let host: any AdapterHost

  func required(_ value: Value?, _ method: String) throws -> Relation {
    if let relation = value?.relationValue { return relation }
    guard value?.isNone ?? true else {
      throw DBTError(
        .compilation,
        "'adapter.\(method)' expects argument 'relation' to be of type 'PostgresRelation', instead got \(value?.text ?? "") "
          + "(\(value?.typeName ?? ""))")
    }
    throw DBTError(.compilation, "Attempted to use a null relation in \(method) for \(host.connection.name)")
  }

  /// The one relation of this name.
  ///
  /// - Throws: when several match, or one that differs in case.
  func find(
    database: String?, schema: String?, identifier: String?, _ evaluation: Evaluation
  ) throws -> Relation? {
    func folded(_ text: String?, _ component: RelationComponent) -> String? {
      host.quoting[component] == false ? text?.lowercased() : text
    }
    let wanted = (folded(database, .database), folded(schema, .schema), folded(identifier, .identifier))
    let matches = try list(database: database, schema: schema, named: identifier, evaluation).filter {
      try $0.matches(database: wanted.0, schema: wanted.1, identifier: wanted.2)
    }
    guard matches.count <= 1 else {
      throw DBTError(
        .compilation,
        "get_relation returned more than one relation with the given args. Please specify a database or schema to "
          + "narrow down the result set.\n\(matches.map { $0.render() }.joined(separator: ", "))")
    }
    return matches.first
  }

  /// The relations of a schema, from the cache when it knows the schema.
  ///
  /// - Parameter name: what is looked for among them; the cache leaves out what it could not mean.
  func list(
    database: String?, schema: String?, named name: String? = nil, _ evaluation: Evaluation
  ) throws -> [Relation] {
    if host.cache.knows(database: database, schema: schema) {
      return host.cache.relations(database: database, schema: schema, named: name)
    }
    let relation = try Relation(RelationPath(database: database, schema: schema, identifier: "")).quoting(host.quoting)
    let found = try listUncached(relation.withoutIdentifier(), evaluation)
    for relation in found { host.cache.add(relation) }
    host.cache.addSchema(database: database, schema: schema)
    return found
  }

  /// Asks the database.
  func listUncached(_ schema: Relation, _ evaluation: Evaluation) throws -> [Relation] {
    let table = try host.callMacro("list_relations_without_caching", [("schema_relation", schema.value)])
    return try Tables.rows(table, evaluation).map { row in
      guard row.count >= 4 else {
        throw DBTError(
          .runtime, "Invalid value from \"list_relations_without_caching\": \(row.count) columns, expected 4")
      }
      return try Relation(
        RelationPath(database: row[0].text, schema: row[2].text, identifier: row[1].text),
        type: RelationType(rawValue: row[3].text) ?? .external)
    }
  }

  func schemaExists(_ database: Value, _ schema: Value, _ evaluation: Evaluation) throws -> Bool {
    let path = RelationPath(database: database.text, schema: schema.text, identifier: "INFORMATION_SCHEMA")
    let relation = try Relation(path).quoting(host.quoting).informationSchema()
    let table = try host.callMacro("check_schema_exists", [("information_schema", relation.value), ("schema", schema)])
    guard let count = try Tables.rows(table, evaluation).first?.first else { return false }
    return count.isTruthy
  }

  /// `create_schema`, `drop_schema`, `drop_relation`, `truncate_relation`: the macro of that name, and the cache.
  func change(_ method: String, _ relation: Relation) throws {
    switch method {
    case "drop_relation":
      guard relation.type != nil else {
        throw DBTError(.compilation, "Tried to drop relation \(relation.text), but its type is null.")
      }
      host.cache.drop(RelationKey(relation))
      _ = try host.callMacro(method, [("relation", relation.value)])
    case "create_schema", "drop_schema":
      let schema = relation.withoutIdentifier()
      _ = try host.callMacro(method, [("relation", schema.value)])
      try host.connection.commit()
      if method == "drop_schema" { host.cache.dropSchema(database: schema.database, schema: schema.schema) }
    default:
      _ = try host.callMacro(method, [("relation", relation.value)])
    }
  }

  func rename(_ old: Relation, to new: Relation, inDatabase: Bool) throws {
    guard host.cache.rename(RelationKey(old), to: new) else {
      throw DBTError(
        .internal, "While renaming \(old.render()) to \(new.render()), \(new.render()) was already in the cache")
    }
    guard inDatabase else { return }
    _ = try host.callMacro("rename_relation", [("from_relation", old.value), ("to_relation", new.value)])
  }
}
