package import DBTContext
import Glibc
import OrderedCollections
import PlainData

/// Loads a project: reads its files, renders them without executing anything, and resolves what refers to what.
///
/// Never reaches a database. Takes time linear in the number of files, which several threads parse.
package enum ProjectLoader {
  /// Loads the project.
  ///
  /// - Parameter invocation: vars, environment, flags and where warnings go; its target is filled in from the profile.
  /// - Throws: what is wrong first, in dbt's words, with file, line and excerpt where there is one.
  package static func load(
    _ options: LoadOptions, invocation: Invocation
  ) throws(ProjectError) -> LoadedProject {
    try ParallelMap.alone { () throws(ProjectError) in
      var run = LoadRun(options: options, invocation: invocation)
      return try run.load()
    }
  }
}

/// One load of one project.
private struct LoadRun {
  let options: LoadOptions
  var invocation: Invocation
  let root: String
  let createdAt: Double

  init(options: LoadOptions, invocation: Invocation) {
    self.options = options
    self.invocation = invocation
    let path = options.projectDirectory
    root = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    createdAt = LoadRun.now()
  }

  private static func now() -> Double {
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec / 1000) / 1_000_000
  }

  mutating func load() throws(ProjectError) -> LoadedProject {
    let written = try ProjectFiles(root: root).project()
    let profile = try profile(written)
    invocation = invocation.with(target: profile)
    let project = try config(written, root: root, vars: invocation.vars)
    try checkVersion(project)
    let packages = try packages(of: project)
    var files: [String: [FileKind: [SourceFile]]] = [:]
    for (name, package) in packages { files[name] = try FileDiscovery(package).files() }
    let (registry, macros) = try MacroLoader(
      root: project, packages: packages, internalPackages: internalNames, threads: options.parsingThreads,
      createdAt: createdAt
    ).load(files)
    let environment = ParseEnvironment(
      invocation: invocation, registry: registry, root: project, packages: packages, profile: profile,
      createdAt: createdAt)
    let assembly = ProjectAssembly(
      environment: environment, files: files, macros: macros, threads: options.parsingThreads)
    let resources = try assembly.build()
    let selectorDocument = try selectors(profile)
    var manifest = resources.manifest
    manifest.selectors = LoadRun.selectorEntries(selectorDocument)
    manifest.linkMembers()
    return LoadedProject(
      project: project, packages: packages, profile: profile, macros: registry, manifest: manifest,
      graph: try ProjectGraph(manifest), selectors: try LoadRun.definitions(selectorDocument, invocation),
      warnings: resources.warnings, invocation: invocation)
  }

  private var internalNames: [String] = []
}
