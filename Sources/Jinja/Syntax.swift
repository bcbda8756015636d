/// The syntax tree: what the parser makes and the compiler reads. Lives during compilation only.
final class Expression {
  indirect enum Kind {
    case constant(Literal)
    case name(String)
    /// `namespace.attribute` as the target of a set.
    case namespaceTarget(String, String)
    case attribute(Expression, String)
    case item(Expression, Expression)
    case slice(Expression?, Expression?, Expression?)
    case call(Expression, CallArguments)
    /// The input is nil in filter blocks and block sets.
    case filter(Expression?, String, CallArguments)
    case test(Expression, String, CallArguments)
    case not(Expression)
    case negate(Expression)
    case plus(Expression)
    case binary(BinaryOperator, Expression, Expression)
    case and(Expression, Expression)
    case or(Expression, Expression)
    case compare(Expression, [(Comparison, Expression)])
    case concatenate([Expression])
    case conditional(test: Expression, then: Expression, otherwise: Expression?)
    case list([Expression])
    case tuple([Expression])
    case dict([(key: Expression, value: Expression)])
  }

  let kind: Kind
  /// Byte offset of the token errors point at.
  let offset: Int
  /// Levels of the tree below and including this node.
  let height: Int

  init(_ kind: Kind, at offset: Int, over children: Expression?...) {
    self.kind = kind
    self.offset = offset
    height = 1 + children.reduce(0) { max($0, $1?.height ?? 0) }
  }

  init(_ kind: Kind, at offset: Int, over children: some Sequence<Expression>) {
    self.kind = kind
    self.offset = offset
    height = 1 + children.reduce(0) { max($0, $1.height) }
  }
}

/// A constant of a template.
enum Literal: Sendable {
  case none
  case bool(Bool)
  case int(Int)
  case bigInt(BigInteger)
  case double(Double)
  case string(String)

  var value: Value {
    switch self {
    case .none: .none
    case .bool(let flag): .bool(flag)
    case .int(let number): .int(number)
    case .bigInt(let number): .bigInt(number)
    case .double(let number): .double(number)
    case .string(let text): .string(text)
    }
  }
}

enum Comparison: Sendable {
  case equal
  case notEqual
  case less
  case lessOrEqual
  case greater
  case greaterOrEqual
  case isIn
  case isNotIn
}

/// The arguments of a call, filter or test as written.
struct CallArguments {
  var positional: [Expression] = []
  var keywords: [(name: String, value: Expression)] = []
  var star: Expression?
  var doubleStar: Expression?

  var all: [Expression] { positional + keywords.map(\.value) + [star, doubleStar].compactMap { $0 } }

  /// Visits the same expressions in that order.
  func forEach(_ visit: (Expression) -> Void) {
    positional.forEach(visit)
    for (_, value) in keywords { visit(value) }
    star.map(visit)
    doubleStar.map(visit)
  }
}

/// Parameters and body of a macro, or of a call block.
struct MacroSyntax {
  var name: String
  var kind = MacroDefinition.Kind.macro
  var parameters: [(name: String, annotation: String?, defaultValue: Expression?)] = []
  var body: [Statement] = []
  /// The whole block with its tags, and the text between them.
  var range = 0..<0
  var contents = 0..<0
}

/// One statement or piece of output.
struct Statement {
  indirect enum Kind {
    case text(String)
    case output(Expression)
    case ifElse([(test: Expression, body: [Statement])], otherwise: [Statement])
    case forLoop(ForSyntax)
    case set(target: Expression, value: Expression)
    case setBlock(target: Expression, filter: Expression?, body: [Statement])
    case macro(MacroSyntax)
    /// The macro's kind is ignored: it holds the signature and body of the block.
    case callBlock(Expression, MacroSyntax)
    case filterBlock(Expression, [Statement])
    case with([(target: Expression, value: Expression)], [Statement])
    case block(BlockSyntax)
    case autoescape(Expression, [Statement])
    /// `include`, `import`, `from … import` and `extends`: the template asked for, and the names the tag would set. There
    /// is no loader in dbt, so that they fail when they run.
    case load(Expression, names: [String])
    case evaluate(Expression)
    case breakLoop
    case continueLoop
  }

  let kind: Kind
  let offset: Int
}

/// `{% block %}`: a function that sees the context and the template's top-level variables.
struct BlockSyntax {
  var name: String
  var isScoped: Bool
  var isRequired: Bool
  var body: [Statement]
}

struct ForSyntax {
  var target: Expression
  var iterable: Expression
  var test: Expression?
  var isRecursive: Bool
  var body: [Statement]
  var otherwise: [Statement]
}
