import OrderedCollections
package import PlainData

/// One table of a source: something the project reads and does not build.
package struct SourceTable: GraphMember {
  package var uniqueID: String
  package var packageName: String
  /// The table's name in the project; `identifier` is its name in the database.
  package var name: String
  package var sourceName: String
  package var sourceDescription = ""
  package var loader = ""
  package var database: String?
  package var schema: String
  package var identifier: String
  package var path: String
  package var originalFilePath: String
  package var fqn: [String]
  /// `database`, `schema`, `identifier` and `column`, each a boolean or null (the adapter's default).
  package var quoting: PlainObject = ["database": nil, "schema": nil, "identifier": nil, "column": nil]
  package var loadedAtField: String?
  package var loadedAtQuery: String?
  /// `warn_after`, `error_after` and `filter`; null when freshness is not measured.
  package var freshness: PlainValue = nil
  package var external: PlainValue = nil
  package var description = ""
  /// Columns by name in dbt's form.
  package var columns: PlainObject = [:]
  package var meta: PlainObject = [:]
  package var sourceMeta: PlainObject = [:]
  package var tags: [String] = []
  package var config: PlainObject = [:]
  package var patchPath: String?
  package var unrenderedConfig: PlainObject = [:]
  /// The rendered relation.
  package var relationName: String
  /// Seconds since 1970.
  package var createdAt: Double = 0
  package var unrenderedDatabase: String?
  package var unrenderedSchema: String?
  package var docBlocks: [String] = []

  package var resourceType: ResourceType { .source }
  package var dependsOnNodes: [String] { [] }

  package init(
    uniqueID: String, packageName: String, sourceName: String, name: String, database: String?, schema: String,
    identifier: String, path: String, fqn: [String], relationName: String
  ) {
    self.uniqueID = uniqueID
    self.packageName = packageName
    self.sourceName = sourceName
    self.name = name
    self.database = database
    self.schema = schema
    self.identifier = identifier
    self.path = path
    self.originalFilePath = path
    self.fqn = fqn
    self.relationName = relationName
  }

  /// Whether a freshness threshold is set.
  package var hasFreshness: Bool {
    ["warn_after", "error_after"].contains { key in
      guard let threshold = freshness[key] else { return false }
      return threshold["count"]?.intValue != nil && threshold["period"]?.stringValue != nil
    }
  }

  /// The form dbt keeps in its manifest.
  package func json() -> PlainValue {
    [
      "database": .optional(database), "schema": .string(schema), "name": .string(name), "resource_type": "source",
      "package_name": .string(packageName), "path": .string(path), "original_file_path": .string(originalFilePath),
      "unique_id": .string(uniqueID), "fqn": .strings(fqn), "source_name": .string(sourceName),
      "source_description": .string(sourceDescription), "loader": .string(loader), "identifier": .string(identifier),
      "quoting": .object(quoting), "loaded_at_field": .optional(loadedAtField),
      "loaded_at_query": .optional(loadedAtQuery), "freshness": freshness, "external": external,
      "description": .string(description), "columns": .object(columns), "meta": .object(meta),
      "source_meta": .object(sourceMeta), "tags": .strings(tags), "config": .object(config),
      "patch_path": .optional(patchPath), "unrendered_config": .object(unrenderedConfig),
      "relation_name": .string(relationName), "created_at": .double(createdAt),
      "unrendered_database": .optional(unrenderedDatabase), "unrendered_schema": .optional(unrenderedSchema),
      "doc_blocks": .strings(docBlocks),
    ]
  }
}

extension PlainValue {
  /// A list of texts.
  package static func strings(_ texts: [String]) -> PlainValue { .array(texts.map(PlainValue.string)) }
}
