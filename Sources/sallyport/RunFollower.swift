import OrderedCollections
import PlainData
import TemporalClient
import TemporalMessages

/// What became known of a run.
enum RunNews: Sendable, Equatable {
  /// A worker has taken the run.
  case taken
  /// The plan is made.
  case planned(nodes: Int, project: String)
  /// A step that is no node begins, such as `on-run-start`.
  case step(String)
  /// A node was handed to the workers; `number` counts the beginnings.
  case started(RunNode)
  /// A node ended.
  case ended(RunNode, NodeEnd)
  /// The run was asked to cancel itself.
  case cancelRequested
  /// The run ended.
  case finished(RunEnd)
}

/// A node in the order of beginnings.
struct RunNode: Sendable, Hashable {
  /// `model:stg_ports`.
  var label: String
  /// From 1, in the order of beginnings.
  var number: Int
}

/// How a node ended.
struct NodeEnd: Sendable, Equatable {
  /// `success`, `error`, `skipped` or `cancelled`.
  var status: String
  /// What the database or the failure says; may be empty.
  var message: String
  /// How long the node took.
  var seconds: Double
}

/// How a run ended.
struct RunEnd: Sendable, Equatable {
  /// The ways in which a run ends.
  enum Outcome: String, Sendable {
    case succeeded, failed, cancelled, terminated
    case timedOut = "timed out"
  }

  /// In which way.
  var outcome: Outcome
  /// Why, for outcomes other than success.
  var message: String
  /// The run's result, or what a failed or cancelled run tells of itself; null when it tells nothing.
  var output: PlainValue
}

/// Follows a `dbt_run` by its history: events in, news out. No I/O.
struct RunFollower {
  private struct Activity {
    var type: String
    var node: RunNode?
  }

  private let payloads: PayloadConverter
  private let failures: FailureConverter
  private var activities: [Int64: Activity] = [:]
  private var beginnings = 0
  private var isTaken = false

  /// Nothing is known of the run yet.
  init(payloads: PayloadConverter = PayloadConverter()) {
    self.payloads = payloads
    failures = FailureConverter(payloads: payloads)
  }

  /// What an event of the history tells.
  mutating func absorb(_ event: HistoryEvent) -> [RunNews] {
    switch event.attributes {
    case .workflowTaskStartedEventAttributes?:
      defer { isTaken = true }
      return isTaken ? [] : [.taken]
    case .activityTaskScheduledEventAttributes(let scheduled)?: return begin(event.eventID, scheduled)
    case .activityTaskCompletedEventAttributes(let done)?: return complete(done)
    case .activityTaskFailedEventAttributes(let failed)?:
      return fail(failed.scheduledEventID, failures.failure(failed.failure ?? Failure()))
    case .activityTaskTimedOutEventAttributes(let late)?:
      return fail(late.scheduledEventID, failures.failure(late.failure ?? Failure()))
    case .activityTaskCanceledEventAttributes(let cancelled)?:
      guard let node = activities[cancelled.scheduledEventID]?.node else { return [] }
      return [.ended(node, NodeEnd(status: "cancelled", message: "", seconds: 0))]
    case .workflowExecutionCancelRequestedEventAttributes?: return [.cancelRequested]
    default: return end(event).map { [.finished($0)] } ?? []
    }
  }

  private mutating func begin(_ id: Int64, _ scheduled: ActivityTaskScheduledEventAttributes) -> [RunNews] {
    let type = scheduled.activityType?.name ?? ""
    guard type == "execute_node" else {
      activities[id] = Activity(type: type)
      return type == "plan_project" ? [] : [.step(scheduled.activityID)]
    }
    beginnings += 1
    let node = RunNode(label: scheduled.activityID, number: beginnings)
    activities[id] = Activity(type: type, node: node)
    return [.started(node)]
  }

  private func complete(_ done: ActivityTaskCompletedEventAttributes) -> [RunNews] {
    guard let activity = activities[done.scheduledEventID] else { return [] }
    let result = (try? payloads.values(done.result))?.first ?? .null
    if activity.type == "plan_project" {
      return [
        .planned(nodes: result["nodes"]?.objectValue?.count ?? 0, project: result["project"]?.stringValue ?? "")
      ]
    }
    guard let node = activity.node else { return [] }
    return [.ended(node, nodeEnd(result))]
  }

  private func fail(_ id: Int64, _ failure: TemporalFailure) -> [RunNews] {
    guard let node = activities[id]?.node else { return [] }
    guard let told = failure.application?.details.first, told["unique_id"] != nil else {
      return [.ended(node, NodeEnd(status: "error", message: failure.root.message, seconds: 0))]
    }
    var end = nodeEnd(told)
    end.status = "error"
    if end.message.isEmpty { end.message = failure.root.message }
    return [.ended(node, end)]
  }

  private func nodeEnd(_ result: PlainValue) -> NodeEnd {
    NodeEnd(
      status: result["status"]?.stringValue ?? "success", message: result["message"]?.stringValue ?? "",
      seconds: result["execution_time"]?.doubleValue ?? 0)
  }

  private func end(_ event: HistoryEvent) -> RunEnd? {
    switch event.attributes {
    case .workflowExecutionCompletedEventAttributes(let end)?:
      return RunEnd(outcome: .succeeded, message: "", output: (try? payloads.values(end.result))?.first ?? .null)
    case .workflowExecutionFailedEventAttributes(let end)?:
      let failure = failures.failure(end.failure ?? Failure())
      return RunEnd(
        outcome: .failed, message: failure.description, output: failure.application?.details.first ?? .null)
    case .workflowExecutionCanceledEventAttributes(let end)?:
      return RunEnd(
        outcome: .cancelled, message: "the run was cancelled",
        output: (try? payloads.values(end.details))?.first ?? .null)
    case .workflowExecutionTerminatedEventAttributes(let end)?:
      let reason = end.reason.isEmpty ? "" : ": \(end.reason)"
      return RunEnd(outcome: .terminated, message: "the run was terminated\(reason)", output: .null)
    case .workflowExecutionTimedOutEventAttributes?:
      return RunEnd(outcome: .timedOut, message: "the run took longer than it was allowed", output: .null)
    default: return nil
    }
  }
}
