import DBTContext
import DBTProject
import Jinja
import OrderedCollections
import PlainData

/// How messages and templates see a node.
enum NodeNaming {
  static func reference(_ node: Node) -> DBTContext.NodeReference {
    DBTContext.NodeReference(
      resourceType: node.resourceType.rawValue, name: node.name, path: node.originalFilePath, uniqueID: node.uniqueID)
  }

  /// Fills in what a result says of a node that was not compiled; seeds have no code at all.
  static func describe(_ result: inout NodeResult, _ node: Node) {
    guard node.resourceType != .seed else { return }
    result.compiled = false
    result.relationName = node.relationName
  }

  /// A node itself, as some templates get it: a member without a value is None.
  static func object(_ document: PlainValue) -> Value {
    let fields = document.objectValue ?? [:]
    let config = fields["config"].map { Value($0) }?.dictValue
    return .object(
      RecordObject("ParsedNode", fields, special: config.map { ["config": .object(NodeConfigObject($0))] } ?? [:]))
  }

  /// `model` of templates: the node's members that have a value, and its code when it is compiled.
  static func model(_ node: Node, compiledCode: String?) -> PlainValue {
    guard var members = node.json().objectValue else { return [:] }
    members = members.filter { !$0.value.isNull }
    if let config = members["config"]?.objectValue { members["config"] = .object(config.filter { !$0.value.isNull }) }
    if let columns = members["columns"]?.objectValue {
      members["columns"] = .object(
        columns.mapValues { column in
          column.objectValue.map { fields in .object(fields.filter { !$0.value.isNull }) } ?? column
        })
    }
    if let compiledCode {
      members["compiled"] = true
      members["compiled_code"] = .string(compiledCode)
      members["compiled_sql"] = .string(compiledCode)
    }
    return .object(members)
  }
}
