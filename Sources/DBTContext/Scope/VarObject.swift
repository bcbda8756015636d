import Jinja
import OrderedCollections
package import PlainData

/// The vars that one node sees.
package struct VarSettings: Sendable {
  /// Merged; see `merged(cli:root:package:packageName:)`.
  package var values: PlainObject
  /// A missing var without default is an error; otherwise (while parsing) it is None.
  package var isRequired: Bool
  /// Whom the error message names: the node, or `<Configuration>`.
  package var owner: String
  /// Whether a text is rendered where it is used; in property files it is not.
  package var rendersTexts = true

  package init(values: PlainObject = [:], isRequired: Bool = true, owner: String = "<Configuration>") {
    self.values = values
    self.isRequired = isRequired
    self.owner = owner
  }

  /// The vars of a node of a package: those of the command line win, then those of the root project (its section for the
  /// package before its global ones), then the package's own.
  ///
  /// - Parameters:
  ///   - root: the whole `vars` of the root project.
  ///   - package: the whole `vars` of the node's package; nil when that is the root project.
  package static func merged(
    cli: PlainObject, root: PlainObject, package: PlainObject?, packageName: String
  ) -> PlainObject {
    var result = PlainObject()
    for vars in [package, root].compactMap({ $0 }) {
      result.merge(vars) { _, last in last }
      if case .object(let section)? = vars[packageName] { result.merge(section) { _, last in last } }
    }
    result.merge(cli) { _, last in last }
    return result
  }
}

/// `var`: a function with the method `has_var`.
final class VarObject: Object {
  private let settings: VarSettings

  init(_ settings: VarSettings) { self.settings = settings }

  var typeName: String { "Var" }
  var kinds: ValueKinds { .callable }

  func call(_ arguments: Arguments, _ evaluation: Evaluation) throws -> Value {
    let values = try arguments.bind("var", ["var_name", "default?"])
    let name = values[0]?.text ?? ""
    if let raw = settings.values[name] {
      // Text may hold templates of its own.
      guard case .string(let text) = raw, settings.rendersTexts else { return Value(raw) }
      guard DBTScope.hasTemplate(text) else { return .string(DBTScope.withoutTemplate(text)) }
      return .string(try evaluation.renderText(try Template.compile(text, path: "var '\(name)'")))
    }
    if let fallback = values[1] { return fallback }
    guard settings.isRequired else { return .none }
    throw missing(name)
  }

  func attribute(_ name: String, _ evaluation: Evaluation) -> Value? {
    guard name == "has_var" else { return nil }
    let known = settings.values
    return .function(name, ["var_name"]) { values, _ in .bool(values[0].map { known[$0.text] != nil } ?? false) }
  }

  private func missing(_ name: String) -> DBTError {
    let style = JSONStyle(spaced: true, asciiOnly: true, sortedKeys: true, indent: 4)
    let shown = settings.values.filter { !$0.key.hasPrefix(Invocation.secretPrefix) }
    return DBTError(
      .compilation,
      "Required var '\(name)' not found in config:\nVars supplied to \(settings.owner) = "
        + PlainValue.object(shown).json(style))
  }
}
