package import DBTContext
package import Jinja
import OrderedCollections
import PlainData

/// What `query-comment` of `dbt_project.yml` says.
package struct QueryCommentSetting: Sendable {
  /// nil for dbt's own; one that renders to nothing makes no comment.
  package var template: String?
  /// Whether the comment stands behind statements.
  package var isAppended = false

  static let shape = Shape.optional(
    .text,
    .object([
      Shape.may("comment", .text), Shape.may("append", .optional(.flag)), Shape.may("job-label", .flag),
    ]))

  /// - Parameter value: of the shape above; nil when the project says nothing.
  init(_ value: PlainValue?) {
    switch value {
    case .none: template = nil
    case .some(.object(let members)):
      template = members["comment"]?.stringValue
      isAppended = members["append"]?.boolValue ?? false
    case .some(let text): template = text.stringValue ?? ""
    }
  }
}

/// Makes the comments of a project's connections from a template of its own.
///
/// As in dbt the template is the body of a macro: it sees what does not hang on a node, the project's macros, and of the vars
/// those of the command line.
package struct QueryComments: Sendable {
  private let macro: MacroDefinition
  private let registry: MacroRegistry

  /// - Throws: wrong syntax.
  init(_ template: String, _ registry: MacroRegistry) throws(ProjectError) {
    self.registry = registry
    do {
      let source = "{%- macro query_comment_macro(connection_name, node) -%}\n\(template)\n{% endmacro %}"
      guard let macro = try Template.definitions(of: source, path: QueryComments.path).first else {
        throw DBTError(.compilation, "the query comment is no text of a macro")
      }
      self.macro = macro
    } catch {
      throw ProjectError(rendering: error)
    }
  }

  /// What errors name.
  private static let path = "query-comment"

  /// The comment of a connection, without marks; empty for none.
  ///
  /// - Parameter node: the node that the connection works on, if any.
  /// - Throws: `DBTError` when the template fails, or makes a text that would end the comment.
  package func comment(connection: String, node: Value?, _ invocation: Invocation) throws(DBTError) -> String {
    var settings = DBTScope.Settings(invocation: invocation, registry: registry)
    settings.vars = VarSettings(values: invocation.vars)
    settings.hasNodeMembers = false
    let text: String
    do {
      text = try DBTScope(settings).evaluation().call(macro, Arguments([.string(connection), node ?? .none])).text
    } catch {
      throw DBTError(error, node: nil)
    }
    guard !text.contains("*/") else {
      throw DBTError(.runtime, "query comment contains illegal value \"*/\": \(text)")
    }
    return text
  }
}
