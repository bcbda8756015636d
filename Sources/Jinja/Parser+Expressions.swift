extension Parser {
  // MARK: Targets

  /// A name that may be assigned to.
  mutating func parseTargetName() throws(JinjaError) -> String {
    let offset = current.start
    let name = try expectName()
    guard !Self.reservedNames.contains(name) else { throw fail("can't assign to 'const'", at: offset) }
    return name
  }

  private static let reservedNames: Set<String> = ["true", "false", "none", "True", "False", "None"]

  /// What a `for`, `with` or `set` assigns to: names, tuples of them, `namespace.attribute`.
  mutating func parseTarget(withNamespace: Bool = false) throws(JinjaError) -> Expression {
    let target = try parseItems { (parser) throws(JinjaError) in
      try parser.parsePrimary(withNamespace: withNamespace)
    }
    guard canAssign(target) else { throw fail("can't assign to this expression", at: target.offset) }
    return target
  }

  private func canAssign(_ target: Expression) -> Bool {
    switch target.kind {
    case .name, .namespaceTarget: true
    case .tuple(let items): items.allSatisfy(canAssign)
    default: false
    }
  }

  // MARK: Tuples

  /// One expression, or a tuple when there are commas. As in Jinja, only the end of the tag ends it after a comma: the words
  /// `in` and `recursive` would be taken for names there.
  mutating func parseTuple(conditional: Bool) throws(JinjaError) -> Expression {
    try parseItems { (parser) throws(JinjaError) in
      try parser.parseExpression(conditional: conditional)
    }
  }

  private mutating func parseItems(
    inParentheses: Bool = false,
    _ parse: (inout Parser) throws(JinjaError) -> Expression
  ) throws(JinjaError) -> Expression {
    let offset = current.start
    var items: [Expression] = []
    var isTuple = false
    while true {
      if !items.isEmpty { try expect(.comma) }
      if isTupleEnd { break }
      items.append(try parse(&self))
      guard isSymbol(.comma) else { break }
      isTuple = true
    }
    if !isTuple {
      if let only = items.first { return only }
      guard inParentheses else { throw fail("Expected an expression, got '\(current.description)'") }
    }
    return try checked(Expression(.tuple(items), at: offset, over: items))
  }

  private var isTupleEnd: Bool {
    switch current.kind {
    case .variableEnd, .blockEnd, .end: true
    case .symbol: current.symbol == .rightParenthesis
    default: false
    }
  }

  /// Refuses trees that are too high.
  private func checked(_ expression: Expression) throws(JinjaError) -> Expression {
    guard expression.height <= Self.heightLimit else {
      throw unit.error(.limit, "expression is nested too deeply", at: expression.offset)
    }
    return expression
  }

  // MARK: Operators

  /// Any expression; without `conditional`, no inline `if` at the outermost level.
  mutating func parseExpression(conditional: Bool = true) throws(JinjaError) -> Expression {
    try nested { (parser) throws(JinjaError) in
      conditional ? try parser.parseConditional() : try parser.parseOperators(1)
    }
  }

  private mutating func parseConditional() throws(JinjaError) -> Expression {
    var value = try parseOperators(1)
    while isName("if") {
      let offset = current.start
      advance()
      let test = try parseOperators(1)
      var otherwise: Expression?
      if skip(name: "else") {
        otherwise = try nested { (parser) throws(JinjaError) in try parser.parseConditional() }
      }
      value = try checked(
        Expression(
          .conditional(test: test, then: value, otherwise: otherwise), at: offset, over: test, value, otherwise))
    }
    return value
  }

  /// Operators by precedence: 1 or, 2 and, 3 not, 4 comparisons, 5 + -, 6 ~, 7 * / // %, 8 **, all left-associative.
  private mutating func parseOperators(_ level: Int) throws(JinjaError) -> Expression {
    if level <= 3, isName("not") {
      let offset = current.start
      advance()
      let operand = try nested { (parser) throws(JinjaError) in try parser.parseOperators(3) }
      let not = try checked(Expression(.not(operand), at: offset, over: operand))
      return try parseOperators(after: not, atNot: true, level)
    }
    let first = try parseUnary(withFilters: true)
    return try parseOperators(after: first, atNot: false, level)
  }

  private mutating func parseOperators(
    after first: Expression, atNot: Bool, _ level: Int
  ) throws(JinjaError) -> Expression {
    var left = first
    while let (found, binary) = binaryOperator(), found >= level, !atNot || found <= 2 {
      let offset = current.start
      if found == 4 {
        left = try parseComparison(left, at: offset)
        continue
      }
      if found == 6 {
        left = try parseConcatenation(left, at: offset)
        continue
      }
      let isOr = found == 1
      advance()
      let right = try parseOperators(found + 1)
      let kind: Expression.Kind =
        if let binary { .binary(binary, left, right) } else { isOr ? .or(left, right) : .and(left, right) }
      left = try checked(Expression(kind, at: offset, over: left, right))
    }
    return left
  }

  /// The precedence of the operator at hand, and which one it is if it computes.
  private func binaryOperator() -> (Int, BinaryOperator?)? {
    if current.kind == .name {
      switch current.text {
      case "or": return (1, nil)
      case "and": return (2, nil)
      case "in": return (4, nil)
      case "not": return following.kind == .name && following.text == "in" ? (4, nil) : nil
      default: return nil
      }
    }
    guard current.kind == .symbol else { return nil }
    switch current.symbol {
    case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual: return (4, nil)
    case .plus: return (5, .add)
    case .minus: return (5, .subtract)
    case .tilde: return (6, nil)
    case .star: return (7, .multiply)
    case .slash: return (7, .divide)
    case .doubleSlash: return (7, .floorDivide)
    case .percent: return (7, .modulo)
    case .doubleStar: return (8, .power)
    default: return nil
    }
  }

  private mutating func parseComparison(_ first: Expression, at offset: Int) throws(JinjaError) -> Expression {
    var rest: [(Comparison, Expression)] = []
    while let (level, _) = binaryOperator(), level == 4 {
      let comparison: Comparison
      if current.kind == .name {
        comparison = current.text == "in" ? .isIn : .isNotIn
        if comparison == .isNotIn { advance() }
      } else {
        comparison =
          switch current.symbol {
          case .equal: .equal
          case .notEqual: .notEqual
          case .less: .less
          case .lessOrEqual: .lessOrEqual
          case .greater: .greater
          default: .greaterOrEqual
          }
      }
      advance()
      rest.append((comparison, try parseOperators(5)))
    }
    return try checked(Expression(.compare(first, rest), at: offset, over: [first] + rest.map(\.1)))
  }

  private mutating func parseConcatenation(_ first: Expression, at offset: Int) throws(JinjaError) -> Expression {
    var parts = [first]
    while skip(.tilde) { parts.append(try parseOperators(7)) }
    return try checked(Expression(.concatenate(parts), at: offset, over: parts))
  }

  /// Signs, a primary, what follows it, and filters and tests.
  mutating func parseUnary(withFilters: Bool) throws(JinjaError) -> Expression {
    let offset = current.start
    var value: Expression
    if isSymbol(.minus) || isSymbol(.plus) {
      let isMinus = isSymbol(.minus)
      advance()
      let operand = try nested { (parser) throws(JinjaError) in try parser.parseUnary(withFilters: false) }
      value = try checked(Expression(isMinus ? .negate(operand) : .plus(operand), at: offset, over: operand))
    } else {
      value = try parsePrimary()
    }
    value = try parsePostfix(value)
    return withFilters ? try parseFiltersAndTests(value) : value
  }

  // MARK: Primaries

  mutating func parsePrimary(withNamespace: Bool = false) throws(JinjaError) -> Expression {
    let token = current
    switch token.kind {
    case .name:
      advance()
      if let literal = Self.constants[token.text] { return Expression(.constant(literal), at: token.start) }
      if withNamespace, isSymbol(.dot) {
        advance()
        return Expression(.namespaceTarget(token.text, try expectName()), at: token.start)
      }
      return Expression(.name(token.text), at: token.start)
    case .string:
      advance()
      var text = token.text
      while current.kind == .string {
        text += current.text
        advance()
      }
      return Expression(.constant(.string(text)), at: token.start)
    case .integer, .float:
      advance()
      return Expression(.constant(try number(token)), at: token.start)
    case .symbol:
      if let container = try parseContainer(token) { return container }
    default: break
    }
    throw fail("unexpected '\(token.description)'")
  }

  private static let constants: [String: Literal] = [
    "true": .bool(true), "True": .bool(true), "false": .bool(false), "False": .bool(false), "none": .none,
    "None": .none,
  ]

  private func number(_ token: Token) throws(JinjaError) -> Literal {
    if token.kind == .float { return .double(Double(token.text) ?? .infinity) }
    var digits = Array(token.text.utf8)
    var radix = 10
    if digits.count > 2, digits[0] == UInt8(ascii: "0") {
      switch digits[1] | 0x20 {
      case UInt8(ascii: "x"): radix = 16
      case UInt8(ascii: "o"): radix = 8
      case UInt8(ascii: "b"): radix = 2
      default: break
      }
      if radix != 10 { digits.removeFirst(2) }
    }
    // Python refuses to convert more than 4300 digits of text.
    guard digits.count <= 4300, let value = BigInteger(digits: digits, radix: radix) else {
      throw fail("integer is too large", at: token.start)
    }
    return value.int.map(Literal.int) ?? .bigInt(value)
  }

  private mutating func parseContainer(_ token: Token) throws(JinjaError) -> Expression? {
    switch token.symbol {
    case .leftParenthesis:
      advance()
      let value = try parseItems(inParentheses: true) { (parser) throws(JinjaError) in
        try parser.parseExpression()
      }
      try expect(.rightParenthesis)
      return value
    case .leftBracket:
      advance()
      var items: [Expression] = []
      while !isSymbol(.rightBracket) {
        if !items.isEmpty { try expect(.comma) }
        if isSymbol(.rightBracket) { break }
        items.append(try parseExpression())
      }
      advance()
      return try checked(Expression(.list(items), at: token.start, over: items))
    case .leftBrace: return try parseDict(token)
    default: return nil
    }
  }

  private mutating func parseDict(_ token: Token) throws(JinjaError) -> Expression {
    advance()
    var pairs: [(key: Expression, value: Expression)] = []
    while !isSymbol(.rightBrace) {
      if !pairs.isEmpty { try expect(.comma) }
      if isSymbol(.rightBrace) { break }
      let key = try parseExpression()
      try expect(.colon)
      pairs.append((key, try parseExpression()))
    }
    advance()
    return try checked(Expression(.dict(pairs), at: token.start, over: pairs.flatMap { [$0.key, $0.value] }))
  }

  // MARK: Postfix

  private mutating func parsePostfix(_ first: Expression) throws(JinjaError) -> Expression {
    var value = first
    while current.kind == .symbol {
      switch current.symbol {
      case .dot, .leftBracket: value = try parseSubscript(value)
      case .leftParenthesis: value = try parseCall(value)
      default: return value
      }
    }
    return value
  }

  private mutating func parseCall(_ callee: Expression) throws(JinjaError) -> Expression {
    let arguments = try parseArguments()
    return try checked(Expression(.call(callee, arguments), at: callee.offset, over: [callee] + arguments.all))
  }

  private mutating func parseSubscript(_ object: Expression) throws(JinjaError) -> Expression {
    let isDot = isSymbol(.dot)
    advance()
    let token = current
    if isDot {
      advance()
      if token.kind == .name {
        return try checked(Expression(.attribute(object, token.text), at: token.start, over: object))
      }
      guard token.kind == .integer else { throw fail("expected name or number", at: token.start) }
      let index = Expression(.constant(try number(token)), at: token.start)
      return try checked(Expression(.item(object, index), at: token.start, over: object))
    }
    var items: [Expression] = []
    while !isSymbol(.rightBracket) {
      if !items.isEmpty { try expect(.comma) }
      items.append(try parseSubscribed())
    }
    advance()
    if items.count > 1, items.contains(where: { if case .slice = $0.kind { true } else { false } }) {
      throw unit.error(.pythonSyntax, "invalid syntax", at: token.start)
    }
    let key = items.count == 1 ? items[0] : Expression(.tuple(items), at: token.start, over: items)
    return try checked(Expression(.item(object, key), at: token.start, over: object, key))
  }

  private mutating func parseSubscribed() throws(JinjaError) -> Expression {
    let offset = current.start
    var parts: [Expression?] = [nil, nil, nil]
    if !isSymbol(.colon) {
      let value = try parseExpression()
      guard isSymbol(.colon) else { return value }
      parts[0] = value
    }
    advance()
    func isEnd(_ parser: Parser) -> Bool { parser.isSymbol(.rightBracket) || parser.isSymbol(.comma) }
    if !isSymbol(.colon), !isEnd(self) { parts[1] = try parseExpression() }
    if skip(.colon), !isEnd(self) { parts[2] = try parseExpression() }
    return Expression(.slice(parts[0], parts[1], parts[2]), at: offset, over: parts[0], parts[1], parts[2])
  }

  private mutating func parseFiltersAndTests(_ first: Expression) throws(JinjaError) -> Expression {
    var value = first
    while true {
      if isSymbol(.pipe) {
        value = try parseFilters(of: value, inline: false) ?? value
      } else if isName("is") {
        value = try parseTest(value)
      } else if isSymbol(.leftParenthesis) {
        value = try parseCall(value)
      } else {
        return value
      }
    }
  }

  /// `|name(args)|…` onto an input; `inline` when the first name stands without a pipe.
  mutating func parseFilters(of input: Expression?, inline: Bool) throws(JinjaError) -> Expression? {
    var value = input
    var isFirst = inline
    while isSymbol(.pipe) || isFirst {
      if !isFirst { advance() }
      isFirst = false
      let offset = current.start
      let name = try parseDottedName()
      let arguments = isSymbol(.leftParenthesis) ? try parseArguments() : CallArguments()
      value = try checked(
        Expression(.filter(value, name, arguments), at: offset, over: arguments.all + (value.map { [$0] } ?? [])))
    }
    return value
  }

  private mutating func parseDottedName() throws(JinjaError) -> String {
    var name = try expectName()
    while skip(.dot) { name += "." + (try expectName()) }
    return name
  }

  private mutating func parseTest(_ subject: Expression) throws(JinjaError) -> Expression {
    advance()
    let isNegated = skip(name: "not")
    let offset = current.start
    let name = try parseDottedName()
    var arguments = CallArguments()
    if isSymbol(.leftParenthesis) {
      arguments = try parseArguments()
    } else if startsTestArgument() {
      if isName("is") { throw fail("You cannot chain multiple tests with is") }
      let argument = try parsePrimary()
      arguments.positional = [try parsePostfix(argument)]
    }
    let test = try checked(
      Expression(.test(subject, name, arguments), at: offset, over: [subject] + arguments.all))
    return isNegated ? try checked(Expression(.not(test), at: offset, over: test)) : test
  }

  private func startsTestArgument() -> Bool {
    switch current.kind {
    case .name: !(isName("else") || isName("or") || isName("and"))
    case .string, .integer, .float: true
    case .symbol: isSymbol(.leftBracket) || isSymbol(.leftBrace)
    default: false
    }
  }

  // MARK: Arguments

  private mutating func parseArguments() throws(JinjaError) -> CallArguments {
    let offset = current.start
    try expect(.leftParenthesis)
    var arguments = CallArguments()
    var needsComma = false
    func ensure(_ condition: Bool) throws(JinjaError) {
      guard condition else { throw fail("invalid syntax for function call expression", at: offset) }
    }
    while !isSymbol(.rightParenthesis) {
      if needsComma {
        try expect(.comma)
        if isSymbol(.rightParenthesis) { break }
      }
      if skip(.star) {
        try ensure(arguments.star == nil && arguments.doubleStar == nil)
        arguments.star = try parseExpression()
      } else if skip(.doubleStar) {
        try ensure(arguments.doubleStar == nil)
        arguments.doubleStar = try parseExpression()
      } else if current.kind == .name, following.kind == .symbol, following.symbol == .assign {
        try ensure(arguments.doubleStar == nil)
        let name = current.text
        advance()
        advance()
        let value = try parseExpression()
        if arguments.keywords.contains(where: { $0.name == name }) {
          throw unit.error(.pythonSyntax, "keyword argument repeated: \(name)", at: value.offset)
        }
        arguments.keywords.append((name, value))
      } else {
        try ensure(arguments.star == nil && arguments.doubleStar == nil && arguments.keywords.isEmpty)
        arguments.positional.append(try parseExpression())
      }
      needsComma = true
    }
    advance()
    return arguments
  }
}
