/// The names of one lexical scope during compilation, tracked as Jinja's `idtracking` does.
///
/// A name that is stored anywhere in a scope is local to it. Its value at entry is the outer variable's of that name; with
/// no outer variable it is missing when the first mention stores it, and the context's when the first mention reads it or
/// when only some branches of an `if` store it.
final class Scope {
  /// Where a local name gets its value when the scope is entered.
  enum Load {
    case parameter
    case missing
    case context
    case outer(Scope, String)
  }

  /// Slots of the frame one function runs in; scopes inside a function share it.
  final class Layout {
    private(set) var slotCount = 0
    func newSlot() -> Int {
      slotCount += 1
      return slotCount - 1
    }
  }

  let parent: Scope?
  let layout: Layout
  private(set) var symbols: [String: Load] = [:]
  private(set) var stores: Set<String> = []
  private var slots: [String: Int] = [:]
  /// How output in the scope is escaped.
  var escape: EscapeMode

  /// A scope with a layout of its own is that of a function.
  init(parent: Scope?, layout: Layout? = nil) {
    self.parent = parent
    self.layout = layout ?? parent?.layout ?? Layout()
    escape = parent?.escape ?? .off
  }

  /// The slot of a name in this scope.
  func slot(_ name: String) -> Int {
    if let slot = slots[name] { return slot }
    let slot = layout.newSlot()
    slots[name] = slot
    return slot
  }

  /// The scope a name belongs to, from here outwards.
  func owner(of name: String) -> Scope? {
    var scope: Scope? = self
    while let candidate = scope {
      if candidate.symbols[name] != nil { return candidate }
      scope = candidate.parent
    }
    return nil
  }

  /// The outermost scope of the function.
  var outermost: Scope {
    var scope = self
    while let parent = scope.parent, parent.layout === layout { scope = parent }
    return scope
  }

  func declareParameter(_ name: String) {
    stores.insert(name)
    symbols[name] = .parameter
  }

  func load(_ name: String) { if owner(of: name) == nil { symbols[name] = .context } }

  func store(_ name: String) {
    stores.insert(name)
    guard symbols[name] == nil else { return }
    if let outer = parent?.owner(of: name) {
      symbols[name] = .outer(outer, name)
    } else {
      symbols[name] = .missing
    }
  }

  /// Whether reading the name while its slot is empty asks the context.
  func fallsBackToContext(_ name: String) -> Bool {
    switch symbols[name] {
    case .context?: true
    case .outer(let scope, let name)?: scope.fallsBackToContext(name)
    default: false
    }
  }

  // MARK: Analysis

  func analyze(_ statements: [Statement]) { for statement in statements { analyze(statement) } }

  private func analyze(_ statement: Statement) {
    switch statement.kind {
    case .text, .breakLoop, .continueLoop, .block, .autoescape: break
    case .load(let template, let names):
      analyze(template)
      for name in names { store(name) }
    case .output(let value), .evaluate(let value): analyze(value)
    case .ifElse(let branches, let otherwise): analyzeIf(branches[...], otherwise)
    case .forLoop(let loop): analyze(loop.iterable)
    case .set(let target, let value):
      analyze(value)
      analyzeTarget(target)
    case .setBlock(let target, _, _): analyzeTarget(target)
    case .macro(let macro): store(macro.name)
    case .callBlock(let call, _): analyze(call)
    case .filterBlock(let filter, _): analyze(filter)
    case .with(let bindings, _): for (_, value) in bindings { analyze(value) }
    }
  }

  /// The first branch against all further ones against `else`; an `elif` is an `if` inside.
  private func analyzeIf(_ branches: ArraySlice<(test: Expression, body: [Statement])>, _ otherwise: [Statement]) {
    guard let first = branches.first else { return analyze(otherwise) }
    analyze(first.test)
    let before = (symbols, stores)
    func branch(_ body: () -> Void) -> (symbols: [String: Load], stores: Set<String>) {
      (symbols, stores) = before
      body()
      defer { (symbols, stores) = before }
      return (symbols, stores)
    }
    let outcomes = [
      branch { analyze(first.body) },
      branch { for rest in branches.dropFirst() { analyzeIf([rest], []) } },
      branch { analyze(otherwise) },
    ]
    var counts: [String: Int] = [:]
    for outcome in outcomes {
      for name in outcome.stores where !stores.contains(name) { counts[name, default: 0] += 1 }
    }
    for outcome in outcomes {
      symbols.merge(outcome.symbols) { $1 }
      stores.formUnion(outcome.stores)
    }
    for (name, count) in counts where count < outcomes.count {
      if let outer = parent?.owner(of: name) {
        symbols[name] = .outer(outer, name)
      } else {
        symbols[name] = .context
      }
    }
  }

  func analyze(_ expression: Expression) {
    Walk.visit(expression) {
      if case .name(let name) = $0.kind { load(name) }
    }
  }

  func analyzeTarget(_ target: Expression, asParameter: Bool = false) {
    switch target.kind {
    case .name(let name): asParameter ? declareParameter(name) : store(name)
    case .namespaceTarget(let name, _): load(name)
    case .tuple(let items): for item in items { analyzeTarget(item, asParameter: asParameter) }
    default: break
    }
  }
}
