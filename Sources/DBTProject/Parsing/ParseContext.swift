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
    scope = DBTScope(settings)
  }

  /// Renders a template for its effects on `capture`.
  ///
  /// - Parameter isCode: whether it is the node's code, of which is also kept how its configuration was written.
  /// - Throws: a compilation error that names the node.
  func render(_ text: String, isCode: Bool = false) throws(ProjectError) {
    guard DBTScope.hasTemplate(text) else { return }
    trackMacros(of: text)
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
    trackMacros(of: text)
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

  /// Lays noting objects over the macros that a template names.
  private func trackMacros(of text: String) {
    let registry = environment.registry
    for name in TemplateNames.names(in: text, where: registry.mayMean) {
      if let macro = registry.macro(named: name, searchPackage: node.packageName),
        registry.packages[node.packageName]?[name] != nil || registry.packages[registry.rootPackage]?[name] != nil
          || !registry.isNamespace(name)
      {
        scope.update(name, .object(TrackedMacro(macro, capture)))
      } else if registry.isNamespace(name) {
        scope.update(name, .object(TrackedNamespace(name, registry, capture)))
      }
    }
  }
}

/// Finds the identifiers that stand inside the marks of a template.
enum TemplateNames {
  /// Each wanted identifier once, in order. Text between the marks does not count.
  static func names(in text: String, where isWanted: (String) -> Bool) -> [String] {
    let bytes = Array(text.utf8)
    var names: [String] = []
    var seen: Set<String> = []
    var at = 0
    var isInside = false
    while at < bytes.count {
      if !isInside {
        isInside = bytes[at] == 0x7B && at + 1 < bytes.count && (bytes[at + 1] == 0x7B || bytes[at + 1] == 0x25)
        at += isInside ? 2 : 1
      } else if isWord(bytes[at]) {
        let start = at
        while at < bytes.count, isWord(bytes[at]) { at += 1 }
        let name = String(decoding: bytes[start..<at], as: UTF8.self)
        if isWanted(name), seen.insert(name).inserted { names.append(name) }
      } else {
        isInside =
          !((bytes[at] == 0x7D || bytes[at] == 0x25) && at + 1 < bytes.count && bytes[at + 1] == 0x7D)
        at += 1
      }
    }
    return names
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    byte == 0x5F || (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20) || byte >= 0x80
  }
}
