import OrderedCollections
package import PlainData

extension Node {
  /// The node in dbt's form: the `model` of templates and the entry of manifest v12, with dbt's keys in dbt's order.
  ///
  /// Fields that only exist after compilation are not part of it.
  package func json() -> PlainValue {
    var document = PlainObject(minimumCapacity: 48)
    write(to: &document)
    return .object(document)
  }

  /// Adds the members of that document in order.
  func write(to sink: inout some ObjectSink) {
    writeCommonFields(to: &sink)
    guard resourceType != .seed else {
      sink.add("root_path", text: rootPath)
      sink.add("depends_on") { $0.add("macros", texts: dependsOnMacros) }
      return
    }
    sink.add("language", text: language)
    sink.add("refs", objects: refs) { reference, sink in reference.write(to: &sink) }
    sink.add("sources", .array(sources.map(PlainValue.strings)))
    sink.add("metrics", .array(metrics.map(PlainValue.strings)))
    sink.add("functions", .array(functions.map(PlainValue.strings)))
    sink.add("depends_on") {
      $0.add("macros", texts: dependsOnMacros)
      $0.add("nodes", texts: dependsOnNodes)
    }
    sink.add("compiled_path", .null)
    sink.add("contract", alike: contract)
    switch resourceType {
    case .model: writeModelFields(to: &sink)
    case .test: writeTestFields(to: &sink)
    case .function:
      var members = PlainObject()
      (signature ?? FunctionSignature()).fill(&members)
      for (name, value) in members { sink.add(name, value) }
    case .operation: sink.add("index", index.map(PlainValue.int) ?? .null)
    default: break
    }
  }

  private func writeCommonFields(to sink: inout some ObjectSink) {
    sink.add("database", text: database)
    sink.add("schema", text: schema.isEmpty ? nil : schema)
    sink.add("name", text: name)
    sink.add("resource_type", text: resourceType.rawValue)
    sink.add("package_name", text: packageName)
    sink.add("path", text: path)
    sink.add("original_file_path", text: originalFilePath)
    sink.add("unique_id", text: uniqueID)
    sink.add("fqn", texts: fqn)
    sink.add("alias", text: alias)
    sink.add("checksum") { checksum.write(to: &$0) }
    sink.add("config", alike: config)
    sink.add("tags", texts: tags)
    sink.add("description", text: description)
    sink.add("columns", .object(columns))
    sink.add("meta", alike: meta)
    sink.add("group", text: group)
    sink.add("docs", alike: docs)
    sink.add("patch_path", text: patchPath)
    sink.add("build_path", .null)
    sink.add("unrendered_config", alike: unrenderedConfig)
    sink.add("created_at", .double(createdAt))
    sink.add("relation_name", text: relationName)
    sink.add("raw_code", text: rawCode)
    sink.add("doc_blocks", texts: docBlocks)
  }

  private func writeModelFields(to sink: inout some ObjectSink) {
    sink.add("access", text: access)
    sink.add("constraints", .array(constraints))
    sink.add("version", version ?? .null)
    sink.add("latest_version", latestVersion ?? .null)
    sink.add("deprecation_date", text: deprecationDate)
    sink.add("primary_key", texts: primaryKey)
    sink.add("time_spine", timeSpine)
  }

  private func writeTestFields(to sink: inout some ObjectSink) {
    guard let testMetadata else { return }
    sink.add("column_name", text: columnName)
    sink.add("file_key_name", text: fileKeyName)
    sink.add("attached_node", text: attachedNode)
    sink.add("test_metadata") { testMetadata.write(to: &$0) }
  }
}
