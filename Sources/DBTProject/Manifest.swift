package import OrderedCollections
package import PlainData

/// Everything a project declares, resolved: the value that planning, execution and artifacts read.
///
/// Immutable once loaded. Keys are dbt's unique ids; the order of `nodes` is the order in which dbt parses.
package struct Manifest: Sendable {
  /// The root project's name.
  package var projectName: String
  package var nodes: OrderedDictionary<String, Node> = [:]
  package var sources: OrderedDictionary<String, SourceTable> = [:]
  package var macros: OrderedDictionary<String, MacroEntry> = [:]
  package var docs: OrderedDictionary<String, DocumentationBlock> = [:]
  package var exposures: OrderedDictionary<String, ResourceEntry> = [:]
  package var metrics: OrderedDictionary<String, ResourceEntry> = [:]
  package var groups: OrderedDictionary<String, ResourceEntry> = [:]
  package var savedQueries: OrderedDictionary<String, ResourceEntry> = [:]
  package var semanticModels: OrderedDictionary<String, ResourceEntry> = [:]
  package var unitTests: OrderedDictionary<String, ResourceEntry> = [:]
  package var functions: OrderedDictionary<String, Node> = [:]
  /// Definitions of `selectors.yml` by name.
  package var selectors: PlainObject = [:]
  /// Disabled nodes by unique id; several files may declare one id.
  package var disabled: OrderedDictionary<String, [Node]> = [:]
  /// Disabled sources, exposures, metrics and unit tests in dbt's form, by unique id.
  package var disabledEntries: OrderedDictionary<String, [PlainValue]> = [:]
  /// Unique ids of what each resource reads, sorted.
  package var parents: OrderedDictionary<String, [String]> = [:]
  /// Unique ids of what reads each resource, sorted.
  package var children: OrderedDictionary<String, [String]> = [:]
  /// Unique ids of the members of each group, by the group's name.
  package var groupMembers: OrderedDictionary<String, [String]> = [:]

  package init(projectName: String) { self.projectName = projectName }

  /// The resource with this unique id, macros and docs aside.
  package func member(_ uniqueID: String) -> (any GraphMember)? {
    if let node = node(uniqueID) { return node }
    if let source = sources[uniqueID] { return source }
    return exposures[uniqueID] ?? unitTests[uniqueID] ?? metrics[uniqueID] ?? semanticModels[uniqueID]
      ?? savedQueries[uniqueID]
  }

  /// The node or function with this unique id: what has code of its own.
  package func node(_ uniqueID: String) -> Node? { nodes[uniqueID] ?? functions[uniqueID] }

  /// Unique ids of every resource of the graph, in the manifest's order.
  package var memberIDs: [String] {
    var ids = Array(nodes.keys)
    ids += sources.keys
    ids += exposures.keys
    ids += metrics.keys
    ids += unitTests.keys
    ids += semanticModels.keys
    ids += savedQueries.keys
    ids += functions.keys
    return ids
  }

  /// Rebuilds `parents`, `children` and `groupMembers` from the resources.
  package mutating func linkMembers() {
    parents = [:]
    children = [:]
    parents.reserveCapacity(nodes.count)
    children.reserveCapacity(nodes.count)
    func link(_ id: String, _ all: [String]) {
      parents[id] =
        all.count < 2 ? all : Array(Set(all)).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
      children[id] = []
    }
    for (id, node) in nodes { link(id, node.dependsOnNodes) }
    for id in memberIDs.dropFirst(nodes.count) { link(id, member(id)?.dependsOnNodes ?? []) }
    for (id, all) in parents {
      for parent in all { children[parent, default: []].append(id) }
    }
    for id in children.keys { children[id]?.sort { $0.utf8.lexicographicallyPrecedes($1.utf8) } }
    groupMembers = [:]
    for group in groups.values { groupMembers[group.name] = [] }
    for node in nodes.values {
      if let group = node.group { groupMembers[group, default: []].append(node.uniqueID) }
    }
    for entry in Array(savedQueries.values) + Array(semanticModels.values) + Array(metrics.values) {
      guard let group = entry.document["group"]?.stringValue else { continue }
      groupMembers[group, default: []].append(entry.uniqueID)
    }
  }
}
