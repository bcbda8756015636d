import Jinja

/// Reads what templates pass to the methods of relations.
enum RelationArguments {
  static func component(_ value: Value?) throws -> RelationComponent? {
    guard let name = value?.stringValue else { return nil }
    guard let component = RelationComponent(rawValue: name) else {
      throw JinjaError(.value, "Got a key of \(name), expected one of database, schema, identifier")
    }
    return component
  }

  /// Database, schema and identifier in this order; nil entries are left alone, None removes a part.
  static func path(_ values: [Value?]) throws -> [RelationComponent: String?] {
    var parts: [RelationComponent: String?] = [:]
    for (component, value) in zip(RelationComponent.allCases, values) {
      guard let value else { continue }
      parts[component] = .some(try part(value, component))
    }
    return parts
  }

  /// A part of a name: text or None.
  static func part(_ value: Value?, _ component: RelationComponent) throws -> String? {
    guard let value, !value.isNone else { return nil }
    guard let text = value.stringValue else {
      throw DBTError(.compilation, "Got an invalid path \(component.rawValue): \(value.text)")
    }
    return text
  }

  /// A type by dbt's word.
  static func type(_ value: Value?) throws -> RelationType? {
    guard let value, !value.isNone, !value.isUndefined else { return nil }
    guard let type = RelationType(rawValue: value.text) else {
      throw DBTError(.runtime, "Invalid relation type '\(value.text)'")
    }
    return type
  }

  /// Parts of a policy, from a dict or a policy object.
  static func policy(_ value: Value?, _ evaluation: Evaluation?) throws -> [RelationComponent: Bool] {
    guard let value, !value.isNone, !value.isUndefined else { return [:] }
    var parts: [RelationComponent: Bool] = [:]
    for component in RelationComponent.allCases {
      let entry: Value?
      if let dict = value.dictValue {
        entry = dict[component.rawValue]
      } else if let object = value.objectValue, let evaluation {
        entry = try object.attribute(component.rawValue, evaluation)
      } else {
        throw JinjaError(.type, "a policy must be a dict, not \(value.typeName)")
      }
      if let entry, !entry.isNone { parts[component] = entry.isTruthy }
    }
    return parts
  }

  /// `incorporate(path={…}, type=…, quote_policy={…}, include_policy={…}, limit=…)`.
  static func incorporate(_ arguments: Arguments, into relation: Relation) throws -> Relation {
    guard arguments.positional.isEmpty else {
      throw JinjaError(
        .type, "incorporate() takes 1 positional argument but \(arguments.positional.count + 1) were given")
    }
    var result = relation
    for (name, value) in arguments.keywords {
      switch name {
      case "path":
        guard let dict = value.dictValue else { throw JinjaError(.type, "path must be a dict, not \(value.typeName)") }
        result = try result.replacing(path: try path(RelationComponent.allCases.map { dict[$0.rawValue] }))
      case "type": result = try result.replacing(type: try type(value))
      case "quote_policy": result = result.quoting(try policy(value, nil))
      case "include_policy": result = result.including(try policy(value, nil))
      case "limit": result = result.limited(to: value.isNone ? nil : try value.requiredInt("limit"))
      case "dbt_created": result = result.created(value.isTruthy)
      default: throw JinjaError(.type, "incorporate() got an unexpected keyword argument '\(name)'")
      }
    }
    return result
  }
}
