import OrderedCollections
package import PlainData
package import WorkflowEngine

/// Retries and time limits of a run's activities: the blocks `retry` and `timeouts` of `dbt_temporal.yml`, in its units.
package struct DBTRunSettings: Codable, Sendable, Equatable {
  /// Attempts at a node, the first included; 1: never retried.
  package var maxAttempts = 3
  /// Seconds before the second attempt.
  package var initialInterval = 5.0
  package var backoffCoefficient = 2.0
  /// Seconds that a wait between attempts never exceeds.
  package var maxInterval = 60.0
  /// Whether a project hook that failed for a passing reason is tried again, per phase.
  package var retriesOnRunStart = false
  package var retriesOnRunEnd = false
  /// Seconds that one attempt may take, and that it may stay silent.
  ///
  /// The silence allowed to a node is 60 s, where the peer has 300: our heartbeats do not depend on the node's own progress,
  /// and a lost worker is noticed sooner.
  package var nodeSeconds = 3600.0
  package var nodeHeartbeatSeconds = 60.0
  package var hookSeconds = 300.0
  package var hookHeartbeatSeconds = 60.0
  package var planSeconds = 300.0
  package var storeArtifactsSeconds = 120.0

  package init() {}

  /// Reads the blocks `retry` and `timeouts`; what is absent or no positive number keeps its default.
  package init(plan: PlainValue) {
    let retry = plan["retry"]
    let timeouts = plan["timeouts"]
    func positive(_ value: PlainValue?, _ field: WritableKeyPath<DBTRunSettings, Double>) {
      if let number = value?.doubleValue, number > 0, number < 1e9 { self[keyPath: field] = number }
    }
    if let attempts = retry?["max_attempts"]?.intValue, (1...1000).contains(attempts) { maxAttempts = attempts }
    positive(retry?["initial_interval_secs"], \.initialInterval)
    positive(retry?["backoff_coefficient"], \.backoffCoefficient)
    positive(retry?["max_interval_secs"], \.maxInterval)
    retriesOnRunStart = retry?["project_hooks"]?["on_run_start"]?.boolValue ?? false
    retriesOnRunEnd = retry?["project_hooks"]?["on_run_end"]?.boolValue ?? false
    positive(timeouts?["node_secs"], \.nodeSeconds)
    positive(timeouts?["node_heartbeat_secs"], \.nodeHeartbeatSeconds)
    positive(timeouts?["hook_secs"], \.hookSeconds)
    positive(timeouts?["hook_heartbeat_secs"], \.hookHeartbeatSeconds)
    positive(timeouts?["plan_secs"], \.planSeconds)
    positive(timeouts?["store_artifacts_secs"], \.storeArtifactsSeconds)
  }

  /// The block `retry`, as `dbt_temporal.yml` writes it.
  package var retryPlain: PlainValue {
    [
      "max_attempts": .int(maxAttempts), "initial_interval_secs": .double(initialInterval),
      "backoff_coefficient": .double(backoffCoefficient), "max_interval_secs": .double(maxInterval),
      "project_hooks": ["on_run_start": .bool(retriesOnRunStart), "on_run_end": .bool(retriesOnRunEnd)],
    ]
  }

  /// The block `timeouts`, as `dbt_temporal.yml` writes it.
  package var timeoutsPlain: PlainValue {
    [
      "node_secs": .double(nodeSeconds), "node_heartbeat_secs": .double(nodeHeartbeatSeconds),
      "hook_secs": .double(hookSeconds), "hook_heartbeat_secs": .double(hookHeartbeatSeconds),
      "plan_secs": .double(planSeconds), "store_artifacts_secs": .double(storeArtifactsSeconds),
    ]
  }

  /// How nodes, and hooks that opted in, are retried.
  package var retry: ActivityRetry {
    ActivityRetry(
      initialInterval: .seconds(initialInterval), backoffCoefficient: max(1, backoffCoefficient),
      maximumInterval: .seconds(max(maxInterval, initialInterval)), maximumAttempts: maxAttempts,
      nonRetryableTypes: DBTErrorClass.permanent.map(\.rawValue))
  }
}

/// What went wrong with a run's activity: the `type` of its application failure, which decides on retries.
package enum DBTErrorClass: String, Codable, Sendable, CaseIterable {
  /// Jinja, references, macros, and SQL that can never work.
  case compilation = "Compilation"
  /// Profile, settings, input.
  case configuration = "Configuration"
  /// The warehouse failed for a reason that may pass.
  case adapter = "Adapter"
  case artifactStore = "ArtifactStore"
  case projectNotFound = "ProjectNotFound"
  case testFailure = "TestFailure"
  case unitTestFailure = "UnitTestFailure"
  case staleSource = "StaleSource"

  /// Whether another attempt may end better.
  package var isRetryable: Bool { self == .adapter || self == .artifactStore }

  /// Classes that no attempt can mend.
  package static var permanent: [DBTErrorClass] { allCases.filter { !$0.isRetryable } }

  /// What a message of the class begins with.
  package var prefix: String {
    switch self {
    case .compilation: "compilation error: "
    case .configuration: "configuration error: "
    case .adapter: "adapter error: "
    case .artifactStore: "artifact store error: "
    case .projectNotFound: "project not found: "
    case .testFailure: "test failed: "
    case .unitTestFailure: "unit test failed: "
    case .staleSource: "source freshness error: "
    }
  }
}
