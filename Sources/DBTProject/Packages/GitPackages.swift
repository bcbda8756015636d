import CLinux
import DBTContext
import Glibc
import OrderedCollections
import PlainData
import Secrets

/// The packages of `deps` that come from git repositories. Clones go into a folder of their own that is removed at the end.
struct GitPackages {
  private let invocation: Invocation
  private let mayDial: Bool
  private let say: (String) -> Void

  init(_ invocation: Invocation, mayDial: Bool, say: @escaping (String) -> Void) {
    self.invocation = invocation
    self.mayDial = mayDial
    self.say = say
  }

  /// What identifies a package: one repository may hold several, each in a subdirectory.
  static func key(_ members: PlainObject) -> String {
    var address = members["git"]?.stringValue ?? ""
    if address.hasSuffix(".git") { address.removeLast(4) }
    return address + (subdirectory(members).map { "/\($0)" } ?? "")
  }

  /// The revision that is asked for; nil when the repository's default is.
  static func revision(_ members: PlainObject) -> String? {
    members["revision"].flatMap { $0.isNull ? nil : $0.pythonText }
  }

  private static func subdirectory(_ members: PlainObject) -> String? {
    members["subdirectory"]?.stringValue.flatMap { $0.isEmpty ? nil : $0 }
  }

  /// Clones a package into a temporary folder, calls the body with the package's own folder and with the commit, and removes
  /// the clone again.
  ///
  /// - Parameter base: where the temporary folder is made.
  /// - Throws: what git says; links that lead out of the package; what the body throws.
  func withClone<R>(
    _ members: PlainObject, below base: String, _ body: (_ folder: String, _ commit: String) throws(ProjectError) -> R
  ) throws(ProjectError) -> R {
    let address = PackageAddress(members["git"]?.stringValue ?? "")
    let shown = address.shown
    let environment = invocation.environment
    let secret = try address.revealed(by: environment)
    let isLocal = unsafe secret.withBytes { unsafe GitRepository.isLocal(String(decoding: $0, as: UTF8.self)) }
    guard mayDial || isLocal else {
      throw ProjectError(
        .dependency,
        "deps would fetch \(shown) with the program 'git', which SALLYPORT_EGRESS_ALLOW cannot hold to its list. Unset the "
          + "list for this command, or put the package beside the project and declare it as 'local:'.")
    }
    let repository = try GitRepository(
      address, secret, subdirectory: Self.subdirectory(members), environment: environment.values,
      scrubber: invocation.scrubber)
    let place = try FileTree.makeTemporaryFolder(below: base, named: ".dbt-downloads-")
    let result: Result<R, ProjectError>
    do throws(ProjectError) {
      let commit = try repository.checkOut(Self.revision(members) ?? "HEAD", into: "\(place)/clone")
      let folder = "\(place)/clone" + (repository.subdirectory.map { "/\($0)" } ?? "")
      guard FileReader.isFolder(folder), !FileTree.isLink(folder) else {
        throw ProjectError(.dependency, "\(shown) has no folder '\(repository.subdirectory ?? "")'")
      }
      try FileTree.checkLinks(folder)
      result = .success(try body(folder, commit))
    } catch {
      result = .failure(error)
    }
    try FileTree.remove(place)
    return try result.get()
  }

  /// Warns, or fails, when a package may change without notice.
  func checkPinned(_ members: PlainObject) throws(ProjectError) {
    let revision = Self.revision(members) ?? "HEAD"
    guard ["HEAD", "main", "master"].contains(revision), members["warn-unpinned"]?.boolValue ?? true else { return }
    let state =
      revision == "HEAD" ? "not pinned, using HEAD (default branch)" : "pinned to the \"\(revision)\" branch"
    let text =
      "The git package \"\(PackageAddress(members["git"]?.stringValue ?? "").shown)\" \n\tis \(state).\n\tThis can introduce breaking changes into "
      + "your project without warning!\n\nSee https://docs.getdbt.com/docs/package-management#section-specifying-package-versions"
    switch invocation.treatment(ofWarning: "DepsUnpinned") {
    case .silence: return
    case .warn: say("[WARNING]: \(text)")
    case .error: throw ProjectError(.compilation, text)
    }
  }
}
