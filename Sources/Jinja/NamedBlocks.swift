/// A compiled `{% block %}`: a function that sees the context and the template's top-level variables.
struct NamedBlock: Sendable {
  let function: Function
  /// The slot of `super`, where the block asks for it. There is no inheritance without a loader: it is always missing.
  let superSlot: Int?
  /// Whether the function's parent is the frame of the template; otherwise it sees the context only.
  let needsRoot: Bool
}

extension Frame {
  /// The frame of the template this frame's function stands in.
  var root: Frame {
    var frame = self
    while let parent = frame.parent { frame = parent }
    return frame
  }
}

extension Evaluation {
  /// Runs a block in a frame of its own.
  func execute(_ block: NamedBlock, root: Frame) throws {
    try enterBlock()
    defer { leaveBlock() }
    let function = block.function
    let frame = Frame(function.slotCount, parent: block.needsRoot ? root : nil, unit: function.unit)
    frame.enter(function.entry)
    if let slot = block.superSlot {
      frame.slots[slot] = missing("super", "there is no parent block called \(PythonText.repr(function.name)).")
    }
    _ = try function.body.execute(self, frame)
  }
}

/// `{% block %}` where it stands.
final class BlockNode: Executable {
  private let block: NamedBlock
  private let isRequired: Bool
  private let offset: Int

  init(_ block: NamedBlock, isRequired: Bool, at offset: Int) {
    self.block = block
    self.isRequired = isRequired
    self.offset = offset
  }

  func execute(_ evaluation: Evaluation, _ frame: Frame) throws -> Flow {
    do {
      if isRequired {
        throw JinjaError(.runtime, "Required block \(PythonText.repr(block.function.name)) not found")
      }
      try evaluation.execute(block, root: frame.root)
    } catch {
      throw evaluation.locate(error, frame, offset)
    }
    return .next
  }
}

/// `self`: the blocks of the template that runs as functions.
final class SelfNode: Evaluable {
  func evaluate(_ evaluation: Evaluation, _ frame: Frame) -> Value {
    guard let (blocks, root) = evaluation.running else { return evaluation.undefined("self") }
    return .object(TemplateReference(blocks, root))
  }
}

/// The value of `self`.
private final class TemplateReference: Object {
  private let blocks: [String: NamedBlock]
  private let root: Frame

  init(_ blocks: [String: NamedBlock], _ root: Frame) {
    self.blocks = blocks
    self.root = root
  }

  var typeName: String { "TemplateReference" }
  var repr: String { "<TemplateReference None>" }

  func attribute(_ name: String, _ evaluation: Evaluation) -> Value? {
    guard let block = blocks[name] else { return nil }
    return .object(
      NativeFunction(name) { [root] _, evaluation in
        let text = try evaluation.capture {
          try evaluation.execute(block, root: root)
          return .next
        }.text
        return evaluation.captured(text)
      })
  }
}

/// A tag that asks for another template: evaluates its name, then fails as Jinja does without a loader.
final class LoadNode: Executable {
  private let template: any Evaluable
  private let offset: Int

  init(_ template: any Evaluable, at offset: Int) {
    self.template = template
    self.offset = offset
  }

  func execute(_ evaluation: Evaluation, _ frame: Frame) throws -> Flow {
    do {
      if case .undefined(let undefined) = try template.evaluate(evaluation, frame), !undefined.isAbsorbing {
        throw undefined.error
      }
      throw JinjaError(.type, "no loader for this environment specified")
    } catch {
      throw evaluation.locate(error, frame, offset)
    }
  }
}

/// How the output of a piece of template text is escaped.
enum EscapeMode: Sendable {
  case off
  case on
  /// Decided by the `autoescape` tag's expression when it runs.
  case dynamic
}

/// `{% autoescape %}`.
final class AutoescapeNode: Executable {
  private let value: any Evaluable
  private let entry: [SlotEntry]
  private let body: Block
  private let offset: Int

  init(_ value: any Evaluable, _ entry: [SlotEntry], _ body: Block, at offset: Int) {
    self.value = value
    self.entry = entry
    self.body = body
    self.offset = offset
  }

  func execute(_ evaluation: Evaluation, _ frame: Frame) throws -> Flow {
    let saved = evaluation.autoescapes
    defer { evaluation.autoescapes = saved }
    do {
      frame.enter(entry)
      evaluation.autoescapes = try value.evaluate(evaluation, frame).isTruthy
    } catch {
      throw evaluation.locate(error, frame, offset)
    }
    return try body.execute(evaluation, frame)
  }
}
