import DBTContext
import Jinja
import OrderedCollections
import PlainData

/// One of dbt's own data objects, such as the node of a result: its fields are attributes, and `to_dict()` gives them as a
/// new dict each time.
final class RecordObject: Object {
  let typeName: String
  private let fields: PlainObject
  /// Fields whose value is more than plain data.
  private let special: [String: Value]
  private var made: DictObject?

  init(_ typeName: String, _ fields: PlainObject, special: [String: Value] = [:]) {
    self.typeName = typeName
    self.fields = fields
    self.special = special
  }

  func attribute(_ name: String, _ evaluation: Evaluation) throws -> Value? {
    switch name {
    case "to_dict", "to_msg_dict":
      .function(name, ["omit_none?", "validate?"]) { [fields] values, _ in
        let omitsNone = values[0]?.isTruthy ?? false
        return Value(.object(omitsNone ? fields.filter { !$0.value.isNull } : fields))
      }
    default: special[name] ?? dict[name]
    }
  }

  func item(_ key: Value, _ evaluation: Evaluation) throws -> Value? { key.stringValue.flatMap { dict[$0] } }

  func plain() throws -> PlainValue? { .object(fields) }

  private var dict: DictObject {
    if let made { return made }
    let dict = Value(.object(fields)).dictValue ?? DictObject()
    made = dict
    return dict
  }
}
