package import Jinja

/// The members of every context that come from Python: `modules`, `zip`, `set`, `tojson` and their like.
package enum PythonMembers {
  /// Made anew for each evaluation: values are not shared between threads.
  package static var values: [String: Value] {
    var members = DataFunctions.members
    members["modules"] = ModulesObject.value()
    return members
  }
}
