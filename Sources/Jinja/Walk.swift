/// Visits every expression below statements, parents before children, in source order.
enum Walk {
  static func visit(_ statements: [Statement], _ action: (Expression) -> Void) {
    for statement in statements { visit(statement, action) }
  }

  private static func visit(_ statement: Statement, _ action: (Expression) -> Void) {
    switch statement.kind {
    case .text, .breakLoop, .continueLoop: break
    case .output(let value), .evaluate(let value): visit(value, action)
    case .ifElse(let branches, let otherwise):
      for (test, body) in branches {
        visit(test, action)
        visit(body, action)
      }
      visit(otherwise, action)
    case .forLoop(let loop):
      visit(loop.target, action)
      visit(loop.iterable, action)
      visit(loop.body, action)
      visit(loop.otherwise, action)
      if let test = loop.test { visit(test, action) }
    case .set(let target, let value):
      visit(target, action)
      visit(value, action)
    case .setBlock(let target, let filter, let body):
      visit(target, action)
      if let filter { visit(filter, action) }
      visit(body, action)
    case .macro(let macro): visit(macro, action)
    case .callBlock(let call, let block):
      visit(call, action)
      visit(block, action)
    case .filterBlock(let filter, let body):
      visit(body, action)
      visit(filter, action)
    case .with(let bindings, let body):
      for (target, value) in bindings {
        visit(target, action)
        visit(value, action)
      }
      visit(body, action)
    case .block(let block): visit(block.body, action)
    case .autoescape(let value, let body):
      visit(value, action)
      visit(body, action)
    case .load(let template, _): visit(template, action)
    }
  }

  static func visit(_ macro: MacroSyntax, _ action: (Expression) -> Void) {
    for parameter in macro.parameters { if let value = parameter.defaultValue { visit(value, action) } }
    visit(macro.body, action)
  }

  static func visit(_ expression: Expression, _ action: (Expression) -> Void) {
    action(expression)
    expression.forEachChild { visit($0, action) }
  }
}

extension Expression {
  /// Visits the expressions directly below, in the order they are evaluated.
  func forEachChild(_ visit: (Expression) -> Void) {
    switch kind {
    case .constant, .name, .namespaceTarget: break
    case .attribute(let object, _): visit(object)
    case .item(let object, let key):
      visit(object)
      visit(key)
    case .slice(let start, let stop, let step): for part in [start, stop, step] { part.map(visit) }
    case .call(let callee, let arguments):
      visit(callee)
      arguments.forEach(visit)
    case .filter(let input, _, let arguments):
      input.map(visit)
      arguments.forEach(visit)
    case .test(let subject, _, let arguments):
      visit(subject)
      arguments.forEach(visit)
    case .not(let operand), .negate(let operand), .plus(let operand): visit(operand)
    case .binary(_, let left, let right), .and(let left, let right), .or(let left, let right):
      visit(left)
      visit(right)
    case .compare(let first, let rest):
      visit(first)
      for (_, operand) in rest { visit(operand) }
    case .concatenate(let parts), .list(let parts), .tuple(let parts): parts.forEach(visit)
    case .conditional(let test, let then, let otherwise):
      visit(test)
      visit(then)
      otherwise.map(visit)
    case .dict(let pairs):
      for (key, value) in pairs {
        visit(key)
        visit(value)
      }
    }
  }

  /// Whether all expressions directly below are constant.
  private var hasConstantChildren: Bool {
    var isConstant = true
    forEachChild { isConstant = isConstant && $0.isConstant }
    return isConstant
  }
}

extension Expression {
  /// Whether Jinja computes the expression while compiling: literals, and operators, tests and plain filters of them.
  var isConstant: Bool {
    switch kind {
    case .constant: true
    case .name, .namespaceTarget, .call: false
    case .filter(let input, let name, _):
      input != nil && !Self.dynamicFilters.contains(name) && hasConstantChildren
    default: hasConstantChildren
    }
  }

  /// Filters that need the context or whose result cannot be written as a literal.
  private static let dynamicFilters: Set<String> = [
    "map", "select", "reject", "selectattr", "rejectattr", "random", "unique", "batch", "slice", "reverse", "items",
    "groupby", "attr",
  ]
}

/// The macros a block calls, as far as its text tells.
struct CallAnalysis {
  private(set) var called: [String] = []
  private(set) var dispatched: [(name: String, namespace: String?)] = []

  init(_ macro: MacroSyntax) {
    Walk.visit(macro) { if case .call(let callee, let arguments) = $0.kind { add(callee, arguments) } }
  }

  private mutating func add(_ callee: Expression, _ arguments: CallArguments) {
    let name: String
    switch callee.kind {
    case .name(let text): name = text
    case .attribute(let object, let attribute):
      guard case .name(let owner) = object.kind else { return }
      if owner == "adapter" {
        if attribute == "dispatch" { addDispatch(arguments) }
        return
      }
      name = owner + "." + attribute
    default: return
    }
    if !called.contains(name) { called.append(name) }
  }

  private mutating func addDispatch(_ arguments: CallArguments) {
    func text(_ position: Int, _ keyword: String) -> String? {
      let value =
        position < arguments.positional.count
        ? arguments.positional[position] : arguments.keywords.first { $0.name == keyword }?.value
      guard case .constant(.string(let text))? = value?.kind else { return nil }
      return text
    }
    guard let name = text(0, "macro_name") else { return }
    let namespace = text(1, "macro_namespace")
    if !dispatched.contains(where: { $0.name == name && $0.namespace == namespace }) {
      dispatched.append((name, namespace))
    }
  }
}
