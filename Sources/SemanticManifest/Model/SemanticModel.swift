import PlainData

/// What a semantic model's measures share.
struct SemanticModelDefaults: ElementWithMembers, Documented {
  var timeDimension: String?

  init(_ reader: ElementReader) throws(SemanticManifestError) {
    timeDimension = try reader.optionalText("agg_time_dimension")
  }

  var document: PlainValue { ["agg_time_dimension": timeDimension.plain] }
}

/// A relation with what can be measured on it, by which keys it is joined and by what it is grouped.
struct SemanticModel: ElementWithMembers, Documented {
  var name: String
  var defaults: SemanticModelDefaults?
  let description: String?
  let relation: NodeRelation
  let primaryEntity: String?
  var entities: [Entity]
  var measures: [Measure]
  var dimensions: [Dimension]
  let label: String?
  let metadata: Metadata?
  let configuration: ElementConfiguration?

  init(_ reader: ElementReader) throws(SemanticManifestError) {
    name = try reader.text("name")
    defaults = try reader.optionalPart("defaults")
    description = try reader.optionalText("description")
    relation = try reader.part("node_relation")
    primaryEntity = try reader.optionalText("primary_entity")
    entities = try reader.list("entities")
    measures = try reader.list("measures")
    dimensions = try reader.list("dimensions")
    label = try reader.optionalText("label")
    metadata = try reader.optionalPart("metadata")
    configuration = try reader.optionalPart("config")
  }

  var document: PlainValue {
    [
      "name": .string(name), "defaults": defaults.plain, "description": description.plain,
      "node_relation": relation.document, "primary_entity": primaryEntity.plain, "entities": entities.plain,
      "measures": measures.plain, "dimensions": dimensions.plain, "label": label.plain, "metadata": metadata.plain,
      "config": configuration.plain,
    ]
  }
}
