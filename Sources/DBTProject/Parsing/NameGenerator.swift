import DBTContext
import Jinja
import OrderedCollections
import PlainData
import Secrets

/// Makes the database, schema and alias of nodes by the project's `generate_…_name` macros.
///
/// One thread uses it.
final class NameGenerator {
  private let environment: ParseEnvironment
  private var scopes: [String: DBTScope] = [:]
  /// The macros of each package, by its name.
  private var packages: [String: PackageMacros] = [:]

  /// The macros that name the nodes of one package.
  private final class PackageMacros {
    let database: Component
    let schema: Component
    let alias: Component

    init(_ package: String, _ registry: MacroRegistry) {
      database = Component("database", package, registry)
      schema = Component("schema", package, registry)
      alias = Component("alias", package, registry)
    }
  }

  /// One of those macros, and what it gave so far.
  private final class Component {
    let name: String
    let macro: RegisteredMacro?
    /// Whether it is dbt's own macro of aliases, whose answer is known.
    let isStandardAlias: Bool
    /// What it gave for each custom name, with what it saw of the node: another node that shows the same gets the same.
    var known: [PlainValue?: [Answer]] = [:]

    init(_ name: String, _ package: String, _ registry: MacroRegistry) {
      self.name = name
      macro = registry.generateNameMacro(name, package: package)
      isStandardAlias = name == "alias" && (macro.map { NameGenerator.isStandardAlias($0, registry) } ?? false)
    }
  }

  private struct Answer {
    let seen: [String: NodeObject.PlainField]
    let name: String?

    func holds(for node: Node) -> Bool {
      seen.allSatisfy { NodeObject.plainField($0.key, of: node) == $0.value }
    }
  }

  /// Answers kept of one question: a macro that gives every node a name of its own is not worth keeping.
  private static let answerLimit = 8

  init(_ environment: ParseEnvironment) { self.environment = environment }

  /// Fills the names of a node from its finished configuration.
  ///
  /// - Throws: a compilation error of the macro, or a parsing error when it gives no text.
  /// - Returns: whether the macro gave a schema; without one the node's is empty.
  func name(_ node: inout Node) throws(ProjectError) -> Bool {
    let config = node.config
    let macros = macros(of: node.packageName)
    node.database = try generate(macros.database, config["database"], node)
    let schema = try generate(macros.schema, config["schema"], node)
    if schema == nil, environment.root.isOn(.requiresSchema) {
      throw ProjectError(
        .parsing,
        "Node '\(node.uniqueID)' has a schema set to None as a result of a generate_schema_name call.\nPlease set a valid "
          + "schema name, or preserve the legacy behavior by setting the behavior flag "
          + "'require_valid_schema_from_generate_schema_name' to True.")
    }
    node.schema = schema ?? ""
    node.alias = try generate(macros.alias, config["alias"], node) ?? node.name
    if node.resourceType == .snapshot {
      if let database = config["target_database"]?.stringValue, !database.isEmpty { node.database = database }
      if let schema = config["target_schema"]?.stringValue, !schema.isEmpty { node.schema = schema }
    }
    node.relationName = relationName(of: node)
    return schema != nil
  }

  /// Where the project's macros put what a saved query exports, and how they call it.
  ///
  /// - Parameters:
  ///   - database: given by the export, or null.
  ///   - alias: the same.
  func exportNames(
    _ name: String, package: String, database: PlainValue, alias: PlainValue
  ) throws(ProjectError) -> (database: String?, schema: String?, alias: String?) {
    let export = Node(
      uniqueID: name, resourceType: .savedQuery, packageName: package, name: name, alias: name, database: nil,
      schema: "", path: "", originalFilePath: "", fqn: [], rawCode: "", config: [:])
    let macros = macros(of: package)
    return (
      try generate(macros.database, database, export), try generate(macros.schema, nil, export),
      try generate(macros.alias, alias, export)
    )
  }

  private func relationName(of node: Node) -> String? {
    switch node.resourceType {
    case .model: guard !node.isEphemeral else { return nil }
    case .seed, .snapshot, .function: break
    case .test:
      let stores = node.config["store_failures"]?.boolValue ?? false
      guard stores || environment.invocation.flags.storeFailures else { return nil }
    default: return nil
    }
    var quoting = environment.quoting
    if let own = node.config["quoting"]?.objectValue, !own.isEmpty {
      quoting.merge(own) { old, new in new.isNull ? old : new }
    }
    return RelationName.text(
      database: node.database, schema: node.schema.isEmpty ? nil : node.schema, identifier: node.alias, quoting: quoting
    )
  }

  private func macros(of package: String) -> PackageMacros {
    if let known = packages[package] { return known }
    let macros = PackageMacros(package, environment.registry)
    packages[package] = macros
    return macros
  }

  private func generate(_ component: Component, _ custom: PlainValue?, _ node: Node) throws(ProjectError) -> String? {
    guard let macro = component.macro else {
      throw ProjectError(.runtime, "No macro with name generate_\(component.name)_name found")
    }
    if let answer = component.known[custom]?.first(where: { $0.holds(for: node) }) { return answer.name }
    if component.isStandardAlias, node.version == nil {
      switch custom {
      case nil, .null, .string(""): return node.name.trimmed
      case .string(let text): return text.trimmed
      default: break
      }
    }
    do {
      let object = NodeObject(node)
      let arguments = Arguments([custom.map { Value($0) } ?? .none, .object(object)])
      let value = try scope(for: macro).evaluation().call(macro.definition, arguments)
      let name = value.isNone || value.isUndefined ? nil : value.text.trimmed
      if !object.wasReadWhole, component.known[custom, default: []].count < NameGenerator.answerLimit {
        component.known[custom, default: []].append(Answer(seen: object.seen, name: name))
      }
      return name
    } catch {
      let reference = NodeReference(
        resourceType: node.resourceType.rawValue, name: node.name, path: node.originalFilePath, uniqueID: node.uniqueID)
      throw ProjectError(rendering: error, node: reference)
    }
  }

  /// Whether a macro is dbt's own `generate_alias_name` and would call dbt's own default: the alias is then the custom
  /// name or the node's, and nothing needs rendering. Both are compared with the texts that this is known of.
  static func isStandardAlias(_ macro: RegisteredMacro, _ registry: MacroRegistry) -> Bool {
    let called = try? registry.dispatch(
      "generate_alias_name", namespace: "dbt", searchPackage: registry.rootPackage)
    return registry.internalPackages.contains(macro.packageName)
      && SHA256.hex(macro.definition.source) == aliasMacroDigest
      && called.map { SHA256.hex($0.definition.source) } == defaultAliasDigest
  }

  /// SHA-256 of the blocks `generate_alias_name` and `default__generate_alias_name` as dbt 1.12 has them.
  private static let aliasMacroDigest = "7d75f140bc7da91bd4dcca2f5e3c47b7cf13221b0f37a726da86226fae813e17"
  private static let defaultAliasDigest = "ea31465757e4da07ae4a0f218699c4e2fd86189de14e535c315482e3a46cf4f0"

  private func scope(for macro: RegisteredMacro) -> DBTScope {
    let isInstalled =
      macro.packageName != environment.root.name && !environment.registry.internalPackages.contains(macro.packageName)
    let package = isInstalled ? macro.packageName : environment.root.name
    if let scope = scopes[package] { return scope }
    var settings = environment.settings(package: package)
    settings.members["adapter"] = .object(ParseAdapter(environment: environment, package: package))
    let scope = DBTScope(settings)
    scopes[package] = scope
    return scope
  }
}
