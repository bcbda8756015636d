import OrderedCollections

/// Runs MetricFlow's rules over a manifest and gathers what they find, in their order.
///
/// Use it once, on one thread. Texts of all messages together are bounded: names that are used again and again would make
/// them grow with the square of the manifest.
final class Checker {
  let manifest: ManifestModel
  let models: [ModelIndex]
  let sandbox: FilterSandbox
  /// What time spines define, and the same with the standard granularities before it.
  let customGranularities: OrderedSet<String>
  let granularities: [String]
  /// The first metric of each name.
  let metricsByName: [String: Int]
  private(set) var issues: [SemanticIssue] = []
  private var bytesLeft = Checker.messageBytes

  /// Bytes of all messages.
  static let messageBytes = 16 << 20

  init(_ manifest: ManifestModel) {
    self.manifest = manifest
    models = manifest.semanticModels.map(ModelIndex.init)
    let custom = manifest.customGranularities
    customGranularities = OrderedSet(custom)
    granularities = TimeGranularity.names + custom
    sandbox = FilterSandbox(customGranularities: custom)
    metricsByName = Dictionary(
      manifest.metrics.enumerated().map { ($0.element.name, $0.offset) }, uniquingKeysWith: { first, _ in first })
  }

  /// The first metric of a name.
  func metric(_ name: String) -> Metric? { metricsByName[name].map { manifest.metrics[$0] } }

  // MARK: Findings

  /// Issues of one step of a rule, which are dropped where the step fails.
  typealias Step = (Checker) throws(PythonException) -> Void

  func warn(_ message: @autoclosure () -> String) { add(.warning, message) }

  func warnOfFuture(_ message: @autoclosure () -> String) { add(.futureError, message) }

  func fail(_ message: @autoclosure () -> String) { add(.error, message) }

  private func add(_ level: SemanticIssue.Level, _ message: () -> String) {
    guard bytesLeft > 0 else { return }
    let text = message()
    bytesLeft -= text.utf8.count
    issues.append(SemanticIssue(level: level, message: text))
    if bytesLeft <= 0 {
      issues.append(
        SemanticIssue(
          level: .error,
          message: "The semantic manifest has more issues than fit into \(Self.messageBytes) bytes of messages."))
    }
  }

  /// Runs one step. Where it fails in Python, its issues give way to one that says so.
  func safely(_ step: String, _ body: Step) {
    let count = issues.count
    do throws(PythonException) { try body(self) } catch {
      issues.removeSubrange(count...)
      fail(of: step, error)
    }
  }

  /// Notes that a step failed with an exception.
  func fail(of step: String, _ error: PythonException) { fail("An error occurred while \(step) - \(error.text)") }

  // MARK: Rules

  /// Runs all rules.
  func checkAll() {
    checkPercentiles()
    checkDerivedMetrics()
    checkCountExpressions()
    checkMeasuresAreUnique()
    checkValidityWindows()
    checkDimensionsAgree()
    checkElementsAgree()
    checkNaturalEntities()
    checkMeasureAliases()
    checkMetricMeasures()
    checkCumulativeMetrics()
    checkIsNotEmpty()
    checkNames()
    checkTimeDimensions()
    checkReservedKeywords()
    checkNonAdditiveDimensions()
    checkDefaults()
    checkPrimaryEntities()
    checkPrimaryEntityPairs()
    checkFilters()
    checkSavedQueries()
    checkMetricLabels()
    checkSemanticModelLabels()
    checkEntityLabels()
    checkConversionMetrics()
    checkTimeSpines()
    checkGranularities()
    checkProxyExpressions()
  }
}

/// One semantic model with what rules look up in it.
struct ModelIndex {
  let model: SemanticModel
  let timeDimensions: Set<String>
  let entities: Set<String>
  /// The first dimension and the first measure of each name.
  private let dimensions: [String: Int]
  private let measures: [String: Int]

  init(_ model: SemanticModel) {
    self.model = model
    timeDimensions = Set(model.dimensions.filter { $0.type == .time }.map(\.name))
    entities = Set(model.entities.map(\.name))
    dimensions = Self.index(model.dimensions.map(\.name))
    measures = Self.index(model.measures.map(\.name))
  }

  private static func index(_ names: [String]) -> [String: Int] {
    Dictionary(names.enumerated().map { ($0.element, $0.offset) }, uniquingKeysWith: { first, _ in first })
  }

  func dimension(_ name: String) -> Dimension? { dimensions[name].map { model.dimensions[$0] } }

  func measure(_ name: String) -> Measure? { measures[name].map { model.measures[$0] } }

  /// The time dimension of a measure's name: the measure's own, else the model's. An empty text of its own counts as none.
  ///
  /// - Throws: when neither is set.
  func timeDimension(ofMeasure name: String) throws(PythonException) -> String {
    if let own = measure(name)?.timeDimension, !own.isEmpty { return own }
    if let common = model.defaults?.timeDimension { return common }
    throw .assertion(
      "Aggregation time dimension for measure \(name) is not set! This should either be set directly on the measure "
        + "specification in the model, or else defaulted to the primary time dimension in the data source containing "
        + "the measure.")
  }
}
