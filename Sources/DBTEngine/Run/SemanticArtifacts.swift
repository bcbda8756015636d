import DBTContext
import DBTProject
import PlainData
import SemanticManifest

/// The files for tools that compute metrics: `semantic_manifest.json`, and the same in the form of Open Semantic
/// Interchange, `osi_document.json`.
struct SemanticArtifacts {
  private let run: RunContext

  init(_ run: RunContext) { self.run = run }

  /// Writes both where the run writes, and says what the second form cannot hold.
  ///
  /// - Throws: a parsing error where semantic models have no time spine, or for a file that cannot be written.
  func write() throws(EngineError) {
    guard run.files.keepsArtifacts else { return }
    do {
      let semantics = try run.engine.project.manifest.semanticManifest()
      _ = try run.files.writeArtifact("semantic_manifest.json", semantics.document)
      try writeOpenSemantics(semantics)
    } catch {
      throw EngineError(any: error)
    }
  }

  private func writeOpenSemantics(_ semantics: SemanticManifest) throws(DBTError) {
    let result: OpenSemanticDocument
    do throws(OpenSemanticError) {
      result = try semantics.openSemanticDocument()
    } catch {
      return try tell(
        "SemanticValidationFailure",
        "OSI document could not be generated: \(error.message). The semantic manifest may contain metric types not yet "
          + "supported by the MSI→OSI converter.")
    }
    for issue in result.issues { try tell("MFConverterIssue", Self.text(issue)) }
    _ = try run.files.writeArtifact("osi_document.json", result.document)
  }

  private func tell(_ event: String, _ message: String) throws(DBTError) {
    try run.invocation.warn(of: ProjectWarning(name: event, message: message))
  }

  private static func text(_ issue: OpenSemanticDocument.Issue) -> String {
    let isEntity = issue.kind == .naturalEntityDropped
    let head = "\(isEntity ? "Entity" : "Metric") '\(issue.element)' was "
    return switch issue.kind {
    case .conversionMetricDropped:
      head + "excluded from the OSI document: conversion metrics cannot be represented in the OSI format."
    case .privateMetricDropped:
      head + "excluded from the OSI document: private metrics are not included in OSI output."
    case .naturalEntityDropped:
      head + "excluded from the OSI document: natural entities have no equivalent in the OSI format."
    case .cumulativeSemanticsLoss:
      head + "included in the OSI document, but its cumulative window and grain semantics cannot be represented."
    }
  }
}
