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
    ["name": .string(name), "package": .optional(package), "version": version ?? .null]
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

  package var json: PlainValue { ["name": .string(name), "checksum": .string(checksum)] }
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

  package var json: PlainValue {
    ["name": .string(name), "kwargs": .object(arguments), "namespace": .optional(namespace)]
  }
}

/// A resource that dbt keeps under `nodes`: model, analysis, test, snapshot, seed or operation.
///
/// It is complete after loading: configuration merged, names made, references resolved.
package struct Node: GraphMember {
  package var uniqueID: String
  package var resourceType: ResourceType
  package var packageName: String
  package var name: String
  /// The relation's identifier.
  package var alias: String
  package var database: String?
  package var schema: String
  /// The rendered relation; nil for what makes none (ephemeral models, analyses, tests that store no failures).
  package var relationName: String?
  /// The file below its resource path; for generic tests and YAML snapshots a name made up by dbt.
  package var path: String
  package var originalFilePath: String
  package var fqn: [String]
  package var rawCode: String
  /// `sql`, or `python` (parsed, never run).
  package var language = "sql"
  package var config: PlainObject
  package var tags: [String] = []
  package var meta: PlainObject = [:]
  package var description = ""
  /// Columns by name, each in dbt's form (`name`, `description`, `data_type`, `constraints`, `quote`, …).
  package var columns: PlainObject = [:]
  package var refs: [RefArguments] = []
  /// `[source name, table name]` pairs.
  package var sources: [[String]] = []
  package var metrics: [[String]] = []
  package var functions: [[String]] = []
  package var dependsOnNodes: [String] = []
  package var dependsOnMacros: [String] = []
  package var checksum = Checksum.none
  package var group: String?
  package var docs: PlainObject = ["show": true, "node_color": nil]
  package var docBlocks: [String] = []
  package var patchPath: String?
  package var unrenderedConfig: PlainObject = [:]
  /// Seconds since 1970.
  package var createdAt: Double = 0
  /// `enforced`, `alias_types` and `checksum`.
  package var contract: PlainObject = ["enforced": false, "alias_types": true, "checksum": nil]
  /// Set for generic tests only.
  package var testMetadata: TestMetadata?
  package var columnName: String?
  /// `models.NAME` and the like: where a generic test was declared.
  package var fileKeyName: String?
  /// The unique id of the node that a generic test was declared on.
  package var attachedNode: String?
  /// The package's folder, from which a seed's file is found; set for seeds only.
  package var rootPath: String?
  /// `private`, `protected` or `public`; models only.
  package var access = "protected"
  /// Model-level constraints in dbt's form.
  package var constraints: [PlainValue] = []
  package var version: PlainValue?
  package var latestVersion: PlainValue?
  package var deprecationDate: String?
  package var primaryKey: [String] = []
  package var timeSpine: PlainValue = nil
  /// Arguments, result and further bodies; functions only.
  package var signature: FunctionSignature?
  /// The position among its project's hooks of the same kind; operations only.
  package var index: Int?

  package init(
    uniqueID: String, resourceType: ResourceType, packageName: String, name: String, alias: String, database: String?,
    schema: String, path: String, originalFilePath: String, fqn: [String], rawCode: String, config: PlainObject
  ) {
    self.uniqueID = uniqueID
    self.resourceType = resourceType
    self.packageName = packageName
    self.name = name
    self.alias = alias
    self.database = database
    self.schema = schema
    self.path = path
    self.originalFilePath = originalFilePath
    self.fqn = fqn
    self.rawCode = rawCode
    self.config = config
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
