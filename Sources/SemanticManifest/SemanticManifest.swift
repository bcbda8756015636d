package import PlainData

/// The semantic layer of a project, as dbt writes, checks and converts it.
///
/// Immutable after it is made; checks and conversion may run on any thread, one call each. What its numbers bound stands
/// with `FilterSandbox` and `OpenSemanticLimits`.
package struct SemanticManifest: Sendable {
  let model: ManifestModel

  /// Reads resources from their members in `manifest.json`.
  ///
  /// - Parameters:
  ///   - formerTimeSpine: the relation of the model `metricflow_time_spine` where it has no properties of a time spine;
  ///     nil where there is no such model.
  /// - Throws: for the first member that is missing or cannot be read; dbt ends with a traceback there.
  package init(
    semanticModels: [PlainValue], metrics: [PlainValue], savedQueries: [PlainValue], timeSpines: [TimeSpine],
    formerTimeSpine: String?
  ) throws(SemanticManifestError) {
    var spines: [SpineModel] = []
    for spine in timeSpines { spines.append(try SpineModel(spine)) }
    model = ManifestModel(
      semanticModels: try Self.read(semanticModels, "semantic model"), metrics: try Self.read(metrics, "metric"),
      savedQueries: try Self.read(savedQueries, "saved query"), timeSpines: spines, formerTimeSpine: formerTimeSpine)
  }

  private static func read<Part: Element>(
    _ documents: [PlainValue], _ kind: String
  ) throws(SemanticManifestError) -> [Part] {
    var parts: [Part] = []
    parts.reserveCapacity(documents.count)
    for (index, document) in documents.enumerated() {
      let name = document["name"]?.stringValue ?? "number \(index + 1)"
      parts.append(try Part(document, at: Place(resource: "\(kind) \(name)")))
    }
    return parts
  }

  /// What `semantic_manifest.json` holds, members in dbt's order. dbt writes it in one line with blanks after commas and
  /// colons and everything outside ASCII escaped: `JSONStyle.python`.
  package var document: PlainValue { model.document }

  /// What is wrong with the manifest: warnings, then future errors, then errors, each in the order of dbt's rules.
  ///
  /// dbt asks for them only where there are both metrics and semantic models. Messages of filters that cannot be read
  /// end where Python prints its own stack.
  package func issues() -> [SemanticIssue] {
    let checker = Checker(model)
    checker.checkAll()
    let found = checker.issues
    return [.warning, .futureError, .error].flatMap { level in found.filter { $0.level == level } }
  }
}
