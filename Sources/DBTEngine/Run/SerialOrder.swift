import DBTProject

extension RunPlan {
  /// The plan in dbt's own order, by depth and then by unique id.
  ///
  /// Several threads take the longest path first, which ends soonest; one thread gains nothing by that, and its order is
  /// visible in every line.
  var inSerialOrder: RunPlan {
    let known = Set(nodes.map(\.uniqueID))
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
    var plan = self
    plan.nodes.sort { left, right in
      let first = levels[left.uniqueID] ?? .max
      let second = levels[right.uniqueID] ?? .max
      return first != second ? first < second : left.uniqueID.precedes(right.uniqueID)
    }
    return plan
  }
}
