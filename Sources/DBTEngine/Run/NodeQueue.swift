import OrderedCollections

/// Which nodes of a plan may start: each as soon as its own parents are done, those with the longest path behind them first
/// (the plan's order).
///
/// One thread takes them in the order in which they become ready, as dbt does, and a model right after its unit tests.
///
/// A pure value: threads share it behind a lock.
struct NodeQueue {
  /// A node to start, or to report as skipped.
  struct Entry: Equatable {
    let index: Int
    /// Set when an ancestor failed; then the node must not run.
    let skip: Skip?
  }

  /// Why a node is skipped.
  struct Skip: Equatable {
    /// The ephemeral model that failed, when that was the cause.
    let ephemeral: String?
    let status: NodeStatus
  }

  let nodes: [RunPlanNode]
  private let isBuild: Bool
  private let isSerial: Bool
  private var children: [[Int]]
  private var waiting: [Int]
  private var ready: [Int] = []
  private var skips: [Int: Skip] = [:]
  private(set) var running = 0
  private(set) var done = 0

  init(_ plan: RunPlan) {
    nodes = plan.nodes
    isBuild = plan.command == .build
    isSerial = plan.threads == 1
    var numbers: [String: Int] = [:]
    for (index, node) in nodes.enumerated() { numbers[node.uniqueID] = index }
    children = [[Int]](repeating: [], count: nodes.count)
    waiting = [Int](repeating: 0, count: nodes.count)
    for (index, node) in nodes.enumerated() {
      for parent in node.parents.compactMap({ numbers[$0] }) {
        children[parent].append(index)
        waiting[index] += 1
      }
    }
    ready = nodes.indices.filter { waiting[$0] == 0 }
  }

  /// Whether every node is done.
  var isFinished: Bool { done == nodes.count }

  /// Whether nothing can ever become ready again although nodes are left: their edges form a circle.
  var isStuck: Bool { ready.isEmpty && running == 0 && !isFinished }

  /// Takes the next node, nil when none is ready.
  mutating func next() -> Entry? {
    guard !ready.isEmpty else { return nil }
    let index = ready.removeFirst()
    running += 1
    return Entry(index: index, skip: skips[index])
  }

  /// Records what became of a node that `next` gave, and releases or dooms its children.
  mutating func finish(_ index: Int, _ status: NodeStatus) {
    running -= 1
    done += 1
    let node = nodes[index]
    // As in dbt: in a build a skipped node passes its own skip on, so that only an ephemeral model's children name it.
    if status.blocksDependents(isBuild: isBuild) || (isBuild && status == .skipped), !node.continuesOnError {
      doom(from: index, Skip(ephemeral: node.isEphemeral ? node.uniqueID : nil, status: status))
    }
    for child in children[index] {
      waiting[child] -= 1
      if waiting[child] == 0 { insertReady(child, after: node) }
    }
  }

  private mutating func doom(from index: Int, _ skip: Skip) {
    var open = children[index]
    var seen: Set<Int> = []
    while let next = open.popLast() {
      guard seen.insert(next).inserted else { continue }
      skips[next] = skip
      open += children[next]
    }
  }

  private mutating func insertReady(_ index: Int, after node: RunPlanNode) {
    guard !isSerial else { return ready.insert(index, at: node.isUnitTest ? 0 : ready.count) }
    let place = ready.firstIndex { $0 > index } ?? ready.count
    ready.insert(index, at: place)
  }
}
