/// Rules on the filters of metrics and saved queries.
extension Checker {
  /// Filters can be read, and name granularities that exist.
  func checkFilters() {
    for metric in manifest.metrics { checkFilters(of: metric) }
    for query in manifest.savedQueries {
      safely("validating the where field in a saved query.") { checker throws(PythonException) in
        try checker.checkFilters(of: query)
      }
    }
  }

  private func checkFilters(of metric: Metric) {
    let parameters = metric.parameters
    let name = metric.name
    check(metric.filter, of: name, "trying to parse filter of metric `\(name)`")
    if let measure = parameters.measure {
      check(
        measure.filter, of: name, "trying to parse filter of measure input `\(measure.name)` on metric `\(name)`")
    }
    check(parameters.numerator?.filter, of: name, "trying to parse the numerator filter on metric `\(name)`")
    check(parameters.denominator?.filter, of: name, "trying to parse the denominator filter on metric `\(name)`")
    for input in parameters.metrics ?? [] {
      check(input.filter, of: name, "trying to parse filter for input metric `\(input.name)` on metric `\(name)`")
    }
  }

  private func check(_ filter: WhereFilterIntersection?, of name: String, _ step: @autoclosure () -> String) {
    guard let filter else { return }
    var read: [CallParameters] = []
    var failures: [(template: String, message: String)] = []
    for condition in filter.filters {
      do throws(PythonException) { read.append(try sandbox.parameters(of: condition.template)) } catch {
        failures.append((condition.template, error.message))
      }
    }
    guard failures.isEmpty else { return fail(of: step(), .parsing(Self.report(failures))) }
    for parameters in read { checkGranularities(parameters, of: "METRIC", name) }
  }

  /// What MetricFlow tells of filters that cannot be read, with nothing where it prints Python's stack.
  private static func report(_ failures: [(template: String, message: String)]) -> String {
    var lines = ["Encountered error(s) while parsing:\n"]
    for (template, message) in failures {
      lines += ["Filter:", template.indented(by: "    "), "Error Message:", message.indented(by: "    ")]
      lines += ["Traceback:", ""]
    }
    return lines.joined(separator: "\n")
  }

  private func checkGranularities(_ parameters: CallParameters, of kind: String, _ name: String) {
    for granularity in parameters.granularities
    where !TimeGranularity.names.contains(granularity) && !customGranularities.contains(granularity) {
      warn(
        "Filter for SemanticManifestNodeType.\(kind) `\(name)` is not valid. `\(granularity)` is not a valid "
          + "granularity name. Valid granularity options: \(PythonList.repr(granularities))")
    }
  }

  /// For each condition that can be read, MetricFlow reads all of them once more and gives up at the first that cannot.
  private func checkFilters(of query: SavedQuery) throws(PythonException) {
    let filters = query.parameters.filter?.filters ?? []
    for filter in filters {
      do throws(PythonException) { _ = try sandbox.parameters(of: filter.template) } catch {
        fail(of: "trying to parse a filter in saved query `\(query.name)`", error)
        continue
      }
      for other in filters {
        checkGranularities(try sandbox.parameters(of: other.template), of: "SAVED_QUERY", query.name)
      }
    }
  }
}
