import PlainData

/// Whether a time dimension begins or ends the window in which a row is valid.
struct ValidityParameters: ElementWithMembers, Documented {
  let isStart: Bool
  let isEnd: Bool

  init(_ reader: ElementReader) throws(SemanticManifestError) {
    isStart = try reader.flag("is_start")
    isEnd = try reader.flag("is_end")
  }

  var document: PlainValue { ["is_start": .bool(isStart), "is_end": .bool(isEnd)] }
}

/// What only time dimensions have.
struct DimensionParameters: ElementWithMembers, Documented {
  let granularity: TimeGranularity
  let validity: ValidityParameters?

  init(_ reader: ElementReader) throws(SemanticManifestError) {
    granularity = try reader.choice("time_granularity")
    validity = try reader.optionalPart("validity_params")
  }

  var document: PlainValue { ["time_granularity": granularity.plain, "validity_params": validity.plain] }
}

/// An attribute of a semantic model by which metrics are grouped and filtered.
struct Dimension: ElementWithMembers, Documented {
  var name: String
  let description: String?
  let type: DimensionType
  let dataType: DataType?
  let isPartition: Bool
  let parameters: DimensionParameters?
  let expression: String?
  let metadata: Metadata?
  let label: String?
  let configuration: ElementConfiguration?

  init(_ reader: ElementReader) throws(SemanticManifestError) {
    name = try reader.text("name")
    description = try reader.optionalText("description")
    type = try reader.choice("type")
    dataType = try reader.optionalChoice("datatype")
    isPartition = try reader.flag("is_partition")
    parameters = try reader.optionalPart("type_params")
    expression = try reader.optionalText("expr")
    metadata = try reader.optionalPart("metadata")
    label = try reader.optionalText("label")
    configuration = try reader.optionalPart("config")
  }

  var document: PlainValue {
    [
      "name": .string(name), "description": description.plain, "type": type.plain, "datatype": dataType.plain,
      "is_partition": .bool(isPartition), "type_params": parameters.plain, "expr": expression.plain,
      "metadata": metadata.plain, "label": label.plain, "config": configuration.plain,
    ]
  }
}
