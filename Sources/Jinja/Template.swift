/// How template text is read.
package struct CompileOptions: Sendable {
  /// dbt's additions: `materialization`, `test` and `docs` blocks, macros stored under `dbt_macro__NAME`.
  package var dbtBlocks = true
  /// Keep one newline at the end of the text, which Jinja drops.
  package var keepTrailingNewline = false
  /// Line number of the first line, for text cut out of a larger file.
  package var firstLine = 1
  /// Bytes of source accepted.
  package var sourceBytes = 64 << 20

  package init() {}

  /// dbt's language.
  package static let dbt = CompileOptions()
  /// Plain Jinja.
  package static let plain = {
    var options = CompileOptions()
    options.dbtBlocks = false
    return options
  }()
}

/// One compiled template: immutable, shared between threads.
package struct Template: Sendable {
  let unit: SourceUnit
  let root: Function
  /// Its named blocks.
  let blocks: [String: NamedBlock]
  /// Every top-level `{% macro %}`, `{% test %}`, `{% materialization %}` and `{% docs %}` block.
  package let definitions: [MacroDefinition]

  /// Reads template text. `path` stands in errors. Throws a `syntax` error with line, column and excerpt.
  package static func compile(
    _ source: String, path: String, options: CompileOptions = .dbt
  ) throws(JinjaError) -> Template {
    try compile(source, path: path, options: options) { _ in }
  }

  /// Reads template text, and passes on what stands in it before it is compiled.
  static func compile(
    _ source: String, path: String, options: CompileOptions, statements inspect: ([Statement]) -> Void
  ) throws(JinjaError) -> Template {
    let unit = try SourceUnit(bounded: source, path: path, options: options)
    var parser = try Parser(unit, options: options)
    let statements = try parser.parseTemplate()
    inspect(statements)
    var compiler = Compiler(unit: unit, options: options)
    let root = try compiler.compileRoot(statements)
    let blocks = compiler.blocks
    let definitions = parser.definitions.map { MacroDefinition($0, unit: unit, options: options) }
    return Template(unit: unit, root: root, blocks: blocks, definitions: definitions)
  }

  /// The macro-like blocks at the top level of a text, without what stands around them.
  ///
  /// - Throws: as `compile`, save for what only compiling the blocks themselves finds.
  package static func definitions(
    of source: String, path: String, options: CompileOptions = .dbt
  ) throws(JinjaError) -> [MacroDefinition] {
    let unit = try SourceUnit(bounded: source, path: path, options: options)
    var parser = try Parser(unit, options: options)
    _ = try parser.parseTemplate()
    return parser.definitions.map { MacroDefinition($0, unit: unit, options: options) }
  }
}
