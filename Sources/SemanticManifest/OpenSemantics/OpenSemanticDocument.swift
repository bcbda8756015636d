package import PlainData

/// A semantic manifest as an OSI document, the exchange format of the Open Semantic Interchange.
package struct OpenSemanticDocument: Sendable {
  /// What got lost on the way.
  package struct Issue: Sendable, Hashable {
    package enum Kind: String, Sendable {
      case conversionMetricDropped = "CONVERSION_METRIC_DROPPED"
      case privateMetricDropped = "PRIVATE_METRIC_DROPPED"
      case naturalEntityDropped = "NATURAL_ENTITY_DROPPED"
      case cumulativeSemanticsLoss = "CUMULATIVE_SEMANTICS_LOSS"
    }

    package let kind: Kind
    /// The name of the metric or entity.
    package let element: String
  }

  /// What `osi_document.json` holds, without absent members. dbt writes it as `JSONStyle.python` does.
  package let document: PlainValue
  /// Entities first, then metrics, each in the order of the manifest.
  package let issues: [Issue]
}

/// Why there is no OSI document.
package struct OpenSemanticError: Error, Sendable, CustomStringConvertible {
  package enum Kind: Sendable {
    /// dbt says "OSI document could not be generated: MESSAGE. …" and goes on. Bounds of ours count among these.
    case notGenerated
    /// dbt does not catch the exception and ends with a traceback.
    case uncaught
  }

  package let kind: Kind
  /// The name of the Python class, without module; `limit` for a bound of ours.
  package let type: String
  /// For `notGenerated` the words that dbt prints.
  package let message: String

  package var description: String { "\(type): \(message)" }

  static func uncaught(_ type: String, _ message: String) -> OpenSemanticError {
    OpenSemanticError(kind: .uncaught, type: type, message: message)
  }

  static func notGenerated(_ type: String, _ message: String) -> OpenSemanticError {
    OpenSemanticError(kind: .notGenerated, type: type, message: message)
  }

  static let recursion = notGenerated("RecursionError", "maximum recursion depth exceeded")

  static func limit(_ what: String) -> OpenSemanticError { notGenerated("limit", "the OSI document has \(what)") }
}

/// The bounds of one conversion.
enum OpenSemanticLimits {
  /// How deep metrics may be made of metrics while measures are looked up, and while expressions are made: about where
  /// Python's own limit stops the conversion.
  static let measureDepth = 950
  static let expressionDepth = 480
  /// Bytes of all expressions and filters that are made on the way.
  static let expressionBytes = 32 << 20
  /// How often a metric may be written out under a filter of its own.
  static let expressions = 200_000
  static let relationships = 1_000_000
}

extension SemanticManifest {
  /// Converts the manifest into an OSI document.
  ///
  /// - Throws: where dbt writes none.
  package func openSemanticDocument() throws(OpenSemanticError) -> OpenSemanticDocument {
    var transformation = ManifestTransformation(model)
    try transformation.run()
    var converter = OpenSemanticConverter(transformation.manifest)
    return try converter.convert()
  }
}
