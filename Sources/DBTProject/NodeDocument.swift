import OrderedCollections
package import PlainData

extension Node {
  /// The node in dbt's form: the `model` of templates and the entry of manifest v12, with dbt's keys in dbt's order.
  ///
  /// Fields that only exist after compilation are not part of it.
  package func json() -> PlainValue {
    var document = commonFields()
    if resourceType == .seed {
      document["root_path"] = .optional(rootPath)
      document["depends_on"] = ["macros": .strings(dependsOnMacros)]
      return .object(document)
    }
    document["language"] = .string(language)
    document["refs"] = .array(refs.map(\.json))
    document["sources"] = .array(sources.map(PlainValue.strings))
    document["metrics"] = .array(metrics.map(PlainValue.strings))
    document["functions"] = .array(functions.map(PlainValue.strings))
    document["depends_on"] = ["macros": .strings(dependsOnMacros), "nodes": .strings(dependsOnNodes)]
    document["compiled_path"] = .some(.null)
    document["contract"] = .object(contract)
    switch resourceType {
    case .model: addModelFields(to: &document)
    case .test: addTestFields(to: &document)
    case .function: (signature ?? FunctionSignature()).fill(&document)
    case .operation: document["index"] = index.map(PlainValue.int) ?? .null
    default: break
    }
    return .object(document)
  }

  private func commonFields() -> PlainObject {
    [
      "database": .optional(database), "schema": .string(schema), "name": .string(name),
      "resource_type": .string(resourceType.rawValue), "package_name": .string(packageName), "path": .string(path),
      "original_file_path": .string(originalFilePath), "unique_id": .string(uniqueID), "fqn": .strings(fqn),
      "alias": .string(alias), "checksum": checksum.json, "config": .object(config), "tags": .strings(tags),
      "description": .string(description), "columns": .object(columns), "meta": .object(meta),
      "group": .optional(group), "docs": .object(docs), "patch_path": .optional(patchPath), "build_path": nil,
      "unrendered_config": .object(unrenderedConfig), "created_at": .double(createdAt),
      "relation_name": .optional(relationName), "raw_code": .string(rawCode), "doc_blocks": .strings(docBlocks),
    ]
  }

  private func addModelFields(to document: inout PlainObject) {
    document["access"] = .string(access)
    document["constraints"] = .array(constraints)
    document["version"] = version ?? .null
    document["latest_version"] = latestVersion ?? .null
    document["deprecation_date"] = .optional(deprecationDate)
    document["primary_key"] = .strings(primaryKey)
    document["time_spine"] = timeSpine
  }

  private func addTestFields(to document: inout PlainObject) {
    guard let testMetadata else { return }
    document["column_name"] = .optional(columnName)
    document["file_key_name"] = .optional(fileKeyName)
    document["attached_node"] = .optional(attachedNode)
    document["test_metadata"] = testMetadata.json
  }
}
