package import DBTContext
package import OrderedCollections
package import PlainData

/// Which project to load and with which profile.
package struct LoadOptions: Sendable {
  /// The folder of `dbt_project.yml`.
  package var projectDirectory: String
  /// The folder of `profiles.yml`; nil looks in `DBT_PROFILES_DIR`, the project's folder and `~/.dbt`.
  package var profilesDirectory: String?
  /// `--profile`; nil takes the project's.
  package var profileName: String?
  /// `--target`; nil takes `DBT_TARGET`, else the profile's.
  package var targetName: String?
  /// `--threads`, the nodes a run executes at once; nil takes the profile's.
  package var threads: Int?
  /// The folders of dbt's own macro packages, the adapter's first: those of `dbt_postgres` and `dbt`.
  package var macroPackages: [String]
  /// Threads that parse files.
  package var parsingThreads = 2
  /// Code given on the command line, loaded as the node `sql_operation.PROJECT.inline_query`; nil without any.
  package var inlineQuery: String?
  /// Gives the document of `ParseMemory` that an earlier load of the project left, if any; nil for a load that keeps
  /// nothing.
  package var parsedBefore: (@Sendable (ProjectConfig) -> [UInt8]?)?
  /// Called when the project's own file and the profile have been read, before anything is parsed.
  package var onProjectRead: (@Sendable () -> Void)?
  /// Whether `require-dbt-version` is checked.
  package var checksVersion = true

  package init(projectDirectory: String, macroPackages: [String]) {
    self.projectDirectory = projectDirectory
    self.macroPackages = macroPackages
  }
}

/// A project that was read, parsed and checked. Immutable, shared by everything that works on it.
package struct LoadedProject: Sendable {
  /// The root project.
  package let project: ProjectConfig
  /// Every package by name, in dbt's order: the root project, dbt's own packages, installed ones.
  package let packages: OrderedDictionary<String, ProjectConfig>
  package let profile: TargetProfile
  package let macros: MacroRegistry
  /// nil when the project has no template of its own for comments.
  package let queryComments: QueryComments?
  package let manifest: Manifest
  /// The graph of the manifest, free of cycles.
  package let graph: ProjectGraph
  /// What `selectors.yml` defines.
  package let selectors: SelectorDefinitions
  /// What dbt would warn about, in the order of finding.
  package let warnings: [ProjectWarning]
  /// What this load found out for the next one; nil when nothing is kept.
  package let memory: ParseMemory?
  /// The invocation it was loaded for, with the target filled in.
  package let invocation: Invocation

  /// The vars that nodes of a package see.
  package func vars(of package: String) -> PlainObject {
    VarSettings.merged(
      cli: invocation.vars, root: project.vars, package: package == project.name ? nil : packages[package]?.vars,
      packageName: package)
  }

  /// Chooses nodes of this project.
  ///
  /// - Parameter state: what earlier runs left, to compare with.
  package func selector(state: PreviousState? = nil) throws(ProjectError) -> NodeSelector {
    var state = state
    state?.comparesUnrendered = project.isOn(.comparesUnrenderedValues)
    return try NodeSelector(manifest: manifest, graph: graph, selectors: selectors, state: state)
  }
}
