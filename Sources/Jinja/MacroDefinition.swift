import Synchronization

/// A macro-like block of a file: what dbt's registry holds.
///
/// It is compiled when it is first called: a project calls few of the macros that come with it, and a block that is never
/// called may name filters that do not exist.
package final class MacroDefinition: Sendable {
  package enum Kind: Sendable, Hashable {
    case macro
    /// A generic test; dbt calls the macro `test_NAME`.
    case test
    /// A materialization for one adapter ("default" for all), with the languages it supports.
    case materialization(adapter: String, languages: [String])
    case docs
  }

  package struct Parameter: Sendable, Hashable {
    package let name: String
    /// The type after the colon as written, nil when there is none.
    package let annotation: String?
    package let hasDefault: Bool
  }

  /// The name as written in the block.
  package let name: String
  package let kind: Kind
  package let parameters: [Parameter]
  /// Line of the opening tag, from 1.
  package let line: Int
  /// Names called as plain functions (`foo()`) or through a namespace (`pkg.foo()`), each once, in order.
  package let calledNames: [String]
  /// Calls of `adapter.dispatch` with a literal name, and the literal namespace if there is one.
  package let dispatchedNames: [(name: String, namespace: String?)]

  private let unit: SourceUnit
  /// The whole block with its tags, and the text between them.
  private let range: Range<Int>
  private let contentsRange: Range<Int>
  private let options: CompileOptions
  private let compiled = AtomicLazyReference<Function>()

  init(
    _ macro: MacroSyntax, unit: SourceUnit, options: CompileOptions
  ) {
    let calls = CallAnalysis(macro)
    name = macro.name
    kind = macro.kind
    parameters = macro.parameters.map {
      Parameter(name: $0.name, annotation: $0.annotation, hasDefault: $0.defaultValue != nil)
    }
    line = unit.line(at: macro.range.lowerBound)
    calledNames = calls.called
    dispatchedNames = calls.dispatched
    self.unit = unit
    range = macro.range
    contentsRange = macro.contents
    self.options = options
  }

  package var path: String { unit.path }
  /// The block's text with its tags.
  package var source: String { unit.text(range) }
  /// The text between the tags (what a docs block says).
  package var contents: String { unit.text(contentsRange) }

  /// The block as code; made by the first call.
  ///
  /// - Throws: a syntax error that only compiling finds, such as a filter that does not exist.
  var function: Function {
    get throws(JinjaError) {
      if let known = compiled.load() { return known }
      let block = SourceUnit(unit, range: range)
      var parser = try Parser(block, options: options)
      _ = try parser.parseTemplate()
      guard let macro = parser.definitions.first else {
        throw block.error(.syntax, "the block of '\(name)' does not read as one", at: 0)
      }
      return compiled.storeIfNil(try Compiler(unit: block, options: options).compileDefinition(macro))
    }
  }

  /// The name dbt stores it under: `NAME`, `test_NAME`, `materialization_NAME_ADAPTER`.
  package var macroName: String {
    switch kind {
    case .macro, .docs: name
    case .test: "test_" + name
    case .materialization(let adapter, _): "materialization_\(name)_\(adapter)"
    }
  }

  /// The name in messages: dbt's mangled one in dbt's language.
  var displayName: String { options.dbtBlocks ? "dbt_macro__" + macroName : name }
}

/// A macro as a callable value.
package final class MacroObject: Object {
  package let definition: MacroDefinition
  private let onCall: ((Evaluation) -> Void)?

  /// - Parameter onCall: told of every call before it is made, with the evaluation that makes it.
  package init(_ definition: MacroDefinition, onCall: ((Evaluation) -> Void)? = nil) {
    self.definition = definition
    self.onCall = onCall
  }

  package var typeName: String { "Macro" }
  package var repr: String { "<Macro \(PythonText.repr(definition.macroName))>" }
  package var kinds: ValueKinds { .callable }
  package func call(_ arguments: Arguments, _ evaluation: Evaluation) throws -> Value {
    onCall?(evaluation)
    return try evaluation.call(definition, arguments)
  }
}
