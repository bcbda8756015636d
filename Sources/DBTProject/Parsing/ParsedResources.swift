import OrderedCollections
import PlainData

/// Everything parsed so far: what becomes the manifest.
///
/// One thread uses it.
final class ParsedResources {
  /// Enabled nodes by unique id.
  private(set) var nodes: OrderedDictionary<String, DraftNode> = [:]
  /// Disabled nodes by unique id; one id may stand for several.
  private(set) var disabled: OrderedDictionary<String, [DraftNode]> = [:]
  private(set) var lookup = ResourceLookup()
  var manifest: Manifest
  var warnings: [ProjectWarning] = []

  init(projectName: String) { manifest = Manifest(projectName: projectName) }

  /// Adds a node, among the disabled ones when its configuration says so.
  ///
  /// - Throws: a compilation error when there is one of its unique id already.
  func add(_ draft: DraftNode) throws(ProjectError) {
    guard draft.node.isEnabled else {
      disabled[draft.node.uniqueID, default: []].append(draft)
      lookup.addDisabled(draft.node)
      return
    }
    if let present = nodes[draft.node.uniqueID] { throw DuplicateResource.error(draft.node, present.node) }
    nodes[draft.node.uniqueID] = draft
    lookup.add(draft.node)
  }

  /// The node of a unique id, enabled or not.
  func node(_ uniqueID: String) -> Node? { nodes[uniqueID]?.node ?? disabled[uniqueID]?.first?.node }

  /// Changes an enabled node in place.
  func update(_ uniqueID: String, _ change: (inout DraftNode) throws(ProjectError) -> Void) throws(ProjectError) {
    guard var draft = nodes[uniqueID] else { return }
    try change(&draft)
    nodes[uniqueID] = draft
  }

  /// Changes an enabled node where it lies, without a copy; `change` must not look at these resources.
  func mutate(_ uniqueID: String, _ change: (inout DraftNode) -> Void) {
    guard let index = nodes.index(forKey: uniqueID) else { return }
    change(&nodes.values[index])
  }

  /// Changes every disabled node of a unique id in place.
  func updateDisabled(
    _ uniqueID: String, _ change: (inout DraftNode) throws(ProjectError) -> Void
  ) throws(ProjectError) {
    guard var drafts = disabled[uniqueID] else { return }
    for index in drafts.indices { try change(&drafts[index]) }
    disabled[uniqueID] = drafts
  }

  /// Takes a node out, enabled or else disabled, to put it back under another unique id.
  func remove(_ uniqueID: String) -> DraftNode? {
    if let draft = nodes.removeValue(forKey: uniqueID) { return draft }
    return disabled.removeValue(forKey: uniqueID)?.first
  }

  /// Puts a node back without looking at its configuration's `enabled`.
  func putBack(_ draft: DraftNode, isEnabled: Bool) throws(ProjectError) {
    if isEnabled {
      if let present = nodes[draft.node.uniqueID] { throw DuplicateResource.error(draft.node, present.node) }
      nodes[draft.node.uniqueID] = draft
    } else {
      disabled[draft.node.uniqueID, default: []].append(draft)
    }
    rebuildLookup()
  }

  /// Sorts nodes anew by their `enabled`, which property files may have changed.
  func settleDisabled() throws(ProjectError) {
    // As in dbt, functions stay where they are.
    let switchedOff = nodes.filter { !$0.value.node.isEnabled && $0.value.node.resourceType != .function }
    let switchedOn = disabled.values.flatMap { $0 }.filter { $0.node.isEnabled }
    for (id, draft) in switchedOff {
      nodes.removeValue(forKey: id)
      disabled[id, default: []].append(draft)
    }
    for draft in switchedOn {
      let id = draft.node.uniqueID
      disabled[id]?.removeAll { $0.node.isEnabled }
      if disabled[id]?.isEmpty ?? false { disabled.removeValue(forKey: id) }
      if let present = nodes[id] { throw DuplicateResource.error(draft.node, present.node) }
      nodes[id] = draft
    }
    rebuildLookup()
  }

  private func rebuildLookup() {
    lookup = ResourceLookup()
    for draft in nodes.values { lookup.add(draft.node) }
    for draft in disabled.values.flatMap({ $0 }) { lookup.addDisabled(draft.node) }
  }

  func warn(_ name: String, _ message: String) { warnings.append(ProjectWarning(name: name, message: message)) }
}

/// dbt's complaint about two resources of one name.
enum DuplicateResource {
  /// Refuses a second entry of property files for one thing.
  ///
  /// - Parameters:
  ///   - thing: what is described twice, with the rule that this breaks.
  ///   - kind: the entry's kind as dbt names it here.
  ///   - present: the first entry's file, as `package://path`.
  static func entry(
    _ thing: String, _ kind: String, _ name: String, in path: String, _ present: String
  ) -> ProjectError {
    let present = present.firstRange(of: "://").map { String(present[$0.upperBound...]) } ?? present
    let fix =
      present == path
      ? "remove one of the \(kind) entries for \(name) in this file:\n - \(path)\n"
      : "remove the \(kind) entry for \(name) in one of these files:\n - \(path)\n\(present)"
    return ProjectError(
      .compilation, "dbt found two schema.yml entries for the same \(thing) a single time. To fix this, \(fix)",
      path: path)
  }

  static func error(_ first: Node, _ second: Node) -> ProjectError {
    let plural = first.resourceType == second.resourceType ? first.resourceType.plural : "resources"
    var name = first.name
    var action = "looking for"
    var sought = name
    if first.resourceType.isRefable {
      sought = "ref(\"\(name)\")"
    } else if first.isGenericTest {
      let column = first.columnName.map { "column \"\($0)\" in " } ?? ""
      name = "\(name)\" defined on \(column)\"\(first.fileKeyName ?? "")"
      action = "running"
      sought = "tests"
    }
    return error(
      plural, name, sought, (first.uniqueID, first.originalFilePath), (second.uniqueID, second.originalFilePath),
      action: action)
  }

  /// - Parameters:
  ///   - plural: the kind of resource.
  ///   - first: unique id and file.
  static func error(
    _ plural: String, _ name: String, _ sought: String, _ first: (String, String), _ second: (String, String),
    action: String = "looking for"
  ) -> ProjectError {
    ProjectError(
      .compilation,
      """
      dbt found two \(plural) with the name "\(name)".

      Since these resources have the same name, dbt will be unable to find the correct resource
      when \(action) \(sought).

      To fix this, change the name of one of these resources:
      - \(first.0) (\(first.1))
      - \(second.0) (\(second.1))
      """)
  }
}
