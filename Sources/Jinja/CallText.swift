package import OrderedCollections

/// The first call of a function in a template as text, for comparing what was written in two versions of it.
package enum CallText {
  /// The keyword arguments of the first call of `function` by its bare name, in order. Constant texts come without quotes;
  /// other expressions as dbt puts them together again, what it has no form for as the name of the class in Jinja's syntax
  /// tree. nil when there is no such call or the template does not parse.
  package static func keywords(of function: String, in source: String) -> OrderedDictionary<String, String>? {
    let options = CompileOptions.dbt
    let unit = SourceUnit(source: source, path: "", options: options)
    guard var parser = try? Parser(unit, options: options), let statements = try? parser.parseTemplate() else {
      return nil
    }
    return keywords(of: function, in: statements)
  }

  fileprivate static func keywords(
    of function: String, in statements: [Statement]
  ) -> OrderedDictionary<String, String>? {
    var found: CallArguments?
    Walk.visit(statements) { expression in
      if found == nil, case .call(let callee, let arguments) = expression.kind, case .name(function) = callee.kind {
        found = arguments
      }
    }
    guard let found else { return nil }
    var keywords: OrderedDictionary<String, String> = [:]
    for (name, value) in found.keywords {
      if case .constant(.string(let text)) = value.kind {
        keywords[name] = text
      } else {
        keywords[name] = value.rewritten
      }
    }
    return keywords
  }
}

extension Template {
  /// Reads template text as `compile` does, and gives with it what `CallText.keywords` says of a function in it.
  package static func compile(
    _ source: String, path: String, keywordsOf function: String
  ) throws(JinjaError) -> (template: Template, keywords: OrderedDictionary<String, String>?) {
    var keywords: OrderedDictionary<String, String>?
    let template = try compile(source, path: path, options: .dbt) { statements in
      keywords = CallText.keywords(of: function, in: statements)
    }
    return (template, keywords)
  }
}

extension Expression {
  /// The expression as dbt writes it again: on one line, without the parentheses that only group.
  fileprivate var rewritten: String {
    func all(_ parts: [Expression]) -> String { parts.map(\.rewritten).joined(separator: ", ") }
    switch kind {
    case .constant(let literal): return literal.value.repr
    case .name(let name): return name
    case .call(let callee, let arguments):
      var parts = arguments.positional.map(\.rewritten) + arguments.keywords.map { "\($0.name)=\($0.value.rewritten)" }
      if let star = arguments.star { parts.append("*" + star.rewritten) }
      if let doubleStar = arguments.doubleStar { parts.append("**" + doubleStar.rewritten) }
      return "\(callee.rewritten)(\(parts.joined(separator: ", ")))"
    case .list(let items): return "[\(all(items))]"
    case .tuple(let items): return items.count == 1 ? "(\(all(items)),)" : "(\(all(items)))"
    case .dict(let pairs):
      return "{\(pairs.map { "\($0.key.rewritten): \($0.value.rewritten)" }.joined(separator: ", "))}"
    case .attribute(let object, let name): return "\(object.rewritten).\(name)"
    case .item(let object, let key): return "\(object.rewritten)[\(key.rewritten)]"
    case .concatenate(let parts): return parts.map(\.rewritten).joined(separator: " ~ ")
    case .compare(let first, let rest):
      return first.rewritten + rest.map { " \($0.0.sign) \($0.1.rewritten)" }.joined()
    case .not(let operand): return "not \(operand.rewritten)"
    case .negate(let operand): return "-\(operand.rewritten)"
    case .and(let left, let right): return "\(left.rewritten) and \(right.rewritten)"
    case .or(let left, let right): return "\(left.rewritten) or \(right.rewritten)"
    case .filter, .test, .conditional, .slice, .plus, .binary, .namespaceTarget: return nodeText
    }
  }

  /// The expression as Jinja prints the nodes of its syntax tree.
  private var nodeText: String {
    func node(_ name: String, _ members: (String, String)...) -> String {
      "\(name)(\(members.map { "\($0.0)=\($0.1)" }.joined(separator: ", ")))"
    }
    func list(_ items: [Expression]) -> String { "[\(items.map(\.nodeText).joined(separator: ", "))]" }
    func optional(_ value: Expression?) -> String { value?.nodeText ?? "None" }
    func call(_ name: String, _ first: [(String, String)], _ arguments: CallArguments) -> String {
      let keywords = arguments.keywords.map { "Keyword(key=\(PythonText.repr($0.name)), value=\($0.value.nodeText))" }
      let members =
        first + [
          ("args", list(arguments.positional)), ("kwargs", "[\(keywords.joined(separator: ", "))]"),
          ("dyn_args", optional(arguments.star)), ("dyn_kwargs", optional(arguments.doubleStar)),
        ]
      return "\(name)(\(members.map { "\($0.0)=\($0.1)" }.joined(separator: ", ")))"
    }
    let load = ("ctx", "'load'")
    switch kind {
    case .constant(let literal): return node("Const", ("value", literal.value.repr))
    case .name(let name): return node("Name", ("name", PythonText.repr(name)), load)
    case .namespaceTarget(let name, let attribute):
      return node("NSRef", ("name", PythonText.repr(name)), ("attr", PythonText.repr(attribute)))
    case .attribute(let object, let name):
      return node("Getattr", ("node", object.nodeText), ("attr", PythonText.repr(name)), load)
    case .item(let object, let key): return node("Getitem", ("node", object.nodeText), ("arg", key.nodeText), load)
    case .slice(let start, let stop, let step):
      return node("Slice", ("start", optional(start)), ("stop", optional(stop)), ("step", optional(step)))
    case .call(let callee, let arguments): return call("Call", [("node", callee.nodeText)], arguments)
    case .filter(let input, let name, let arguments):
      return call("Filter", [("node", optional(input)), ("name", PythonText.repr(name))], arguments)
    case .test(let subject, let name, let arguments):
      return call("Test", [("node", subject.nodeText), ("name", PythonText.repr(name))], arguments)
    case .not(let operand): return node("Not", ("node", operand.nodeText))
    case .negate(let operand): return node("Neg", ("node", operand.nodeText))
    case .plus(let operand): return node("Pos", ("node", operand.nodeText))
    case .binary(let operation, let left, let right):
      return node(operation.nodeName, ("left", left.nodeText), ("right", right.nodeText))
    case .and(let left, let right): return node("And", ("left", left.nodeText), ("right", right.nodeText))
    case .or(let left, let right): return node("Or", ("left", left.nodeText), ("right", right.nodeText))
    case .compare(let first, let rest):
      let operands = rest.map { node("Operand", ("op", "'\($0.0.nodeName)'"), ("expr", $0.1.nodeText)) }
      return node("Compare", ("expr", first.nodeText), ("ops", "[\(operands.joined(separator: ", "))]"))
    case .concatenate(let parts): return node("Concat", ("nodes", list(parts)))
    case .conditional(let test, let then, let otherwise):
      return node("CondExpr", ("test", test.nodeText), ("expr1", then.nodeText), ("expr2", optional(otherwise)))
    case .list(let items): return node("List", ("items", list(items)))
    case .tuple(let items): return node("Tuple", ("items", list(items)), load)
    case .dict(let pairs):
      let items = pairs.map { node("Pair", ("key", $0.key.nodeText), ("value", $0.value.nodeText)) }
      return node("Dict", ("items", "[\(items.joined(separator: ", "))]"))
    }
  }
}

extension Comparison {
  fileprivate var sign: String {
    switch self {
    case .equal: "=="
    case .notEqual: "!="
    case .less: "<"
    case .lessOrEqual: "<="
    case .greater: ">"
    case .greaterOrEqual: ">="
    case .isIn: "in"
    case .isNotIn: "not in"
    }
  }

  fileprivate var nodeName: String {
    switch self {
    case .equal: "eq"
    case .notEqual: "ne"
    case .less: "lt"
    case .lessOrEqual: "lteq"
    case .greater: "gt"
    case .greaterOrEqual: "gteq"
    case .isIn: "in"
    case .isNotIn: "notin"
    }
  }
}

extension BinaryOperator {
  fileprivate var nodeName: String {
    switch self {
    case .add: "Add"
    case .subtract: "Sub"
    case .multiply: "Mul"
    case .divide: "Div"
    case .floorDivide: "FloorDiv"
    case .modulo: "Mod"
    case .power: "Pow"
    }
  }
}
