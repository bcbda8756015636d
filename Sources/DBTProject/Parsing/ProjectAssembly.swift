import DBTContext
import Jinja
import OrderedCollections
import PlainData
import YAMLDocument

/// Makes the manifest's resources from files, in dbt's order.
struct ProjectAssembly {
  let environment: ParseEnvironment
  let files: [String: [FileKind: [SourceFile]]]
  let threads: Int
  /// See `LoadOptions`.
  let inlineQuery: String?
  /// The property files of each package.
  let properties: [String: [PropertyFile]]

  /// Parses, resolves and checks everything.
  ///
  /// - Parameter resources: receives it; empty but for macros.
  /// - Throws: what is wrong first. What is to be warned of up to there is in `resources`.
  func build(_ resources: ParsedResources) throws(ProjectError) {
    try addNodes(to: resources)
    try addDocs(to: resources)
    let sources = try addProperties(to: resources)
    try resources.settleDisabled()
    try addSources(sources, to: resources)
    let resolver = ReferenceResolver(resources: resources, environment: environment)
    try resolver.resolve()
    if let inlineQuery { try addInline(inlineQuery, to: resources, resolver) }
    try DescriptionRenderer(environment, docs: resources.manifest.docs).render(resources)
    try SemanticResolver(resources: resources, root: environment.root).resolve()
    try resolver.resolveFunctions()
    try PrimaryKey.infer(resources)
    try ProjectChecks(resources: resources, environment: environment).check()
    for (id, draft) in resources.nodes {
      if draft.node.resourceType == .function {
        resources.manifest.functions[id] = draft.node
      } else {
        resources.manifest.nodes[id] = draft.node
      }
    }
    for (id, drafts) in resources.disabled { resources.manifest.disabled[id] = drafts.map(\.node) }
  }

  private func all(_ kind: FileKind, _ package: String) -> [SourceFile] { files[package]?[kind] ?? [] }

  private func addNodes(to resources: ParsedResources) throws(ProjectError) {
    let kinds: [FileKind] = [.model, .snapshot, .analysis, .singularTest, .seed, .function]
    for (name, package) in environment.packages {
      let inputs = kinds.flatMap { all($0, name) }
      let environment = environment
      let drafts = try ParallelMap.run(
        inputs, threads: threads, worker: { NodeParser(environment) },
        body: { parser, file throws(ProjectError) in (try parser.parse(file), parser.takeWarnings()) })
      for (drafts, warnings) in drafts {
        for draft in drafts { try resources.add(draft) }
        resources.warnings += warnings
      }
      let parser = NodeParser(environment)
      for draft in try parser.hooks(package) { try resources.add(draft) }
      resources.warnings += parser.takeWarnings()
    }
  }

  /// Parses and resolves code that stands in no file.
  ///
  /// - Throws: a plain "Error parsing inline query" whose cause is what is wrong with it.
  private func addInline(
    _ code: String, to resources: ParsedResources, _ resolver: ReferenceResolver
  ) throws(ProjectError) {
    let file = SourceFile(
      kind: .model, packageName: environment.root.name, searchedPath: ".", relativePath: "from remote system",
      absolutePath: "")
    do throws(ProjectError) {
      let draft = try NodeParser(environment).node(
        .sqlOperation, name: Node.inlineName, file: file, path: "sql/\(Node.inlineName)",
        fqn: [file.packageName, "sql", Node.inlineName], code: code.trimmed, checksum: SourceFile.checksum(code))
      try resources.add(draft)
      try resolver.resolve(draft.node.uniqueID)
    } catch {
      guard error.kind == .compilation else { throw error }
      environment.invocation.log(
        LogLine(
          .error, "Error while parsing node: \(Node.inlineName)\n\(error.message)", event: "ParseInlineNodeError",
          nodeID: "sqloperation.\(file.packageName).\(Node.inlineName)"))
      throw ProjectError(.inline, "Error parsing inline query", cause: error)
    }
  }

  private func addDocs(to resources: ParsedResources) throws(ProjectError) {
    for package in environment.packages.keys {
      for file in all(.documentation, package) {
        let contents = try file.contents()
        guard contents.contains("{%") else { continue }
        for block in try docs(contents, file) {
          let id = "doc.\(package).\(block.name)"
          if let present = resources.manifest.docs[id] {
            throw DuplicateResource.error(
              "docs", block.name, "doc(\"\(block.name)\")", (id, file.originalFilePath),
              (present.uniqueID, present.originalFilePath))
          }
          resources.manifest.docs[id] = block
        }
      }
    }
  }

  private func docs(_ contents: String, _ file: SourceFile) throws(ProjectError) -> [DocumentationBlock] {
    var scanner = BlockScanner(contents, tag: "docs")
    do throws(ProjectError) {
      return try scanner.blocks().map { block throws(ProjectError) in
        DocumentationBlock(
          uniqueID: "doc.\(file.packageName).\(block.name)", name: block.name, packageName: file.packageName,
          path: file.relativePath, originalFilePath: file.originalFilePath, contents: try rendered(block, file).trimmed)
      }
    } catch {
      throw ProjectError(error.kind, error.message, path: file.originalFilePath, line: error.line)
    }
  }

  /// Documentation may itself hold templates, which see nothing.
  private func rendered(_ block: TextBlock, _ file: SourceFile) throws(ProjectError) -> String {
    guard DBTScope.hasTemplate(block.contents) else { return block.contents }
    do {
      let evaluation = Evaluation(globals: DictionaryScope())
      return try evaluation.renderText(try Template.compile(block.contents, path: file.originalFilePath))
    } catch {
      throw ProjectError(rendering: error, path: file.originalFilePath)
    }
  }

  // MARK: Property files

  /// Applies all property files and answers their sources' tables, which come last.
  private func addProperties(to resources: ParsedResources) throws(ProjectError) -> SourceDeclarations {
    let parser = NodeParser(environment)
    let fixtures = try fixtures()
    var sources = SourceDeclarations()
    for package in environment.packages.keys {
      let section = PropertySections(
        resources: resources, parser: parser, renderer: PropertyRenderer(environment, package: package),
        fixtures: fixtures)
      for file in properties[package] ?? [] { try section.apply(file, &sources) }
    }
    resources.warnings += parser.takeWarnings()
    return sources
  }

  /// Fixture files by package and name.
  private func fixtures() throws(ProjectError) -> [String: SourceFile] {
    var found: [String: SourceFile] = [:]
    for package in environment.packages.keys {
      for file in all(.fixture, package) {
        let name = "\(package).\(file.stem)"
        if let other = found[name] {
          throw DuplicateResource.error(
            "fixtures", file.stem, file.stem, ("fixture.\(name)", file.originalFilePath),
            ("fixture.\(name)", other.originalFilePath))
        }
        found[name] = file
      }
    }
    return found
  }

  private func addSources(_ sources: SourceDeclarations, to resources: ParsedResources) throws(ProjectError) {
    var overrides: OrderedDictionary<String, SourceOverride> = [:]
    for override in sources.overrides {
      if let present = overrides.updateValue(override, forKey: override.source) {
        throw override.duplicate(of: present)
      }
    }
    var used: [String: Set<String>] = [:]
    let parser = NodeParser(environment)
    for var declaration in sources.tables {
      let name = "\(declaration.package).\(declaration.sourceName)"
      if let override = overrides[name] {
        override.apply(to: &declaration)
        used[name, default: []].insert(declaration.tableName)
      }
      let renderer = PropertyRenderer(environment, package: declaration.package)
      let tests = GenericTestParser(resources: resources, parser: parser, renderer: renderer)
      try SourceParser(resources: resources, environment: environment, tests: tests).add(declaration)
    }
    let targetless = overrides.flatMap { $1.targetless(used[$0]) }
    guard !targetless.isEmpty else { return }
    resources.warn(
      "UnusedTables",
      "During parsing, dbt encountered source overrides that had no target:\n\(targetless.joined(separator: "\n"))\n")
  }
}

/// Applies the sections of one package's property files.
struct PropertySections {
  let resources: ParsedResources
  let parser: NodeParser
  let renderer: PropertyRenderer
  let fixtures: [String: SourceFile]

  /// Applies a file, section by section in dbt's order, and gathers its sources.
  func apply(_ file: PropertyFile, _ sources: inout SourceDeclarations) throws(ProjectError) {
    try applyNodes(file)
    for entry in try entries("sources", file) { try sources.add(entry) }
    let entryParser = EntryParser(resources: resources, environment: parser.environment)
    let patcher = NodePatcher(resources: resources, parser: parser)
    for entry in try entries("macros", file) { try entryParser.patchMacro(entry) }
    try applySingularTests(file, patcher)
    for entry in try entries("analyses", file) { try patcher.patch(entry) }
    for entry in try entries("exposures", file) { try entryParser.addExposure(entry) }
    let functions = FunctionPatcher(resources: resources, patcher: patcher)
    for entry in try entries("functions", file) { try functions.patch(entry) }
    let semantics = SemanticParser(resources: resources, environment: parser.environment, names: parser.names)
    for entry in try entries("metrics", file) { try MetricParser(semantics: semantics).add(entry) }
    for entry in try entries("groups", file) { try entryParser.addGroup(entry) }
    for entry in try entries("semantic_models", file) { try SemanticModelParser(semantics: semantics).add(entry) }
    let unitTests = UnitTestParser(resources: resources, environment: parser.environment, fixtures: fixtures)
    for entry in try entries("unit_tests", file) { try unitTests.add(entry) }
    for entry in try entries("saved_queries", file) { try semantics.addSavedQuery(entry) }
  }

  /// As in dbt, a fault ends this section only.
  private func applySingularTests(_ file: PropertyFile, _ patcher: NodePatcher) throws(ProjectError) {
    do throws(ProjectError) {
      for entry in try entries("data_tests", file) { try patcher.patchSingularTest(entry) }
    } catch {
      guard error.kind == .parsing else { throw error }
      parser.environment.invocation.log(
        LogLine(
          .warn, "Unable to parse 'data_tests' section of file '\(file.file.originalFilePath)'\n\(error.description)",
          event: "Note"))
    }
  }

  private func entries(_ key: String, _ file: PropertyFile) throws(ProjectError) -> [PropertyEntry] {
    try file.entries(key).map { entry throws(ProjectError) in
      try PropertyEntry(entry, key: key, file: file.file, renderer: renderer)
    }
  }

  /// Models, seeds and snapshots with their tests: first all properties of a section, then its tests.
  private func applyNodes(_ file: PropertyFile) throws(ProjectError) {
    let patcher = NodePatcher(resources: resources, parser: parser)
    let tests = GenericTestParser(resources: resources, parser: parser, renderer: renderer)
    for key in ["models", "seeds", "snapshots"] {
      let entries = try entries(key, file)
      if key == "snapshots" {
        for entry in entries where entry.members["relation"] != nil { try patcher.addSnapshot(entry) }
      }
      for entry in entries {
        if key == "models" { try SemanticProperties(entry: entry).check() }
        if key == "models", entry.members["versions"]?.isTruthy ?? false {
          try VersionPatcher(resources: resources, parser: parser, entry: entry).patch()
        } else {
          try patcher.patch(entry)
        }
      }
      for entry in entries { try tests.addTests(of: entry) }
    }
  }
}
