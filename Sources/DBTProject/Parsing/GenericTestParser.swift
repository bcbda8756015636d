import DBTContext
package import Jinja
import OrderedCollections
package import PlainData

/// Makes the nodes of tests that property files declare on columns, models and sources.
struct GenericTestParser {
  let resources: ParsedResources
  let parser: NodeParser
  let renderer: PropertyRenderer

  private var environment: ParseEnvironment { parser.environment }

  /// Adds the tests of a model, seed or snapshot: those of its columns, then its own.
  ///
  /// - Throws: a parsing error that names the file and what is wrong with the test.
  func addTests(of entry: PropertyEntry) throws(ProjectError) {
    let versions = entry.key == "models" ? try VersionPatcher.versions(entry) : []
    guard !versions.isEmpty else {
      let kind: TestTarget.Kind = entry.key == "models" ? .model(version: nil) : .node
      try addTests(
        target(entry, kind), entry, columns: entry.members["columns"]?.arrayValue ?? [],
        tests: entry.members["data_tests"]?.arrayValue ?? [])
      return
    }
    for version in versions {
      try addTests(
        target(entry, .model(version: version)), entry, columns: try VersionPatcher.columns(entry, version: version),
        tests: try VersionPatcher.tests(entry, version: version))
    }
  }

  private func target(_ entry: PropertyEntry, _ kind: TestTarget.Kind) -> TestTarget {
    TestTarget(
      kind: kind, name: entry.name, packageName: entry.file.packageName, path: entry.file.originalFilePath,
      fileKeyName: "\(entry.key).\(entry.name)")
  }

  private func addTests(
    _ target: TestTarget, _ entry: PropertyEntry, columns: [PlainValue], tests: [PlainValue]
  ) throws(ProjectError) {
    let quotesColumns = entry.members["quote_columns"]?.boolValue ?? false
    for column in columns {
      guard let members = column.objectValue, let name = members["name"]?.stringValue else { continue }
      let isQuoted = members["quote"]?.boolValue ?? quotesColumns
      for test in members["data_tests"]?.arrayValue ?? [] {
        try resources.add(
          try node(
            test, target: target, columnName: isQuoted ? Relation.quoted(name) : name, tags: ColumnReader.tags(members))
        )
      }
    }
    for test in tests { try resources.add(try node(test, target: target, columnName: nil, tags: [])) }
  }

  /// The node of one test.
  func node(
    _ entry: PlainValue, target: TestTarget, columnName: String?, tags: [String]
  ) throws(ProjectError) -> DraftNode {
    let usesArguments = environment.root.isOn(.nestsTestArguments)
    let definition: GenericTestDefinition
    do {
      renderer.path = target.path
      definition = try GenericTestDefinition(
        entry, target: target, columnName: columnName, usesArguments: usesArguments, render: renderer.value)
    } catch {
      throw ProjectError(
        .parsing, "Invalid test config given in \(target.path):\n\t\(error.message)\n\t@: \(target.fileKeyName)",
        path: target.path, cause: error)
    }
    resources.warnings += definition.deprecations
    if !(definition.config["sql_header"] ?? .null).isNull,
      !environment.root.isOn(.takesHeadersOfTests)
    {
      resources.warn(
        "CustomKeyInConfigDeprecation",
        "Custom key `sql_header` found in `config` at path `models.config` in file `\(target.path)`. Custom config keys "
          + "should move into the `config.meta`.")
    }
    var draft = try base(definition, tags: tags)
    if !definition.config.isEmpty { draft.calls = ConfigCalls(merged: definition.config, written: definition.config) }
    try render(&draft, definition)
    try parser.configure(&draft)
    attach(&draft.node, definition)
    return draft
  }

  private func base(_ definition: GenericTestDefinition, tags: [String]) throws(ProjectError) -> DraftNode {
    let target = definition.target
    let name = definition.fullName
    var node = Node(
      uniqueID: "test.\(target.packageName).\(name).\(definition.hash)", resourceType: .test,
      packageName: target.packageName, name: name, alias: name, database: environment.profile.database,
      schema: environment.profile.schema, path: definition.shortName + ".sql", originalFilePath: target.path,
      fqn: [target.packageName] + target.folders + [name], rawCode: definition.rawCode, config: [:])
    let own = definition.config["tags"].map { $0.arrayValue ?? [$0] } ?? []
    if !tags.isEmpty || !own.isEmpty {
      node.tags = Array(Set(tags + own.compactMap(\.stringValue))).sorted { $0.precedes($1) }
    }
    node.testMetadata = definition.metadata
    node.columnName = definition.columnName
    node.fileKeyName = target.fileKeyName
    node.description = definition.description
    node.createdAt = environment.createdAt
    return DraftNode(node: node)
  }

  private func render(_ draft: inout DraftNode, _ definition: GenericTestDefinition) throws(ProjectError) {
    let macro = macro(definition)
    if let macro { draft.node.dependsOnMacros = [listedMacro(definition, macro)] }
    guard macro != nil else {
      throw ProjectError(
        .compilation,
        "'test_\(definition.name)' is undefined. This can happen when calling a macro that does not exist. Check for "
          + "typos "
          + "and/or install package dependencies with \"dbt deps\".",
        resource: "test \(draft.node.name)", path: draft.node.originalFilePath)
    }
    // The two most common tests reference only what they are declared on.
    if let id = macro?.uniqueID, id == "macro.dbt.test_not_null" || id == "macro.dbt.test_unique" {
      switch definition.target.kind {
      case .source(let source): draft.node.sources = [[source, definition.target.name]]
      case .model(let version): draft.node.refs = [RefArguments(name: definition.target.name, version: version)]
      case .node: draft.node.refs = [RefArguments(name: definition.target.name)]
      }
      return
    }
    draft.node.config = try parser.configs.build(
      .test, fqn: draft.node.fqn, package: draft.node.packageName, isChecked: false)
    let context = ParseContext(environment, node: draft.node)
    context.capture.calls = definition.config
    context.set("_dbt_generic_test_kwargs", try arguments(definition.arguments, context))
    let known = macros(under: draft.node.dependsOnMacros)
    // As in dbt: where the declaring package has a test of the same name, what a namespace means instead is unknown while
    // parsing, so that its `config()` counts for nothing.
    if macro.map({ known.contains($0.uniqueID) }) ?? false { try context.render(draft.node.rawCode) }
    context.capture.macros.removeAll { !known.contains($0) }
    parser.take(context.capture, into: &draft)
  }

  /// The macros that dbt lets a generic test know, and so lists for it: those that its macro comes to call.
  private func macros(under roots: [String]) -> Set<String> {
    var open = roots
    if let filter = environment.registry.macro(named: "get_where_subquery", searchPackage: environment.root.name) {
      open.append(filter.uniqueID)
    }
    var known: Set<String> = []
    while let next = open.popLast() {
      if known.insert(next).inserted { open += resources.manifest.macros[next]?.dependsOnMacros ?? [] }
    }
    return known
  }

  /// The macro that dbt lists for a test: of the package that declares it, whatever namespace it names.
  private func listedMacro(_ definition: GenericTestDefinition, _ found: RegisteredMacro) -> String {
    environment.registry.packages[definition.target.packageName]?["test_" + definition.name]?.uniqueID
      ?? found.uniqueID
  }

  /// The macro of a test: of its package, or as any package has it.
  private func macro(_ definition: GenericTestDefinition) -> RegisteredMacro? {
    let package = definition.target.packageName
    let registry = environment.registry
    if let found = registry.genericTest(definition.name, namespace: definition.namespace, searchPackage: package) {
      return found
    }
    guard definition.namespace == nil else { return nil }
    return registry.packages.values.lazy.compactMap { $0["test_" + definition.name] }.first
  }

  private func arguments(_ arguments: PlainObject, _ context: ParseContext) throws(ProjectError) -> Value {
    let rendered = DictObject()
    for (key, value) in arguments {
      rendered[.string(key)] = try GenericTestArguments.value(value, isColumn: key == "column_name") {
        (text) throws(ProjectError) in try context.value(text)
      }
    }
    return .dict(rendered)
  }

  private func attach(_ node: inout Node, _ definition: GenericTestDefinition) {
    let target = definition.target
    let version: PlainValue?
    switch definition.target.kind {
    case .source: return
    case .model(let given): version = given
    case .node: version = nil
    }
    let enabled = (try? resources.lookup.ref(target.name, package: target.packageName, version: version)) ?? nil
    guard let id = enabled ?? resources.lookup.disabled(target.name, package: nil).first,
      let attached = resources.node(id)
    else { return }
    node.attachedNode = id
    node.group = attached.group
  }
}

/// The arguments of a generic test as its macro gets them.
package enum GenericTestArguments {
  /// Renders the texts of an argument in native mode; a text that is a call like `ref('x')` is taken for an expression.
  ///
  /// - Parameters:
  ///   - isColumn: the name of a column stays as it is.
  ///   - render: renders a template to its value.
  package static func value<Failure: Error>(
    _ value: PlainValue, isColumn: Bool, render: (String) throws(Failure) -> Value
  ) throws(Failure) -> Value {
    switch value {
    case .string(let text):
      if isColumn { return .string(text) }
      if looksLikeCall(text) { return try render("{{ \(text) }}") }
      return DBTScope.hasTemplate(text) ? try render(text) : .string(DBTScope.literal(text))
    case .array(let items):
      var values: [Value] = []
      for item in items { values.append(try self.value(item, isColumn: false, render: render)) }
      return .list(ListObject(values))
    case .object(let members):
      let dict = DictObject()
      for (key, member) in members { dict[.string(key)] = try self.value(member, isColumn: false, render: render) }
      return .dict(dict)
    default: return Value(value)
    }
  }

  /// Whether a text is a call of `env_var`, `ref`, `var`, `source` or `doc`.
  static func looksLikeCall(_ text: String) -> Bool {
    let text = text.trimmed
    guard text.last == ")", let open = text.firstIndex(of: "("), text[open...].count > 2 else { return false }
    return ["env_var", "ref", "var", "source", "doc"].contains(String(text[..<open]).trimmed)
  }
}
