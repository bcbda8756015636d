import Jinja

/// Rules on what saved queries ask for.
extension Checker {
  /// Metrics, group-bys and orders of saved queries exist and fit each other.
  func checkSavedQueries() {
    // Here, other than in filters, standard granularities need not be named: they end names anyway.
    var names: Set<String> = ["metric_time"]
    names.formUnion(metricsByName.keys)
    for index in models {
      names.formUnion(index.model.dimensions.lazy.map(\.name))
      names.formUnion(index.entities)
    }
    for query in manifest.savedQueries {
      for metric in query.parameters.metrics where metricsByName[metric] == nil {
        fail("`\(metric)` is not a valid metric name.")
      }
      for item in query.parameters.groupBy { checkGroupBy(item, of: query, names) }
      safely("Validate the order-by field in a saved query.") { checker throws(PythonException) in
        try checker.checkOrder(of: query)
      }
      if let limit = query.parameters.limit, limit < 0 { fail("Invalid limit value: \(limit) (should be >= 0)") }
    }
  }

  private func checkGroupBy(_ item: String, of query: SavedQuery, _ names: Set<String>) {
    let elements: [String]
    do throws(PythonException) { elements = try sandbox.parameters(of: "{{\(item)}}").elements } catch {
      return fail(of: "trying to parse a group-by in saved query `\(query.name)`", error)
    }
    guard elements.count != 1 || !names.contains(elements[0]) else { return }
    fail("`\(item)` is not a valid group-by name.")
  }

  /// What an order names must be among the metrics and group-bys.
  private func checkOrder(of query: SavedQuery) throws(PythonException) {
    let parameters = query.parameters
    guard !parameters.orderBy.isEmpty else { return }
    var known: Set<QueryItem> = []
    let count = issues.count
    for text in parameters.metrics.map({ "Metric('\($0)')" }) + parameters.groupBy {
      guard let item = item(text, of: query, MethodRules(allowsOrder: false)) else { continue }
      try item.requireHashable()
      known.insert(item)
    }
    guard issues.count == count else { return }
    for text in parameters.orderBy {
      guard let item = item(text, of: query, MethodRules(allowsOrder: true)) else { continue }
      try item.requireHashable()
      guard !known.contains(item.withoutOrder) else { continue }
      fail("\(text) does not match any of the listed metrics or group-by items. ")
    }
  }

  /// The item a text describes; nil where it describes none, with an issue.
  private func item(_ text: String, of query: SavedQuery, _ rules: MethodRules) -> QueryItem? {
    do throws(PythonException) { return try sandbox.item(text, rules) } catch {
      fail(
        of: "parsing a field in \(PythonText.repr(query.name)). Note that metrics need to be specified using the "
          + "object-builder syntax (`Metric('metric_name')`) and if `.descending(...)` is specified, it should be at "
          + "the end.", error)
      return nil
    }
  }
}

extension QueryItem {
  /// Python puts items into a set.
  fileprivate func requireHashable() throws(PythonException) {
    for value in [name, granularity, datePart, descending] + entityPath + groupBy {
      if case .undefined = value { throw .noAttribute("__hash__", of: value) }
      do { try value.requireHashable() } catch {
        throw (error as? JinjaError).map(PythonException.init) ?? .assertion("\(error)")
      }
    }
  }
}
