package import Jinja
import OrderedCollections
package import PlainData

/// A relation in a template.
package final class RelationObject: Object {
  package let relation: Relation

  package init(_ relation: Relation) { self.relation = relation }

  package var typeName: String { relation.isInformationSchema ? "InformationSchema" : "PostgresRelation" }
  package var qualifiedTypeName: String {
    (relation.isInformationSchema ? "dbt.adapters.base.relation." : "dbt.adapters.postgres.relation.") + typeName
  }
  package var text: String { relation.text }
  package var repr: String { "<\(typeName) \(relation.render())>" }
  package var isTruthy: Bool { true }
  /// dbt's relations are mappings that refuse to be iterated.
  package var kinds: ValueKinds { .mapping }

  package func isEqual(to other: any Object) -> Bool { (other as? RelationObject)?.relation == relation }
  package func hash(into hasher: inout Hasher) { hasher.combine(relation) }

  package func item(_ key: Value, _ evaluation: Evaluation) throws -> Value? {
    guard let name = key.stringValue else { return nil }
    return try attribute(name, evaluation)
  }

  package func iterate(_ evaluation: Evaluation) throws -> [Value]? {
    throw DBTError(
      .compilation,
      "The object (\"\(text)\") was used as a dictionary. This capability has been removed from objects of this type.")
  }

  package func contains(_ element: Value, _ evaluation: Evaluation) throws -> Bool? {
    try item(element, evaluation) != nil
  }

  package func attribute(_ name: String, _ evaluation: Evaluation) throws -> Value? {
    if let value = field(name) { return value }
    if let method = method(name) { return method }
    return RelationClassObject.classMember(name)
  }

  private func field(_ name: String) -> Value? {
    switch name {
    case "database": Value(optional: relation.database)
    case "schema": Value(optional: relation.schema)
    case "identifier", "name", "table": Value(optional: relation.identifier)
    case "type": Value(optional: relation.type?.rawValue)
    case "is_table": .bool(relation.type == .table)
    case "is_view": .bool(relation.type == .view)
    case "is_cte": .bool(relation.type == .cte)
    case "is_materialized_view": .bool(relation.type == .materializedView)
    case "is_pointer": .bool(relation.type == .pointerTable)
    case "is_function": .bool(relation.type == .function)
    case "can_be_renamed": .bool(relation.canBeRenamed)
    case "can_be_replaced": .bool(relation.canBeReplaced)
    case "dbt_created": .bool(relation.isDBTCreated)
    case "limit": relation.limit.map { .int($0) } ?? Value.none
    case "catalog": Value(optional: relation.catalog)
    case "quote_character": .string("\"")
    case "require_alias": .bool(true)
    case "include_policy": .object(PolicyObject(relation.includePolicy))
    case "quote_policy": .object(PolicyObject(relation.quotePolicy))
    case "path": .object(PathObject(relation.path))
    case "information_schema_view": relation.isInformationSchema ? Value(optional: relation.informationSchemaView) : nil
    case "event_time_filter":
      relation.eventTimeFilter.map { filter in
        .dict(
          DictObject(named: [
            "field_name": .string(filter.fieldName), "start": filter.start.map { $0.value } ?? .none,
            "end": filter.end.map { $0.value } ?? .none,
          ]))
      } ?? Value.none
    case "renameable_relations", "replaceable_relations":
      .tuple(relation.isInformationSchema ? [] : Relation.renameableTypes.map { .string($0.rawValue) })
    default: nil
    }
  }

  private func method(_ name: String) -> Value? {
    let relation = relation
    switch name {
    case "render": return .function(name) { _, _ in .string(relation.render()) }
    case "render_limited": return .function(name) { _, _ in .string(relation.renderLimited()) }
    case "quoted":
      return .function(name, ["identifier"]) { values, _ in .string(Relation.quoted(values[0]?.text ?? "")) }
    case "without_identifier": return .function(name) { _, _ in relation.withoutIdentifier().value }
    case "information_schema_only": return .function(name) { _, _ in relation.informationSchema().value }
    case "information_schema":
      return .function(name, ["view_name?"]) { values, _ in
        relation.informationSchema(view: values[0]?.stringValue).value
      }
    case "include", "quote":
      return .function(name, ["database?", "schema?", "identifier?"]) { values, _ in
        var parts: [RelationComponent: Bool] = [:]
        for (component, value) in zip(RelationComponent.allCases, values) {
          if let value, !value.isNone { parts[component] = value.isTruthy }
        }
        return (name == "include" ? relation.including(parts) : relation.quoting(parts)).value
      }
    case "replace_path":
      return .function(name, ["*", "database?", "schema?", "identifier?"]) { values, _ in
        try relation.replacing(path: RelationArguments.path(values)).value
      }
    case "incorporate", "replace":
      return .object(
        NativeFunction(name) { arguments, _ in try RelationArguments.incorporate(arguments, into: relation).value })
    case "matches":
      return .function(name, ["database?", "schema?", "identifier?"]) { values, _ in
        .bool(
          try relation.matches(
            database: try values[0]?.optionalText("database"), schema: try values[1]?.optionalText("schema"),
            identifier: try values[2]?.optionalText("identifier")))
      }
    case "get":
      return .function(name, ["key", "default?"]) { [self] values, evaluation in
        guard let key = values[0]?.stringValue else { return values[1] ?? .none }
        if key == "metadata" { return .dict(DictObject(named: ["type": .string(typeName)])) }
        return try attribute(key, evaluation) ?? values[1] ?? .none
      }
    case "to_dict":
      return .function(name, ["omit_none?"]) { [self] values, _ in
        Value(plainFields(omitNull: values[0]?.isTruthy ?? false))
      }
    case "get_materialized_view_config_change_collection":
      return .function(name, ["relation_results", "relation_config"]) { values, evaluation in
        try MaterializedViewChanges.compare(values[0] ?? .none, values[1] ?? .none, evaluation)
      }
    case "get_function_config":
      return .function(name, ["model"]) { values, _ in
        guard let model = values[0]?.dictValue, model["resource_type"]?.stringValue == "function" else { return .none }
        let config = model["config"]?.dictValue
        return .dict(
          DictObject(named: [
            "language": model["language"] ?? .string(""), "type": config?["type"] ?? .string(""),
            "runtime_version": config?["runtime_version"] ?? .none, "entry_point": config?["entry_point"] ?? .none,
          ]))
      }
    case "get_function_macro_name":
      return .function(name, ["config"]) { values, _ in
        let config = values[0]?.dictValue
        return .string("\(config?["type"]?.text ?? "")_function_\(config?["language"]?.text ?? "")")
      }
    case "relation_max_name_length": return .function(name) { _, _ in .int(Relation.nameLengthLimit) }
    default: return nil
    }
  }

  package func plain() throws -> PlainValue? { plainFields(omitNull: false) }

  private func plainFields(omitNull: Bool) -> PlainValue {
    func text(_ value: String?) -> PlainValue { value.map { .string($0) } ?? .null }
    func policy(_ policy: RelationPolicy) -> PlainValue {
      ["database": .bool(policy.database), "schema": .bool(policy.schema), "identifier": .bool(policy.identifier)]
    }
    func kept(_ members: PlainObject) -> PlainValue {
      .object(omitNull ? members.filter { !$0.value.isNull } : members)
    }
    let types = PlainValue.array(
      relation.isInformationSchema ? [] : Relation.renameableTypes.map { .string($0.rawValue) })
    var members: PlainObject = [
      "path": kept([
        "database": text(relation.database), "schema": text(relation.schema), "identifier": text(relation.identifier),
      ]),
      "type": text(relation.type?.rawValue), "quote_character": "\"", "include_policy": policy(relation.includePolicy),
      "quote_policy": policy(relation.quotePolicy), "dbt_created": .bool(relation.isDBTCreated),
      "limit": relation.limit.map { .int($0) } ?? .null,
      "event_time_filter": relation.eventTimeFilter.map { filter in
        kept([
          "field_name": .string(filter.fieldName), "start": text(filter.start?.isoText()),
          "end": text(filter.end?.isoText()),
        ])
      } ?? .null,
      "require_alias": true, "catalog": text(relation.catalog), "renameable_relations": types,
      "replaceable_relations": types,
    ]
    if relation.isInformationSchema { members["information_schema_view"] = text(relation.informationSchemaView) }
    return kept(members)
  }
}

extension Relation {
  /// The relation as a template value.
  package var value: Value { .object(RelationObject(self)) }
}

extension Value {
  /// The relation, nil for every other value.
  package var relationValue: Relation? { (objectValue as? RelationObject)?.relation }
}

/// A relation's policy in a template.
private final class PolicyObject: Object {
  let policy: RelationPolicy
  init(_ policy: RelationPolicy) { self.policy = policy }

  var typeName: String { "Policy" }
  var kinds: ValueKinds { .mapping }
  var repr: String {
    func word(_ flag: Bool) -> String { flag ? "True" : "False" }
    return
      "Policy(database=\(word(policy.database)), schema=\(word(policy.schema)), identifier=\(word(policy.identifier)))"
  }

  func isEqual(to other: any Object) -> Bool { (other as? PolicyObject)?.policy == policy }
  func hash(into hasher: inout Hasher) { hasher.combine(policy) }

  func attribute(_ name: String, _ evaluation: Evaluation) -> Value? {
    if let component = RelationComponent(rawValue: name) { return .bool(policy[component]) }
    let policy = policy
    guard name == "get_part" else { return nil }
    return .function(name, ["key"]) { values, _ in
      .bool(try RelationArguments.component(values[0]).map { policy[$0] } ?? false)
    }
  }

  func item(_ key: Value, _ evaluation: Evaluation) -> Value? {
    key.stringValue.flatMap { attribute($0, evaluation) }
  }
}

/// A relation's path in a template.
private final class PathObject: Object {
  let path: RelationPath
  init(_ path: RelationPath) { self.path = path }

  var typeName: String { "Path" }
  var kinds: ValueKinds { .mapping }
  var repr: String {
    let parts = RelationComponent.allCases.map { "\($0.rawValue)=\(Value(optional: path[$0]).repr)" }
    return "Path(\(parts.joined(separator: ", ")))"
  }

  func isEqual(to other: any Object) -> Bool { (other as? PathObject)?.path == path }
  func hash(into hasher: inout Hasher) { hasher.combine(path) }

  func attribute(_ name: String, _ evaluation: Evaluation) -> Value? {
    if let component = RelationComponent(rawValue: name) { return Value(optional: path[component]) }
    let path = path
    guard name == "get_part" || name == "get_lowered_part" else { return nil }
    return .function(name, ["key"]) { values, _ in
      let part = try RelationArguments.component(values[0]).flatMap { path[$0] }
      return Value(optional: name == "get_part" ? part : part?.lowercased())
    }
  }

  func item(_ key: Value, _ evaluation: Evaluation) -> Value? {
    key.stringValue.flatMap { attribute($0, evaluation) }
  }
}
