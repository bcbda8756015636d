extension Compiler {
  // MARK: Expressions

  func expression(_ expression: Expression, _ scope: Scope, soft: Bool) throws(JinjaError) -> any Evaluable {
    let offset = expression.offset
    switch expression.kind {
    case .constant(let literal): return ConstantNode(literal)
    case .name(let name): return nameNode(name, scope)
    case .namespaceTarget: throw unit.error(.syntax, "namespace reference outside of a target", at: offset)
    case .attribute(let object, let name):
      return AttributeNode(try self.expression(object, scope, soft: soft), name, at: offset)
    case .item(let object, let key):
      return try item(object, key, scope, soft, offset, isConstant: expression.isConstant)
    case .slice(let start, let stop, let step):
      return SliceNode(
        try optional(start, scope, soft), try optional(stop, scope, soft), try optional(step, scope, soft))
    case .call(let callee, let arguments): return try call(callee, arguments, scope, soft, offset)
    case .filter(let input, let name, let arguments):
      return try filter(input, name, arguments, scope, soft, offset)
    case .test(let subject, let name, let arguments):
      return try test(subject, name, arguments, scope, soft, offset)
    case .not(let operand): return NotNode(try self.expression(operand, scope, soft: soft))
    case .negate(let operand):
      return SignNode(try self.expression(operand, scope, soft: soft), isNegative: true, at: offset)
    case .plus(let operand):
      return SignNode(try self.expression(operand, scope, soft: soft), isNegative: false, at: offset)
    default: return try compound(expression, scope, soft)
    }
  }

  private func compound(_ expression: Expression, _ scope: Scope, _ soft: Bool) throws(JinjaError) -> any Evaluable {
    let offset = expression.offset
    switch expression.kind {
    case .binary(let operation, let left, let right):
      return BinaryNode(
        operation, try self.expression(left, scope, soft: soft), try self.expression(right, scope, soft: soft),
        at: offset)
    case .and(let left, let right):
      return LogicNode(
        try self.expression(left, scope, soft: soft), try self.expression(right, scope, soft: soft), isOr: false)
    case .or(let left, let right):
      return LogicNode(
        try self.expression(left, scope, soft: soft), try self.expression(right, scope, soft: soft), isOr: true)
    case .compare(let first, let rest):
      var operands: [(Comparison, any Evaluable)] = []
      for (comparison, operand) in rest {
        operands.append((comparison, try self.expression(operand, scope, soft: soft)))
      }
      return CompareNode(try self.expression(first, scope, soft: soft), operands, at: offset)
    case .concatenate(let parts):
      return ConcatenateNode(try all(parts, scope, soft), joinsMarkup: scope.escape == .on && !expression.isConstant)
    case .conditional(let test, let then, let otherwise):
      return ConditionalNode(
        test: try self.expression(test, scope, soft: true), then: try self.expression(then, scope, soft: true),
        otherwise: try optional(otherwise, scope, true), line: unit.line(at: offset))
    case .list(let items): return ListNode(try all(items, scope, soft))
    case .tuple(let items): return TupleNode(try all(items, scope, soft), at: offset)
    case .dict(let pairs):
      var compiled: [(any Evaluable, any Evaluable)] = []
      for (key, value) in pairs {
        compiled.append(
          (try self.expression(key, scope, soft: soft), try self.expression(value, scope, soft: soft)))
      }
      return DictNode(compiled, at: offset)
    default: throw unit.error(.syntax, "unexpected expression", at: offset)
    }
  }

  private func all(
    _ expressions: [Expression], _ scope: Scope, _ soft: Bool
  ) throws(JinjaError) -> [any Evaluable] {
    var nodes: [any Evaluable] = []
    nodes.reserveCapacity(expressions.count)
    for expression in expressions { nodes.append(try self.expression(expression, scope, soft: soft)) }
    return nodes
  }

  private func optional(
    _ expression: Expression?, _ scope: Scope, _ soft: Bool
  ) throws(JinjaError) -> (any Evaluable)? {
    guard let expression else { return nil }
    return try self.expression(expression, scope, soft: soft)
  }

  private func item(
    _ object: Expression, _ key: Expression, _ scope: Scope, _ soft: Bool, _ offset: Int, isConstant: Bool
  ) throws(JinjaError) -> any Evaluable {
    let objectNode = try expression(object, scope, soft: soft)
    let keyNode = try expression(key, scope, soft: soft)
    // Jinja hands slices to Python as they are, unless it computes the whole while compiling.
    if case .slice = key.kind, !isConstant { return StrictSliceNode(objectNode, keyNode, at: offset) }
    return ItemNode(objectNode, keyNode, at: offset)
  }

  private func arguments(
    _ arguments: CallArguments, _ scope: Scope, _ soft: Bool
  ) throws(JinjaError) -> ArgumentList {
    var keywords: [(String, any Evaluable)] = []
    for (name, value) in arguments.keywords { keywords.append((name, try expression(value, scope, soft: soft))) }
    return ArgumentList(
      positional: try all(arguments.positional, scope, soft), keywords: keywords,
      star: try optional(arguments.star, scope, soft), doubleStar: try optional(arguments.doubleStar, scope, soft))
  }

  private func call(
    _ callee: Expression, _ list: CallArguments, _ scope: Scope, _ soft: Bool, _ offset: Int
  ) throws(JinjaError) -> any Evaluable {
    let arguments = try self.arguments(list, scope, soft)
    if case .attribute(let object, let name) = callee.kind {
      return MethodCallNode(try expression(object, scope, soft: soft), name, arguments, at: callee.offset)
    }
    return CallNode(try expression(callee, scope, soft: soft), arguments, at: offset)
  }

  // MARK: Filters and tests

  private func filter(
    _ input: Expression?, _ name: String, _ list: CallArguments, _ scope: Scope, _ soft: Bool, _ offset: Int
  ) throws(JinjaError) -> any Evaluable {
    let inputNode: any Evaluable =
      if let input { try expression(input, scope, soft: soft) } else { CapturedNode() }
    let arguments = try self.arguments(list, scope, soft)
    guard let body = Filters.table[name] else {
      guard soft else { throw unit.error(.assertion, "No filter named \(PythonText.repr(name)).", at: offset) }
      return MissingNode("No filter named \(PythonText.repr(name)) found.", at: offset)
    }
    return FilterNode(inputNode, body, arguments, at: offset)
  }

  private func test(
    _ subject: Expression, _ name: String, _ list: CallArguments, _ scope: Scope, _ soft: Bool, _ offset: Int
  ) throws(JinjaError) -> any Evaluable {
    let subjectNode = try expression(subject, scope, soft: soft)
    let arguments = try self.arguments(list, scope, soft)
    guard let body = Tests.table[name] else {
      guard soft else { throw unit.error(.assertion, "No test named \(PythonText.repr(name)).", at: offset) }
      return MissingNode("No test named \(PythonText.repr(name)) found.", at: offset)
    }
    return TestNode(subjectNode, body, arguments, at: offset)
  }
}
