import DBTContext
import DBTProject
import OrderedCollections
import PlainData

/// The `to` of foreign keys: written as `ref('x')` in properties, the rendered relation in DDL and in the manifest.
struct ForeignKeys {
  let engine: Engine

  /// The model with every `to` rendered; a reference that names nothing stays as it is, and the database refuses it.
  func rendered(_ node: Node) -> Node {
    guard node.resourceType == .model else { return node }
    var copy = node
    copy.constraints = node.constraints.map { rendered($0, of: node) }
    for (name, column) in node.columns {
      guard var members = column.objectValue, let constraints = members["constraints"]?.arrayValue, !constraints.isEmpty
      else { continue }
      members["constraints"] = .array(constraints.map { rendered($0, of: node) })
      copy.columns[name] = .object(members)
    }
    return copy
  }

  private func rendered(_ constraint: PlainValue, of node: Node) -> PlainValue {
    guard constraint["type"] == "foreign_key", var members = constraint.objectValue,
      let target = members["to"]?.stringValue, let relation = relation(target, of: node)
    else { return constraint }
    members["to"] = .string(relation.text)
    return .object(members)
  }

  private func relation(_ target: String, of node: Node) -> Relation? {
    switch ReferenceExpression(target) {
    case .ref(let reference)?:
      let found = try? engine.references.node(
        reference.name, package: reference.package, version: reference.version, from: node.packageName, subject: "")
      return found.flatMap { try? engine.relation(of: $0) }
    case .source(let name, let table)?:
      let found = try? engine.references.source(name, table, from: node.packageName, subject: "")
      return found.flatMap { try? engine.relation(of: $0) }
    case nil: return nil
    }
  }
}
