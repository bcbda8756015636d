/// Finds the files of a package below its configured paths, in the order of their paths.
struct FileDiscovery {
  /// Folders nested deeper than this are refused: links may form circles.
  private static let depthLimit = 64
  /// Files of one package.
  private static let countLimit = 200_000

  let package: ProjectConfig
  /// Whether names may end in `.jinja`, `.jinja2` or `.j2` after `.sql` or `.md`.
  let takesTemplateEndings: Bool
  private let ignored: IgnoreRules?

  /// - Throws: when `.dbtignore` cannot be read.
  init(_ package: ProjectConfig, takesTemplateEndings: Bool = false) throws(ProjectError) {
    self.package = package
    self.takesTemplateEndings = takesTemplateEndings
    let path = package.root + "/.dbtignore"
    ignored = FileReader.isFile(path) ? IgnoreRules(try FileReader.text(path, named: ".dbtignore")) : nil
  }

  /// All files by kind.
  func files() throws(ProjectError) -> [FileKind: [SourceFile]] {
    var found: [FileKind: [SourceFile]] = [:]
    for kind in FileKind.allCases { found[kind] = try files(of: kind) }
    return found
  }

  private func files(of kind: FileKind) throws(ProjectError) -> [SourceFile] {
    let (paths, endings) = places(of: kind)
    var files: [SourceFile] = []
    var seen: Set<String> = []
    for path in paths where seen.insert(path).inserted {
      try walk(package.root + "/" + path, below: "", depth: 0) { (relative, absolute) throws(ProjectError) in
        guard accepts(relative, endings, kind) else { return }
        let file = SourceFile(
          kind: kind, packageName: package.name, searchedPath: path, relativePath: relative, absolutePath: absolute)
        if ignored?.ignores(file.originalFilePath) ?? false { return }
        files.append(file)
        guard files.count <= FileDiscovery.countLimit else {
          throw ProjectError(
            .runtime, "The package \(package.name) has more files than the limit of \(FileDiscovery.countLimit)")
        }
      }
    }
    return files
  }

  private func places(of kind: FileKind) -> (paths: [String], endings: [String]) {
    switch kind {
    case .macro: (package.macroPaths, [".sql"])
    case .model: (package.modelPaths, [".sql", ".py"])
    case .snapshot: (package.snapshotPaths, [".sql"])
    case .analysis: (package.analysisPaths, [".sql"])
    case .singularTest: (package.testPaths, [".sql"])
    case .genericTest: (package.testPaths.map { $0 + "/generic" }, [".sql"])
    case .seed: (package.seedPaths, [".csv"])
    case .documentation: (package.docsPaths, [".md"])
    case .properties: (package.allPaths, [".yml", ".yaml"])
    case .fixture: (package.testPaths.map { $0 + "/fixtures" }, [".csv", ".sql"])
    case .function: (package.functionPaths, [".sql", ".py", ".js"])
    }
  }

  private func accepts(_ relative: String, _ endings: [String], _ kind: FileKind) -> Bool {
    let slash = relative.utf8.lastIndex(of: UInt8(ascii: "/"))
    let name = relative[(slash.map(relative.utf8.index(after:)) ?? relative.startIndex)...]
    guard let first = name.utf8.first, !".#~".utf8.contains(first) else { return false }
    let isTemplate = endings.contains { $0 == ".sql" || $0 == ".md" } && takesTemplateEndings
    guard
      endings.contains(where: { ending in
        FileDiscovery.ends(name, in: ending)
          || isTemplate && ending != ".py"
            && SourceFile.templateEndings.contains { FileDiscovery.ends(name, in: ending + $0) }
      })
    else { return false }
    if kind == .singularTest {
      return !relative.hasPrefix("generic/") && !relative.hasPrefix("fixtures/")
    }
    return true
  }

  /// Whether a name has the ending, in whatever case, and something before it.
  private static func ends(_ name: Substring, in ending: String) -> Bool {
    name.utf8.count > ending.utf8.count
      && zip(name.utf8.suffix(ending.utf8.count), ending.utf8).allSatisfy { byte, wanted in
        byte == wanted || ((0x41...0x5A).contains(byte) && byte | 0x20 == wanted)
      }
  }

  private func walk(
    _ folder: String, below prefix: String, depth: Int, _ visit: (String, String) throws(ProjectError) -> Void
  ) throws(ProjectError) {
    guard depth <= FileDiscovery.depthLimit else {
      throw ProjectError(
        .runtime, "Folders are nested deeper than the limit of \(FileDiscovery.depthLimit) below \(prefix)")
    }
    let entries = try FileReader.list(folder)
    for entry in entries where !entry.isFolder { try visit(prefix + entry.name, folder + "/" + entry.name) }
    for entry in entries where entry.isFolder {
      try walk(folder + "/" + entry.name, below: prefix + entry.name + "/", depth: depth + 1, visit)
    }
  }
}
