package import OrderedCollections
package import PlainData

/// What a workflow asks the scheduler to do.
package enum OrchestrationCommand: Sendable, Equatable {
  case scheduleActivity(ActivityOrder)
  /// Asks for the end of a running activity, in the manner that its order gave. One that already ended is left alone.
  case cancelActivity(id: String)
  /// A zero duration fires at once; a negative one counts as zero.
  case startTimer(id: String, after: Duration)
  case cancelTimer(id: String)
  /// Sets keys of the run's memo; other keys stay. Upserts of one workflow task are merged, a later value wins.
  case upsertMemo(OrderedDictionary<String, PlainValue>)
  /// Ends the run: `COMPLETED` with a result.
  case complete(PlainValue)
  /// Ends the run: `FAILED`.
  case fail(OrchestrationFailure)
  /// Ends the run: `CANCELED`, as the answer to a cancel request.
  case cancel(details: PlainValue)
}

/// One activity to be run, with every option that Temporal takes.
package struct ActivityOrder: Sendable, Equatable {
  /// Unique among the activities of the run that are open; at most 1000 bytes.
  package var id: String
  /// The name under which a worker registered the activity.
  package var type: String
  package var arguments: [PlainValue]
  /// One line that the scheduler's pages show instead of the type.
  package var summary: String?
  /// nil: the run's own queue.
  package var taskQueue: String?
  /// The longest that one attempt may take. This or `scheduleToClose` must be given.
  package var startToClose: Duration?
  /// The longest that all attempts together may take.
  package var scheduleToClose: Duration?
  package var scheduleToStart: Duration?
  /// An attempt that stays silent for so long counts as lost.
  package var heartbeat: Duration?
  /// nil: the server's default, which retries without end.
  package var retry: ActivityRetry?
  package var cancellation: ActivityCancellation

  package init(
    id: String, type: String, arguments: [PlainValue] = [], summary: String? = nil, taskQueue: String? = nil,
    startToClose: Duration? = nil, scheduleToClose: Duration? = nil, scheduleToStart: Duration? = nil,
    heartbeat: Duration? = nil, retry: ActivityRetry? = nil, cancellation: ActivityCancellation = .waitForEnd
  ) {
    self.id = id
    self.type = type
    self.arguments = arguments
    self.summary = summary
    self.taskQueue = taskQueue
    self.startToClose = startToClose
    self.scheduleToClose = scheduleToClose
    self.scheduleToStart = scheduleToStart
    self.heartbeat = heartbeat
    self.retry = retry
    self.cancellation = cancellation
  }
}

/// How the server repeats a failed attempt (`temporal.api.common.v1.RetryPolicy`).
package struct ActivityRetry: Codable, Sendable, Equatable {
  package var initialInterval: Duration
  package var backoffCoefficient: Double
  package var maximumInterval: Duration
  /// 0: no limit; 1: never retried.
  package var maximumAttempts: Int
  /// Types of application failures that are not retried.
  package var nonRetryableTypes: [String]

  package init(
    initialInterval: Duration = .seconds(1), backoffCoefficient: Double = 2, maximumInterval: Duration = .seconds(100),
    maximumAttempts: Int = 0, nonRetryableTypes: [String] = []
  ) {
    self.initialInterval = initialInterval
    self.backoffCoefficient = backoffCoefficient
    self.maximumInterval = maximumInterval
    self.maximumAttempts = maximumAttempts
    self.nonRetryableTypes = nonRetryableTypes
  }
}

/// What cancelling an activity means for the workflow that ordered it.
package enum ActivityCancellation: String, Codable, Sendable {
  /// Ask the activity to stop and go on at once; whatever it still answers is ignored.
  case tryCancel
  /// Ask the activity to stop and go on when it has ended, however it ended.
  case waitForEnd
  /// Tell nobody, go on at once.
  case abandon
}
