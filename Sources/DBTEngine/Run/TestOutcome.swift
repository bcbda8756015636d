import DBTContext
import DBTProject
import Jinja
import OrderedCollections
import PlainData

/// Reads what a data test found: one row of `failures`, `should_warn`, `should_error`.
struct TestOutcome {
  private let node: Node
  private let invocation: Invocation

  init(_ node: Node, _ invocation: Invocation) {
    self.node = node
    self.invocation = invocation
  }

  func read(_ results: StatementResults) throws -> NodeResult {
    guard let main = results.main, let table = main.table.objectValue as? AgateTable else {
      throw DBTError(.runtime, "main is not being called during running the test")
    }
    guard table.rows.count == 1 else { throw unexpected("\(table.rows.count) rows, but expected 1 row") }
    guard table.columnNames.count == 3 else {
      throw unexpected("\(table.columnNames.count) columns, but expected 3 columns")
    }
    var found: [String: Value] = [:]
    for (name, value) in zip(table.columnNames, table.rows[0]) { found[name.lowercased()] = value }
    let failures = try count(found["failures"])
    let status = try status(shouldWarn: flag(found["should_warn"]), shouldError: flag(found["should_error"]))
    var result = NodeResult(uniqueID: node.uniqueID, status: status.status)
    result.failures = status.status == .pass ? 0 : failures
    result.message = status.limit.map { limit in
      "Got \(Counted.text(failures, "result")), configured to \(status.status == .warn ? "warn" : "fail") if \(limit)"
    }
    result.adapterResponse = (main.response.objectValue as? AdapterResponse)?.fields ?? [:]
    return result
  }

  private func unexpected(_ what: String) -> DBTError {
    DBTError(.internal, "dbt internally failed to execute \(node.uniqueID): Returned \(what)")
  }

  /// The status with the condition that was met.
  private func status(shouldWarn: Bool, shouldError: Bool) -> (status: NodeStatus, limit: String?) {
    let severity = (node.config["severity"]?.stringValue ?? "ERROR").uppercased()
    if severity == "ERROR", shouldError { return (.fail, node.config["error_if"]?.stringValue ?? "!= 0") }
    guard shouldWarn else { return (.pass, nil) }
    return (
      invocation.treatment(ofWarning: "LogTestResult") == .error ? .fail : .warn,
      node.config["warn_if"]?.stringValue ?? "!= 0"
    )
  }

  private func count(_ value: Value?) throws -> Int {
    switch value {
    case .int(let number): return number
    case .decimal(let number):
      if let whole = Int(number.truncated.text) { return whole }
    case .bool(let flag): return flag ? 1 : 0
    default: break
    }
    throw DBTError(
      .validation, "the fail_calc of test '\(node.name)' gave '\(value?.text ?? "nothing")', which is no whole number")
  }

  private func flag(_ value: Value?) throws -> Bool {
    guard let value else { return false }
    guard let text = value.stringValue else { return value.isTruthy }
    switch text.lowercased() {
    case "y", "yes", "t", "true", "on", "1": return true
    case "n", "no", "f", "false", "off", "0": return false
    default: throw DBTError(.validation, "get_test_sql returned '\(text)', which cannot be read as a boolean")
    }
  }
}
