import OrderedCollections
import PlainData
import Secrets

/// The hash of an enforced contract, by which dbt tells that it changed.
enum ContractChecksum {
  /// Sets `contract.checksum` when the contract is enforced and has none yet.
  static func fill(_ node: inout Node) {
    guard node.contract["enforced"] == true, node.contract["checksum"]?.isNull ?? true else { return }
    var state = ""
    for name in node.columns.keys.sorted(by: { $0.precedes($1) }) {
      let column = node.columns[name] ?? .null
      state += "|" + (column["name"]?.pythonText ?? name)
      state += column["data_type"]?.pythonText ?? "None"
      state += list(column["constraints"], "ColumnLevelConstraint")
    }
    if ["table", "incremental"].contains(node.materialized) {
      state += node.materialized + list(.array(node.constraints), "ModelLevelConstraint")
    }
    node.contract["checksum"] = .string(SHA256.hex(state))
  }

  /// Constraints as Python prints the list of dbt's own objects.
  private static func list(_ constraints: PlainValue?, _ type: String) -> String {
    let printed = (constraints?.arrayValue ?? []).map { constraint -> String in
      let fields = (constraint.objectValue ?? [:]).map { key, value -> String in
        guard key == "type", let text = value.stringValue else { return "\(key)=\(value.pythonRepresentation)" }
        return "type=<ConstraintType.\(text): '\(text)'>"
      }
      return "\(type)(\(fields.joined(separator: ", ")))"
    }
    return "[" + printed.joined(separator: ", ") + "]"
  }
}
