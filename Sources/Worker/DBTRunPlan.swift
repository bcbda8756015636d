import OrderedCollections
package import PlainData

/// What `plan_project` answers: the nodes to run and what each waits for.
package struct DBTRunPlan: Codable, Sendable, Equatable {
  /// One node to be executed.
  package struct Node: Codable, Sendable, Equatable {
    package var uniqueID: String
    package var name: String
    /// dbt's own word: `model`, `test`, `seed`, `snapshot`, `unit_test`, `source`, `function`.
    package var resourceType: String
    package var packageName: String
    package var materialization: String?
    /// Ids of planned nodes that must have ended well before: edges through nodes outside the plan and the gates that tests
    /// put before what depends on them are already in it.
    package var dependsOn: [String]
    /// Whether a failure leaves the nodes that depend on this one unharmed.
    package var continuesOnError = false

    package init(
      uniqueID: String, name: String, resourceType: String, packageName: String = "", materialization: String? = nil,
      dependsOn: [String] = []
    ) {
      self.uniqueID = uniqueID
      self.name = name
      self.resourceType = resourceType
      self.packageName = packageName
      self.materialization = materialization
      self.dependsOn = dependsOn
    }
  }

  package var project: String
  /// In the order of the plan.
  package var nodes: [Node]
  package var hasOnRunStart = false
  package var hasOnRunEnd = false
  /// Whether nodes are executed after a failed hook before them (dbt's `skip_nodes_if_on_run_start_fails` is off).
  package var continuesAfterFailedStart = false
  package var writesArtifacts = false
  /// Most nodes of the run that may run at a time: the `threads` of dbt's profile; nil: no bound of its own.
  package var threads: Int?
  package var settings = DBTRunSettings()

  package init(project: String, nodes: [Node]) {
    self.project = project
    self.nodes = nodes
  }

  /// Reads the answer of `plan_project`.
  ///
  /// - Throws: `DBTRunInputError` when the answer is not a plan, names an unknown node, or goes in a circle.
  package init(plain: PlainValue) throws(DBTRunInputError) {
    guard let listed = plain["nodes"]?.objectValue else { throw DBTRunInputError("the plan has no 'nodes' object") }
    project = plain["project"]?.stringValue ?? ""
    nodes = []
    for (uniqueID, entry) in listed {
      var node = Node(
        uniqueID: uniqueID, name: entry["name"]?.stringValue ?? uniqueID,
        resourceType: Self.dbtWord(entry["resource_type"]?.stringValue ?? "model"),
        packageName: entry["package_name"]?.stringValue ?? "",
        materialization: entry["materialization"]?.stringValue,
        dependsOn: (entry["depends_on"]?.arrayValue ?? []).compactMap(\.stringValue))
      node.continuesOnError = entry["on_error"]?.stringValue == "continue"
      for parent in node.dependsOn where listed[parent] == nil {
        throw DBTRunInputError("the plan's node '\(uniqueID)' depends on '\(parent)', which is not in the plan")
      }
      nodes.append(node)
    }
    hasOnRunStart = plain["has_on_run_start"]?.boolValue ?? false
    hasOnRunEnd = plain["has_on_run_end"]?.boolValue ?? false
    continuesAfterFailedStart = plain["continue_after_failed_start"]?.boolValue ?? false
    writesArtifacts = plain["write_artifacts"]?.boolValue ?? false
    threads = plain["threads"]?.intValue
    settings = DBTRunSettings(plan: plain)
  }

  /// The plan as `plan_project` answers it, `levels` included: they tell how deep each node lies and order nothing.
  package var plain: PlainValue {
    var listed: PlainObject = [:]
    for node in nodes {
      var entry: PlainObject = [
        "unique_id": .string(node.uniqueID), "name": .string(node.name),
        "resource_type": .string("NODE_TYPE_" + node.resourceType.uppercased()),
        "package_name": .string(node.packageName), "depends_on": .array(node.dependsOn.map { .string($0) }),
      ]
      if let materialization = node.materialization { entry["materialization"] = .string(materialization) }
      if node.continuesOnError { entry["on_error"] = "continue" }
      listed[node.uniqueID] = .object(entry)
    }
    let levels = (try? NodeSchedule(self).levels) ?? []
    var members: PlainObject = [
      "project": .string(project), "levels": .array(levels.map { .array($0.map { .string(nodes[$0].uniqueID) }) }),
      "nodes": .object(listed), "has_on_run_start": .bool(hasOnRunStart), "has_on_run_end": .bool(hasOnRunEnd),
      "write_artifacts": .bool(writesArtifacts), "threads": threads.map { .int($0) } ?? .null,
      "retry": settings.retryPlain, "timeouts": settings.timeoutsPlain,
    ]
    if continuesAfterFailedStart { members["continue_after_failed_start"] = true }
    return .object(members)
  }

  /// `NODE_TYPE_MODEL` and `model` alike give `model`.
  private static func dbtWord(_ type: String) -> String {
    let word = type.lowercased()
    return word.hasPrefix("node_type_") ? String(word.dropFirst("node_type_".count)) : word
  }
}
