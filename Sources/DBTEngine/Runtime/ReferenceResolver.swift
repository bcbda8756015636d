import DBTContext
import DBTProject
import OrderedCollections
import PlainData

/// Finds what `ref()`, `source()`, `function()` and `metric()` name at run time. Made once for a project.
struct ReferenceResolver: Sendable {
  private let manifest: Manifest
  /// Unique ids of what `ref()` can name, by name.
  private let nodes: [String: [String]]
  private let sources: [String: [String]]

  init(_ manifest: Manifest) {
    self.manifest = manifest
    var nodes: [String: [String]] = [:]
    for (id, node) in manifest.nodes where node.resourceType.isRefable { nodes[node.name, default: []].append(id) }
    var sources: [String: [String]] = [:]
    for (id, source) in manifest.sources { sources["\(source.sourceName).\(source.name)", default: []].append(id) }
    self.nodes = nodes
    self.sources = sources
  }

  /// The node that a reference means: of the package named, else of the node's own package, the root project, any other.
  ///
  /// - Throws: dbt's compilation error when there is none.
  func node(
    _ name: String, package: String?, version: PlainValue?, from nodePackage: String, subject: String
  ) throws(DBTError) -> Node {
    let candidates = (nodes[name] ?? []).compactMap { manifest.nodes[$0] }
    let packages: [String?] = package.map { [$0] } ?? [nodePackage, manifest.projectName, nil]
    for wanted in packages {
      let fitting = candidates.filter { wanted == nil || $0.packageName == wanted }
      if let found = fitting.first(where: { matches($0, version) }) { return found }
    }
    let shown =
      (package.map { "'\($0)'.'\(name)'" } ?? "'\(name)'") + (version.map { " with version '\($0.versionText)'" } ?? "")
    throw DBTError(.compilation, "\(subject) depends on a node named \(shown) which was not found")
  }

  private func matches(_ node: Node, _ version: PlainValue?) -> Bool {
    guard let own = node.version else { return version == nil }
    guard let version else { return node.latestVersion.map { $0.versionText == own.versionText } ?? true }
    return own.versionText == version.versionText
  }

  /// The function, of the package named, else of the node's own package first.
  func function(_ name: String, package: String?, from nodePackage: String, subject: String) throws(DBTError) -> Node {
    let candidates = manifest.functions.values.filter { $0.name == name }
    for wanted in package.map({ [$0] }) ?? [nodePackage, manifest.projectName, nil] {
      if let found = candidates.first(where: { wanted == nil || $0.packageName == wanted }) { return found }
    }
    throw DBTError(.compilation, "\(subject) depends on a function named '\(name)' which was not found")
  }

  /// The metric, of the package named, else of the root project first.
  func metric(
    _ name: String, package: String?, from nodePackage: String, subject: String
  ) throws(DBTError) -> ResourceEntry {
    for wanted in package.map({ [$0] }) ?? [manifest.projectName, nodePackage, nil] {
      if let wanted, let found = manifest.metrics["metric.\(wanted).\(name)"] { return found }
      if wanted == nil, let found = manifest.metrics.values.first(where: { $0.name == name }) { return found }
    }
    let place = package.map { "in package or project '\($0)' " } ?? ""
    throw DBTError(.compilation, "\(subject) depends on a metric named '\(name)' \(place)which was not found")
  }

  /// The source table, of the node's own package first.
  func source(_ name: String, _ table: String, from nodePackage: String, subject: String) throws(DBTError)
    -> SourceTable
  {
    let candidates = (sources["\(name).\(table)"] ?? []).compactMap { manifest.sources[$0] }
    for wanted in [nodePackage, manifest.projectName, nil] {
      if let found = candidates.first(where: { wanted == nil || $0.packageName == wanted }) { return found }
    }
    throw DBTError(.compilation, "\(subject) depends on a source named '\(name).\(table)' which was not found")
  }
}
