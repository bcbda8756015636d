import OrderedCollections
package import PlainData

/// One `ref()` of a node.
package struct RefArguments: Sendable, Hashable {
  package var name: String
  package var package: String?
  /// A string or a number; nil when the reference names no version.
  package var version: PlainValue?

  package init(name: String, package: String? = nil, version: PlainValue? = nil) {
    self.name = name
    self.package = package
    self.version = version
  }

  /// The form dbt keeps in its manifest.
  package var json: PlainValue {
    var document = PlainObject()
    write(to: &document)
    return .object(document)
  }

  /// Adds the members of that form.
  func write(to sink: inout some ObjectSink) {
    sink.add("name", text: name)
    sink.add("package", text: package)
    sink.add("version", version ?? .null)
  }
}

/// What a file's contents hash to, by which dbt sees that a resource changed.
package struct Checksum: Sendable, Hashable {
  /// `sha256`, `path` (a seed too large to hash) or `none`.
  package var name: String
  package var checksum: String

  package init(name: String, checksum: String) {
    self.name = name
    self.checksum = checksum
  }

  package static let none = Checksum(name: "none", checksum: "")

  /// Adds the members of the form dbt keeps in its manifest.
  func write(to sink: inout some ObjectSink) {
    sink.add("name", text: name)
    sink.add("checksum", text: checksum)
  }
}

/// What a generic test was made from.
package struct TestMetadata: Sendable, Hashable {
  /// The test macro's name without `test_`.
  package var name: String
  /// The macro's arguments as written, with `column_name` and `model`.
  package var arguments: PlainObject
  /// The package named before the test's name, if any.
  package var namespace: String?

  package init(name: String, arguments: PlainObject, namespace: String?) {
    self.name = name
    self.arguments = arguments
    self.namespace = namespace
  }

  /// Adds the members of the form dbt keeps in its manifest.
  func write(to sink: inout some ObjectSink) {
    sink.add("name", text: name)
    sink.add("kwargs", .object(arguments))
    sink.add("namespace", text: namespace)
  }
}

/// A resource that dbt keeps under `nodes`: model, analysis, test, snapshot, seed or operation.
///
/// It is complete after loading: configuration merged, names made, references resolved.
/// A copy shares its fields until one of the two changes. What each field means stands at `NodeFields`.
/// (Each field has its accessor here because key paths into `NodeFields`, which would be shorter, are only resolved by
/// the compiler within this target; elsewhere every access would cost a call through the runtime.)
package struct Node: GraphMember {
  @Shared private var fields: NodeFields

  package var uniqueID: String {
    _read { yield fields.uniqueID }
    _modify { yield &fields.uniqueID }
  }
  package var resourceType: ResourceType {
    _read { yield fields.resourceType }
    _modify { yield &fields.resourceType }
  }
  package var packageName: String {
    _read { yield fields.packageName }
    _modify { yield &fields.packageName }
  }
  package var name: String {
    _read { yield fields.name }
    _modify { yield &fields.name }
  }
  package var alias: String {
    _read { yield fields.alias }
    _modify { yield &fields.alias }
  }
  package var database: String? {
    _read { yield fields.database }
    _modify { yield &fields.database }
  }
  package var schema: String {
    _read { yield fields.schema }
    _modify { yield &fields.schema }
  }
  package var relationName: String? {
    _read { yield fields.relationName }
    _modify { yield &fields.relationName }
  }
  package var path: String {
    _read { yield fields.path }
    _modify { yield &fields.path }
  }
  package var originalFilePath: String {
    _read { yield fields.originalFilePath }
    _modify { yield &fields.originalFilePath }
  }
  package var fqn: [String] {
    _read { yield fields.fqn }
    _modify { yield &fields.fqn }
  }
  package var rawCode: String {
    _read { yield fields.rawCode }
    _modify { yield &fields.rawCode }
  }
  package var language: String {
    _read { yield fields.language }
    _modify { yield &fields.language }
  }
  package var config: PlainObject {
    _read { yield fields.config }
    _modify { yield &fields.config }
  }
  package var tags: [String] {
    _read { yield fields.tags }
    _modify { yield &fields.tags }
  }
  package var meta: PlainObject {
    _read { yield fields.meta }
    _modify { yield &fields.meta }
  }
  package var description: String {
    _read { yield fields.description }
    _modify { yield &fields.description }
  }
  package var columns: PlainObject {
    _read { yield fields.columns }
    _modify { yield &fields.columns }
  }
  package var refs: [RefArguments] {
    _read { yield fields.refs }
    _modify { yield &fields.refs }
  }
  package var sources: [[String]] {
    _read { yield fields.sources }
    _modify { yield &fields.sources }
  }
  package var metrics: [[String]] {
    _read { yield fields.metrics }
    _modify { yield &fields.metrics }
  }
  package var functions: [[String]] {
    _read { yield fields.functions }
    _modify { yield &fields.functions }
  }
  package var dependsOnNodes: [String] {
    _read { yield fields.dependsOnNodes }
    _modify { yield &fields.dependsOnNodes }
  }
  package var dependsOnMacros: [String] {
    _read { yield fields.dependsOnMacros }
    _modify { yield &fields.dependsOnMacros }
  }
  package var checksum: Checksum {
    _read { yield fields.checksum }
    _modify { yield &fields.checksum }
  }
  package var group: String? {
    _read { yield fields.group }
    _modify { yield &fields.group }
  }
  package var docs: PlainObject {
    _read { yield fields.docs }
    _modify { yield &fields.docs }
  }
  package var docBlocks: [String] {
    _read { yield fields.docBlocks }
    _modify { yield &fields.docBlocks }
  }
  package var patchPath: String? {
    _read { yield fields.patchPath }
    _modify { yield &fields.patchPath }
  }
  package var unrenderedConfig: PlainObject {
    _read { yield fields.unrenderedConfig }
    _modify { yield &fields.unrenderedConfig }
  }
  package var createdAt: Double {
    _read { yield fields.createdAt }
    _modify { yield &fields.createdAt }
  }
  package var contract: PlainObject {
    _read { yield fields.contract }
    _modify { yield &fields.contract }
  }
  package var testMetadata: TestMetadata? {
    _read { yield fields.testMetadata }
    _modify { yield &fields.testMetadata }
  }
  package var columnName: String? {
    _read { yield fields.columnName }
    _modify { yield &fields.columnName }
  }
  package var fileKeyName: String? {
    _read { yield fields.fileKeyName }
    _modify { yield &fields.fileKeyName }
  }
  package var attachedNode: String? {
    _read { yield fields.attachedNode }
    _modify { yield &fields.attachedNode }
  }
  package var rootPath: String? {
    _read { yield fields.rootPath }
    _modify { yield &fields.rootPath }
  }
  package var access: String {
    _read { yield fields.access }
    _modify { yield &fields.access }
  }
  package var constraints: [PlainValue] {
    _read { yield fields.constraints }
    _modify { yield &fields.constraints }
  }
  package var version: PlainValue? {
    _read { yield fields.version }
    _modify { yield &fields.version }
  }
  package var latestVersion: PlainValue? {
    _read { yield fields.latestVersion }
    _modify { yield &fields.latestVersion }
  }
  package var deprecationDate: String? {
    _read { yield fields.deprecationDate }
    _modify { yield &fields.deprecationDate }
  }
  package var primaryKey: [String] {
    _read { yield fields.primaryKey }
    _modify { yield &fields.primaryKey }
  }
  package var timeSpine: PlainValue {
    _read { yield fields.timeSpine }
    _modify { yield &fields.timeSpine }
  }
  package var signature: FunctionSignature? {
    _read { yield fields.signature }
    _modify { yield &fields.signature }
  }
  package var index: Int? {
    _read { yield fields.index }
    _modify { yield &fields.index }
  }

  package init(
    uniqueID: String, resourceType: ResourceType, packageName: String, name: String, alias: String, database: String?,
    schema: String, path: String, originalFilePath: String, fqn: [String], rawCode: String, config: PlainObject
  ) {
    fields = NodeFields(
      uniqueID: uniqueID, resourceType: resourceType, packageName: packageName, name: name, alias: alias,
      database: database, schema: schema, path: path, originalFilePath: originalFilePath, fqn: fqn, rawCode: rawCode,
      config: config)
  }

  /// The configured materialization, such as `view`.
  package var materialized: String { config["materialized"]?.stringValue ?? "view" }

  package var isEphemeral: Bool { resourceType == .model && materialized == "ephemeral" }

  /// The name of the node that code on the command line becomes.
  package static let inlineName = "inline_query"

  /// Whether there is nothing to execute: the code is blank (seeds never are).
  package var isEmpty: Bool { resourceType != .seed && rawCode.allSatisfy(\.isWhitespace) }

  /// Whether it is a generic test rather than a singular one.
  package var isGenericTest: Bool { testMetadata != nil }

  /// The name by which selectors and messages show it: `name` or, for a versioned model, `name.vN`.
  package var searchName: String {
    guard let version else { return name }
    return "\(name).v\(version.versionText)"
  }
}

extension PlainValue {
  /// The text, or null when there is none.
  package static func optional(_ text: String?) -> PlainValue { text.map(PlainValue.string) ?? .null }

  /// A version as dbt writes it into names: text as is, whole numbers without a point.
  package var versionText: String {
    switch self {
    case .string(let text): text
    case .int(let number): String(number)
    case .double(let number): number.pythonText
    default: pythonText
    }
  }
}
