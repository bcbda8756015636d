import DBTContext
import DBTProject
import Jinja
import OrderedCollections
import PlainData

/// The view under a versioned model's bare name that leads to its latest version, made by the materialization `view` over
/// the connection that built the model.
struct LatestVersionPointer {
  private let run: RunContext
  private let model: Node
  private let connection: DatabaseConnection
  private let threadName: String

  /// nil when the node is no latest version, or its configuration (or else the project's behaviour flag) wants no pointer.
  init?(_ run: RunContext, _ node: Node, _ connection: DatabaseConnection, threadName: String) {
    let isWanted =
      node.config["latest_version_pointer"]?["enabled"]?.boolValue
      ?? run.engine.project.project.isOn(.pointsToLatestVersions)
    guard isWanted, node.resourceType == .model, node.version != nil, node.version == node.latestVersion else {
      return nil
    }
    self.run = run
    model = node
    self.connection = connection
    self.threadName = threadName
  }

  /// Makes the view.
  ///
  /// - Parameters:
  ///   - source: what the model was built as.
  ///   - context: the model's, in which the macro of the view's name is called.
  /// - Returns: the relations that the materialization says it made.
  /// - Throws: a runtime error when the view would stand in the place of the model.
  func make(over source: Relation, in context: RenderContext) throws -> [Relation] {
    let identifier = try identifier(context)
    try checkCollision(with: source, identifier)
    var node = model
    node.alias = identifier
    node.rawCode = "select * from \(source.text)"
    node.uniqueID += "__latest_version_pointer"
    node.config["pre-hook"] = []
    node.config["post-hook"] = []
    node.config["persist_docs"] = [:]
    let own = RenderContext(
      run, node: node, connection: connection, compiledCode: node.rawCode, threadName: threadName)
    let macro = try run.materialization("view")
    return try MaterializationAnswer.relations(
      try own.scope.evaluation().call(macro.definition, Arguments()), node)
  }

  private func identifier(_ context: RenderContext) throws -> String {
    let alias = model.config["latest_version_pointer"]?["alias"] ?? .null
    let custom: String? = alias.isTruthy ? Blanks.trimmed(Value(alias).text) : nil
    guard
      let macro = run.engine.project.macros.macro(
        named: "generate_latest_version_pointer_alias", searchPackage: run.engine.project.manifest.projectName)
    else { return custom ?? model.name }
    let arguments = Arguments([custom.map { .string($0) } ?? .none, context.scope.value("model") ?? .none])
    return Blanks.trimmed(try context.scope.evaluation().call(macro.definition, arguments).text)
  }

  /// Names without quotes are one name in any case of letters.
  private func checkCollision(with source: Relation, _ identifier: String) throws(DBTError) {
    let taken = source.identifier ?? ""
    let isTaken =
      source.quotePolicy[.identifier] ? taken == identifier : taken.lowercased() == identifier.lowercased()
    guard isTaken else { return }
    throw DBTError(
      .runtime,
      "Cannot create latest version pointer: the latest version of '\(model.name)' is already aliased to "
        + "'\(identifier)'. Set `latest_version_pointer: enabled: false` or remove the conflicting alias.")
  }
}
