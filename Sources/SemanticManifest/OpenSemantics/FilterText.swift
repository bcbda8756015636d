import Jinja

/// Renders filters to SQL in which elements stand under the names MetricFlow gives to columns.
///
/// It keeps the text of each template. Use it on one thread.
final class FilterText {
  private let sandbox = FilterSandbox()
  private var known: [String: String] = [:]
  /// What went wrong in `str()` of an object, which must not throw here.
  fileprivate var failure: JinjaError?

  /// The conditions of an intersection, joined; nil when there is none.
  func text(_ filter: WhereFilterIntersection?) throws(OpenSemanticError) -> String? {
    var parts: [String] = []
    for condition in filter?.filters ?? [] { parts.append(try text(condition.template)) }
    return Self.join(parts)
  }

  /// Joins conditions, each in brackets where there are more than one; nil and empty ones do not count.
  static func join(_ parts: [String?]) -> String? {
    let parts = parts.compactMap(\.self).filter { !$0.isEmpty }
    guard parts.count > 1 else { return parts.first }
    return parts.map { "(\($0))" }.joined(separator: " AND ")
  }

  private func text(_ template: String) throws(OpenSemanticError) -> String {
    if let text = known[template] { return text }
    do {
      failure = nil
      let text = try sandbox.render(template, functions).pythonStripped
      if let failure { throw failure }
      known[template] = text
      return text
    } catch {
      throw Self.error(error)
    }
  }

  private static func error(_ error: any Error) -> OpenSemanticError {
    guard let error = error as? JinjaError else { return .uncaught("RuntimeError", "\(error)") }
    switch error.kind {
    case .limit: return .notGenerated("limit", "a filter went beyond its limit: \(error.message)")
    case .state: return .notGenerated(error.kind.rawValue, error.message)
    default: return .uncaught(error.kind.rawValue, error.message)
    }
  }

  private var functions: [String: Value] {
    [
      "Dimension": stub("_DimensionStub", ["name", "entity_path?"]) { bound, evaluation in
        try Self.column(bound[0], path: bound[1], evaluation)
      },
      "TimeDimension": timeDimension,
      "Entity": stub("_EntityStub", ["name", "entity_path?"]) { bound, evaluation in
        try Self.column(bound[0], path: bound[1], evaluation)
      },
      "Metric": stub("_MetricStub", ["name", "group_by?"]) { bound, _ in bound[0] ?? .none },
    ]
  }

  private func stub(
    _ name: String, _ parameters: [String], _ column: @escaping ([Value?], Evaluation) throws -> Value
  ) -> Value {
    .object(
      StubClass(name) { [unowned self] arguments, evaluation in
        let bound = try Self.bind(arguments, "\(name).__init__", parameters)
        return .object(FilterStub(name, try column(bound, evaluation), self))
      })
  }

  /// Takes keywords of any name.
  private var timeDimension: Value {
    let parameters = ["name", "time_granularity_name?", "entity_path?"]
    let names: Set = ["name", "time_granularity_name", "entity_path"]
    return .object(
      StubClass("_TimeDimensionStub") { [unowned self] arguments, evaluation in
        var arguments = arguments
        arguments.keywords.removeAll { !names.contains($0.name) }
        let bound = try Self.bind(arguments, "_TimeDimensionStub.__init__", parameters)
        let column = try Self.column(bound[0], path: bound[2], evaluation)
        return .object(FilterStub("_TimeDimensionStub", column, self, granularity: bound[1] ?? .none))
      })
  }

  /// Python counts `self` in its messages.
  fileprivate static func bind(_ arguments: Arguments, _ name: String, _ parameters: [String]) throws -> [Value?] {
    let all = Arguments([.none] + arguments.positional, keywords: arguments.keywords)
    return Array(try all.bind(name, ["self"] + parameters).dropFirst())
  }

  private static func column(_ name: Value?, path: Value?, _ evaluation: Evaluation) throws -> Value {
    let parts = try (path.map(evaluation.elements) ?? []) + [name ?? .none]
    var texts: [String] = []
    for (index, part) in parts.enumerated() {
      guard let text = part.stringValue else {
        throw JinjaError(.type, "sequence item \(index): expected str instance, \(part.typeName) found")
      }
      texts.append(text)
    }
    return .string(texts.joined(separator: "__"))
  }
}

/// One of the classes a filter may call.
private final class StubClass: Object {
  private let name: String
  private let body: NativeFunction.Body

  init(_ name: String, _ body: @escaping NativeFunction.Body) {
    self.name = name
    self.body = body
  }

  var typeName: String { "type" }
  var repr: String { "<class 'metricflow.converters.filter_utils.\(name)'>" }
  var kinds: ValueKinds { .callable }

  func call(_ arguments: Arguments, _ evaluation: Evaluation) throws -> Value { try body(arguments, evaluation) }
}

/// An element that a filter names; prints as a column.
private final class FilterStub: Object {
  let typeName: String
  private let column: Value
  private var granularity: Value
  private let owner: FilterText

  init(_ typeName: String, _ column: Value, _ owner: FilterText, granularity: Value = .none) {
    self.typeName = typeName
    self.column = column
    self.owner = owner
    self.granularity = granularity
  }

  var qualifiedTypeName: String { "metricflow.converters.filter_utils.\(typeName)" }

  var text: String {
    guard let column = column.stringValue else {
      return fail(JinjaError(.type, "__str__ returned non-string (type \(column.typeName))"))
    }
    if case .undefined(let undefined) = granularity { return fail(undefined.error) }
    // A dimension's suffix is made as it is set, even of an empty text.
    let hasSuffix = typeName == "_DimensionStub" ? !granularity.isNone : granularity.isTruthy
    guard hasSuffix else { return column }
    guard let granularity = granularity.stringValue else {
      return fail(PythonException.noAttribute("lower", of: granularity).jinja)
    }
    return "\(column)__\(granularity.lowercased())"
  }

  private func fail(_ error: JinjaError) -> String {
    if owner.failure == nil { owner.failure = error }
    return ""
  }

  func attribute(_ name: String, _ evaluation: Evaluation) -> Value? {
    let hasTime = typeName == "_DimensionStub" || typeName == "_TimeDimensionStub"
    let parameters = ["grain": "time_granularity", "date_part": "date_part_name", "descending": "_is_descending"]
    guard let parameter = parameters[name], hasTime || name == "descending" else { return nil }
    return .object(
      NativeFunction("\(typeName).\(name)") { [self] arguments, _ in
        let value = try FilterText.bind(arguments, "\(typeName).\(name)", [parameter])[0] ?? .none
        guard name != "descending" else { return .object(self) }
        if typeName == "_DimensionStub", value.stringValue == nil {
          throw PythonException.noAttribute("lower", of: value).jinja
        }
        granularity = value
        return .object(self)
      })
  }
}
