package import PlainData
import WorkflowEngine

/// One activity type that a worker can run.
package protocol ActivityHandler: Sendable {
  /// The name under which workflows order it.
  var type: String { get }

  /// Runs one attempt.
  ///
  /// A cancelled attempt's task is cancelled; the handler ends what it does, in its own time but soon, and throws
  /// `CancellationError`, or returns if it was done anyway. An `OrchestrationFailure` thrown is reported as it is; any other
  /// error as a retryable application failure of the error's type. It must not block the thread it is called on.
  func run(_ arguments: [PlainValue], in context: ActivityContext) async throws -> PlainValue
}

/// Why an attempt is asked to stop.
package enum ActivityStop: String, Sendable {
  /// The workflow asked for it.
  case cancelled
  case paused, reset
  /// This worker is shutting down; the server will try elsewhere.
  case workerShutdown
  /// The server no longer waits for this attempt: it timed out, or its workflow has ended.
  case lost
  /// By this worker's own clock the attempt's time is up.
  case timedOut
}

/// What an attempt knows of itself, and its line to the server.
package final class ActivityContext: Sendable {
  package let type: String
  package let activityID: String
  package let workflowID: String
  package let runID: String
  /// From 1.
  package let attempt: Int
  package let heartbeatTimeout: Duration?
  package let startToCloseTimeout: Duration?
  /// What the attempt before this one last reported.
  package let lastHeartbeat: [PlainValue]
  /// Fires when the attempt is asked to stop.
  package let stop = Signal<ActivityStop>()
  let pulse = HeartbeatPulse()

  package init(
    type: String, activityID: String, workflowID: String = "", runID: String = "", attempt: Int = 1,
    heartbeatTimeout: Duration? = nil, startToCloseTimeout: Duration? = nil, lastHeartbeat: [PlainValue] = []
  ) {
    self.type = type
    self.activityID = activityID
    self.workflowID = workflowID
    self.runID = runID
    self.attempt = attempt
    self.heartbeatTimeout = heartbeatTimeout
    self.startToCloseTimeout = startToCloseTimeout
    self.lastHeartbeat = lastHeartbeat
  }

  /// Notes how far the attempt has come; the next heartbeat carries the newest note. Heartbeats go out by themselves.
  package func progress(_ details: PlainValue) { pulse.note(details) }
}
