import OrderedCollections
import PlainData
import WorkflowEngine

/// The results of a run's nodes, and the ids under which they run.
///
/// Bounded: compiled SQL beyond a budget is left out (it stands in the artifacts), so that the state, the result and what other
/// activities get stay within the scheduler's 2 MiB for one payload.
struct DBTRunResults: Codable, Sendable, Equatable {
  /// Bytes of compiled SQL that all results together may keep, and that one may.
  static let compiledBudget = 512 << 10
  static let compiledLimit = 64 << 10
  /// Bytes that the list of results may take in a payload.
  static let listBudget = 1400 << 10

  /// Messages of nodes that never ran, and why.
  static let failedParent = "skipped: upstream dependency failed"
  static let failedFast = "skipped due to upstream failure (fail_fast)"
  static let failedHooks = "skipped: on-run-start failed"

  private var activityIDs: [String] = []
  private var byActivityID: [String: Int] = [:]
  private var byIndex: [PlainValue] = []
  private var numbers: [Int] = []
  private var compiledBytes = 0
  /// Node indices in the order in which the nodes began or were skipped.
  private(set) var order: [Int] = []

  init() {}

  /// Gives each node its activity id: `<type>:<name>`, or with the unique id where that would occur twice.
  mutating func name(_ nodes: [DBTRunPlan.Node]) {
    var uses: [String: Int] = [:]
    for node in nodes { uses[Self.label(node), default: 0] += 1 }
    activityIDs = nodes.map { node in
      let label = Self.label(node)
      return uses[label] == 1 && label.utf8.count <= 1000 ? label : "\(node.resourceType):\(node.uniqueID)"
    }
    for (index, id) in activityIDs.enumerated() { byActivityID[id] = index }
    byIndex = [PlainValue](repeating: .null, count: nodes.count)
    numbers = [Int](repeating: 0, count: nodes.count)
  }

  /// How people read a node: `<type>:<name>`.
  static func label(_ node: DBTRunPlan.Node) -> String { "\(node.resourceType):\(node.name)" }

  func activityID(_ index: Int) -> String { activityIDs[index] }

  func index(ofActivity id: String) -> Int? { byActivityID[id] }

  /// The place of a node in the order of beginnings, from 1; 0 if it has not begun.
  func number(_ index: Int) -> Int { numbers[index] }

  mutating func began(_ index: Int) {
    guard numbers[index] == 0 else { return }
    order.append(index)
    numbers[index] = order.count
  }

  mutating func record(_ index: Int, _ result: PlainValue) {
    var result = result
    let bytes = result["compiled_code"]?.stringValue?.utf8.count ?? 0
    if bytes > Self.compiledLimit || compiledBytes + bytes > Self.compiledBudget {
      result = result.replacing("compiled_code", by: .null)
    } else {
      compiledBytes += bytes
    }
    byIndex[index] = result
  }

  /// All results, in the order in which the nodes began.
  var list: [PlainValue] { order.map { byIndex[$0] } }

  /// The results without compiled SQL, as hooks and artifacts get them: they read it where it was written.
  var trimmed: [PlainValue] { Self.fit(list.map { $0.replacing("compiled_code", by: .null) }) }

  /// The results as far as one payload carries them; see `fit`.
  var bounded: [PlainValue] { Self.fit(list) }

  /// Leaves out, as far as needed: compiled SQL, then timings and adapter answers, then all but the first words of messages.
  private static func fit(_ list: [PlainValue]) -> [PlainValue] {
    func isSmall(_ list: [PlainValue]) -> Bool { PlainValue.array(list).jsonBytes().count <= listBudget }
    if isSmall(list) { return list }
    var smaller = list.map { $0.replacing("compiled_code", by: .null) }
    if isSmall(smaller) { return smaller }
    smaller = smaller.map { $0.replacing("timing", by: []).replacing("adapter_response", by: [:]) }
    if isSmall(smaller) { return smaller }
    return smaller.map { result in
      guard let message = result["message"]?.stringValue else { return result }
      return result.replacing("message", by: .string(message.limited(toBytes: 80)))
    }
  }

  /// What a failed run's failure says: how many nodes, which, and why.
  func failureMessage(errors: Int, fault: OrchestrationFailure?) -> String {
    var parts: [String] = []
    for result in list where result["status"]?.stringValue == "error" && parts.count < 5 {
      let message = result["message"]?.stringValue ?? ""
      parts.append("\(result["unique_id"]?.stringValue ?? "?"): \(message.singleLine.limited(toBytes: 300))")
    }
    if errors > parts.count, errors > 0 { parts.append("and \(errors - parts.count) more") }
    if let fault { parts.append(fault.message.limited(toBytes: 1000)) }
    return "dbt run failed: \(errors) node(s) errored" + (parts.isEmpty ? "" : " (\(parts.joined(separator: "; ")))")
  }

  /// A node's result as it goes to the scheduler: without its compiled SQL where that is too long to be of use there.
  static func sendable(_ result: PlainValue) -> PlainValue {
    (result["compiled_code"]?.stringValue?.utf8.count ?? 0) > compiledLimit
      ? result.replacing("compiled_code", by: .null) : result
  }

  /// A result without anything that a warehouse told.
  static func plainResult(_ uniqueID: String, _ status: NodeSchedule.Status, _ message: String?) -> PlainValue {
    [
      "unique_id": .string(uniqueID), "status": .string(status.rawValue), "execution_time": 0.0,
      "message": message.map { .string($0) } ?? .null, "adapter_response": [:], "compiled_code": .null, "timing": [],
      "failures": .null,
    ]
  }

  /// The result of a node whose activity failed: what the activity told in the failure's details, or else its message.
  static func errorResult(of failure: OrchestrationFailure, id: String) -> PlainValue {
    let message = "activity failed: " + failure.root.chain
    guard let told = failure.root.details.first, told["unique_id"]?.stringValue == id else {
      return plainResult(id, .error, message.limited(toBytes: 8000))
    }
    let own = told["message"]?.stringValue ?? message
    return told.replacing("status", by: "error").replacing("message", by: .string(own.limited(toBytes: 8000)))
  }

  /// The failure of a run that broke outside its nodes; keeps the class of what broke it.
  static func fault(_ failure: OrchestrationFailure, during step: String) -> OrchestrationFailure {
    let root = failure.root
    let chain = root.chain.limited(toBytes: 8000)
    switch root.kind {
    case .application:
      return OrchestrationFailure(
        message: chain.isEmpty ? "\(step) failed" : chain, type: root.type, isNonRetryable: true, details: root.details)
    default:
      return OrchestrationFailure(message: "\(step) failed: \(chain)", type: root.type, isNonRetryable: true)
    }
  }

  /// An entry of the result's `hook_errors`.
  static func hookError(_ event: String, _ failure: OrchestrationFailure) -> PlainValue {
    [
      "hook_workflow_type": .string(event), "event": .string(event),
      "error": .string(failure.root.chain.limited(toBytes: 8000)),
    ]
  }
}

extension PlainValue {
  /// This object with one member set, if it has that member; anything else unchanged.
  func replacing(_ key: String, by value: PlainValue) -> PlainValue {
    guard var members = objectValue, members[key] != nil else { return self }
    members[key] = value
    return .object(members)
  }
}

extension String {
  /// The text's lines behind one another, without the blanks around them.
  var singleLine: String {
    split(whereSeparator: \.isNewline).map { line in
      var line = line.drop(while: \.isWhitespace)
      while line.last?.isWhitespace == true { line.removeLast() }
      return String(line)
    }.filter { !$0.isEmpty }.joined(separator: " ")
  }

  /// The text, or as much of its beginning as fits, cut between characters, with an ellipsis.
  func limited(toBytes limit: Int) -> String {
    guard utf8.count > limit else { return self }
    var kept = ""
    var bytes = 0
    for character in self {
      bytes += character.utf8.count
      if bytes > limit - 3 { break }
      kept.append(character)
    }
    return kept + "…"
  }
}
