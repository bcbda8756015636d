import OrderedCollections
import PlainData
import SemanticManifest

/// What a column says of its meaning: its granularity, and the dimension or entity that it is.
struct SemanticColumn {
  let members: PlainObject
  let name: String

  /// The granularity of its times; null without one.
  func granularity() throws(ProjectError) -> PlainValue {
    guard let text = members["granularity"]?.stringValue, !text.isEmpty else { return .null }
    return try TimeGranularity.value(text)
  }

  /// A type alone, or an object with every member; null without a dimension.
  func dimension() throws(ProjectError) -> PlainValue {
    guard let given = members["dimension"]?.objectValue else {
      return try DimensionType.value(members["dimension"])
    }
    var dimension = try described(given, DimensionType.self)
    let config = dimension.removeValue(forKey: "config") ?? [:]
    dimension["is_partition"] = given["is_partition"] ?? false
    dimension["config"] = config
    dimension["validity_params"] = SemanticColumn.validity(given["validity_params"])
    return .object(dimension)
  }

  /// The same for an entity.
  func entity() throws(ProjectError) -> PlainValue {
    guard let given = members["entity"]?.objectValue else {
      return try EntityType.value(members["entity"])
    }
    return .object(try described(given, EntityType.self))
  }

  /// Name and description are the column's where there are none.
  private func described(_ given: PlainObject, _ type: (some Choice).Type) throws(ProjectError) -> PlainObject {
    func text(_ key: String, _ standard: PlainValue?) -> PlainValue {
      let own = given[key] ?? .null
      return own.isTruthy ? own : standard ?? ""
    }
    return [
      "name": text("name", .string(name)), "type": try type.value(given["type"]),
      "description": text("description", members["description"]), "label": given["label"] ?? .null,
      "config": given["config"] ?? [:],
    ]
  }

  /// When rows of a table that keeps history begin and end to hold.
  static func validity(_ value: PlainValue?) -> PlainValue {
    guard let value, value.objectValue != nil else { return .null }
    return ["is_start": value["is_start"] ?? false, "is_end": value["is_end"] ?? false]
  }
}
