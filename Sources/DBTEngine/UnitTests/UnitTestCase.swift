import DBTContext
import DBTProject
import OrderedCollections
import PlainData

/// A unit test ready to run: the tested model's code as a node of the test's own, and the fixtures that stand in for what the
/// code reads.
struct UnitTestCase {
  /// A fixture: an ephemeral model with the rows of one `given` entry.
  struct Input {
    /// Has the name and place of what it stands in for.
    let node: Node
    /// The name of its common table expression, without dbt's prefix.
    let expressionName: String
    /// The unique id of what it stands in for.
    let originalID: String
    /// Rows as objects by column; nil when the node's code is SQL.
    let rows: PlainValue?
  }

  let test: ResourceEntry
  let node: Node
  let inputs: [Input]
  /// The input that stands in for the tested model itself, if there is one.
  let own: Input?
  let overrides: UnitTestOverrides

  /// - Throws: a parsing error for an input that names nothing.
  init(_ test: ResourceEntry, _ engine: Engine) throws(DBTError) {
    let manifest = engine.project.manifest
    guard let id = test.dependsOnNodes.first, let tested = manifest.nodes[id] else {
      throw DBTError(.internal, "the model of unit test '\(test.name)' is not in the project")
    }
    self.test = test
    node = UnitTestCase.node(test, tested)
    overrides = UnitTestOverrides(test.document["overrides"])
    var inputs: [Input] = []
    for given in test.document["given"]?.arrayValue ?? [] {
      inputs.append(try UnitTestCase.input(given, test, tested, engine))
    }
    self.inputs = inputs
    own = inputs.first { $0.originalID == tested.uniqueID }
  }

  /// The name of a test: that of one version's test tells the version.
  static func versionedName(_ test: ResourceEntry) -> String {
    test.name + (test.version.map { "_v\($0.versionText)" } ?? "")
  }

  /// How lines name a test: `MODEL::TEST`.
  static func lineName(_ test: ResourceEntry) -> String {
    "\(test.document["model"]?.stringValue ?? "")::\(versionedName(test))"
  }

  private static func node(_ test: ResourceEntry, _ tested: Node) -> Node {
    let name = versionedName(test)
    let folders = test.originalFilePath.split(separator: "/").dropLast().map { $0 + "/" }.joined()
    var config = standardConfig
    config["materialized"] = "unit"
    let rows = test.document["expect"]?["rows"] ?? .null
    config["expected_rows"] = rows.stringValue == nil ? rows : []
    config["expected_sql"] = rows.stringValue.map { .string($0) } ?? .null
    var node = Node(
      uniqueID: test.uniqueID, resourceType: .unitTest, packageName: test.packageName, name: name, alias: name,
      database: tested.database, schema: tested.schema, path: folders + name + ".sql",
      originalFilePath: test.originalFilePath, fqn: test.uniqueID.split(separator: ".").map(String.init),
      rawCode: tested.rawCode, config: config)
    node.language = tested.language
    node.functions = tested.functions
    node.dependsOnNodes = tested.dependsOnNodes
    return node
  }

  /// What macros read of the configuration of nodes that have none of their own.
  private static let standardConfig: PlainObject = [
    "enabled": true, "alias": nil, "schema": nil, "database": nil, "tags": [], "meta": [:], "group": nil,
    "materialized": "ephemeral", "persist_docs": [:], "post-hook": [], "pre-hook": [], "quoting": [:],
    "column_types": [:], "full_refresh": nil, "unique_key": nil, "on_schema_change": "ignore",
    "on_configuration_change": "apply", "grants": [:], "packages": [], "docs": ["show": true, "node_color": nil],
    "contract": ["enforced": false, "alias_types": true],
  ]

  private static func input(
    _ given: PlainValue, _ test: ResourceEntry, _ tested: Node, _ engine: Engine
  ) throws(DBTError) -> Input {
    let text = given["input"]?.stringValue ?? ""
    if Blanks.trimmed(text) == "this" { return standIn(for: tested, given, test) }
    switch ReferenceExpression(text) {
    case .ref(let reference)?:
      let found = try? engine.references.node(
        reference.name, package: reference.package, version: reference.version, from: test.packageName, subject: "")
      if let found { return standIn(for: found, given, test) }
    case .source(let name, let table)?:
      let found = try? engine.references.source(name, table, from: test.packageName, subject: "")
      if let found { return standIn(for: found, given, test) }
    case nil:
      throw DBTError(
        .parsing,
        "Unit test given inputs must be either a 'ref', 'source' or 'this' call. Got: '\(text)'.")
    }
    throw DBTError(
      .parsing, "Unit test '\(test.name)' had an input (\(text)) which was not found in the manifest.")
  }

  private static func standIn(for original: Node, _ given: PlainValue, _ test: ResourceEntry) -> Input {
    var node = Node(
      uniqueID: "model.\(original.packageName).\(original.name)", resourceType: .model,
      packageName: original.packageName,
      name: original.name, alias: original.alias, database: original.database, schema: original.schema,
      path: original.name + ".sql", originalFilePath: test.originalFilePath, fqn: original.fqn, rawCode: "",
      config: standardConfig)
    node.version = original.version
    node.latestVersion = original.latestVersion
    return input(node, original.uniqueID, expressionName: original.alias, given)
  }

  private static func standIn(for original: SourceTable, _ given: PlainValue, _ test: ResourceEntry) -> Input {
    let expression = "\(original.sourceName)__\(original.name)"
    let node = Node(
      uniqueID: "model.\(original.packageName).\(expression)", resourceType: .model,
      packageName: original.packageName,
      name: original.name, alias: original.identifier, database: original.database, schema: original.schema,
      path: original.name + ".sql", originalFilePath: test.originalFilePath, fqn: original.fqn, rawCode: "",
      config: standardConfig)
    return input(node, original.uniqueID, expressionName: expression, given)
  }

  private static func input(
    _ node: Node, _ originalID: String, expressionName: String, _ given: PlainValue
  ) -> Input {
    var node = node
    let rows = given["rows"] ?? .null
    node.rawCode = rows.stringValue ?? "{{ get_fixture_sql(\(rowsMember), None) }}"
    return Input(
      node: node, expressionName: expressionName, originalID: originalID, rows: rows.stringValue == nil ? rows : nil)
  }

  /// The member of a fixture's context that holds its rows.
  static let rowsMember = "_sallyport_fixture_rows"
}
