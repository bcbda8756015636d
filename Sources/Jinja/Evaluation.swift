/// One render on one thread: its limits, its macro stack and its view of the host.
///
/// Cheap to make. Stops with a limit error before the thread's stack is used up, whatever its size: it looks at the
/// stack with each step and leaves 96 KiB free for the host. Give evaluating threads 8 MiB, where every limit of
/// `Limits.standard` can be reached; 512 KiB hold about 200 nested macro calls (30 in a debug build).
package final class Evaluation {
  package let globals: any GlobalScope
  package let limits: Limits
  package let undefinedPolicy: UndefinedPolicy
  /// The host's state for this render.
  package var userInfo: AnyObject?

  /// The variables given to the render that is running.
  private var variables: [String: Value] = [:]
  /// Where output goes: text, or parts in native mode.
  private var output = ""
  private var parts: [Value]?
  /// The input of the filter of a filter block.
  private(set) var captured = Value.none
  /// Whether the innermost `autoescape` tag that runs is on.
  var autoescapes = false
  private var blockDepth = 0
  /// The blocks of the template that runs, and its frame.
  private(set) var running: (blocks: [String: NamedBlock], root: Frame)?
  private var calls: [Call] = []
  /// The call expression being evaluated.
  var callSite: (unit: SourceUnit, offset: Int)?
  private var stack: StackGuard
  private var stepsLeft: Int
  private var bytesLeft: Int
  private var deadline: ContinuousClock.Instant?
  /// What lorem ipsum and `random` draw from.
  var random = SystemRandomNumberGenerator()

  /// A macro that is running.
  private struct Call {
    let name: String
    let unit: SourceUnit
    /// Where it was called.
    let site: (unit: SourceUnit, offset: Int)?

    /// The name without dbt's prefix.
    var shownName: String { name.hasPrefix("dbt_macro__") ? String(name.dropFirst(11)) : name }
  }

  package init(
    globals: any GlobalScope, limits: Limits = .standard, undefined: UndefinedPolicy = .standard
  ) {
    self.globals = globals
    self.limits = limits
    undefinedPolicy = undefined
    stack = StackGuard(bytes: limits.stackBytes)
    stepsLeft = limits.steps
    bytesLeft = limits.allocatedBytes
    deadline = limits.time.map { ContinuousClock.now + $0 }
  }

  // MARK: Rendering

  /// Renders to text. `variables` come before the globals.
  package func renderText(_ template: Template, variables: [String: Value] = [:]) throws -> String {
    try rendering(variables) { try capture { try run(template) }.text }
  }

  /// Renders as dbt's native mode: a template of one expression gives its value, anything else gives text.
  package func renderNative(_ template: Template, variables: [String: Value] = [:]) throws -> Value {
    try rendering(variables) {
      let saved = (output, parts)
      (output, parts) = ("", [])
      defer { (output, parts) = saved }
      _ = try run(template)
      return try NativeText.concatenate(parts ?? [], self)
    }
  }

  private func rendering<Result>(_ variables: [String: Value], _ body: () throws -> Result) throws -> Result {
    let saved = self.variables
    self.variables = variables
    defer { self.variables = saved }
    return try body()
  }

  private func run(_ template: Template) throws -> Flow {
    let frame = Frame(template.root.slotCount, parent: nil, unit: template.unit)
    let outer = running
    running = (template.blocks, frame)
    defer { running = outer }
    // A macro of the text is a variable of the frame it holds: without this neither would be freed.
    defer { for slot in frame.slots.indices { frame.slots[slot] = nil } }
    do {
      return try template.root.body.execute(self, frame)
    } catch let error as MacroReturn {
      throw locate(
        JinjaError(.runtime, "return() was called outside of a macro", underlying: error), frame, 0)
    }
  }

  /// Calls a macro: its text, or what it `return`ed.
  package func call(_ macro: MacroDefinition, _ arguments: Arguments) throws -> Value {
    try invoke(macro.function, parent: nil, name: macro.displayName, arguments)
  }

  /// Calls any callable value.
  package func call(_ value: Value, _ arguments: Arguments) throws -> Value {
    switch value {
    case .object(let object): return try object.call(arguments, self)
    case .undefined(let undefined):
      if undefined.isAbsorbing { return value }
      throw undefined.error
    default: throw JinjaError(.type, "'\(value.typeName)' object is not callable")
    }
  }

  /// The macros that are running, innermost first.
  package var macroStack: [JinjaError.Frame] { frames(at: callSite) }

  /// Names of the macros that are running, outermost first.
  package var macroNames: [String] { calls.map(\.shownName) }

  /// How many macros are running.
  package var macroDepth: Int { calls.count }

  private func frames(at site: (unit: SourceUnit, offset: Int)?) -> [JinjaError.Frame] {
    var frames: [JinjaError.Frame] = []
    var site = site
    for call in calls.reversed().prefix(50) {
      frames.append(
        JinjaError.Frame(
          name: call.shownName, path: call.unit.path, line: site.map { $0.unit.line(at: $0.offset) } ?? 0))
      site = call.site
    }
    return frames
  }

  /// Runs a function in a new frame.
  func invoke(
    _ function: Function, parent: Frame?, name: String, _ arguments: Arguments
  ) throws -> Value {
    guard calls.count < limits.callDepth else {
      throw JinjaError(.limit, "macros are nested deeper than \(limits.callDepth) calls (callDepth)")
    }
    try tick()
    let frame = Frame(function.slotCount, parent: parent, unit: function.unit)
    let savedCaptured = captured
    calls.append(Call(name: name, unit: function.unit, site: callSite))
    defer {
      callSite = calls.removeLast().site
      captured = savedCaptured
    }
    try bind(arguments, to: function, frame, name)
    do {
      return captured(try capture { try function.body.execute(self, frame) }.text)
    } catch let result as MacroReturn {
      // A return() inside a call block belongs to the macro the block stands in.
      if name == "caller", parent != nil { throw result }
      return unsafe result.value
    }
  }

  /// Puts the arguments of a call into the frame, as Jinja's `Macro.__call__`.
  private func bind(_ arguments: Arguments, to function: Function, _ frame: Frame, _ name: String) throws {
    guard let signature = function.signature else { return }
    var keywords = arguments.keywords
    func take(_ name: String) -> Value? {
      keywords.firstIndex { $0.name == name }.map { keywords.remove(at: $0).value }
    }
    let given = arguments.positional.count
    var foundCaller = signature.hasExplicitCaller && given >= signature.parameters.count
    for (index, parameter) in signature.parameters.enumerated() {
      if index < given {
        frame.slots[parameter.slot] = arguments.positional[index]
      } else {
        if let value = take(parameter.name) { frame.slots[parameter.slot] = value }
        if parameter.name == "caller" { foundCaller = true }
      }
    }
    if let slot = signature.callerSlot, !foundCaller {
      frame.slots[slot] = take("caller") ?? missing("caller", "No caller defined")
    }
    if let slot = signature.kwargsSlot {
      frame.slots[slot] = .dict(DictObject(keywords.map { (key: .string($0.name), value: $0.value) }))
    } else if let first = keywords.first {
      if keywords.contains(where: { $0.name == "caller" }) {
        throw JinjaError(
          .type,
          "macro \(PythonText.repr(name)) was invoked with two values for the special caller argument. "
            + "This is most likely a bug.")
      }
      throw JinjaError(
        .type, "macro \(PythonText.repr(name)) takes no keyword argument \(PythonText.repr(first.name))")
    }
    if let slot = signature.varargsSlot {
      frame.slots[slot] = .tuple(Array(arguments.positional.dropFirst(signature.parameters.count)))
    } else if given > signature.parameters.count {
      throw JinjaError(
        .type, "macro \(PythonText.repr(name)) takes not more than \(signature.parameters.count) argument(s)")
    }
    frame.enter(function.entry)
    try fillDefaults(signature, frame)
  }

  private func fillDefaults(_ signature: Signature, _ frame: Frame) throws {
    for parameter in signature.parameters where frame.slots[parameter.slot] == nil {
      if let value = parameter.defaultValue {
        frame.slots[parameter.slot] = try value.evaluate(self, frame)
      } else {
        frame.slots[parameter.slot] = missing(parameter.name, "parameter '\(parameter.name)' was not provided")
      }
    }
  }

  /// Whether the output at hand is that of a native render, where marks on values matter.
  var isNative: Bool { parts != nil }

  // MARK: Names

  /// A name of the host or one of Jinja's own.
  func lookup(_ name: String) throws -> Value {
    if let value = variables[name] { return value }
    if let value = try globals.lookup(name, self) { return value }
    return Globals.value(name) ?? undefined(name)
  }

  /// What a missing name gives.
  func undefined(_ name: String) -> Value {
    .undefined(Undefined(name: name, isAbsorbing: undefinedPolicy == .absorbing))
  }

  /// A missing value with a message of its own.
  func missing(_ name: String, _ hint: String) -> Value {
    .undefined(Undefined(name: name, hint: hint, isAbsorbing: undefinedPolicy == .absorbing))
  }

  /// Python's `bool(value)`.
  func truth(of value: Value) throws -> Bool {
    if case .undefined(let undefined) = value { try refuse(undefined) }
    return value.isTruthy
  }

  /// Raises the error of a missing value where the policy allows none of its uses.
  @inline(__always)
  func refuse(_ undefined: Undefined) throws {
    if undefinedPolicy == .strict { throw undefined.error }
  }

  // MARK: Output

  /// Appends a value to the output.
  func emit(_ value: Value) throws {
    if parts != nil {
      parts?.append(value)
    } else if case .string(let text) = value {
      try emit(text)
    } else {
      try emit(try text(of: value))
    }
  }

  /// Appends the result of a call or filter block, which must be text unless the render is native.
  func emitText(_ value: Value) throws {
    if parts == nil, value.stringValue == nil {
      throw JinjaError(.type, "sequence item 0: expected str instance, \(value.typeName) found")
    }
    try emit(value)
  }

  func emit(_ text: String) throws {
    if parts != nil {
      parts?.append(.string(text))
      return
    }
    output += text
    bytesLeft -= text.utf8.count
    guard output.utf8.count <= limits.outputBytes, bytesLeft >= 0 else { throw outputLimit() }
  }

  private func outputLimit() -> JinjaError {
    output.utf8.count > limits.outputBytes
      ? JinjaError(.limit, "output is larger than \(limits.outputBytes) bytes (outputBytes)")
      : JinjaError(.limit, "the template made more than its limit of \(limits.allocatedBytes) bytes (allocatedBytes)")
  }

  /// Runs statements with output of their own.
  func capture(_ body: () throws -> Flow) throws -> (text: String, flow: Flow) {
    var saved = ""
    swap(&saved, &output)
    let savedParts = parts
    parts = nil
    defer {
      swap(&saved, &output)
      parts = savedParts
    }
    let flow = try body()
    return (output, flow)
  }

  /// Runs the statements of a block whose output is kept: as text, or in native mode as dbt does, where every part must
  /// be text already.
  func captureBlock(_ body: () throws -> Flow) throws -> (text: String, flow: Flow) {
    guard let saved = parts else { return try capture(body) }
    parts = []
    defer { parts = saved }
    let flow = try body()
    var text = ""
    for (index, part) in (parts ?? []).enumerated() {
      guard let piece = part.stringValue else {
        throw JinjaError(.type, "sequence item \(index): expected str instance, \(part.typeName) found")
      }
      text += piece
    }
    try charge(bytes: text.utf8.count)
    return (text, flow)
  }

  /// Captured text as a value: marked as safe where output is escaped.
  func captured(_ text: String) -> Value { autoescapes ? .object(Markup(text)) : .string(text) }

  func captured(_ text: String, _ mode: EscapeMode) -> Value {
    mode == .on || (mode == .dynamic && autoescapes) ? .object(Markup(text)) : .string(text)
  }

  /// The text of a value with HTML's characters escaped, unless it is marked as safe.
  func escaped(_ value: Value) throws -> String {
    if case .object(let markup as Markup) = value { return markup.content }
    let text = Markup.escape(try text(of: value))
    try charge(bytes: text.utf8.count)
    return text
  }

  /// Counts one more block that is running.
  func enterBlock() throws {
    guard blockDepth < limits.callDepth else {
      throw JinjaError(.limit, "blocks are nested deeper than \(limits.callDepth) levels (callDepth)")
    }
    try tick()
    blockDepth += 1
  }

  func leaveBlock() { blockDepth -= 1 }

  func withCaptured(_ value: Value, _ body: () throws -> Value) rethrows -> Value {
    let saved = captured
    captured = value
    defer { captured = saved }
    return try body()
  }

  /// Python's `str(value)`, within the limit on output.
  func text(of value: Value) throws -> String {
    if case .string(let text) = value { return text }
    if case .undefined(let undefined) = value { try refuse(undefined) }
    var writer = PythonText(limit: limits.outputBytes)
    writer.write(value)
    if writer.isCutOff { throw JinjaError(.limit, "text is larger than \(limits.outputBytes) bytes (outputBytes)") }
    try charge(bytes: writer.output.utf8.count)
    return writer.output
  }

  /// Python's `repr(value)`, within the limit on output.
  func repr(of value: Value) throws -> String {
    var writer = PythonText(limit: limits.outputBytes)
    writer.writeRepr(value)
    if writer.isCutOff { throw JinjaError(.limit, "text is larger than \(limits.outputBytes) bytes (outputBytes)") }
    try charge(bytes: writer.output.utf8.count)
    return writer.output
  }

  // MARK: Limits

  /// Counts a step; looks at the stack each time and at the clock now and then.
  @inline(__always)
  func tick() throws {
    stepsLeft &-= 1
    if stepsLeft & 1023 == 0 || stepsLeft < 0 || stack.isExhausted { try checkLimits() }
  }

  private func checkLimits() throws {
    if stack.isExhausted { throw JinjaError(.limit, "calls are nested too deeply for the stack (stackBytes)") }
    if stepsLeft < 0 {
      throw JinjaError(.limit, "the template took more than its limit of \(limits.steps) steps (steps)")
    }
    if let deadline, ContinuousClock.now > deadline {
      throw JinjaError(.limit, "evaluation took longer than \(limits.time ?? .zero) (time)")
    }
  }

  /// How many elements one operation on nested values may visit.
  var elementBudget: Int { max(1, min(10_000_000, stepsLeft)) }

  /// Counts steps that were made elsewhere.
  func spend(steps count: Int) { stepsLeft -= count }

  /// Counts the elements of a collection that is made or walked.
  func charge(elements count: Int) throws {
    guard count <= limits.collectionSize else {
      throw JinjaError(.limit, "collection is larger than \(limits.collectionSize) elements (collectionSize)")
    }
    stepsLeft -= count / 4
    bytesLeft -= count * 17
    if stepsLeft < 0 || bytesLeft < 0 {
      try checkLimits()
      throw JinjaError(
        .limit, "the template made more than its limit of \(limits.allocatedBytes) bytes (allocatedBytes)")
    }
  }

  /// Counts the bytes of a string that is made.
  func charge(bytes count: Int) throws {
    guard count <= limits.outputBytes else {
      throw JinjaError(.limit, "text is larger than \(limits.outputBytes) bytes (outputBytes)")
    }
    bytesLeft -= count
    if bytesLeft < 0 {
      throw JinjaError(
        .limit, "the template made more than its limit of \(limits.allocatedBytes) bytes (allocatedBytes)")
    }
  }

  // MARK: Errors

  /// Adds place and macro stack to an error on its way out; returns and placed errors pass unchanged.
  func locate(_ error: any Error, _ frame: Frame, _ offset: Int) -> any Error {
    if error is MacroReturn { return error }
    var located = (error as? JinjaError) ?? JinjaError(.host, String(describing: error), underlying: error)
    guard located.path == nil else { return located }
    located = frame.unit.locate(located, at: offset)
    if located.macroStack.isEmpty { located.macroStack = frames(at: (frame.unit, offset)) }
    return located
  }
}
