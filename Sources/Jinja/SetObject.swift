import OrderedCollections
package import PlainData

/// Python's set. Iterates in insertion order, where Python's order is arbitrary.
package final class SetObject: Object, ReprWriting {
  private var elements: OrderedSet<Value>

  /// Throws Python's TypeError when an element cannot be hashed.
  package init(_ elements: some Sequence<Value> = []) throws {
    self.elements = []
    for element in elements {
      try element.requireHashable()
      self.elements.append(element)
    }
  }

  private init(_ elements: OrderedSet<Value>) { self.elements = elements }

  package var items: [Value] { Array(elements) }

  package var typeName: String { "set" }
  package var isTruthy: Bool { !elements.isEmpty }
  package var isHashable: Bool { false }
  package var count: Int? { elements.count }
  package var kinds: ValueKinds { .iterable }
  package func plain() throws -> PlainValue? { nil }

  var reprOpening: String { elements.isEmpty ? "set(" : "{" }
  var reprClosing: String { elements.isEmpty ? ")" : "}" }
  func writeRepr(_ writer: inout PythonText) { writer.writeItems(items) }

  package func iterate(_ evaluation: Evaluation) -> [Value]? { items }

  package func contains(_ element: Value, _ evaluation: Evaluation) throws -> Bool? {
    try element.requireHashable()
    return elements.contains(element)
  }

  package func isEqual(to other: any Object) -> Bool {
    guard let other = other as? SetObject, other.elements.count == elements.count else { return false }
    return elements.allSatisfy { other.elements.contains($0) }
  }

  package func binary(_ operation: BinaryOperator, _ other: Value, reversed: Bool) throws -> Value? {
    guard operation == .subtract, case .object(let object as SetObject) = other else { return nil }
    return reversed ? .object(object.minus(self)) : .object(minus(object))
  }

  /// Whether the set is a subset of another (Python's `<=`), or a proper one.
  func isSubset(of other: SetObject, proper: Bool) -> Bool {
    (proper ? elements.count < other.elements.count : elements.count <= other.elements.count)
      && elements.allSatisfy(other.elements.contains)
  }

  private func minus(_ other: SetObject) -> SetObject { SetObject(elements.filter { !other.elements.contains($0) }) }

  package func attribute(_ name: String, _ evaluation: Evaluation) -> Value? {
    guard Self.methods.contains(name) else { return nil }
    return .object(NativeFunction(name) { [self] in try call(name, $0, $1) })
  }

  private static let methods: Set<String> = [
    "add", "discard", "remove", "pop", "clear", "copy", "update", "union", "intersection", "difference",
    "symmetric_difference", "issubset", "issuperset", "isdisjoint", "intersection_update", "difference_update",
    "symmetric_difference_update",
  ]

  private func call(_ name: String, _ arguments: Arguments, _ evaluation: Evaluation) throws -> Value {
    switch name {
    case "add", "discard", "remove":
      let element = try arguments.bind(name, ["element"])[0] ?? .none
      try element.requireHashable()
      try evaluation.charge(elements: 1)
      if name == "add" {
        elements.append(element)
      } else if elements.remove(element) == nil, name == "remove" {
        throw JinjaError(.key, element.shortRepr)
      }
      return .none
    case "pop":
      guard !elements.isEmpty else { throw JinjaError(.key, "'pop from an empty set'") }
      return elements.removeFirst()
    case "clear":
      elements = []
      return .none
    case "copy": return .object(SetObject(elements))
    case "symmetric_difference_update":
      let other = try OrderedSet(
        SetObject(evaluation.elements(of: try arguments.bind(name, ["other"])[0] ?? .none)).elements)
      elements.formSymmetricDifference(other)
      return .none
    case "isdisjoint", "issubset", "issuperset", "symmetric_difference":
      let other = try OrderedSet(
        SetObject(evaluation.elements(of: try arguments.bind(name, ["other"])[0] ?? .none)).elements)
      switch name {
      case "isdisjoint": return .bool(elements.isDisjoint(with: other))
      case "issubset": return .bool(elements.isSubset(of: other))
      case "issuperset": return .bool(elements.isSuperset(of: other))
      default: return .object(SetObject(elements.symmetricDifference(other)))
      }
    default: return try combine(name, arguments, evaluation)
    }
  }

  private func combine(_ name: String, _ arguments: Arguments, _ evaluation: Evaluation) throws -> Value {
    var result = elements
    for argument in arguments.positional {
      let other = try SetObject(evaluation.elements(of: argument)).elements
      try evaluation.charge(elements: result.count + other.count)
      switch name {
      case "union", "update": result.formUnion(other)
      case "intersection", "intersection_update": result.formIntersection(other)
      default: result.subtract(other)
      }
    }
    guard name == "update" || name.hasSuffix("_update") else { return .object(SetObject(result)) }
    elements = result
    return .none
  }
}
