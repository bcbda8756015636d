import OrderedCollections
import PlainData

/// Finds the resources that a single criterion names, without looking at the graph.
struct CriteriaMatcher: Sendable {
  let manifest: Manifest

  /// Unique ids of the matches, out of those that `isMember` accepts.
  ///
  /// - Throws: a runtime error when the criterion's value makes no sense.
  func matches(_ criteria: SelectionCriteria, among isMember: (String) -> Bool) throws(ProjectError) -> [String] {
    let accepts = try test(criteria)
    return manifest.memberIDs.filter { id in
      guard isMember(id), let member = manifest.member(id) else { return false }
      return accepts(member)
    }
  }

  private func test(_ criteria: SelectionCriteria) throws(ProjectError) -> (any GraphMember) -> Bool {
    let text = criteria.text
    let pattern = NamePattern(text)
    switch criteria.method {
    case .fqn: return { $0.resourceType != .source && CriteriaMatcher.isNamed(text, $0) }
    case .tag: return { $0.tags.contains(where: pattern.matches) }
    case .group:
      return { member in
        guard let group = member.config["group"]?.stringValue else { return false }
        return (member is Node || member.resourceType == .metric) && pattern.matches(group)
      }
    case .access: return { ($0 as? Node)?.resourceType == .model && ($0 as? Node)?.access == text }
    case .package:
      let named = text == "this" ? NamePattern(manifest.projectName) : pattern
      return { named.matches($0.packageName) }
    case .file:
      return { member in
        let name = String(member.originalFilePath.split(separator: "/").last ?? "")
        let stem = name.lastIndex(of: ".").map { String(name[..<$0]) } ?? name
        return pattern.matches(name) || pattern.matches(stem)
      }
    case .path: return pathTest(text)
    case .config: return configTest(criteria)
    case .resourceType:
      guard let type = ResourceType(rawValue: text) else {
        throw ProjectError(.runtime, "Invalid resource_type selector \"\(text)\"")
      }
      return { $0.resourceType == type }
    case .testName:
      return { member in
        if member.resourceType == .unitTest { return pattern.matches(member.name) }
        return (member as? Node)?.testMetadata.map { pattern.matches($0.name) } ?? false
      }
    case .testType: return try testTypeTest(text)
    case .version: return try versionTest(text)
    case .source: return try sourceTest(text)
    case .exposure: return try dottedTest(text, .exposure, "exposure")
    case .metric: return try dottedTest(text, .metric, "metric")
    case .semanticModel: return try dottedTest(text, .semanticModel, "semantic model")
    case .savedQuery: return try dottedTest(text, .savedQuery, "saved query")
    case .unitTest: return try dottedTest(text, .unitTest, "unit test")
    case .state, .result, .sourceStatus, .selector:
      throw ProjectError(
        .internalFailure,
        "The selection method '\(criteria.method.rawValue)' is resolved before resources are matched")
    }
  }

  // MARK: Names

  private static func isNamed(_ text: String, _ member: any GraphMember) -> Bool {
    let isVersioned = member.version != nil && member.fqn.count > 1 && member.resourceType == .model
    return isNamed(text, member.fqn, isVersioned) || isNamed(text, Array(member.fqn.dropFirst()), isVersioned)
  }

  private static func isNamed(_ text: String, _ fqn: [String], _ isVersioned: Bool) -> Bool {
    guard let leaf = fqn.last else { return false }
    let parts = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    let name = isVersioned && fqn.count > 1 ? fqn[fqn.count - 2] : leaf
    if name == text { return true }
    if isVersioned, fqn.suffix(2).joined(separator: "_") == parts.suffix(2).joined(separator: "_") { return true }
    let flat = fqn.flatMap { $0.split(separator: ".", omittingEmptySubsequences: false).map(String.init) }
    guard flat.count >= parts.count else { return false }
    for (index, part) in parts.enumerated() {
      if NamePattern.isPattern(part) {
        let rest = NamePattern(parts[index...].joined(separator: "."))
        if rest.matches(flat[index...].joined(separator: ".")) { return true }
        return parts.count == 1 && rest.matches(name)
      }
      guard flat[index] == part else { return false }
    }
    return true
  }

  private func sourceTest(_ text: String) throws(ProjectError) -> (any GraphMember) -> Bool {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { NamePattern(String($0)) }
    let any = NamePattern("*")
    let patterns: (package: NamePattern, source: NamePattern, table: NamePattern)
    switch parts.count {
    case 1: patterns = (any, parts[0], any)
    case 2: patterns = (any, parts[0], parts[1])
    case 3: patterns = (parts[0], parts[1], parts[2])
    default:
      throw ProjectError(
        .runtime,
        "Invalid source selector value \"\(text)\". Sources must be of the form `${source_name}`, "
          + "`${source_name}.${target_name}`, or `${package_name}.${source_name}.${target_name}")
    }
    return { member in
      guard let source = member as? SourceTable else { return false }
      return patterns.package.matches(source.packageName) && patterns.source.matches(source.sourceName)
        && patterns.table.matches(source.name)
    }
  }

  private func dottedTest(
    _ text: String, _ type: ResourceType, _ noun: String
  ) throws(ProjectError) -> (any GraphMember) -> Bool {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { NamePattern(String($0)) }
    guard let name = parts.last, parts.count <= 2 else {
      throw ProjectError(
        .runtime,
        "Invalid \(noun) selector value \"\(text)\". It must be of the form ${name} or ${package.name}")
    }
    let package = parts.count == 2 ? parts[0] : NamePattern("*")
    return { $0.resourceType == type && package.matches($0.packageName) && name.matches($0.name) }
  }

  // MARK: Paths

  private func pathTest(_ text: String) -> (any GraphMember) -> Bool {
    let pattern = PathPattern(text)
    // dbt lists the root project's folder: only what exists there can match, for members of packages too.
    var existing: Set<String> = []
    for id in manifest.memberIDs {
      guard let member = manifest.member(id), member.packageName == manifest.projectName else { continue }
      for path in CriteriaMatcher.paths(of: member) { existing.insert(path) }
    }
    let matching = existing.filter(pattern.matches)
    return { member in CriteriaMatcher.paths(of: member).contains(where: matching.contains) }
  }

  /// The file, its folders and the property file of a member, relative to its package.
  private static func paths(of member: any GraphMember) -> [String] {
    var paths: [String] = []
    var path = Substring(member.originalFilePath)
    while !path.isEmpty {
      paths.append(String(path))
      path = path[..<(path.lastIndex(of: "/") ?? path.startIndex)]
    }
    if let patch = member.patchPath, let mark = patch.firstIndex(of: ":") {
      paths.append(String(patch[mark...].dropFirst(3)))
    }
    return paths
  }

  // MARK: Configuration, tests and versions

  private func configTest(_ criteria: SelectionCriteria) -> (any GraphMember) -> Bool {
    let isSeverity = criteria.arguments == ["severity"]
    let wanted = criteria.value
    let word = criteria.text.lowercased()
    return { member in
      guard member is Node || member is SourceTable else { return false }
      var value = PlainValue.object(member.config)
      for argument in criteria.arguments {
        guard let next = value[argument] ?? value[argument.replacing("_", with: "-")] else { return false }
        value = next
      }
      let candidates = value.arrayValue ?? [value]
      return candidates.contains { candidate in
        if candidate == wanted { return true }
        if isSeverity, candidate.stringValue?.lowercased() == word { return true }
        return candidate == .bool(true) && word == "true" || candidate == .bool(false) && word == "false"
      }
    }
  }

  private func testTypeTest(_ text: String) throws(ProjectError) -> (any GraphMember) -> Bool {
    switch text {
    case "generic", "schema": return { ($0 as? Node)?.isGenericTest ?? false }
    case "singular": return { $0.resourceType == .test && !(($0 as? Node)?.isGenericTest ?? true) }
    case "data": return { $0.resourceType == .test }
    case "unit": return { $0.resourceType == .unitTest }
    default:
      throw ProjectError(
        .runtime,
        "Invalid test type selector \(text): expected \"generic\", \"singular\", \"unit\", or \"data\"")
    }
  }

  private func versionTest(_ text: String) throws(ProjectError) -> (any GraphMember) -> Bool {
    guard ["latest", "prerelease", "old", "none"].contains(text) else {
      throw ProjectError(
        .runtime,
        "Invalid version type selector \(text): expected one of: \"latest\", \"prerelease\", \"old\", or \"none\"")
    }
    return { member in
      guard let node = member as? Node, node.resourceType == .model else { return false }
      guard let version = node.version, let latest = node.latestVersion else {
        return text == "none" && node.version == nil
      }
      switch text {
      case "latest": return version == latest
      case "prerelease": return latest.isEarlierVersion(than: version)
      case "old": return version.isEarlierVersion(than: latest)
      default: return false
      }
    }
  }
}

extension PlainValue {
  /// Order of model versions: by number when both are numbers, else as texts.
  func isEarlierVersion(than other: PlainValue) -> Bool {
    func number(_ value: PlainValue) -> Double? { value.doubleValue ?? value.stringValue.flatMap { Double($0) } }
    if let left = number(self), let right = number(other) { return left < right }
    return versionText.precedes(other.versionText)
  }
}
