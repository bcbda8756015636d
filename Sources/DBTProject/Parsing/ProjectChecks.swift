import DBTContext
import OrderedCollections
import PlainData

/// The checks that need the whole project.
struct ProjectChecks {
  let resources: ParsedResources
  let environment: ParseEnvironment

  /// PostgreSQL keeps no time of change: freshness needs a field or a query.
  private func warnOfUnmeasurableSources() {
    for source in resources.manifest.sources.values
    where source.isEnabled && source.hasFreshness && (source.loadedAtField ?? "").isEmpty
      && (source.loadedAtQuery ?? "").isEmpty
    {
      resources.warn(
        "FreshnessConfigProblem",
        "The configured adapter does not support metadata-based freshness. A loaded_at_field must be specified for "
          + "source '\(source.sourceName).\(source.name)'.")
    }
  }

  /// - Throws: dbt's complaint about the first thing that is wrong.
  func check() throws(ProjectError) {
    warnOfUnmeasurableSources()
    let groups = Set(resources.manifest.groups.values.map(\.name))
    let manifest = resources.manifest
    for entry in Array(manifest.metrics.values) + manifest.semanticModels.values + manifest.savedQueries.values {
      try check(entry, entry.document["group"]?.stringValue, groups: groups)
    }
    for draft in resources.nodes.values { try check(draft.node, groups: groups) }
    if usesBatches { try warnOfUnfilteredBatches() }
    try SemanticChecks(resources: resources, environment: environment).check()
    let names = NameChecks(resources: resources, environment: environment)
    try names.checkBlanks()
    try names.checkUniqueness()
    try checkNames()
    noteCustomMicrobatch()
  }

  /// Microbatch models that read nothing whose rows have a time.
  ///
  /// - Throws: a parsing error for a time that is no name of a column.
  private func warnOfUnfilteredBatches() throws(ProjectError) {
    for draft in resources.nodes.values where draft.node.isMicrobatch {
      var hasTime = false
      for id in draft.node.dependsOnNodes {
        let time = resources.node(id)?.config["event_time"] ?? resources.manifest.sources[id]?.config["event_time"]
        guard let time, time.isTruthy else { continue }
        guard time.stringValue != nil else {
          throw ProjectError(
            .parsing,
            "Microbatch model '\(draft.node.name)' depends on an input node '\(id.split(separator: ".").last ?? "")' with "
              + "an 'event_time' config of invalid (non-string) type: \(MicrobatchCheck.typeName(time)).")
        }
        hasTime = true
      }
      guard !hasTime else { continue }
      resources.warn(
        "MicrobatchModelNoEventTimeInputs",
        "The microbatch model '\(draft.node.name)' has no 'ref' or 'source' input with an 'event_time' configuration. \n"
          + "This means no filtering can be applied and can result in unexpected duplicate records in the resulting "
          + "microbatch model.")
    }
  }

  private var usesBatches: Bool {
    environment.root.isOn(.batchesCustomMicrobatch) || environment.registry.hasOwnMicrobatch
  }

  /// Tells of a strategy of the project's own that is not asked for each batch.
  private func noteCustomMicrobatch() {
    guard !usesBatches, resources.nodes.values.contains(where: { $0.node.isMicrobatch }) else { return }
    resources.warn(
      "MicrobatchMacroOutsideOfBatchesDeprecation",
      "The use of a custom microbatch macro outside of batched execution is deprecated. To use it with batched execution, "
        + "set `flags.require_batched_execution_for_custom_microbatch_strategy` to `True` in `dbt_project.yml`. In the "
        + "future this will be the default behavior.")
  }

  private func check(_ node: Node, groups: Set<String>) throws(ProjectError) {
    try check(node, node.group, groups: groups)
    if node.resourceType == .model, node.access == "public", node.isEphemeral {
      throw fault(
        node,
        "Node \(node.uniqueID) with 'ephemeral' materialization has an invalid value (public) for the access field")
    }
    if node.resourceType == .snapshot {
      do {
        try ConfigCheck.checkSnapshot(node.config)
      } catch {
        throw ProjectError(error.kind, error.message, resource: "snapshot \(node.name)", path: node.originalFilePath)
      }
    }
    if node.resourceType == .model, usesBatches, let begin = try MicrobatchCheck(node).begin() {
      resources.mutate(node.uniqueID) { $0.node.config["begin"] = .string(begin) }
    }
  }

  private func check(_ member: any GraphMember, _ group: String?, groups: Set<String>) throws(ProjectError) {
    guard let group, !groups.contains(group) else { return }
    throw fault(
      member, "Invalid group '\(group)', expected one of \(PlainValue.strings(groups.sorted()).pythonText)")
  }

  private func fault(_ node: any GraphMember, _ message: String) -> ProjectError {
    ProjectError(.parsing, message, resource: "\(node.resourceType.rawValue) \(node.name)", path: node.originalFilePath)
  }

  /// No two relations may have one name; no model may share a versioned model's name.
  private func checkNames() throws(ProjectError) {
    var relations: [String: DraftNode] = [:]
    var versioned: [String: DraftNode] = [:]
    var unversioned: [String: DraftNode] = [:]
    for draft in resources.nodes.values {
      guard draft.node.resourceType.isRefable || draft.node.relationName != nil else { continue }
      if draft.node.resourceType != .test {
        let key = "\(draft.node.packageName).\(draft.node.name)"
        if draft.node.version != nil { versioned[key] = draft } else { unversioned[key] = draft }
      }
      let relation = RelationName.text(
        database: draft.node.database, schema: draft.node.schema, identifier: draft.node.alias, quoting: [:])
      if let present = relations.updateValue(draft, forKey: relation)?.node {
        let node = draft.node
        throw ProjectError(
          .compilation,
          "dbt found two resources with the database representation \"\(relation)\".\ndbt cannot create two "
            + "resources with "
            + "identical database representations. To fix this,\nchange the configuration of one of these "
            + "resources:\n- "
            + "\(present.uniqueID) (\(present.originalFilePath))\n- \(node.uniqueID) (\(node.originalFilePath))")
      }
    }
    for (key, draft) in versioned {
      guard let other = unversioned[key]?.node else { continue }
      let node = draft.node
      throw ProjectError(
        .parsing,
        "dbt found versioned and unversioned models with the name \"\(node.name)\".\n\nTo fix this, change the name "
          + "of the "
          + "unversioned resource\n\(other.uniqueID) (\(other.originalFilePath))\nor add the unversioned model to "
          + "the versions "
          + "in \(node.patchPath ?? "")")
    }
  }
}

/// The columns that identify a model's rows, as far as constraints and tests tell.
enum PrimaryKey {
  /// Fills `primaryKey` of every model.
  static func infer(_ resources: ParsedResources) throws(ProjectError) {
    var tests: [String: [DraftNode]] = [:]
    for draft in resources.nodes.values.map({ $0 }) + resources.disabled.values.flatMap({ $0 }) {
      if let attached = draft.node.attachedNode { tests[attached, default: []].append(draft) }
    }
    for id in Array(resources.nodes.keys) where id.hasPrefix("model.") {
      resources.mutate(id) { draft in
        draft.node.primaryKey = columns(of: draft.node, tests[id] ?? []).sorted { $0.precedes($1) }
      }
    }
  }

  private static func columns(of node: Node, _ tests: [DraftNode]) -> [String] {
    for constraint in node.constraints where constraint["type"] == "primary_key" {
      return (constraint["columns"]?.arrayValue ?? []).compactMap(\.stringValue)
    }
    for (name, column) in node.columns {
      if column["constraints"]?.arrayValue?.contains(where: { $0["type"] == "primary_key" }) ?? false { return [name] }
    }
    var unique: Set<String> = []
    var switchedOff: Set<String> = []
    var notNull: Set<String> = []
    for test in tests {
      guard let metadata = test.node.testMetadata else { continue }
      let named = metadata.arguments["column_name"]?.stringValue.map { [$0] }
      let combined = metadata.arguments["combination_of_columns"]?.arrayValue?.compactMap(\.stringValue)
      let columns = named ?? combined ?? []
      switch metadata.name {
      case "unique", "unique_combination_of_columns":
        if test.node.isEnabled { unique.formUnion(columns) } else { switchedOff.formUnion(columns) }
      case "not_null": notNull.formUnion(columns)
      default: break
      }
    }
    let sure = notNull.intersection(unique.union(switchedOff))
    return Array(!sure.isEmpty ? sure : !unique.isEmpty ? unique : switchedOff)
  }
}
