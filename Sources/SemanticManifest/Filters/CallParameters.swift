import Jinja

/// What the checks need of the items of one template.
struct CallParameters {
  /// Names of the elements: entities first, then dimensions, time dimensions and metrics.
  var elements: [String] { entities + dimensions + timeDimensions.map(\.element) + metrics }

  /// Granularities of time dimensions in lower case, in the order of the template.
  var granularities: [String] { timeDimensions.compactMap(\.granularity) }

  private var entities: [String] = []
  private var dimensions: [String] = []
  private var timeDimensions: [(element: String, granularity: String?)] = []
  private var metrics: [String] = []

  /// - Parameter customGranularities: endings of names that count as granularities.
  /// - Throws: where a name is none of an element, or a value is of the wrong type.
  init(_ items: [QueryItem], customGranularities: Set<String>) throws(PythonException) {
    for item in items {
      switch item.kind {
      case .dimension where !item.granularity.isTruthy && !item.datePart.isTruthy: try addDimension(item)
      case .dimension, .timeDimension: try addTimeDimension(item, customGranularities)
      case .entity: try addEntity(item)
      case .metric: try addMetric(item)
      }
    }
  }

  private static func name(_ item: QueryItem) throws(PythonException) -> String {
    guard let name = item.name.stringValue else { throw .noAttribute("split", of: item.name) }
    return name
  }

  private static func checkFormat(_ name: DunderedName, _ text: String) throws(PythonException) {
    guard name.entityLinks.count == 1 || name.element == "metric_time" else {
      throw .parsing(
        "Name is in an incorrect format: \(PythonText.repr(text)). It should be of the form: "
          + "<primary entity name>__<dimension_name>")
    }
  }

  private mutating func addDimension(_ item: QueryItem) throws(PythonException) {
    let text = try Self.name(item)
    let name = DunderedName(text)
    try Self.checkFormat(name, text)
    dimensions.append(name.element)
  }

  private mutating func addTimeDimension(_ item: QueryItem, _ custom: Set<String>) throws(PythonException) {
    let text = try Self.name(item)
    let name = DunderedName(text, customGranularities: custom)
    try Self.checkFormat(name, text)
    let given = item.granularity
    if let own = name.granularity {
      if !given.isNone, given.stringValue != own {
        if case .undefined = given { throw .noAttribute("", of: given) }
        throw .parsing(
          "Received different grains in `time_dimension_name` parameter ('\(text)') and `time_granularity_name` "
            + "parameter ('\(given.text)'). Remove the grain suffix (`\(own)`) from the time dimension name and use "
            + "the `time_granularity_name` parameter to specify the intendend grain.")
      }
      timeDimensions.append((name.element, own.lowercased()))
      return
    }
    if case .undefined = given { throw .noAttribute("", of: given) }
    guard given.isTruthy else { return timeDimensions.append((name.element, nil)) }
    guard let granularity = given.stringValue else { throw .noAttribute("lower", of: given) }
    timeDimensions.append((name.element, granularity.lowercased()))
  }

  private mutating func addEntity(_ item: QueryItem) throws(PythonException) {
    let text = try Self.name(item)
    let name = DunderedName(text)
    guard name.granularity == nil else {
      throw .parsing(
        "Name is in an incorrect format: \(PythonText.repr(text)). It should not contain a time grain suffix.")
    }
    entities.append(name.element)
  }

  private mutating func addMetric(_ item: QueryItem) throws(PythonException) {
    let name = try Self.name(item)
    guard !item.groupBy.isEmpty else {
      throw .parsing(
        "`group_by` parameter is required for Metric in where filter. This is needed to determine 1) the "
          + "granularity to aggregate the metric to and 2) how to join the metric to the rest of the query.")
    }
    metrics.append(name)
  }
}
