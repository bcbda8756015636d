import Jinja
import OrderedCollections
import PlainData

/// A node as templates see it while parsing: a dict that is made when somebody looks beyond its plain fields.
///
/// One thread uses it.
final class NodeObject: Object {
  private let node: Node
  private var document: Value?
  /// Whether a template looked at anything of it.
  private(set) var wasRead = false

  init(_ node: Node) { self.node = node }

  /// The whole node as a dict.
  private var full: Value {
    wasRead = true
    if let document { return document }
    let made = Value(node.json())
    document = made
    return made
  }

  private enum Field {
    case value(Value)
    /// The node is known to have no such field.
    case missing
    /// Only the whole dict tells.
    case unknown
  }

  /// The fields that are read most, without the rest.
  private func field(_ name: String) -> Field {
    guard document == nil else { return .unknown }
    switch name {
    case "name": return .value(.string(node.name))
    case "resource_type": return .value(.string(node.resourceType.rawValue))
    case "package_name": return .value(.string(node.packageName))
    case "unique_id": return .value(.string(node.uniqueID))
    case "path": return .value(.string(node.path))
    case "original_file_path": return .value(.string(node.originalFilePath))
    case "version":
      guard node.resourceType == .model else { return .missing }
      return .value(node.version.map { Value($0) } ?? Value.none)
    default: return .unknown
    }
  }

  var typeName: String { "dict" }
  var kinds: ValueKinds { [.mapping, .sequence, .iterable] }
  var isTruthy: Bool { true }
  var isHashable: Bool { false }
  var count: Int? { full.dictValue?.count }
  var text: String { full.text }
  var repr: String { full.repr }

  func attribute(_ name: String, _ evaluation: Evaluation) throws -> Value? {
    wasRead = true
    switch field(name) {
    case .value(let value): return value
    case .missing: return nil
    case .unknown: break
    }
    let value = try evaluation.attribute(name, of: full)
    return value.isUndefined ? nil : value
  }

  func item(_ key: Value, _ evaluation: Evaluation) throws -> Value? {
    wasRead = true
    switch key.stringValue.map(field) ?? .unknown {
    case .value(let value): return value
    case .missing: return nil
    case .unknown: return full.dictValue?[key]
    }
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
