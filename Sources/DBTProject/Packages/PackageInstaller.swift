package import DBTContext
import OrderedCollections
import PlainData
import Secrets

/// `dbt deps`: local packages are linked, those of git repositories cloned; others must stand in the install folder already.
///
/// What it resolves goes into `package-lock.yml` in dbt's form, with dbt's hash, so that either program accepts it.
package struct PackageInstaller {
  private let root: String
  private let invocation: Invocation
  private let say: (String) -> Void
  private let files: ProjectFiles
  private let renderer: FileRenderer
  private let git: GitPackages

  /// - Parameters:
  ///   - root: the project's folder, absolute.
  ///   - mayDial: whether programs that no egress list holds may reach the network.
  ///   - say: receives what dbt prints.
  package init(root: String, invocation: Invocation, mayDial: Bool = true, say: @escaping (String) -> Void) {
    self.root = root
    self.invocation = invocation
    self.say = say
    files = ProjectFiles(root: root)
    git = GitPackages(invocation, mayDial: mayDial, say: say)
    renderer = FileRenderer(invocation, vars: invocation.vars, path: "packages.yml")
  }

  /// A package that was found.
  private struct Resolved {
    var declaration: PackageDeclaration
    var name: String
    var entry: PlainObject
    /// Whether it was cloned, so that what stands in the install folder may be another version.
    var isCloned = false
  }

  /// Locks, and unless told otherwise installs, what the project declares.
  ///
  /// - Parameters:
  ///   - locksOnly: `--lock`.
  ///   - upgrades: `--upgrade`: resolves anew although nothing changed.
  /// - Throws: a dependency error for packages that would have to be fetched.
  package func run(locksOnly: Bool, upgrades: Bool) throws(ProjectError) {
    let project = try files.project()
    let declared = try declarations(of: root)
    let hash = PackageDeclaration.hash(declared)
    var lock = try PackageLock(root: root)
    let folder = try installFolder(project)
    var cloned: Set<String> = []
    if lock == nil || upgrades || lock?.hash != hash {
      if declared.isEmpty {
        say("Warning: No packages were found in packages.yml")
      } else {
        let resolved = try resolve(declared, lock, folder)
        let new = PackageLock(packages: resolved.map(\.entry), hash: hash)
        try FileTree.write(Array(try new.text().utf8), to: "\(root)/\(PackageLock.fileName)")
        say("Updating lock file in file path: \(root)/\(PackageLock.fileName)")
        lock = new
        cloned = Set(resolved.filter(\.isCloned).map(\.name))
      }
    }
    guard !locksOnly else { return }
    try FileTree.makeFolder(folder)
    let packages = lock?.packages ?? []
    try clear(folder, except: Set(packages.compactMap { $0["name"]?.stringValue }))
    guard !packages.isEmpty else { return say("Warning: No packages were found in packages.yml") }
    for entry in packages { try install(entry, folder, cloned) }
  }

  // MARK: Reading

  /// What a package declares.
  private func declarations(of folder: String) throws(ProjectError) -> [PackageDeclaration] {
    let files = ProjectFiles(root: folder)
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
    let written = (dependencies?["packages"] ?? packages?["packages"])?.arrayValue ?? []
    return try written.map { entry throws(ProjectError) in
      try PackageDeclaration(try renderer.render(entry), written: entry)
    }
  }

  private func installFolder(_ project: PlainObject) throws(ProjectError) -> String {
    let path =
      try project["packages-install-path"].map { value throws(ProjectError) in
        try renderer.render(value).pythonText
      } ?? "dbt_packages"
    return path.hasPrefix("/") ? path : "\(root)/\(path)"
  }

  private func projectName(_ folder: String, _ location: String) throws(ProjectError) -> String {
    guard let document = try? ProjectFiles(root: folder).project() else {
      throw ProjectError(
        .runtime,
        "No dbt_project.yml found at expected path \(folder)/dbt_project.yml\nVerify that each entry within "
          + "packages.yml (and their transitive dependencies) contains a file named dbt_project.yml")
    }
    let name = try document["name"].map { value throws(ProjectError) in try renderer.render(value).pythonText } ?? ""
    guard isName(name) else {
      throw ProjectError(.dependency, "Invalid package name '\(name)' of \(location)")
    }
    return name
  }

  /// Names become folders below the install folder.
  private func isName(_ name: String) -> Bool {
    !name.isEmpty
      && name.utf8.allSatisfy {
        $0 == UInt8(ascii: "_") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
          || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0 | 0x20)
      }
  }

  // MARK: Resolving

  /// The packages and what they need in turn, each once; those declared first come first.
  private func resolve(
    _ declared: [PackageDeclaration], _ lock: PackageLock?, _ folder: String
  ) throws(ProjectError) -> [Resolved] {
    var found: OrderedDictionary<String, Resolved> = [:]
    var open = declared
    while !open.isEmpty {
      guard found.count <= 1000 else { throw ProjectError(.dependency, "More than 1000 packages need each other") }
      var next: [PackageDeclaration] = []
      for declaration in open {
        let key = declaration.key
        if let known = found[key] {
          guard try asksForMore(declaration, than: known.declaration) else { continue }
          found[key] = nil
        }
        let (resolved, needs) = try resolve(declaration, lock, folder)
        if let twin = found.values.first(where: { $0.name == resolved.name }) {
          throw ProjectError(
            .dependency,
            "Found duplicate project \"\(resolved.name)\". This occurs when a dependency has the same project name as "
              + "some other dependency (\(twin.declaration.location), \(declaration.location)).")
        }
        found[key] = resolved
        next += needs
      }
      open = next
    }
    return Array(found.values)
  }

  /// Whether a further declaration of the same package names a revision where the first names none.
  private func asksForMore(
    _ declaration: PackageDeclaration, than known: PackageDeclaration
  ) throws(ProjectError) -> Bool {
    guard declaration.origin == .git, known.origin == .git, let wanted = GitPackages.revision(declaration.rendered)
    else {
      return false
    }
    guard let had = GitPackages.revision(known.rendered) else { return true }
    guard had == wanted else {
      throw ProjectError(
        .dependency,
        "git dependencies should contain exactly one version. \(declaration.location) contains: {'\(had)', '\(wanted)'}"
      )
    }
    return false
  }

  /// A package, and what it needs in turn.
  private func resolve(
    _ declaration: PackageDeclaration, _ lock: PackageLock?, _ folder: String
  ) throws(ProjectError) -> (Resolved, needs: [PackageDeclaration]) {
    if declaration.origin == .git, lock != nil || !isDelivered("\(folder)/\(guess(declaration))") {
      try git.checkPinned(declaration.rendered)
      return try git.withClone(declaration.rendered, below: temporaryFolder) {
        (place, commit) throws(ProjectError) -> (Resolved, needs: [PackageDeclaration]) in
        let name = try projectName(place, declaration.location)
        var entry: PlainObject = [
          "git": .string(declaration.writtenLocation), "revision": .string(commit), "name": .string(name),
        ]
        if let subdirectory = declaration.rendered["subdirectory"], !subdirectory.isNull {
          entry["subdirectory"] = subdirectory
        }
        let resolved = Resolved(declaration: declaration, name: name, entry: entry, isCloned: true)
        return (resolved, try declarations(of: place))
      }
    }
    let (resolved, place) = try find(declaration, lock, folder)
    return (resolved, try declarations(of: place))
  }

  /// Whether a package was put into the install folder by hand, for machines without a network: then it is no clone.
  private func isDelivered(_ place: String) -> Bool {
    FileReader.isFile("\(place)/dbt_project.yml") && !FileReader.isFolder("\(place)/.git")
  }

  /// Where clones go that are only looked at.
  private var temporaryFolder: String {
    let named = invocation.environment.values["TMPDIR"] ?? ""
    return named.hasPrefix("/") ? named : "/tmp"
  }

  /// A package that is here.
  private func find(
    _ declaration: PackageDeclaration, _ lock: PackageLock?, _ folder: String
  ) throws(ProjectError) -> (Resolved, place: String) {
    if declaration.origin == .local {
      let place = absolute(declaration.location)
      let name = try projectName(place, declaration.location)
      let entry: PlainObject = ["local": .string(declaration.location), "name": .string(name)]
      return (Resolved(declaration: declaration, name: name, entry: entry), place)
    }
    let locked = lock?.entry(declaration)
    let name = locked?["name"]?.stringValue ?? declaration.rendered["name"]?.stringValue ?? guess(declaration)
    let place = "\(folder)/\(name)"
    guard isName(name), FileReader.isFile("\(place)/dbt_project.yml") else {
      throw ProjectError(
        .dependency,
        "The package \(declaration.location) (\(declaration.origin.rawValue)) is not in \(folder), and Sallyport downloads "
          + "no packages. Run 'dbt deps' where there is a network and deliver that folder and "
          + "\(PackageLock.fileName) together with the project, or put the package beside the project and declare it as "
          + "'local:'.")
    }
    if let locked { return (Resolved(declaration: declaration, name: name, entry: locked), place) }
    var entry: PlainObject = [declaration.origin.rawValue: .string(declaration.location), "name": .string(name)]
    if declaration.origin == .package {
      let version = (try? ProjectFiles(root: place).project())?["version"]
      entry["version"] = .string((version ?? declaration.rendered["version"] ?? .null).pythonText)
    }
    for key in ["revision", "subdirectory", "provider"] {
      if let value = declaration.rendered[key], !value.isNull { entry[key] = value }
    }
    return (Resolved(declaration: declaration, name: name, entry: entry), place)
  }

  /// The name that a package's address suggests: its last part, without `.git`, with underscores.
  private func guess(_ declaration: PackageDeclaration) -> String {
    var last = declaration.location.split(separator: "/").last.map(String.init) ?? ""
    if last.hasSuffix(".git") { last.removeLast(4) }
    return last.replacing("-", with: "_")
  }

  private func absolute(_ path: String) -> String { path.hasPrefix("/") ? path : "\(root)/\(path)" }

  // MARK: Installing

  /// Takes away links and packages of earlier runs that are not wanted any more. Nothing else in the folder is touched.
  private func clear(_ folder: String, except kept: Set<String>) throws(ProjectError) {
    for entry in try FileReader.list(folder) where !kept.contains(entry.name) {
      let path = "\(folder)/\(entry.name)"
      if FileTree.isLink(path) || FileReader.isFile("\(path)/dbt_project.yml") { try FileTree.remove(path) }
    }
  }

  /// - Parameter cloned: names of packages that must be cloned even when they stand in the folder.
  private func install(_ entry: PlainObject, _ folder: String, _ cloned: Set<String>) throws(ProjectError) {
    let name = entry["name"]?.stringValue ?? ""
    guard isName(name) else {
      throw ProjectError(.dependency, "Invalid package name '\(name)'", path: PackageLock.fileName)
    }
    let place = "\(folder)/\(name)"
    if let local = entry["local"]?.stringValue {
      say("Installing \(local)")
      let source = absolute(local)
      guard try projectName(source, local) == name else {
        throw ProjectError(
          .dependency, "\(PackageLock.fileName) calls the package at \(local) '\(name)'; run deps with --upgrade")
      }
      try FileTree.remove(place)
      try FileTree.link(place, to: source)
      say("Installed from <local @ \(local)>")
      return
    }
    if entry["git"] != nil, cloned.contains(name) || !isDelivered(place) {
      guard let members = try renderer.render(.object(entry)).objectValue else { return }
      return try installClone(members, name, place, folder)
    }
    guard FileReader.isFile("\(place)/dbt_project.yml") else {
      throw ProjectError(
        .dependency,
        "The package \(name) of \(PackageLock.fileName) is not in \(folder), and Sallyport downloads no packages. Run "
          + "'dbt deps' where there is a network and deliver that folder together with the project.")
    }
    say("Installing \(name)")
    say("Installed from \(place), as it was delivered")
  }

  private func installClone(
    _ members: PlainObject, _ name: String, _ place: String, _ folder: String
  ) throws(ProjectError) {
    let address = members["git"]?.stringValue ?? ""
    let subdirectory = members["subdirectory"]?.stringValue
    say("Installing \(address)\(subdirectory.map { "/\($0)" } ?? "")")
    try git.checkPinned(members)
    try git.withClone(members, below: folder) { (clone, _) throws(ProjectError) in
      guard try projectName(clone, address) == name else {
        throw ProjectError(
          .dependency, "\(PackageLock.fileName) calls the package at \(address) '\(name)'; run deps with --upgrade")
      }
      try FileTree.remove(place)
      try FileTree.move(clone, to: place)
    }
    let revision = GitPackages.revision(members) ?? "HEAD"
    say("Installed from \(revision == "HEAD" ? "HEAD (default revision)" : "revision \(revision)")")
    if let subdirectory { say("and subdirectory \(subdirectory)") }
  }
}
