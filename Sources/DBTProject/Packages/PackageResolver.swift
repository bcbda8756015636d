import DBTContext
import OrderedCollections
import PlainData

/// A package with all that was asked of it so far.
struct WantedPackage {
  private(set) var declaration: PackageDeclaration
  /// The bounds of everybody who needs it, for a package of the index.
  private(set) var versions: [VersionSpecifier]
  private(set) var takesPrereleases: Bool

  init(_ declaration: PackageDeclaration) throws(ProjectError) {
    self.declaration = declaration
    versions = declaration.origin == .package ? try declaration.versions() : []
    takesPrereleases = declaration.takesPrereleases
  }

  /// Adds what somebody else asks of the same package.
  ///
  /// - Throws: a dependency error for two revisions of one repository, or two origins of one name.
  mutating func add(_ other: WantedPackage) throws(ProjectError) {
    guard declaration.origin == other.declaration.origin else {
      throw ProjectError(
        .runtime,
        "Cannot incorporate \(other.declaration.location) (\(other.declaration.origin.rawValue)) in "
          + "\(declaration.location) (\(declaration.origin.rawValue)): mismatched types")
    }
    versions += other.versions
    guard declaration.origin == .git, let theirs = GitPackages.revision(other.declaration.rendered) else { return }
    guard let mine = GitPackages.revision(declaration.rendered) else {
      declaration = other.declaration
      return
    }
    guard mine == theirs else {
      throw ProjectError(
        .dependency,
        "git dependencies should contain exactly one version. \(other.declaration.location) contains: "
          + "{'\(mine)', '\(theirs)'}")
    }
  }
}

/// A package that was found.
struct ResolvedPackage {
  let declaration: PackageDeclaration
  let name: String
  /// The version or commit that was chosen; empty when there is none to tell.
  var version = ""
  /// What the lock says of it.
  let entry: PlainObject
  /// What it needs in turn.
  let needs: [PackageDeclaration]
  /// Whether it was fetched, so that what stands in the install folder may be another version.
  var isFetched = false
}

/// Finds the packages that a project declares and what they need in turn, each once, as dbt does: round by round, what was
/// needed earlier first, every package in one version that all who need it admit.
struct PackageResolver {
  /// Packages, and rounds: more than anybody has, fewer than a circle makes.
  private static let limit = 1_000

  /// Finds one package.
  let find: (WantedPackage) throws(ProjectError) -> ResolvedPackage

  /// - Parameter rootName: the name of the project itself, which no package may have.
  /// - Throws: what finding throws; a runtime error in dbt's words for packages of one name.
  func resolve(_ declared: [PackageDeclaration], rootName: String) throws(ProjectError) -> [ResolvedPackage] {
    var wanted: OrderedDictionary<String, WantedPackage> = [:]
    var found: [String: ResolvedPackage] = [:]
    var looked: Set<[String]> = []
    var pending = try Self.listing(declared)
    while !pending.isEmpty {
      guard wanted.count <= Self.limit, looked.count <= Self.limit else {
        throw ProjectError(.dependency, "More than \(Self.limit) packages need each other")
      }
      var needs: [PackageDeclaration] = []
      for (key, package) in pending {
        let before = wanted[key]
        try Self.add(package, at: key, to: &wanted)
        // Only versions and revisions can make another one of a package that was found.
        if let before, let known = found[key], Self.isSettled(before, by: package) {
          found[key] = known
        } else {
          found[key] = try find(wanted[key] ?? package)
        }
        guard let one = found[key], looked.insert([key, one.version]).inserted else { continue }
        needs += one.needs
      }
      pending = try Self.listing(needs)
    }
    let all = wanted.keys.compactMap { found[$0] }
    try checkNames(all, rootName)
    return all
  }

  private static func isSettled(_ package: WantedPackage, by other: WantedPackage) -> Bool {
    switch package.declaration.origin {
    case .package: false
    case .git:
      GitPackages.revision(other.declaration.rendered) == nil
        || GitPackages.revision(package.declaration.rendered) != nil
    case .local, .tarball, .private: true
    }
  }

  private static func listing(
    _ declarations: [PackageDeclaration]
  ) throws(ProjectError) -> OrderedDictionary<String, WantedPackage> {
    var listing: OrderedDictionary<String, WantedPackage> = [:]
    for one in declarations { try add(try WantedPackage(one), at: one.key, to: &listing) }
    return listing
  }

  private static func add(
    _ package: WantedPackage, at key: String, to listing: inout OrderedDictionary<String, WantedPackage>
  ) throws(ProjectError) {
    guard var known = listing[key] else {
      listing[key] = package
      return
    }
    try known.add(package)
    listing[key] = known
  }

  private func checkNames(_ all: [ResolvedPackage], _ rootName: String) throws(ProjectError) {
    var seen: Set<String> = []
    for one in all {
      if !seen.insert(one.name).inserted {
        throw ProjectError(
          .dependency,
          "Found duplicate project \"\(one.name)\". This occurs when a dependency has the same project name as "
            + "some other dependency.")
      }
      guard one.name != rootName else {
        throw ProjectError(
          .dependency,
          "Found a dependency with the same name as the root project \"\(rootName)\". Package names must be unique in a "
            + "project. Please rename one of these packages.")
      }
    }
  }
}
