import DBTContext
import Jinja
import OrderedCollections
import PlainData

/// Makes nodes from files: models, snapshots, analyses, singular tests, seeds and hooks.
///
/// One thread uses it. What it makes does not depend on what others make, so files may be parsed in any order.
final class NodeParser {
  let environment: ParseEnvironment
  let names: NameGenerator
  let configs: ConfigMemo
  /// What was found in files beside their nodes.
  private var warnings: [ProjectWarning] = []

  init(_ environment: ParseEnvironment) {
    self.environment = environment
    configs = ConfigMemo(environment.configs)
    names = NameGenerator(environment)
  }

  /// What is to be warned of since the last call.
  func takeWarnings() -> [ProjectWarning] {
    defer { warnings = [] }
    return warnings
  }

  /// The nodes of a file, in its order.
  ///
  /// - Throws: what the file gets wrong, with its place.
  func parse(_ file: SourceFile) throws(ProjectError) -> [DraftNode] {
    switch file.kind {
    case .model: return [try model(file)]
    case .snapshot: return try snapshots(file)
    case .analysis:
      return [try sqlNode(file, .analysis, path: (placesAnalysesAsTheyLie ? "" : "analysis/") + file.relativePath)]
    case .singularTest:
      let folder = file.relativePath.split(separator: "/").dropLast().map { $0 + "/" }.joined()
      return [try sqlNode(file, .test, path: folder + file.stem + ".sql")]
    case .seed: return [try seed(file)]
    case .function: return [try function(file)]
    default: return []
    }
  }

  private var placesAnalysesAsTheyLie: Bool { environment.root.isOn(.placesAnalysesAsTheyLie) }

  private func model(_ file: SourceFile) throws(ProjectError) -> DraftNode {
    try sqlNode(file, .model, path: file.relativePath)
  }

  /// A function in any language; whether the warehouse takes that language shows when it is built.
  private func function(_ file: SourceFile) throws(ProjectError) -> DraftNode {
    var draft = try sqlNode(file, .function, path: file.relativePath)
    if file.relativePath.hasSuffix(".py") { draft.node.language = "python" }
    if file.relativePath.hasSuffix(".js") { draft.node.language = "javascript" }
    draft.node.signature = FunctionSignature()
    return draft
  }

  private func sqlNode(_ file: SourceFile, _ type: ResourceType, path: String) throws(ProjectError) -> DraftNode {
    let contents = try file.contents()
    return try node(
      type, name: file.stem, file: file, path: path, fqn: NodeParser.fqn(file.packageName, path, file.stem),
      code: contents, checksum: SourceFile.checksum(contents))
  }

  private func snapshots(_ file: SourceFile) throws(ProjectError) -> [DraftNode] {
    let contents = try file.contents()
    let checksum = SourceFile.checksum(contents)
    var scanner = BlockScanner(contents, tag: "snapshot")
    var nodes: [DraftNode] = []
    let blocks: [TextBlock]
    do {
      blocks = try scanner.blocks()
    } catch {
      throw ProjectError(error.kind, error.message, path: file.originalFilePath, line: error.line)
    }
    warnings += scanner.unexpected.map { ProjectWarning(unexpectedBlock: $0, in: file.relativePath) }
    for block in blocks {
      let folders = file.relativePath.split(separator: "/").dropLast().map(String.init)
      nodes.append(
        try node(
          .snapshot, name: block.name, file: file, path: file.relativePath,
          fqn: [file.packageName] + folders + [file.plainStem, block.name], code: block.contents, checksum: checksum))
    }
    return nodes
  }

  private func seed(_ file: SourceFile) throws(ProjectError) -> DraftNode {
    let limit = (environment.invocation.flags["MAXIMUM_SEED_SIZE_MIB"]?.intValue ?? 1) << 20
    let size = FileReader.size(file.absolutePath) ?? 0
    var checksum = Checksum(name: "path", checksum: file.originalFilePath)
    if size <= limit || limit == 0 {
      checksum = try file.dataChecksum()
    }
    let fqn = NodeParser.fqn(file.packageName, file.relativePath, file.stem)
    var draft = DraftNode(
      node: base(.seed, name: file.stem, file: file, path: file.relativePath, fqn: fqn, code: "", checksum: checksum))
    draft.node.rootPath = environment.packages[file.packageName]?.root
    try configure(&draft)
    return draft
  }

  /// The `on-run-start` and `on-run-end` entries of a package as operations.
  func hooks(_ package: ProjectConfig) throws(ProjectError) -> [DraftNode] {
    let path = package.root + "/dbt_project.yml"
    let checksum =
      FileReader.isFile(path) ? SourceFile.checksum(try FileReader.text(path, named: "dbt_project.yml").trimmed) : .none
    let file = SourceFile(
      kind: .model, packageName: package.name, searchedPath: ".", relativePath: "dbt_project.yml", absolutePath: path)
    var nodes: [DraftNode] = []
    for (kind, entries) in [("on-run-start", package.onRunStart), ("on-run-end", package.onRunEnd)] {
      for (index, code) in entries.enumerated() {
        let name = "\(package.name)-\(kind)-\(index)"
        var draft = DraftNode(
          node: base(
            .operation, name: name, file: file, path: "hooks/\(name).sql", fqn: [package.name, "hooks", name],
            code: code, checksum: checksum))
        draft.node.originalFilePath = "./dbt_project.yml"
        draft.node.tags = [kind]
        draft.node.index = index
        try render(&draft)
        try configure(&draft)
        nodes.append(draft)
      }
    }
    return nodes
  }

  // MARK: Parts

  /// A node with its code rendered and its configuration merged.
  func node(
    _ type: ResourceType, name: String, file: SourceFile, path: String, fqn: [String], code: String,
    checksum: Checksum
  ) throws(ProjectError) -> DraftNode {
    var draft = DraftNode(
      node: base(type, name: name, file: file, path: path, fqn: fqn, code: code, checksum: checksum))
    try render(&draft)
    try configure(&draft)
    return draft
  }

  /// A node before anything is known of it but where it comes from.
  func base(
    _ type: ResourceType, name: String, file: SourceFile, path: String, fqn: [String], code: String,
    checksum: Checksum
  ) -> Node {
    var node = Node(
      uniqueID: "\(type.rawValue).\(file.packageName).\(name)", resourceType: type, packageName: file.packageName,
      name: name, alias: name, database: environment.profile.database, schema: environment.profile.schema, path: path,
      originalFilePath: file.originalFilePath, fqn: fqn, rawCode: code, config: [:])
    node.checksum = checksum
    if type == .model, file.relativePath.hasSuffix(".py") { node.language = "python" }
    node.createdAt = environment.createdAt
    return node
  }

  /// Package, folders of the path, name.
  static func fqn(_ package: String, _ path: String, _ name: String) -> [String] {
    [package] + path.utf8.split(separator: UInt8(ascii: "/")).dropLast().map { String(Substring($0)) } + [name]
  }

  /// Renders the node's code and keeps what it asked for.
  func render(_ draft: inout DraftNode) throws(ProjectError) {
    if draft.node.language == "python", draft.node.resourceType == .model { return try readPython(&draft) }
    if draft.node.resourceType == .model, !overridesCalls(draft.node.packageName),
      let reading = StaticTemplate.reading(of: draft.node.rawCode)
    {
      return try take(reading, into: &draft)
    }
    // What templates see of the node's configuration is that of the project files alone.
    if draft.node.resourceType != .operation {
      draft.node.config = try located(draft.node) { () throws(ProjectError) in
        try configs.build(
          draft.node.resourceType, fqn: draft.node.fqn, package: draft.node.packageName, isChecked: false)
      }
    }
    let key = environment.memory?.keys.key(draft.node, draft.node.rawCode)
    if let key, let known = environment.memory?.entries.capture(key) { return take(known, into: &draft) }
    let context = ParseContext(environment, node: draft.node)
    try context.render(draft.node.rawCode, isCode: true)
    if !context.capture.isConfigured { context.capture.written = nil }
    if let key, context.isRepeatable { environment.memory?.entries.keep(context.capture, key) }
    take(context.capture, into: &draft)
  }

  /// Keeps what a model in Python asks for. It is compiled and listed like any other, but no database here executes it.
  private func readPython(_ draft: inout DraftNode) throws(ProjectError) {
    let node = draft.node
    let capture = ParseCapture()
    try located(node) { () throws(ProjectError) in try PythonCalls(PythonModel(node.rawCode), node).keep(in: capture) }
    take(capture, into: &draft)
    draft.calls = draft.calls.map { ConfigCalls(merged: $0.merged, written: $0.merged, literals: $0.literals) }
  }

  /// Whether macros stand in the place of what plain templates call.
  private func overridesCalls(_ package: String) -> Bool {
    let registry = environment.registry
    return ["ref", "source", "config"].contains { name in
      registry.packages[package]?[name] != nil || registry.packages[registry.rootPackage]?[name] != nil
    }
  }

  /// Keeps what a template says that needs no rendering.
  private func take(_ reading: StaticTemplate, into draft: inout DraftNode) throws(ProjectError) {
    draft.node.refs += reading.refs
    draft.node.sources += reading.sources
    guard !reading.calls.isEmpty else { return }
    var calls = PlainObject()
    for call in reading.calls {
      try located(draft.node) { () throws(ProjectError) in try ConfigMerger.merge(call: call, into: &calls) }
    }
    draft.calls = ConfigCalls(merged: calls, written: calls, literals: reading.literals)
  }

  /// Keeps what a rendering asked for.
  func take(_ capture: ParseCapture, into draft: inout DraftNode) {
    draft.node.refs += capture.refs
    draft.node.sources += capture.sources
    draft.node.metrics += capture.metrics
    draft.node.functions += capture.functions
    for macro in capture.macros where !draft.node.dependsOnMacros.contains(macro) {
      draft.node.dependsOnMacros.append(macro)
    }
    guard capture.isConfigured else { return }
    // A model with calls of macros, vars or blocks is not that plain, as is seen without reading it a second time.
    if draft.node.resourceType == .model, capture.macros.isEmpty, !overridesCalls(draft.node.packageName),
      let literals = StaticTemplate.settings(in: draft.node.rawCode)
    {
      draft.calls = ConfigCalls(merged: capture.calls, written: capture.calls, literals: literals)
      return
    }
    let written = capture.written ?? NodeParser.written(draft.node.rawCode)
    draft.calls = ConfigCalls(merged: capture.calls, written: written.isEmpty ? capture.calls : written)
  }

  /// The keywords of the first `config()` call of a template as they are written.
  private static func written(_ code: String) -> PlainObject {
    (CallText.keywords(of: "config", in: code) ?? [:]).mapValues { .string($0) }
  }

  /// Merges the node's configuration, copies from it what dbt keeps on the node too, and makes the node's names.
  ///
  /// - Parameter patch: the `config` of its property file.
  func configure(_ draft: inout DraftNode, patch: PlainObject = [:], unrenderedPatch: PlainObject = [:])
    throws(ProjectError)
  {
    var patch = patch
    // No database has views in Python.
    if draft.node.language == "python", draft.node.resourceType == .model, patch["materialized"] == nil {
      patch["materialized"] = "table"
    }
    let config = try located(draft.node) { () throws(ProjectError) in
      try configs.build(
        draft.node.resourceType, uniqueID: draft.node.uniqueID, fqn: draft.node.fqn, package: draft.node.packageName,
        calls: draft.calls?.merged ?? [:], patch: patch)
    }
    for tag in config["tags"]?.arrayValue ?? [] {
      if let tag = tag.stringValue, !draft.node.tags.contains(tag) { draft.node.tags.append(tag) }
    }
    if let meta = config["meta"]?.objectValue, !meta.isEmpty { draft.node.meta = meta }
    if let group = config["group"]?.stringValue, !group.isEmpty { draft.node.group = group }
    if draft.node.resourceType == .model { draft.node.access = config["access"]?.stringValue ?? "protected" }
    if let docs = config["docs"]?.objectValue { draft.node.docs = docs }
    if var contract = config["contract"]?.objectValue {
      contract["checksum"] = .null
      draft.node.contract = contract
    }
    var written = patch
    ConfigBuilder.deepMerge(unrenderedPatch, into: &written)
    let compares = environment.root.isOn(.comparesUnrenderedValues)
    draft.node.unrenderedConfig = configs.unrendered(
      draft.node.resourceType, fqn: draft.node.fqn, package: draft.node.packageName,
      calls: (compares ? draft.calls?.written : draft.calls?.merged) ?? [:], patch: compares ? written : patch)
    if compares, patch.isEmpty, let literals = draft.calls?.literals {
      draft.node.unrenderedConfig.merge(literals) { _, last in last }
    }
    draft.node.config = config
    if try !names.name(&draft.node) {
      warnings.append(
        ProjectWarning(
          name: "GenerateSchemaNameNullValueDeprecation",
          message: "Node '\(draft.node.uniqueID)' has a schema set to None as a result of a generate_schema_name call. "
            + "Please set a valid schema name."))
    }
    guard draft.node.resourceType != .test else { return }
    try renderHooks(&draft)
  }

  /// Renders `pre-hook` and `post-hook` for what they reference.
  private func renderHooks(_ draft: inout DraftNode) throws(ProjectError) {
    let hooks = (draft.node.config["pre-hook"]?.arrayValue ?? []) + (draft.node.config["post-hook"]?.arrayValue ?? [])
    let texts = hooks.compactMap { $0["sql"]?.stringValue }.filter(DBTScope.hasTemplate)
    guard !texts.isEmpty else { return }
    let context = ParseContext(environment, node: draft.node)
    for text in texts { try context.render(text) }
    context.capture.isConfigured = false
    let capture = context.capture
    guard
      draft.node.resourceType != .seed
        || (capture.refs.isEmpty && capture.sources.isEmpty && capture.metrics.isEmpty)
    else { throw dependentSeed(draft.node) }
    take(context.capture, into: &draft)
  }

  private func dependentSeed(_ seed: Node) -> ProjectError {
    func list(_ key: String, _ name: String) -> [String] {
      (seed.config[key]?.arrayValue ?? []).map { "- \(name): \"\($0["sql"]?.stringValue ?? "")\"" }
    }
    let hooks = list("pre-hook", "pre_hook") + list("post-hook", "post_hook")
    return ProjectError(
      .parsing,
      "\nSeeds cannot depend on other nodes. dbt detected a seed with a pre- or post-hook\nthat calls 'ref', 'source', or "
        + "'metric', either directly or indirectly via other macros.\n\nError raised for '\(seed.uniqueID)', which has "
        + "these hooks defined: \n\(hooks.joined(separator: "\n"))\n",
      resource: "seed \(seed.name)", path: seed.originalFilePath)
  }

  /// Adds the node to errors that do not say what they are about.
  func located<Result>(
    _ node: Node, _ body: () throws(ProjectError) -> Result
  ) throws(ProjectError) -> Result {
    do {
      return try body()
    } catch {
      var located = error
      if located.resource.isEmpty { located.resource = "\(node.resourceType.rawValue) \(node.name)" }
      located.path = located.path ?? node.originalFilePath
      throw located
    }
  }
}
