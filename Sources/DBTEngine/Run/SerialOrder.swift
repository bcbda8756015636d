import DBTProject

extension RunPlan {
  /// The plan in dbt's own order, by depth and then by unique id, unit tests right before their model.
  ///
  /// Several threads take the longest path first, which ends soonest; one thread gains nothing by that, and its order is
  /// visible in every line.
  var inSerialOrder: RunPlan {
    let levels = levels
    var models: [String: String] = [:]
    let unitTests = Set(nodes.filter(\.isUnitTest).map(\.uniqueID))
    for node in nodes where !node.isUnitTest {
      for test in node.parents where unitTests.contains(test) { models[test] = node.uniqueID }
    }
    var plan = self
    plan.nodes.sort { left, right in
      let (first, second) = (models[left.uniqueID] ?? left.uniqueID, models[right.uniqueID] ?? right.uniqueID)
      guard first == second else {
        let (above, below) = (levels[first] ?? .max, levels[second] ?? .max)
        return above != below ? above < below : first.precedes(second)
      }
      return left.isUnitTest != right.isUnitTest ? left.isUnitTest : left.uniqueID.precedes(right.uniqueID)
    }
    return plan
  }

  /// The number of steps to each node from one without parents; unit tests are no step.
  private var levels: [String: Int] {
    let known = Set(nodes.filter { !$0.isUnitTest }.map(\.uniqueID))
    var children: [String: [String]] = [:]
    var waiting: [String: Int] = [:]
    for node in nodes {
      let above = node.parents.filter(known.contains)
      waiting[node.uniqueID] = above.count
      for parent in above { children[parent, default: []].append(node.uniqueID) }
    }
    // Level by level; what is in a circle has none and comes last.
    var levels: [String: Int] = [:]
    var open = nodes.map(\.uniqueID).filter { waiting[$0] == 0 }
    var level = 0
    while !open.isEmpty {
      var below: [String] = []
      for node in open {
        levels[node] = level
        for child in children[node] ?? [] {
          waiting[child, default: 0] -= 1
          if waiting[child] == 0 { below.append(child) }
        }
      }
      (open, level) = (below, level + 1)
    }
    return levels
  }
}
