import OrderedCollections
import PlainData

/// A number that can be asked for.
struct Metric: Element, Documented {
  var name: String
  let description: String?
  let type: MetricType
  let dataType: DataType?
  var parameters: MetricParameters
  var filter: WhereFilterIntersection?
  let metadata: Metadata?
  let label: String?
  let configuration: ElementConfiguration?
  let granularity: String?

  init(_ value: PlainValue, at place: Place) throws(SemanticManifestError) {
    let reader = try ElementReader(try Self.lowercased(value, at: place), at: place)
    name = try reader.text("name")
    description = try reader.optionalText("description")
    type = try reader.choice("type")
    dataType = try reader.optionalChoice("datatype")
    parameters = try reader.part("type_params")
    filter = try reader.optionalPart("filter")
    metadata = try reader.optionalPart("metadata")
    label = try reader.optionalText("label")
    configuration = try reader.optionalPart("config")
    granularity = try reader.optionalText("time_granularity")
  }

  /// A simple metric of a measure, under the measure's name.
  init(_ measure: Measure, isPrivate: Bool) {
    name = measure.name
    description = measure.description
    type = .simple
    dataType = nil
    parameters = MetricParameters(isPrivate: isPrivate)
    metadata = measure.metadata
    label = measure.label
    configuration = measure.configuration
    granularity = nil
  }

  var document: PlainValue {
    [
      "name": .string(name), "description": description.plain, "type": type.plain, "datatype": dataType.plain,
      "type_params": parameters.document, "filter": filter.plain, "metadata": metadata.plain, "label": label.plain,
      "config": configuration.plain, "time_granularity": granularity.plain,
    ]
  }

  /// The document with the granularities of its inputs in lower case, as MetricFlow reads them.
  private static func lowercased(_ value: PlainValue, at place: Place) throws(SemanticManifestError) -> PlainValue {
    guard case .object(var members) = value else { throw place.error("must be an object, is \(value.kindName)") }
    guard let given = members["type_params"], given.isTruthy else { return value }
    guard case .object(var parameters) = given else {
      throw place.member("type_params").error("must be an object, is \(given.kindName)")
    }
    if let given = parameters["cumulative_type_params"], given.isTruthy {
      guard case .object(var cumulative) = given else {
        throw place.member("type_params.cumulative_type_params").error("must be an object, is \(given.kindName)")
      }
      lowercase("grain_to_date", of: &cumulative)
      parameters["cumulative_type_params"] = .object(cumulative)
    }
    if let given = parameters["metrics"], given.isTruthy {
      guard case .array(var inputs) = given else {
        throw place.member("type_params.metrics").error("must be a list, is \(given.kindName)")
      }
      for index in inputs.indices {
        guard case .object(var input) = inputs[index] else {
          throw place.member("type_params.metrics.\(index)").error("must be an object, is \(inputs[index].kindName)")
        }
        lowercase("offset_to_grain", of: &input)
        inputs[index] = .object(input)
      }
      parameters["metrics"] = .array(inputs)
    }
    members["type_params"] = .object(parameters)
    return .object(members)
  }

  private static func lowercase(_ name: String, of members: inout PlainObject) {
    if case .string(let text)? = members[name] { members[name] = .string(text.lowercased()) }
  }
}
