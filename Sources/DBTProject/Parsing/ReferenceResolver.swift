import OrderedCollections
import PlainData

/// Turns names that resources reference into unique ids.
struct ReferenceResolver {
  let resources: ParsedResources
  let environment: ParseEnvironment

  /// What a name turned out to be.
  private enum Target {
    case found(String)
    case disabled
    case missing
  }

  /// Resolves every node's, exposure's and test's references.
  ///
  /// - Throws: a compilation error for a name that does not exist; for tests it is a warning and the test is switched
  ///   off.
  func resolve() throws(ProjectError) {
    let ids = Array(resources.nodes.keys)
    for kind in Kind.allCases { for id in ids { try resolve(id, kind) } }
    try resolveEntries(\.exposures)
    try resolveEntries(\.semanticModels)
    try resolveUnitTests()
  }

  /// Resolves one node's references.
  func resolve(_ uniqueID: String) throws(ProjectError) {
    for kind in Kind.allCases { try resolve(uniqueID, kind) }
  }

  /// What references may name, in dbt's order: those of all nodes to sources come before any to nodes.
  private enum Kind: CaseIterable {
    case source
    case node
    case function
  }

  private func resolve(_ uniqueID: String, _ kind: Kind) throws(ProjectError) {
    guard
      let found = try resources.nodes[uniqueID].flatMap({ draft throws(ProjectError) in
        try targets(of: draft.node, kind)
      })
    else { return }
    resources.mutate(uniqueID) { draft in
      draft.node.dependsOnNodes = found.ids
      if !found.isComplete { draft.node.config["enabled"] = false }
    }
  }

  /// What a node depends on with the references of one kind, and whether all of them mean something; nil without any.
  private func targets(of node: Node, _ kind: Kind) throws(ProjectError) -> (ids: [String], isComplete: Bool)? {
    guard node.resourceType != .seed else { return nil }
    var found = (ids: node.dependsOnNodes, isComplete: true)
    switch kind {
    case .source:
      guard !node.sources.isEmpty else { return nil }
      for pair in node.sources { try addSource(pair, of: node, to: &found) }
    case .node:
      guard !node.refs.isEmpty else { return nil }
      for reference in node.refs { try addNode(reference, of: node, to: &found) }
    case .function:
      guard !node.functions.isEmpty else { return nil }
      for names in node.functions { try addFunction(names, of: node, to: &found) }
    }
    return found
  }

  private func addSource(
    _ pair: [String], of node: Node, to found: inout (ids: [String], isComplete: Bool)
  ) throws(ProjectError) {
    switch source(pair, from: node.packageName) {
    case .found(let id): add(id, to: &found.ids)
    case let target:
      found.isComplete = false
      try refuse(target, node, kind: "source", name: pair.joined(separator: "."))
    }
  }

  private func addNode(
    _ reference: RefArguments, of node: Node, to found: inout (ids: [String], isComplete: Bool)
  ) throws(ProjectError) {
    switch try ref(reference, from: node.packageName, node: node) {
    case .found(let id):
      if let model = resources.node(id) { try checkAccess(to: model, from: node, group: node.group) }
      noteDependence(on: id, reference, of: node)
      add(id, to: &found.ids)
    case let target:
      found.isComplete = false
      try refuse(
        target, node, kind: "node", name: reference.name, package: reference.package, version: reference.version)
    }
  }

  private func addFunction(
    _ names: [String], of node: Node, to found: inout (ids: [String], isComplete: Bool)
  ) throws(ProjectError) {
    switch function(names, from: node.packageName) {
    case .found(let id): add(id, to: &found.ids)
    case let target:
      found.isComplete = false
      try refuse(
        target, node, kind: "function", name: names.last ?? "", package: names.count > 1 ? names[0] : nil)
    }
  }

  /// A function, of the package named, else of the node's own or the root project, else of any.
  private func function(_ names: [String], from package: String) -> Target {
    guard let name = names.last else { return .missing }
    for candidate in ResourceLookup.packages(environment.root, node: package, named: names.count > 1 ? names[0] : nil) {
      let found = resources.nodes.values.first { draft in
        draft.node.resourceType == .function && draft.node.name == name
          && (candidate == nil || draft.node.packageName == candidate)
      }
      if let found { return .found(found.node.uniqueID) }
    }
    let isDisabled = resources.disabled.values.contains { drafts in
      drafts.contains { $0.node.resourceType == .function && $0.node.name == name }
    }
    return isDisabled ? .disabled : .missing
  }

  /// A node of a package that reads one of the root project's without saying so.
  private func noteDependence(on id: String, _ reference: RefArguments, of node: Node) {
    let root = environment.root
    guard !root.isOn(.searchesOwnPackageFirst), node.packageName != root.name, reference.package != root.name,
      resources.nodes[id]?.node.packageName == root.name
    else { return }
    resources.warn(
      "PackageNodeDependsOnRootProjectNode",
      "The node '\(node.name)'in package '\(node.packageName)' depends on the root project node '\(id)'."
        + "This may lead to unexpected cycles downstream. Please set the 'require_ref_searches_node_package_before_root' "
        + "behavior change flag to True to avoid this issue.For more information, see the documentation at "
        + "https://docs.getdbt.com/reference/global-configs/behavior-changes#package-ref-search-order")
  }

  private func add(_ id: String, to list: inout [String]) { if !list.contains(id) { list.append(id) } }

  private func ref(_ reference: RefArguments, from package: String, node: (any GraphMember)?) throws(ProjectError)
    -> Target
  {
    var isDisabled = false
    for candidate in ResourceLookup.packages(environment.root, node: package, named: reference.package) {
      let found: String?
      do {
        found = try resources.lookup.ref(reference.name, package: candidate, version: reference.version)
      } catch {
        throw ProjectError(
          error.kind, error.message, resource: node.map { "\($0.resourceType.rawValue) \($0.name)" } ?? "",
          path: node?.originalFilePath)
      }
      if let found, resources.nodes[found]?.node.isEnabled ?? false { return .found(found) }
      isDisabled =
        isDisabled
        || !resources.lookup.disabled(reference.name, package: candidate, version: reference.version).isEmpty
    }
    return isDisabled ? .disabled : .missing
  }

  private func source(_ pair: [String], from package: String) -> Target {
    guard pair.count == 2 else { return .missing }
    let suffix = pair.joined(separator: ".")
    for candidate in ResourceLookup.packages(environment.root, node: package, named: nil) {
      if let candidate {
        if resources.manifest.sources["source.\(candidate).\(suffix)"] != nil {
          return .found("source.\(candidate).\(suffix)")
        }
      } else if let found = resources.manifest.sources.values.first(where: {
        $0.sourceName == pair[0] && $0.name == pair[1]
      }) {
        return .found(found.uniqueID)
      }
    }
    let isDisabled = resources.manifest.disabledEntries.keys.contains {
      $0.hasPrefix("source.") && $0.hasSuffix("." + suffix)
    }
    return isDisabled ? .disabled : .missing
  }

  // MARK: What cannot be resolved

  private func refuse(
    _ target: Target, _ node: Node, kind: String, name: String, package: String? = nil, version: PlainValue? = nil
  ) throws(ProjectError) {
    let isDisabled = if case .disabled = target { true } else { false }
    try ReferenceResolver.refuse(
      resources, node, kind: kind, name: name, package: package, version: version, isDisabled: isDisabled)
  }

  /// Refuses what a node names and the project has not, or has disabled; for a test this is a warning.
  ///
  /// - Throws: a compilation error whose message itself names the node, as in dbt.
  static func refuse(
    _ resources: ParsedResources, _ member: any GraphMember, kind: String, name: String, package: String?,
    version: PlainValue? = nil, isDisabled: Bool
  ) throws(ProjectError) {
    guard member.resourceType == .test else {
      let message = message(member, kind: kind, name: name, package: package, version: version, isDisabled: isDisabled)
      throw ProjectError(.compilation, message, path: member.originalFilePath)
    }
    // dbt keeps to itself that a test reads a disabled node.
    guard !isDisabled || kind != "node" else { return }
    let place = isDisabled && package == nil ? "" : "in package '\(package ?? "")' "
    resources.warn(
      isDisabled ? "InvalidDisabledTargetInTestNode" : "NodeNotFoundOrDisabled",
      "Test '\(member.uniqueID)' (\(member.originalFilePath)) depends on a \(kind) named '\(name)' \(place)which "
        + (isDisabled ? "is disabled" : "was not found"))
  }

  private static func message(
    _ member: any GraphMember, kind: String, name: String, package: String?, version: PlainValue?, isDisabled: Bool
  ) -> String {
    let type = member.resourceType.rawValue.split(separator: "_").map { $0.prefix(1).uppercased() + $0.dropFirst() }
    let versionText = version.map { "with version '\($0.versionText)' " } ?? ""
    let packageText = package.map { "in package or project '\($0)' " } ?? ""
    return
      "\(type.joined(separator: "_")) '\(member.uniqueID)' (\(member.originalFilePath)) depends on a \(kind) named "
      + "'\(name)' "
      + "\(versionText)\(packageText)which \(isDisabled ? "is disabled" : "was not found")"
  }

  /// Private models may be referenced within their group only, protected ones of restricted packages within the
  /// package.
  ///
  /// - Parameter group: of what references the model; exposures have none.
  private func checkAccess(to model: Node, from node: any GraphMember, group: String?) throws(ProjectError) {
    guard model.resourceType == .model, node.resourceType != .sqlOperation else { return }
    let isForeign = node.packageName != model.packageName
    let isRestricted = environment.packages[model.packageName]?.restrictsAccess ?? false
    let isRefused =
      switch model.access {
      case "private": group == nil || group != model.group || isForeign && isRestricted
      case "protected": isForeign && isRestricted
      default: false
      }
    guard isRefused else { return }
    let scope = model.access == "private" ? "'\(model.group ?? "None")' group" : "'\(model.packageName)' package"
    throw ProjectError(
      .parsing,
      "Node \(node.uniqueID) attempted to reference node \(model.uniqueID), which is not allowed because the "
        + "referenced "
        + "node is \(model.access) to the \(scope).",
      resource: "\(node.resourceType.rawValue) \(node.name)", path: node.originalFilePath)
  }

  // MARK: Entries of property files

  private func resolveEntries(
    _ list: WritableKeyPath<Manifest, OrderedDictionary<String, ResourceEntry>>
  ) throws(ProjectError) {
    for (id, entry) in resources.manifest[keyPath: list] {
      var entry = entry
      for pair in entry.sources {
        guard case .found(let source) = source(pair, from: entry.packageName) else {
          throw fault(entry, kind: "source", name: pair.joined(separator: "."))
        }
        add(source, to: &entry.dependsOnNodes)
      }
      for reference in entry.refs {
        let target = try ref(reference, from: entry.packageName, node: entry)
        guard case .found(let node) = target else {
          let isDisabled = if case .disabled = target { true } else { false }
          throw fault(
            entry, kind: "node", name: reference.name, package: reference.package, isDisabled: isDisabled)
        }
        if let model = resources.node(node) {
          try checkAccess(to: model, from: entry, group: entry.document["group"]?.stringValue)
        }
        add(node, to: &entry.dependsOnNodes)
      }
      for names in entry.metrics {
        let name = names.last ?? ""
        guard let metric = resources.manifest.metrics.values.first(where: { $0.name == name }) else {
          throw fault(entry, kind: "metric", name: name)
        }
        add(metric.uniqueID, to: &entry.dependsOnNodes)
      }
      resources.manifest[keyPath: list][id] = entry
    }
  }

  private func fault(
    _ entry: ResourceEntry, kind: String, name: String, package: String? = nil, isDisabled: Bool = false
  ) -> ProjectError {
    ProjectError(
      .compilation,
      ReferenceResolver.message(
        entry, kind: kind, name: name, package: package, version: nil, isDisabled: isDisabled),
      path: entry.originalFilePath)
  }

  // MARK: Unit tests

  private func resolveUnitTests() throws(ProjectError) {
    for (id, test) in resources.manifest.unitTests {
      var test = test
      let words = (test.document["model"]?.stringValue ?? "").split(separator: " ").map(String.init)
      let version = words.count == 2 ? PlainValue.string(words[1]) : nil
      let name = words.first ?? ""
      guard let model = try resources.lookup.ref(name, package: test.packageName, version: version) else {
        guard !resources.lookup.disabled(name, package: test.packageName, version: version).isEmpty else {
          throw ProjectError(
            .parsing,
            "Unable to find model '\(test.packageName).\(name)' for unit test '\(test.name)' in "
              + "\(test.originalFilePath)",
            path: test.originalFilePath)
        }
        switchOff(id, test)
        continue
      }
      guard let node = resources.node(model), node.isEnabled else {
        switchOff(id, test)
        continue
      }
      test.dependsOnNodes = [model]
      test.document["schema"] = .string(node.schema)
      try checkIncremental(test, node)
      resources.manifest.unitTests[id] = test
      try split(test, node)
    }
  }

  private func switchOff(_ id: String, _ test: ResourceEntry) {
    resources.manifest.unitTests.removeValue(forKey: id)
    resources.manifest.disabledEntries[id, default: []].append(test.json())
  }

  private func checkIncremental(_ test: ResourceEntry, _ model: Node) throws(ProjectError) {
    guard model.dependsOnMacros.contains("macro.dbt.is_incremental") else { return }
    let choice = test.document["overrides"]?["macros"]?["is_incremental"]
    guard let isIncremental = choice?.boolValue else {
      throw ProjectError(
        .parsing,
        "Boolean override for 'is_incremental' must be provided for unit test '\(test.name)' in model '\(model.name)'",
        path: test.originalFilePath)
    }
    let inputs = (test.document["given"]?.arrayValue ?? []).map { $0["input"]?.stringValue ?? "" }
    if isIncremental, !inputs.contains("this") {
      throw ProjectError(
        .parsing, "Unit test '\(test.name)' for incremental model '\(model.name)' must have a 'this' input",
        path: test.originalFilePath)
    }
  }

  /// A unit test of a versioned model becomes one for each version it is meant for.
  private func split(_ test: ResourceEntry, _ model: Node) throws(ProjectError) {
    let rules = test.document["versions"]?.objectValue
    let included = rules?["include"]?.arrayValue
    let excluded = rules?["exclude"]?.arrayValue
    guard model.version != nil else {
      guard (included ?? []).isEmpty, (excluded ?? []).isEmpty else {
        throw ProjectError(
          .parsing,
          "Unit test '\(test.name)' should not have a versions include or exclude when referencing non-versioned model "
            + "'\(model.name)'",
          path: test.originalFilePath)
      }
      return
    }
    let all = resources.nodes.values.map(\.node).filter {
      $0.resourceType == .model && $0.name == model.name && $0.packageName == model.packageName
    }
    let chosen = all.filter { node in
      guard let version = node.version else { return false }
      if let excluded { return !excluded.contains(version) }
      return included?.contains(version) ?? true
    }
    guard !chosen.isEmpty else {
      throw ProjectError(
        .parsing, "Unit test '\(test.name)' referenced a version of '\(model.name)' which was not found.",
        path: test.originalFilePath)
    }
    resources.manifest.unitTests.removeValue(forKey: test.uniqueID)
    for node in chosen {
      var copy = test
      copy.uniqueID = "\(test.uniqueID)_v\(node.version?.versionText ?? "")"
      copy.version = node.version
      copy.dependsOnNodes = [node.uniqueID]
      copy.document["unique_id"] = .string(copy.uniqueID)
      copy.document["version"] = node.version ?? .null
      resources.manifest.unitTests[copy.uniqueID] = copy
    }
  }
}
