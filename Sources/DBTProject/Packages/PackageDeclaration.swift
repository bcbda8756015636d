import DBTContext
import OrderedCollections
import PlainData
import Secrets

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
  /// The folder, the index's name or the address, rendered; of secrets there are stand-ins, see `SecretPlaceholder`.
  private let rawLocation: String
  /// The entry with its templates rendered.
  let rendered: PlainObject
  /// The entry as written.
  private let written: PlainObject

  /// - Parameters:
  ///   - isDeclared: whether the entry stands in a project's file, rather than in a lock or the index.
  ///   - project: the absolute path of the project's own folder, for its own entries.
  /// - Throws: a runtime error in dbt's words for an entry that names no package.
  init(_ rendered: PlainValue, written: PlainValue, isDeclared: Bool = false, project: String? = nil)
    throws(ProjectError)
  {
    let members = rendered.objectValue ?? [:]
    if let fault = PackageEntryCheck.fault(members) { throw Self.malformed(fault, project) }
    let origin = members.keys.lazy.compactMap(Origin.init(rawValue:)).first
    guard let origin, let location = members[origin.rawValue]?.stringValue, !location.isEmpty,
      !isDeclared || PackageEntryCheck.isEntry(members, of: origin)
    else {
      var shown = members
      shown["unrendered"] = written
      // The whole is shown as an address is: without what stands for secrets.
      let text = PackageAddress(PlainValue.object(shown).pythonText).shown
      throw Self.malformed("\(text) is not valid under any of the given schemas", project)
    }
    if origin == .tarball, members["name"]?.stringValue?.isEmpty ?? true {
      throw Self.malformed(
        "\(written.json()) has no 'name': a package of 'tarball:' is installed under that name", project)
    }
    self.origin = origin
    rawLocation = location
    self.rendered = members
    self.written = written.objectValue ?? members
  }

  /// - Parameter project: as of `init`.
  static func malformed(_ fault: String, _ project: String?) -> ProjectError {
    var error = ProjectError(
      .runtime,
      "The packages.yml file in this project is malformed. Please double check\nthe contents of this file and fix any "
        + "errors before retrying.\n\nYou can find more information on the syntax for this file here:\n"
        + "https://docs.getdbt.com/docs/package-management\n\nValidator Error:\n\(fault)\n",
      path: "packages.yml")
    error.encounteredIn = project.map { "\($0)/dbt_project.yml" }
    return error
  }

  /// The folder, the index's name or the address, as messages may show it.
  var location: String { address.shown }

  /// The address with stand-ins for secrets.
  var address: PackageAddress { PackageAddress(rawLocation) }

  /// The bounds on versions of a package of the index.
  ///
  /// - Throws: a runtime error in dbt's words for a text that is no version.
  func versions() throws(ProjectError) -> [VersionSpecifier] {
    let value = rendered["version"] ?? .null
    return try (value.arrayValue ?? [value]).map { one throws(ProjectError) in
      let text = one.pythonText
      guard let version = VersionSpecifier(text) else {
        throw ProjectError(
          .runtime,
          "\"\(text)\" is not a valid semantic version. It stands at the package \(location); right is, for example, 1.2.3, "
            + "or [\">=1.2.0\", \"<2.0.0\"]",
          path: "packages.yml")
      }
      return version
    }
  }

  /// Whether prereleases of a package of the index may be taken.
  var takesPrereleases: Bool {
    (rendered["install_prerelease"] ?? rendered["install-prerelease"])?.isTruthy ?? false
  }

  /// What two declarations of one package have in common.
  var key: String { origin == .git ? GitPackages.key(rendered) : rawLocation }

  /// The location as the file has it, templates not rendered.
  var writtenLocation: String { written[origin.rawValue]?.stringValue ?? rawLocation }

  /// The text that dbt hashes: every field of the entry in order of names, those that are not given as null. As in dbt the
  /// values of secret variables are part of it.
  func hashed(_ environment: ProcessEnvironment) throws(ProjectError) -> String {
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
    for (key, value) in members {
      guard case .string(let text) = value, PackageAddress(text).holdsSecrets else { continue }
      let secret = try PackageAddress(text).revealed(by: environment)
      members[key] = .string(unsafe secret.withBytes { unsafe String(decoding: $0, as: UTF8.self) })
    }
    members["unrendered"] = .object(written)
    return PlainValue.object(members).json(JSONStyle(spaced: true, asciiOnly: true, sortedKeys: true))
  }

  /// The hash by which dbt sees that declarations changed since packages were locked.
  static func hash(_ all: [PackageDeclaration], _ environment: ProcessEnvironment) throws(ProjectError) -> String {
    let texts = try all.map { one throws(ProjectError) in try one.hashed(environment) }
    return SHA1.hex(texts.sorted { $0.precedes($1) }.joined(separator: "\n"))
  }
}
