import DBTContext
import OrderedCollections
import PlainData

/// One entry of `packages.yml` or `dependencies.yml`.
struct PackageDeclaration: Sendable {
  /// Where a package comes from.
  enum Origin: String, Sendable {
    case local
    /// dbt's package index.
    case package
    case git
    case tarball
    /// A repository that dbt Cloud knows.
    case `private`
  }

  let origin: Origin
  /// The folder, the index's name or the address, rendered.
  let location: String
  /// The entry with its templates rendered.
  let rendered: PlainObject
  /// The entry as written.
  private let written: PlainObject

  /// - Throws: a runtime error in dbt's words for an entry that names no package.
  init(_ rendered: PlainValue, written: PlainValue) throws(ProjectError) {
    guard let members = rendered.objectValue,
      let origin = members.keys.lazy.compactMap(Origin.init(rawValue:)).first,
      let location = members[origin.rawValue]?.stringValue, !location.isEmpty
    else {
      throw ProjectError(
        .runtime,
        "The packages.yml file in this project is malformed. Please double check\nthe contents of this file and fix any "
          + "errors before retrying.\n\nYou can find more information on the syntax for this file here:\n"
          + "https://docs.getdbt.com/docs/package-management\n\nValidator Error:\n\(rendered.json()) names no package: "
          + "expected one of local, package, git, tarball",
        path: "packages.yml")
    }
    if origin == .package, members["version"]?.isNull ?? true {
      throw ProjectError(
        .runtime,
        "\(location) is missing the version. When installing from the Hub package index, version is a required property",
        path: "packages.yml")
    }
    self.origin = origin
    self.location = location
    self.rendered = members
    self.written = written.objectValue ?? members
  }

  /// What two declarations of one package have in common.
  var key: String { origin == .git ? GitPackages.key(rendered) : location }

  /// The location as the file has it, templates not rendered.
  var writtenLocation: String { written[origin.rawValue]?.stringValue ?? location }

  /// The text that dbt hashes: every field of the entry in order of names, those that are not given as null.
  var hashed: String {
    var members = rendered
    switch origin {
    case .local, .tarball: break
    case .package:
      members["install_prerelease"] = members["install-prerelease"] ?? members["install_prerelease"] ?? false
    case .git, .private:
      for key in ["revision", "subdirectory", "warn-unpinned"] where members[key] == nil { members[key] = .some(.null) }
      if origin == .private, members["provider"] == nil { members["provider"] = .some(.null) }
    }
    members["install-prerelease"] = nil
    if members["name"]?.isNull ?? false { members["name"] = nil }
    members["unrendered"] = .object(written)
    return PlainValue.object(members).json(JSONStyle(spaced: true, asciiOnly: true, sortedKeys: true))
  }

  /// The hash by which dbt sees that declarations changed since packages were locked.
  static func hash(_ all: [PackageDeclaration]) -> String {
    SHA1.hex(all.map(\.hashed).sorted { $0.precedes($1) }.joined(separator: "\n"))
  }
}
