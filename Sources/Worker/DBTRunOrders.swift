import OrderedCollections
import PlainData
import WorkflowEngine

/// Makes the orders for the activities of a `dbt_run`: their ids, inputs, time limits and retries.
///
/// Every activity is cancelled by waiting for its end, so that a cancelled run leaves no statement behind.
struct DBTRunOrders {
  static let planID = "plan_project"
  static let onRunStartID = "on_run_start"
  static let onRunEndID = "on_run_end"
  static let storeID = "store_artifacts"

  /// The two points at which a project's own hooks run.
  enum HookPhase: String {
    case onRunStart = "on_run_start"
    case onRunEnd = "on_run_end"
  }

  let invocationID: String
  let startedAt: WorkflowTime
  let input: DBTRunInput
  let project: String
  let settings: DBTRunSettings

  /// `plan_project`: the input, and which run it is for.
  func plan(_ input: DBTRunInput) -> ActivityOrder {
    var arguments = input.plain.objectValue ?? [:]
    arguments["invocation_id"] = .string(invocationID)
    arguments["run_started_at"] = .string(startedAt.iso8601)
    return ActivityOrder(
      id: Self.planID, type: "plan_project", arguments: [.object(arguments)],
      summary: "plan \(input.command)", startToClose: .seconds(settings.planSeconds),
      heartbeat: .seconds(min(60, settings.planSeconds)), retry: settings.retry)
  }

  /// `execute_node`: one node, named so that people see which.
  func node(_ node: DBTRunPlan.Node, id: String) -> ActivityOrder {
    var arguments = common
    arguments["unique_id"] = .string(node.uniqueID)
    return ActivityOrder(
      id: id, type: "execute_node", arguments: [.object(arguments)], summary: DBTRunResults.label(node),
      startToClose: .seconds(settings.nodeSeconds),
      heartbeat: .seconds(min(settings.nodeHeartbeatSeconds, settings.nodeSeconds)), retry: settings.retry)
  }

  /// `run_project_hooks` of one phase.
  func hooks(_ phase: HookPhase, results: [PlainValue]) -> ActivityOrder {
    let retries = phase == .onRunStart ? settings.retriesOnRunStart : settings.retriesOnRunEnd
    var arguments = common
    arguments["phase"] = .string(phase.rawValue)
    arguments["node_results"] = .array(results)
    arguments["retry_on_error"] = .bool(retries)
    // The policy is for lost workers: a hook that fails is reported as not to be retried, unless its phase opted in.
    return ActivityOrder(
      id: phase.rawValue, type: "run_project_hooks", arguments: [.object(arguments)],
      summary: phase == .onRunStart ? "on-run-start" : "on-run-end", startToClose: .seconds(settings.hookSeconds),
      heartbeat: .seconds(min(settings.hookHeartbeatSeconds, settings.hookSeconds)), retry: settings.retry)
  }

  /// `store_artifacts`.
  func store(results: [PlainValue], log: [String]) -> ActivityOrder {
    var arguments = common
    arguments["node_results"] = .array(results)
    arguments["run_log"] = .string(log.joined(separator: "\n") + "\n")
    return ActivityOrder(
      id: Self.storeID, type: "store_artifacts", arguments: [.object(arguments)], summary: "store artifacts",
      startToClose: .seconds(settings.storeArtifactsSeconds),
      heartbeat: .seconds(min(60, settings.storeArtifactsSeconds)),
      retry: settings.retry)
  }

  /// What every activity after the plan gets.
  private var common: PlainObject {
    var arguments: PlainObject = [
      "invocation_id": .string(invocationID), "run_started_at": .string(startedAt.iso8601), "project": .string(project),
      "command": .string(input.command), "env": input.env, "vars": input.vars, "full_refresh": .bool(input.fullRefresh),
    ]
    if let target = input.target { arguments["target"] = .string(target) }
    if let start = input.eventTimeStart { arguments["event_time_start"] = .string(start) }
    if let end = input.eventTimeEnd { arguments["event_time_end"] = .string(end) }
    return arguments
  }
}

extension WorkflowTime {
  /// The moment in UTC as `2026-11-21T23:15:00.123456Z` (microseconds), in the calendar that ISO 8601 prescribes.
  var iso8601: String {
    let microseconds = Int(nanoseconds.quotientAndRemainder(dividingBy: 1000).quotient)
    var seconds = microseconds / 1_000_000
    var fraction = microseconds % 1_000_000
    if fraction < 0 {
      fraction += 1_000_000
      seconds -= 1
    }
    var days = seconds / 86_400
    var rest = seconds % 86_400
    if rest < 0 {
      rest += 86_400
      days -= 1
    }
    let (year, month, day) = Self.civil(days: days)
    func padded(_ number: Int, _ width: Int) -> String {
      let digits = String(number)
      return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
    return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))T\(padded(rest / 3600, 2)):"
      + "\(padded(rest / 60 % 60, 2)):\(padded(rest % 60, 2)).\(padded(fraction, 6))Z"
  }

  /// The date of a day counted from 1970-01-01, in the Gregorian calendar: counts in eras of 400 years that begin in March.
  private static func civil(days: Int) -> (year: Int, month: Int, day: Int) {
    let shifted = days + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let marchMonth = (5 * dayOfYear + 2) / 153
    let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    return (year, month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
  }
}
