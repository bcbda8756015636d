import DBTContext
import DBTProject
import OrderedCollections
import PlainData

/// Where the relations of an earlier run lie (`--defer`), by the manifest it left.
struct Deferral: Sendable {
  /// One relation of the earlier run.
  struct Place: Sendable {
    let database: String?
    let schema: String
    let alias: String
    /// As the earlier run wrote it into SQL.
    let relationName: String?
  }

  /// By unique id; only what this project still has and what makes a relation.
  private let places: [String: Place]

  init(_ state: StateManifest, manifest: Manifest) {
    var places: [String: Place] = [:]
    for (id, entry) in state.nodes where manifest.nodes[id] != nil {
      guard let type = entry["resource_type"]?.stringValue, ["model", "seed", "snapshot"].contains(type),
        entry["config"]?["materialized"]?.stringValue != "ephemeral", let schema = entry["schema"]?.stringValue
      else { continue }
      places[id] = Place(
        database: entry["database"]?.stringValue, schema: schema,
        alias: entry["alias"]?.stringValue ?? entry["name"]?.stringValue ?? "",
        relationName: entry["relation_name"]?.stringValue)
    }
    self.places = places
  }

  subscript(uniqueID: String) -> Place? { places[uniqueID] }
}

/// What the state folders of the options hold.
struct EarlierRuns {
  let state: PreviousState?
  let deferral: Deferral?
  /// What dbt says when a run writes over what it compares with.
  let warning: String?

  /// - Throws: for artifacts that cannot be read. A folder without any is no error here.
  init(_ options: EngineOptions, _ project: LoadedProject) throws(ProjectError) {
    let root = project.project.root
    let target = options.targetFolder ?? project.project.targetPath
    state = try options.stateFolder.map { folder throws(ProjectError) in
      try PreviousState(folder: folder, root: root, target: target)
    }
    let other = try options.deferStateFolder.map { folder throws(ProjectError) in
      try PreviousState(folder: folder, root: root, target: nil)
    }
    deferral = (other ?? state)?.manifest.map { Deferral($0, manifest: project.manifest) }
    let shown = options.shownTargetFolder ?? project.project.targetPath
    warning =
      options.stateFolder == shown
      ? "The state and target directories are the same: '\(shown)'. This could lead to missing changes due to "
        + "overwritten state including non-idempotent retries." : nil
  }
}

extension Engine {
  /// The relation that an earlier run made of a node, quoted as the project says; nil when that run had none.
  func deferredRelation(of uniqueID: String) throws(DBTError) -> Relation? {
    guard let place = deferral?[uniqueID] else { return nil }
    let path = RelationPath(
      database: place.database ?? project.profile.database, schema: place.schema, identifier: place.alias)
    return try Relation(path).quoting(quoting)
  }

  /// - Throws: a runtime error when the command needs an earlier run's manifest and there is none.
  func requireDeferral(_ request: RunRequest) throws(EngineError) {
    guard request.settings.defers || request.command == .clone, deferral == nil else { return }
    guard let folder = options.deferStateFolder ?? options.stateFolder else {
      throw EngineError(.runtime, "--state or --defer-state are required for deferral, but neither was provided")
    }
    throw EngineError(.runtime, "Could not find manifest in --state path: \"\(folder)\"")
  }
}

extension RenderContext {
  /// The earlier run's relation of a node, when this run defers and either favours it or has no such relation itself.
  func deferred(_ node: Node) throws -> Relation? {
    guard run.request.settings.defers, let other = try run.engine.deferredRelation(of: node.uniqueID) else {
      return nil
    }
    if run.request.settings.favorsState, !run.selectedIDs.contains(node.uniqueID) { return other }
    let present = try AdapterRelations(host: self).find(
      database: node.database ?? target.database, schema: node.schema, identifier: node.alias, scope.evaluation())
    return present == nil ? other : nil
  }
}
