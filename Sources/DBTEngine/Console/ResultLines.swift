import OrderedCollections
import PlainData

/// What messages say of a node besides its outcome.
package struct NodeLabel: Sendable, Hashable {
  package var uniqueID: String
  /// dbt's name of the type, such as `model`.
  package var resourceType: String
  package var name: String
  /// The name with the version of a versioned model: `orders.v2`.
  package var searchName = ""
  /// For sources: the source's name.
  package var schema: String
  package var alias: String
  package var materialized: String
  package var language: String
  /// Relative to its package.
  package var path: String
  /// The rendered relation of a test that keeps its failures.
  package var storedFailures: String?
  /// How lines call it when that is not its name: `MODEL::TEST` for unit tests.
  package var lineName: String?
  /// Whether it is built in batches.
  package var isMicrobatch = false

  /// `sql table model marts.orders`, `seed file raw.ports`, `test unique_ports_code`, …
  package var description: String {
    switch resourceType {
    case "model": "\(language) \(isMicrobatch ? "microbatch" : materialized) model \(schema).\(alias)"
    case "function": "function \(schema).\(alias)"
    case "seed": "seed file \(schema).\(alias)"
    case "snapshot": "snapshot \(schema).\(alias)"
    case "source": "freshness of \(schema).\(name)"
    default: "\(resourceType) \(lineName ?? name)"
    }
  }
}

/// The lines dbt prints about nodes. Texts only; who prints adds the time.
package enum ResultLines {
  /// The width up to which lines are filled with dots.
  package static let width = 80

  /// `1 of 5 START sql table model an.t ........ [RUN]`.
  package static func started(_ node: NodeLabel, index: Int, total: Int) -> String {
    fancy("START \(node.description)", "RUN", index: index, total: total)
  }

  /// `1 of 5 OK created sql table model an.t ....... [SELECT 3 in 0.49s]`.
  package static func finished(_ node: NodeLabel, _ result: NodeResult, index: Int, total: Int) -> String {
    let (text, status) = outcome(node, result)
    return fancy(text, status, index: index, total: total, seconds: result.executionTime)
  }

  /// `3 of 5 SKIP relation an.x ... [SKIP]`.
  package static func skipped(_ node: NodeLabel, index: Int, total: Int) -> String {
    let isRelation = ["model", "seed", "snapshot"].contains(node.resourceType)
    let what = isRelation ? "relation \(node.schema).\(node.name)" : "\(node.resourceType) \(node.name)"
    return fancy("SKIP \(what)", "SKIP", index: index, total: total)
  }

  /// The same for what depends on an ephemeral model that failed.
  package static func skippedByEphemeral(_ node: NodeLabel, status: NodeStatus, index: Int, total: Int) -> String {
    fancy(
      "SKIP relation \(node.schema).\(node.name) due to ephemeral model status '\(status.rawValue)'", "ERROR SKIP",
      index: index, total: total)
  }

  /// The statement of a node was cancelled.
  static func cancelled(_ uniqueID: String) -> String {
    let prefix = "CANCEL query \(uniqueID) "
    return "\(prefix)\(String(repeating: ".", count: max(0, width - prefix.count))) [CANCEL]"
  }

  package static func hookStarted(_ name: String, index: Int, total: Int) -> String {
    fancy("START hook: \(name)", "RUN", index: index, total: total, isTruncated: true)
  }

  package static func hookFinished(_ name: String, _ status: NodeStatus, seconds: Double, index: Int, total: Int)
    -> String
  {
    let word =
      switch status {
      case .success: "OK"
      case .skipped: "SKIP"
      default: "ERROR"
      }
    return fancy("\(word) hook: \(name)", word, index: index, total: total, seconds: seconds, isTruncated: true)
  }

  /// `1 of 1 START executing inline_query ... [RUN]`.
  package static func operationStarted(_ name: String) -> String {
    fancy("START executing \(name)", "RUN", index: 1, total: 1)
  }

  /// `1 of 1 OK executed inline_query ... [CREATE TABLE in 0.03s]`.
  package static func operationFinished(_ name: String, _ result: NodeResult) -> String {
    let isDone = result.status == .success
    let status = isDone ? result.adapterResponse["_message"]?.stringValue ?? "OK" : "ERROR"
    return fancy(
      isDone ? "OK executed \(name)" : "ERROR executing \(name)", status, index: 1, total: 1,
      seconds: result.executionTime)
  }

  private static func outcome(_ node: NodeLabel, _ result: NodeResult) -> (text: String, status: String) {
    let isError = result.status == .error
    let message = result.message ?? "OK"
    switch node.resourceType {
    case "seed":
      return ("\(isError ? "ERROR loading" : "OK loaded") \(node.description)", isError ? "ERROR" : message)
    case "snapshot":
      return (
        "\(isError ? "ERROR snapshotting" : "OK snapshotted") \(node.schema).\(node.alias)", isError ? "ERROR" : message
      )
    case "test", "unit_test":
      let word =
        switch result.status {
        case .error: "ERROR"
        case .pass: "PASS"
        case .warn: "WARN \(result.failures ?? 0)"
        default: "FAIL \(result.failures ?? 0)"
        }
      return ("\(word) \(node.lineName ?? node.name)", word)
    case "function":
      return ("\(isError ? "ERROR creating" : "OK created") \(node.description)", result.status.rawValue.uppercased())
    case "source":
      let word = FreshnessLines.word(result.status)
      return ("\(word) \(node.description)", word)
    default:
      if result.status == .noOp { return ("NO-OP \(node.description)", "NO-OP") }
      if message.contains("PARTIAL SUCCESS") { return ("PARTIALLY created \(node.description)", message.uppercased()) }
      return ("\(isError ? "ERROR creating" : "OK created") \(node.description)", isError ? "ERROR" : message)
    }
  }

  // MARK: Parts of nodes

  /// `Batch 1 of 2 START batch 2026-11-20 of an.mb ... [RUN]`.
  static func batchStarted(_ batch: String, _ node: NodeLabel, index: Int, total: Int) -> String {
    "Batch " + fancy("START \(words(batch, node))", "RUN", index: index, total: total)
  }

  /// - Parameter message: the database's answer; nil for a batch that failed.
  static func batchFinished(
    _ batch: String, _ node: NodeLabel, message: String?, seconds: Double, index: Int, total: Int
  ) -> String {
    "Batch "
      + fancy(
        "\(message == nil ? "ERROR creating" : "OK created") \(words(batch, node))", message ?? "ERROR", index: index,
        total: total, seconds: seconds)
  }

  static func batchSkipped(_ batch: String, _ node: NodeLabel, index: Int, total: Int) -> String {
    "Batch " + fancy("SKIP \(words(batch, node))", "SKIPPED", index: index, total: total, seconds: 0)
  }

  private static func words(_ batch: String, _ node: NodeLabel) -> String {
    "batch \(batch) of \(node.schema).\(node.alias)"
  }

  static func overloadStarted(_ name: String, index: Int, total: Int) -> String {
    "Overload " + fancy("START \(name)", "RUN", index: index, total: total)
  }

  static func overloadSkipped(_ name: String, index: Int, total: Int) -> String {
    "Overload " + fancy("SKIP \(name)", "SKIPPED", index: index, total: total, seconds: 0)
  }

  static func overloadFinished(_ name: String, isError: Bool, seconds: Double, index: Int, total: Int) -> String {
    "Overload "
      + fancy(
        "\(isError ? "ERROR creating" : "OK created") \(name)", isError ? "ERROR" : "SUCCESS", index: index,
        total: total, seconds: seconds)
  }

  private static func fancy(
    _ text: String, _ status: String, index: Int, total: Int, seconds: Double? = nil, isTruncated: Bool = false
  ) -> String {
    let prefix = "\(index) of \(total) \(text) "
    var line = prefix + String(repeating: ".", count: max(0, width - prefix.count))
    if isTruncated, line.count > width - 3 { line = line.prefix(width - 3) + "..." }
    return "\(line) [\(status)\(seconds.map { " in \(Seconds.text($0))s" } ?? "")]"
  }
}
