package import OrderedCollections

/// An immutable tree of plain data: what YAML and JSON documents, configurations and payloads are made of.
///
/// Objects keep the order of their keys. Integers are 64 bits wide; a number outside that range is read as a double.
package enum PlainValue: Sendable, Hashable {
  case null
  case bool(Bool)
  case int(Int)
  case double(Double)
  case string(String)
  case array([PlainValue])
  case object(PlainObject)
}

/// The members of an object, in document order.
package typealias PlainObject = OrderedDictionary<String, PlainValue>

extension PlainValue {
  package var isNull: Bool { self == .null }

  package var boolValue: Bool? { if case .bool(let value) = self { value } else { nil } }

  package var intValue: Int? { if case .int(let value) = self { value } else { nil } }

  /// The number as a double, whether it was written as an integer or not.
  package var doubleValue: Double? {
    switch self {
    case .int(let value): Double(value)
    case .double(let value): value
    default: nil
    }
  }

  package var stringValue: String? { if case .string(let value) = self { value } else { nil } }

  package var arrayValue: [PlainValue]? { if case .array(let value) = self { value } else { nil } }

  package var objectValue: PlainObject? { if case .object(let value) = self { value } else { nil } }

  /// The member of an object, or nil when this is no object or has no such key.
  package subscript(key: String) -> PlainValue? { objectValue?[key] }

  /// What Python holds to be true: not null, false, zero or empty.
  package var isTruthy: Bool {
    switch self {
    case .null: false
    case .bool(let flag): flag
    case .int(let number): number != 0
    case .double(let number): number != 0
    case .string(let text): !text.isEmpty
    case .array(let items): !items.isEmpty
    case .object(let members): !members.isEmpty
    }
  }

  /// The kind of value in the words of a JSON user, for error messages.
  package var kindName: String {
    switch self {
    case .null: "null"
    case .bool: "a boolean"
    case .int, .double: "a number"
    case .string: "a string"
    case .array: "a list"
    case .object: "an object"
    }
  }
}

extension PlainValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  package init(nilLiteral: ()) { self = .null }
  package init(booleanLiteral value: Bool) { self = .bool(value) }
  package init(integerLiteral value: Int) { self = .int(value) }
  package init(floatLiteral value: Double) { self = .double(value) }
  package init(stringLiteral value: String) { self = .string(value) }
  package init(arrayLiteral elements: PlainValue...) { self = .array(elements) }
  package init(dictionaryLiteral elements: (String, PlainValue)...) {
    self = .object(PlainObject(elements, uniquingKeysWith: { _, last in last }))
  }
}
