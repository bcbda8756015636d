import OrderedCollections
import PlainData

/// Lays the properties of a versioned model over the nodes of its versions.
struct VersionPatcher {
  let resources: ParsedResources
  let parser: NodeParser
  let entry: PropertyEntry

  /// One version of the list.
  private struct Version {
    var value: PlainValue
    var members: PlainObject
    var label: String { "v" + value.versionText }
  }

  /// The versions a property file lists, each with its number or name.
  static func versions(_ entry: PropertyEntry) throws(ProjectError) -> [PlainValue] {
    try VersionPatcher.read(entry).map(\.value)
  }

  private static func read(_ entry: PropertyEntry) throws(ProjectError) -> [Version] {
    var versions: [Version] = []
    for value in entry.members["versions"]?.arrayValue ?? [] {
      guard let members = value.objectValue, let number = members["v"] else { continue }
      if versions.contains(where: { $0.value.versionText == number.versionText }) {
        throw ProjectError(
          .parsing, "Found duplicate version: '\(number.versionText)' in versions list of model '\(entry.name)'",
          path: entry.file.originalFilePath)
      }
      versions.append(Version(value: number, members: members))
    }
    return versions
  }

  /// Applies the entry to every version's node.
  ///
  /// - Throws: parsing errors for versions that contradict each other or their model.
  func patch() throws(ProjectError) {
    let versions = try VersionPatcher.read(entry)
    let latest = try latestVersion(versions)
    for version in versions {
      guard let (draft, isEnabled) = try take(version, isLatest: version.value == latest) else { continue }
      var renamed = draft
      rename(&renamed.node, version)
      try describe(&renamed.node, version, latest: latest)
      try configure(&renamed, version)
      try resources.putBack(renamed, isEnabled: isEnabled)
    }
  }

  private func latestVersion(_ versions: [Version]) throws(ProjectError) -> PlainValue {
    if let given = entry.members["latest_version"], !given.isNull {
      guard versions.contains(where: { $0.value == given }) else {
        throw ProjectError(
          .parsing,
          "latest_version: \(given.pythonText) is not one of model '\(entry.name)' versions: "
            + PlainValue.array(versions.map(\.value)).pythonText,
          path: entry.file.originalFilePath)
      }
      return given
    }
    return versions.map(\.value).reduce(versions[0].value) { $0.isEarlierVersion(than: $1) ? $1 : $0 }
  }

  /// The node of a version, taken out of the resources.
  private func take(_ version: Version, isLatest: Bool) throws(ProjectError) -> (DraftNode, isEnabled: Bool)? {
    let name = version.members["defined_in"]?.stringValue ?? "\(entry.name)_\(version.label)"
    let package = entry.file.packageName
    var id = try resources.lookup.ref(name, package: package)
    if id == nil, isLatest { id = try resources.lookup.ref(entry.name, package: package) }
    let isEnabled = id != nil
    if id == nil { id = resources.lookup.disabled(name, package: nil).first { $0.hasPrefix("model.") } }
    guard let id, let draft = resources.remove(id) else {
      resources.warn(
        "NoNodeForYamlKey",
        "Did not find matching node for patch with name '\(name)' in the 'models' section of file "
          + "'\(entry.file.originalFilePath)'")
      return nil
    }
    return (draft, isEnabled)
  }

  private func rename(_ node: inout Node, _ version: Version) {
    node.uniqueID = "model.\(entry.file.packageName).\(entry.name).\(version.label)"
    node.name = entry.name
    if !node.fqn.isEmpty { node.fqn[node.fqn.count - 1] = entry.name }
    node.fqn.append(version.label)
  }

  private func describe(_ node: inout Node, _ version: Version, latest: PlainValue) throws(ProjectError) {
    node.patchPath = entry.file.fileID
    let own = version.members["description"]?.stringValue ?? ""
    node.description = own.isEmpty ? entry.members["description"]?.stringValue ?? "" : own
    let columns = try VersionPatcher.columns(entry, version: version.value)
    node.columns = try ColumnReader(path: entry.file.originalFilePath).columns(columns)
    node.version = version.value
    node.latestVersion = latest
  }

  private func configure(_ draft: inout DraftNode, _ version: Version) throws(ProjectError) {
    var patch = entry.config
    ConfigBuilder.deepMerge(version.members["config"]?.objectValue ?? [:], into: &patch)
    var unrendered = entry.unrenderedConfig
    ConfigBuilder.deepMerge(version.members["config"]?.objectValue ?? [:], into: &unrendered)
    try parser.configure(&draft, patch: patch, unrenderedPatch: unrendered)
    var members = entry.members
    for key in ["constraints", "deprecation_date"] {
      members[key] = version.members[key] ?? (key == "constraints" ? members[key] : nil)
    }
    members["time_spine"] = nil
    try NodePatcher.applyModel(&draft.node, members, file: entry.file)
    if let access = version.members["access"]?.stringValue { draft.node.access = access }
  }

  /// The columns of a version: those of the model that it includes, then its own.
  static func columns(_ entry: PropertyEntry, version: PlainValue) throws(ProjectError) -> [PlainValue] {
    let all = entry.members["columns"]?.arrayValue ?? []
    let versions = try read(entry)
    guard let own = versions.first(where: { $0.value == version })?.members["columns"]?.arrayValue else { return all }
    let rules = own.filter { $0["include"] != nil || $0["exclude"] != nil }
    guard rules.count <= 1 else {
      throw ProjectError(
        .parsing, "version can have at most one include/exclude element", path: entry.file.originalFilePath)
    }
    let added = own.filter { $0["include"] == nil && $0["exclude"] == nil }
    let excluded = (rules.first?["exclude"]?.arrayValue ?? []).map(\.pythonText)
    let included: [String]? = rules.first.flatMap { rule in
      guard let names = rule["include"]?.arrayValue else { return nil }
      return names.map(\.pythonText)
    }
    let kept = all.filter { column in
      let name = column["name"]?.pythonText ?? ""
      return (included?.contains(name) ?? true) && !excluded.contains(name)
    }
    return kept + added
  }

  /// The tests of a version: its own list when it has one, else the model's.
  static func tests(_ entry: PropertyEntry, version: PlainValue) throws(ProjectError) -> [PlainValue] {
    let own = try read(entry).first { $0.value == version }?.members["data_tests"]?.arrayValue
    return own ?? entry.members["data_tests"]?.arrayValue ?? []
  }
}
