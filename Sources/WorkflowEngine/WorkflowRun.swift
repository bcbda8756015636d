import PlainData

/// One run of a workflow, rebuilt from its history and moved on by each workflow task. Pure: no clock, no I/O.
///
/// A value: the copy kept after a completed task is the sticky cache's entry, and a task that comes to nothing is undone by
/// dropping the copy it worked on.
package struct WorkflowRun: Sendable {
  /// What processing a workflow task produced.
  package struct Activation: Sendable {
    /// In the order in which they go to the server; a terminal one is last.
    package var commands: [EmittedCommand] = []
    /// Updates refused; they leave no event.
    package var rejections: [(request: UpdateCall, failure: OrchestrationFailure)] = []
    /// Whether the commands end the run.
    package var isClosed = false
  }

  private let registry: OrchestrationRegistry
  private var orchestration: (any Orchestration)?
  private var context = OrchestrationContext(now: WorkflowTime(nanoseconds: 0))
  private var ledger = CommandLedger()
  /// Whether the workflow has ended itself.
  package private(set) var isClosed = false
  private var cancelWasRequested = false

  /// The content of the first event; nil before any history was taken in.
  package private(set) var start: OrchestrationStart?
  /// Id of the newest event taken in: the start of the last workflow task that was processed. 0 before any.
  package private(set) var lastEventID: Int64 = 0

  package init(registry: OrchestrationRegistry) { self.registry = registry }

  /// The workflow's state, for queries and tests; nil before any history was taken in.
  package var state: (any Orchestration)? { orchestration }

  /// Ids of the activities that the workflow waits for, sorted.
  package var openActivities: [String] { ledger.openActivities }

  /// Processes one workflow task: replays what the history tells of earlier tasks, then runs the open one.
  ///
  /// - Parameters:
  ///   - events: from event 1, or from any event not after the one that follows `lastEventID`.
  ///   - openTask: id of the event that started the task; 0 for a task that carries only a query, which gets no commands.
  ///   - updates: requests that came with the task.
  /// - Returns: what to answer. After an error the run is in no usable state: drop it.
  package mutating func process(
    _ events: [RecordedEvent], openTask: Int64, updates: [UpdateCall] = []
  ) throws(WorkflowEngineError) -> Activation {
    let fresh = Array(try unseen(events))
    let history = try HistoryChunks(fresh, openTask: openTask)
    guard openTask == 0 || history.chunks.last?.started.id == openTask else {
      throw .malformedHistory("the history ends before event \(openTask), which started the task")
    }
    var activation = Activation()
    for chunk in history.chunks {
      let isOpen = chunk.started.id == openTask
      activation = try activate(chunk, updates: isOpen ? chunk.admittedUpdates + updates : chunk.acceptedUpdates)
    }
    guard orchestration != nil else { throw .malformedHistory("no workflow task was ever completed") }
    return openTask == 0 ? Activation() : activation
  }

  /// Replays a whole history and checks that every command event in it is one that this code asks for, including those
  /// that follow the last workflow task.
  package mutating func replay(_ events: [RecordedEvent]) throws(WorkflowEngineError) {
    _ = try process(events, openTask: 0)
    let history = try HistoryChunks(events, openTask: 0)
    for event in history.tail where event.isCausedByCommand { try ledger.match(event) }
    let isCutShort = history.tail.contains { if case .executionCutOff = $0.content { true } else { false } }
    if history.tail.contains(where: { if case .taskCompleted = $0.content { true } else { false } }), !isCutShort {
      try ledger.checkNothingAwaited(before: events.last?.id ?? 0)
    }
  }

  /// The newest events: those after `lastEventID`, which must follow it directly.
  private func unseen(_ events: [RecordedEvent]) throws(WorkflowEngineError) -> ArraySlice<RecordedEvent> {
    let fresh = events.drop { $0.id <= lastEventID }
    var expected = lastEventID + 1
    for event in fresh {
      guard event.id == expected else { throw .historyGap(expected: expected, found: event.id) }
      expected += 1
    }
    return fresh
  }

  /// Takes in one chunk: checks its command events against what the task before it asked for, then hands the workflow
  /// everything that happened, in order.
  private mutating func activate(
    _ chunk: HistoryChunk, updates: [UpdateCall]
  ) throws(WorkflowEngineError) -> Activation {
    var inputs: [Input] = []
    for event in chunk.events {
      if event.isCausedByCommand { try ledger.match(event) }
      if let input = try input(event) { inputs.append(input) }
    }
    try ledger.checkNothingAwaited(before: chunk.started.id)
    context.now = max(context.now, chunk.started.time)
    if case .taskStarted(let suggests, let bytes) = chunk.started.content {
      context.suggestsContinueAsNew = suggests
      context.historyBytes = bytes
    }
    for request in updates {
      let place = inputs.firstIndex { $0.eventID > request.sequencingID } ?? inputs.count
      inputs.insert(Input(eventID: request.sequencingID, kind: .update(request)), at: place)
    }
    var rejections: [(request: UpdateCall, failure: OrchestrationFailure)] = []
    for input in inputs where !isClosed {
      switch input.kind {
      case .event(let event): try deliver(event)
      case .update(let request):
        if let failure = try deliver(request) { rejections.append((request, failure)) }
      }
    }
    lastEventID = chunk.started.id
    return Activation(commands: try ledger.settle(), rejections: rejections, isClosed: isClosed)
  }

  /// Something that the workflow gets to see, and where in the history it stands.
  private struct Input {
    enum Kind {
      case event(OrchestrationEvent)
      case update(UpdateCall)
    }

    var eventID: Int64
    var kind: Kind
  }

  /// What the workflow sees of an event; nil if nothing.
  private mutating func input(_ event: RecordedEvent) throws(WorkflowEngineError) -> Input? {
    var seen: OrchestrationEvent?
    switch event.content {
    case .executionStarted(let start):
      guard orchestration == nil else { throw .malformedHistory("event \(event.id) starts the run again") }
      self.start = start
      orchestration = try registry.make(start)
      context.now = event.time
      seen = .started
    case .activityCompleted(let scheduledID, let result):
      seen = try ledger.close(scheduledID, at: event.id).map { .activityCompleted(id: $0, result: result) }
    case .activityFailed(let scheduledID, let failure):
      seen = try ledger.close(scheduledID, at: event.id).map { .activityFailed(id: $0, failure: failure) }
    case .activityCancelled(let scheduledID):
      seen = try ledger.close(scheduledID, at: event.id).map { .activityCancelled(id: $0) }
    case .timerFired(let startedID):
      seen = try ledger.fire(startedID, at: event.id).map { .timerFired(id: $0) }
    case .signaled(let name, let arguments): seen = .signaled(name: name, arguments: arguments)
    case .cancelRequested(let cause):
      if !cancelWasRequested { seen = .cancelRequested(cause: cause) }
      cancelWasRequested = true
    default: break
    }
    guard orchestration != nil else { throw .malformedHistory("event \(event.id) comes before the start of the run") }
    return seen.map { Input(eventID: event.id, kind: .event($0)) }
  }

  /// Hands one event to the workflow, and at once what its commands already settle (an activity given up).
  private mutating func deliver(_ event: OrchestrationEvent) throws(WorkflowEngineError) {
    var waiting = [event]
    while !waiting.isEmpty, !isClosed {
      let next = waiting.removeFirst()
      let commands = orchestration?.handle(next, in: context) ?? []
      for command in commands { waiting += try take(command) }
    }
  }

  /// Hands an update to the workflow. A refusal is returned and changes nothing.
  private mutating func deliver(_ request: UpdateCall) throws(WorkflowEngineError) -> OrchestrationFailure? {
    guard var changed = orchestration else { return nil }
    switch changed.update(request.name, arguments: request.arguments, in: context) {
    case .rejected(let failure): return failure
    case .completed(let result, let commands):
      orchestration = changed
      ledger.emit(.acceptUpdate(request))
      ledger.emit(.completeUpdate(request, result: result))
      var settled: [OrchestrationEvent] = []
      for command in commands { settled += try take(command) }
      for event in settled where !isClosed { try deliver(event) }
      return nil
    }
  }

  /// Notes one command of the workflow.
  /// - Returns: events that follow from it at once.
  private mutating func take(_ command: OrchestrationCommand) throws(WorkflowEngineError) -> [OrchestrationEvent] {
    switch command {
    case .complete, .fail, .cancel: isClosed = true
    default: break
    }
    return try ledger.take(command)
  }
}
