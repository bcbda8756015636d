/// A value out of few: what MetricFlow's enumerations allow.
package protocol Choice: CaseIterable, RawRepresentable<String>, Sendable, Hashable {
  /// The name of the Python class, as messages print members.
  static var typeName: String { get }
  /// Whether texts must match letter by letter; otherwise case does not count.
  static var isCaseSensitive: Bool { get }
}

extension Choice {
  package static var isCaseSensitive: Bool { false }

  /// The member's name in Python.
  var name: String { rawValue.uppercased() }

  /// Python's `str()` of the member.
  var pythonText: String { "\(Self.typeName).\(name)" }

  /// The member of a text, nil when there is none.
  package init?(text: String) {
    self.init(rawValue: Self.isCaseSensitive ? text : text.lowercased())
  }
}

/// How a measure is aggregated.
package enum AggregationType: String, Choice {
  package static let typeName = "AggregationType"

  case sum, min, max
  case countDistinct = "count_distinct"
  case sumBoolean = "sum_boolean"
  case average, percentile, median, count
}

/// Whether a dimension has values or points in time.
package enum DimensionType: String, Choice {
  package static let typeName = "DimensionType"

  case categorical, time
}

/// What an entity is to its semantic model.
package enum EntityType: String, Choice {
  package static let typeName = "EntityType"

  case foreign, natural, primary, unique
}

/// How a metric is made.
package enum MetricType: String, Choice {
  package static let typeName = "MetricType"

  case simple, ratio, cumulative, derived, conversion
}

/// The logical type of a dimension's or a metric's values.
enum DataType: String, Choice {
  static let typeName = "DataType"
  static let isCaseSensitive = true

  case string, integer, decimal, float, boolean, date, time, datetime
  case datetimeWithZone = "datetime_tz"
  case opaque
}

/// What a conversion metric counts.
package enum ConversionCalculation: String, Choice {
  package static let typeName = "ConversionCalculationType"

  case conversions
  case conversionRate = "conversion_rate"
}

/// What stands for a period of a cumulative metric.
package enum PeriodAggregation: String, Choice {
  package static let typeName = "PeriodAggregation"

  case first, last, average
}

/// Where an export is written to.
enum ExportDestination: String, Choice {
  static let typeName = "ExportDestinationType"

  case table, view
}

/// The granularities of time that need no time spine of their own, finest first.
package enum TimeGranularity: String, Choice, Comparable {
  package static let typeName = "TimeGranularity"

  case nanosecond, microsecond, millisecond, second, minute, hour, day, week, month, quarter, year

  /// The number by which Python hashes and orders granularities.
  var size: Int { 4 + (Self.allCases.firstIndex(of: self) ?? 0) }

  package static func < (left: TimeGranularity, right: TimeGranularity) -> Bool { left.size < right.size }

  /// The texts of all, finest first.
  package static let names = allCases.map(\.rawValue)
}

/// The parts of a date that can be taken out of a time dimension.
enum DatePart: String, Choice {
  static let typeName = "DatePart"

  case year, quarter, month, day, dow, doy
}
