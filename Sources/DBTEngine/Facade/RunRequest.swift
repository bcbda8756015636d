import OrderedCollections
package import PlainData

/// dbt's commands that execute or compile nodes.
package enum RunCommand: String, Sendable, Hashable, CaseIterable {
  case build, run, test, seed, snapshot, compile, show, list, parse, clone
  case runOperation = "run-operation"
  /// `source freshness`.
  case freshness
  /// `docs generate`.
  case generate

  /// Whether relations are made, so that schemas and the relation cache are prepared and hooks run.
  package var executes: Bool {
    switch self {
    case .build, .run, .test, .seed, .snapshot, .clone, .freshness: true
    case .compile, .show, .list, .parse, .runOperation, .generate: false
    }
  }

  /// Whether the project's hooks run and starts and ends of nodes are told to the user.
  package var announces: Bool { executes && self != .clone }
}

/// What varies between runs of one project: a value that travels between processes.
package struct RunSettings: Sendable, Hashable {
  /// `--vars`.
  package var vars: PlainObject = [:]
  /// Laid over the process's environment for `env_var()`.
  package var environment: [String: String] = [:]
  package var fullRefresh = false
  package var failFast = false
  package var storeFailures = false
  package var warnError = false
  /// `--empty`: refs and sources give no rows.
  package var empty = false
  /// `--event-time-start` and `--event-time-end`: the batches that microbatch models build.
  package var eventTime: BatchSpan?
  /// `--sample`: refs and sources with an event time give the rows of this span only.
  package var sample: BatchSpan?
  /// `--defer`: refs to what this target does not have mean the earlier run's relations.
  package var defers = false
  /// `--favor-state`: with `defers`, refs to what is not selected mean them always.
  package var favorsState = false
  /// A UUID; made up when empty.
  package var invocationID = ""
  /// Seconds since 1970; now when nil.
  package var startedAt: Double?
  /// `show`: how many rows; below zero all.
  package var limit = 5
  /// Further flags as templates see them, by their lower-case names (`quiet`, `debug`, …).
  package var flags: PlainObject = [:]

  package init() {}

  /// Reads `--event-time-start`, `--event-time-end` and `--sample`; spans back from now count from `startedAt`.
  ///
  /// - Throws: dbt's usage errors.
  package mutating func takeTimes(start: String?, end: String?, sample: String?) throws(EngineError) {
    eventTime = try EventTime.span(start: start, end: end)
    self.sample = try sample.map { text throws(EngineError) in
      try SampleWindow.read(text, now: startedAt ?? UTCTime.now.seconds)
    }
  }
}

/// A command on a project: what to do with which nodes.
package struct RunRequest: Sendable, Hashable {
  package var command: RunCommand
  /// Selector expressions, one entry an option value; blanks inside separate unions.
  package var select: [String] = []
  package var exclude: [String] = []
  /// A named selector of `selectors.yml`.
  package var selector: String?
  package var resourceTypes: [String] = []
  package var excludedResourceTypes: [String] = []
  /// `eager`, `cautious`, `buildable` or `empty`; nil: dbt's default.
  package var indirectSelection: String?
  /// Exactly these nodes instead of a selection: what `retry` repeats.
  package var uniqueIDs: [String]?
  /// `batch_results` of microbatch models in the run that is repeated, by unique id.
  package var previousBatches: PlainObject = [:]
  /// `overload_results` of functions of which some overload failed there, by unique id.
  package var previousOverloads: PlainObject = [:]
  /// The macro and its arguments of `run-operation`, for the record of the run.
  package var operation: PlainObject = [:]
  package var settings: RunSettings

  package init(_ command: RunCommand, settings: RunSettings = RunSettings()) {
    self.command = command
    self.settings = settings
  }
}

/// One node of a plan.
package struct RunPlanNode: Sendable, Hashable {
  package var uniqueID: String
  package var name: String
  /// dbt's name, such as `model`.
  package var resourceType: String
  package var materialized: String
  /// Unique ids within the plan.
  package var parents: [String]
  /// Whether its dependents run even if it fails (`on_error: continue`).
  package var continuesOnError: Bool
  /// Whether it is never counted, printed or reported (ephemeral models).
  package var isEphemeral: Bool

  var isUnitTest: Bool { resourceType == "unit_test" }
}

/// What a command will execute, in a fit order for starting ready nodes.
package struct RunPlan: Sendable, Hashable {
  package var command: RunCommand
  package var projectName: String
  package var targetName: String
  package var threads: Int
  package var nodes: [RunPlanNode]
  package var hasOnRunStart: Bool
  package var hasOnRunEnd: Bool
  /// Whether the hooks are left out, of which is warned: those of `source freshness`, when the project wants so.
  package var leavesHooksOut = false
  /// Whether nothing is executed once a hook before the nodes has failed.
  package var skipsNodesAfterFailedStart = true
  /// Warnings of parsing and selecting, for showing.
  package var warnings: [String]

  /// The plan for passing between processes.
  package var plain: PlainValue {
    [
      "command": .string(command.rawValue), "project_name": .string(projectName), "target_name": .string(targetName),
      "threads": .int(threads), "has_on_run_start": .bool(hasOnRunStart), "has_on_run_end": .bool(hasOnRunEnd),
      "warnings": .array(warnings.map { .string($0) }),
      "nodes": .array(
        nodes.map { node in
          [
            "unique_id": .string(node.uniqueID), "name": .string(node.name),
            "resource_type": .string(node.resourceType),
            "materialized": .string(node.materialized), "depends_on": .array(node.parents.map { .string($0) }),
            "continue_on_error": .bool(node.continuesOnError), "ephemeral": .bool(node.isEphemeral),
          ]
        }),
    ]
  }
}

/// Which of a project's hooks to run.
package enum HookPhase: String, Sendable, Hashable {
  case onRunStart = "on-run-start"
  case onRunEnd = "on-run-end"
}
