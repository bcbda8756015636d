import OrderedCollections
package import PlainData

/// A macro as the manifest lists it; its code for execution lives in the macro registry.
package struct MacroEntry: Sendable {
  package var uniqueID: String
  /// The name by which templates call it: `test_x` for tests, `materialization_x_postgres` for materializations.
  package var name: String
  package var packageName: String
  package var path: String
  /// The whole block, tags included.
  package var source: String
  /// Unique ids of the macros it calls, as far as that can be told without running it.
  package var dependsOnMacros: [String] = []
  package var description = ""
  package var meta: PlainObject = [:]
  package var docs: PlainObject = ["show": true, "node_color": nil]
  package var patchPath: String?
  /// Objects of `name`, `type` and `description`.
  package var arguments: [PlainValue] = []
  /// Languages a materialization supports; nil for other macros.
  package var supportedLanguages: [String]?
  /// Seconds since 1970.
  package var createdAt: Double = 0

  package init(uniqueID: String, name: String, packageName: String, path: String, source: String) {
    self.uniqueID = uniqueID
    self.name = name
    self.packageName = packageName
    self.path = path
    self.source = source
  }

  /// The form dbt keeps in its manifest.
  package func json() -> PlainValue {
    [
      "name": .string(name), "resource_type": "macro", "package_name": .string(packageName), "path": .string(path),
      "original_file_path": .string(path), "unique_id": .string(uniqueID), "macro_sql": .string(source),
      "depends_on": ["macros": .strings(dependsOnMacros)], "description": .string(description), "meta": .object(meta),
      "docs": .object(docs), "config": ["meta": .object(meta), "docs": .object(docs)],
      "patch_path": .optional(patchPath), "arguments": .array(arguments), "created_at": .double(createdAt),
      "supported_languages": supportedLanguages.map(PlainValue.strings) ?? .null,
    ]
  }
}

/// A `{% docs %}` block.
package struct DocumentationBlock: Sendable {
  package var uniqueID: String
  package var name: String
  package var packageName: String
  /// The file below its docs path.
  package var path: String
  package var originalFilePath: String
  /// The text between the tags, trimmed.
  package var contents: String

  package init(
    uniqueID: String, name: String, packageName: String, path: String, originalFilePath: String, contents: String
  ) {
    self.uniqueID = uniqueID
    self.name = name
    self.packageName = packageName
    self.path = path
    self.originalFilePath = originalFilePath
    self.contents = contents
  }

  /// The form dbt keeps in its manifest.
  package func json() -> PlainValue {
    [
      "name": .string(name), "resource_type": "doc", "package_name": .string(packageName), "path": .string(path),
      "original_file_path": .string(originalFilePath), "unique_id": .string(uniqueID),
      "block_contents": .string(contents),
    ]
  }
}
