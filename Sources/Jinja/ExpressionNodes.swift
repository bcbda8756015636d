/// Where a name's value is found.
struct NameReference: Sendable {
  let name: String
  let slot: Int
  /// Functions up.
  let depth: Int
  /// Whether an empty slot means to ask the context.
  let fallsBack: Bool
  /// Whether the answer of the context stays in the slot.
  let caches: Bool
}

final class ConstantNode: Evaluable {
  private let literal: Literal
  init(_ literal: Literal) { self.literal = literal }
  func evaluate(_ evaluation: Evaluation, _ frame: Frame) -> Value { literal.value }
}

final class NameNode: Evaluable {
  private let reference: NameReference
  init(_ reference: NameReference) { self.reference = reference }

  func evaluate(_ evaluation: Evaluation, _ frame: Frame) throws -> Value {
    let owner = frame.ancestor(reference.depth)
    if let value = owner.slots[reference.slot] { return value }
    guard reference.fallsBack else { return evaluation.undefined(reference.name) }
    let value = try evaluation.lookup(reference.name)
    // Each use of a missing name is a missing value of its own.
    if reference.caches, !value.isUndefined { owner.slots[reference.slot] = value }
    return value
  }
}

final class AttributeNode: Evaluable {
  private let object: any Evaluable
  private let name: String
  private let offset: Int

  init(_ object: any Evaluable, _ name: String, at offset: Int) {
    self.object = object
    self.name = name
    self.offset = offset
  }

  func evaluate(_ evaluation: Evaluation, _ frame: Frame) throws -> Value {
    try evaluation.tick()
    let value = try object.evaluate(evaluation, frame)
    do { return try evaluation.attribute(name, of: value) } catch { throw evaluation.locate(error, frame, offset) }
  }
}

final class ItemNode: Evaluable {
  private let object: any Evaluable
  private let key: any Evaluable
  private let offset: Int

  init(_ object: any Evaluable, _ key: any Evaluable, at offset: Int) {
    self.object = object
    self.key = key
    self.offset = offset
  }

  func evaluate(_ evaluation: Evaluation, _ frame: Frame) throws -> Value {
    try evaluation.tick()
    let value = try object.evaluate(evaluation, frame)
    let key = try key.evaluate(evaluation, frame)
    do { return try evaluation.item(key, of: value) } catch { throw evaluation.locate(error, frame, offset) }
  }
}

/// `value[a:b]` with Python's own refusals.
final class StrictSliceNode: Evaluable {
  private let object: any Evaluable
  private let key: any Evaluable
  private let offset: Int

  init(_ object: any Evaluable, _ key: any Evaluable, at offset: Int) {
    self.object = object
    self.key = key
    self.offset = offset
  }

  func evaluate(_ evaluation: Evaluation, _ frame: Frame) throws -> Value {
    try evaluation.tick()
    let value = try object.evaluate(evaluation, frame)
    let key = try key.evaluate(evaluation, frame)
    do { return try evaluation.slice(key, of: value) } catch { throw evaluation.locate(error, frame, offset) }
  }
}

final class SliceNode: Evaluable {
  private let parts: [(any Evaluable)?]

  init(_ start: (any Evaluable)?, _ stop: (any Evaluable)?, _ step: (any Evaluable)?) { parts = [start, stop, step] }

  func evaluate(_ evaluation: Evaluation, _ frame: Frame) throws -> Value {
    let values = try parts.map { try $0?.evaluate(evaluation, frame) ?? .none }
    return .object(SliceObject(values[0], values[1], values[2]))
  }
}

/// The arguments of a compiled call.
struct ArgumentList: Sendable {
  let positional: [any Evaluable]
  let keywords: [(String, any Evaluable)]
  let star: (any Evaluable)?
  let doubleStar: (any Evaluable)?

  func evaluate(_ evaluation: Evaluation, _ frame: Frame) throws -> Arguments {
    var arguments = Arguments()
    if !positional.isEmpty {
      arguments.positional.reserveCapacity(positional.count)
      for node in positional { arguments.positional.append(try node.evaluate(evaluation, frame)) }
    }
    if let star { arguments.positional += try evaluation.elements(of: try star.evaluate(evaluation, frame)) }
    for (name, node) in keywords { arguments.keywords.append((name, try node.evaluate(evaluation, frame))) }
    if let doubleStar { try spread(try doubleStar.evaluate(evaluation, frame), &arguments) }
    return arguments
  }

  private func spread(_ value: Value, _ arguments: inout Arguments) throws {
    guard case .dict(let dict) = value else {
      if case .undefined(let undefined) = value { throw undefined.error }
      throw JinjaError(.type, "argument after ** must be a mapping, not \(value.typeName)")
    }
    for (key, value) in dict.pairs {
      guard let name = key.stringValue else { throw JinjaError(.type, "keywords must be strings") }
      guard arguments[keyword: name] == nil else {
        throw JinjaError(.type, "got multiple values for keyword argument '\(name)'")
      }
      arguments.keywords.append((name, value))
    }
  }
}

/// A call expression, which a call block may give a caller.
protocol Calling: Evaluable {
  func evaluate(_ evaluation: Evaluation, _ frame: Frame, caller: Value?) throws -> Value
}

extension Calling {
  func evaluate(_ evaluation: Evaluation, _ frame: Frame) throws -> Value {
    try evaluate(evaluation, frame, caller: nil)
  }
}

final class CallNode: Calling {
  private let callee: any Evaluable
  private let arguments: ArgumentList
  private let offset: Int

  init(_ callee: any Evaluable, _ arguments: ArgumentList, at offset: Int) {
    self.callee = callee
    self.arguments = arguments
    self.offset = offset
  }

  func evaluate(_ evaluation: Evaluation, _ frame: Frame, caller: Value?) throws -> Value {
    try evaluation.tick()
    let function = try callee.evaluate(evaluation, frame)
    do {
      var arguments = try arguments.evaluate(evaluation, frame)
      if let caller { arguments.keywords.append(("caller", caller)) }
      evaluation.callSite = (frame.unit, offset)
      return try evaluation.call(function, arguments)
    } catch {
      throw evaluation.locate(error, frame, offset)
    }
  }
}

/// `object.name(…)`, without making a bound method of Python's own types.
final class MethodCallNode: Calling {
  private let object: any Evaluable
  private let name: String
  private let method: MethodName?
  private let arguments: ArgumentList
  private let offset: Int

  init(_ object: any Evaluable, _ name: String, _ arguments: ArgumentList, at offset: Int) {
    self.object = object
    self.name = name
    method = MethodName(rawValue: name)
    self.arguments = arguments
    self.offset = offset
  }

  func evaluate(_ evaluation: Evaluation, _ frame: Frame, caller: Value?) throws -> Value {
    try evaluation.tick()
    let receiver = try object.evaluate(evaluation, frame)
    do {
      if let method, method.belongs(to: receiver) {
        let arguments = try arguments.evaluate(evaluation, frame)
        return try evaluation.callMethod(method, of: receiver, arguments)
      }
      let function = try evaluation.attribute(name, of: receiver)
      var arguments = try arguments.evaluate(evaluation, frame)
      if let caller { arguments.keywords.append(("caller", caller)) }
      evaluation.callSite = (frame.unit, offset)
      return try evaluation.call(function, arguments)
    } catch {
      throw evaluation.locate(error, frame, offset)
    }
  }
}

final class FilterNode: Evaluable {
  private let input: any Evaluable
  private let body: Filters.Body
  private let arguments: ArgumentList
  private let offset: Int

  init(_ input: any Evaluable, _ body: @escaping Filters.Body, _ arguments: ArgumentList, at offset: Int) {
    self.input = input
    self.body = body
    self.arguments = arguments
    self.offset = offset
  }

  func evaluate(_ evaluation: Evaluation, _ frame: Frame) throws -> Value {
    try evaluation.tick()
    let value = try input.evaluate(evaluation, frame)
    do {
      return try body(value, try arguments.evaluate(evaluation, frame), evaluation)
    } catch {
      throw evaluation.locate(error, frame, offset)
    }
  }
}

final class TestNode: Evaluable {
  private let subject: any Evaluable
  private let body: Tests.Body
  private let arguments: ArgumentList
  private let offset: Int

  init(_ subject: any Evaluable, _ body: @escaping Tests.Body, _ arguments: ArgumentList, at offset: Int) {
    self.subject = subject
    self.body = body
    self.arguments = arguments
    self.offset = offset
  }

  func evaluate(_ evaluation: Evaluation, _ frame: Frame) throws -> Value {
    try evaluation.tick()
    let value = try subject.evaluate(evaluation, frame)
    do {
      return .bool(try body(value, try arguments.evaluate(evaluation, frame), evaluation))
    } catch {
      throw evaluation.locate(error, frame, offset)
    }
  }
}

/// A filter or test that does not exist, in a branch that may never run.
final class MissingNode: Evaluable {
  private let message: String
  private let offset: Int

  init(_ message: String, at offset: Int) {
    self.message = message
    self.offset = offset
  }

  func evaluate(_ evaluation: Evaluation, _ frame: Frame) throws -> Value {
    throw evaluation.locate(JinjaError(.runtime, message), frame, offset)
  }
}

final class NotNode: Evaluable {
  private let operand: any Evaluable
  init(_ operand: any Evaluable) { self.operand = operand }
  func evaluate(_ evaluation: Evaluation, _ frame: Frame) throws -> Value {
    .bool(!(try evaluation.truth(of: try operand.evaluate(evaluation, frame))))
  }
}

final class SignNode: Evaluable {
  private let operand: any Evaluable
  private let isNegative: Bool
  private let offset: Int

  init(_ operand: any Evaluable, isNegative: Bool, at offset: Int) {
    self.operand = operand
    self.isNegative = isNegative
    self.offset = offset
  }

  func evaluate(_ evaluation: Evaluation, _ frame: Frame) throws -> Value {
    try evaluation.tick()
    let value = try operand.evaluate(evaluation, frame)
    do {
      return try isNegative ? Arithmetic.negate(value) : Arithmetic.plus(value)
    } catch {
      throw evaluation.locate(error, frame, offset)
    }
  }
}

final class BinaryNode: Evaluable {
  private let operation: BinaryOperator
  private let left: any Evaluable
  private let right: any Evaluable
  private let offset: Int

  init(_ operation: BinaryOperator, _ left: any Evaluable, _ right: any Evaluable, at offset: Int) {
    self.operation = operation
    self.left = left
    self.right = right
    self.offset = offset
  }

  func evaluate(_ evaluation: Evaluation, _ frame: Frame) throws -> Value {
    try evaluation.tick()
    let a = try left.evaluate(evaluation, frame)
    let b = try right.evaluate(evaluation, frame)
    do {
      return try evaluation.binary(operation, a, b)
    } catch {
      throw evaluation.locate(error, frame, offset)
    }
  }
}

/// `and` and `or`: give back one of the operands.
final class LogicNode: Evaluable {
  private let left: any Evaluable
  private let right: any Evaluable
  private let isOr: Bool

  init(_ left: any Evaluable, _ right: any Evaluable, isOr: Bool) {
    self.left = left
    self.right = right
    self.isOr = isOr
  }

  func evaluate(_ evaluation: Evaluation, _ frame: Frame) throws -> Value {
    try evaluation.tick()
    let value = try left.evaluate(evaluation, frame)
    return try evaluation.truth(of: value) == isOr ? value : try right.evaluate(evaluation, frame)
  }
}

/// One or more comparisons in a chain; stops at the first that is false.
final class CompareNode: Evaluable {
  private let first: any Evaluable
  private let rest: [(comparison: Comparison, operand: any Evaluable)]
  private let offset: Int

  init(_ first: any Evaluable, _ rest: [(Comparison, any Evaluable)], at offset: Int) {
    self.first = first
    self.rest = rest.map { ($0.0, $0.1) }
    self.offset = offset
  }

  func evaluate(_ evaluation: Evaluation, _ frame: Frame) throws -> Value {
    try evaluation.tick()
    var left = try first.evaluate(evaluation, frame)
    for (comparison, operand) in rest {
      let right = try operand.evaluate(evaluation, frame)
      do {
        guard try evaluation.compare(comparison, left, right) else { return .bool(false) }
      } catch {
        throw evaluation.locate(error, frame, offset)
      }
      left = right
    }
    return .bool(true)
  }
}

/// `a ~ b ~ …`.
final class ConcatenateNode: Evaluable {
  private let parts: [any Evaluable]
  /// Whether one part that is marked as safe makes the whole so, escaping the others: inside `autoescape`.
  private let joinsMarkup: Bool

  init(_ parts: [any Evaluable], joinsMarkup: Bool) {
    self.parts = parts
    self.joinsMarkup = joinsMarkup
  }

  func evaluate(_ evaluation: Evaluation, _ frame: Frame) throws -> Value {
    try evaluation.tick()
    if joinsMarkup {
      let values = try parts.map { try $0.evaluate(evaluation, frame) }
      if values.contains(where: { $0.objectValue is Markup }) {
        let text = try values.map(evaluation.escaped).joined()
        try evaluation.charge(bytes: text.utf8.count)
        return .object(Markup(text))
      }
      let text = try values.map(evaluation.text).joined()
      try evaluation.charge(bytes: text.utf8.count)
      return .string(text)
    }
    var text = ""
    for part in parts {
      let value = try part.evaluate(evaluation, frame)
      if case .string(let string) = value { text += string } else { text += try evaluation.text(of: value) }
    }
    try evaluation.charge(bytes: text.utf8.count)
    return .string(text)
  }
}

final class ConditionalNode: Evaluable {
  private let test: any Evaluable
  private let then: any Evaluable
  private let otherwise: (any Evaluable)?
  private let line: Int

  init(test: any Evaluable, then: any Evaluable, otherwise: (any Evaluable)?, line: Int) {
    self.line = line
    self.test = test
    self.then = then
    self.otherwise = otherwise
  }

  func evaluate(_ evaluation: Evaluation, _ frame: Frame) throws -> Value {
    try evaluation.tick()
    if try evaluation.truth(of: try test.evaluate(evaluation, frame)) { return try then.evaluate(evaluation, frame) }
    if let otherwise { return try otherwise.evaluate(evaluation, frame) }
    return .undefined(
      Undefined(
        name: "",
        hint: "the inline if-expression on line \(line) evaluated to false and no else section was defined."))
  }
}

final class ListNode: Evaluable {
  private let items: [any Evaluable]
  init(_ items: [any Evaluable]) { self.items = items }

  func evaluate(_ evaluation: Evaluation, _ frame: Frame) throws -> Value {
    try evaluation.tick()
    try evaluation.charge(elements: items.count)
    return .list(ListObject(try items.map { try $0.evaluate(evaluation, frame) }))
  }
}

final class TupleNode: Evaluable {
  private let items: [any Evaluable]
  private let offset: Int

  init(_ items: [any Evaluable], at offset: Int) {
    self.items = items
    self.offset = offset
  }

  func evaluate(_ evaluation: Evaluation, _ frame: Frame) throws -> Value {
    try evaluation.tick()
    try evaluation.charge(elements: items.count)
    let values = try items.map { try $0.evaluate(evaluation, frame) }
    do { try Value.requireShallow(values) } catch { throw evaluation.locate(error, frame, offset) }
    return .tuple(values)
  }
}

final class DictNode: Evaluable {
  private let pairs: [(key: any Evaluable, value: any Evaluable)]
  private let offset: Int

  init(_ pairs: [(any Evaluable, any Evaluable)], at offset: Int) {
    self.pairs = pairs.map { ($0.0, $0.1) }
    self.offset = offset
  }

  func evaluate(_ evaluation: Evaluation, _ frame: Frame) throws -> Value {
    try evaluation.tick()
    try evaluation.charge(elements: pairs.count)
    let dict = DictObject()
    for (key, value) in pairs {
      let key = try key.evaluate(evaluation, frame)
      do { try key.requireHashable() } catch { throw evaluation.locate(error, frame, offset) }
      dict[key] = try value.evaluate(evaluation, frame)
    }
    return .dict(dict)
  }
}

extension Value {
  /// Refuses tuples nested more than 200 levels deep: releasing them would overflow the stack.
  static func requireShallow(_ items: [Value]) throws {
    var budget = 10_000
    try requireShallow(items, depth: 0, budget: &budget)
  }

  private static func requireShallow(_ items: [Value], depth: Int, budget: inout Int) throws {
    guard depth < 200, budget > 0 else { throw JinjaError(.limit, "tuple is nested too deeply") }
    for item in items {
      if case .tuple(let inner) = item {
        budget -= 1
        try requireShallow(inner, depth: depth + 1, budget: &budget)
      }
    }
  }
}
