import OrderedCollections
import PlainData
import YAMLDocument

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
    do throws(YAMLWriteError) {
      var text = packages.isEmpty ? "packages: []\n" : "packages:\n"
      for package in packages {
        var mark = "  - "
        for key in package.keys.sorted(by: { $0.precedes($1) }) {
          // Two levels down, so that long texts are broken where dbt breaks them.
          let nested: PlainValue = .object(["_": .object(["_": .object([key: package[key] ?? .null])])])
          let lines = try nested.yaml().split(separator: "\n").dropFirst(2)
          text += mark + lines.joined(separator: "\n").dropFirst(4) + "\n"
          mark = "    "
        }
      }
      return text + (try PlainValue.object(["sha1_hash": .string(hash)]).yaml())
    } catch {
      throw ProjectError(.runtime, "\(error)", path: Self.fileName)
    }
  }
}
