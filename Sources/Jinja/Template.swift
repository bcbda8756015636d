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
  /// Every top-level `{% macro %}`, `{% test %}`, `{% materialization %}` and `{% docs %}` block.
  package let definitions: [MacroDefinition]

  /// Reads template text. `path` stands in errors. Throws a `syntax` error with line, column and excerpt.
  package static func compile(
    _ source: String, path: String, options: CompileOptions = .dbt
  ) throws(JinjaError) -> Template {
    Template(unit: SourceUnit(source: Array(source.utf8), path: path, firstLine: options.firstLine), definitions: [])
  }
}

/// A source text and its name, shared by all that was compiled from it.
final class SourceUnit: Sendable {
  let source: [UInt8]
  let path: String
  let firstLine: Int

  init(source: [UInt8], path: String, firstLine: Int) {
    self.source = source
    self.path = path
    self.firstLine = firstLine
  }
}
