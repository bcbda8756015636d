import OrderedCollections
import PlainData

/// What a command asks to work on.
package struct SelectionRequest: Sendable {
  /// `--select`; empty is everything, or the default selector when there is one.
  package var select: [String] = []
  package var exclude: [String] = []
  /// `--selector`.
  package var selector: String?
  package var indirect: IndirectSelection = .eager
  /// Only these types are answered.
  package var resourceTypes: Set<ResourceType>
  /// Whether nodes without code are answered too, as `list` does.
  package var includesEmpty = false

  package init(
    select: [String] = [], exclude: [String] = [], selector: String? = nil, indirect: IndirectSelection = .eager,
    resourceTypes: Set<ResourceType>, includesEmpty: Bool = false
  ) {
    self.select = select
    self.exclude = exclude
    self.selector = selector
    self.indirect = indirect
    self.resourceTypes = resourceTypes
    self.includesEmpty = includesEmpty
  }
}

/// Which resources a command works on.
package struct Selection: Sendable {
  /// In the manifest's order.
  package var uniqueIDs: [String]
  /// One for each criterion that matched nothing.
  package var warnings: [ProjectWarning]

  package init(uniqueIDs: [String], warnings: [ProjectWarning]) {
    self.uniqueIDs = uniqueIDs
    self.warnings = warnings
  }
}

/// Chooses resources of a manifest by dbt's selection language (`--select`, `--exclude`, `--selector`).
package struct NodeSelector: Sendable {
  package let manifest: Manifest
  package let graph: ProjectGraph
  package let selectors: SelectorDefinitions
  /// What earlier runs left, for the methods `state`, `result` and `source_status`.
  package let state: PreviousState?

  /// Makes a selector for the manifest, whose graph is built here unless given.
  ///
  /// - Throws: what `ProjectGraph` throws.
  package init(
    manifest: Manifest, graph: ProjectGraph? = nil, selectors: SelectorDefinitions = SelectorDefinitions(),
    state: PreviousState? = nil
  ) throws(ProjectError) {
    self.manifest = manifest
    if let graph { self.graph = graph } else { self.graph = try ProjectGraph(manifest) }
    self.selectors = selectors
    self.state = state
  }

  /// The resource types that a dbt command works on.
  ///
  /// - Parameter command: the command's name as typed: `run`, `build`, `test`, `ls`, …
  package static func resourceTypes(command: String) -> Set<ResourceType> {
    switch command {
    case "run": [.model]
    case "test": [.test, .unitTest]
    case "seed": [.seed]
    case "snapshot": [.snapshot]
    case "clone": [.model, .seed, .snapshot]
    case "build": [.model, .seed, .snapshot, .test, .unitTest, .savedQuery, .exposure, .function]
    case "source freshness", "freshness": [.source]
    case "list", "ls":
      [
        .model, .snapshot, .seed, .test, .unitTest, .source, .exposure, .metric, .savedQuery, .semanticModel, .function,
      ]
    default: [.model, .test, .snapshot, .analysis, .seed, .operation, .function]
    }
  }

  /// The resource types of a command's `--resource-type all`.
  package static func allResourceTypes(command: String) -> Set<ResourceType> {
    let usual = resourceTypes(command: command)
    return command == "list" || command == "ls" ? usual.union([.analysis]) : usual
  }

  /// Selects for a command with its usual types.
  package func select(
    _ specs: [String], exclude: [String] = [], indirect: IndirectSelection = .eager, command: String
  ) throws(ProjectError) -> [String] {
    try select(
      SelectionRequest(
        select: specs, exclude: exclude, indirect: indirect,
        resourceTypes: NodeSelector.resourceTypes(command: command),
        includesEmpty: command == "list" || command == "ls")
    ).uniqueIDs
  }

  /// Selects what the request asks for.
  ///
  /// - Throws: a runtime error for a selection that cannot be understood.
  package func select(_ request: SelectionRequest) throws(ProjectError) -> Selection {
    var run = SelectionRun(self)
    let (direct, _) = try run.select(spec(for: request))
    let ids = manifest.memberIDs.filter { id in
      guard let number = graph.number(id), direct.contains(number), let member = manifest.member(id) else {
        return false
      }
      guard request.resourceTypes.contains(member.resourceType) else { return false }
      return request.includesEmpty || !((member as? Node)?.isEmpty ?? false)
    }
    return Selection(uniqueIDs: ids, warnings: run.warnings + run.stateWarnings)
  }

  private func spec(for request: SelectionRequest) throws(ProjectError) -> SelectionSpec {
    if let name = request.selector {
      // As in dbt, the command line of which says that what else was chosen does not count.
      guard let spec = selectors[name] else {
        let known = selectors.definitions.map(\.name).joined(separator: ", ")
        throw ProjectError(.runtime, "Could not find selector named \(name), expected one of [\(known)]")
      }
      return spec
    }
    if request.select.isEmpty, request.exclude.isEmpty, let standard = selectors.standard { return standard }
    return try SelectionSpec(select: request.select, exclude: request.exclude, indirect: request.indirect)
  }
}

/// One walk over a selection; collects warnings on the way.
private struct SelectionRun {
  let manifest: Manifest
  let graph: ProjectGraph
  let selectors: SelectorDefinitions
  /// Edges between enabled resources: what is switched off is never reached.
  private let parents: [[Int]]
  private let children: [[Int]]
  var warnings: [ProjectWarning] = []
  /// Names of the selectors being resolved, to find circles.
  var openSelectors: [String] = []

  /// What earlier runs left.
  private let state: PreviousState?
  /// Made by the first criterion that asks for it.
  private var comparison: StateComparison?

  init(_ selector: NodeSelector) {
    manifest = selector.manifest
    graph = selector.graph
    selectors = selector.selectors
    state = selector.state
    let (manifest, graph) = (manifest, graph)
    let isEnabled = graph.ids.map { manifest.member($0)?.isEnabled ?? false }
    parents = graph.parents.map { edges in edges.filter { isEnabled[$0] } }
    children = graph.children.map { edges in edges.filter { isEnabled[$0] } }
  }

  /// What is selected, and the tests that may still come along when their other parents turn up.
  mutating func select(_ spec: SelectionSpec) throws(ProjectError) -> (direct: Set<Int>, indirect: Set<Int>) {
    switch spec {
    case .criteria(let criteria): return try select(criteria)
    case .union(let members, let group):
      return try combine(members, group) { sets in sets.reduce(into: []) { $0.formUnion($1) } }
    case .intersection(let members, let group):
      return try combine(members, group) { sets in sets.dropFirst().reduce(sets.first ?? []) { $0.intersection($1) } }
    case .difference(let members, let group):
      return try combine(members, group) { sets in sets.dropFirst().reduce(sets.first ?? []) { $0.subtracting($1) } }
    }
  }

  private mutating func combine(
    _ members: [SelectionSpec], _ group: SelectionSpec.Group, _ operation: ([Set<Int>]) -> Set<Int>
  ) throws(ProjectError) -> (direct: Set<Int>, indirect: Set<Int>) {
    var directs: [Set<Int>] = []
    var all: [Set<Int>] = []
    for member in members {
      let (direct, indirect) = try select(member)
      directs.append(direct)
      all.append(direct.union(indirect))
    }
    let indirect = operation(all)
    let direct = incorporate(indirect, into: operation(directs), group.indirect)
    if group.expectsMatch, direct.isEmpty {
      warnings.append(
        ProjectWarning(
          name: "NoNodesForSelectionCriteria",
          message: "The selection criterion '\(group.raw)' does not match any enabled nodes"))
    }
    return (direct, indirect)
  }

  private mutating func select(
    _ criteria: SelectionCriteria
  ) throws(ProjectError) -> (direct: Set<Int>, indirect: Set<Int>) {
    var selected = criteria.method == .selector ? try named(criteria.text) : try matches(criteria)
    var neighbours: Set<Int> = []
    if criteria.withChildrensParents {
      let below = graph.reachable(from: selected, along: children).union(selected)
      neighbours.formUnion(below)
      neighbours.formUnion(graph.reachable(from: below, along: parents))
    }
    if criteria.withParents {
      neighbours.formUnion(graph.reachable(from: selected, along: parents, depth: criteria.parentsDepth))
    }
    if criteria.withChildren {
      neighbours.formUnion(graph.reachable(from: selected, along: children, depth: criteria.childrenDepth))
    }
    selected.formUnion(neighbours)
    if criteria.indirect == .empty || criteria.method == .selector { return (selected, []) }
    return expand(selected, criteria.indirect)
  }

  /// Warnings of comparing with an earlier manifest.
  var stateWarnings: [ProjectWarning] { comparison?.warnings ?? [] }

  private mutating func matches(_ criteria: SelectionCriteria) throws(ProjectError) -> Set<Int> {
    let text = criteria.text
    switch criteria.method {
    case .state: return Set(try changed(text).compactMap(graph.number))
    case .result:
      guard let state else { throw ProjectError(.internalFailure, "No comparison run_results") }
      return Set(try state.ids(status: text).compactMap(graph.number))
    case .sourceStatus:
      guard let state else {
        throw ProjectError(.internalFailure, "No previous state comparison freshness results in sources.json")
      }
      let fresher = try state.fresherSources()
      return text == "fresher" ? Set(fresher.compactMap(graph.number)) : []
    default: break
    }
    let ids = try CriteriaMatcher(manifest: manifest).matches(criteria) { manifest.member($0)?.isEnabled ?? false }
    return Set(ids.compactMap(graph.number))
  }

  /// Unique ids of what a `state:` criterion names.
  private mutating func changed(_ text: String) throws(ProjectError) -> Set<String> {
    guard let previous = state?.manifest else {
      throw ProjectError(.runtime, "Got a state selector method, but no comparison manifest")
    }
    guard let question = StateComparison.Question(rawValue: text) else {
      let known = PlainValue.strings(StateComparison.Question.allCases.map(\.rawValue)).pythonText
      throw ProjectError(.runtime, "Got an invalid selector \"\(text)\", expected one of \"\(known)\"")
    }
    let comparison =
      comparison
      ?? StateComparison(
        manifest: manifest, previous: previous, comparesUnrendered: state?.comparesUnrendered ?? true)
    self.comparison = comparison
    let members = graph.ids.compactMap { manifest.member($0) }.filter(\.isEnabled)
    return try comparison.matches(question, among: members)
  }

  private mutating func named(_ pattern: String) throws(ProjectError) -> Set<Int> {
    let pattern = (text: pattern, glob: NamePattern(pattern))
    let found = selectors.definitions.filter { pattern.glob.matches($0.name) }.sorted { $0.name.precedes($1.name) }
    guard !found.isEmpty else {
      throw ProjectError(.runtime, "Selector '\(pattern.text)' did not match any selector in selectors.yml")
    }
    var selected: Set<Int> = []
    for definition in found {
      guard !openSelectors.contains(definition.name) else {
        throw ProjectError(.runtime, "Circular dependency detected in selector: \(definition.name)")
      }
      openSelectors.append(definition.name)
      selected.formUnion(try select(definition.spec).direct)
      openSelectors.removeLast()
    }
    return selected
  }

  /// Adds the tests of what is selected, as the mode says.
  private func expand(_ selected: Set<Int>, _ mode: IndirectSelection) -> (direct: Set<Int>, indirect: Set<Int>) {
    let buildable = mode == .buildable ? withParentsAndSources(selected) : []
    var direct = selected
    var indirect: Set<Int> = []
    for number in selected {
      for child in children[number] where isTest(child) {
        let parents = graph.parents[child]
        if mode == .eager || parents.allSatisfy(selected.contains)
          || mode == .buildable && parents.allSatisfy(buildable.contains)
        {
          direct.insert(child)
        } else {
          indirect.insert(child)
        }
      }
    }
    return (direct, indirect)
  }

  /// Takes in tests whose parents turned out to be selected by several criteria together.
  private func incorporate(_ indirect: Set<Int>, into direct: Set<Int>, _ mode: IndirectSelection) -> Set<Int> {
    guard direct != indirect, mode == .cautious || mode == .buildable else { return direct }
    let reach = mode == .buildable ? direct.union(graph.reachable(from: direct, along: parents)) : direct
    let complete = indirect.filter { number in
      manifest.nodes[graph.ids[number]] != nil && graph.parents[number].allSatisfy(reach.contains)
    }
    return direct.union(complete)
  }

  private func withParentsAndSources(_ selected: Set<Int>) -> Set<Int> {
    var reach = selected.union(graph.reachable(from: selected, along: parents))
    for id in manifest.sources.keys { if let number = graph.number(id) { reach.insert(number) } }
    return reach
  }

  private func isTest(_ number: Int) -> Bool {
    let id = graph.ids[number]
    return manifest.unitTests[id] != nil || manifest.nodes[id]?.resourceType == .test
  }
}
