import Jinja
import PlainData

/// A span of time, as `7 days`.
struct TimeWindow: Element, Documented, Equatable {
  let count: Int
  var granularity: String

  /// Reads `COUNT GRANULARITY`, or an object with both.
  init(_ value: PlainValue, at place: Place) throws(SemanticManifestError) {
    switch value {
    case .object(let members):
      let reader = try ElementReader(.object(members), at: place)
      count = try reader.integer("count")
      granularity = try reader.text("granularity")
    case .string(let text):
      let parts = text.lowercased().parts(at: " ")
      guard parts.count == 2, !parts[0].isEmpty, parts[0].unicodeScalars.allSatisfy({ $0.decimalDigit != nil }),
        let count = PythonNumber.integer(parts[0])
      else { throw place.error("must be a count and a granularity, as `28 days`") }
      self.count = count
      granularity = parts[1]
    default: throw place.error("must be a text, is \(value.kindName)")
    }
  }

  var document: PlainValue { ["count": .int(count), "granularity": .string(granularity)] }

  /// The window as messages name it.
  var text: String { "\(count) \(granularity)" }

  /// Python's `str()` of the pydantic model.
  var pythonText: String { "count=\(count) granularity=\(PythonText.repr(granularity))" }
}

/// A measure that a metric is made of.
struct InputMeasure: Element, Documented, Hashable {
  let name: String
  var filter: WhereFilterIntersection?
  let alias: String?
  let joinsTimeSpine: Bool
  let nullFill: Int?

  init(name: String, filter: WhereFilterIntersection? = nil) {
    self.name = name
    self.filter = filter
    alias = nil
    joinsTimeSpine = false
    nullFill = nil
  }

  /// Reads the measure's name, or an object.
  init(_ value: PlainValue, at place: Place) throws(SemanticManifestError) {
    switch value {
    case .string(let name): self.init(name: name)
    case .object(let members): try self.init(ElementReader(.object(members), at: place))
    default: throw place.error("must be a text or an object, is \(value.kindName)")
    }
  }

  private init(_ reader: ElementReader) throws(SemanticManifestError) {
    name = try reader.text("name")
    filter = try reader.optionalPart("filter")
    alias = try reader.optionalText("alias")
    joinsTimeSpine = try reader.flag("join_to_timespine")
    nullFill = try reader.optionalInteger("fill_nulls_with")
  }

  var document: PlainValue {
    [
      "name": .string(name), "filter": filter.plain, "alias": alias.plain, "join_to_timespine": .bool(joinsTimeSpine),
      "fill_nulls_with": nullFill.plain,
    ]
  }

  private var fields: [String] {
    [
      "name=\(PythonText.repr(name))", "filter=\(filter?.repr ?? "None")", "alias=\(alias.pythonRepr)",
      "join_to_timespine=\(joinsTimeSpine ? "True" : "False")",
      "fill_nulls_with=\(nullFill.map { String($0) } ?? "None")",
    ]
  }

  /// Python's `str()` of the pydantic model.
  var pythonText: String { fields.joined(separator: " ") }

  /// Python's `repr()` of the pydantic model.
  var repr: String { "PydanticMetricInputMeasure(\(fields.joined(separator: ", ")))" }
}

/// A metric that another one is made of.
struct InputMetric: ElementWithMembers, Documented {
  let name: String
  let filter: WhereFilterIntersection?
  let alias: String?
  let offsetWindow: TimeWindow?
  let offsetGrain: String?

  init(name: String, filter: WhereFilterIntersection?, alias: String?) {
    self.name = name
    self.filter = filter
    self.alias = alias
    offsetWindow = nil
    offsetGrain = nil
  }

  init(_ reader: ElementReader) throws(SemanticManifestError) {
    name = try reader.text("name")
    filter = try reader.optionalPart("filter")
    alias = try reader.optionalText("alias")
    offsetWindow = try reader.optionalPart("offset_window")
    offsetGrain = try reader.optionalText("offset_to_grain")
  }

  var document: PlainValue {
    [
      "name": .string(name), "filter": filter.plain, "alias": alias.plain, "offset_window": offsetWindow.plain,
      "offset_to_grain": offsetGrain.plain,
    ]
  }
}
