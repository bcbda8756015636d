import PlainData

/// A key of a semantic model, by which it is joined with others.
struct Entity: ElementWithMembers, Documented {
  var name: String
  let description: String?
  let type: EntityType
  let role: String?
  let expression: String?
  let metadata: Metadata?
  let label: String?
  let configuration: ElementConfiguration?

  init(_ reader: ElementReader) throws(SemanticManifestError) {
    name = try reader.text("name")
    description = try reader.optionalText("description")
    type = try reader.choice("type")
    role = try reader.optionalText("role")
    expression = try reader.optionalText("expr")
    metadata = try reader.optionalPart("metadata")
    label = try reader.optionalText("label")
    configuration = try reader.optionalPart("config")
  }

  var document: PlainValue {
    [
      "name": .string(name), "description": description.plain, "type": type.plain, "role": role.plain,
      "expr": expression.plain, "metadata": metadata.plain, "label": label.plain, "config": configuration.plain,
    ]
  }
}
