import OrderedCollections
package import PlainData

extension Node {
  /// The node in dbt's form: the `model` of templates and the entry of manifest v12, with dbt's keys in dbt's order.
  ///
  /// Fields that only exist after compilation are not part of it.
  package func json() -> PlainValue {
    var document = PlainObject(minimumCapacity: 48)
    eachField({ document[$0] = $1 }, alike: { document[$0] = .object($1) })
    return .object(document)
  }

  /// The members of that document, in order.
  ///
  /// - Parameter alike: takes those that nodes are likely to have in common.
  func eachField(_ field: (String, PlainValue) -> Void, alike: (String, PlainObject) -> Void) {
    commonFields(field, alike)
    guard resourceType != .seed else {
      field("root_path", .optional(rootPath))
      field("depends_on", ["macros": .strings(dependsOnMacros)])
      return
    }
    field("language", .string(language))
    field("refs", .array(refs.map(\.json)))
    field("sources", .array(sources.map(PlainValue.strings)))
    field("metrics", .array(metrics.map(PlainValue.strings)))
    field("functions", .array(functions.map(PlainValue.strings)))
    field("depends_on", ["macros": .strings(dependsOnMacros), "nodes": .strings(dependsOnNodes)])
    field("compiled_path", .null)
    alike("contract", contract)
    switch resourceType {
    case .model: modelFields(field)
    case .test: testFields(field)
    case .function:
      var members = PlainObject()
      (signature ?? FunctionSignature()).fill(&members)
      for (name, value) in members { field(name, value) }
    case .operation: field("index", index.map(PlainValue.int) ?? .null)
    default: break
    }
  }

  private func commonFields(_ field: (String, PlainValue) -> Void, _ alike: (String, PlainObject) -> Void) {
    field("database", .optional(database))
    field("schema", .string(schema))
    field("name", .string(name))
    field("resource_type", .string(resourceType.rawValue))
    field("package_name", .string(packageName))
    field("path", .string(path))
    field("original_file_path", .string(originalFilePath))
    field("unique_id", .string(uniqueID))
    field("fqn", .strings(fqn))
    field("alias", .string(alias))
    field("checksum", checksum.json)
    alike("config", config)
    field("tags", .strings(tags))
    field("description", .string(description))
    field("columns", .object(columns))
    alike("meta", meta)
    field("group", .optional(group))
    alike("docs", docs)
    field("patch_path", .optional(patchPath))
    field("build_path", .null)
    alike("unrendered_config", unrenderedConfig)
    field("created_at", .double(createdAt))
    field("relation_name", .optional(relationName))
    field("raw_code", .string(rawCode))
    field("doc_blocks", .strings(docBlocks))
  }

  private func modelFields(_ field: (String, PlainValue) -> Void) {
    field("access", .string(access))
    field("constraints", .array(constraints))
    field("version", version ?? .null)
    field("latest_version", latestVersion ?? .null)
    field("deprecation_date", .optional(deprecationDate))
    field("primary_key", .strings(primaryKey))
    field("time_spine", timeSpine)
  }

  private func testFields(_ field: (String, PlainValue) -> Void) {
    guard let testMetadata else { return }
    field("column_name", .optional(columnName))
    field("file_key_name", .optional(fileKeyName))
    field("attached_node", .optional(attachedNode))
    field("test_metadata", testMetadata.json)
  }
}
