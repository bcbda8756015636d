import DBTContext
import DBTProject
import OrderedCollections
import PlainData

/// Foreign keys of contracts: their `to`, written as `ref(…)` or `source(…)`, as the relation it means.
struct ForeignKeys {
  let engine: Engine

  /// The node with every `to` rendered; one that cannot be resolved stays as it is written.
  func resolved(_ node: Node) -> Node {
    var node = node
    node.constraints = node.constraints.map { resolved($0, node) }
    for (name, column) in node.columns {
      guard var members = column.objectValue, let constraints = members["constraints"]?.arrayValue else { continue }
      members["constraints"] = .array(constraints.map { resolved($0, node) })
      node.columns[name] = .object(members)
    }
    return node
  }

  private func resolved(_ constraint: PlainValue, _ node: Node) -> PlainValue {
    guard var members = constraint.objectValue, members["type"] == "foreign_key",
      let expression = members["to"]?.stringValue, let relation = try? relation(expression, node)
    else { return constraint }
    members["to"] = .string(relation.render())
    return .object(members)
  }

  private func relation(_ expression: String, _ node: Node) throws(DBTError) -> Relation? {
    switch ReferenceExpression(expression) {
    case .ref(let reference):
      let found = try engine.references.node(
        reference.name, package: reference.package, version: reference.version, from: node.packageName, subject: "")
      return try engine.relation(of: found)
    case .source(let name, let table):
      return try engine.relation(
        of: try engine.references.source(name, table, from: node.packageName, subject: ""))
    case nil: return nil
    }
  }
}
