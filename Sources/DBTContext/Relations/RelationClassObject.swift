package import Jinja
import OrderedCollections

/// `api.Relation` and `adapter.Relation`: makes relations with the project's quoting merged in.
package final class RelationClassObject: Object {
  /// The `quoting` of the project; parts it does not set are quoted.
  private let quoting: [RelationComponent: Bool]

  package init(quoting: [RelationComponent: Bool] = [:]) { self.quoting = quoting }

  package var typeName: String { "RelationProxy" }

  package func attribute(_ name: String, _ evaluation: Evaluation) throws -> Value? {
    switch name {
    case "create":
      return .object(NativeFunction(name) { [self] arguments, evaluation in try create(arguments, evaluation).value })
    case "create_from":
      return .object(
        NativeFunction(name) { [self] arguments, evaluation in try createFrom(arguments, evaluation).value })
    default: return RelationClassObject.classMember(name)
    }
  }

  /// `create(database, schema, identifier, type, quote_policy=, include_policy=, …)`.
  private func create(_ arguments: Arguments, _ evaluation: Evaluation) throws -> Relation {
    let values = try arguments.bind(
      "create",
      [
        "database?", "schema?", "identifier?", "type?", "*", "quote_policy?", "include_policy?", "limit?",
        "dbt_created?", "catalog?", "catalog_name?", "event_time_filter?", "require_alias?",
      ])
    let path = RelationPath(
      database: try RelationArguments.part(values[0], .database),
      schema: try RelationArguments.part(values[1], .schema),
      identifier: try RelationArguments.part(values[2], .identifier))
    let limit = try values[6].flatMap { $0.isNone ? nil : try $0.requiredInt("limit") }
    return try Relation(
      path, type: try RelationArguments.type(values[3]),
      includePolicy: RelationPolicy().replacing(try RelationArguments.policy(values[5], evaluation)),
      quotePolicy: RelationPolicy().replacing(quoting).replacing(try RelationArguments.policy(values[4], evaluation)),
      isDBTCreated: values[7]?.isTruthy ?? false, limit: limit,
      catalog: try (values[8] ?? values[9])?.optionalText("catalog"))
  }

  /// `create_from(quoting, model_or_source, type=…)`: the relation of a node given as a dict, or as an object with the
  /// same attributes. The first argument is ignored: the project's quoting is known.
  private func createFrom(_ arguments: Arguments, _ evaluation: Evaluation) throws -> Relation {
    guard let node = arguments.positional.last else {
      throw JinjaError(.type, "create_from() missing 1 required positional argument: 'relation_config'")
    }
    func member(_ name: String) throws -> Value? {
      if let dict = node.dictValue { return dict[name] }
      return try node.objectValue?.attribute(name, evaluation)
    }
    let identifier = try [member("identifier"), member("alias"), member("name")].compactMap { $0 }.first { !$0.isNone }
    let nodeQuoting = try member("config")?.dictValue?["quoting"] ?? member("quoting")
    let path = RelationPath(
      database: try RelationArguments.part(try member("database"), .database),
      schema: try RelationArguments.part(try member("schema"), .schema),
      identifier: try RelationArguments.part(identifier, .identifier))
    let policy = RelationPolicy().replacing(quoting).replacing(try RelationArguments.policy(nodeQuoting, evaluation))
      .replacing(try RelationArguments.policy(arguments[keyword: "quote_policy"], evaluation))
    return try Relation(
      path, type: try RelationArguments.type(arguments[keyword: "type"]),
      includePolicy: RelationPolicy().replacing(
        try RelationArguments.policy(arguments[keyword: "include_policy"], evaluation)),
      quotePolicy: policy)
  }

  /// What the class and each relation have in common.
  static func classMember(_ name: String) -> Value? {
    switch name {
    case "Table": return .string(RelationType.table.rawValue)
    case "View": return .string(RelationType.view.rawValue)
    case "CTE": return .string(RelationType.cte.rawValue)
    case "External": return .string(RelationType.external.rawValue)
    case "MaterializedView": return .string(RelationType.materializedView.rawValue)
    case "PointerTable": return .string(RelationType.pointerTable.rawValue)
    case "Function": return .string(RelationType.function.rawValue)
    case "get_relation_type": return .object(RelationTypeClassObject())
    case "add_ephemeral_prefix":
      return .function(name, ["name"]) { values, _ in .string(Relation.ephemeralName(values[0]?.text ?? "")) }
    case "scd_args":
      return .function(name, ["primary_key", "updated_at"]) { values, _ in
        let keys = values[0]?.listValue?.items ?? [values[0] ?? .none]
        return .list(keys + [values[1] ?? .none])
      }
    case "create":
      return try? RelationClassObject().attributeForInstances(name)
    default: return nil
    }
  }

  private func attributeForInstances(_ name: String) throws -> Value {
    .object(NativeFunction(name) { [self] arguments, evaluation in try create(arguments, evaluation).value })
  }
}

/// `relation.get_relation_type`: dbt's enumeration of types, with its words as members.
private final class RelationTypeClassObject: Object {
  var typeName: String { "EnumType" }
  var repr: String { "<enum 'RelationType'>" }
  var kinds: ValueKinds { .callable }

  func attribute(_ name: String, _ evaluation: Evaluation) -> Value? {
    RelationType.allCases.first { type in
      type.rawValue.split(separator: "_").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined() == name
        || (type == .cte && name == "CTE")
    }.map { .string($0.rawValue) }
  }

  func call(_ arguments: Arguments, _ evaluation: Evaluation) throws -> Value {
    let values = try arguments.bind("RelationType", ["value"])
    return Value(optional: try RelationArguments.type(values[0])?.rawValue)
  }
}
