package import DBTContext
import OrderedCollections
import PlainData
import Secrets

/// `dbt deps`: local packages are linked, those of git repositories cloned, archives and packages of dbt's index downloaded.
///
/// What it resolves goes into `package-lock.yml` in dbt's form, with dbt's hash, so that either program accepts it. Where a
/// server cannot be reached, a package that stands in the install folder already is taken as it was delivered.
package struct PackageInstaller {
  let root: String
  let invocation: Invocation
  let say: (String) -> Void
  private let files: ProjectFiles
  let renderer: FileRenderer
  /// For names and folders, which no secret belongs to.
  private let plainRenderer: FileRenderer
  let git: GitPackages
  let archives: ArchivePackages
  let index: PackageIndex

  /// - Parameters:
  ///   - root: the project's folder, absolute.
  ///   - checksVersion: whether versions of packages that ask for another dbt are left out.
  ///   - mayDial: whether programs that no egress list holds may reach the network.
  ///   - downloader: the way to the network; nil: nothing is downloaded.
  ///   - pause: waits between two attempts to download.
  ///   - say: receives what dbt prints.
  package init(
    root: String, invocation: Invocation, checksVersion: Bool = true, mayDial: Bool = true,
    downloader: (any PackageDownloader)? = nil, pause: @escaping () -> Void = {}, say: @escaping (String) -> Void
  ) {
    self.root = root
    self.invocation = invocation
    self.say = say
    files = ProjectFiles(root: root)
    git = GitPackages(invocation, mayDial: mayDial, say: say)
    renderer = FileRenderer(invocation, vars: invocation.vars, path: "packages.yml", allowsSecrets: true)
    plainRenderer = FileRenderer(invocation, vars: invocation.vars, path: "dbt_project.yml")
    let fetcher = PackageFetcher(downloader, pause: pause)
    archives = ArchivePackages(fetcher, invocation.environment)
    let hub = invocation.environment.values["DBT_PACKAGE_HUB_URL"] ?? ""
    index = PackageIndex(
      base: hub.isEmpty ? PackageIndex.standardAddress : hub, fetcher: fetcher, dbtVersion: invocation.dbtVersion,
      checksVersion: checksVersion
    ) { old, new throws(ProjectError) in try PackageNotices(invocation, say).note(rename: old, to: new) }
  }

  /// Locks, and unless told otherwise installs, what the project declares.
  ///
  /// - Parameters:
  ///   - addition: `--add-package`, which is written into the project's file first.
  ///   - locksOnly: `--lock`.
  ///   - upgrades: `--upgrade`: resolves anew although nothing changed.
  /// - Throws: an error that names the package for one that cannot be resolved, fetched or unpacked.
  package func run(
    adding addition: PackageAddition? = nil, locksOnly: Bool, upgrades: Bool
  ) throws(ProjectError) {
    let project = try files.project()
    try addition?.write(in: root, say)
    let declared = try declarations(of: root)
    let hash = try PackageDeclaration.hash(declared, invocation.environment)
    var lock = try PackageLock(root: root)
    let folder = try installFolder(project)
    var fetched: Set<String> = []
    if lock == nil || upgrades || lock?.hash != hash {
      if declared.isEmpty {
        say("Warning: No packages were found in packages.yml")
      } else {
        let resolved = try PackageResolver { wanted throws(ProjectError) in
          try resolve(wanted, lock, folder)
        }.resolve(declared, rootName: project["name"].map(\.pythonText) ?? "")
        let entries = try resolved.map { one throws(ProjectError) in try scrubbed(one.entry) }
        let new = PackageLock(packages: entries, hash: hash)
        try FileTree.write(Array(try new.text().utf8), to: "\(root)/\(PackageLock.fileName)")
        say("Updating lock file in file path: \(root)/\(PackageLock.fileName)")
        lock = new
        fetched = Set(resolved.filter(\.isFetched).map(\.name))
      }
    }
    guard !locksOnly else { return }
    try FileTree.makeFolder(folder)
    let packages = lock?.packages ?? []
    try clear(folder, except: Set(packages.compactMap { $0["name"]?.stringValue }))
    guard !packages.isEmpty else { return say("Warning: No packages were found in packages.yml") }
    try install(packages, folder, fetched)
  }

  // MARK: Reading

  /// What a package declares.
  func declarations(of folder: String) throws(ProjectError) -> [PackageDeclaration] {
    let files = ProjectFiles(root: folder)
    let project = folder == root ? root : nil
    let packages = try files.document("packages.yml")
    let dependencies = try files.document("dependencies.yml")
    if packages?["packages"] != nil, dependencies?["packages"] != nil {
      throw ProjectError(
        .runtime, "The 'packages' key cannot be specified in both packages.yml and dependencies.yml",
        path: "packages.yml")
    }
    guard packages?["projects"] == nil else {
      throw ProjectError(.runtime, "The 'projects' key cannot be specified in packages.yml", path: "packages.yml")
    }
    if dependencies?["packages"] == nil {
      let others = (packages ?? [:]).keys.filter { $0 != "packages" && $0 != "sha1_hash" }
      guard others.isEmpty else {
        throw PackageDeclaration.malformed(
          "Additional properties are not allowed (\(others.map { "'\($0)'" }.joined(separator: ", ")) "
            + (others.count == 1 ? "was unexpected)" : "were unexpected)"), project)
      }
    }
    let list = dependencies?["packages"] ?? packages?["packages"] ?? .null
    guard list.isNull || list.arrayValue != nil else {
      throw PackageDeclaration.malformed("\(list.pythonRepresentation) is not of type 'array'", project)
    }
    let written = list.arrayValue ?? []
    return try written.map { entry throws(ProjectError) in
      try PackageDeclaration(try renderer.render(entry), written: entry, isDeclared: true, project: project)
    }
  }

  private func installFolder(_ project: PlainObject) throws(ProjectError) -> String {
    let path =
      try project["packages-install-path"].map { value throws(ProjectError) in
        try plainRenderer.render(value).pythonText
      } ?? "dbt_packages"
    return path.hasPrefix("/") ? path : "\(root)/\(path)"
  }

  /// An absolute path without `.` and `..`, as text.
  private static func normalized(_ path: String) -> String {
    var parts: [Substring] = []
    for part in path.split(separator: "/") where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    return "/" + parts.joined(separator: "/")
  }

  func projectName(_ folder: String, _ location: String) throws(ProjectError) -> String {
    guard FileReader.isFile("\(folder)/dbt_project.yml") else {
      throw ProjectError(
        .runtime,
        "No dbt_project.yml found at expected path \(Self.normalized(folder))/dbt_project.yml\nVerify that each entry within "
          + "packages.yml (and their transitive dependencies) contains a file named dbt_project.yml\n")
    }
    let document = try ProjectFiles(root: folder).project()
    let name =
      try document["name"].map { value throws(ProjectError) in try plainRenderer.render(value).pythonText } ?? ""
    guard !name.isEmpty else { throw ProjectError(.runtime, "Package defined in dbt_project.yml must have a name!") }
    guard PackageName.isName(name) else {
      throw ProjectError(.dependency, "Invalid package name '\(name)' of \(location)")
    }
    return name
  }

  /// An entry for the lock, as dbt writes one: templates as they were, but never the value of a secret.
  private func scrubbed(_ entry: PlainObject) throws(ProjectError) -> PlainObject {
    var entry = entry
    for key in ["git", "tarball"] {
      guard let written = entry[key]?.stringValue else { continue }
      let text = invocation.scrubber.scrub(written)
      guard text != written else { continue }
      entry[key] = .string(text)
      try PackageNotices(invocation, say).note(scrubbed: text)
    }
    return entry
  }
}
