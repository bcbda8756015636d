package import Jinja
import OrderedCollections

/// The macros of a package under its name: `dbt_utils.star`. `dbt` holds those of all internal packages.
package final class MacroNamespaceObject: Object {
  private let settings: DBTScope.Settings
  private let packageName: String
  private var made: [String: Value] = [:]

  package init(_ settings: DBTScope.Settings, package packageName: String) {
    self.settings = settings
    self.packageName = packageName
  }

  private var registry: MacroRegistry { settings.registry }

  package var typeName: String { "MacroNamespace" }
  package var qualifiedTypeName: String { "dbt.context.macros.MacroNamespace" }
  package var kinds: ValueKinds { [.mapping, .iterable] }
  package var repr: String { "<MacroNamespace '\(packageName)'>" }

  package func attribute(_ name: String, _ evaluation: Evaluation) throws -> Value? {
    if let known = made[name] { return known }
    if let macro = registry.macro(named: name, in: packageName) {
      let value = settings.callable(macro)
      made[name] = value
      return value
    }
    guard name == "get" else { return nil }
    return .function(name, ["key", "default?"]) { [self] values, evaluation in
      try values[0]?.stringValue.flatMap { try attribute($0, evaluation) } ?? values[1] ?? .none
    }
  }

  package func item(_ key: Value, _ evaluation: Evaluation) throws -> Value? {
    guard let name = key.stringValue, registry.macro(named: name, in: packageName) != nil else { return nil }
    return try attribute(name, evaluation)
  }

  package func iterate(_ evaluation: Evaluation) throws -> [Value]? { names.map { .string($0) } }
  package var count: Int? { names.count }

  private var names: [String] {
    let packages = packageName == "dbt" ? registry.internalPackages : [packageName]
    return packages.flatMap { registry.packages[$0].map { Array($0.keys) } ?? [] }
  }
}
