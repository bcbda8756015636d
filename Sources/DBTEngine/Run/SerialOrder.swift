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
    var levels: [String: Int] = [:]
    // Each round finds the nodes whose parents all have a level; a circle would end the rounds early and come last.
    var rest = nodes
    while !rest.isEmpty {
      var open: [RunPlanNode] = []
      var found: [String: Int] = [:]
      for node in rest {
        let above = node.parents.filter(known.contains)
        let depths = above.compactMap { levels[$0] }
        if depths.count == above.count { found[node.uniqueID] = (depths.max() ?? -1) + 1 } else { open.append(node) }
      }
      if found.isEmpty { break }
      levels.merge(found) { old, _ in old }
      rest = open
    }
    return levels
  }
}
