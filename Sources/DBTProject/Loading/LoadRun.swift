import CLinux
import DBTContext
import Glibc
import OrderedCollections
import PlainData
import Secrets

/// One load of one project.
struct LoadRun {
  private let options: LoadOptions
  private var invocation: Invocation
  private let root: String
  private let createdAt: Double
  /// The names of dbt's own packages, the adapter's first.
  private var internalNames: [String] = []

  init(options: LoadOptions, invocation: Invocation) {
    self.options = options
    self.invocation = invocation
    let path = options.projectDirectory
    root = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    createdAt = LoadRun.now()
  }

  /// Seconds since 1970, of the system's clock.
  static func now() -> Double {
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec / 1000) / 1_000_000
  }

  /// - Throws: what is wrong first.
  mutating func load() throws(ProjectError) -> LoadedProject {
    let written = try ProjectFiles(root: root).project()
    try warnOfDuplicates()
    let profile = try profile(written)
    invocation = invocation.targeting(profile)
    var project = try config(written, root: root, vars: invocation.vars)
    if project.flags.isEmpty { project.flags = ProfileReader(folder: profilesFolder, invocation: invocation).flags() }
    project.flags = ProjectFlags.accepted(project.flags)
    invocation.flags = invocation.flags.taking(project)
    options.onProjectRead?()
    let packages = try packages(of: project)
    var files: [String: [FileKind: [SourceFile]]] = [:]
    for (name, package) in packages {
      files[name] = try FileDiscovery(package, takesTemplateEndings: project.isOn(.takesTemplateEndings)).files()
    }
    let properties = try propertyFiles(files, of: packages)
    let macroLoader = MacroLoader(
      root: project, packages: packages, internalPackages: internalNames, threads: options.parsingThreads,
      createdAt: createdAt)
    let (registry, macros, warnings) = try macroLoader.load(files)
    try warn(warnings)
    let comments = try queryComments(of: project, registry)
    let environment = ParseEnvironment(
      invocation: invocation, registry: registry, root: project, packages: packages, profile: profile,
      createdAt: createdAt, memory: options.parsedBefore.map { ParseMemory($0(project)) })
    let assembly = ProjectAssembly(
      environment: environment, files: files, threads: options.parsingThreads, inlineQuery: options.inlineQuery,
      properties: properties)
    let resources = ParsedResources(projectName: project.name)
    resources.manifest.macros = macros
    do throws(ProjectError) {
      try assembly.build(resources)
    } catch {
      try warn(resources.warnings)
      throw error
    }
    return try finish(resources, environment, comments)
  }

  /// Reads `dbt_project.yml` alone, for commands that need neither profile nor resources.
  func projectOnly() throws(ProjectError) -> ProjectConfig {
    let written = try ProjectFiles(root: root).project()
    try warnOfDuplicates()
    return try config(written, root: root, vars: invocation.vars)
  }

  /// Reads the target alone. The project's file is read for the profile's name, when no option gives it.
  func profileOnly() throws(ProjectError) -> TargetProfile {
    try profile(options.profileName == nil ? try ProjectFiles(root: root).project() : [:])
  }

  /// As in dbt a template that fails without a node is told of before anything is parsed.
  private func queryComments(
    of project: ProjectConfig, _ registry: MacroRegistry
  ) throws(ProjectError) -> QueryComments? {
    guard let template = project.queryComment.template else { return nil }
    let comments = try QueryComments(template, registry)
    do throws(DBTError) {
      _ = try comments.comment(connection: "master", node: nil, invocation)
    } catch {
      throw ProjectError(rendering: error)
    }
    return comments
  }

  private func finish(
    _ resources: ParsedResources, _ environment: ParseEnvironment, _ comments: QueryComments?
  ) throws(ProjectError) -> LoadedProject {
    let selectors = try selectors()
    var manifest = resources.manifest
    manifest.selectors = SelectorDocument.definitions(selectors["selectors"]?.arrayValue ?? [])
    manifest.linkMembers()
    let indirect = IndirectSelection(rawValue: invocation.flags.indirectSelection) ?? .eager
    return LoadedProject(
      project: environment.root, packages: environment.packages, profile: environment.profile,
      macros: environment.registry, queryComments: comments, manifest: manifest, graph: try ProjectGraph(manifest),
      selectors: selectors.isEmpty
        ? SelectorDefinitions() : try SelectorDefinitions(.object(selectors), indirect: indirect),
      warnings: resources.warnings, memory: environment.memory?.entries, invocation: invocation)
  }

  // MARK: Profile

  private func profile(_ written: PlainObject) throws(ProjectError) -> TargetProfile {
    var name = options.profileName
    if name == nil, let given = written["profile"], !given.isNull {
      let renderer = FileRenderer(invocation, vars: invocation.vars, path: "dbt_project.yml")
      name = try renderer.render(given).pythonText
    }
    guard let name else {
      throw ProjectError(
        .runtime,
        "dbt cannot run because no profile was specified for this dbt project.\nTo specify a profile for this "
          + "project, add a "
          + "line like the this to\nyour dbt_project.yml file:\n\nprofile: [profile name]\n\nHere, [profile name] "
          + "should be "
          + "replaced with a profile name\ndefined in your profiles.yml file.",
        path: "dbt_project.yml")
    }
    let environment = invocation.environment.values
    let target = options.targetName ?? environment["DBT_TARGET"].flatMap { $0.isEmpty ? nil : $0 }
    return try ProfileReader(folder: profilesFolder, invocation: invocation).read(
      profile: name, target: target, threads: options.threads)
  }

  private var profilesFolder: String {
    if let folder = options.profilesDirectory { return folder }
    let environment = invocation.environment.values
    if let folder = environment["DBT_PROFILES_DIR"], !folder.isEmpty { return folder }
    if FileReader.isFile(root + "/profiles.yml") { return root }
    return (environment["HOME"] ?? "") + "/.dbt"
  }

  // MARK: Packages

  private func config(_ written: PlainObject, root: String, vars: PlainObject) throws(ProjectError) -> ProjectConfig {
    let renderer = FileRenderer(
      invocation, vars: vars, path: "dbt_project.yml", hasProfile: invocation.target != nil)
    let rendered = try ProjectFiles.rendered(written, with: renderer)
    let config = try ProjectConfig(rendered, unrendered: written, root: root)
    try warn(ProjectConfigReader.deprecations(rendered))
    if options.checksVersion { try DBTVersion.check(config, installed: invocation.dbtVersion) }
    return config
  }

  /// The property files of each package, read and checked for keys that stand twice.
  private func propertyFiles(
    _ files: [String: [FileKind: [SourceFile]]], of packages: OrderedDictionary<String, ProjectConfig>
  ) throws(ProjectError) -> [String: [PropertyFile]] {
    var found: [String: [PropertyFile]] = [:]
    for package in packages.keys {
      let read = try ParallelMap.run(
        files[package]?[.properties] ?? [], threads: options.parsingThreads, worker: { () },
        body: { _, file throws(ProjectError) in try PropertyFile(file) }
      ).compactMap { $0 }
      for file in read {
        try warn(file.duplicateKeys.map { ProjectWarning(duplicate: $0, in: file.file.originalFilePath) })
      }
      found[package] = read
    }
    return found
  }

  /// Keys that stand twice in the project's own file.
  private func warnOfDuplicates() throws(ProjectError) {
    try warn(
      try ProjectFiles(root: root).duplicateKeys("dbt_project.yml").map {
        ProjectWarning(duplicate: $0, in: root + "/dbt_project.yml")
      })
  }

  /// Warns at once.
  private func warn(_ warnings: [ProjectWarning]) throws(ProjectError) {
    do {
      for warning in warnings { try invocation.warn(of: warning) }
    } catch {
      throw ProjectError(.compilation, error.message)
    }
  }

  private mutating func packages(of project: ProjectConfig) throws(ProjectError) -> OrderedDictionary<
    String, ProjectConfig
  > {
    var packages: OrderedDictionary<String, ProjectConfig> = [project.name: project]
    for folder in options.macroPackages {
      guard FileReader.isFile(folder + "/dbt_project.yml") else {
        throw ProjectError(
          .dependency, "The macro package \(folder) has no dbt_project.yml: install dbt's macro packages there")
      }
      let package = try package(at: folder)
      internalNames.append(package.name)
      try add(package, to: &packages)
    }
    for package in try installed(project) { try add(package, to: &packages) }
    return packages
  }

  private func add(
    _ package: ProjectConfig, to packages: inout OrderedDictionary<String, ProjectConfig>
  ) throws(ProjectError) {
    guard packages[package.name] == nil else {
      throw ProjectError(
        .compilation,
        "dbt found more than one package with the name \"\(package.name)\" included in this project. Package names "
          + "must be "
          + "unique in a project. Please rename one of these packages.")
    }
    var package = package
    // Of all flags only those of the root project, which is the first, count.
    package.flags = packages.values[0].flags
    packages[package.name] = package
  }

  private func package(at folder: String) throws(ProjectError) -> ProjectConfig {
    do {
      return try config(try ProjectFiles(root: folder).project(), root: folder, vars: [:])
    } catch {
      throw ProjectError(
        error.kind, "Failed to read package: \(error.message)", path: folder, line: error.line, column: error.column,
        excerpt: error.excerpt, cause: error)
    }
  }

  /// The packages in the install folder.
  private func installed(_ project: ProjectConfig) throws(ProjectError) -> [ProjectConfig] {
    let folder = root + "/" + project.packagesInstallPath
    let found = try FileReader.list(folder).filter { $0.isFolder && !$0.name.hasPrefix("__") }.map(\.name)
    let declared = try ProjectFiles(root: root).declaredPackages()
    let missing = declared.names.filter { !found.contains($0) }
    guard declared.count == found.count else {
      let names = missing.isEmpty ? "" : "Following packages were not found: \(missing.joined(separator: ", ")). "
      throw ProjectError(
        .compilation,
        "dbt expects \(declared.count) package(s) based on packages specified in \(declared.file), but found only "
          + "\(found.count) package(s) installed in \(project.packagesInstallPath). \(names)Run \"dbt deps\" to "
          + "install "
          + "package dependencies.")
    }
    return try found.map { name throws(ProjectError) in try package(at: folder + "/" + name) }
  }

  // MARK: Selectors

  private func selectors() throws(ProjectError) -> PlainObject {
    guard let document = try ProjectFiles(root: root).document("selectors.yml") else { return [:] }
    let renderer = FileRenderer(invocation, vars: invocation.vars, path: "selectors.yml")
    return try renderer.render(.object(document)).objectValue ?? [:]
  }
}

extension Invocation {
  /// The same invocation for a target, whose password is kept out of all texts too.
  func targeting(_ profile: TargetProfile) -> Invocation {
    var copy = Invocation(
      vars: vars, environment: environment, flags: flags, target: profile, invocationID: invocationID,
      startedAt: startedAt, sink: { [self] line in log(line) })
    copy.dbtVersion = dbtVersion
    copy.deprecations = deprecations
    return copy
  }
}
