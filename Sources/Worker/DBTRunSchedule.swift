/// Decides which nodes of a plan may run now: each as soon as its own parents have ended well, those with the longest path
/// still before them first.
package struct NodeSchedule: Codable, Sendable, Equatable {
  /// Where a node stands.
  package enum Status: String, Codable, Sendable {
    case pending, running, success, error, skipped, cancelled

    /// Whether the node will not change any more.
    package var isFinal: Bool { self != .pending && self != .running }
  }

  /// By node index.
  package private(set) var status: [Status]
  /// Nodes on the longest path from this node to the end of the plan, itself included.
  package let height: [Int]
  /// Node indices by depth: 0 for nodes without parents.
  package let levels: [[Int]]
  private let children: [[Int]]
  private let continues: [Bool]
  private var missingParents: [Int]
  /// Pending nodes whose parents are done; the most urgent one last.
  private var ready: [Int] = []
  package private(set) var runningCount = 0
  package private(set) var finalCount = 0

  /// - Throws: `DBTRunInputError` when the plan goes in a circle; it names the nodes on it.
  package init(_ plan: DBTRunPlan) throws(DBTRunInputError) {
    let count = plan.nodes.count
    var index: [String: Int] = [:]
    for (place, node) in plan.nodes.enumerated() { index[node.uniqueID] = place }
    var children = [[Int]](repeating: [], count: count)
    var missing = [Int](repeating: 0, count: count)
    for (place, node) in plan.nodes.enumerated() {
      for parent in Set(node.dependsOn.compactMap { index[$0] }).sorted() {
        children[parent].append(place)
        missing[place] += 1
      }
    }
    var levels: [[Int]] = []
    var open = missing
    var current = open.indices.filter { open[$0] == 0 }
    var order: [Int] = []
    while !current.isEmpty {
      levels.append(current)
      order += current
      var next: [Int] = []
      for node in current {
        for child in children[node] {
          open[child] -= 1
          if open[child] == 0 { next.append(child) }
        }
      }
      current = next.sorted()
    }
    guard order.count == count else {
      let stuck = open.indices.filter { open[$0] > 0 }.prefix(10).map { plan.nodes[$0].uniqueID }
      throw DBTRunInputError("the plan goes in a circle through: \(stuck.joined(separator: ", "))")
    }
    var height = [Int](repeating: 1, count: count)
    for node in order.reversed() { height[node] = 1 + (children[node].map { height[$0] }.max() ?? 0) }
    self.levels = levels
    self.children = children
    self.height = height
    self.continues = plan.nodes.map(\.continuesOnError)
    self.missingParents = missing
    self.status = [Status](repeating: .pending, count: count)
    for node in 0..<count where missing[node] == 0 { makeReady(node) }
  }

  /// Whether every node is final.
  package var isDone: Bool { finalCount == status.count }

  /// Indices of running nodes, in plan order.
  package var running: [Int] { status.indices.filter { status[$0] == .running } }

  /// Levels, from the first on, all of whose nodes are final.
  package var completedLevels: Int { levels.prefix { $0.allSatisfy { status[$0].isFinal } }.count }

  package func count(_ wanted: Status) -> Int { status.count { $0 == wanted } }

  /// Takes up to `limit` nodes that may run now and marks them running, the most urgent first.
  package mutating func takeReady(limit: Int) -> [Int] {
    var taken: [Int] = []
    while taken.count < limit, let node = ready.popLast() {
      guard status[node] == .pending else { continue }
      status[node] = .running
      runningCount += 1
      taken.append(node)
    }
    return taken
  }

  /// Notes how a running node ended.
  /// - Returns: nodes that are skipped because of it, in plan order.
  package mutating func finish(_ node: Int, _ result: Status) -> [Int] {
    guard status[node] == .running else { return [] }
    runningCount -= 1
    finalCount += 1
    status[node] = result
    if result == .success || (result == .error && continues[node]) {
      for child in children[node] {
        missingParents[child] -= 1
        if missingParents[child] == 0 { makeReady(child) }
      }
      return []
    }
    return skipDescendants(of: node)
  }

  /// Ends every node that has not begun.
  /// - Returns: the nodes ended, in plan order.
  package mutating func endPending(as result: Status) -> [Int] {
    let ended = status.indices.filter { status[$0] == .pending }
    for node in ended { status[node] = result }
    finalCount += ended.count
    ready = []
    return ended
  }

  private mutating func skipDescendants(of node: Int) -> [Int] {
    var skipped: [Int] = []
    var waiting = children[node]
    while let next = waiting.popLast() {
      guard status[next] == .pending else { continue }
      status[next] = .skipped
      skipped.append(next)
      waiting += children[next]
    }
    finalCount += skipped.count
    return skipped.sorted()
  }

  /// Keeps `ready` ordered: by height, then, among equals, an earlier place in the plan is more urgent.
  private mutating func makeReady(_ node: Int) {
    guard status[node] == .pending else { return }
    var low = 0
    var high = ready.count
    while low < high {
      let middle = (low + high) / 2
      let other = ready[middle]
      let isMoreUrgent = height[node] != height[other] ? height[node] > height[other] : node < other
      if isMoreUrgent { low = middle + 1 } else { high = middle }
    }
    ready.insert(node, at: low)
  }
}
