import DBTContext
import OrderedCollections
import PlainData
import Secrets

/// Finding packages: fetched and looked at, or as they were delivered.
extension PackageInstaller {
  /// A package as of now, and what it needs in turn.
  func resolve(
    _ wanted: WantedPackage, _ lock: PackageLock?, _ folder: String
  ) throws(ProjectError) -> ResolvedPackage {
    let declaration = wanted.declaration
    switch declaration.origin {
    case .git where lock != nil || !isDelivered("\(folder)/\(guess(declaration))"):
      return try git.withClone(declaration.rendered, below: temporaryFolder) {
        (place, commit) throws(ProjectError) -> ResolvedPackage in
        try git.checkPinned(declaration.rendered)
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
      return try orDelivered(declaration, lock, folder) { () throws(PackageFault) in
        try resolveArchive(declaration)
      }
    case .package:
      return try orDelivered(declaration, lock, folder) { () throws(PackageFault) in
        try resolveIndexed(wanted)
      }
    case .local, .git, .private: return try find(declaration, lock, folder)
    }
  }

  private func resolveArchive(_ declaration: PackageDeclaration) throws(PackageFault) -> ResolvedPackage {
    let archive = try archives.archive(declaration.address)
    return try PackageFault.of { () throws(ProjectError) in
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

  private func resolveIndexed(_ wanted: WantedPackage) throws(PackageFault) -> ResolvedPackage {
    let package = wanted.declaration.location
    let pin = try index.pin(package, wanted.versions, takesPrereleases: wanted.takesPrereleases)
    return try PackageFault.of { () throws(ProjectError) in
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
    _ body: () throws(PackageFault) -> ResolvedPackage
  ) throws(ProjectError) -> ResolvedPackage {
    do throws(PackageFault) {
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

  func failure(_ location: String, _ error: PackageDownloadError) -> ProjectError {
    ProjectError(.dependency, "The package \(location) cannot be fetched: \(error.message)")
  }

  /// Whether a package was put into the install folder by hand, for machines without a network: then it is no clone.
  func isDelivered(_ place: String) -> Bool {
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

  func absolute(_ path: String) -> String { path.hasPrefix("/") ? path : "\(root)/\(path)" }
}
