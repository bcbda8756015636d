import OrderedCollections
import PlainData

/// `package-lock.yml`: what `deps` resolved, so that the next run installs the same.
struct PackageLock: Sendable {
  /// Each entry as dbt writes it, with the package's `name`.
  var packages: [PlainObject] = []
  var hash = ""

  static let fileName = "package-lock.yml"

  init(packages: [PlainObject], hash: String) {
    self.packages = packages
    self.hash = hash
  }

  /// Reads the lock of a project; nil when there is none.
  init?(root: String) throws(ProjectError) {
    guard FileReader.isFile("\(root)/\(Self.fileName)") else { return nil }
    let document = try ProjectFiles(root: root).document(Self.fileName) ?? [:]
    packages = (document["packages"]?.arrayValue ?? []).compactMap(\.objectValue)
    hash = document["sha1_hash"]?.stringValue ?? ""
  }

  /// The entry that was resolved from a declaration.
  func entry(_ declaration: PackageDeclaration) -> PlainObject? {
    packages.first { $0[declaration.origin.rawValue]?.stringValue == declaration.writtenLocation }
      ?? packages.first { $0[declaration.origin.rawValue]?.stringValue == declaration.location }
  }

  /// The file's text, laid out as dbt does.
  ///
  /// - Throws: a runtime error for text that YAML cannot hold.
  func text() throws(ProjectError) -> String {
    let document: PlainObject = [
      "packages": .array(packages.map { .object($0) }), "sha1_hash": .string(hash),
    ]
    return try PackageYAML.text(document, of: Self.fileName)
  }
}
