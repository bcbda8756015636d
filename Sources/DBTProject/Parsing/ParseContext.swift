import DBTContext
import Jinja
import OrderedCollections
import PlainData

/// The context in which a node's template is rendered to learn what it needs: `ref`, `source` and `config` note their
/// arguments, nothing is executed, and unknown names are absorbed.
///
/// One thread uses it, for one node.
final class ParseContext {
  let capture = ParseCapture()
  private let scope: DBTScope
  private let environment: ParseEnvironment
  private let node: Node
  private let reference: NodeReference

  init(_ environment: ParseEnvironment, node: Node) {
    self.environment = environment
    self.node = node
    reference = NodeReference(
      resourceType: node.resourceType.rawValue, name: node.name, path: node.originalFilePath, uniqueID: node.uniqueID)
    var settings = environment.settings(package: node.packageName, node: reference, requiresVars: false)
    let members = ParseMembers(environment: environment, node: node, capture: capture)
    settings.lazyMembers = DBTScope.LazyMembers(ParseMembers.names, make: members.member)
    settings.onMacroCall = { [capture] macro, depth in if depth == 0 { capture.add(macro: macro.uniqueID) } }
    scope = DBTScope(settings)
  }

  /// Renders a template for its effects on `capture`.
  ///
  /// - Parameter isCode: whether it is the node's code, of which is also kept how its configuration was written.
  /// - Throws: a compilation error that names the node.
  func render(_ text: String, isCode: Bool = false) throws(ProjectError) {
    guard DBTScope.hasTemplate(text) else { return }
    do {
      let template: Template
      if isCode {
        let (compiled, keywords) = try Template.compile(text, path: node.originalFilePath, keywordsOf: "config")
        template = compiled
        capture.written = (keywords ?? [:]).mapValues { .string($0) }
      } else {
        template = try Template.compile(text, path: node.originalFilePath)
      }
      _ = try scope.evaluation(undefined: .absorbing).renderText(template)
    } catch {
      throw ProjectError(rendering: error, node: reference)
    }
  }

  /// Renders a text in native mode.
  func value(_ text: String) throws(ProjectError) -> Value {
    do {
      return try scope.evaluation(undefined: .absorbing)
        .renderNative(try Template.compile(text, path: node.originalFilePath))
    } catch {
      throw ProjectError(rendering: error, node: reference)
    }
  }

  /// Whether another rendering of the same texts would ask for the same.
  var isRepeatable: Bool { scope.askedMembers.isSubset(of: ParseCapture.repeatableNames) }

  /// Makes a name known to the templates rendered after this.
  func set(_ name: String, _ value: Value) { scope.setMember(name, value) }
}
