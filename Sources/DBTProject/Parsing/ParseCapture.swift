import DBTContext
import Jinja
import OrderedCollections
import PlainData

/// Collects what a template asks for while it is rendered without being executed.
///
/// One thread uses it, for one node.
final class ParseCapture {
  var refs: [RefArguments] = []
  var sources: [[String]] = []
  var metrics: [[String]] = []
  var functions: [[String]] = []
  /// Merged `config()` calls.
  var calls: PlainObject = [:]
  /// Whether `config()` was called at all.
  var isConfigured = false
  /// The first of those calls as written; nil when that was not looked up.
  var written: PlainObject?
  /// Unique ids of the macros that the template itself calls, in order.
  var macros: [String] = []

  func add(macro uniqueID: String) { if !macros.contains(uniqueID) { macros.append(uniqueID) } }
}

/// A macro that notes when a node's own template calls it.
final class TrackedMacro: Object {
  private let macro: RegisteredMacro
  private let capture: ParseCapture

  init(_ macro: RegisteredMacro, _ capture: ParseCapture) {
    self.macro = macro
    self.capture = capture
  }

  var typeName: String { "MacroGenerator" }
  var kinds: ValueKinds { .callable }

  func call(_ arguments: Arguments, _ evaluation: Evaluation) throws -> Value {
    if evaluation.macroStack.isEmpty { capture.add(macro: macro.uniqueID) }
    return try evaluation.call(macro.definition, arguments)
  }
}

/// A package's macros under its name, noting calls as `TrackedMacro` does.
final class TrackedNamespace: Object {
  private let package: String
  private let registry: MacroRegistry
  private let capture: ParseCapture
  private let plain: MacroNamespaceObject

  init(_ package: String, _ registry: MacroRegistry, _ capture: ParseCapture) {
    self.package = package
    self.registry = registry
    self.capture = capture
    plain = MacroNamespaceObject(registry, package: package)
  }

  var typeName: String { plain.typeName }
  var kinds: ValueKinds { plain.kinds }
  var count: Int? { plain.count }

  func attribute(_ name: String, _ evaluation: Evaluation) throws -> Value? {
    if let macro = registry.macro(named: name, in: package) { return .object(TrackedMacro(macro, capture)) }
    return try plain.attribute(name, evaluation)
  }

  func item(_ key: Value, _ evaluation: Evaluation) throws -> Value? {
    // Names with a leading underscore are never attributes, and come here.
    if let name = key.stringValue, let macro = registry.macro(named: name, in: package) {
      return .object(TrackedMacro(macro, capture))
    }
    return try plain.item(key, evaluation)
  }

  func iterate(_ evaluation: Evaluation) throws -> [Value]? { try plain.iterate(evaluation) }
}
