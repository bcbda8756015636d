import OrderedCollections
package import PlainData

/// A value a template works with: Python's built-in types, and the host's objects.
///
/// Lists, dicts and host objects have reference semantics as in Python; everything else is a plain value. Values belong
/// to one evaluation on one thread and are not Sendable.
package enum Value {
  /// A name, attribute or item that does not exist. Prints as nothing, is false and empty; most other uses raise.
  case undefined(Undefined)
  case none
  case bool(Bool)
  case int(Int)
  /// An integer outside the range of `Int`. Integers inside the range are always `int`.
  case bigInt(BigInteger)
  case double(Double)
  /// Python's `decimal.Decimal`, the type of agate's numbers.
  case decimal(PythonDecimal)
  case string(String)
  case list(ListObject)
  case tuple([Value])
  case dict(DictObject)
  /// Anything else: sets, iterators, functions, macros, and what the host brings.
  case object(any Object)
}

extension Value {
  /// A new list of the given items.
  package static func list(_ items: [Value]) -> Value { .list(ListObject(items)) }

  /// An undefined value with the message "'NAME' is undefined".
  package static func undefined(name: String) -> Value { .undefined(Undefined(name: name)) }

  package var isUndefined: Bool { if case .undefined = self { true } else { false } }

  package var isNone: Bool { if case .none = self { true } else { false } }

  /// The text of a string (or of markup-safe text), nil for every other type.
  package var stringValue: String? {
    switch self {
    case .string(let text): text
    case .object(let object): (object as? Markup)?.content ?? (object as? NativeMarker)?.content
    default: nil
    }
  }

  /// The integer of an `int`, nil for every other type (booleans included).
  package var intValue: Int? { if case .int(let number) = self { number } else { nil } }

  package var boolValue: Bool? { if case .bool(let flag) = self { flag } else { nil } }

  package var listValue: ListObject? { if case .list(let list) = self { list } else { nil } }

  package var dictValue: DictObject? { if case .dict(let dict) = self { dict } else { nil } }

  package var objectValue: (any Object)? { if case .object(let object) = self { object } else { nil } }

  /// Python's truth of the value: empty, zero, None and undefined are false.
  package var isTruthy: Bool {
    switch self {
    case .undefined, .none: false
    case .bool(let flag): flag
    case .int(let number): number != 0
    case .bigInt: true
    case .double(let number): number != 0
    case .decimal(let number): !number.isZero
    case .string(let text): !text.utf8.isEmpty
    case .list(let list): !list.items.isEmpty
    case .tuple(let items): !items.isEmpty
    case .dict(let dict): !dict.isEmpty
    case .object(let object): object.isTruthy
    }
  }

  /// The name of the value's Python class.
  package var typeName: String {
    switch self {
    case .undefined: "Undefined"
    case .none: "NoneType"
    case .bool: "bool"
    case .int, .bigInt: "int"
    case .double: "float"
    case .decimal: "decimal.Decimal"
    case .string: "str"
    case .list: "list"
    case .tuple: "tuple"
    case .dict: "dict"
    case .object(let object): object.typeName
    }
  }

  /// What the tests `is string`, `is mapping`, `is callable` and so on answer for the value.
  package var kinds: ValueKinds {
    switch self {
    case .undefined: [.sequence, .iterable]
    case .none: []
    case .bool: [.boolean, .number]
    case .int, .bigInt: [.integer, .number]
    case .double: [.float, .number]
    case .decimal: .number
    case .string: [.string, .sequence, .iterable]
    case .list, .tuple: [.sequence, .iterable]
    case .dict: [.mapping, .sequence, .iterable]
    case .object(let object): object.kinds
    }
  }
}

/// What a value answers to Jinja's tests of kind.
package struct ValueKinds: OptionSet, Sendable {
  package let rawValue: UInt16
  package init(rawValue: UInt16) { self.rawValue = rawValue }

  package static let mapping = ValueKinds(rawValue: 1)
  package static let sequence = ValueKinds(rawValue: 2)
  package static let iterable = ValueKinds(rawValue: 4)
  package static let string = ValueKinds(rawValue: 8)
  package static let callable = ValueKinds(rawValue: 16)
  package static let number = ValueKinds(rawValue: 32)
  package static let integer = ValueKinds(rawValue: 64)
  package static let float = ValueKinds(rawValue: 128)
  package static let boolean = ValueKinds(rawValue: 256)
}

extension Value {
  /// The value of plain data; objects become dicts, arrays become lists, each new.
  package init(_ plain: PlainValue) {
    switch plain {
    case .null: self = .none
    case .bool(let flag): self = .bool(flag)
    case .int(let number): self = .int(number)
    case .double(let number): self = .double(number)
    case .string(let text): self = .string(text)
    case .array(let items): self = .list(ListObject(items.map(Value.init)))
    case .object(let members): self = .dict(DictObject(members))
    }
  }

  /// The value as plain data: tuples and sets become arrays, keys become text.
  ///
  /// Throws a type error for undefined values, functions and other objects that have no plain form, and a limit error
  /// when the value is nested deeper than 200 levels or has more than ten million parts.
  ///
  /// - Parameter form: the plain form of an object, nil when it has none.
  package func plain(
    _ form: (any Object) throws -> PlainValue? = { try $0.plain() }
  ) throws -> PlainValue {
    var budget = 10_000_000
    return try plain(depth: 0, budget: &budget, form)
  }

  private func plain(
    depth: Int, budget: inout Int, _ form: (any Object) throws -> PlainValue?
  ) throws -> PlainValue {
    budget -= 1
    guard depth < 200, budget > 0 else { throw JinjaError(.limit, "value is too deeply nested or too large") }
    func all(_ items: [Value]) throws -> PlainValue {
      var result: [PlainValue] = []
      result.reserveCapacity(items.count)
      for item in items { result.append(try item.plain(depth: depth + 1, budget: &budget, form)) }
      return .array(result)
    }
    switch self {
    case .none: return .null
    case .bool(let flag): return .bool(flag)
    case .int(let number): return .int(number)
    case .bigInt(let number): return .double(number.doubleValue)
    case .double(let number): return .double(number)
    case .decimal(let number): return number.plain
    case .string(let text): return .string(text)
    case .list(let list): return try all(list.items)
    case .tuple(let items): return try all(items)
    case .dict(let dict):
      var members = PlainObject()
      for (key, value) in dict.pairs { members[key.text] = try value.plain(depth: depth + 1, budget: &budget, form) }
      return .object(members)
    case .object(let object):
      if let plain = try form(object) { return plain }
      throw JinjaError(.type, "Object of type \(object.typeName) is not JSON serializable")
    case .undefined:
      throw JinjaError(.type, "Object of type Undefined is not JSON serializable")
    }
  }
}
