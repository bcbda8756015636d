import Jinja

/// Collects the descriptions that a template prints, each once.
final class QueryItemCollector {
  let rules: MethodRules
  private(set) var items: [QueryItem] = []
  private var seen: Set<QueryItem> = []

  init(_ rules: MethodRules) { self.rules = rules }

  func collect(_ item: QueryItem) {
    if seen.insert(item).inserted { items.append(item) }
  }

  /// The functions a template may call.
  var functions: [String: Value] {
    [
      "Dimension": function("dimension") { [unowned self] arguments, evaluation in
        let bound = try arguments.bind(Self.name("dimension"), ["name", "entity_path?"])
        return try object(.dimension, bound[0], path: try Self.path(bound[1], evaluation))
      },
      "TimeDimension": function("time_dimension") { [unowned self] in try timeDimension($0, $1) },
      "Entity": function("entity") { [unowned self] arguments, evaluation in
        let bound = try arguments.bind(Self.name("entity"), ["entity_name", "entity_path?"])
        return try object(.entity, bound[0], path: try Self.path(bound[1], evaluation))
      },
      "Metric": function("metric") { [unowned self] arguments, evaluation in
        let bound = try arguments.bind(Self.name("metric"), ["metric_name", "group_by?"])
        return try object(.metric, bound[0]) { $0.groupBy = try Self.path(bound[1], evaluation) }
      },
    ]
  }

  private func timeDimension(_ arguments: Arguments, _ evaluation: Evaluation) throws -> Value {
    let bound = try arguments.bind(
      Self.name("time_dimension"),
      ["time_dimension_name", "time_granularity_name?", "entity_path?", "descending?", "date_part_name?"])
    return try object(.timeDimension, bound[0], path: try Self.path(bound[2], evaluation)) { item in
      item.granularity = bound[1] ?? .none
      item.descending = bound[3] ?? .none
      item.datePart = bound[4] ?? .none
    }
  }

  /// The name of the Python function that a call reaches, as messages of wrong calls print it.
  private static func name(_ kind: String) -> String {
    "ObjectBuilderJinjaRenderHelper.get_function_for_\(kind).<locals>._create"
  }

  private func function(_ kind: String, _ body: @escaping NativeFunction.Body) -> Value {
    .object(NativeFunction(Self.name(kind), body))
  }

  private static func path(_ value: Value?, _ evaluation: Evaluation) throws -> [Value] {
    guard let value else { return [] }
    return try evaluation.elements(of: value)
  }

  private func object(
    _ kind: QueryItem.Kind, _ name: Value?, path: [Value] = [], _ fill: (inout QueryItem) throws -> Void = { _ in }
  ) throws -> Value {
    var item = QueryItem(kind: kind, name: name ?? .none, entityPath: path)
    try fill(&item)
    try item.check()
    return .object(QueryItemObject(item, self))
  }
}

/// What `Dimension(…)` and the like give: an object whose methods refine it and that is noted when it is printed.
private final class QueryItemObject: Object {
  private var item: QueryItem
  private let collector: QueryItemCollector

  init(_ item: QueryItem, _ collector: QueryItemCollector) {
    self.item = item
    self.collector = collector
  }

  var typeName: String { "_RenderingClassForJinjaTemplate" }
  var qualifiedTypeName: String {
    "metricflow_semantic_interfaces.parsing.text_input.rendering_helper._RenderingClassForJinjaTemplate"
  }

  var text: String {
    collector.collect(item)
    return ""
  }

  func attribute(_ name: String, _ evaluation: Evaluation) -> Value? {
    guard let method = QueryItem.Method(rawValue: name) else { return nil }
    return .object(NativeFunction("\(typeName).\(name)") { [self] in try refine(method, $0, $1) })
  }

  private static let parameters: [QueryItem.Method: String] = [
    .grain: "time_granularity", .datePart: "date_part_name", .descending: "_is_descending",
  ]

  /// Calls a method. Python makes the new description, and checks it, before it asks whether the method is allowed.
  private func refine(_ method: QueryItem.Method, _ arguments: Arguments, _ evaluation: Evaluation) throws -> Value {
    // Python counts `self` in its messages.
    let bound = try Arguments([.none] + arguments.positional, keywords: arguments.keywords)
      .bind("\(typeName).\(method.rawValue)", ["self", Self.parameters[method] ?? ""])
    let value = bound[1] ?? .none
    if case .undefined(let undefined) = value { throw undefined.error }
    var refined = item
    if value.isTruthy {
      switch method {
      case .grain: refined.granularity = value
      case .datePart: refined.datePart = value
      case .descending: refined.descending = value
      }
    }
    try refined.check()
    guard collector.rules.allows(method, on: item.kind) else {
      throw JinjaError(
        .host, "`\(method.rawValue)` can't be used with `\(item.kind.rawValue)` in this context.",
        underlying: ForbiddenMethod())
    }
    item = refined
    return .object(self)
  }
}
