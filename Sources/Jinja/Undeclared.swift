/// Which special names a body reads before it stores them, as Jinja decides whether to provide them.
///
/// The order is that of Jinja's syntax tree: targets before values, parameters before bodies. A named block is not entered.
struct Undeclared {
  private var pending: Set<String>
  private(set) var found: Set<String> = []

  /// The names of `names` that are read undeclared.
  static func find(_ names: Set<String>, in statements: [Statement]) -> Set<String> {
    var search = Undeclared(pending: names)
    search.visit(statements)
    return search.found
  }

  private mutating func visit(_ statements: [Statement]) { for statement in statements { visit(statement) } }

  private mutating func visit(_ statement: Statement) {
    switch statement.kind {
    case .text, .breakLoop, .continueLoop, .block: break
    case .output(let value), .evaluate(let value), .load(let value, _): read(value)
    case .ifElse(let branches, let otherwise):
      for (test, body) in branches {
        read(test)
        visit(body)
      }
      visit(otherwise)
    case .forLoop(let loop):
      store(loop.target)
      read(loop.iterable)
      visit(loop.body)
      visit(loop.otherwise)
      if let test = loop.test { read(test) }
    case .set(let target, let value):
      store(target)
      read(value)
    case .setBlock(let target, let filter, let body):
      store(target)
      if let filter { read(filter) }
      visit(body)
    case .macro(let macro): visit(macro)
    case .callBlock(let call, let block):
      read(call)
      visit(block)
    case .filterBlock(let filter, let body):
      visit(body)
      read(filter)
    case .with(let bindings, let body):
      for (target, _) in bindings { store(target) }
      for (_, value) in bindings { read(value) }
      visit(body)
    case .autoescape(let value, let body):
      read(value)
      visit(body)
    }
  }

  private mutating func visit(_ macro: MacroSyntax) {
    for parameter in macro.parameters { pending.remove(parameter.name) }
    for parameter in macro.parameters { if let value = parameter.defaultValue { read(value) } }
    visit(macro.body)
  }

  private mutating func read(_ expression: Expression) {
    if case .name(let name) = expression.kind {
      if pending.contains(name) { found.insert(name) }
      return
    }
    expression.forEachChild { read($0) }
  }

  private mutating func store(_ target: Expression) {
    switch target.kind {
    case .name(let name): pending.remove(name)
    case .tuple(let items): for item in items { store(item) }
    default: break
    }
  }
}

extension Walk {
  /// Where a name is assigned by a `for` or `set` below statements; nil when it is nowhere.
  static func assignment(of name: String, in statements: [Statement]) -> Int? {
    for statement in statements {
      if let offset = assignment(of: name, in: statement) { return offset }
    }
    return nil
  }

  private static func assignment(of name: String, in statement: Statement) -> Int? {
    switch statement.kind {
    case .set(let target, _): return assignment(of: name, in: target)
    case .setBlock(let target, _, let body):
      return assignment(of: name, in: target) ?? assignment(of: name, in: body)
    case .forLoop(let loop):
      return assignment(of: name, in: loop.target) ?? assignment(of: name, in: loop.body)
        ?? assignment(of: name, in: loop.otherwise)
    case .ifElse(let branches, let otherwise):
      for (_, body) in branches { if let offset = assignment(of: name, in: body) { return offset } }
      return assignment(of: name, in: otherwise)
    case .macro(let macro): return assignment(of: name, in: macro.body)
    case .callBlock(_, let block): return assignment(of: name, in: block.body)
    case .filterBlock(_, let body), .with(_, let body), .autoescape(_, let body):
      return assignment(of: name, in: body)
    case .block(let block): return assignment(of: name, in: block.body)
    case .text, .output, .evaluate, .breakLoop, .continueLoop, .load: return nil
    }
  }

  static func assignment(of name: String, in target: Expression) -> Int? {
    switch target.kind {
    case .name(name): return target.offset
    case .tuple(let items):
      for item in items { if let offset = assignment(of: name, in: item) { return offset } }
      return nil
    default: return nil
    }
  }

  /// The named blocks below statements, inner ones first.
  static func blocks(in statements: [Statement]) -> [BlockSyntax] {
    statements.flatMap { statement -> [BlockSyntax] in
      switch statement.kind {
      case .block(let block): blocks(in: block.body) + [block]
      case .ifElse(let branches, let otherwise): branches.flatMap { blocks(in: $0.body) } + blocks(in: otherwise)
      case .forLoop(let loop): blocks(in: loop.body) + blocks(in: loop.otherwise)
      case .setBlock(_, _, let body), .filterBlock(_, let body), .with(_, let body), .autoescape(_, let body):
        blocks(in: body)
      case .macro(let macro): blocks(in: macro.body)
      case .callBlock(_, let block): blocks(in: block.body)
      case .text, .output, .evaluate, .set, .breakLoop, .continueLoop, .load: []
      }
    }
  }
}
