package import Jinja
package import OrderedCollections
package import PlainData

/// Python's `set`: shared and mutable. Keeps the order of insertion, so that a render repeats byte for byte.
package final class PythonSet: Object {
  package private(set) var items: OrderedSet<Value>

  /// - Throws: a type error when an element cannot be hashed.
  package init(_ elements: some Sequence<Value>) throws {
    items = []
    for element in elements {
      try element.requireHashable()
      items.append(element)
    }
  }

  private init(items: OrderedSet<Value>) { self.items = items }

  package var typeName: String { "set" }
  package var isHashable: Bool { false }
  package var kinds: ValueKinds { .iterable }
  package var count: Int? { items.count }
  package var repr: String {
    items.isEmpty ? "set()" : "{" + items.map(\.repr).joined(separator: ", ") + "}"
  }

  package func isEqual(to other: any Object) -> Bool {
    guard let other = other as? PythonSet else { return false }
    return items.count == other.items.count && items.allSatisfy(other.items.contains)
  }

  package func iterate(_ evaluation: Evaluation) throws -> [Value]? { Array(items) }
  package func contains(_ element: Value, _ evaluation: Evaluation) throws -> Bool? { items.contains(element) }
  package func plain() throws -> PlainValue? { .array(try items.map { try $0.plain() }) }

  package func binary(_ operation: BinaryOperator, _ other: Value, reversed: Bool) throws -> Value? {
    guard operation == .subtract, let other = other.objectValue as? PythonSet else { return nil }
    return .object(
      PythonSet(items: reversed ? other.items.subtracting(items) : items.subtracting(other.items)))
  }

  package func attribute(_ name: String, _ evaluation: Evaluation) throws -> Value? {
    if let value = changingMethod(name) { return value }
    switch name {
    case "copy": return .function(name) { [self] _, _ in .object(PythonSet(items: items)) }
    case "union": return combining(name) { $0.union($1) }
    case "intersection": return combining(name) { $0.intersection($1) }
    case "difference": return combining(name) { $0.subtracting($1) }
    case "symmetric_difference": return combining(name) { $0.symmetricDifference($1) }
    case "issubset": return comparing(name) { $0.allSatisfy($1.contains) }
    case "issuperset": return comparing(name) { $1.allSatisfy($0.contains) }
    case "isdisjoint": return comparing(name) { $0.isDisjoint(with: $1) }
    default: return nil
    }
  }

  private func changingMethod(_ name: String) -> Value? {
    switch name {
    case "add":
      return .function(name, ["element"]) { [self] values, _ in
        let element = values[0] ?? .none
        try element.requireHashable()
        items.append(element)
        return .none
      }
    case "discard", "remove":
      return .function(name, ["element"]) { [self] values, _ in
        let element = values[0] ?? .none
        if items.remove(element) == nil, name == "remove" { throw JinjaError(.lookup, element.repr) }
        return .none
      }
    case "pop":
      return .function(name) { [self] _, _ in
        guard !items.isEmpty else { throw JinjaError(.lookup, "pop from an empty set") }
        return items.removeFirst()
      }
    case "clear":
      return .function(name) { [self] _, _ in
        items.removeAll()
        return .none
      }
    case "update":
      return .object(
        NativeFunction(name) { [self] arguments, evaluation in
          for other in try PythonSet.sets(arguments, evaluation) { items.formUnion(other) }
          return .none
        })
    default: return nil
    }
  }

  private func combining(
    _ name: String, _ combine: @escaping (OrderedSet<Value>, OrderedSet<Value>) -> OrderedSet<Value>
  ) -> Value {
    .object(
      NativeFunction(name) { [self] arguments, evaluation in
        .object(PythonSet(items: try PythonSet.sets(arguments, evaluation).reduce(items, combine)))
      })
  }

  private func comparing(_ name: String, _ test: @escaping (OrderedSet<Value>, OrderedSet<Value>) -> Bool) -> Value {
    .object(
      NativeFunction(name) { [self] arguments, evaluation in
        guard let other = try PythonSet.sets(arguments, evaluation).first else {
          throw JinjaError(.type, "\(name)() takes exactly one argument (0 given)")
        }
        return .bool(test(items, other))
      })
  }

  private static func sets(_ arguments: Arguments, _ evaluation: Evaluation) throws -> [OrderedSet<Value>] {
    try arguments.positional.map { value in
      guard let elements = try value.elements(evaluation) else {
        throw JinjaError(.type, "'\(value.typeName)' object is not iterable")
      }
      return try PythonSet(elements).items
    }
  }
}

/// A Python iterator over values that are known: what `zip` and the functions of `itertools` give. Iterating empties it.
package final class PythonIterator: Object {
  package let typeName: String
  private var rest: [Value]

  package init(_ typeName: String, _ items: [Value]) {
    self.typeName = typeName
    rest = items
  }

  package var kinds: ValueKinds { .iterable }
  package var isTruthy: Bool { true }

  package func iterate(_ evaluation: Evaluation) throws -> [Value]? {
    defer { rest = [] }
    return rest
  }
}
