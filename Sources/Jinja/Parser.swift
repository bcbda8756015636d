/// Reads the tokens of a template into a syntax tree: statements. Expressions are in `Parser+Expressions.swift`.
struct Parser {
  let unit: SourceUnit
  let options: CompileOptions
  var tokens: [Token]
  var index = 0
  /// The macro-like blocks at the top level, in order.
  var definitions: [MacroSyntax] = []
  /// The blocks that are open, outermost first, for messages.
  private var openTags: [String] = []
  /// Calls of the parser inside one another.
  var depth = 0
  private var blockNames: Set<String> = []
  /// Loops around the current statement, within the innermost macro.
  private var loopDepth = 0
  private let stack = StackGuard(bytes: 6 << 20)

  /// The most levels an expression tree may have, as CPython's limit on parentheses.
  static let heightLimit = 200
  private static let depthLimit = 400

  init(_ unit: SourceUnit, options: CompileOptions) throws(JinjaError) {
    self.unit = unit
    self.options = options
    tokens = try Lexer.tokens(of: unit)
  }

  /// The statements of the whole template.
  mutating func parseTemplate() throws(JinjaError) -> [Statement] { try parseBody(until: []) }

  // MARK: Tokens

  var current: Token { tokens[index] }
  var following: Token { tokens[min(index + 1, tokens.count - 1)] }

  mutating func advance() { if index < tokens.count - 1 { index += 1 } }

  func fail(_ message: String, at offset: Int? = nil) -> JinjaError {
    unit.error(.syntax, message, at: offset ?? current.start)
  }

  func isSymbol(_ symbol: Symbol) -> Bool { current.kind == .symbol && current.symbol == symbol }

  func isName(_ name: String) -> Bool { current.kind == .name && current.text == name }

  mutating func skip(_ symbol: Symbol) -> Bool {
    guard isSymbol(symbol) else { return false }
    advance()
    return true
  }

  mutating func skip(name: String) -> Bool {
    guard isName(name) else { return false }
    advance()
    return true
  }

  mutating func expect(_ symbol: Symbol) throws(JinjaError) {
    guard skip(symbol) else { throw unexpected("'\(symbol.rawValue)'") }
  }

  mutating func expect(_ kind: Token.Kind, _ description: String) throws(JinjaError) {
    guard current.kind == kind else { throw unexpected("'\(description)'") }
    advance()
  }

  mutating func expectName() throws(JinjaError) -> String {
    guard current.kind == .name else { throw unexpected("'name'") }
    defer { advance() }
    return current.text
  }

  private func unexpected(_ expected: String) -> JinjaError {
    current.kind == .end
      ? fail("unexpected end of template, expected \(expected).")
      : fail("expected token \(expected), got '\(current.description)'")
  }

  /// Runs one nested rule, within the limits on depth.
  mutating func nested<Result>(
    _ rule: (inout Parser) throws(JinjaError) -> Result
  ) throws(JinjaError) -> Result {
    guard depth < Self.depthLimit, !stack.isExhausted else {
      throw unit.error(.limit, "template is nested too deeply", at: current.start)
    }
    depth += 1
    defer { depth -= 1 }
    return try rule(&self)
  }

  // MARK: Bodies

  /// Reads statements up to a tag with one of the names, which becomes the current token.
  private mutating func parseBody(until ends: [String]) throws(JinjaError) -> [Statement] {
    var statements: [Statement] = []
    while true {
      let token = current
      switch token.kind {
      case .data:
        statements.append(Statement(kind: .text(token.text), offset: token.start))
        advance()
      case .variableBegin:
        advance()
        let value = try parseTuple(conditional: true)
        statements.append(Statement(kind: .output(value), offset: value.offset))
        try expect(.variableEnd, "end of print statement")
      case .blockBegin:
        advance()
        if current.kind == .name, ends.contains(current.text) { return statements }
        if let statement = try parseStatement(tag: token.start) { statements.append(statement) }
        try expect(.blockEnd, "end of statement block")
      case .end:
        if ends.isEmpty { return statements }
        throw unclosed(ends)
      default:
        throw fail("unexpected \(token.description)")
      }
    }
  }

  private func unclosed(_ ends: [String]) -> JinjaError {
    let wanted = ends.map { "'\($0)'" }.joined(separator: " or ")
    let innermost = openTags.last.map { " The innermost block that needs to be closed is '\($0)'." } ?? ""
    return fail("Unexpected end of template. Jinja was looking for the following tags: \(wanted).\(innermost)")
  }

  /// Closes the opening tag and reads its body. The end tag's name is the current token, or behind it if dropped.
  mutating func parseBlock(until ends: [String], dropEnd: Bool = false) throws(JinjaError) -> [Statement] {
    _ = skip(.colon)
    try expect(.blockEnd, "end of statement block")
    let body = try nested { (parser) throws(JinjaError) in try parser.parseBody(until: ends) }
    if dropEnd { advance() }
    return body
  }

  private mutating func parseStatement(tag: Int) throws(JinjaError) -> Statement? {
    guard current.kind == .name else { throw fail("tag name expected") }
    let name = current.text
    openTags.append(name)
    defer { openTags.removeLast() }
    let offset = current.start
    guard let kind = try parseTag(name, tag: tag) else { return nil }
    return Statement(kind: kind, offset: offset)
  }

  private mutating func parseTag(_ name: String, tag: Int) throws(JinjaError) -> Statement.Kind? {
    switch name {
    case "for": return try parseFor()
    case "if": return try parseIf()
    case "set": return try parseSet()
    case "with": return try parseWith()
    case "print": return try parsePrint()
    case "do":
      advance()
      return .evaluate(try parseTuple(conditional: true))
    case "break", "continue":
      guard loopDepth > 0 else {
        let message = name == "break" ? "'break' outside loop" : "'continue' not properly in loop"
        throw unit.error(.pythonSyntax, message, at: current.start)
      }
      advance()
      return name == "break" ? .breakLoop : .continueLoop
    case "macro", "call", "filter": return try parseCapturing(name, tag: tag)
    case "block": return try parseNamedBlock()
    case "autoescape":
      advance()
      return .autoescape(try parseExpression(), try parseBlock(until: ["endautoescape"], dropEnd: true))
    case "extends", "include", "import", "from": return try parseLoad(name)
    default:
      if options.dbtBlocks, let macro = try parseDBTBlock(name, tag: tag) { return macro }
      throw unknownTag(name)
    }
  }

  private func unknownTag(_ name: String) -> JinjaError {
    var message = "Encountered unknown tag '\(name)'."
    if openTags.count > 1 {
      message += " The innermost block that needs to be closed is '\(openTags[openTags.count - 2])'."
    }
    return fail(message)
  }

  // MARK: Statements

  private mutating func parseFor() throws(JinjaError) -> Statement.Kind {
    advance()
    let target = try parseTarget()
    guard skip(name: "in") else { throw unexpected("'in'") }
    if mentionsLoop(target) {
      throw unit.error(.assertion, "Can't assign to special loop variable in for-loop target", at: target.offset)
    }
    let iterable = try parseTuple(conditional: false)
    let test = skip(name: "if") ? try parseExpression() : nil
    let isRecursive = skip(name: "recursive")
    // A recursive loop is a function of its own, but its body is still a loop.
    loopDepth += 1
    let body = try parseBlock(until: ["endfor", "else"])
    loopDepth -= 1
    var otherwise: [Statement] = []
    let isElse = isName("else")
    advance()
    if isElse { otherwise = try parseBlock(until: ["endfor"], dropEnd: true) }
    return .forLoop(
      ForSyntax(
        target: target, iterable: iterable, test: test, isRecursive: isRecursive, body: body, otherwise: otherwise))
  }

  private func mentionsLoop(_ target: Expression) -> Bool {
    switch target.kind {
    case .name(let name): name == "loop"
    case .tuple(let items): items.contains(where: mentionsLoop)
    default: false
    }
  }

  private mutating func parseIf() throws(JinjaError) -> Statement.Kind {
    var branches: [(test: Expression, body: [Statement])] = []
    while true {
      advance()
      let test = try parseTuple(conditional: false)
      branches.append((test, try parseBlock(until: ["elif", "else", "endif"])))
      if isName("elif") { continue }
      let isElse = isName("else")
      advance()
      return .ifElse(branches, otherwise: isElse ? try parseBlock(until: ["endif"], dropEnd: true) : [])
    }
  }

  private mutating func parseSet() throws(JinjaError) -> Statement.Kind {
    advance()
    let target = try parseTarget(withNamespace: true)
    if skip(.assign) { return .set(target: target, value: try parseTuple(conditional: true)) }
    let filter = try parseFilters(of: nil, inline: false)
    return .setBlock(target: target, filter: filter, body: try parseBlock(until: ["endset"], dropEnd: true))
  }

  private mutating func parseWith() throws(JinjaError) -> Statement.Kind {
    advance()
    var bindings: [(target: Expression, value: Expression)] = []
    while current.kind != .blockEnd {
      if !bindings.isEmpty { try expect(.comma) }
      let target = try parseTarget()
      try expect(.assign)
      bindings.append((target, try parseExpression()))
    }
    return .with(bindings, try parseBlock(until: ["endwith"], dropEnd: true))
  }

  private mutating func parsePrint() throws(JinjaError) -> Statement.Kind {
    advance()
    var outputs: [Statement] = []
    while current.kind != .blockEnd {
      if !outputs.isEmpty { try expect(.comma) }
      let value = try parseExpression()
      outputs.append(Statement(kind: .output(value), offset: value.offset))
    }
    return .ifElse([], otherwise: outputs)
  }

  private mutating func parseNamedBlock() throws(JinjaError) -> Statement.Kind {
    advance()
    let offset = current.start
    let name = try expectName()
    let isScoped = skip(name: "scoped")
    let isRequired = skip(name: "required")
    if isSymbol(.minus) {
      throw fail(
        "Block names in Jinja have to be valid Python identifiers and may not contain hyphens, use an underscore "
          + "instead.")
    }
    guard blockNames.insert(name).inserted else {
      throw unit.error(.assertion, "block \(PythonText.repr(name)) defined twice", at: offset)
    }
    let loops = loopDepth
    loopDepth = 0
    let body = try parseBlock(until: ["endblock"], dropEnd: true)
    loopDepth = loops
    guard !isRequired || body.allSatisfy(\.isBlank) else {
      throw fail("Required blocks can only contain comments or whitespace")
    }
    _ = skip(name: name)
    return .block(BlockSyntax(name: name, isScoped: isScoped, isRequired: isRequired, body: body))
  }

  /// The tags that ask for another template.
  private mutating func parseLoad(_ name: String) throws(JinjaError) -> Statement.Kind {
    let offset = current.start
    advance()
    let template = try parseExpression()
    var names: [String] = []
    switch name {
    case "extends":
      guard extendsAllowed else {
        throw unit.error(.assertion, "cannot use extend from a non top-level scope", at: offset)
      }
    case "include":
      if isName("ignore"), following.kind == .name, following.text == "missing" {
        advance()
        advance()
      }
      _ = skipImportContext()
    case "import":
      guard skip(name: "as") else { throw unexpected("'as'") }
      names = [try parseTargetName()]
      _ = skipImportContext()
    default:
      guard skip(name: "import") else { throw unexpected("'import'") }
      names = try parseImportedNames()
    }
    return .load(template, names: names)
  }

  /// Skips `with context` or `without context`.
  private mutating func skipImportContext() -> Bool {
    guard isName("with") || isName("without"), following.kind == .name, following.text == "context" else {
      return false
    }
    advance()
    advance()
    return true
  }

  private mutating func parseImportedNames() throws(JinjaError) -> [String] {
    var names: [String] = []
    while true {
      if !names.isEmpty { try expect(.comma) }
      guard current.kind == .name else { throw unexpected("'name'") }
      if skipImportContext() { return names }
      let offset = current.start
      let name = try parseTargetName()
      if name.utf8.first == UInt8(ascii: "_") {
        throw unit.error(.assertion, "names starting with an underline can not be imported", at: offset)
      }
      names.append(skip(name: "as") ? try parseTargetName() : name)
      if skipImportContext() || !isSymbol(.comma) { return names }
    }
  }

  /// Whether the innermost scope is the template's own: only `if` and the tags without a scope stand around.
  private var extendsAllowed: Bool {
    openTags.dropLast().allSatisfy { $0 == "if" }
  }

  private mutating func parseCapturing(_ name: String, tag: Int) throws(JinjaError) -> Statement.Kind {
    advance()
    switch name {
    case "macro":
      var macro = MacroSyntax(name: try parseTargetName())
      try parseSignature(&macro)
      return try parseMacroBody(&macro, end: "endmacro", tag: tag)
    case "call":
      var block = MacroSyntax(name: "caller")
      if isSymbol(.leftParenthesis) { try parseSignature(&block) }
      let call = try parseExpression()
      guard case .call = call.kind else { throw fail("expected call", at: call.offset) }
      let loops = loopDepth
      loopDepth = 0
      block.body = try parseBlock(until: ["endcall"], dropEnd: true)
      loopDepth = loops
      return .callBlock(call, block)
    default:
      guard let filter = try parseFilters(of: nil, inline: true) else { throw fail("expected a filter") }
      return .filterBlock(filter, try parseBlock(until: ["endfilter"], dropEnd: true))
    }
  }

  /// Reads the body of a macro-like block and records it when it stands at the top level.
  private mutating func parseMacroBody(
    _ macro: inout MacroSyntax, end: String, tag: Int
  ) throws(JinjaError) -> Statement.Kind {
    let start = current.end
    let loops = loopDepth
    loopDepth = 0
    macro.body = try parseBlock(until: [end], dropEnd: true)
    loopDepth = loops
    // The current token closes the end tag; the begin of that tag is two tokens back.
    let close = tokens[max(0, index - 2)].start
    let last = current
    macro.contents = min(start, close)..<close
    macro.range = tag..<max(tag, trimmedEnd(of: last))
    if openTags.count == 1 { definitions.append(macro) }
    return .macro(macro)
  }

  /// The end of a closing delimiter without the white space it eats.
  private func trimmedEnd(of token: Token) -> Int {
    var end = token.end
    while end > token.start, unit.source[end - 1] != UInt8(ascii: "}") { end -= 1 }
    return end
  }

  private mutating func parseSignature(_ macro: inout MacroSyntax) throws(JinjaError) {
    try expect(.leftParenthesis)
    while !isSymbol(.rightParenthesis) {
      if !macro.parameters.isEmpty { try expect(.comma) }
      let offset = current.start
      let name = try parseTargetName()
      var annotation: String?
      if options.dbtBlocks, skip(.colon) { annotation = try parseAnnotation() }
      var value: Expression?
      if skip(.assign) {
        value = try parseExpression()
      } else if macro.parameters.last?.defaultValue != nil {
        throw fail("non-default argument follows default argument", at: offset)
      }
      guard !macro.parameters.contains(where: { $0.name == name }) else {
        throw unit.error(.pythonSyntax, "duplicate argument '\(name)' in function definition", at: offset)
      }
      macro.parameters.append((name, annotation, value))
    }
    advance()
  }

  /// A type annotation of dbt: `string`, `list[string]`, `dict[string, optional[any]]`.
  private mutating func parseAnnotation() throws(JinjaError) -> String {
    try nested { (parser) throws(JinjaError) in
      var text = try parser.expectName()
      guard parser.skip(.leftBracket) else { return text }
      text += "["
      while !parser.isSymbol(.rightBracket) {
        if text.utf8.last != UInt8(ascii: "[") {
          try parser.expect(.comma)
          text += ", "
        }
        text += try parser.parseAnnotation()
      }
      parser.advance()
      return text + "]"
    }
  }

  // MARK: dbt blocks

  private mutating func parseDBTBlock(_ name: String, tag: Int) throws(JinjaError) -> Statement.Kind? {
    switch name {
    case "materialization":
      advance()
      var macro = MacroSyntax(name: try parseTargetName())
      macro.kind = try parseMaterializationOptions()
      return try parseMacroBody(&macro, end: "endmaterialization", tag: tag)
    case "test":
      advance()
      var macro = MacroSyntax(name: try parseTargetName(), kind: .test)
      try parseSignature(&macro)
      return try parseMacroBody(&macro, end: "endtest", tag: tag)
    case "docs":
      advance()
      var macro = MacroSyntax(name: try parseTargetName(), kind: .docs)
      return try parseMacroBody(&macro, end: "enddocs", tag: tag)
    default: return nil
    }
  }

  /// `, default` or `, adapter='postgres'`, and `, supported_languages=['sql']`.
  private mutating func parseMaterializationOptions() throws(JinjaError) -> MacroDefinition.Kind {
    var adapter = "default"
    var languages = ["sql"]
    while skip(.comma) {
      let offset = current.start
      switch try expectName() {
      case "default": adapter = "default"
      case "adapter":
        try expect(.assign)
        guard case .constant(.string(let text)) = try parseExpression().kind else {
          throw fail("materialization adapter must be a string", at: offset)
        }
        adapter = text
      case "supported_languages":
        try expect(.assign)
        guard case .list(let items) = try parseExpression().kind else {
          throw fail("supported_languages must be a list of strings", at: offset)
        }
        languages = items.compactMap { if case .constant(.string(let text)) = $0.kind { text } else { nil } }
      case let other: throw fail("Invalid materialization option '\(other)'", at: offset)
      }
    }
    return .materialization(adapter: adapter, languages: languages)
  }
}

extension Statement {
  /// Whether it is nothing but white space.
  var isBlank: Bool {
    guard case .text(let text) = kind else { return false }
    return text.unicodeScalars.allSatisfy(\.isPythonSpace)
  }
}
