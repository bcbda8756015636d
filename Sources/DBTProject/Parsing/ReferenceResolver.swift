import OrderedCollections
import PlainData

/// Turns names that resources reference into unique ids.
struct ReferenceResolver {
  let resources: ParsedResources
  let environment: ParseEnvironment

  /// What a name turned out to be.
  private enum Target: Equatable {
    case found(String)
    case disabled
    case missing
  }

  /// What a reference asks for, as errors name it.
  struct Wanted {
    let kind: String
    let name: String
    var package: String?
    var version: PlainValue?
  }

  /// What a resource depends on, as far as its references have been followed.
  struct Links {
    var ids: [String]
    /// Whether all of them mean something.
    var isComplete = true

    mutating func add(_ id: String) { if !ids.contains(id) { ids.append(id) } }
  }

  /// What references may name, in dbt's order: those of all resources to sources come before any to nodes.
  private enum Kind: CaseIterable {
    case source
    case node
    case function
  }

  /// Resolves the sources and nodes that every resource reads.
  ///
  /// - Throws: a compilation error for a name that does not exist; for tests it is a warning and the test is switched
  ///   off.
  func resolve() throws(ProjectError) {
    let ids = Array(resources.nodes.keys)
    for kind in [Kind.source, .node] {
      for id in ids { try resolve(id, kind) }
      try resolve(\.exposures, kind)
      try resolve(\.semanticModels, kind)
    }
    try resolveUnitTests()
  }

  /// Resolves the functions that nodes call, which dbt does last of all.
  func resolveFunctions() throws(ProjectError) {
    for id in Array(resources.nodes.keys) { try resolve(id, .function) }
  }

  /// Resolves one node's references.
  func resolve(_ uniqueID: String) throws(ProjectError) {
    for kind in Kind.allCases { try resolve(uniqueID, kind) }
  }

  private func resolve(_ uniqueID: String, _ kind: Kind) throws(ProjectError) {
    guard let links = try links(of: uniqueID, kind) else { return }
    resources.mutate(uniqueID) { draft in
      draft.node.dependsOnNodes = links.ids
      if !links.isComplete { draft.node.config["enabled"] = false }
    }
  }

  /// What a node depends on with its references of one kind; nil without any.
  private func links(of uniqueID: String, _ kind: Kind) throws(ProjectError) -> Links? {
    guard let node = resources.nodes[uniqueID]?.node, node.resourceType != .seed else { return nil }
    var links = Links(ids: node.dependsOnNodes)
    switch kind {
    case .source:
      guard !node.sources.isEmpty else { return nil }
      try follow(node.sources, of: node, &links)
    case .node:
      guard !node.refs.isEmpty else { return nil }
      try follow(node.refs, of: node, group: node.group, &links)
    case .function:
      guard !node.functions.isEmpty else { return nil }
      for names in node.functions {
        let wanted = Wanted(kind: "function", name: names.last ?? "", package: names.count > 1 ? names[0] : nil)
        try add(function(wanted, from: node.packageName), wanted, of: node, to: &links)
      }
    }
    return links
  }

  /// The same for entries of property files.
  private func resolve(
    _ list: WritableKeyPath<Manifest, OrderedDictionary<String, ResourceEntry>>, _ kind: Kind
  ) throws(ProjectError) {
    for (id, entry) in resources.manifest[keyPath: list] {
      var links = Links(ids: entry.dependsOnNodes)
      switch kind {
      case .source: try follow(entry.sources, of: entry, &links)
      case .node: try follow(entry.refs, of: entry, group: entry.document["group"]?.stringValue, &links)
      case .function: continue
      }
      resources.manifest[keyPath: list][id]?.dependsOnNodes = links.ids
    }
  }

  private func follow(
    _ sources: [[String]], of member: any GraphMember, _ links: inout Links
  ) throws(ProjectError) {
    for pair in sources {
      let wanted = Wanted(kind: "source", name: pair.joined(separator: "."))
      try add(source(pair, from: member.packageName), wanted, of: member, to: &links)
    }
  }

  private func follow(
    _ refs: [RefArguments], of member: any GraphMember, group: String?, _ links: inout Links
  ) throws(ProjectError) {
    for reference in refs {
      let target = try ref(reference, from: member)
      if case .found(let id) = target, let node = resources.node(id) {
        try checkAccess(to: node, from: member, group: group)
        noteDependence(on: node, reference, of: member)
      }
      let wanted = Wanted(kind: "node", name: reference.name, package: reference.package, version: reference.version)
      try add(target, wanted, of: member, to: &links)
    }
  }

  private func add(
    _ target: Target, _ wanted: Wanted, of member: any GraphMember, to links: inout Links
  ) throws(ProjectError) {
    if case .found(let id) = target { return links.add(id) }
    links.isComplete = false
    try ReferenceResolver.refuse(resources, member, wanted, isDisabled: target == .disabled)
  }

  /// A function, of the package named, else of the node's own or the root project, else of any.
  private func function(_ wanted: Wanted, from package: String) -> Target {
    for candidate in ResourceLookup.packages(environment.root, node: package, named: wanted.package) {
      if let candidate {
        let id = "function.\(candidate).\(wanted.name)"
        if resources.nodes[id]?.node.isEnabled ?? false { return .found(id) }
      } else if let found = resources.nodes.values.first(where: {
        $0.node.resourceType == .function && $0.node.name == wanted.name && $0.node.isEnabled
      }) {
        return .found(found.node.uniqueID)
      }
    }
    // As in dbt, one that a property file disables counts as none.
    let isDisabled = resources.disabled.values.contains { drafts in
      drafts.contains { $0.node.resourceType == .function && $0.node.name == wanted.name }
    }
    return isDisabled ? .disabled : .missing
  }

  /// A node of a package that reads one of the root project's without saying so.
  private func noteDependence(on node: Node, _ reference: RefArguments, of member: any GraphMember) {
    let root = environment.root
    guard !root.isOn(.searchesOwnPackageFirst), member.packageName != root.name, reference.package != root.name,
      node.packageName == root.name
    else { return }
    resources.warn(
      "PackageNodeDependsOnRootProjectNode",
      "The node '\(member.name)'in package '\(member.packageName)' depends on the root project node '\(node.uniqueID)'."
        + "This may lead to unexpected cycles downstream. Please set the 'require_ref_searches_node_package_before_root' "
        + "behavior change flag to True to avoid this issue.For more information, see the documentation at "
        + "https://docs.getdbt.com/reference/global-configs/behavior-changes#package-ref-search-order")
  }

  private func ref(_ reference: RefArguments, from member: any GraphMember) throws(ProjectError) -> Target {
    var isDisabled = false
    for candidate in ResourceLookup.packages(environment.root, node: member.packageName, named: reference.package) {
      let found: String?
      do {
        found = try resources.lookup.ref(reference.name, package: candidate, version: reference.version)
      } catch {
        throw ProjectError(
          error.kind, error.message, resource: "\(member.resourceType.rawValue) \(member.name)",
          path: member.originalFilePath)
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

  /// Refuses what a node names and the project has not, or has disabled; for a test this is a warning.
  ///
  /// - Throws: a compilation error whose message itself names the node, as in dbt.
  static func refuse(
    _ resources: ParsedResources, _ member: any GraphMember, _ wanted: Wanted, isDisabled: Bool
  ) throws(ProjectError) {
    let reason = isDisabled ? "is disabled" : "was not found"
    guard member.resourceType == .test else {
      let type = member.resourceType.rawValue.split(separator: "_").map { $0.prefix(1).uppercased() + $0.dropFirst() }
      let version = wanted.version.map { "with version '\($0.versionText)' " } ?? ""
      let package = wanted.package.map { "in package or project '\($0)' " } ?? ""
      throw ProjectError(
        .compilation,
        "\(type.joined(separator: "_")) '\(member.uniqueID)' (\(member.originalFilePath)) depends on a "
          + "\(wanted.kind) named '\(wanted.name)' \(version)\(package)which \(reason)",
        path: member.originalFilePath)
    }
    // dbt keeps to itself that a test reads a disabled node or function.
    guard !isDisabled || !["node", "function"].contains(wanted.kind) else { return }
    let place = isDisabled && wanted.package == nil ? "" : "in package '\(wanted.package ?? "")' "
    resources.warn(
      isDisabled ? "InvalidDisabledTargetInTestNode" : "NodeNotFoundOrDisabled",
      "Test '\(member.uniqueID)' (\(member.originalFilePath)) depends on a \(wanted.kind) named "
        + "'\(wanted.name)' \(place)which \(reason)")
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
