import OrderedCollections
import PlainData

/// A time spine with its granularity read.
struct SpineModel: Documented {
  let relation: NodeRelation
  let primaryColumn: String
  let granularity: TimeGranularity
  let customGranularities: [TimeSpine.CustomGranularity]

  init(_ spine: TimeSpine) throws(SemanticManifestError) {
    relation = NodeRelation(
      alias: spine.alias, schemaName: spine.schemaName, database: spine.database, relationName: spine.relationName)
    primaryColumn = spine.primaryColumn
    let place = Place(resource: "time spine \(spine.alias)", path: "primary_column.time_granularity")
    granularity = try Conversion.choice(.string(spine.granularity), at: place)
    customGranularities = spine.customGranularities
  }

  var document: PlainValue {
    [
      "node_relation": relation.document,
      "primary_column": ["name": .string(primaryColumn), "time_granularity": granularity.plain],
      "custom_granularities": .array(
        customGranularities.map { ["name": .string($0.name), "column_name": $0.columnName.plain] }),
    ]
  }
}

/// The semantic manifest: what the checks read and the conversion starts from.
struct ManifestModel: Documented {
  var semanticModels: [SemanticModel]
  var metrics: [Metric]
  let savedQueries: [SavedQuery]
  let timeSpines: [SpineModel]
  /// The relation of the time spine in the former form.
  let formerTimeSpine: String?

  /// The version of the package whose rules these are.
  private static let packageVersion: PlainValue = [
    "major_version": "0", "minor_version": "213", "patch_version": "0",
  ]

  /// The granularities that time spines define, in order.
  var customGranularities: [String] { timeSpines.flatMap { $0.customGranularities.map(\.name) } }

  var document: PlainValue {
    [
      "semantic_models": semanticModels.plain, "metrics": metrics.plain, "project_configuration": configuration,
      "saved_queries": savedQueries.plain,
    ]
  }

  private var configuration: PlainValue {
    let former = formerTimeSpine.map { location -> PlainValue in
      ["location": .string(location), "column_name": "date_day", "grain": TimeGranularity.day.plain]
    }
    return [
      "time_spine_table_configurations": .array(former.map { [$0] } ?? []), "metadata": .null,
      "dsi_package_version": Self.packageVersion, "time_spines": timeSpines.plain,
    ]
  }
}
