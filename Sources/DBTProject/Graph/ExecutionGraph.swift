import Glibc
package import OrderedCollections
import PlainData

/// One node that a run will execute, with the nodes of the same run it waits for.
package struct PlannedNode: Sendable {
  package var uniqueID: String
  package var name: String
  package var resourceType: ResourceType
  /// The configured materialization; empty for resources that have none.
  package var materialized: String
  /// Unique ids of the nodes of this run that must be done before, sorted.
  package fileprivate(set) var parents: [String]
  /// Unique ids of the nodes of this run that wait for this one, sorted.
  package fileprivate(set) var children: [String]
  /// dbt's own priority: the number of steps from a node of this run without parents.
  package fileprivate(set) var level: Int
  /// Nodes on the longest path from this one to an end, itself included. Sallyport starts greater ones first.
  package fileprivate(set) var remaining: Int
}

/// The selected part of a project's graph in the shape in which it is executed.
///
/// Edges through nodes that were not selected are kept as edges between the selected ones.
package struct ExecutionGraph: Sendable {
  /// What must wait for what.
  package enum Ordering: Sendable {
    /// Nodes wait for what they read.
    case dependencies
    /// Nodes also wait for the tests and unit tests of what they read: dbt `build`.
    case gatedByTests
    /// Nothing waits: dbt `test`, `clone`, `source freshness`.
    case independent
  }

  /// The nodes, those with the longest remaining path first, then by unique id: a fit order for starting ready ones.
  package let nodes: OrderedDictionary<String, PlannedNode>

  /// Plans the execution of `selected`, unique ids as a selector answers them.
  ///
  /// - Throws: a compilation error when an id is not in the graph.
  package init(
    manifest: Manifest, graph: ProjectGraph, selected: [String], ordering: Ordering
  ) throws(ProjectError) {
    var numbers: Set<Int> = []
    for id in selected {
      guard let number = graph.number(id) else {
        throw ProjectError(.compilation, "Couldn't find model '\(id)' -- does it exist or is it disabled?")
      }
      numbers.insert(number)
    }
    var planned: [Int: PlannedNode] = [:]
    for number in numbers {
      guard let member = manifest.member(graph.ids[number]) else { continue }
      planned[number] = PlannedNode(
        uniqueID: member.uniqueID, name: member.name, resourceType: member.resourceType,
        materialized: member.config["materialized"]?.stringValue ?? "", parents: [], children: [], level: 0,
        remaining: 1)
    }
    if ordering != .independent {
      var edges = Edges(parents: graph.parents, children: graph.children)
      if ordering == .gatedByTests {
        for (test, gated) in TestGates(manifest: manifest, graph: graph).edges {
          for node in gated { edges.add(from: test, to: node) }
        }
        for number in planned.keys.sorted() where planned[number]?.resourceType == .unitTest {
          for model in graph.parents[number] where planned[model] != nil { edges.putBefore(number, model) }
        }
      }
      ExecutionGraph.connect(&planned, ids: graph.ids, edges: edges)
    }
    let sorted = planned.values.sorted {
      $0.remaining != $1.remaining ? $0.remaining > $1.remaining : $0.uniqueID.precedes($1.uniqueID)
    }
    nodes = OrderedDictionary(uniqueKeysWithValues: sorted.map { ($0.uniqueID, $0) })
  }

  /// Unique ids of everything that waits for the node, directly or through others.
  package func descendants(of uniqueID: String) -> Set<String> {
    var found: Set<String> = []
    var open = nodes[uniqueID]?.children ?? []
    while let next = open.popLast() {
      guard found.insert(next).inserted else { continue }
      open += nodes[next]?.children ?? []
    }
    return found
  }

  /// Fills edges, levels and remaining lengths of `planned`, whose keys are numbers of the graph.
  private static func connect(_ planned: inout [Int: PlannedNode], ids: OrderedSet<String>, edges: Edges) {
    let order = edges.topologicalOrder()
    // For each node that was not selected: the nearest selected nodes upstream, until nothing needs them any more.
    var nearest = [Set<Int>](repeating: [], count: edges.parents.count)
    var uses = edges.children.map(\.count)
    for number in order {
      var upstream: Set<Int> = []
      for parent in edges.parents[number] {
        if planned[parent] != nil { upstream.insert(parent) } else { upstream.formUnion(nearest[parent]) }
        uses[parent] -= 1
        if uses[parent] == 0 { nearest[parent] = [] }
      }
      guard planned[number] != nil else {
        nearest[number] = uses[number] == 0 ? [] : upstream
        continue
      }
      planned[number]?.parents = upstream.map { ids[$0] }.sorted { $0.precedes($1) }
      let level = (upstream.compactMap { planned[$0]?.level }.max() ?? -1) + 1
      planned[number]?.level = level
      for parent in upstream { planned[parent]?.children.append(ids[number]) }
    }
    for number in order.reversed() {
      guard var node = planned[number] else { continue }
      node.children.sort { $0.precedes($1) }
      for child in node.children {
        let below = ids.firstIndex(of: child).flatMap { planned[$0]?.remaining } ?? 0
        node.remaining = max(node.remaining, below + 1)
      }
      planned[number] = node
    }
  }
}

/// Edges that a plan may add to and turn around.
private struct Edges {
  var parents: [[Int]]
  var children: [[Int]]

  mutating func add(from parent: Int, to child: Int) {
    guard !children[parent].contains(child) else { return }
    children[parent].append(child)
    parents[child].append(parent)
  }

  /// Lets `test`, a child of `model`, run before it, as soon as the model's own parents are done.
  mutating func putBefore(_ test: Int, _ model: Int) {
    children[model].removeAll { $0 == test }
    parents[test].removeAll { $0 == model }
    for parent in parents[model] { add(from: parent, to: test) }
    add(from: test, to: model)
  }

  func topologicalOrder() -> [Int] {
    var waiting = parents.map(\.count)
    var order = waiting.indices.filter { waiting[$0] == 0 }
    var at = 0
    while at < order.count {
      for child in children[order[at]] {
        waiting[child] -= 1
        if waiting[child] == 0 { order.append(child) }
      }
      at += 1
    }
    return order
  }
}

/// The extra edges of dbt `build`: from a test to what is built from all the nodes that it tests.
struct TestGates {
  /// Numbers of the nodes that wait for a test, by the test's number.
  private(set) var edges: [Int: [Int]] = [:]

  /// Finds the edges: a node waits for a test when every parent of the test is among its ancestors.
  ///
  /// Only the first such nodes get an edge; those after them wait through them.
  init(manifest: Manifest, graph: ProjectGraph) {
    var descendants: [Int: Set<Int>] = [:]
    for (id, node) in manifest.nodes where node.resourceType == .test {
      guard let test = graph.number(id), !graph.parents[test].isEmpty else { continue }
      var below: Set<Int>?
      for parent in graph.parents[test] {
        let reached = descendants[parent] ?? graph.reachable(from: [parent], along: graph.children)
        descendants[parent] = reached
        below = below?.intersection(reached) ?? reached
      }
      let gated = (below ?? []).filter { number in
        guard let node = manifest.nodes[graph.ids[number]], node.resourceType != .test else { return false }
        return true
      }
      let first = gated.filter { number in !graph.parents[number].contains { gated.contains($0) } }
      if !first.isEmpty { edges[test] = first.sorted() }
    }
  }
}

extension String {
  /// Byte order, which is how dbt sorts unique ids.
  package func precedes(_ other: String) -> Bool {
    let (left, right) = (utf8.span, other.utf8.span)
    let order = unsafe left.withUnsafeBytes { left in
      unsafe right.withUnsafeBytes { right in
        // An empty text may have no address, and then nothing is compared.
        let shared = min(left.count, right.count)
        return unsafe shared == 0 ? 0 : memcmp(left.baseAddress!, right.baseAddress!, shared)
      }
    }
    return order == 0 ? left.count < right.count : order < 0
  }
}
