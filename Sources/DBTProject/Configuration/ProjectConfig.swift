import OrderedCollections
package import PlainData

/// A package's `dbt_project.yml`, rendered and checked.
package struct ProjectConfig: Sendable {
  /// The package's name, by which refs and macros know it.
  package var name: String
  package var version: String?
  /// The absolute path of its folder.
  package var root: String
  package var profileName: String?
  package var modelPaths: [String]
  package var seedPaths: [String]
  package var testPaths: [String]
  package var analysisPaths: [String]
  package var macroPaths: [String]
  package var snapshotPaths: [String]
  package var functionPaths: [String]
  package var docsPaths: [String]
  /// Folders that `docs generate` copies to the artifacts.
  package var assetPaths: [String]
  /// Folders of documents of Open Semantic Interchange, from which dbt makes semantic models.
  package var openSemanticPaths: [String]
  package var targetPath: String
  package var logPath: String
  /// What `clean` removes; may lie outside of the folder, which `clean` has to see to.
  package var cleanTargets: [String]
  package var packagesInstallPath: String
  /// `database`, `schema` and `identifier`: whether names are quoted. Keys the file does not give are absent.
  package var quoting: PlainObject
  /// Not rendered.
  package var queryComment: QueryCommentSetting
  /// Not rendered.
  package var onRunStart: [String]
  /// Not rendered.
  package var onRunEnd: [String]
  /// Objects of `macro_namespace` and `search_order`.
  package var dispatch: [PlainValue]
  /// Not rendered; values are when `var()` reads them.
  package var vars: PlainObject
  /// The project's own flags, behaviour-change flags among them.
  package var flags: PlainObject
  package var restrictsAccess: Bool
  /// Requirements on dbt's version, such as `>=1.3.0`.
  package var requiredVersions: [String]
  /// The sections that configure resources, rendered, by dbt's key (`models`, `data_tests`, …).
  package var sections: [String: PlainObject]
  /// The same sections as written.
  package var unrenderedSections: [String: PlainObject]

  /// Every path that may hold property files, each once.
  package var allPaths: [String] {
    var paths: [String] = []
    for path in modelPaths + seedPaths + snapshotPaths + analysisPaths + macroPaths + testPaths + functionPaths {
      let stripped = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
      if !paths.contains(stripped) { paths.append(stripped) }
    }
    return paths
  }

  /// The names of the sections that configure resources.
  static let sectionNames = [
    "models", "seeds", "snapshots", "sources", "data_tests", "unit_tests", "metrics", "semantic-models",
    "saved-queries", "analyses", "exposures", "functions",
  ]

  /// Reads a rendered document.
  ///
  /// - Parameters:
  ///   - document: `dbt_project.yml` rendered, hooks, vars and comments excepted.
  ///   - unrendered: the same as written.
  /// - Throws: a runtime error in dbt's words that names the key at fault.
  init(_ document: PlainObject, unrendered: PlainObject, root: String) throws(ProjectError) {
    try ProjectConfigReader.check(document)
    let reader = ProjectConfigReader(document: document)
    name = try reader.name()
    self.root = root
    version = document["version"].flatMap { $0.isNull ? nil : $0.pythonText }
    profileName = try reader.text("profile")
    modelPaths = try reader.paths("model-paths", old: "source-paths") ?? ["models"]
    seedPaths = try reader.paths("seed-paths", old: "data-paths") ?? ["seeds"]
    testPaths = try reader.paths("test-paths") ?? ["tests"]
    analysisPaths = try reader.paths("analysis-paths") ?? ["analyses"]
    macroPaths = try reader.paths("macro-paths") ?? ["macros"]
    snapshotPaths = try reader.paths("snapshot-paths") ?? ["snapshots"]
    functionPaths = try reader.paths("function-paths") ?? ["functions"]
    assetPaths = try reader.paths("asset-paths") ?? []
    openSemanticPaths = try reader.paths("osi-paths") ?? ["osi", "OSI"]
    targetPath = try reader.text("target-path") ?? "target"
    logPath = try reader.text("log-path") ?? "logs"
    cleanTargets = try reader.paths("clean-targets", mayLeave: true) ?? [targetPath]
    packagesInstallPath = try reader.text("packages-install-path") ?? "dbt_packages"
    quoting = try reader.object("quoting").filter { !$0.value.isNull }
    queryComment = try reader.queryComment()
    onRunStart = try reader.hooks("on-run-start")
    onRunEnd = try reader.hooks("on-run-end")
    dispatch = try reader.list("dispatch")
    vars = try reader.object("vars")
    flags = try reader.object("flags")
    restrictsAccess = document["restrict-access"]?.boolValue ?? false
    requiredVersions = try reader.versions()
    sections = [:]
    unrenderedSections = [:]
    docsPaths = []
    for section in ProjectConfig.sectionNames {
      sections[section] = try reader.object(section)
      unrenderedSections[section] = unrendered[section]?.objectValue ?? [:]
    }
    docsPaths = try reader.paths("docs-paths") ?? allPaths
  }

  /// The configuration levels of a resource, general ones first, as written in the section of its type.
  ///
  /// - Parameter isRendered: false for the texts before rendering.
  func levels(_ type: ResourceType, fqn: [String], isRendered: Bool = true) -> [PlainObject] {
    guard var level = isRendered ? sections[section(of: type)] : unrenderedSection(of: type) else { return [] }
    var levels = [ProjectConfig.settings(of: level)]
    for name in fqn {
      guard case .object(let next)? = level[name] else { break }
      levels.append(ProjectConfig.settings(of: next))
      level = next
    }
    return levels
  }

  /// The section that configures resources of a type.
  func section(of type: ResourceType) -> String {
    type == .analysis && isOn(.placesAnalysesAsTheyLie) ? "analyses" : type.projectSection
  }

  /// The same as written. dbt looks for some under names that no project file can have, and for functions under `models`.
  private func unrenderedSection(of type: ResourceType) -> PlainObject? {
    switch type {
    case .semanticModel, .savedQuery: nil
    case .function: unrenderedSections["models"]
    default: unrenderedSections[section(of: type)]
    }
  }

  /// What of a level is configuration: keys with `+`, and keys whose value is no object.
  private static func settings(of level: PlainObject) -> PlainObject {
    var settings = PlainObject()
    for (key, value) in level {
      if key.hasPrefix("+") {
        settings[String(key.dropFirst()).trimmed] = value
      } else if value.objectValue == nil {
        settings[key] = value
      }
    }
    return settings
  }
}
