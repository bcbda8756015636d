/// Attributes, items and iteration.
extension Evaluation {
  /// Jinja's `value.name`: the attribute, else the item, else undefined.
  package func attribute(_ name: String, of value: Value) throws -> Value {
    switch value {
    case .undefined(let undefined):
      // dbt's undefined knows its own name.
      if Self.commonNames.contains(name) { return withheld(name, value) }
      if undefined.isAbsorbing { return name == "name" ? .string(undefined.name) : absorbed(name) }
      throw undefined.error
    case .dict(let dict):
      if let method = try builtIn(name, value) { return method }
      if Self.commonNames.contains(name) { return withheld(name, value) }
      return dict[name] ?? noAttribute(name, value)
    case .object(let object):
      if !name.utf8.starts(with: "_".utf8), let found = try object.attribute(name, self) { return found }
      return try object.item(.string(name), self) ?? noAttribute(name, value)
    default:
      return try builtIn(name, value) ?? noAttribute(name, value)
    }
  }

  /// Jinja's `value[key]`: the item, else the attribute of that name, else undefined.
  package func item(_ key: Value, of value: Value) throws -> Value {
    switch value {
    case .undefined(let undefined):
      if undefined.isAbsorbing { return absorbed(key.text) }
      throw undefined.error
    case .dict(let dict):
      if case .string = key {} else { guard isHashable(key) else { break } }
      if let found = dict[key] { return found }
    case .list(let list):
      if let index = index(key) { return element(list.items, index) ?? noItem(key, value) }
      if let slice = slice(key) { return .list(ListObject(try slice.apply(to: list.items, self))) }
    case .tuple(let items):
      if let index = index(key) { return element(items, index) ?? noItem(key, value) }
      if let slice = slice(key) { return .tuple(try slice.apply(to: items, self)) }
    case .string(let text):
      if let index = index(key) { return PythonString.character(text, index).map(Value.string) ?? noItem(key, value) }
      if let slice = slice(key) { return .string(try slice.apply(to: text, self)) }
    case .object(let object):
      if let found = try object.item(key, self) { return found }
      if let markup = object as? Markup {
        let found = try item(key, of: .string(markup.content))
        return if case .string(let text) = found { .object(Markup(text)) } else { found }
      }
    default: break
    }
    if case .string(let name) = key {
      if !name.utf8.starts(with: "_".utf8) {
        if case .object(let object) = value {
          if let found = try object.attribute(name, self) { return found }
        } else if let method = try builtIn(name, value) {
          return method
        }
      }
      return noAttribute(name, value)
    }
    return noItem(key, value)
  }

  /// Python's `value[a:b]`: raises where `item(_:of:)` gives undefined.
  func slice(_ key: Value, of value: Value) throws -> Value {
    guard case .object(let slice as SliceObject) = key else { return try item(key, of: value) }
    switch value {
    case .undefined(let undefined):
      if undefined.isAbsorbing { return value }
      throw undefined.error
    case .dict: throw JinjaError(.type, "unhashable type: 'slice'")
    case .list(let list): return .list(ListObject(try slice.apply(to: list.items, self)))
    case .tuple(let items): return .tuple(try slice.apply(to: items, self))
    case .string(let text): return .string(try slice.apply(to: text, self))
    case .object(let object):
      if let markup = object as? Markup { return .object(Markup(try slice.apply(to: markup.content, self))) }
      if let found = try object.item(key, self) { return found }
      throw JinjaError(.type, "'\(value.typeName)' object is not subscriptable")
    case .none, .bool, .int, .bigInt, .double, .decimal:
      throw JinjaError(.type, "'\(value.typeName)' object is not subscriptable")
    }
  }

  private func builtIn(_ name: String, _ value: Value) throws -> Value? { try value.builtInMethod(name) }

  private func absorbed(_ name: String) -> Value { .undefined(Undefined(name: name, isAbsorbing: true)) }

  private func isHashable(_ key: Value) -> Bool { (try? key.requireHashable()) != nil }

  private func index(_ key: Value) -> Int? {
    switch key {
    case .int(let number): number
    case .bool(let flag): flag ? 1 : 0
    default: nil
    }
  }

  /// The key as a slice; nil when it is none or its parts are no integers.
  private func slice(_ key: Value) -> SliceObject? {
    guard case .object(let slice as SliceObject) = key, slice.isValid else { return nil }
    return slice
  }

  private func element(_ items: [Value], _ index: Int) -> Value? {
    let position = index < 0 ? index + items.count : index
    return items.indices.contains(position) ? items[position] : nil
  }

  /// How Python describes the value in "'x object' has no attribute".
  private func description(_ value: Value) -> String {
    value.isNone ? "None" : (value.objectValue?.qualifiedTypeName ?? value.typeName) + " object"
  }

  private func noAttribute(_ name: String, _ value: Value) -> Value {
    let isAbsorbing = undefinedPolicy == .absorbing
    if name.utf8.starts(with: "__".utf8) { return withheld(name, value) }
    return .undefined(Undefined(name: name, owner: description(value), isAbsorbing: isAbsorbing))
  }

  /// What an attribute gives that Python's objects have and the sandbox withholds.
  func withheld(_ name: String, _ value: Value) -> Value {
    .undefined(
      Undefined(
        name: name,
        hint: "access to attribute '\(name)' of '\(value.typeName.split(separator: ".").last ?? "")' object is unsafe.",
        reason: .unsafe, isAbsorbing: undefinedPolicy == .absorbing))
  }

  /// Private attributes that every Python object has.
  private static let commonNames: Set<String> = [
    "__class__", "__delattr__", "__dir__", "__doc__", "__eq__", "__format__", "__ge__", "__getattribute__",
    "__getstate__", "__gt__", "__hash__", "__init__", "__init_subclass__", "__le__", "__lt__", "__ne__", "__new__",
    "__reduce__", "__reduce_ex__", "__repr__", "__setattr__", "__sizeof__", "__str__", "__subclasshook__",
  ]

  private func noItem(_ key: Value, _ value: Value) -> Value {
    .undefined(
      Undefined(
        name: key.shortRepr, owner: description(value), isAttribute: false,
        isAbsorbing: undefinedPolicy == .absorbing))
  }

  /// The elements of an iterable; uses up an iterator. Throws Python's TypeError for other values.
  package func elements(of value: Value) throws -> [Value] {
    let items: [Value]
    switch value {
    case .list(let list): items = list.items
    case .tuple(let elements): items = elements
    case .string(let text): items = text.unicodeScalars.map { .string(String($0)) }
    case .dict(let dict): items = dict.keys
    case .undefined(let undefined):
      try refuse(undefined)
      return []
    case .object(let object):
      guard let elements = try object.iterate(self) else { throw notIterable(value) }
      items = elements
    default: throw notIterable(value)
    }
    try charge(elements: items.count)
    return items
  }

  private func notIterable(_ value: Value) -> JinjaError {
    JinjaError(.type, "'\(value.typeName)' object is not iterable")
  }

  /// Python's `len()`.
  package func length(of value: Value) throws -> Int {
    switch value {
    case .string(let text): return PythonString.length(text)
    case .list(let list): return list.items.count
    case .tuple(let items): return items.count
    case .dict(let dict): return dict.count
    case .undefined(let undefined):
      try refuse(undefined)
      return 0
    case .object(let object):
      if let count = object.count { return count }
      fallthrough
    default: throw JinjaError(.type, "object of type '\(value.typeName)' has no len()")
    }
  }
}

/// Python's slice, as a key.
final class SliceObject: Object {
  private let start: Value
  private let stop: Value
  private let step: Value

  init(_ start: Value, _ stop: Value, _ step: Value) {
    self.start = start
    self.stop = stop
    self.step = step
  }

  var typeName: String { "slice" }
  var repr: String { "slice(\(start.repr), \(stop.repr), \(step.repr))" }
  var isHashable: Bool { false }

  /// Whether all parts are integers or absent: Jinja gives undefined for other slices.
  var isValid: Bool {
    [start, stop, step].allSatisfy { $0.isNone || $0.kinds.contains(.integer) || $0.boolValue != nil }
  }

  /// The positions the slice takes from a sequence of a length.
  func positions(_ count: Int) throws -> StrideTo<Int> {
    let (first, last, step) = try bounds(count)
    return Swift.stride(
      from: first, to: last, by: step.magnitude > UInt(count) ? (step < 0 ? -count - 1 : count + 1) : step)
  }

  /// Python's `slice.indices`.
  func bounds(_ count: Int) throws -> (first: Int, last: Int, step: Int) {
    func number(_ value: Value) throws -> Int? {
      switch value {
      case .none: return nil
      case .int(let number): return number
      case .bool(let flag): return flag ? 1 : 0
      case .bigInt(let number): return number.isNegative ? Int.min / 4 : Int.max / 4
      default:
        throw JinjaError(.type, "slice indices must be integers or None or have an __index__ method")
      }
    }
    let step = max(-Int.max, try number(step) ?? 1)
    guard step != 0 else { throw JinjaError(.value, "slice step cannot be zero") }
    func clamp(_ value: Int?, _ missing: Int) -> Int {
      guard var value else { return missing }
      if value < 0 { value = max(value + count, step < 0 ? -1 : 0) }
      return min(value, step < 0 ? count - 1 : count)
    }
    let first = clamp(try number(start), step < 0 ? count - 1 : 0)
    let last = clamp(try number(stop), step < 0 ? -1 : count)
    return (first, last, step)
  }

  func apply(to items: [Value], _ evaluation: Evaluation) throws -> [Value] {
    let result = try positions(items.count).map { items[$0] }
    try evaluation.charge(elements: result.count)
    return result
  }

  func apply(to text: String, _ evaluation: Evaluation) throws -> String {
    let result: String
    if PythonString.isASCII(text) {
      let bytes = Array(text.utf8)
      result = String(decoding: try positions(bytes.count).map { bytes[$0] }, as: UTF8.self)
    } else {
      let scalars = Array(text.unicodeScalars)
      result = PythonString.text(try positions(scalars.count).map { scalars[$0] })
    }
    try evaluation.charge(bytes: result.utf8.count)
    return result
  }
}
