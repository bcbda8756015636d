/// What `dict.keys()`, `values()` and `items()` give: a live view.
final class DictView: Object, ReprWriting {
  enum Part: String {
    case keys
    case values
    case items
  }

  private let dict: DictObject
  private let part: Part

  init(_ dict: DictObject, _ part: Part) {
    self.dict = dict
    self.part = part
  }

  private var elements: [Value] {
    switch part {
    case .keys: dict.keys
    case .values: dict.values
    case .items: dict.pairs.map { .tuple([$0.key, $0.value]) }
    }
  }

  var typeName: String { "dict_" + part.rawValue }
  var count: Int? { dict.count }
  var kinds: ValueKinds { .iterable }
  var isHashable: Bool { false }
  var reprOpening: String { typeName + "([" }
  var reprClosing: String { "])" }
  func writeRepr(_ writer: inout PythonText) { writer.writeItems(elements) }
  func iterate(_ evaluation: Evaluation) -> [Value]? { elements }

  func contains(_ element: Value, _ evaluation: Evaluation) throws -> Bool? {
    guard part == .keys else { return nil }
    try element.requireHashable()
    return dict[element] != nil
  }

  func isEqual(to other: any Object) -> Bool {
    guard let other = other as? DictView, part != .values, other.part == part else { return self === other }
    return dict.count == other.dict.count && elements.allSatisfy(other.elements.contains)
  }

  func attribute(_ name: String, _ evaluation: Evaluation) -> Value? {
    guard name == "isdisjoint", part != .values else { return nil }
    return .object(
      NativeFunction(name) { [self] arguments, evaluation in
        let other = try evaluation.elements(of: try arguments.bind(name, ["other"])[0] ?? .none)
        return .bool(!other.contains(where: elements.contains))
      })
  }

  /// The elements as a set; nil for values, which need not be hashable.
  var set: SetObject? { part == .values ? nil : try? SetObject(elements) }

  func binary(_ operation: BinaryOperator, _ other: Value, reversed: Bool) throws -> Value? {
    guard operation == .subtract, part != .values, !reversed else { return nil }
    let removed: [Value]
    switch other {
    case .list(let list): removed = list.items
    case .tuple(let items): removed = items
    case .dict(let dict): removed = dict.keys
    case .string(let text): removed = text.unicodeScalars.map { .string(String($0)) }
    case .object(let set as SetObject): removed = set.items
    case .object(let view as DictView): removed = view.elements
    default: return nil
    }
    return .object(try SetObject(elements.filter { !removed.contains($0) }))
  }
}

/// An iterator: gives its elements once. What `map`, `select`, `zip`, `reversed` and the like return.
package final class IteratorObject: Object {
  package let typeName: String
  private var remaining: [Value]

  package init(_ elements: [Value], typeName: String = "generator") {
    remaining = elements.reversed()
    self.typeName = typeName
  }

  deinit { Teardown.release(&remaining) }

  package var isTruthy: Bool { true }
  package var kinds: ValueKinds { .iterable }
  package var repr: String { "<\(typeName) object>" }

  package func iterate(_ evaluation: Evaluation) -> [Value]? {
    defer { remaining = [] }
    return remaining.reversed()
  }

  /// The next element, nil at the end.
  package func next() -> Value? { remaining.popLast() }
}

/// Python's range.
package final class RangeObject: Object {
  private let start: Int
  private let stop: Int
  private let step: Int
  private let length: Int

  init(start: Int, stop: Int, step: Int) throws {
    guard step != 0 else { throw JinjaError(.value, "range() arg 3 must not be zero") }
    let distance = step > 0 ? stop.subtractingReportingOverflow(start) : start.subtractingReportingOverflow(stop)
    let width = step.magnitude
    let count =
      distance.overflow
      ? UInt(Int.max) : distance.partialValue <= 0 ? 0 : (UInt(distance.partialValue) - 1) / width + 1
    guard count <= 100_000 else {
      throw JinjaError(
        .overflow, "Range too big. The sandbox blocks ranges larger than MAX_RANGE (100000).")
    }
    self.start = start
    self.stop = stop
    self.step = step
    length = Int(count)
  }

  private func element(_ index: Int) -> Value { .int(start &+ index &* step) }

  package var typeName: String { "range" }
  package var count: Int? { length }
  package var kinds: ValueKinds { [.sequence, .iterable] }
  package var repr: String { step == 1 ? "range(\(start), \(stop))" : "range(\(start), \(stop), \(step))" }
  package func iterate(_ evaluation: Evaluation) -> [Value]? { (0..<length).map(element) }

  package func item(_ key: Value, _ evaluation: Evaluation) throws -> Value? {
    if case .object(let slice as SliceObject) = key {
      guard slice.isValid else { return nil }
      let (first, last, step) = try slice.bounds(length)
      return .object(
        try RangeObject(start: start &+ first &* self.step, stop: start &+ last &* self.step, step: self.step &* step))
    }
    guard let index = key.intValue ?? key.boolValue.map({ $0 ? 1 : 0 }) else { return nil }
    let position = index < 0 ? index + length : index
    return (0..<length).contains(position) ? element(position) : nil
  }

  package func contains(_ element: Value, _ evaluation: Evaluation) throws -> Bool? {
    guard let index = element.intValue ?? element.boolValue.map({ $0 ? 1 : 0 }) else { return nil }
    let (distance, isFar) = index.subtractingReportingOverflow(start)
    guard length > 0, !isFar, !distance.remainderReportingOverflow(dividingBy: step).overflow else { return false }
    return distance % step == 0 && (0..<length).contains(distance / step)
  }

  package func attribute(_ name: String, _ evaluation: Evaluation) -> Value? {
    switch name {
    case "start": return .int(start)
    case "stop": return .int(stop)
    case "step": return .int(step)
    case "index", "count":
      return .object(
        NativeFunction(name) { [self] arguments, evaluation in
          let wanted = try arguments.bind(name, ["value"])[0] ?? .none
          for index in 0..<length where try evaluation.equal(element(index), wanted) {
            return .int(name == "index" ? index : 1)
          }
          if name == "count" { return .int(0) }
          throw JinjaError(
            .value, wanted.intValue == nil ? "sequence.index(x): x not in sequence" : "\(wanted.repr) is not in range")
        })
    default: return nil
    }
  }

  package func isEqual(to other: any Object) -> Bool {
    guard let other = other as? RangeObject, other.length == length else { return false }
    return length == 0 || (other.start == start && (length == 1 || other.step == step))
  }

  package func hash(into hasher: inout Hasher) { hasher.combine(length) }
}

/// Jinja's `namespace()`: attributes that `set` can change from inner scopes.
package final class NamespaceObject: Object {
  package let members: DictObject

  package init(_ members: DictObject = DictObject()) { self.members = members }

  package var typeName: String { "Namespace" }
  package var repr: String { "<Namespace \(Value.dict(members).repr)>" }

  package func attribute(_ name: String, _ evaluation: Evaluation) -> Value? { members[name] }

  /// Jinja knows attributes only; those with a leading underscore are set and never given back.
  package func item(_ key: Value, _ evaluation: Evaluation) -> Value? {
    guard let name = key.stringValue, let found = members[name] else { return nil }
    return name.utf8.first == UInt8(ascii: "_") ? evaluation.withheld(name, .object(self)) : found
  }

  package func setAttribute(_ name: String, _ value: Value, _ evaluation: Evaluation) throws {
    try evaluation.charge(elements: 1)
    members[name] = value
  }
}

/// Jinja's `cycler()`.
final class Cycler: Object {
  private var items: [Value]
  private var position = 0

  init(_ items: [Value]) { self.items = items }

  deinit { Teardown.release(&items) }

  var typeName: String { "Cycler" }

  func attribute(_ name: String, _ evaluation: Evaluation) -> Value? {
    switch name {
    case "current": items[position]
    case "items": .tuple(items)
    case "pos": .int(position)
    case "next":
      .object(
        NativeFunction(name) { [self] _, _ in
          defer { position = (position + 1) % items.count }
          return items[position]
        })
    case "reset":
      .object(
        NativeFunction(name) { [self] _, _ in
          position = 0
          return .none
        })
    default: nil
    }
  }
}

/// Jinja's `joiner()`: nothing at the first call, the separator afterwards.
final class Joiner: Object {
  private var separator: Value
  private var isUsed = false

  init(_ separator: Value) { self.separator = separator }

  deinit { Teardown.release(&separator) }

  var typeName: String { "Joiner" }
  var kinds: ValueKinds { .callable }

  func attribute(_ name: String, _ evaluation: Evaluation) -> Value? {
    switch name {
    case "sep": separator
    case "used": .bool(isUsed)
    default: nil
    }
  }

  func call(_ arguments: Arguments, _ evaluation: Evaluation) -> Value {
    defer { isUsed = true }
    return isUsed ? separator : .string("")
  }
}
