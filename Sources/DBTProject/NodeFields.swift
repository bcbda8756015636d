import OrderedCollections
import PlainData

/// The fields of a `Node`, in one place that its copies share.
struct NodeFields: Sendable {
  var uniqueID: String
  var resourceType: ResourceType
  var packageName: String
  var name: String
  /// The relation's identifier.
  var alias: String
  var database: String?
  var schema: String
  /// The rendered relation; nil for what makes none (ephemeral models, analyses, tests that store no failures).
  var relationName: String?
  /// The file below its resource path; for generic tests and YAML snapshots a name made up by dbt.
  var path: String
  var originalFilePath: String
  var fqn: [String]
  var rawCode: String
  /// `sql`, or `python` (parsed, never run).
  var language = "sql"
  var config: PlainObject
  var tags: [String] = []
  var meta: PlainObject = [:]
  var description = ""
  /// Columns by name, each in dbt's form (`name`, `description`, `data_type`, `constraints`, `quote`, …).
  var columns: PlainObject = [:]
  var refs: [RefArguments] = []
  /// `[source name, table name]` pairs.
  var sources: [[String]] = []
  var metrics: [[String]] = []
  var functions: [[String]] = []
  var dependsOnNodes: [String] = []
  var dependsOnMacros: [String] = []
  var checksum = Checksum.none
  var group: String?
  var docs = NodeFields.shownDocs
  var docBlocks: [String] = []
  var patchPath: String?
  var unrenderedConfig: PlainObject = [:]
  /// Seconds since 1970.
  var createdAt: Double = 0
  /// `enforced`, `alias_types` and `checksum`.
  var contract = NodeFields.noContract
  /// Set for generic tests only.
  var testMetadata: TestMetadata?
  var columnName: String?
  /// `models.NAME` and the like: where a generic test was declared.
  var fileKeyName: String?
  /// The unique id of the node that a generic test was declared on.
  var attachedNode: String?
  /// The package's folder, from which a seed's file is found; set for seeds only.
  var rootPath: String?
  /// `private`, `protected` or `public`; models only.
  var access = "protected"
  /// Model-level constraints in dbt's form.
  var constraints: [PlainValue] = []
  var version: PlainValue?
  var latestVersion: PlainValue?
  var deprecationDate: String?
  var primaryKey: [String] = []
  var timeSpine: PlainValue = nil
  /// Arguments, result and further bodies; functions only.
  var signature: FunctionSignature?
  /// The position among its project's hooks of the same kind; operations only.
  var index: Int?

  private static let shownDocs: PlainObject = ["show": true, "node_color": nil]
  private static let noContract: PlainObject = ["enforced": false, "alias_types": true, "checksum": nil]
}
