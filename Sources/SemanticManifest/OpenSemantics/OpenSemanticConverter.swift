import OrderedCollections
import PlainData

/// Makes an OSI document of a manifest that was transformed.
struct OpenSemanticConverter {
  private let manifest: ManifestModel
  private var issues: [OpenSemanticDocument.Issue] = []

  init(_ manifest: ManifestModel) { self.manifest = manifest }

  mutating func convert() throws(OpenSemanticError) -> OpenSemanticDocument {
    let datasets = manifest.semanticModels.map(Self.dataset)
    let relationships = try relationships()
    let metrics = try metrics()
    let model = Self.object([
      ("name", "semantic_model"), ("datasets", .array(datasets)),
      ("relationships", Self.nonEmpty(relationships)), ("metrics", Self.nonEmpty(metrics)),
    ])
    let document: PlainValue = [
      "version": "0.1.1", "dialects": .array([.string(Self.dialect)]), "semantic_model": .array([model]),
    ]
    return OpenSemanticDocument(document: document, issues: issues)
  }

  private static let dialect = "ANSI_SQL"

  /// An object of the members that are there.
  private static func object(_ members: [(String, PlainValue?)]) -> PlainValue {
    var object = PlainObject()
    for (name, value) in members { if let value { object[name] = value } }
    return .object(object)
  }

  private static func nonEmpty(_ items: [PlainValue]) -> PlainValue? { items.isEmpty ? nil : .array(items) }

  private static func expression(_ text: String) -> PlainValue {
    ["dialects": [["dialect": .string(dialect), "expression": .string(text)]]]
  }

  private static func texts(_ texts: [String]) -> PlainValue { .array(texts.map(PlainValue.string)) }

  // MARK: Datasets

  private static func dataset(_ model: SemanticModel) -> PlainValue {
    let fields = model.entities.map(field) + model.dimensions.map(field) + model.measures.map(field)
    let primary = model.entities.last { $0.type == .primary }
    let unique = model.entities.filter { $0.type == .unique }.map { texts([column(of: $0)]) }
    return object([
      ("name", .string(model.name)), ("source", .string(model.relation.relationName)),
      ("primary_key", primary.map { texts([column(of: $0)]) }), ("unique_keys", nonEmpty(unique)),
      ("description", model.description.map(PlainValue.string)), ("fields", nonEmpty(fields)),
    ])
  }

  private static func column(of entity: Entity) -> String { entity.expression ?? entity.name }

  private static func field(_ entity: Entity) -> PlainValue {
    field(entity.name, column(of: entity), label: entity.label, description: entity.description)
  }

  private static func field(_ measure: Measure) -> PlainValue {
    field(
      measure.name, measure.expression ?? measure.name, label: measure.label, description: measure.description)
  }

  private static func field(_ dimension: Dimension) -> PlainValue {
    field(
      dimension.name, dimension.expression ?? dimension.name,
      dimension: ["is_time": .bool(dimension.type == .time)], type: dimension.dataType, label: dimension.label,
      description: dimension.description)
  }

  private static func field(
    _ name: String, _ expression: String, dimension: PlainValue? = nil, type: DataType? = nil, label: String?,
    description: String?
  ) -> PlainValue {
    object([
      ("name", .string(name)), ("expression", Self.expression(expression)), ("dimension", dimension),
      ("datatype", type.map(openType)), ("label", label.map(PlainValue.string)),
      ("description", description.map(PlainValue.string)),
    ])
  }

  /// OSI's name of a type.
  private static func openType(_ type: DataType) -> PlainValue {
    switch type {
    case .string: "String"
    case .integer: "Integer"
    case .decimal: "Decimal"
    case .float: "Float"
    case .boolean: "Boolean"
    case .date: "Date"
    case .time: "Time"
    case .datetime: "DateTime"
    case .datetimeWithZone: "DateTimeTz"
    case .opaque: "Opaque"
    }
  }

  // MARK: Relationships

  /// A dataset that has an entity.
  private struct End {
    let dataset: String
    let column: String
    let isOne: Bool
  }

  /// Every two datasets that share an entity, by the entities in the order they first come in.
  private mutating func relationships() throws(OpenSemanticError) -> [PlainValue] {
    var ends: OrderedDictionary<String, [End]> = [:]
    for model in manifest.semanticModels {
      for entity in model.entities {
        guard entity.type != .natural else {
          issues.append(.init(kind: .naturalEntityDropped, element: entity.name))
          continue
        }
        let end = End(
          dataset: model.name, column: Self.column(of: entity), isOne: entity.type == .primary || entity.type == .unique
        )
        ends[entity.name, default: []].append(end)
      }
    }
    var found: [PlainValue] = []
    for (name, ends) in ends {
      guard found.count + ends.count * (ends.count - 1) / 2 <= OpenSemanticLimits.relationships else {
        throw .limit("more than \(OpenSemanticLimits.relationships) relationships")
      }
      for (index, first) in ends.enumerated() {
        for second in ends[(index + 1)...] where first.dataset != second.dataset {
          found.append(Self.relationship(name, first, second))
        }
      }
    }
    return found
  }

  /// From many to one; among equals in the order of their names.
  private static func relationship(_ entity: String, _ first: End, _ second: End) -> PlainValue {
    let isTurned =
      first.isOne == second.isOne
      ? second.dataset.utf8.lexicographicallyPrecedes(first.dataset.utf8) : first.isOne
    let (from, to) = isTurned ? (second, first) : (first, second)
    return [
      "name": .string("\(from.dataset)__\(to.dataset)__\(entity)"), "from": .string(from.dataset),
      "to": .string(to.dataset), "from_columns": texts([from.column]), "to_columns": texts([to.column]),
    ]
  }

  // MARK: Metrics

  private mutating func metrics() throws(OpenSemanticError) -> [PlainValue] {
    var resolver = ExpressionResolver(manifest.metrics)
    var found: [PlainValue] = []
    for metric in manifest.metrics {
      if let kind = Self.dropped(metric) {
        issues.append(.init(kind: kind, element: metric.name))
        continue
      }
      if metric.type == .cumulative { issues.append(.init(kind: .cumulativeSemanticsLoss, element: metric.name)) }
      let expression = try resolver.expression(of: metric)
      found.append(
        Self.object([
          ("name", .string(metric.name)), ("expression", Self.expression(expression)),
          ("datatype", metric.dataType.map(Self.openType)), ("description", metric.description.map(PlainValue.string)),
        ]))
    }
    return found
  }

  private static func dropped(_ metric: Metric) -> OpenSemanticDocument.Issue.Kind? {
    if metric.type == .conversion { return .conversionMetricDropped }
    return metric.parameters.isPrivate == true ? .privateMetricDropped : nil
  }
}
