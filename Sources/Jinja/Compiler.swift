/// Turns syntax trees into executable nodes: names become slots, filters and tests become functions.
struct Compiler {
  let unit: SourceUnit
  let options: CompileOptions

  // MARK: Functions

  /// The body of a template.
  func compileRoot(_ statements: [Statement]) throws(JinjaError) -> Function {
    let scope = Scope(parent: nil, layout: Scope.Layout())
    scope.analyze(statements)
    let block = try self.block(statements, scope, soft: false)
    let entry = entry(scope)
    return Function(
      name: "root", unit: unit, slotCount: scope.layout.slotCount, signature: nil, entry: entry, body: block)
  }

  /// A macro, test, materialization or call block. `parent` is nil for definitions, which see the context only.
  func compileMacro(_ macro: MacroSyntax, parent: Scope?, isCaller: Bool = false) throws(JinjaError) -> Function {
    let scope = Scope(parent: parent, layout: Scope.Layout())
    for parameter in macro.parameters { scope.declareParameter(parameter.name) }
    var special: [String: Bool] = [:]
    let isExplicit = macro.parameters.contains { $0.name == "caller" }
    if isExplicit, Walk.mentions("caller", in: macro.body),
      macro.parameters.contains(where: { $0.name == "caller" && $0.defaultValue == nil })
    {
      throw unit.error(
        .syntax,
        "When defining macros or call blocks the special \"caller\" argument must be omitted or be given a default.",
        at: macro.range.lowerBound)
    }
    for name in ["caller", "kwargs", "varargs"] {
      let isUsed = Walk.mentions(name, in: macro.body) && !macro.parameters.contains { $0.name == name }
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

  /// A top-level block as a definition of its own.
  func definition(_ macro: MacroSyntax) throws(JinjaError) -> MacroDefinition {
    let calls = CallAnalysis(macro)
    let parameters = macro.parameters.map {
      MacroDefinition.Parameter(name: $0.name, annotation: $0.annotation, hasDefault: $0.defaultValue != nil)
    }
    return MacroDefinition(
      name: macro.name, kind: macro.kind, parameters: parameters, source: unit.text(macro.range),
      contents: unit.text(macro.contents), path: unit.path, line: unit.line(at: macro.range.lowerBound),
      calledNames: calls.called, dispatchedNames: calls.dispatched,
      function: try compileMacro(macro, parent: nil), hasDBTName: options.dbtBlocks)
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
        try expression(value, scope, soft: soft), isConstant: value.isConstant, at: value.offset)
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
        try self.target(target, scope), entry(inner), compiled, filter: filterNode, at: statement.offset)
    case .filterBlock(let filter, let body):
      let inner = Scope(parent: scope)
      inner.analyze(body)
      inner.analyze(filter)
      let compiled = try block(body, inner, soft: false)
      let filterNode = try expression(filter, inner, soft: false)
      return FilterBlockNode(entry(inner), compiled, filter: filterNode, at: statement.offset)
    case .callBlock(let call, let block):
      let caller = try compileMacro(block, parent: scope, isCaller: true)
      let callNode = try expression(call, scope, soft: soft)
      return CallBlockNode(callNode, caller: caller, at: call.offset)
    case .with(let bindings, let body): return try withNode(bindings, body, scope, at: statement.offset)
    case .scope(let body, let isBlock):
      let inner = Scope(parent: isBlock ? scope.outermost : scope)
      inner.analyze(body)
      let compiled = try block(body, inner, soft: false)
      return ScopeNode(entry(inner), [], compiled, at: statement.offset)
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

  private func macroNode(_ macro: MacroSyntax, _ scope: Scope) throws(JinjaError) -> any Executable {
    // dbt stores macros under a mangled name that templates do not see: they only exist as definitions.
    if options.dbtBlocks { return Block([]) }
    let function = try compileMacro(macro, parent: scope)
    return MacroNode(function, name: macro.name, slot: scope.slot(macro.name), at: macro.range.lowerBound)
  }

  private func forNode(_ loop: ForSyntax, _ scope: Scope, at offset: Int) throws(JinjaError) -> any Executable {
    let usesLoop = loop.isRecursive || Walk.mentions("loop", in: loop.body)
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
      at: offset)
  }

  // MARK: Names

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
