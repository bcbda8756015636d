import OrderedCollections
import PlainData

/// Finds resources by the names that templates and property files use.
struct ResourceLookup {
  /// Name (for versions `name.vN` too) to package to unique id, packages in the order of parsing.
  private var refs: [String: OrderedDictionary<String, String>] = [:]
  private var disabledRefs: [String: OrderedDictionary<String, [String]>] = [:]

  /// Makes a node of the graph known.
  mutating func add(_ node: Node) {
    guard node.resourceType.isRefable else { return }
    if node.version != nil {
      refs[node.searchName, default: [:]][node.packageName] = node.uniqueID
      if node.version == node.latestVersion { refs[node.name, default: [:]][node.packageName] = node.uniqueID }
    } else {
      refs[node.name, default: [:]][node.packageName] = node.uniqueID
    }
  }

  /// Makes a disabled node known.
  mutating func addDisabled(_ node: Node) {
    var ids = disabledRefs[node.searchName, default: [:]][node.packageName] ?? []
    if !ids.contains(node.uniqueID) { ids.append(node.uniqueID) }
    disabledRefs[node.searchName, default: [:]][node.packageName] = ids
  }

  /// The enabled node of a name.
  ///
  /// - Parameter package: nil asks every package.
  /// - Throws: a compilation error when several packages have the name and none is asked for.
  func ref(_ name: String, package: String?, version: PlainValue? = nil) throws(ProjectError) -> String? {
    let key = version.map { $0.isTruthy ? "\(name).v\($0.versionText)" : name } ?? name
    guard let found = refs[key] else { return nil }
    if let package { return found[package] }
    guard found.count > 1 else { return found.values.first }
    let ids = found.values.map { "'\($0)'" }.joined(separator: ", ")
    let packages = found.keys.map { "'\($0)'" }.joined(separator: " or ")
    throw ProjectError(
      .compilation,
      "When referencing '\(key)', dbt found nodes in multiple packages: \(ids)\nTo fix this, use two-argument 'ref', "
        + "with "
        + "the package name first: \(packages)")
  }

  /// The unique ids of disabled nodes of a name.
  func disabled(_ name: String, package: String?, version: PlainValue? = nil) -> [String] {
    let key = version.map { "\(name).v\($0.versionText)" } ?? name
    guard let found = disabledRefs[key] else { return [] }
    if let package { return found[package] ?? [] }
    return found.values.flatMap { $0 }
  }

  /// The packages in which a name is looked for, in order; nil stands for all.
  static func packages(_ root: ProjectConfig, node: String, named: String?) -> [String?] {
    if let named { return [named] }
    if root.name == node { return [node, nil] }
    return root.isOn(.searchesOwnPackageFirst) ? [node, root.name, nil] : [root.name, node, nil]
  }
}
