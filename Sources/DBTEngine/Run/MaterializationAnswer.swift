import DBTContext
import DBTProject
import Jinja

/// What the macro of a materialization hands back.
enum MaterializationAnswer {
  /// The relations that a materialization says it made.
  static func relations(_ answer: Value, _ node: Node) throws -> [Relation] {
    guard let dict = answer.dictValue else {
      throw DBTError(
        .compilation,
        answer.stringValue != nil
          ? "The materialization (\"\(node.materialized)\") did not explicitly return a list of relations to add to the cache."
          : "Invalid return value from materialization, expected a dict with key \"relations\", got: \(answer.text)")
    }
    guard let value = dict["relations"] else {
      let keys = dict.pairs.map { $0.key.repr }.joined(separator: ", ")
      throw DBTError(
        .compilation, "Invalid return value from materialization, \"relations\" not found, got keys: [\(keys)]")
    }
    guard let list = value.listValue else {
      throw DBTError(
        .compilation, "Invalid return value from materialization, \"relations\" not a list, got: \(value.text)")
    }
    return try list.items.map { item in
      if let relation = item.relationValue { return relation }
      throw DBTError(
        .compilation, "Invalid return value from materialization, \"relations\" contains non-Relation: \(item.text)")
    }
  }
}
