import DBTContext
import OrderedCollections
import PlainData
import Secrets

/// dbt's package index: which packages there are, in which versions, and where their archives lie.
///
/// Asked with dbt's own requests: `api/v1/index.json` once, then `api/v1/NAMESPACE/NAME.json` once for each package.
final class PackageIndex {
  /// Where it is unless `DBT_PACKAGE_HUB_URL` says otherwise.
  static let standardAddress = "https://hub.getdbt.com/"
  /// Bytes of an answer.
  private static let answerLimit = 32 << 20

  private let base: String
  private let fetcher: PackageFetcher
  private let dbtVersion: String
  /// Whether versions that ask for another dbt are left out.
  private let checksVersion: Bool
  /// Receives the old and the new name of a package that was renamed, once.
  private let noteRename: (_ old: String, _ new: String) throws(ProjectError) -> Void
  private var names: Set<String>?
  private var packages: [String: OrderedDictionary<String, PlainObject>] = [:]

  init(
    base: String, fetcher: PackageFetcher, dbtVersion: String, checksVersion: Bool,
    noteRename: @escaping (_ old: String, _ new: String) throws(ProjectError) -> Void
  ) {
    self.base = base.hasSuffix("/") ? base : base + "/"
    self.fetcher = fetcher
    self.dbtVersion = dbtVersion
    self.checksVersion = checksVersion
    self.noteRename = noteRename
  }

  /// A version of a package that was chosen.
  struct Pin {
    let version: String
    /// The highest that could be chosen without asking for a version.
    let latest: String
    /// The project's name, which is that of its folder.
    let name: String
    let archive: String
    /// What it needs, as `packages.yml` would have it.
    let needs: [PlainValue]
  }

  /// The highest version that meets what is asked for.
  func pin(_ package: String, _ wanted: [VersionSpecifier], takesPrereleases: Bool) throws(PackageFault) -> Pin {
    guard try index().contains(package) else {
      throw .project(ProjectError(.runtime, "Package \(package) was not found in the package index"))
    }
    guard let range = VersionRange(wanted) else {
      let options = PlainValue.array(wanted.map { .string($0.description) }).pythonRepresentation
      throw .project(
        ProjectError(
          .runtime,
          "Version error for package \(package): Could not find a satisfactory version from options: \(options)"))
    }
    let versions = try versions(of: package)
    let known = checksVersion ? versions.filter { admitsDBT($0.value) }.map(\.key) : Array(versions.keys)
    let list = VersionList(known, takesPrereleases: takesPrereleases || wanted.contains { $0.prerelease != nil })
    guard let chosen = list.highest(in: range), let latest = list.texts.last, let members = versions[chosen] else {
      let shown = PlainValue.array(list.texts.map { .string($0) }).pythonRepresentation
      let hint =
        "\n  Not shown: package versions incompatible with installed version of dbt-core\n"
        + "  To include them, run 'dbt --no-version-check deps'"
      throw .project(
        ProjectError(
          .runtime,
          "Could not find a matching compatible version for package \(package)\n  Requested range: \(range)\n"
            + "  Compatible versions: \(shown)\n" + (checksVersion ? hint : "")))
    }
    guard let name = members["name"]?.stringValue, let archive = members["downloads"]?["tarball"]?.stringValue else {
      throw .project(malformed("\(package) in version \(chosen) without 'name' or 'downloads'"))
    }
    return Pin(
      version: chosen, latest: latest, name: name, archive: archive, needs: members["packages"]?.arrayValue ?? [])
  }

  private func admitsDBT(_ members: PlainObject) -> Bool {
    guard let required = members["require_dbt_version"], required.isTruthy,
      let own = VersionSpecifier(dbtVersion)
    else { return true }
    let texts = (required.arrayValue ?? [required]).map(\.pythonText)
    let specifiers = texts.compactMap { VersionSpecifier($0) }
    guard specifiers.count == texts.count else { return false }
    return VersionRange([own] + specifiers) != nil
  }

  // MARK: Requests

  private func index() throws(PackageFault) -> Set<String> {
    if let names { return names }
    guard let list = try ask("index").arrayValue else { throw .project(malformed("an index that is no list")) }
    let found = Set(list.compactMap(\.stringValue))
    names = found
    return found
  }

  private func versions(of package: String) throws(PackageFault) -> OrderedDictionary<String, PlainObject> {
    if let known = packages[package] { return known }
    guard let answer = try ask(package).objectValue, let listed = answer["versions"]?.objectValue else {
      throw .project(malformed("\(package) without 'versions'"))
    }
    do throws(ProjectError) {
      if answer["redirectnamespace"] != nil || answer["redirectname"] != nil {
        func part(_ key: String, _ old: String) -> String {
          let new = answer[key]?.stringValue ?? ""
          return new.isEmpty ? answer[old]?.stringValue ?? "" : new
        }
        try noteRename(package, "\(part("redirectnamespace", "namespace"))/\(part("redirectname", "name"))")
      }
    } catch {
      throw .project(error)
    }
    var versions: OrderedDictionary<String, PlainObject> = [:]
    for (version, members) in listed { versions[version] = members.objectValue ?? [:] }
    packages[package] = versions
    return versions
  }

  private func ask(_ name: String) throws(PackageFault) -> PlainValue {
    let address = "\(base)api/v1/\(name).json"
    guard name.utf8.allSatisfy(Self.isPlain), !name.contains("..") else {
      throw .project(ProjectError(.runtime, "Package \(name) was not found in the package index"))
    }
    do throws(PackageDownloadError) {
      return try fetcher.fetch(SharedSecret(copying: address.utf8), limit: Self.answerLimit) {
        bytes throws(PackageDownloadError) in
        do throws(JSONError) {
          return try PlainValue(json: bytes, limits: JSONLimits(bytes: Self.answerLimit, depth: 50))
        } catch {
          throw PackageDownloadError(.temporary, "The package index answers with something else for \(name): \(error)")
        }
      }
    } catch {
      throw .download(error)
    }
  }

  /// What names in the index are made of.
  private static func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "/"):
      true
    default: false
    }
  }

  private func malformed(_ what: String) -> ProjectError {
    ProjectError(
      .dependency, "The package index gives \(what): is DBT_PACKAGE_HUB_URL the address of an index?")
  }
}
