/// Writes metrics out as SQL expressions in which no other metric is named.
///
/// Metrics are followed without recursion: each waits on a stack for its inputs. Use it on one thread.
struct ExpressionResolver {
  private struct Key: Hashable {
    let metric: String
    let filter: String?
  }

  /// A metric that waits for its inputs.
  private struct Pending {
    let key: Key
    let metric: Metric
    /// The inputs with the words that errors name them by, and their filters where those were rendered before.
    let inputs: [(input: InputMetric, context: String, filter: String?)]
    var resolved: [String] = []
    /// The expression so far, of derived metrics.
    var expression: String
  }

  /// The last metric of each name.
  private let metrics: [String: Metric]
  private let filters = FilterText()
  private var known: [Key: String] = [:]
  private var bytesLeft = OpenSemanticLimits.expressionBytes

  init(_ metrics: [Metric]) {
    self.metrics = Dictionary(metrics.map { ($0.name, $0) }, uniquingKeysWith: { _, last in last })
  }

  /// The expression of a metric.
  mutating func expression(of metric: Metric) throws(OpenSemanticError) -> String {
    var stack: [Pending] = []
    var result = try enter(metric, filter: nil, &stack)
    while var top = stack.popLast() {
      if let text = result { try take(text, into: &top) }
      if top.resolved.count < top.inputs.count {
        let (next, filter) = try input(of: top)
        stack.append(top)
        result = try enter(next, filter: filter, &stack)
      } else {
        let text = finished(top)
        known[top.key] = text
        result = text
      }
    }
    return result ?? ""
  }

  private mutating func charge(_ text: String?) throws(OpenSemanticError) {
    bytesLeft -= text?.utf8.count ?? 0
    if bytesLeft < 0 { throw .limit("expressions of more than \(OpenSemanticLimits.expressionBytes) bytes in all") }
  }

  /// Begins with a metric: its expression where that is known or simple, else nil, and the metric waits on the stack.
  private mutating func enter(
    _ metric: Metric, filter: String?, _ stack: inout [Pending]
  ) throws(OpenSemanticError) -> String? {
    let filter = FilterText.join([filter, try filters.text(metric.filter)])
    try charge(filter)
    let key = Key(metric: metric.name, filter: filter)
    if let text = known[key] { return text }
    if metric.type == .simple {
      let text = try simple(metric, filter)
      try charge(text)
      known[key] = text
      return text
    }
    guard stack.count < OpenSemanticLimits.expressionDepth else { throw .recursion }
    guard known.count < OpenSemanticLimits.expressions else {
      throw .limit("more than \(OpenSemanticLimits.expressions) expressions")
    }
    stack.append(
      Pending(
        key: key, metric: metric, inputs: try inputs(of: metric, filter),
        expression: metric.parameters.expression ?? ""))
    return nil
  }

  private func inputs(
    of metric: Metric, _ filter: String?
  ) throws(OpenSemanticError) -> [(input: InputMetric, context: String, filter: String?)] {
    let parameters = metric.parameters
    switch metric.type {
    case .derived:
      return (parameters.metrics ?? []).map { ($0, "DERIVED metric '\(metric.name)'", nil) }
    case .cumulative:
      guard let input = parameters.cumulative?.metric else {
        throw .uncaught("ValueError", "CUMULATIVE metric has no sub-metric after transformation: \(metric.name)")
      }
      return [(input, "CUMULATIVE metric '\(metric.name)'", try merged(filter, input))]
    case .ratio:
      guard let numerator = parameters.numerator, let denominator = parameters.denominator else {
        throw .uncaught("ValueError", "RATIO metric is missing numerator or denominator: \(metric.name)")
      }
      let filters = [try merged(filter, numerator), try merged(filter, denominator)]
      return [
        (numerator, "RATIO metric '\(metric.name)' numerator", filters[0]),
        (denominator, "RATIO metric '\(metric.name)' denominator", filters[1]),
      ]
    case .conversion, .simple:
      throw .notGenerated(
        "RuntimeError", LazyText.text("Unexpected CONVERSION metric in expression resolver", "metric_name", metric.name)
      )
    }
  }

  private func merged(_ filter: String?, _ input: InputMetric) throws(OpenSemanticError) -> String? {
    FilterText.join([filter, try filters.text(input.filter)])
  }

  /// The next input of a metric that waits, with the filter it is asked for.
  private func input(of pending: Pending) throws(OpenSemanticError) -> (Metric, String?) {
    let (input, context, filter) = pending.inputs[pending.resolved.count]
    guard let metric = metrics[input.name] else {
      throw .uncaught("ValueError", "Unknown metric referenced: \(input.name), \(context)")
    }
    return (metric, pending.metric.type == .derived ? try merged(pending.key.filter, input) : filter)
  }

  /// Notes the expression of an input.
  private mutating func take(_ text: String, into pending: inout Pending) throws(OpenSemanticError) {
    let input = pending.inputs[pending.resolved.count].input
    pending.resolved.append(text)
    guard pending.metric.type == .derived else { return }
    let type = metrics[input.name]?.type
    let alias = input.alias ?? ""
    let word = try WordSubstitution(
      alias.isEmpty ? input.name : alias, by: type == .derived || type == .ratio ? "(\(text))" : text)
    pending.expression = word.apply(to: pending.expression)
    pending.resolved[pending.resolved.count - 1] = ""
    try charge(pending.expression)
  }

  private func finished(_ pending: Pending) -> String {
    switch pending.metric.type {
    case .ratio: "(\(pending.resolved[0])) / (\(pending.resolved[1]))"
    case .derived: pending.expression
    default: pending.resolved.first ?? ""
    }
  }

  // MARK: Simple metrics

  private func simple(_ metric: Metric, _ filter: String?) throws(OpenSemanticError) -> String {
    guard let aggregation = metric.parameters.aggregation else {
      throw .uncaught(
        "ValueError", "SIMPLE metric has no metric_aggregation_params after transformation: \(metric.name)")
    }
    let column = Self.qualified(metric.parameters.expression ?? metric.name, aggregation.semanticModel)
    return Self.aggregate(column, aggregation, filter)
  }

  /// A column with its dataset before it, also where it stands in the condition that counts were turned into; other
  /// expressions stay as they are.
  private static func qualified(_ column: String, _ dataset: String) -> String {
    let (head, tail) = ("CASE WHEN ", " IS NOT NULL THEN 1 ELSE 0 END")
    if isIdentifier(column) { return "\(dataset).\(column)" }
    // Python's `$` also stands before a line feed at the end.
    let bare = column.utf8.last == 0x0A ? String(column.unicodeScalars.dropLast()) : column
    if isIdentifier(bare) { return "\(dataset).\(column)" }
    guard bare.utf8.starts(with: head.utf8), bare.utf8.count > head.utf8.count + tail.utf8.count,
      bare.utf8.suffix(tail.utf8.count).elementsEqual(tail.utf8)
    else { return column }
    let inner = String(Substring(bare.utf8.dropFirst(head.utf8.count).dropLast(tail.utf8.count)))
    return isIdentifier(inner) ? "\(head)\(dataset).\(inner)\(tail)" : column
  }

  private static func isIdentifier(_ text: String) -> Bool {
    guard let first = text.utf8.first, !(0x30...0x39).contains(first) else { return false }
    return text.unicodeScalars.allSatisfy { $0.isASCII && $0.isPythonWord }
  }

  private static func aggregate(_ column: String, _ aggregation: MetricAggregation, _ filter: String?) -> String {
    let filtered = filter.map { "CASE WHEN \($0) THEN \(column) END" } ?? column
    switch aggregation.aggregation {
    case .sum: return "SUM(\(filtered))"
    case .min: return "MIN(\(filtered))"
    case .max: return "MAX(\(filtered))"
    case .count: return "COUNT(\(filtered))"
    case .countDistinct: return "COUNT(DISTINCT \(filtered))"
    case .average: return "AVG(\(filtered))"
    case .sumBoolean:
      return "SUM(CASE WHEN \(filter.map { "(\($0)) AND (\(column))" } ?? column) THEN 1 ELSE 0 END)"
    case .median: return "PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY \(filtered))"
    case .percentile:
      let parameters = aggregation.parameters
      let function = parameters?.isDiscrete == true ? "PERCENTILE_DISC" : "PERCENTILE_CONT"
      return "\(function)(\(PythonNumber.text(parameters?.percentile ?? 0.5))) WITHIN GROUP (ORDER BY \(filtered))"
    }
  }
}

/// The messages of MetricFlow that name one value.
enum LazyText {
  /// In one line where it fits into a width, else with the value below.
  static func text(_ title: String, _ name: String, _ value: String) -> String {
    let line = "\(title) (\(name)=\(value))"
    let isOneLine = !value.unicodeScalars.contains(where: \.isPythonLineBreak)
    if isOneLine, line.unicodeScalars.count <= 120 { return line }
    if isOneLine { return "\(title)\n  \(name): \(value)" }
    return "\(title)\n  \(name):\n" + value.indented(by: "    ")
  }
}
