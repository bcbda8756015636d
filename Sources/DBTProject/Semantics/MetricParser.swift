import OrderedCollections
import PlainData
import SemanticManifest

/// Reads metrics in both forms: with `type_params`, which name measures, and without, which aggregate by themselves.
struct MetricParser {
  let semantics: SemanticParser

  /// What a model in whose properties a metric stands gives it.
  struct Host {
    let semanticModel: String
    let aggregationTime: PlainValue
  }

  /// Adds an entry of `metrics`.
  ///
  /// - Parameter host: of a metric that stands in a model's properties.
  /// - Throws: a parsing error for a wrong shape or name, or for what only some types of metrics may lack.
  func add(_ entry: PropertyEntry, host: Host? = nil) throws(ProjectError) {
    let isMeasured = entry.members["type_params"] != nil && host == nil
    if host == nil {
      try entry.check(isMeasured ? .measuredMetric : .metric)
      if let fault = MetricParser.fault(inName: entry.name) { throw entry.invalid("at path []: \(fault)") }
      if !isMeasured, try type(entry) == "simple", (entry.members["agg"] ?? .null).isNull {
        throw entry.invalid("at path []: Simple metrics must have an agg param.")
      }
    }
    let values = MetricValues(entry: entry)
    let parameters =
      isMeasured ? try measured(values) : try aggregated(values, host: try type(entry) == "simple" ? host : nil)
    try add(entry, parameters, isMeasured: isMeasured)
  }

  private func type(_ entry: PropertyEntry) throws(ProjectError) -> PlainValue {
    try MetricType.value(entry.members["type"]?.stringValue ?? "simple")
  }

  /// Adds the metric that a measure with `create_metric` stands for.
  ///
  /// - Parameters:
  ///   - config: of the measure's semantic model.
  ///   - file: where that stands.
  func add(measure: PlainObject, config: PlainObject, file: SourceFile) throws(ProjectError) {
    let name = measure["name"]?.pythonText ?? ""
    func given(_ key: String, _ standard: String) -> PlainValue {
      guard let value = measure[key], value.isTruthy else { return .string(standard) }
      return value
    }
    let entry = PropertyEntry(
      [
        "name": .string(name), "label": given("label", name), "type": "simple",
        "description": given("description", "Metric created from measure \(name)"),
        "type_params": ["measure": .string(name), "expr": given("expr", name)],
        "config": ["enabled": config["enabled"] ?? true, "meta": config["meta"] ?? [:]],
      ], key: "metrics", file: file)
    try add(entry, try measured(MetricValues(entry: entry)), isMeasured: true)
  }

  private func add(_ entry: PropertyEntry, _ parameters: PlainObject, isMeasured: Bool) throws(ProjectError) {
    let members = entry.members
    let config = try semantics.config(.metric, entry)
    let meta = config["meta"] ?? [:]
    let label = members["label"] ?? .null
    let document: PlainObject = [
      "description": members["description"] ?? "", "label": label.isTruthy ? label : .string(entry.name),
      "type": try type(entry), "type_params": .object(parameters), "filter": MetricValues.filter(members["filter"]),
      "time_granularity": members["time_granularity"] ?? .null, "sources": [], "refs": [], "metrics": [],
      "meta": !isMeasured ? [:] : meta.isTruthy ? meta : members["meta"] ?? [:],
      "tags": isMeasured ? members["tags"] ?? [] : [],
    ]
    try semantics.add(.metric, entry, config, document)
  }

  /// dbt's rules for names, all that one breaks.
  private static func fault(inName name: String) -> String? {
    var faults: [String] = []
    if name.contains(" ") { faults.append("cannot contain spaces") }
    if name.unicodeScalars.count > 250 { faults.append("cannot contain more than 250 characters") }
    let first = name.unicodeScalars.first
    if !(first.map { $0.isASCII && $0.properties.isAlphabetic } ?? false) { faults.append("must begin with a letter") }
    let isPlain = name.unicodeScalars.allSatisfy {
      $0 == "_" || $0.properties.isAlphabetic || $0.properties.numericType != nil
    }
    if !isPlain || name.isEmpty { faults.append("must contain only letters, numbers and underscores") }
    guard !faults.isEmpty else { return nil }
    return "The metric name '\(name)' is invalid.  It \(faults.joined(separator: ", "))"
  }

  // MARK: Parameters

  private func parameters(_ given: PlainObject) -> PlainObject {
    let names = [
      "measure", "input_measures", "numerator", "denominator", "expr", "window", "grain_to_date", "metrics",
      "conversion_type_params", "cumulative_type_params", "metric_aggregation_params", "fill_nulls_with",
      "join_to_timespine", "is_private",
    ]
    let standards: PlainObject = ["input_measures": [], "join_to_timespine": false]
    return PlainObject(
      names.map { ($0, given[$0] ?? standards[$0] ?? .null) }, uniquingKeysWith: { _, last in last })
  }

  /// Of the older form.
  private func measured(_ values: MetricValues) throws(ProjectError) -> PlainObject {
    let given = values.entry.members["type_params"]?.objectValue ?? [:]
    return parameters([
      "grain_to_date": try TimeGranularity.value(given["grain_to_date"]),
      "measure": values.measure(given["measure"]), "numerator": try values.metric(given["numerator"]),
      "denominator": try values.metric(given["denominator"]), "expr": MetricValues.text(given["expr"]),
      "window": try values.window(given["window"]), "metrics": try values.metrics(given["metrics"]),
      "conversion_type_params": try measuredConversion(values, given["conversion_type_params"]),
      "cumulative_type_params": try measuredCumulative(values, given),
    ])
  }

  private func measuredConversion(_ values: MetricValues, _ given: PlainValue?) throws(ProjectError) -> PlainValue {
    guard let given, given.objectValue != nil else { return .null }
    return try values.conversion(
      [
        "entity": given["entity"] ?? .null, "base_measure": values.measure(given["base_measure"]),
        "conversion_measure": values.measure(given["conversion_measure"]),
      ], calculation: given["calculation"]?.stringValue ?? "conversion_rate", given.objectValue ?? [:])
  }

  private func measuredCumulative(_ values: MetricValues, _ given: PlainObject) throws(ProjectError) -> PlainValue {
    guard (values.entry.members["type"]?.stringValue ?? "simple").lowercased() == "cumulative" else { return .null }
    let own = given["cumulative_type_params"]
    // Where these stood before there were parameters of cumulative metrics.
    func member(_ key: String) -> PlainValue? {
      let value = own?[key] ?? .null
      return value.isTruthy || !(given[key] ?? .null).isTruthy ? value : given[key]
    }
    return [
      "window": try values.window(member("window")), "grain_to_date": member("grain_to_date") ?? .null,
      "period_agg": try PeriodAggregation.value(own?["period_agg"]?.stringValue ?? "first"), "metric": nil,
    ]
  }

  /// Of the newer form.
  private func aggregated(_ values: MetricValues, host: Host?) throws(ProjectError) -> PlainObject {
    let members = values.entry.members
    let aggregation = try aggregation(values, host)
    return parameters([
      "numerator": try values.metric(members["numerator"]), "denominator": try values.metric(members["denominator"]),
      "expr": MetricValues.text(members["expr"]), "metrics": try values.metrics(members["input_metrics"]),
      "conversion_type_params": try conversion(values), "cumulative_type_params": try cumulative(values),
      "metric_aggregation_params": aggregation,
      "join_to_timespine": members["join_to_timespine"]?.boolValue == true
        ? true : false, "is_private": members["hidden"] ?? false,
    ])
  }

  private func aggregation(_ values: MetricValues, _ host: Host?) throws(ProjectError) -> PlainValue {
    let members = values.entry.members
    guard let agg = members["agg"]?.stringValue else { return .null }
    guard let host else { throw values.entry.invalid("simple metrics in v2 YAML must be attached to semantic_model") }
    let percentile = (members["percentile_type"]?.stringValue ?? "").lowercased()
    let time = members["agg_time_dimension"] ?? .null
    var dimension = PlainValue.null
    if let given = members["non_additive_dimension"], given.objectValue != nil {
      dimension = [
        "name": given["name"] ?? .null, "window_choice": try AggregationType.value(given["window_agg"]),
        "window_groupings": given["group_by"] ?? [],
      ]
    }
    return [
      "semantic_model": .string(host.semanticModel), "agg": try AggregationType.value(agg),
      "agg_params": [
        "percentile": members["percentile"] ?? .null, "use_discrete_percentile": .bool(percentile == "discrete"),
        "use_approximate_percentile": .bool(percentile == "continuous"),
      ],
      "agg_time_dimension": time.isTruthy ? time : host.aggregationTime, "non_additive_dimension": dimension,
    ]
  }

  private func conversion(_ values: MetricValues) throws(ProjectError) -> PlainValue {
    guard try type(values.entry) == "conversion" else { return .null }
    let members = values.entry.members
    for key in ["base_metric", "conversion_metric", "entity"] where (members[key] ?? .null).isNull {
      throw ProjectError(.inline, "\(key) is required for conversion metrics.")
    }
    guard let calculation = members["calculation"]?.stringValue else {
      throw ProjectError(.inline, "'NoneType' object has no attribute 'lower'")
    }
    return try values.conversion(
      [
        "entity": members["entity"] ?? .null, "base_metric": try values.metric(members["base_metric"]),
        "conversion_metric": try values.metric(members["conversion_metric"]),
      ], calculation: calculation, members)
  }

  private func cumulative(_ values: MetricValues) throws(ProjectError) -> PlainValue {
    guard try type(values.entry) == "cumulative" else { return .null }
    let members = values.entry.members
    guard let input = members["input_metric"], !input.isNull else {
      throw ProjectError(.inline, "input_metric is required for cumulative metrics.")
    }
    return [
      "window": try values.window(members["window"]), "grain_to_date": members["grain_to_date"] ?? .null,
      "period_agg": try PeriodAggregation.value(members["period_agg"]?.stringValue ?? "first"),
      "metric": try values.metric(input),
    ]
  }
}

/// Reads the values that metrics are made of.
struct MetricValues {
  /// The metric, for errors.
  let entry: PropertyEntry

  /// A condition or several, as dbt keeps them; null where there are none.
  static func filter(_ value: PlainValue?) -> PlainValue {
    guard let value, !value.isNull else { return .null }
    let texts = value.arrayValue ?? [value]
    return ["where_filters": .array(texts.map { ["where_sql_template": $0] })]
  }

  /// What Python's `str` makes of a value that is not null.
  static func text(_ value: PlainValue?) -> PlainValue {
    guard let value, !value.isNull else { return .null }
    return .string(value.pythonText)
  }

  /// A measure by its name, or with what is done to it.
  func measure(_ value: PlainValue?) -> PlainValue {
    guard let value, !value.isNull else { return .null }
    let object: PlainValue = if case .string = value { ["name": value] } else { value }
    return [
      "name": object["name"] ?? .null, "filter": MetricValues.filter(object["filter"]),
      "alias": object["alias"] ?? .null, "join_to_timespine": object["join_to_timespine"] ?? false,
      "fill_nulls_with": object["fill_nulls_with"] ?? .null,
    ]
  }

  /// The same for a metric.
  func metric(_ value: PlainValue?) throws(ProjectError) -> PlainValue {
    guard let value, !value.isNull else { return .null }
    let object: PlainValue = if case .string = value { ["name": value] } else { value }
    return [
      "name": object["name"] ?? .null, "filter": MetricValues.filter(object["filter"]),
      "alias": object["alias"] ?? .null, "offset_window": try window(object["offset_window"]),
      "offset_to_grain": object["offset_to_grain"] ?? .null,
    ]
  }

  func metrics(_ value: PlainValue?) throws(ProjectError) -> PlainValue {
    .array(try (value?.arrayValue ?? []).map { input throws(ProjectError) in try metric(input) })
  }

  /// `7 days` as a count and a unit; units of dbt's own lose their plural.
  func window(_ value: PlainValue?) throws(ProjectError) -> PlainValue {
    guard let text = value?.stringValue else { return .null }
    let parts = text.lowercased().split(separator: " ", omittingEmptySubsequences: false).map(String.init)
    func fault(_ reason: String) -> ProjectError {
      PropertyEntry.invalid("window", entry.file, ["window": .string(text)], reason)
    }
    guard parts.count == 2 else {
      throw fault(
        "Invalid window (\(text)) in cumulative/conversion metric. Should be of the form `<count> <granularity>`, "
          + "e.g., `28 days`")
    }
    guard !parts[0].isEmpty, parts[0].utf8.allSatisfy({ (0x30...0x39).contains($0) }), let count = Int(parts[0]) else {
      throw fault("Invalid count (\(parts[0])) in cumulative/conversion metric window string: (\(text))")
    }
    var unit = parts[1]
    if unit.hasSuffix("s"), TimeGranularity.names.contains(String(unit.dropLast())) { unit.removeLast() }
    return ["count": .int(count), "granularity": .string(unit)]
  }

  /// The parameters of a conversion metric.
  ///
  /// - Parameters:
  ///   - inputs: what is converted: measures or metrics.
  ///   - given: the object with `window` and `constant_properties`.
  func conversion(
    _ inputs: PlainObject, calculation: String, _ given: PlainObject
  ) throws(ProjectError) -> PlainValue {
    let names = ["entity", "base_measure", "conversion_measure", "base_metric", "conversion_metric"]
    var conversion = PlainObject(names.map { ($0, inputs[$0] ?? .null) }, uniquingKeysWith: { _, last in last })
    conversion["calculation"] = try ConversionCalculation.value(calculation)
    conversion["window"] = try window(given["window"])
    conversion["constant_properties"] = given["constant_properties"] ?? .null
    return .object(conversion)
  }
}
