import DBTContext
import OrderedCollections
import PlainData

/// `deps --add-package NAME@VERSION`: writes a package into `packages.yml`, in the place of one that seems to be the same.
package struct PackageAddition: Sendable {
  /// `--source`.
  package enum Source: String, Sendable {
    case hub, git, local
  }

  private let name: String
  private let version: String?
  private let source: Source

  /// Reads what the command line gives: everything up to the only `@` is the name. The `@` of `git@host:path` is none of that
  /// kind.
  package init(_ text: String, source: Source) {
    let parts = text.split(separator: "@", omittingEmptySubsequences: false).map(String.init)
    let isAddress = source == .git && parts.last?.contains(where: { $0 == "/" || $0 == ":" }) ?? false
    self.source = source
    name = parts.count == 2 && !isAddress ? parts[0] : text
    version = parts.count == 2 && !isAddress ? parts[1] : nil
  }

  private var entry: PlainObject {
    var entry: PlainObject = [source == .hub ? "package" : source.rawValue: .string(name)]
    guard let version, !version.isEmpty else { return entry }
    let parts = version.split(separator: ",", omittingEmptySubsequences: false).map { PlainValue.string(String($0)) }
    entry[source == .git ? "revision" : "version"] = parts.count > 1 ? .array(parts) : .string(version)
    return entry
  }

  /// Writes the file, laid out as dbt does; comments in it are lost.
  ///
  /// - Parameters:
  ///   - root: the project's folder.
  ///   - say: receives what dbt prints.
  /// - Throws: before anything is written, for an entry that is none.
  func write(in root: String, _ say: (String) -> Void) throws(ProjectError) {
    let files = ProjectFiles(root: root)
    let dependencies = try files.document("dependencies.yml")
    let file = dependencies?["packages"] != nil ? "dependencies.yml" : "packages.yml"
    let path = "\(root)/\(file)"
    if !FileReader.isFile(path) { say("Created packages.yml") }
    var document = try files.document(file) ?? [:]
    var entries = document["packages"]?.arrayValue ?? []
    let removed = entries.filter { isSame($0) }
    entries.removeAll { isSame($0) }
    _ = try PackageDeclaration(.object(entry), written: .object(entry))
    document["packages"] = .array(entries + [.object(entry)])
    let text = try PackageYAML.text(document, of: file)
    for one in removed.reversed() {
      // As in dbt, without what is a list or a truth value.
      let shown = (one.objectValue ?? [:]).filter { $0.value.stringValue != nil || $0.value.intValue != nil }
      say("Found duplicate package in packages.yml, removing: \(PlainValue.object(shown).pythonRepresentation)")
    }
    try FileTree.write(Array(text.utf8), to: path)
    say("Added new package \(name)@\(version ?? "") to \(path)")
  }

  /// Whether an entry names the package, in whatever way: its name, or the part after the slash, with hyphens or underscores,
  /// between slashes, dots and the ends.
  private func isSame(_ entry: PlainValue) -> Bool {
    let keys = ["package", "git", "local", "tarball", "private"]
    guard let location = keys.lazy.compactMap({ entry[$0]?.stringValue }).first(where: { !$0.isEmpty }) else {
      return false
    }
    let short = name.split(separator: "/").last.map(String.init) ?? name
    let spellings = [name, short].flatMap { [$0, $0.replacing("_", with: "-"), $0.replacing("-", with: "_")] }
    return spellings.contains { spelling in
      guard !spelling.isEmpty, let found = location.firstRange(of: spelling) else { return false }
      let before = location[..<found.lowerBound].last
      let after = location[found.upperBound...].first
      return [before, after].allSatisfy { $0 == nil || $0 == "/" || $0 == "." }
    }
  }
}
