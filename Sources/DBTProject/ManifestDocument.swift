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
    let functionEntries = PlainObject(
      uniqueKeysWithValues: functions.map { ($0.key, replaced[$0.key] ?? $0.value.json()) })
    return [
      "metadata": metadataDocument(metadata),
      "nodes": .object(entries),
      "sources": .object(sources.mapValues { $0.json() }),
      "macros": .object(macros.mapValues { $0.json() }),
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
      "functions": .object(functionEntries),
    ]
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
