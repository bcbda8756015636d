import Jinja

/// What a call such as `Dimension('user__country').grain('day')` in a filter or a saved query describes.
///
/// The fields are the template's values, of whatever type: nothing checks most of them before they are used.
struct QueryItem: Hashable {
  enum Kind: String, CaseIterable {
    case dimension = "Dimension"
    case timeDimension = "TimeDimension"
    case entity = "Entity"
    case metric = "Metric"

    /// Python's `repr()` of the enumeration's member.
    var repr: String {
      let name = self == .timeDimension ? "TIME_DIMENSION" : rawValue.uppercased()
      return "<QueryItemType.\(name): '\(rawValue)'>"
    }
  }

  enum Method: String {
    case grain
    case datePart = "date_part"
    case descending
  }

  let kind: Kind
  let name: Value
  var entityPath: [Value] = []
  var groupBy: [Value] = []
  var granularity = Value.none
  var datePart = Value.none
  var descending = Value.none

  /// Checks what MetricFlow checks of each new description.
  ///
  /// - Throws: a Jinja error; kind `host` stands for MetricFlow's `InvalidQuerySyntax`.
  func check() throws {
    switch kind {
    case .entity: try checkIsTimeless()
    case .metric:
      try checkIsTimeless()
      try checkMetric()
    case .dimension, .timeDimension:
      try checkDatePart()
      guard groupBy.isEmpty else { throw Self.invalid("A group-by should only be specified for metrics.") }
    }
  }

  static func invalid(_ message: String) -> JinjaError { JinjaError(.host, message) }

  private func checkIsTimeless() throws {
    for (field, value) in [("time_granularity_name", granularity), ("date_part_name", datePart)] where !value.isNone {
      throw Self.invalid("self.\(field)=\(value.repr) is not supported for item_type=\(kind.repr)")
    }
  }

  private func checkMetric() throws {
    guard entityPath.isEmpty else { throw Self.invalid("The entity path should not be specified for a metric.") }
    guard let name = name.stringValue else { throw PythonException.noAttribute("split", of: name).jinja }
    guard DunderedName(name).entityLinks.isEmpty else {
      throw Self.invalid("The name of the metric should not have entity links.")
    }
  }

  private func checkDatePart() throws {
    guard !datePart.isNone else { return }
    guard let name = datePart.stringValue else { throw PythonException.noAttribute("lower", of: datePart).jinja }
    guard DatePart(rawValue: name.lowercased()) != nil else {
      throw Self.invalid(
        "\(datePart.repr) is not a valid date part. Valid values are "
          + PythonList.setRepr(DatePart.allCases.map(\.rawValue)))
    }
  }

  /// Python's `repr()` of the dataclass.
  var repr: String {
    "ObjectBuilderItemDescription(item_type=\(kind.repr), item_name=\(name.repr), "
      + "entity_path=\(Value.tuple(entityPath).repr), group_by_for_metric_item=\(Value.tuple(groupBy).repr), "
      + "time_granularity_name=\(granularity.repr), date_part_name=\(datePart.repr), descending=\(descending.repr))"
  }

  /// The same with no word on its order.
  var withoutOrder: QueryItem {
    var item = self
    item.descending = .none
    return item
  }
}

/// Which methods may be called on which objects.
struct MethodRules: Hashable {
  /// Whether all objects have `descending`, as in an `order_by`; otherwise dimensions only.
  let allowsOrder: Bool

  func allows(_ method: QueryItem.Method, on kind: QueryItem.Kind) -> Bool {
    kind == .dimension || (allowsOrder && method == .descending)
  }
}
