package import Jinja
import OrderedCollections
package import PlainData

/// agate's `MappedSequence`: values by position, and by key where there are keys. Iterating gives the values.
package final class AgateSequence: Object {
  package let typeName: String
  package let values: [Value]
  /// nil when the values have no names.
  package let keys: [String]?

  package init(_ typeName: String, _ values: [Value], keys: [String]? = nil) {
    self.typeName = typeName
    self.values = values
    self.keys = keys
  }

  package var count: Int? { values.count }
  package var kinds: ValueKinds { [.sequence, .iterable] }
  package var isHashable: Bool { false }
  package var repr: String { AgateSequence.sample(typeName, values) }

  package func isEqual(to other: any Object) -> Bool {
    (other as? AgateSequence)?.values == values || (other as? AgateRow)?.values == values
  }

  package func iterate(_ evaluation: Evaluation) throws -> [Value]? { values }
  package func item(_ key: Value, _ evaluation: Evaluation) throws -> Value? {
    try AgateSequence.item(key, values, keys, evaluation)
  }
  package func attribute(_ name: String, _ evaluation: Evaluation) throws -> Value? {
    AgateSequence.method(name, values, keys)
  }
  package func plain() throws -> PlainValue? { .array(try values.map { try AgateTable.plain($0) }) }

  static func sample(_ typeName: String, _ values: [Value]) -> String {
    let shown = values.prefix(5).map(\.repr).joined(separator: ", ")
    return "<agate.\(typeName): (\(shown)\(values.count > 5 ? ", ..." : ""))>"
  }

  /// Positions, names, and slices, which give tuples.
  static func item(_ key: Value, _ values: [Value], _ keys: [String]?, _ evaluation: Evaluation) throws -> Value? {
    if key.intValue == nil, key.stringValue == nil {
      let found = try evaluation.item(key, of: .tuple(values))
      return found.isUndefined ? nil : found
    }
    return item(key, values, keys)
  }

  private static func item(_ key: Value, _ values: [Value], _ keys: [String]?) -> Value? {
    if let position = key.intValue {
      let index = position < 0 ? position + values.count : position
      return values.indices.contains(index) ? values[index] : nil
    }
    // The last of equal names counts, as in the dict that agate makes.
    guard let name = key.stringValue, let index = keys?.lastIndex(of: name), index < values.count else { return nil }
    return values[index]
  }

  /// What rows, columns and sequences of them have in common.
  static func method(_ name: String, _ values: [Value], _ keys: [String]?) -> Value? {
    switch name {
    case "values": return .function(name) { _, _ in .tuple(values) }
    case "keys": return .function(name) { _, _ in keys.map { .tuple($0.map { .string($0) }) } ?? Value.none }
    case "items":
      return .function(name) { _, _ in
        .tuple(zip(keys ?? [], values).map { .tuple([.string($0), $1]) })
      }
    case "dict":
      return .function(name) { _, _ in
        guard let keys else { throw JinjaError(.key, "the sequence has no keys") }
        return .dict(DictObject(zip(keys, values).map { (key: .string($0), value: $1) }))
      }
    case "get":
      return .function(name, ["key", "default?"]) { arguments, _ in
        arguments[0].flatMap { key in key.stringValue != nil ? item(key, values, keys) : nil } ?? arguments[1] ?? .none
      }
    case "index":
      return .function(name, ["value"]) { arguments, _ in
        guard let index = values.firstIndex(where: { $0 == arguments[0] }) else {
          throw JinjaError(.value, "no such value")
        }
        return .int(index)
      }
    case "count":
      return .function(name, ["value"]) { arguments, _ in .int(values.count { $0 == arguments[0] }) }
    default: return nil
    }
  }
}

/// A row of a table.
package final class AgateRow: Object {
  package let names: [String]
  package let values: [Value]

  package init(names: [String], values: [Value]) {
    self.names = names
    self.values = values
  }

  package var typeName: String { "Row" }
  package var qualifiedTypeName: String { "agate.rows.Row" }
  package var count: Int? { values.count }
  package var kinds: ValueKinds { [.sequence, .iterable] }
  package var isHashable: Bool { false }
  package var repr: String { AgateSequence.sample("Row", values) }

  package func isEqual(to other: any Object) -> Bool {
    (other as? AgateRow)?.values == values || (other as? AgateSequence)?.values == values
  }

  package func iterate(_ evaluation: Evaluation) throws -> [Value]? { values }
  package func item(_ key: Value, _ evaluation: Evaluation) throws -> Value? {
    try AgateSequence.item(key, values, names, evaluation)
  }
  package func attribute(_ name: String, _ evaluation: Evaluation) throws -> Value? {
    AgateSequence.method(name, values, names)
  }
  package func plain() throws -> PlainValue? { .array(try values.map { try AgateTable.plain($0) }) }
}

/// A column of a table.
package final class AgateColumn: Object {
  package let name: String
  package let type: AgateType
  package let values: [Value]

  init(name: String, type: AgateType, values: [Value]) {
    self.name = name
    self.type = type
    self.values = values
  }

  package var typeName: String { "Column" }
  package var count: Int? { values.count }
  package var kinds: ValueKinds { [.sequence, .iterable] }
  package var isHashable: Bool { false }
  package var repr: String { AgateSequence.sample("Column", values) }

  package func isEqual(to other: any Object) -> Bool { (other as? AgateColumn)?.values == values }
  package func iterate(_ evaluation: Evaluation) throws -> [Value]? { values }
  package func item(_ key: Value, _ evaluation: Evaluation) throws -> Value? {
    try AgateSequence.item(key, values, nil, evaluation)
  }

  package func attribute(_ name: String, _ evaluation: Evaluation) throws -> Value? {
    let values = values
    switch name {
    case "name": return .string(self.name)
    case "data_type": return .object(AgateTypeObject(type))
    case "values_without_nulls": return .function(name) { _, _ in .tuple(values.filter { !$0.isNone }) }
    case "values_distinct": return .function(name) { _, _ in .object(try SetObject(values)) }
    default: return AgateSequence.method(name, values, nil)
    }
  }
}

/// The type of a column.
final class AgateTypeObject: Object {
  let type: AgateType

  init(_ type: AgateType) { self.type = type }

  var typeName: String { type.rawValue }
  var repr: String { "<agate.data_types.\(type.printedName)>" }
  func isEqual(to other: any Object) -> Bool { (other as? AgateTypeObject)?.type == type }
  func hash(into hasher: inout Hasher) { hasher.combine(type) }
}
