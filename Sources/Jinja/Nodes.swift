/// A compiled expression.
protocol Evaluable: AnyObject, Sendable {
  func evaluate(_ evaluation: Evaluation, _ frame: Frame) throws -> Value
}

/// A compiled statement.
protocol Executable: AnyObject, Sendable {
  func execute(_ evaluation: Evaluation, _ frame: Frame) throws -> Flow
}

/// How a statement ended.
enum Flow: Sendable {
  case next
  case breakLoop
  case continueLoop
}

/// Something a value can be stored in.
protocol Assignable: AnyObject, Sendable {
  func assign(_ value: Value, _ evaluation: Evaluation, _ frame: Frame) throws
}

/// Statements in a row.
final class Block: Executable {
  private let statements: [any Executable]

  init(_ statements: [any Executable]) { self.statements = statements }

  var isEmpty: Bool { statements.isEmpty }

  func execute(_ evaluation: Evaluation, _ frame: Frame) throws -> Flow {
    for statement in statements {
      try evaluation.tick()
      let flow = try statement.execute(evaluation, frame)
      if flow != .next { return flow }
    }
    return .next
  }
}

final class TextNode: Executable {
  private let text: String
  init(_ text: String) { self.text = text }
  func execute(_ evaluation: Evaluation, _ frame: Frame) throws -> Flow {
    try evaluation.emit(text)
    return .next
  }
}

final class OutputNode: Executable {
  private let value: any Evaluable
  /// Whether Jinja would have put the value into the text while compiling: native rendering then gives text.
  private let isConstant: Bool
  private let escape: EscapeMode
  private let offset: Int

  init(_ value: any Evaluable, isConstant: Bool, escape: EscapeMode, at offset: Int) {
    self.value = value
    self.isConstant = isConstant
    self.escape = escape
    self.offset = offset
  }

  func execute(_ evaluation: Evaluation, _ frame: Frame) throws -> Flow {
    do {
      let result = try value.evaluate(evaluation, frame)
      if isConstant, evaluation.isNative, result.canBeWritten {
        try evaluation.emit(try evaluation.text(of: result))
      } else if !evaluation.isNative, escape == .on || (escape == .dynamic && evaluation.autoescapes && !isConstant) {
        try evaluation.emit(try evaluation.escaped(result))
      } else {
        try evaluation.emit(result)
      }
    } catch {
      throw evaluation.locate(error, frame, offset)
    }
    return .next
  }
}

extension Value {
  /// Whether Jinja can write the value into the code it makes, so that a constant becomes text while compiling.
  fileprivate var canBeWritten: Bool {
    switch self {
    case .none, .bool, .int, .bigInt, .double, .string: true
    case .list(let list): list.items.allSatisfy(\.canBeWritten)
    case .tuple(let items): items.allSatisfy(\.canBeWritten)
    case .dict(let dict): dict.pairs.allSatisfy { $0.key.canBeWritten && $0.value.canBeWritten }
    case .object(let object): object is Markup || object is RangeObject
    case .undefined, .decimal: false
    }
  }
}

/// `{% do … %}`.
final class EvaluateNode: Executable {
  private let value: any Evaluable
  private let offset: Int

  init(_ value: any Evaluable, at offset: Int) {
    self.value = value
    self.offset = offset
  }

  func execute(_ evaluation: Evaluation, _ frame: Frame) throws -> Flow {
    do { _ = try value.evaluate(evaluation, frame) } catch { throw evaluation.locate(error, frame, offset) }
    return .next
  }
}

final class FlowNode: Executable {
  private let flow: Flow
  init(_ flow: Flow) { self.flow = flow }
  func execute(_ evaluation: Evaluation, _ frame: Frame) -> Flow { flow }
}

final class IfNode: Executable {
  private let branches: [(test: any Evaluable, body: Block)]
  private let otherwise: Block

  init(_ branches: [(any Evaluable, Block)], otherwise: Block) {
    self.branches = branches.map { ($0.0, $0.1) }
    self.otherwise = otherwise
  }

  func execute(_ evaluation: Evaluation, _ frame: Frame) throws -> Flow {
    for (test, body) in branches where try evaluation.truth(of: try test.evaluate(evaluation, frame)) {
      return try body.execute(evaluation, frame)
    }
    return try otherwise.execute(evaluation, frame)
  }
}

final class SetNode: Executable {
  private let target: any Assignable
  private let value: any Evaluable
  private let offset: Int

  init(_ target: any Assignable, _ value: any Evaluable, at offset: Int) {
    self.target = target
    self.value = value
    self.offset = offset
  }

  func execute(_ evaluation: Evaluation, _ frame: Frame) throws -> Flow {
    do {
      try target.assign(try value.evaluate(evaluation, frame), evaluation, frame)
    } catch {
      throw evaluation.locate(error, frame, offset)
    }
    return .next
  }
}

/// `{% set x %}…{% endset %}`.
final class SetBlockNode: Executable {
  private let target: any Assignable
  private let entry: [SlotEntry]
  private let body: Block
  private let filter: (any Evaluable)?
  private let escape: EscapeMode
  private let offset: Int

  init(
    _ target: any Assignable, _ entry: [SlotEntry], _ body: Block, filter: (any Evaluable)?, escape: EscapeMode,
    at offset: Int
  ) {
    self.escape = escape
    self.target = target
    self.entry = entry
    self.body = body
    self.filter = filter
    self.offset = offset
  }

  func execute(_ evaluation: Evaluation, _ frame: Frame) throws -> Flow {
    do {
      frame.enter(entry)
      let (text, flow) = try evaluation.captureBlock { try body.execute(evaluation, frame) }
      // A break or continue inside leaves the block before it assigns.
      guard flow == .next else { return flow }
      var value = evaluation.captured(text)
      if let filter {
        let input = evaluation.captured(text, escape)
        value = try evaluation.withCaptured(input) { try filter.evaluate(evaluation, frame) }
        if evaluation.autoescapes { value = .object(Markup(try evaluation.text(of: value))) }
      }
      try target.assign(value, evaluation, frame)
      return flow
    } catch {
      throw evaluation.locate(error, frame, offset)
    }
  }
}

/// `{% filter … %}…{% endfilter %}`.
final class FilterBlockNode: Executable {
  private let entry: [SlotEntry]
  private let body: Block
  private let filter: any Evaluable
  private let escape: EscapeMode
  private let offset: Int

  init(_ entry: [SlotEntry], _ body: Block, filter: any Evaluable, escape: EscapeMode, at offset: Int) {
    self.escape = escape
    self.entry = entry
    self.body = body
    self.filter = filter
    self.offset = offset
  }

  func execute(_ evaluation: Evaluation, _ frame: Frame) throws -> Flow {
    do {
      frame.enter(entry)
      let (text, flow) = try evaluation.captureBlock { try body.execute(evaluation, frame) }
      guard flow == .next else { return flow }
      try evaluation.emitText(
        try evaluation.withCaptured(evaluation.captured(text, escape)) { try filter.evaluate(evaluation, frame) })
      return flow
    } catch {
      throw evaluation.locate(error, frame, offset)
    }
  }
}

/// The text a filter block or block set has captured, as the input of its filter.
final class CapturedNode: Evaluable {
  func evaluate(_ evaluation: Evaluation, _ frame: Frame) -> Value { evaluation.captured }
}

/// `{% with %}` and scoped blocks.
final class ScopeNode: Executable {
  private let entry: [SlotEntry]
  private let bindings: [(target: any Assignable, value: any Evaluable)]
  private let body: Block
  private let offset: Int

  init(_ entry: [SlotEntry], _ bindings: [(any Assignable, any Evaluable)], _ body: Block, at offset: Int) {
    self.entry = entry
    self.bindings = bindings.map { ($0.0, $0.1) }
    self.body = body
    self.offset = offset
  }

  func execute(_ evaluation: Evaluation, _ frame: Frame) throws -> Flow {
    do {
      let values = try bindings.map { try $0.value.evaluate(evaluation, frame) }
      frame.enter(entry)
      for (binding, value) in zip(bindings, values) { try binding.target.assign(value, evaluation, frame) }
    } catch {
      throw evaluation.locate(error, frame, offset)
    }
    return try body.execute(evaluation, frame)
  }
}

/// A macro inside plain Jinja text: becomes a variable when it is reached.
final class MacroNode: Executable {
  private let function: Function
  private let name: String
  private let slot: Int

  init(_ function: Function, name: String, slot: Int, at offset: Int) {
    self.function = function
    self.name = name
    self.slot = slot
  }

  func execute(_ evaluation: Evaluation, _ frame: Frame) -> Flow {
    frame.slots[slot] = .object(Closure(function, frame, name: name))
    return .next
  }
}

/// `{% call … %}…{% endcall %}`.
final class CallBlockNode: Executable {
  private let call: any Evaluable
  private let caller: Function
  private let offset: Int

  init(_ call: any Evaluable, caller: Function, at offset: Int) {
    self.call = call
    self.caller = caller
    self.offset = offset
  }

  func execute(_ evaluation: Evaluation, _ frame: Frame) throws -> Flow {
    do {
      let closure = Value.object(Closure(caller, frame, name: "caller"))
      guard let call = call as? any Calling else { return .next }
      try evaluation.emitText(try call.evaluate(evaluation, frame, caller: closure))
    } catch {
      throw evaluation.locate(error, frame, offset)
    }
    return .next
  }
}

// MARK: Targets

final class NameTarget: Assignable {
  private let slot: Int
  private let depth: Int

  init(_ reference: NameReference) {
    slot = reference.slot
    depth = reference.depth
  }

  func assign(_ value: Value, _ evaluation: Evaluation, _ frame: Frame) { frame.ancestor(depth).slots[slot] = value }
}

final class NamespaceTarget: Assignable {
  private let name: NameNode
  private let attribute: String
  private let offset: Int

  init(_ reference: NameReference, _ attribute: String, at offset: Int) {
    name = NameNode(reference)
    self.attribute = attribute
    self.offset = offset
  }

  func assign(_ value: Value, _ evaluation: Evaluation, _ frame: Frame) throws {
    let target = try name.evaluate(evaluation, frame)
    guard case .object(let object) = target else {
      throw JinjaError(.runtime, "cannot assign attribute on non-namespace object")
    }
    try object.setAttribute(attribute, value, evaluation)
  }
}

final class TupleTarget: Assignable {
  private let targets: [any Assignable]

  init(_ targets: [any Assignable]) { self.targets = targets }

  func assign(_ value: Value, _ evaluation: Evaluation, _ frame: Frame) throws {
    let items: [Value]
    switch value {
    case .tuple(let elements): items = elements
    case .list(let list): items = list.items
    case .none, .bool, .int, .bigInt, .double, .decimal:
      throw JinjaError(.type, "cannot unpack non-iterable \(value.typeName) object")
    default: items = try evaluation.elements(of: value)
    }
    if items.count > targets.count {
      throw JinjaError(.value, "too many values to unpack (expected \(targets.count))")
    }
    guard items.count == targets.count else {
      throw JinjaError(
        .value, "not enough values to unpack (expected \(targets.count), got \(items.count))")
    }
    for (target, item) in zip(targets, items) { try target.assign(item, evaluation, frame) }
  }
}
