import DBTContext
import Jinja
import OrderedCollections
import PlainData

/// A node as templates see it while parsing: a dict that is made when somebody looks beyond its plain fields.
///
/// One thread uses it.
final class NodeObject: Object {
  /// What a field that needs no dict to be read holds.
  enum PlainField: Equatable {
    case text(String?)
    case value(PlainValue)
    /// The node has no such field.
    case missing

    var value: Value? {
      switch self {
      case .text(let text): text.map { .string($0) } ?? Value.none
      case .value(let value): Value(value)
      case .missing: nil
      }
    }
  }

  private let node: Node
  private var document: Value?
  /// The plain fields that templates looked at, with what they saw.
  private(set) var seen: [String: PlainField] = [:]
  /// Whether a template looked at anything beyond its plain fields.
  private(set) var wasReadWhole = false

  init(_ node: Node) { self.node = node }

  /// The whole node as a dict.
  private var full: Value {
    wasReadWhole = true
    if let document { return document }
    let made = Value(node.json())
    if let config = made.dictValue?["config"]?.dictValue {
      made.dictValue?["config"] = .object(NodeConfigObject(config))
    }
    document = made
    return made
  }

  /// The fields that are read most, without the rest; nil when only the whole dict tells.
  static func plainField(_ name: String, of node: Node) -> PlainField? {
    switch name {
    case "name": .text(node.name)
    case "resource_type": .text(node.resourceType.rawValue)
    case "package_name": .text(node.packageName)
    case "unique_id": .text(node.uniqueID)
    case "path": .text(node.path)
    case "original_file_path": .text(node.originalFilePath)
    case "database": .text(node.database)
    case "schema": .text(node.schema.isEmpty ? nil : node.schema)
    case "version": node.resourceType == .model ? .value(node.version ?? .null) : .missing
    default: nil
    }
  }

  private func field(_ name: String) -> PlainField? {
    guard document == nil, let field = NodeObject.plainField(name, of: node) else { return nil }
    seen[name] = field
    return field
  }

  var typeName: String { "dict" }
  var kinds: ValueKinds { [.mapping, .sequence, .iterable] }
  var isTruthy: Bool { true }
  var isHashable: Bool { false }
  var count: Int? { full.dictValue?.count }
  var text: String { full.text }
  var repr: String { full.repr }

  func attribute(_ name: String, _ evaluation: Evaluation) throws -> Value? {
    if let field = field(name) { return field.value }
    let value = try evaluation.attribute(name, of: full)
    return value.isUndefined ? nil : value
  }

  func item(_ key: Value, _ evaluation: Evaluation) throws -> Value? {
    if let field = key.stringValue.flatMap(field) { return field.value }
    return full.dictValue?[key]
  }

  func iterate(_ evaluation: Evaluation) throws -> [Value]? { full.dictValue?.keys }
  func contains(_ element: Value, _ evaluation: Evaluation) throws -> Bool? { full.dictValue?[element] != nil }
  func setAttribute(_ name: String, _ value: Value, _ evaluation: Evaluation) throws {
    full.dictValue?[.string(name)] = value
  }

  func isEqual(to other: any Object) -> Bool {
    guard let other = other as? NodeObject else { return false }
    return self === other || full == other.full
  }

  func plain() throws -> PlainValue? { try full.plain() }
}
