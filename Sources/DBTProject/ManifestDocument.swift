import DBTContext
import OrderedCollections
package import PlainData

/// What `manifest.json` says about the run that wrote it.
package struct ManifestMetadata: Sendable {
  /// The version of dbt whose behaviour is kept, such as `1.12.6`.
  package var dbtVersion: String
  /// ISO 8601 in UTC with microseconds and a final `Z`.
  package var generatedAt: String
  package var invocationID: String
  package var invocationStartedAt: String
  /// `DBT_ENV_CUSTOM_ENV_*` without that prefix.
  package var environment: PlainObject = [:]
  package var adapterType = "postgres"
  /// `database`, `schema`, `identifier` and `column` of the root project.
  package var quoting: PlainObject = ["database": true, "schema": true, "identifier": true, "column": nil]

  package init(dbtVersion: String, generatedAt: String, invocationID: String, invocationStartedAt: String) {
    self.dbtVersion = dbtVersion
    self.generatedAt = generatedAt
    self.invocationID = invocationID
    self.invocationStartedAt = invocationStartedAt
  }
}

extension Manifest {
  /// The document that dbt calls manifest v12.
  ///
  /// - Parameter nodes: entries that replace those of the same unique id, such as nodes with their compiled code.
  package func json(_ metadata: ManifestMetadata, nodes replaced: PlainObject = [:]) -> PlainValue {
    var entries = PlainObject(minimumCapacity: nodes.count)
    for (id, node) in nodes where node.resourceType != .sqlOperation { entries[id] = replaced[id] ?? node.json() }
    var document: PlainObject = [
      "metadata": metadataDocument(metadata), "nodes": .object(entries),
      "sources": .object(sources.mapValues { $0.json() }), "macros": .object(macros.mapValues { $0.json() }),
    ]
    document.merge(remainder { replaced[$0.uniqueID] }.objectValue ?? [:]) { _, last in last }
    return .object(document)
  }

  /// Everything behind `macros`.
  private func remainder(_ replacing: (Node) -> PlainValue?) -> PlainValue {
    [
      "docs": .object(docs.mapValues { $0.json() }),
      "exposures": .object(exposures.mapValues { $0.json() }),
      "metrics": .object(metrics.mapValues { $0.json() }),
      "groups": .object(groups.mapValues { $0.json() }),
      "selectors": .object(selectors),
      "disabled": .object(disabledDocument()),
      "parent_map": .object(parents.mapValues(PlainValue.strings)),
      "child_map": .object(children.mapValues(PlainValue.strings)),
      "group_map": .object(groupMembers.mapValues(PlainValue.strings)),
      "saved_queries": .object(savedQueries.mapValues { $0.json() }),
      "semantic_models": .object(semanticModels.mapValues { $0.json() }),
      "unit_tests": .object(unitTests.mapValues { $0.json() }),
      "functions": .object(functions.mapValues { replacing($0) ?? $0.json() }),
    ]
  }

  /// Writes the same document piece by piece, so that it is never whole in memory.
  ///
  /// - Parameters:
  ///   - replacing: the entry to write instead of a node's own, nil to keep that.
  ///   - sink: receives the next bytes, at most a few megabytes at a time.
  package func write<Failure: Error>(
    _ metadata: ManifestMetadata, replacing: (Node) -> PlainValue?, to sink: ([UInt8]) throws(Failure) -> Void
  ) throws(Failure) {
    var stream = JSONObjectStream(.python)
    func flush() throws(Failure) {
      guard stream.bytes.count >= 1 << 20 else { return }
      try sink(stream.take())
    }
    func section<Entry>(
      _ name: String, _ entries: OrderedDictionary<String, Entry>, _ json: (Entry) -> PlainValue
    ) throws(Failure) {
      stream.open(name)
      for (id, entry) in entries {
        stream.add(id, json(entry))
        try flush()
      }
      stream.close()
    }
    stream.add("metadata", metadataDocument(metadata))
    stream.open("nodes")
    for (id, node) in nodes where node.resourceType != .sqlOperation {
      if let replacement = replacing(node) {
        stream.add(id, replacement)
      } else {
        stream.open(id)
        node.write(to: &stream)
        stream.close()
      }
      try flush()
    }
    stream.close()
    try section("sources", sources) { $0.json() }
    try section("macros", macros) { $0.json() }
    let rest = remainder(replacing).objectValue ?? [:]
    for (name, value) in rest {
      guard let entries = value.objectValue else {
        stream.add(name, value)
        continue
      }
      try section(name, entries) { $0 }
    }
    try sink(stream.finish())
  }

  private func disabledDocument() -> PlainObject {
    var document = disabled.mapValues { PlainValue.array($0.map { $0.json() }) }
    for (id, entries) in disabledEntries {
      document[id] = .array((document[id]?.arrayValue ?? []) + entries)
    }
    return document
  }

  private func metadataDocument(_ metadata: ManifestMetadata) -> PlainValue {
    [
      "dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",
      "dbt_version": .string(metadata.dbtVersion),
      "generated_at": .string(metadata.generatedAt),
      "invocation_id": .string(metadata.invocationID),
      "invocation_started_at": .string(metadata.invocationStartedAt),
      "env": .object(metadata.environment),
      "project_name": .string(projectName),
      "project_id": .string(MD5.hex(projectName)),
      "user_id": nil,
      "send_anonymous_usage_stats": false,
      "adapter_type": .string(metadata.adapterType),
      "quoting": .object(metadata.quoting),
      "run_started_at": .string(metadata.invocationStartedAt),
    ]
  }
}
