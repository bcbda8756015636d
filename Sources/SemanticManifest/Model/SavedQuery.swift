import OrderedCollections
import PlainData

/// What a saved query asks for.
struct QueryParameters: ElementWithMembers, Documented {
  let metrics: [String]
  let groupBy: [String]
  let orderBy: [String]
  let limit: Int?
  let filter: WhereFilterIntersection?

  init(_ reader: ElementReader) throws(SemanticManifestError) {
    metrics = try reader.requiredList("metrics")
    groupBy = try reader.list("group_by")
    orderBy = try reader.list("order_by")
    limit = try reader.optionalInteger("limit")
    filter = try reader.optionalPart("where")
  }

  var document: PlainValue {
    [
      "metrics": metrics.plain, "group_by": groupBy.plain, "order_by": orderBy.plain, "limit": limit.plain,
      "where": filter.plain,
    ]
  }
}

/// Where the rows of a saved query are written to.
struct Export: ElementWithMembers, Documented {
  struct Configuration: ElementWithMembers, Documented {
    let destination: ExportDestination
    let schemaName: String?
    let alias: String?

    init(_ reader: ElementReader) throws(SemanticManifestError) {
      destination = try reader.choice("export_as")
      schemaName = try reader.optionalText(reader.members["schema"] == nil ? "schema_name" : "schema")
      alias = try reader.optionalText("alias")
    }

    var document: PlainValue {
      ["export_as": destination.plain, "schema_name": schemaName.plain, "alias": alias.plain]
    }
  }

  let name: String
  let configuration: Configuration

  init(_ reader: ElementReader) throws(SemanticManifestError) {
    name = try reader.text("name")
    configuration = try reader.part("config")
  }

  var document: PlainValue { ["name": .string(name), "config": configuration.document] }
}

/// A query with a name.
struct SavedQuery: Element, Documented {
  let name: String
  let parameters: QueryParameters
  let description: String?
  let metadata: Metadata?
  let label: String?
  let exports: [Export]
  /// A list of texts, or one text where something else than a list or a text was given.
  let tags: PlainValue

  init(_ value: PlainValue, at place: Place) throws(SemanticManifestError) {
    let reader = try ElementReader(value, at: place)
    name = try reader.text("name")
    parameters = try reader.part("query_params")
    description = try reader.optionalText("description")
    metadata = try reader.optionalPart("metadata")
    label = try reader.optionalText("label")
    exports = try reader.list("exports")
    tags = try Self.tags(reader)
  }

  private static func tags(_ reader: ElementReader) throws(SemanticManifestError) -> PlainValue {
    let place = reader.place.member("tags")
    switch reader.members["tags"] {
    case nil: return []
    case .null?: throw place.error("must not be null")
    case .string(let tag)?: return .array([.string(tag)])
    case .array(let items)?:
      let tags: [String] = try Conversion.list(.array(try sorted(items, at: place)), at: place)
      return tags.plain
    case let other?: return .string(try Conversion.text(other, at: place))
    }
  }

  /// The tags in Python's order: texts among themselves, numbers among themselves.
  private static func sorted(_ items: [PlainValue], at place: Place) throws(SemanticManifestError) -> [PlainValue] {
    guard items.count > 1 else { return items }
    let texts = items.compactMap(\.stringValue)
    if texts.count == items.count {
      return items.sorted { ($0.stringValue ?? "").utf8.lexicographicallyPrecedes(($1.stringValue ?? "").utf8) }
    }
    let numbers = items.compactMap { item in item.doubleValue ?? item.boolValue.map { $0 ? 1 : 0 } }
    guard numbers.count == items.count else { throw place.error("must be texts only") }
    return zip(items, numbers).sorted { $0.1 < $1.1 }.map(\.0)
  }

  var document: PlainValue {
    [
      "name": .string(name), "query_params": parameters.document, "description": description.plain,
      "metadata": metadata.plain, "label": label.plain, "exports": exports.plain, "tags": tags,
    ]
  }
}
