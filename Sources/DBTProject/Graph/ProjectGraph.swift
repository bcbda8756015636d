package import OrderedCollections

/// The dependency graph of a manifest's enabled resources, with resources as small numbers for speed.
///
/// Numbers follow dbt's order of insertion: sources, nodes, semantic models, exposures, functions, metrics, unit
/// tests, saved queries.
package struct ProjectGraph: Sendable {
  /// Unique ids by number.
  package private(set) var ids: OrderedSet<String> = []
  package private(set) var parents: [[Int]] = []
  package private(set) var children: [[Int]] = []

  /// Builds the graph.
  ///
  /// - Throws: a compilation error when a resource depends on one that the manifest lacks, or on itself through others.
  package init(_ manifest: Manifest) throws(ProjectError) {
    let order: [any Collection<String>] = [
      manifest.sources.keys, manifest.nodes.keys, manifest.semanticModels.keys, manifest.exposures.keys,
      manifest.functions.keys, manifest.metrics.keys, manifest.unitTests.keys, manifest.savedQueries.keys,
    ]
    for keys in order { for id in keys { ids.append(id) } }
    parents = Array(repeating: [], count: ids.count)
    children = parents
    for (number, id) in ids.enumerated() {
      var seen: Set<Int> = []
      for dependency in manifest.nodes[id]?.dependsOnNodes ?? manifest.member(id)?.dependsOnNodes ?? [] {
        guard let parent = ids.firstIndex(of: dependency) else {
          guard let member = manifest.member(id) else { continue }
          throw ProjectError(
            .compilation,
            "'\(id)' depends on '\(dependency)' which is not in the graph!",
            resource: "\(member.resourceType.rawValue) \(member.name)", path: member.originalFilePath)
        }
        guard seen.insert(parent).inserted else { continue }
        parents[number].append(parent)
        children[parent].append(number)
      }
    }
    if let cycle = cycle() {
      throw ProjectError(.compilation, "Found a cycle: " + cycle.map { ids[$0] }.joined(separator: " --> "))
    }
  }

  /// The number of a resource; nil for one that is not in the graph.
  package func number(_ uniqueID: String) -> Int? { ids.firstIndex(of: uniqueID) }

  /// Everything reachable from `starts` along `edges` in at most `depth` steps.
  ///
  /// A start is part of the answer only when it is reached from another one, as in dbt.
  package func reachable(from starts: Set<Int>, along edges: [[Int]], depth: Int? = nil) -> Set<Int> {
    var found: Set<Int> = []
    var layer = starts
    var steps = 0
    while !layer.isEmpty, depth.map({ steps < $0 }) ?? true {
      var next: Set<Int> = []
      for number in layer { for neighbour in edges[number] where !found.contains(neighbour) { next.insert(neighbour) } }
      found.formUnion(next)
      layer = next
      steps += 1
    }
    return found
  }

  /// Numbers with every parent before its children; among equals the lower number first.
  func topologicalOrder() -> [Int] {
    var waiting = parents.map(\.count)
    var order = waiting.indices.filter { waiting[$0] == 0 }
    order.reserveCapacity(waiting.count)
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

  /// The first cycle that a depth-first walk meets, from the resource at which it closes; nil when there is none.
  private func cycle() -> [Int]? {
    guard topologicalOrder().count < ids.count else { return nil }
    enum Mark { case new, active, done }
    var marks = [Mark](repeating: .new, count: ids.count)
    for start in ids.indices where marks[start] == .new {
      var path: [(number: Int, next: Int)] = [(start, 0)]
      marks[start] = .active
      while let (number, next) = path.last {
        guard next < children[number].count else {
          marks[number] = .done
          path.removeLast()
          continue
        }
        path[path.count - 1].next += 1
        let child = children[number][next]
        switch marks[child] {
        case .new:
          marks[child] = .active
          path.append((child, 0))
        case .active: return Array(path.map(\.number).drop { $0 != child })
        case .done: break
        }
      }
    }
    return nil
  }
}
