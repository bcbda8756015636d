import DBTContext
import DBTProject
import OrderedCollections
import PlainData

/// Makes the plan of a request: what is selected, in which order it may run.
struct RunPlanner {
  let engine: Engine
  let request: RunRequest

  func plan() throws(ProjectError) -> RunPlan {
    let manifest = engine.project.manifest
    let selection: Selection
    if let inline { selection = inline } else { selection = try select() }
    let ordering: ExecutionGraph.Ordering =
      switch request.command {
      case .build: .gatedByTests
      case .run, .seed, .snapshot, .compile, .show, .generate: .dependencies
      case .test, .clone, .list, .parse, .runOperation, .freshness: .independent
      }
    let graph = try ExecutionGraph(
      manifest: manifest, graph: engine.project.graph, selected: selection.uniqueIDs, ordering: ordering)
    let nodes = graph.nodes.values.map { planned -> RunPlanNode in
      let node = manifest.node(planned.uniqueID)
      return RunPlanNode(
        uniqueID: planned.uniqueID, name: planned.name, resourceType: planned.resourceType.rawValue,
        materialized: planned.materialized, parents: planned.parents,
        continuesOnError: node?.config["on_error"]?.stringValue == "continue", isEphemeral: node?.isEphemeral ?? false)
    }
    var plan = RunPlan(
      command: request.command, projectName: manifest.projectName, targetName: engine.project.profile.targetName,
      threads: engine.options.threads ?? engine.project.profile.threads, nodes: nodes,
      hasOnRunStart: !HookRunner.hooks(.onRunStart, manifest).isEmpty,
      hasOnRunEnd: !HookRunner.hooks(.onRunEnd, manifest).isEmpty,
      warnings: selection.warnings.map(\.message))
    let project = engine.project.project
    plan.leavesHooksOut = request.command == .freshness && !project.isOn(.runsHooksWithFreshness)
    plan.skipsNodesAfterFailedStart = project.isOn(.skipsNodesAfterFailedStart)
    return plan
  }

  /// The code of the command line, when there is some.
  private var inline: Selection? {
    guard engine.options.inlineQuery != nil else { return nil }
    let ids = engine.project.manifest.nodes.values.filter { $0.resourceType == .sqlOperation }.map(\.uniqueID)
    return Selection(uniqueIDs: ids, warnings: [])
  }

  /// Unique ids of the sources that the request's selection means, whatever its command.
  func selectSources() throws(ProjectError) -> [String] {
    var sources = request
    sources.resourceTypes = ["source"]
    sources.excludedResourceTypes = []
    return try RunPlanner(engine: engine, request: sources).select().uniqueIDs
  }

  /// Unique ids of what the request means.
  func select() throws(ProjectError) -> Selection {
    if let ids = request.uniqueIDs { return Selection(uniqueIDs: ids, warnings: []) }
    var types = NodeSelector.resourceTypes(command: request.command.rawValue)
    // As in dbt: analyses are listed when asked for, and never executed by compiling everything's hooks.
    if request.command == .list, request.resourceTypes.isEmpty { types.remove(.analysis) }
    if request.command == .compile || request.command == .show { types.remove(.operation) }
    if !request.resourceTypes.isEmpty {
      var wanted: Set<ResourceType> = []
      for name in request.resourceTypes {
        switch name {
        case "all": wanted.formUnion(NodeSelector.allResourceTypes(command: request.command.rawValue))
        case "default": wanted.formUnion(types)
        default: wanted.insert(try type(name))
        }
      }
      types = wanted
    }
    for name in request.excludedResourceTypes { types.remove(try type(name)) }
    var wanted = SelectionRequest(resourceTypes: types)
    wanted.select = request.select
    wanted.exclude = request.exclude
    wanted.selector = request.selector
    wanted.includesEmpty = request.command == .list || request.command == .generate
    if let mode = request.indirectSelection {
      guard let indirect = IndirectSelection(rawValue: mode) else {
        throw ProjectError(
          .runtime, "Invalid indirect selection '\(mode)': it must be eager, cautious, buildable or empty")
      }
      wanted.indirect = indirect
    }
    var selection = try engine.project.selector(state: engine.state).select(wanted)
    if request.command == .freshness {
      selection.uniqueIDs.removeAll { !(engine.project.manifest.sources[$0]?.hasFreshness ?? false) }
    }
    return selection
  }

  private func type(_ name: String) throws(ProjectError) -> ResourceType {
    guard let type = ResourceType(rawValue: name) else {
      throw ProjectError(.runtime, "Invalid resource type '\(name)'")
    }
    return type
  }
}
