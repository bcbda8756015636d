import DBTContext
import OrderedCollections
import PlainData

/// Putting what the lock names into the install folder.
extension PackageInstaller {
  /// Takes away links and packages of earlier runs that are not wanted any more. Nothing else in the folder is touched.
  func clear(_ folder: String, except kept: Set<String>) throws(ProjectError) {
    for entry in try FileReader.list(folder) where !kept.contains(entry.name) {
      let path = "\(folder)/\(entry.name)"
      if FileTree.isLink(path) || FileReader.isFile("\(path)/dbt_project.yml") { try FileTree.remove(path) }
    }
  }

  /// - Parameter fetched: names of packages that must be fetched even when they stand in the folder.
  func install(_ entries: [PlainObject], _ folder: String, _ fetched: Set<String>) throws(ProjectError) {
    // As in dbt, the index is asked about all of them before the first is installed.
    var pins: [String: Result<PackageIndex.Pin, PackageFault>] = [:]
    for entry in entries {
      guard let package = entry["package"]?.stringValue else { continue }
      let declaration = try PackageDeclaration(.object(entry), written: .object(entry))
      let versions = try declaration.versions()
      let pin = Result { () throws(PackageFault) in
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
    _ package: String, _ pin: Result<PackageIndex.Pin, PackageFault>, _ place: String, _ folder: String
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
    do throws(PackageFault) {
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
