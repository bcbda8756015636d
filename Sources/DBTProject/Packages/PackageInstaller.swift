package import DBTContext
import OrderedCollections
import PlainData
import Secrets

/// `dbt deps`: local packages are linked, those of git repositories cloned, archives and packages of dbt's index downloaded.
///
/// What it resolves goes into `package-lock.yml` in dbt's form, with dbt's hash, so that either program accepts it. Where a
/// server cannot be reached, a package that stands in the install folder already is taken as it was delivered.
package struct PackageInstaller {
  private let root: String
  private let invocation: Invocation
  private let say: (String) -> Void
  private let files: ProjectFiles
  private let renderer: FileRenderer
  /// For names and folders, which no secret belongs to.
  private let plainRenderer: FileRenderer
  private let git: GitPackages
  private let archives: ArchivePackages
  private let index: PackageIndex

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
  ///   - locksOnly: `--lock`.
  ///   - upgrades: `--upgrade`: resolves anew although nothing changed.
  /// - Throws: an error that names the package for one that cannot be resolved, fetched or unpacked.
  package func run(locksOnly: Bool, upgrades: Bool) throws(ProjectError) {
    let project = try files.project()
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
        try plainRenderer.render(value).pythonText
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
    let name =
      try document["name"].map { value throws(ProjectError) in try plainRenderer.render(value).pythonText } ?? ""
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

  // MARK: Resolving

  /// A package as of now, and what it needs in turn.
  private func resolve(
    _ wanted: WantedPackage, _ lock: PackageLock?, _ folder: String
  ) throws(ProjectError) -> ResolvedPackage {
    let declaration = wanted.declaration
    switch declaration.origin {
    case .git where lock != nil || !isDelivered("\(folder)/\(guess(declaration))"):
      try git.checkPinned(declaration.rendered)
      return try git.withClone(declaration.rendered, below: temporaryFolder) {
        (place, commit) throws(ProjectError) -> ResolvedPackage in
        let name = try projectName(place, declaration.location)
        var entry: PlainObject = [
          "git": .string(declaration.writtenLocation), "revision": .string(commit), "name": .string(name),
        ]
        if let subdirectory = declaration.rendered["subdirectory"], !subdirectory.isNull {
          entry["subdirectory"] = subdirectory
        }
        return ResolvedPackage(
          declaration: declaration, name: name, version: commit, entry: entry, needs: try declarations(of: place),
          isFetched: true)
      }
    case .tarball:
      return try orDelivered(declaration, lock, folder) { () throws(PackageIndex.Fault) in
        try resolveArchive(declaration)
      }
    case .package:
      return try orDelivered(declaration, lock, folder) { () throws(PackageIndex.Fault) in
        try resolveIndexed(wanted)
      }
    case .local, .git, .private: return try find(declaration, lock, folder)
    }
  }

  private func resolveArchive(_ declaration: PackageDeclaration) throws(PackageIndex.Fault) -> ResolvedPackage {
    let archive = try archives.archive(declaration.address)
    return try PackageIndex.Fault.of { () throws(ProjectError) in
      let name = declaration.rendered["name"]?.stringValue ?? ""
      guard PackageName.isFolder(name) else {
        throw ProjectError(.dependency, "Invalid package name '\(name)' of \(declaration.location)")
      }
      let needs = try archives.withContents(of: archive, below: temporaryFolder, declaration.location) {
        place throws(ProjectError) in
        _ = try projectName(place, declaration.location)
        return try declarations(of: place)
      }
      let entry: PlainObject = ["tarball": .string(declaration.writtenLocation), "name": .string(name)]
      return ResolvedPackage(
        declaration: declaration, name: name, version: "tarball", entry: entry, needs: needs, isFetched: true)
    }
  }

  private func resolveIndexed(_ wanted: WantedPackage) throws(PackageIndex.Fault) -> ResolvedPackage {
    let package = wanted.declaration.location
    let pin = try index.pin(package, wanted.versions, takesPrereleases: wanted.takesPrereleases)
    return try PackageIndex.Fault.of { () throws(ProjectError) in
      guard PackageName.isFolder(pin.name) else {
        throw ProjectError(.dependency, "Invalid package name '\(pin.name)' of \(package)")
      }
      let entry: PlainObject = [
        "package": .string(package), "version": .string(pin.version), "name": .string(pin.name),
      ]
      let needs = try pin.needs.map { need throws(ProjectError) in try PackageDeclaration(need, written: need) }
      return ResolvedPackage(
        declaration: wanted.declaration, name: pin.name, version: pin.version, entry: entry, needs: needs,
        isFetched: true)
    }
  }

  /// What the body gives; where the network is out of reach, the package as it was delivered, if it was.
  private func orDelivered(
    _ declaration: PackageDeclaration, _ lock: PackageLock?, _ folder: String,
    _ body: () throws(PackageIndex.Fault) -> ResolvedPackage
  ) throws(ProjectError) -> ResolvedPackage {
    do throws(PackageIndex.Fault) {
      return try body()
    } catch {
      switch error {
      case .project(let error): throw error
      case .download(let error):
        guard error.admitsDelivered else { throw failure(declaration.location, error) }
        return try find(declaration, lock, folder, because: error)
      }
    }
  }

  private func failure(_ location: String, _ error: PackageDownloadError) -> ProjectError {
    ProjectError(.dependency, "The package \(location) cannot be fetched: \(error.message)")
  }

  /// Whether a package was put into the install folder by hand, for machines without a network: then it is no clone.
  private func isDelivered(_ place: String) -> Bool {
    FileReader.isFile("\(place)/dbt_project.yml") && !FileReader.isFolder("\(place)/.git")
  }

  /// Where packages go that are only looked at.
  private var temporaryFolder: String {
    let named = invocation.environment.values["TMPDIR"] ?? ""
    return named.hasPrefix("/") ? named : "/tmp"
  }

  /// A package that is here.
  ///
  /// - Parameter error: why it was not fetched; nil when it never is.
  private func find(
    _ declaration: PackageDeclaration, _ lock: PackageLock?, _ folder: String,
    because error: PackageDownloadError? = nil
  ) throws(ProjectError) -> ResolvedPackage {
    if declaration.origin == .local {
      let place = absolute(declaration.location)
      let name = try projectName(place, declaration.location)
      let entry: PlainObject = ["local": .string(declaration.location), "name": .string(name)]
      return ResolvedPackage(
        declaration: declaration, name: name, entry: entry, needs: try declarations(of: place))
    }
    let locked = lock?.entry(declaration)
    let name = locked?["name"]?.stringValue ?? declaration.rendered["name"]?.stringValue ?? guess(declaration)
    let place = "\(folder)/\(name)"
    guard PackageName.isFolder(name), FileReader.isFile("\(place)/dbt_project.yml") else {
      let reason = error?.message ?? "dbt Cloud alone knows where it is."
      throw ProjectError(
        .dependency,
        "The package \(declaration.location) (\(declaration.origin.rawValue)) is not in \(folder), and it cannot be fetched: "
          + "\(reason)\nWhere there is no way to it, run 'dbt deps' where there is one and deliver that folder and "
          + "\(PackageLock.fileName) together with the project, or put the package beside the project and declare it as "
          + "'local:'.")
    }
    if let error { PackageNotices(invocation, say).note(delivered: place, error) }
    let needs = try declarations(of: place)
    if let locked { return ResolvedPackage(declaration: declaration, name: name, entry: locked, needs: needs) }
    var entry: PlainObject = [declaration.origin.rawValue: .string(declaration.writtenLocation), "name": .string(name)]
    if declaration.origin == .package {
      let own = (try? ProjectFiles(root: place).project())?["version"]?.pythonText
      entry["version"] = try deliveredVersion(declaration, own)
    }
    for key in ["revision", "subdirectory", "provider"] {
      if let value = declaration.rendered[key], !value.isNull { entry[key] = value }
    }
    return ResolvedPackage(declaration: declaration, name: name, entry: entry, needs: needs)
  }

  /// The version by which the lock knows a package of the index that was delivered: the one asked for, or the project's own,
  /// which need not be the same.
  private func deliveredVersion(_ declaration: PackageDeclaration, _ own: String?) throws(ProjectError) -> PlainValue {
    let asked = try declaration.versions()
    if asked.count == 1, let one = asked.first, one.matcher == .exact { return .string(one.bare) }
    if let own, VersionSpecifier(own) != nil { return .string(own) }
    return declaration.rendered["version"] ?? .null
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

  /// - Parameter fetched: names of packages that must be fetched even when they stand in the folder.
  private func install(_ entries: [PlainObject], _ folder: String, _ fetched: Set<String>) throws(ProjectError) {
    // As in dbt, the index is asked about all of them before the first is installed.
    var pins: [String: Result<PackageIndex.Pin, PackageIndex.Fault>] = [:]
    for entry in entries {
      guard let package = entry["package"]?.stringValue else { continue }
      let declaration = try PackageDeclaration(.object(entry), written: .object(entry))
      let versions = try declaration.versions()
      let pin = Result { () throws(PackageIndex.Fault) in
        try index.pin(package, versions, takesPrereleases: false)
      }
      if case .failure(.project(let error)) = pin { throw error }
      pins[package] = pin
    }
    var outdated: [String] = []
    for entry in entries {
      let name = entry["name"]?.stringValue ?? ""
      let isFolder = entry["tarball"] != nil || entry["package"] != nil
      guard isFolder ? PackageName.isFolder(name) : PackageName.isName(name) else {
        throw ProjectError(.dependency, "Invalid package name '\(name)'", path: PackageLock.fileName)
      }
      let place = "\(folder)/\(name)"
      if let package = entry["package"]?.stringValue, let pin = pins[package] {
        if try installIndexed(package, pin, place, folder) { outdated.append(package) }
      } else if entry["tarball"] != nil {
        try installArchive(entry, name, place, folder)
      } else {
        try install(entry, name, place, folder, fetched)
      }
    }
    guard !outdated.isEmpty else { return }
    say("")
    let names = PlainValue.array(outdated.map { .string($0) }).pythonRepresentation
    say(
      "Updates available for packages: \(names)                 \nUpdate your versions in packages.yml, then run dbt deps"
    )
  }

  /// Installs what no archive brings.
  private func install(
    _ entry: PlainObject, _ name: String, _ place: String, _ folder: String, _ fetched: Set<String>
  ) throws(ProjectError) {
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
    if entry["git"] != nil, fetched.contains(name) || !isDelivered(place) {
      guard let members = try renderer.render(.object(entry)).objectValue else { return }
      return try installClone(members, name, place, folder)
    }
    guard FileReader.isFile("\(place)/dbt_project.yml") else {
      throw ProjectError(
        .dependency,
        "The package \(name) of \(PackageLock.fileName) is not in \(folder), and dbt Cloud alone knows where it is. Deliver "
          + "that folder together with the project.")
    }
    say("Installing \(name)")
    say("Installed from \(place), as it was delivered")
  }

  private func installClone(
    _ members: PlainObject, _ name: String, _ place: String, _ folder: String
  ) throws(ProjectError) {
    let address = PackageAddress(members["git"]?.stringValue ?? "").shown
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

  private func installArchive(
    _ entry: PlainObject, _ name: String, _ place: String, _ folder: String
  ) throws(ProjectError) {
    let rendered = try renderer.render(.object(entry))
    let address = try PackageDeclaration(rendered, written: .object(entry)).address
    say("Installing \(name)")
    guard try unpack(address, location: address.shown, to: place, folder) else { return }
    say("Installed from tarball (url: \(address.shown))")
  }

  /// Whether there is a newer version.
  private func installIndexed(
    _ package: String, _ pin: Result<PackageIndex.Pin, PackageIndex.Fault>, _ place: String, _ folder: String
  ) throws(ProjectError) -> Bool {
    say("Installing \(package)")
    let found: PackageIndex.Pin
    switch pin {
    case .success(let pin): found = pin
    case .failure(.project(let error)): throw error
    case .failure(.download(let error)):
      try keepDelivered(place, package, error)
      return false
    }
    guard try unpack(PackageAddress(found.archive), location: package, to: place, folder) else { return false }
    say("Installed from version \(found.version)")
    say(found.latest == found.version ? "Up to date!" : "Updated version available: \(found.latest)")
    return found.latest != found.version
  }

  /// Downloads and unpacks an archive beside its place and renames it there. False: out of reach, what was delivered stays.
  private func unpack(
    _ address: PackageAddress, location: String, to place: String, _ folder: String
  ) throws(ProjectError) -> Bool {
    let archive: PackageArchive
    do throws(PackageIndex.Fault) {
      archive = try archives.archive(address)
    } catch {
      switch error {
      case .project(let error): throw error
      case .download(let error):
        try keepDelivered(place, location, error)
        return false
      }
    }
    try archives.withContents(of: archive, below: folder, location) { contents throws(ProjectError) in
      _ = try projectName(contents, location)
      try FileTree.remove(place)
      try FileTree.move(contents, to: place)
    }
    return true
  }

  /// - Throws: why it cannot be fetched, when it was not delivered either.
  private func keepDelivered(
    _ place: String, _ location: String, _ error: PackageDownloadError
  ) throws(ProjectError) {
    guard error.admitsDelivered, FileReader.isFile("\(place)/dbt_project.yml") else { throw failure(location, error) }
    PackageNotices(invocation, say).note(delivered: place, error)
    say("Installed from \(place), as it was delivered")
  }
}
