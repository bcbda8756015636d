import OrderedCollections
import PlainData
package import SemanticManifest

/// Gathers what a project says of its meaning.
struct SemanticAssembly {
  let manifest: Manifest
  /// The models that list points in time and say so.
  let timeSpines: [TimeSpine]
  /// The model that was the time spine before there were properties for it; nil without semantic models.
  let formerTimeSpine: Node?
  /// A time spine that is nowhere in the warehouse; nil when all have a relation.
  private let ephemeralTimeSpine: Node?

  init(_ manifest: Manifest) { self.init(manifest, nodes: manifest.nodes.values) }

  /// While the project is being parsed.
  init(_ resources: ParsedResources) { self.init(resources.manifest, nodes: resources.nodes.values.lazy.map(\.node)) }

  private init(_ manifest: Manifest, nodes: some Collection<Node>) {
    self.manifest = manifest
    timeSpines = nodes.compactMap(SemanticAssembly.timeSpine)
    formerTimeSpine =
      manifest.semanticModels.isEmpty
      ? nil : nodes.first { $0.name == "metricflow_time_spine" && $0.resourceType.isRefable }
    ephemeralTimeSpine =
      nodes.first { $0.relationName == nil && SemanticAssembly.timeSpine($0) != nil }
      ?? formerTimeSpine.flatMap { $0.relationName == nil ? $0 : nil }
  }

  private static func timeSpine(_ node: Node) -> TimeSpine? {
    guard node.resourceType == .model, let spine = node.timeSpine.objectValue,
      let column = spine["standard_granularity_column"]?.stringValue,
      let granularity = node.columns[column]?["granularity"]?.stringValue
    else { return nil }
    let custom = spine["custom_granularities"]?.arrayValue ?? []
    return TimeSpine(
      alias: node.alias, schemaName: node.schema, database: node.database, relationName: node.relationName ?? "",
      primaryColumn: column, granularity: granularity,
      customGranularities: custom.map { granularity in
        TimeSpine.CustomGranularity(
          name: granularity["name"]?.pythonText ?? "", columnName: granularity["column_name"]?.stringValue)
      })
  }

  /// - Throws: a parsing error where a time spine has no relation, where semantic models have no time spine of days or
  ///   finer, or where a resource has not what the form of `semantic_manifest.json` asks for.
  func semanticManifest() throws(ProjectError) -> SemanticManifest {
    if let spine = ephemeralTimeSpine {
      throw ProjectError(
        .parsing,
        "The time spine '\(spine.name)' is ephemeral: it has no relation that metrics could be joined to. Materialize it "
          + "as a table or a view.", path: spine.originalFilePath)
    }
    let isFineEnough = timeSpines.contains { TimeGranularity(text: $0.granularity).map { $0 <= .day } ?? false }
    guard manifest.semanticModels.isEmpty || formerTimeSpine != nil || isFineEnough else {
      throw ProjectError(
        .parsing,
        "The semantic layer requires a time spine model with granularity DAY or smaller in the project, but none was "
          + "found. Guidance on creating this model can be found on our docs site "
          + "(https://docs.getdbt.com/docs/build/metricflow-time-spine).")
    }
    do {
      return try SemanticManifest(
        semanticModels: manifest.semanticModels.values.map { $0.json() },
        metrics: manifest.metrics.values.map { $0.json() },
        savedQueries: manifest.savedQueries.values.map { $0.json() }, timeSpines: timeSpines,
        formerTimeSpine: formerTimeSpine.flatMap { $0.timeSpine.isNull ? $0.relationName : nil })
    } catch {
      throw ProjectError(.parsing, error.description, cause: error)
    }
  }
}

extension Manifest {
  /// The project's semantic models, metrics, saved queries and time spines in the form of `semantic_manifest.json`.
  ///
  /// - Throws: a parsing error where a time spine is missing or has no relation, or a resource does not fit the form.
  package func semanticManifest() throws(ProjectError) -> SemanticManifest {
    try SemanticAssembly(self).semanticManifest()
  }
}
