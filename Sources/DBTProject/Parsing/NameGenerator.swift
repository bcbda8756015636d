import DBTContext
import Jinja
import OrderedCollections
import PlainData

/// Makes the database, schema and alias of nodes by the project's `generate_…_name` macros.
///
/// One thread uses it.
final class NameGenerator {
  private let environment: ParseEnvironment
  private var scopes: [String: DBTScope] = [:]
  /// What macros gave that did not look at the node: it depends on the custom name only.
  private var known: [Question: String?] = [:]

  /// What a macro was asked, without the node.
  private struct Question: Hashable {
    let component: String
    let macro: String
    let custom: PlainValue?
  }

  init(_ environment: ParseEnvironment) { self.environment = environment }

  /// Fills the names of a node from its finished configuration.
  ///
  /// - Throws: a compilation error of the macro, or a parsing error when it gives no text.
  func name(_ node: inout Node) throws(ProjectError) {
    let config = node.config
    node.database = try generate("database", config["database"], node)
    guard let schema = try generate("schema", config["schema"], node) else {
      throw ProjectError(
        .parsing, "Node '\(node.uniqueID)' has a schema set to None as a result of a generate_schema_name call.",
        resource: "\(node.resourceType.rawValue) \(node.name)", path: node.originalFilePath)
    }
    node.schema = schema
    node.alias = try generate("alias", config["alias"], node) ?? node.name
    if node.resourceType == .snapshot {
      if let database = config["target_database"]?.stringValue, !database.isEmpty { node.database = database }
      if let schema = config["target_schema"]?.stringValue, !schema.isEmpty { node.schema = schema }
    }
    node.relationName = relationName(of: node)
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
    let quoting = environment.quoting.merging(node.config["quoting"]?.objectValue ?? [:]) { old, new in
      new.isNull ? old : new
    }
    return RelationName.text(
      database: node.database, schema: node.schema, identifier: node.alias, quoting: quoting)
  }

  private func generate(_ component: String, _ custom: PlainValue?, _ node: Node) throws(ProjectError) -> String? {
    guard let macro = environment.registry.generateNameMacro(component, package: node.packageName) else {
      throw ProjectError(.runtime, "No macro with name generate_\(component)_name found")
    }
    let reference = NodeReference(
      resourceType: node.resourceType.rawValue, name: node.name, path: node.originalFilePath, uniqueID: node.uniqueID)
    let question = Question(component: component, macro: macro.uniqueID, custom: custom)
    if let answer = known[question] { return answer }
    do {
      let object = NodeObject(node)
      let arguments = Arguments([custom.map { Value($0) } ?? .none, .object(object)])
      let value = try scope(for: macro).evaluation().call(macro.definition, arguments)
      let name = value.isNone || value.isUndefined ? nil : value.text.trimmed
      if !object.wasRead { known[question] = .some(name) }
      return name
    } catch {
      throw ProjectError(rendering: error, node: reference)
    }
  }

  private func scope(for macro: RegisteredMacro) -> DBTScope {
    let isInstalled =
      macro.packageName != environment.root.name && !environment.registry.internalPackages.contains(macro.packageName)
    let package = isInstalled ? macro.packageName : environment.root.name
    if let scope = scopes[package] { return scope }
    var settings = environment.settings(package: package)
    settings.members["adapter"] = .object(ParseAdapter(environment: environment, package: package, capture: nil))
    let scope = DBTScope(settings)
    scopes[package] = scope
    return scope
  }
}
