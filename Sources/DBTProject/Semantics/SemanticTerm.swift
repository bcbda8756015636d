import PlainData

/// The enumerations of the semantic layer, by the names that dbt's errors give them.
enum SemanticTerm: String {
  case metricType = "MetricType"
  case aggregationType = "AggregationType"
  case dimensionType = "DimensionType"
  case entityType = "EntityType"
  case timeGranularity = "TimeGranularity"
  case periodAggregation = "PeriodAggregation"
  case conversionCalculationType = "ConversionCalculationType"

  /// The values; of granularities, the finest first.
  var values: [String] {
    switch self {
    case .metricType: ["simple", "ratio", "cumulative", "derived", "conversion"]
    case .aggregationType:
      ["sum", "min", "max", "count_distinct", "sum_boolean", "average", "percentile", "median", "count"]
    case .dimensionType: ["categorical", "time"]
    case .entityType: ["foreign", "natural", "primary", "unique"]
    case .timeGranularity:
      [
        "nanosecond", "microsecond", "millisecond", "second", "minute", "hour", "day", "week", "month", "quarter",
        "year",
      ]
    case .periodAggregation: ["first", "last", "average"]
    case .conversionCalculationType: ["conversions", "conversion_rate"]
    }
  }

  /// The value that a text means; upper and lower case are the same.
  ///
  /// - Throws: an error without a title, as dbt's, for a text that is none of the values.
  func value(_ text: String) throws(ProjectError) -> PlainValue {
    guard let value = values.first(where: { $0 == text || $0 == text.lowercased() || $0 == text.uppercased() }) else {
      throw ProjectError(.inline, "Invalid enum value: `\(text)` in enum \(rawValue)")
    }
    return .string(value)
  }

  /// The same for a member that may be absent.
  func value(_ text: PlainValue?) throws(ProjectError) -> PlainValue {
    guard let text = text?.stringValue else { return .null }
    return try value(text)
  }
}
