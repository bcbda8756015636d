/// The filter clause of a `for`.
final class LoopFilter: Sendable {
  private let target: any Assignable
  private let test: any Evaluable
  private let entry: [SlotEntry]

  init(_ target: any Assignable, _ test: any Evaluable, _ entry: [SlotEntry]) {
    self.target = target
    self.test = test
    self.entry = entry
  }

  func accepts(_ item: Value, _ evaluation: Evaluation, _ frame: Frame) throws -> Bool {
    frame.enter(entry)
    try target.assign(item, evaluation, frame)
    return try evaluation.truth(of: try test.evaluate(evaluation, frame))
  }
}

/// Where a loop gets its elements: a list is read while it is walked, so that changes to it show, as in Python.
final class LoopSource {
  private enum Origin {
    case list(ListObject)
    case fixed([Value])
    case dict(DictObject, keys: [Value])
    case iterator(any StepwiseIterator)
  }

  private var origin: Origin
  private var position = 0
  private var filter: ((Value) throws -> Bool)?
  private let evaluation: Evaluation
  /// Elements that were looked at in advance.
  private var ahead: [Value] = []

  init(_ value: Value, _ evaluation: Evaluation, filter: ((Value) throws -> Bool)?) throws {
    switch value {
    case .list(let list): origin = .list(list)
    case .dict(let dict): origin = .dict(dict, keys: dict.keys)
    case .object(let iterator as any StepwiseIterator): origin = .iterator(iterator)
    default: origin = .fixed(try evaluation.elements(of: value))
    }
    self.filter = filter
    self.evaluation = evaluation
  }

  deinit {
    if case .fixed(var items) = origin {
      origin = .fixed([])
      Teardown.release(&items)
    }
    Teardown.release(&ahead)
  }

  private func pull() throws -> Value? {
    while true {
      let item: Value
      switch origin {
      case .list(let list):
        guard position < list.items.count else { return nil }
        item = list.items[position]
      case .fixed(let items):
        guard position < items.count else { return nil }
        item = items[position]
      case .dict(let dict, let keys):
        guard dict.count == keys.count else {
          throw JinjaError(.state, "dictionary changed size during iteration")
        }
        guard position < keys.count else { return nil }
        item = keys[position]
      case .iterator(let iterator):
        try evaluation.tick()
        guard let next = try iterator.next(evaluation) else { return nil }
        item = next
      }
      position += 1
      if try filter?(item) ?? true { return item }
    }
  }

  /// Lets go of the filter, which holds the frame that may hold the loop.
  func finish() { filter = nil }

  func next() throws -> Value? { ahead.isEmpty ? try pull() : ahead.removeFirst() }

  /// The element after the current one, left where it is.
  func peek() throws -> Value? {
    if ahead.isEmpty, let item = try pull() { ahead.append(item) }
    return ahead.first
  }

  /// How many elements are still to come.
  func remaining() throws -> Int {
    if filter == nil {
      switch origin {
      case .list(let list): return ahead.count + max(0, list.items.count - position)
      case .fixed(let items): return ahead.count + items.count - position
      case .dict(_, let keys): return ahead.count + keys.count - position
      case .iterator: break
      }
    }
    while let item = try pull() {
      try evaluation.charge(elements: 1)
      ahead.append(item)
    }
    return ahead.count
  }
}

/// The `loop` variable.
final class LoopObject: Object {
  private let source: LoopSource
  private let depth: Int
  private let recurse: ((Value, Evaluation, Int) throws -> Value)?
  private var index = -1
  private var previous: Value?
  private(set) var current: Value?
  private var lastChecked: [Value]?

  init(_ source: LoopSource, depth: Int, recurse: ((Value, Evaluation, Int) throws -> Value)?) {
    self.source = source
    self.depth = depth
    self.recurse = recurse
  }

  deinit {
    var held = [previous, current].compactMap { $0 } + (lastChecked ?? [])
    (previous, current, lastChecked) = (nil, nil, nil)
    Teardown.release(&held)
  }

  /// Moves to the next element; nil at the end.
  func advance() throws -> Value? {
    guard let item = try source.next() else { return nil }
    index += 1
    previous = current
    current = item
    return item
  }

  var typeName: String { "LoopContext" }
  var repr: String { "<LoopContext \(index + 1)/\((try? length()) ?? 0)>" }
  var kinds: ValueKinds { [.callable, .iterable] }

  private func length() throws -> Int { index + 1 + (try source.remaining()) }

  func attribute(_ name: String, _ evaluation: Evaluation) throws -> Value? {
    switch name {
    case "index": return .int(index + 1)
    case "index0": return .int(index)
    case "revindex": return .int(try length() - index)
    case "revindex0": return .int(try length() - index - 1)
    case "first": return .bool(index == 0)
    case "last": return .bool(try source.peek() == nil)
    case "length": return .int(try length())
    case "depth": return .int(depth + 1)
    case "depth0": return .int(depth)
    case "previtem": return previous ?? evaluation.missing("previtem", "there is no previous item")
    case "nextitem": return try source.peek() ?? evaluation.missing("nextitem", "there is no next item")
    case "cycle": return .object(NativeFunction(name) { [self] arguments, _ in try cycle(arguments) })
    case "changed": return .object(NativeFunction(name) { [self] arguments, _ in changed(arguments) })
    default: return nil
    }
  }

  private func cycle(_ arguments: Arguments) throws -> Value {
    guard !arguments.positional.isEmpty else { throw JinjaError(.type, "no items for cycling given") }
    return arguments.positional[index % arguments.positional.count]
  }

  private func changed(_ arguments: Arguments) -> Value {
    if let lastChecked, lastChecked == arguments.positional { return .bool(false) }
    lastChecked = arguments.positional
    return .bool(true)
  }

  func call(_ arguments: Arguments, _ evaluation: Evaluation) throws -> Value {
    guard let recurse else {
      throw JinjaError(
        .type, "The loop must have the 'recursive' marker to be called recursively.")
    }
    return try recurse(try arguments.bind("loop", ["iterable"])[0] ?? .none, evaluation, depth + 1)
  }
}

/// `{% for %}`.
final class ForNode: Executable {
  private let iterable: any Evaluable
  private let target: any Assignable
  private let filter: LoopFilter?
  private let entry: [SlotEntry]
  private let body: Block
  private let otherwise: Block
  private let elseEntry: [SlotEntry]
  /// The slot of `loop`, where the body uses it.
  private let loopSlot: Int?
  /// The size of the frame each level of a recursive loop has.
  private let recursiveSlotCount: Int?
  private let escape: EscapeMode
  private let offset: Int

  init(
    iterable: any Evaluable, target: any Assignable, filter: LoopFilter?, entry: [SlotEntry], body: Block,
    otherwise: Block, elseEntry: [SlotEntry], loopSlot: Int?, recursiveSlotCount: Int?, escape: EscapeMode,
    at offset: Int
  ) {
    self.escape = escape
    self.iterable = iterable
    self.target = target
    self.filter = filter
    self.entry = entry
    self.body = body
    self.otherwise = otherwise
    self.elseEntry = elseEntry
    self.loopSlot = loopSlot
    self.recursiveSlotCount = recursiveSlotCount
    self.offset = offset
  }

  func execute(_ evaluation: Evaluation, _ frame: Frame) throws -> Flow {
    do {
      let value = try iterable.evaluate(evaluation, frame)
      if recursiveSlotCount != nil {
        try evaluation.emit(try recurse(value, evaluation, frame, depth: 0))
      } else {
        return try run(value, evaluation, frame, recurse: nil, depth: 0)
      }
    } catch {
      throw evaluation.locate(error, frame, offset)
    }
    return .next
  }

  /// One level of a recursive loop: its text.
  private func recurse(_ value: Value, _ evaluation: Evaluation, _ outer: Frame, depth: Int) throws -> Value {
    guard depth < evaluation.limits.callDepth else {
      throw JinjaError(.limit, "loops are nested deeper than \(evaluation.limits.callDepth) levels (callDepth)")
    }
    try evaluation.tick()
    let frame = Frame(recursiveSlotCount ?? 0, parent: outer, unit: outer.unit)
    let (text, _) = try evaluation.captureBlock {
      _ = try run(
        value, evaluation, frame,
        recurse: { [self] in try recurse($0, $1, outer, depth: $2) }, depth: depth)
      return .next
    }
    return evaluation.captured(text, escape)
  }

  private func run(
    _ value: Value, _ evaluation: Evaluation, _ frame: Frame,
    recurse: ((Value, Evaluation, Int) throws -> Value)?, depth: Int
  ) throws -> Flow {
    var test: ((Value) throws -> Bool)?
    if let filter { test = { try filter.accepts($0, evaluation, frame) } }
    let source = try LoopSource(value, evaluation, filter: test)
    let loop = loopSlot.map { _ in LoopObject(source, depth: depth, recurse: recurse) }
    // As in Jinja, `else` runs unless an iteration came to its end: leaving each early counts as none.
    defer { source.finish() }
    var isEmpty = true
    while let item = try loop?.advance() ?? (loop == nil ? try source.next() : nil) {
      try evaluation.tick()
      frame.enter(entry)
      if let loop, let loopSlot { frame.slots[loopSlot] = .object(loop) }
      try target.assign(item, evaluation, frame)
      let flow = try body.execute(evaluation, frame)
      if flow == .breakLoop { break }
      if flow == .next { isEmpty = false }
    }
    guard isEmpty else { return .next }
    // A break or continue in here is one of the loop around this one.
    frame.enter(elseEntry)
    return try otherwise.execute(evaluation, frame)
  }
}
