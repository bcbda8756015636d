/// A macro-like block of a file: what dbt's registry holds.
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
  /// The block's text with its tags.
  package let source: String
  /// The text between the tags (what a docs block says).
  package let contents: String
  package let path: String
  /// Line of the opening tag, from 1.
  package let line: Int
  /// Names called as plain functions (`foo()`) or through a namespace (`pkg.foo()`), each once, in order.
  package let calledNames: [String]
  /// Calls of `adapter.dispatch` with a literal name, and the literal namespace if there is one.
  package let dispatchedNames: [(name: String, namespace: String?)]

  let function: Function
  private let hasDBTName: Bool

  init(
    name: String, kind: Kind, parameters: [Parameter], source: String, contents: String, path: String, line: Int,
    calledNames: [String], dispatchedNames: [(name: String, namespace: String?)], function: Function, hasDBTName: Bool
  ) {
    self.name = name
    self.kind = kind
    self.parameters = parameters
    self.source = source
    self.contents = contents
    self.path = path
    self.line = line
    self.calledNames = calledNames
    self.dispatchedNames = dispatchedNames
    self.function = function
    self.hasDBTName = hasDBTName
  }

  /// The name dbt stores it under: `NAME`, `test_NAME`, `materialization_NAME_ADAPTER`.
  package var macroName: String {
    switch kind {
    case .macro, .docs: name
    case .test: "test_" + name
    case .materialization(let adapter, _): "materialization_\(name)_\(adapter)"
    }
  }
}

extension MacroDefinition {
  /// The name in messages: dbt's mangled one in dbt's language.
  var displayName: String { hasDBTName ? "dbt_macro__" + macroName : name }
}

/// A macro as a callable value.
package final class MacroObject: Object {
  package let definition: MacroDefinition

  package init(_ definition: MacroDefinition) { self.definition = definition }

  package var typeName: String { "Macro" }
  package var repr: String { "<Macro \(PythonText.repr(definition.macroName))>" }
  package var kinds: ValueKinds { .callable }
  package func call(_ arguments: Arguments, _ evaluation: Evaluation) throws -> Value {
    try evaluation.call(definition, arguments)
  }
}
