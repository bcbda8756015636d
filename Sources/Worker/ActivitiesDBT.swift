import EventLoop
package import PlainData
package import TemporalWorker
package import WorkflowEngine

/// The activities of `dbt_run` over a runner.
package enum DBTActivities {
  /// One handler for each activity type that `dbt_run` orders.
  package static func handlers(_ runner: any ProjectRunner, threads: BlockingThreads) -> [any ActivityHandler] {
    [
      BlockingActivity("plan_project", threads) { plain, stop in
        try runner.plan(PlanActivityRequest(plain), stop: stop).plain
      },
      BlockingActivity("execute_node", threads) { plain, stop in
        DBTRunResults.sendable(try runner.executeNode(NodeActivityRequest(plain), stop: stop))
      },
      BlockingActivity("run_project_hooks", threads) { plain, stop in
        let request = HooksActivityRequest(plain)
        do {
          try runner.runHooks(request, stop: stop)
        } catch RunnerError.failed(let kind, let message, let details) where !request.retriesOnError {
          throw RunnerError.failed(kind, message, details: details).failure(isNonRetryable: true)
        }
        return .null
      },
      BlockingActivity("store_artifacts", threads) { plain, stop in
        try runner.storeArtifacts(ArtifactsActivityRequest(plain), stop: stop)
      },
    ]
  }
}

/// An activity whose work blocks: it runs on a thread of its own, and a cancellation reaches it as a stop request.
package struct BlockingActivity: ActivityHandler {
  package let type: String
  private let threads: BlockingThreads
  private let body: @Sendable (PlainValue, StopRequest) throws -> PlainValue

  /// - Parameter body: gets the activity's single argument.
  package init(
    _ type: String, _ threads: BlockingThreads, body: @escaping @Sendable (PlainValue, StopRequest) throws -> PlainValue
  ) {
    self.type = type
    self.threads = threads
    self.body = body
  }

  package func run(_ arguments: [PlainValue], in context: ActivityContext) async throws -> PlainValue {
    guard let argument = arguments.first, argument.objectValue != nil else {
      throw OrchestrationFailure(
        message: "the activity '\(type)' takes one object", type: "Configuration", isNonRetryable: true)
    }
    let stop = StopRequest()
    do {
      return try await withTaskCancellationHandler {
        try await threads.run { try body(argument, stop) }
      } onCancel: {
        // Stopping a statement means a connection to the database: not on a thread that must never block.
        do {
          try OperatingSystemThread.start("stop") { stop.request() }
        } catch {
          stop.request()
        }
      }
    } catch RunnerError.stopped {
      throw CancellationError()
    } catch let error as RunnerError {
      throw error.failure()
    }
  }
}

extension RunnerError {
  /// The failure as the scheduler gets it: its type is the class, its message begins with the class's words.
  package func failure(isNonRetryable: Bool = false) -> OrchestrationFailure {
    switch self {
    case .stopped: return OrchestrationFailure(kind: .cancelled, message: "stopped")
    case .failed(let told, let message, let details):
      let kind = told == .compilation && WarehouseOutage.isTold(by: message) ? .adapter : told
      return OrchestrationFailure(
        message: message.hasPrefix(kind.prefix) ? message : kind.prefix + message, type: kind.rawValue,
        isNonRetryable: isNonRetryable || !kind.isRetryable, details: details.map { [$0] } ?? [])
    }
  }
}
