import DBTProject
import OrderedCollections
import PlainData

/// What `dbt list` prints of resources.
package struct ProjectListing: Sendable {
  private let output: String
  private let keys: [String]

  /// - Parameters:
  ///   - output: `selector`, `name`, `path` or `json`.
  ///   - keys: for `json`, the members to print; dbt's own choice when empty.
  package init(output: String, keys: [String] = []) {
    self.output = output
    self.keys = keys.flatMap { $0.split(separator: " ").map(String.init) }
  }

  private static let standardKeys = [
    "alias", "name", "package_name", "depends_on", "tags", "config", "resource_type", "source_name",
    "original_file_path", "unique_id",
  ]

  /// One line a resource, in the order of unique ids.
  ///
  /// - Throws: a usage error for an unknown output.
  package func lines(_ uniqueIDs: [String], _ engine: Engine) throws(EngineError) -> [String] {
    guard ["selector", "name", "path", "json"].contains(output) else {
      throw EngineError(
        .usage, "Invalid value for '--output': '\(output)' is not one of 'json', 'name', 'path', 'selector'.")
    }
    let manifest = engine.project.manifest
    return uniqueIDs.sorted().compactMap { manifest.member($0) }.map { line($0, manifest) }
  }

  private func line(_ member: any GraphMember, _ manifest: Manifest) -> String {
    switch output {
    case "name":
      (member as? Node)?.searchName ?? (member as? SourceTable).map { "\($0.sourceName).\($0.name)" } ?? member.name
    case "path": member.originalFilePath
    case "json": document(member, manifest).json(.python)
    default: selector(member)
    }
  }

  private func selector(_ member: any GraphMember) -> String {
    let dotted = member.fqn.joined(separator: ".")
    switch member.resourceType {
    case .source:
      return "source:\(member.packageName).\((member as? SourceTable)?.sourceName ?? "").\(member.name)"
    case .unitTest:
      let version = member.version.map { "_v\($0.versionText)" } ?? ""
      return "unit_test:\(member.packageName).\(member.name)\(version)"
    case .exposure, .metric, .semanticModel, .savedQuery:
      return "\(member.resourceType.rawValue):\(member.packageName).\(member.name)"
    default: return dotted
    }
  }

  private func document(_ member: any GraphMember, _ manifest: Manifest) -> PlainValue {
    let all: PlainObject
    switch member {
    case let node as Node: all = node.json().objectValue ?? [:]
    case let source as SourceTable: all = source.json().objectValue ?? [:]
    case let entry as ResourceEntry: all = entry.json().objectValue ?? [:]
    default: all = [:]
    }
    var members = all
    if (member as? Node)?.resourceType == .model { members["direct_parents"] = .strings(member.dependsOnNodes) }
    guard !keys.isEmpty else {
      return .object(members.filter { Self.standardKeys.contains($0.key) || $0.key == "direct_parents" })
    }
    var shown = PlainObject()
    for key in keys {
      // A key with points goes down into objects; what is not there is left out.
      if key.contains(".") {
        let value = key.split(separator: ".").reduce(PlainValue.object(members)) { $0[String($1)] ?? .null }
        if !value.isNull { shown[key] = value }
      } else if let value = members[key] {
        shown[key] = value
      }
    }
    return .object(shown)
  }
}

extension Engine {
  /// `Found 12 models, 4 seeds, …`: what the project holds.
  package var foundLine: String {
    let manifest = project.manifest
    var counts = OrderedDictionary<String, Int>()
    for node in manifest.nodes.values { counts[node.resourceType.rawValue, default: 0] += 1 }
    for (noun, count) in [
      ("source", manifest.sources.count), ("exposure", manifest.exposures.count), ("metric", manifest.metrics.count),
      ("macro", manifest.macros.count), ("group", manifest.groups.count),
      ("semantic_model", manifest.semanticModels.count), ("saved_query", manifest.savedQueries.count),
      ("unit_test", manifest.unitTests.count),
    ] where count > 0 { counts[noun] = count }
    return "Found " + counts.map { Counted.text($0.value, $0.key) }.joined(separator: ", ")
  }
}
