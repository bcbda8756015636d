import Jinja

/// Runs the templates of filters and saved queries, each within bounds and all of them within a time.
///
/// It keeps what came out of each template: the same filters stand on many metrics. Use it on one thread.
final class FilterSandbox {
  /// Endings of names that count as granularities.
  private let customGranularities: Set<String>
  private let deadline: ContinuousClock.Instant
  private var known: [String: Result<CallParameters, PythonException>] = [:]

  /// Wall-clock time for all the templates of one manifest.
  static let totalTime = Duration.seconds(60)

  /// The bounds of one template.
  static let limits = {
    var limits = Limits()
    limits.steps = 500_000
    limits.callDepth = 200
    limits.outputBytes = 1 << 20
    limits.collectionSize = 100_000
    limits.allocatedBytes = 64 << 20
    limits.time = .seconds(5)
    return limits
  }()

  init(customGranularities: [String] = []) {
    self.customGranularities = Set(customGranularities)
    deadline = .now + Self.totalTime
  }

  /// The bounds of the template that runs next.
  private var limits: Limits {
    var limits = Self.limits
    limits.time = min(limits.time ?? .zero, max(.zero, deadline - .now))
    return limits
  }

  /// Renders a template with functions as its only variables. A missing name is an error wherever it is used.
  func render(_ template: String, _ functions: [String: Value]) throws -> String {
    let compiled = try Template.compile(template, path: "filter", options: Self.options)
    let evaluation = Evaluation(globals: DictionaryScope(functions), limits: limits, undefined: .strict)
    return try evaluation.renderText(compiled)
  }

  private static let options = {
    var options = CompileOptions.plain
    options.sourceBytes = 1 << 20
    return options
  }()

  /// What a filter or a group-by refers to.
  ///
  /// - Throws: where the template fails, in words that do not say why, or refers to something in the wrong form.
  func parameters(of template: String) throws(PythonException) -> CallParameters {
    if let known = known[template] { return try known.get() }
    let result: Result<CallParameters, PythonException>
    do throws(PythonException) { result = .success(try evaluate(template)) } catch { result = .failure(error) }
    known[template] = result
    return try result.get()
  }

  private func evaluate(_ template: String) throws(PythonException) -> CallParameters {
    let collector = QueryItemCollector(MethodRules(allowsOrder: false))
    do { _ = try render(template, collector.functions) } catch {
      throw .parsing("Error while parsing Jinja template:\n\(template)")
    }
    return try CallParameters(collector.items, customGranularities: customGranularities)
  }

  /// The one item that a text such as `Metric('bookings').descending(true)` describes.
  func item(_ text: String, _ rules: MethodRules) throws(PythonException) -> QueryItem {
    let collector = QueryItemCollector(rules)
    let template = "{{ \(text) }}"
    do { _ = try render(template, collector.functions) } catch { throw Self.error(error, in: template) }
    guard collector.items.count == 1 else {
      throw PythonException(
        type: PythonException.syntax,
        message: "Did not get exactly one query item from: \(PythonText.repr(text)) Got: ["
          + collector.items.map(\.repr).joined(separator: ", ") + "]")
    }
    return collector.items[0]
  }

  private static func error(_ error: any Error, in template: String) -> PythonException {
    guard let error = error as? JinjaError else { return PythonException(type: "RuntimeError", message: "\(error)") }
    switch error.kind {
    case .undefined, .syntax, .assertion, .security:
      return PythonException(
        type: PythonException.template,
        message: "Error while processing Jinja template:\n" + template.indented(by: "    "))
    default: return PythonException(error)
    }
  }
}
