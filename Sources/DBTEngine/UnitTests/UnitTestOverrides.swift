import DBTContext
import Jinja
import OrderedCollections
import PlainData

/// What a unit test puts in the place of macros, vars and environment variables while its model's code is rendered.
struct UnitTestOverrides {
  /// Values by macro name, or by `package.macro`.
  private let macros: PlainObject
  let vars: PlainObject
  let environment: [String: String]

  init(_ overrides: PlainValue?) {
    macros = overrides?["macros"]?.objectValue ?? [:]
    vars = overrides?["vars"]?.objectValue ?? [:]
    environment = (overrides?["env_vars"]?.objectValue ?? [:]).reduce(into: [:]) { $0[$1.key] = Value($1.value).text }
  }

  /// Lays the values over a context: a macro becomes a function that answers its value whatever it is called with. Names that
  /// the context lacks are left out, as in dbt.
  func apply(to scope: DBTScope) {
    var namespaces: [String: [String: Value]] = [:]
    var plain: [String: Value] = [:]
    for (name, value) in macros {
      let parts = name.split(separator: ".", maxSplits: 1).map(String.init)
      if parts.count == 2 {
        guard let macro = scope.registry.macro(named: parts[1], in: parts[0]) else { continue }
        let answer = OverriddenMacro.value(macro.name, Value(value))
        namespaces[parts[0], default: [:]][parts[1]] = answer
        let meant = scope.registry.macro(named: parts[1], searchPackage: scope.searchPackage)
        if parts[0] == "dbt" || meant?.uniqueID == macro.uniqueID, plain[parts[1]] == nil { plain[parts[1]] = answer }
      } else if let present = scope.value(name) {
        let isMacro = present.objectValue is MacroObject
        let answer = isMacro ? OverriddenMacro.value(name, Value(value)) : Value(value)
        plain[name] = answer
        if scope.registry.macro(named: name, in: "dbt") != nil { namespaces["dbt", default: [:]][name] = answer }
      }
    }
    for (package, members) in namespaces {
      scope.update(
        package, .object(OverriddenNamespace(MacroNamespaceObject(scope.settings, package: package), members)))
    }
    for (name, value) in plain { scope.update(name, value) }
  }
}

/// A macro that answers a fixed value.
private enum OverriddenMacro {
  static func value(_ name: String, _ answer: Value) -> Value { .object(NativeFunction(name) { _, _ in answer }) }
}

/// A package's macros with some replaced.
private final class OverriddenNamespace: Object {
  private let base: MacroNamespaceObject
  private let members: [String: Value]

  init(_ base: MacroNamespaceObject, _ members: [String: Value]) {
    self.base = base
    self.members = members
  }

  var typeName: String { base.typeName }
  var kinds: ValueKinds { base.kinds }

  func attribute(_ name: String, _ evaluation: Evaluation) throws -> Value? {
    try members[name] ?? base.attribute(name, evaluation)
  }

  func item(_ key: Value, _ evaluation: Evaluation) throws -> Value? {
    try key.stringValue.flatMap { members[$0] } ?? base.item(key, evaluation)
  }

  func iterate(_ evaluation: Evaluation) throws -> [Value]? { try base.iterate(evaluation) }
}
