/// What a worker serves, and how much at a time.
package struct WorkerOptions: Sendable {
  package var namespace: String
  package var taskQueue: String
  /// Who the worker says it is; shown in histories and among a queue's pollers.
  package var identity: String
  /// Unique to this worker instance and never used again; also part of its sticky queue's name.
  package var instanceKey: String
  /// Workflow tasks in hand at a time, polls included; at least 2 when caching.
  package var workflowSlots = 200
  /// Activities in hand at a time, polls included.
  package var activitySlots = 100
  /// Polls for workflow tasks open at a time, normal and sticky together; at least 2 when caching.
  package var workflowPollers = 5
  package var activityPollers = 5
  /// Share of the workflow polls that go to the normal queue; each kind keeps at least one.
  package var nonStickyRatio = 0.2
  /// Runs kept in the sticky cache; 0: every task brings its whole history.
  package var cachedRuns = 1000
  /// How long a task may wait on the sticky queue before the server gives it to anybody.
  package var stickyTimeout: Duration = .seconds(10)
  /// Longest time between two heartbeats of an activity, whatever its heartbeat timeout: a cancel request reaches the activity
  /// with the next one.
  package var heartbeatInterval: Duration = .seconds(2)
  /// How long a report of an activity's end is repeated while the scheduler cannot be reached.
  package var reportPatience: Duration = .seconds(300)
  /// How long a poll may be refused for a reason that waiting seldom mends before the worker gives up.
  /// Refused credentials are not among these: they may be renewed at any time.
  package var refusalPatience: Duration = .seconds(60)
  /// Most bytes of one payload or failure; the server's limit is read at start-up and wins when smaller.
  package var payloadLimit = 2 << 20
  /// Most bytes of one request, a little below the server's 4 MiB.
  package var requestLimit = (4 << 20) - 4096
  /// Most events of one history that are fetched; the server itself ends a workflow at 51,200.
  package var historyEvents = 100_000
  /// How long a stopping worker repeats its last reports.
  package var cancelPatience: Duration = .seconds(10)

  package init(namespace: String, taskQueue: String, identity: String, instanceKey: String) {
    self.namespace = namespace
    self.taskQueue = taskQueue
    self.identity = identity
    self.instanceKey = instanceKey
  }

  /// The worker's own queue, to which the server sends tasks of runs that this worker has cached.
  var stickyQueue: String { "\(identity)-\(instanceKey)" }

  var isCaching: Bool { cachedRuns > 0 }

  /// How the workflow polls are split: at least one of each kind, and never more than there are slots, so that polls of one
  /// kind cannot keep the other from being sent.
  var pollSplit: (normal: Int, sticky: Int) {
    let polls = max(1, min(workflowPollers, workflowSlots))
    guard isCaching else { return (polls, 0) }
    let normal = max(1, Int(Double(polls) * nonStickyRatio))
    return (normal, max(1, polls - normal))
  }
}
