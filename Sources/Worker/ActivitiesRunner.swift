import OrderedCollections
package import PlainData

/// What runs dbt projects for the worker's activities: the engine, or a script in a test.
///
/// Every method blocks until its work is done, and is called on a thread of its own. Each watches `stop`: once a stop is
/// requested it ends what it does (its statement too) and throws `RunnerError.stopped`.
package protocol ProjectRunner: Sendable {
  /// Which nodes the command covers and how they depend on each other.
  func plan(_ request: PlanActivityRequest, stop: StopRequest) throws -> DBTRunPlan

  /// Runs the project's hooks of one phase.
  func runHooks(_ request: HooksActivityRequest, stop: StopRequest) throws

  /// Runs one node; returns its result as the contract has it. A node that failed throws.
  func executeNode(_ request: NodeActivityRequest, stop: StopRequest) throws -> PlainValue

  /// Writes the run's artifacts; returns `{run_results_path, manifest_path, log_path}`.
  func storeArtifacts(_ request: ArtifactsActivityRequest, stop: StopRequest) throws -> PlainValue
}

/// Why a runner's method came to nothing.
package enum RunnerError: Error, Sendable {
  /// The work failed. `details` is the node's result, if there is one: what it tells beside the message.
  case failed(DBTErrorClass, String, details: PlainValue?)
  /// The work ended because a stop was requested.
  case stopped
}

/// What every activity of a run is told about the run.
package struct RunFacts: Sendable, Hashable {
  /// A UUID, the same for all activities of a run; what a worker keeps of a run it keeps under this key.
  package var invocationID: String
  /// When the run began, ISO 8601 in UTC.
  package var startedAt: String
  package var project: String?
  package var target: String?
  package var command: String
  package var vars: PlainObject
  package var environment: [String: String]
  package var fullRefresh: Bool
  /// The span of time whose batches microbatch models build, as the run's input gives it.
  package var eventTimeStart: String?
  package var eventTimeEnd: String?

  init(_ plain: PlainValue) {
    invocationID = plain["invocation_id"]?.stringValue ?? ""
    startedAt = plain["run_started_at"]?.stringValue ?? ""
    let name = plain["project"]?.stringValue ?? ""
    project = name.isEmpty ? nil : name
    target = plain["target"]?.stringValue
    command = plain["command"]?.stringValue ?? "build"
    vars = plain["vars"]?.objectValue ?? [:]
    environment = [:]
    for (key, value) in plain["env"]?.objectValue ?? [:] { environment[key] = value.stringValue }
    fullRefresh = plain["full_refresh"]?.boolValue ?? false
    eventTimeStart = plain["event_time_start"]?.stringValue
    eventTimeEnd = plain["event_time_end"]?.stringValue
  }
}

/// The input of `plan_project`.
package struct PlanActivityRequest: Sendable, Hashable {
  package var facts: RunFacts
  package var select: String?
  package var exclude: String?
  package var indirectSelection: String?
  package var failFast: Bool

  init(_ plain: PlainValue) {
    facts = RunFacts(plain)
    select = plain["select"]?.stringValue
    exclude = plain["exclude"]?.stringValue
    indirectSelection = plain["indirect_selection"]?.stringValue
    failFast = plain["fail_fast"]?.boolValue ?? false
  }
}

/// The input of `execute_node`.
package struct NodeActivityRequest: Sendable, Hashable {
  package var facts: RunFacts
  package var uniqueID: String

  init(_ plain: PlainValue) {
    facts = RunFacts(plain)
    uniqueID = plain["unique_id"]?.stringValue ?? ""
  }
}

/// The input of `run_project_hooks`.
package struct HooksActivityRequest: Sendable, Hashable {
  package enum Phase: String, Sendable {
    case onRunStart = "on_run_start"
    case onRunEnd = "on_run_end"
  }

  package var facts: RunFacts
  package var phase: Phase
  /// Results of all nodes; empty at the start.
  package var results: [PlainValue]
  /// Whether a failure that may pass is worth another attempt.
  package var retriesOnError: Bool

  init(_ plain: PlainValue) {
    facts = RunFacts(plain)
    phase = plain["phase"]?.stringValue == Phase.onRunEnd.rawValue ? .onRunEnd : .onRunStart
    results = plain["node_results"]?.arrayValue ?? []
    retriesOnError = plain["retry_on_error"]?.boolValue ?? false
  }
}

/// The input of `store_artifacts`.
package struct ArtifactsActivityRequest: Sendable, Hashable {
  package var facts: RunFacts
  package var results: [PlainValue]
  package var log: String

  init(_ plain: PlainValue) {
    facts = RunFacts(plain)
    results = plain["node_results"]?.arrayValue ?? []
    log = plain["run_log"]?.stringValue ?? ""
  }
}
