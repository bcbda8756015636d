/// Turns syntax trees into executable nodes: names become slots, filters and tests become functions.
struct Compiler {
  let unit: SourceUnit
  let options: CompileOptions
  /// The named blocks that the code at hand may run.
  private(set) var blocks: [String: NamedBlock] = [:]

  init(unit: SourceUnit, options: CompileOptions) {
    self.unit = unit
    self.options = options
  }

  // MARK: Functions

  /// The body of a template.
  mutating func compileRoot(_ statements: [Statement]) throws(JinjaError) -> Function {
    let scope = Scope(parent: nil, layout: Scope.Layout())
    scope.analyze(statements)
    try compileBlocks(in: statements, root: scope)
    let block = try self.block(statements, scope, soft: false)
    let entry = entry(scope)
    return Function(
      name: "root", unit: unit, slotCount: scope.layout.slotCount, signature: nil, entry: entry, body: block)
  }

  /// Compiles the named blocks of statements, inner ones first. `root` is nil for those of macro definitions.
  private mutating func compileBlocks(in statements: [Statement], root: Scope?) throws(JinjaError) {
    blocks = [:]
    for block in Walk.blocks(in: statements) {
      let scope = Scope(parent: root, layout: Scope.Layout())
      scope.escape = .off
      let asksSuper = Undeclared.find(["super"], in: block.body).contains("super")
      if asksSuper { scope.declareParameter("super") }
      scope.analyze(block.body)
      let body = try self.block(block.body, scope, soft: false)
      let entry = entry(scope)
      let function = Function(
        name: block.name, unit: unit, slotCount: scope.layout.slotCount, signature: nil, entry: entry, body: body)
      blocks[block.name] = NamedBlock(
        function: function, superSlot: asksSuper ? scope.slot("super") : nil, needsRoot: root != nil)
    }
  }

  /// A macro, test, materialization or call block. `parent` is nil for definitions, which see the context only.
  func compileMacro(_ macro: MacroSyntax, parent: Scope?, isCaller: Bool = false) throws(JinjaError) -> Function {
    let scope = Scope(parent: parent, layout: Scope.Layout())
    for parameter in macro.parameters { scope.declareParameter(parameter.name) }
    var special: [String: Bool] = [:]
    let isExplicit = macro.parameters.contains { $0.name == "caller" }
    let undeclared = Undeclared.find(["caller", "kwargs", "varargs"], in: macro.body)
    if isExplicit, undeclared.contains("caller"),
      macro.parameters.contains(where: { $0.name == "caller" && $0.defaultValue == nil })
    {
      throw unit.error(
        .assertion,
        "When defining macros or call blocks the special \"caller\" argument must be omitted or be given a default.",
        at: macro.range.lowerBound)
    }
    for name in ["caller", "kwargs", "varargs"] {
      let isUsed = undeclared.contains(name) && !macro.parameters.contains { $0.name == name }
      special[name] = isUsed
      if isUsed { scope.declareParameter(name) }
    }
    for parameter in macro.parameters { if let value = parameter.defaultValue { scope.analyze(value) } }
    scope.analyze(macro.body)
    var parameters: [Signature.Parameter] = []
    for parameter in macro.parameters {
      var value: (any Evaluable)?
      if let expression = parameter.defaultValue { value = try self.expression(expression, scope, soft: false) }
      parameters.append(
        Signature.Parameter(name: parameter.name, slot: scope.slot(parameter.name), defaultValue: value))
    }
    let body = try block(macro.body, scope, soft: false)
    func slot(_ name: String) -> Int? { special[name] == true ? scope.slot(name) : nil }
    let signature = Signature(
      parameters: parameters, hasExplicitCaller: isExplicit, callerSlot: slot("caller"), kwargsSlot: slot("kwargs"),
      varargsSlot: slot("varargs"))
    let entry = entry(scope)
    return Function(
      name: isCaller ? "caller" : macro.name, unit: unit, slotCount: scope.layout.slotCount, signature: signature,
      entry: entry, body: body)
  }

  /// A top-level block on its own.
  func compileDefinition(_ macro: MacroSyntax) throws(JinjaError) -> Function {
    var compiler = self
    try compiler.compileBlocks(in: macro.body, root: nil)
    return try compiler.compileMacro(macro, parent: nil)
  }

  /// What entering a scope does to its slots.
  private func entry(_ scope: Scope) -> [SlotEntry] {
    var entries: [SlotEntry] = []
    for (name, load) in scope.symbols {
      switch load {
      case .parameter: continue
      case .missing: entries.append(.clear(scope.slot(name)))
      case .context: if scope.stores.contains(name) { entries.append(.clear(scope.slot(name))) }
      case .outer(let outer, let outerName):
        entries.append(
          .copy(scope.slot(name), depth: hops(from: scope, to: outer), outer: outer.slot(outerName)))
      }
    }
    return entries
  }

  /// Function boundaries between two scopes.
  private func hops(from inner: Scope, to outer: Scope) -> Int {
    var count = 0
    var scope = inner
    while scope !== outer, let parent = scope.parent {
      if parent.layout !== scope.layout { count += 1 }
      scope = parent
    }
    return count
  }

  // MARK: Statements

  /// `soft` is true inside `if` branches, where a missing filter or test is an error of the run, not of the template.
  func block(_ statements: [Statement], _ scope: Scope, soft: Bool) throws(JinjaError) -> Block {
    var nodes: [any Executable] = []
    nodes.reserveCapacity(statements.count)
    for statement in statements { nodes.append(try compile(statement, scope, soft)) }
    return Block(nodes)
  }

  private func compile(
    _ statement: Statement, _ scope: Scope, _ soft: Bool
  ) throws(JinjaError) -> any Executable {
    switch statement.kind {
    case .text(let text): return TextNode(text)
    case .output(let value):
      return OutputNode(
        try expression(value, scope, soft: soft), isConstant: value.isConstant, escape: scope.escape, at: value.offset)
    case .evaluate(let value): return EvaluateNode(try expression(value, scope, soft: soft), at: value.offset)
    case .breakLoop: return FlowNode(.breakLoop)
    case .continueLoop: return FlowNode(.continueLoop)
    case .ifElse(let branches, let otherwise):
      var compiled: [(any Evaluable, Block)] = []
      for (test, body) in branches {
        compiled.append((try expression(test, scope, soft: true), try block(body, scope, soft: true)))
      }
      return IfNode(compiled, otherwise: try block(otherwise, scope, soft: soft || !branches.isEmpty))
    case .set(let target, let value):
      return SetNode(
        try self.target(target, scope), try expression(value, scope, soft: soft), at: statement.offset)
    case .macro(let macro): return try macroNode(macro, scope)
    case .forLoop(let loop): return try forNode(loop, scope, at: statement.offset)
    default: return try compileScoped(statement, scope, soft)
    }
  }

  private func compileScoped(
    _ statement: Statement, _ scope: Scope, _ soft: Bool
  ) throws(JinjaError) -> any Executable {
    switch statement.kind {
    case .setBlock(let target, let filter, let body):
      let inner = Scope(parent: scope)
      inner.analyze(body)
      let compiled = try block(body, inner, soft: false)
      let filterNode: (any Evaluable)? =
        if let filter { try expression(filter, inner, soft: false) } else { nil }
      return SetBlockNode(
        try self.target(target, scope), entry(inner), compiled, filter: filterNode, escape: scope.escape,
        at: statement.offset)
    case .filterBlock(let filter, let body):
      let inner = Scope(parent: scope)
      inner.analyze(body)
      inner.analyze(filter)
      let compiled = try block(body, inner, soft: false)
      let filterNode = try expression(filter, inner, soft: false)
      return FilterBlockNode(entry(inner), compiled, filter: filterNode, escape: scope.escape, at: statement.offset)
    case .callBlock(let call, let block):
      let caller = try compileMacro(block, parent: scope, isCaller: true)
      let callNode = try expression(call, scope, soft: soft)
      return CallBlockNode(callNode, caller: caller, at: call.offset)
    case .with(let bindings, let body): return try withNode(bindings, body, scope, at: statement.offset)
    case .block(let block): return try blockNode(block, scope, at: statement.offset)
    case .autoescape(let value, let body):
      let inner = Scope(parent: scope)
      inner.analyze(value)
      inner.analyze(body)
      inner.escape =
        if case .constant(let literal) = value.kind { literal.value.isTruthy ? .on : .off } else { .dynamic }
      let node = try expression(value, inner, soft: soft)
      let compiled = try block(body, inner, soft: false)
      return AutoescapeNode(node, entry(inner), compiled, at: statement.offset)
    case .load(let template, _):
      return LoadNode(try expression(template, scope, soft: soft), at: statement.offset)
    default: return Block([])
    }
  }

  private func withNode(
    _ bindings: [(target: Expression, value: Expression)], _ body: [Statement], _ scope: Scope, at offset: Int
  ) throws(JinjaError) -> any Executable {
    let inner = Scope(parent: scope)
    for (target, _) in bindings { inner.analyzeTarget(target, asParameter: true) }
    inner.analyze(body)
    var compiled: [(any Assignable, any Evaluable)] = []
    for (target, value) in bindings {
      // Values see the outer scope; later targets do not see earlier ones.
      compiled.append((try self.target(target, inner), try expression(value, scope, soft: false)))
    }
    let block = try self.block(body, inner, soft: false)
    return ScopeNode(entry(inner), compiled, block, at: offset)
  }

  private func blockNode(
    _ syntax: BlockSyntax, _ scope: Scope, at offset: Int
  ) throws(JinjaError) -> any Executable {
    if syntax.isScoped, !syntax.isRequired {
      // It sees all variables around it, as a scope does, but none of the tags around it.
      let inner = Scope(parent: scope)
      inner.escape = .off
      inner.analyze(syntax.body)
      let compiled = try block(syntax.body, inner, soft: false)
      return ScopeNode(entry(inner), [], compiled, at: offset)
    }
    guard let block = blocks[syntax.name] else { return Block([]) }
    return BlockNode(block, isRequired: syntax.isRequired, at: offset)
  }

  private func macroNode(_ macro: MacroSyntax, _ scope: Scope) throws(JinjaError) -> any Executable {
    // dbt stores macros under a mangled name that templates do not see: they only exist as definitions.
    if options.dbtBlocks { return Block([]) }
    let function = try compileMacro(macro, parent: scope)
    return MacroNode(function, name: macro.name, slot: scope.slot(macro.name), at: macro.range.lowerBound)
  }

  private func forNode(_ loop: ForSyntax, _ scope: Scope, at offset: Int) throws(JinjaError) -> any Executable {
    if let offset = Walk.assignment(of: "loop", in: loop.body + loop.otherwise) {
      throw unit.error(.assertion, "Can't assign to special loop variable in for-loop target", at: offset)
    }
    let usesLoop =
      loop.isRecursive || Undeclared.find(["loop"], in: loop.body).contains("loop")
      || Walk.blocks(in: loop.body + loop.otherwise).contains(where: \.isScoped)
    // A recursive loop is a function: each level has a frame of its own.
    let outer = loop.isRecursive ? Scope(parent: scope, layout: Scope.Layout()) : scope
    let bodyScope = Scope(parent: outer)
    if usesLoop { bodyScope.declareParameter("loop") }
    bodyScope.analyzeTarget(loop.target, asParameter: true)
    bodyScope.analyze(loop.body)
    let elseScope = Scope(parent: outer)
    elseScope.analyze(loop.otherwise)
    var filter: LoopFilter?
    if let test = loop.test {
      let testScope = Scope(parent: outer)
      testScope.analyzeTarget(loop.target, asParameter: true)
      testScope.analyze(test)
      filter = LoopFilter(
        try target(loop.target, testScope), try expression(test, testScope, soft: false), entry(testScope))
    }
    let iterable = try expression(loop.iterable, scope, soft: false)
    let targetNode = try target(loop.target, bodyScope)
    let body = try block(loop.body, bodyScope, soft: false)
    let otherwise = try block(loop.otherwise, elseScope, soft: false)
    let bodyEntry = entry(bodyScope)
    let elseEntry = entry(elseScope)
    let loopSlot = usesLoop ? bodyScope.slot("loop") : nil
    return ForNode(
      iterable: iterable, target: targetNode, filter: filter, entry: bodyEntry, body: body, otherwise: otherwise,
      elseEntry: elseEntry, loopSlot: loopSlot, recursiveSlotCount: loop.isRecursive ? outer.layout.slotCount : nil,
      escape: scope.escape, at: offset)
  }

  // MARK: Names

  /// The node of a name that is read.
  func nameNode(_ name: String, _ scope: Scope) -> any Evaluable {
    if name == "self", scope.owner(of: name).map({ $0.fallsBackToContext(name) && !$0.stores.contains(name) }) ?? true {
      return SelfNode()
    }
    return NameNode(reference(name, scope))
  }

  func reference(_ name: String, _ scope: Scope) -> NameReference {
    scope.load(name)
    guard let owner = scope.owner(of: name) else {
      return NameReference(name: name, slot: 0, depth: 0, fallsBack: true, caches: false)
    }
    let fallsBack = owner.fallsBackToContext(name)
    return NameReference(
      name: name, slot: owner.slot(name), depth: hops(from: scope, to: owner), fallsBack: fallsBack,
      caches: fallsBack && !owner.stores.contains(name))
  }

  private func target(_ expression: Expression, _ scope: Scope) throws(JinjaError) -> any Assignable {
    switch expression.kind {
    case .name(let name): return NameTarget(reference(name, scope))
    case .namespaceTarget(let name, let attribute):
      return NamespaceTarget(reference(name, scope), attribute, at: expression.offset)
    case .tuple(let items):
      var targets: [any Assignable] = []
      for item in items { targets.append(try target(item, scope)) }
      return TupleTarget(targets)
    default: throw unit.error(.syntax, "can't assign to this expression", at: expression.offset)
    }
  }
}
