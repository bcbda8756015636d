/// A compiled body with a frame of its own: a template, a macro, a call block.
final class Function: Sendable {
  let name: String
  let unit: SourceUnit
  let slotCount: Int
  /// Nil for the body of a template.
  let signature: Signature?
  let entry: [SlotEntry]
  let body: Block

  init(
    name: String, unit: SourceUnit, slotCount: Int, signature: Signature?, entry: [SlotEntry], body: Block
  ) {
    self.name = name
    self.unit = unit
    self.slotCount = slotCount
    self.signature = signature
    self.entry = entry
    self.body = body
  }
}

/// The parameters of a macro, and the slots of its special names where the body uses them.
struct Signature: Sendable {
  struct Parameter: Sendable {
    let name: String
    let slot: Int
    let defaultValue: (any Evaluable)?
  }

  let parameters: [Parameter]
  /// Whether `caller` is one of the parameters.
  let hasExplicitCaller: Bool
  let callerSlot: Int?
  let kwargsSlot: Int?
  let varargsSlot: Int?
}

/// What entering a scope does to one slot.
enum SlotEntry: Sendable {
  case clear(Int)
  /// Takes the value of an outer variable, `depth` functions up.
  case copy(Int, depth: Int, outer: Int)
}

/// The variables of one call of a function.
final class Frame {
  /// Nil is a variable without a value.
  var slots: [Value?]
  let parent: Frame?
  let unit: SourceUnit

  init(_ slotCount: Int, parent: Frame?, unit: SourceUnit) {
    slots = [Value?](repeating: nil, count: slotCount)
    self.parent = parent
    self.unit = unit
  }

  /// The frame some functions up.
  @inline(__always)
  func ancestor(_ depth: Int) -> Frame {
    if depth == 0 { return self }
    var frame = self
    for _ in 0..<depth { if let parent = frame.parent { frame = parent } }
    return frame
  }

  func enter(_ entries: [SlotEntry]) {
    for entry in entries {
      switch entry {
      case .clear(let slot): slots[slot] = nil
      case .copy(let slot, let depth, let outer): slots[slot] = ancestor(depth).slots[outer]
      }
    }
  }
}

/// A macro or call block together with the variables around it.
final class Closure: Object {
  let function: Function
  let frame: Frame
  /// The name in messages.
  let name: String

  init(_ function: Function, _ frame: Frame, name: String) {
    self.function = function
    self.frame = frame
    self.name = name
  }

  var typeName: String { "Macro" }
  var repr: String { "<Macro \(PythonText.repr(name))>" }
  var kinds: ValueKinds { .callable }

  func attribute(_ name: String, _ evaluation: Evaluation) -> Value? {
    guard let signature = function.signature else { return nil }
    switch name {
    case "name": return function.name == "caller" ? Value.none : .string(self.name)
    case "arguments": return .tuple(signature.parameters.map { .string($0.name) })
    case "catch_kwargs": return .bool(signature.kwargsSlot != nil)
    case "catch_varargs": return .bool(signature.varargsSlot != nil)
    case "explicit_caller": return .bool(signature.hasExplicitCaller)
    case "caller": return .bool(signature.callerSlot != nil || signature.hasExplicitCaller)
    default: return nil
    }
  }

  func call(_ arguments: Arguments, _ evaluation: Evaluation) throws -> Value {
    try evaluation.invoke(function, parent: frame, name: name, arguments)
  }
}
