package import PlainData

/// The operators a host object may implement.
package enum BinaryOperator: String, Sendable {
  case add = "+"
  case subtract = "-"
  case multiply = "*"
  case divide = "/"
  case floorDivide = "//"
  case modulo = "%"
  case power = "**"
}

/// A value with behaviour of its own: relations, columns, tables, the adapter, functions, macros.
///
/// Every requirement has a default: no attributes, no items, not callable, not iterable, true, printed as
/// `<TYPENAME object>`, equal to itself only.
package protocol Object: AnyObject {
  /// The name of the Python class it stands for.
  var typeName: String { get }
  /// The same with its module, as messages of missing attributes name it.
  var qualifiedTypeName: String { get }
  /// The attribute, or nil when there is none (templates then try the item, then get undefined).
  func attribute(_ name: String, _ evaluation: Evaluation) throws -> Value?
  /// The item, or nil when there is none.
  func item(_ key: Value, _ evaluation: Evaluation) throws -> Value?
  /// Sets an item or an attribute (`{% set ns.name = … %}`); throws when that is not possible.
  func setAttribute(_ name: String, _ value: Value, _ evaluation: Evaluation) throws
  func call(_ arguments: Arguments, _ evaluation: Evaluation) throws -> Value
  var isTruthy: Bool { get }
  /// Python's `str()`.
  var text: String { get }
  /// Python's `repr()`.
  var repr: String { get }
  /// The elements, or nil when it is not iterable. Consumes the object when it is an iterator.
  func iterate(_ evaluation: Evaluation) throws -> [Value]?
  /// Python's `len()`, nil when it has none.
  var count: Int? { get }
  /// Python's `in`; nil to search the elements.
  func contains(_ element: Value, _ evaluation: Evaluation) throws -> Bool?
  func isEqual(to other: any Object) -> Bool
  /// Feeds what `isEqual` compares. Only called when `isHashable`.
  func hash(into hasher: inout Hasher)
  /// Whether it can be a dict key.
  var isHashable: Bool { get }
  /// Order relative to another value: negative, zero or positive; nil when they cannot be ordered.
  func compare(_ other: Value) throws -> Int?
  /// The result of an operator with this object on the left (or right, when `reversed`); nil when unsupported.
  func binary(_ operation: BinaryOperator, _ other: Value, reversed: Bool) throws -> Value?
  /// The value with its sign turned, nil when it has none. Also makes unary plus and `abs` work.
  func negated() throws -> Value?
  /// What the tests `is mapping`, `is sequence`, `is iterable`, `is string`, `is callable`, `is number` answer.
  var kinds: ValueKinds { get }
  /// The form for JSON and YAML, nil when it has none.
  func plain() throws -> PlainValue?
}

extension Object {
  package var qualifiedTypeName: String { typeName }
  package func attribute(_ name: String, _ evaluation: Evaluation) throws -> Value? { nil }
  package func item(_ key: Value, _ evaluation: Evaluation) throws -> Value? { nil }
  package func setAttribute(_ name: String, _ value: Value, _ evaluation: Evaluation) throws {
    throw JinjaError(.runtime, "cannot assign attribute on non-namespace object")
  }
  package func call(_ arguments: Arguments, _ evaluation: Evaluation) throws -> Value {
    throw JinjaError(.type, "'\(typeName)' object is not callable")
  }
  package var isTruthy: Bool { count.map { $0 > 0 } ?? true }
  package var text: String { repr }
  package var repr: String { "<\(typeName) object>" }
  package func iterate(_ evaluation: Evaluation) throws -> [Value]? { nil }
  package var count: Int? { nil }
  package func contains(_ element: Value, _ evaluation: Evaluation) throws -> Bool? { nil }
  package func isEqual(to other: any Object) -> Bool { self === other }
  package func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
  package var isHashable: Bool { true }
  package func compare(_ other: Value) throws -> Int? { nil }
  package func binary(_ operation: BinaryOperator, _ other: Value, reversed: Bool) throws -> Value? { nil }
  package func negated() throws -> Value? { nil }
  package var kinds: ValueKinds { [] }
  package func plain() throws -> PlainValue? { nil }
}

/// A host function as a callable value.
package final class NativeFunction: Object {
  package typealias Body = (Arguments, Evaluation) throws -> Value

  package let name: String
  private let body: Body

  package init(_ name: String, _ body: @escaping Body) {
    self.name = name
    self.body = body
  }

  package var typeName: String { "function" }
  package var repr: String { "<function \(name)>" }
  package var kinds: ValueKinds { .callable }
  package func call(_ arguments: Arguments, _ evaluation: Evaluation) throws -> Value {
    try body(arguments, evaluation)
  }
}

/// The names a template sees beyond its own: the dbt context.
package protocol GlobalScope: AnyObject {
  /// The value of a name, or nil when it is not defined. Asked at most once per name and macro call.
  func lookup(_ name: String, _ evaluation: Evaluation) throws -> Value?
  /// Every defined name.
  var names: [String] { get }
}

/// A scope of fixed values.
package final class DictionaryScope: GlobalScope {
  package var values: [String: Value]
  package init(_ values: [String: Value] = [:]) { self.values = values }
  package func lookup(_ name: String, _ evaluation: Evaluation) -> Value? { values[name] }
  package var names: [String] { Array(values.keys) }
}

/// An iterator that loops read element by element, maybe one without end.
package protocol StepwiseIterator: Object {
  /// The next element, nil at the end.
  func next(_ evaluation: Evaluation) throws -> Value?
}
