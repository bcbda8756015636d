import Jinja
import OrderedCollections
import PlainData

/// One condition: a template of SQL.
struct WhereFilter: Element, Documented, Hashable {
  let template: String

  init(_ template: String) { self.template = template }

  init(_ value: PlainValue, at place: Place) throws(SemanticManifestError) {
    switch value {
    case .string(let text): template = text
    case .object(let members):
      template = try ElementReader(.object(members), at: place).text("where_sql_template")
    default: throw place.error("must be a text, is \(value.kindName)")
    }
  }

  var document: PlainValue { ["where_sql_template": .string(template)] }

  var repr: String { "PydanticWhereFilter(where_sql_template=\(PythonText.repr(template)))" }
}

/// Conditions that must hold together.
struct WhereFilterIntersection: Element, Documented, Hashable {
  var filters: [WhereFilter]

  init(_ filters: [WhereFilter]) { self.filters = filters }

  /// Reads one condition, a list of them, or an object that has such a list.
  init(_ value: PlainValue, at place: Place) throws(SemanticManifestError) {
    switch value {
    case .string: filters = [try WhereFilter(value, at: place)]
    case .array: filters = try Conversion.list(value, at: place.member("where_filters"))
    case .object(let members):
      if members["where_sql_template"] != nil {
        filters = [try WhereFilter(value, at: place)]
      } else {
        filters = try ElementReader(value, at: place).requiredList("where_filters")
      }
    default: throw place.error("must be a text, a list or an object, is \(value.kindName)")
    }
  }

  var document: PlainValue { ["where_filters": filters.plain] }

  var repr: String {
    "PydanticWhereFilterIntersection(where_filters=[" + filters.map(\.repr).joined(separator: ", ") + "])"
  }
}
