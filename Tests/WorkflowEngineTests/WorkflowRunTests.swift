import PlainData
import Testing

@testable import WorkflowEngine

@Suite struct WorkflowRunTests {
  static var registry: OrchestrationRegistry {
    var registry = OrchestrationRegistry()
    registry.register(Relay.self)
    return registry
  }

  /// A history in which the relay ran activity `a` and its second task is open.
  static func twoTasks() -> (writer: HistoryWriter, open: Int64) {
    var writer = HistoryWriter()
    writer.start(["a", "b"])
    let first = writer.task()
    writer.completeTask(first)
    let scheduled = writer.add(.activityScheduled(activityID: "a", type: "work"))
    writer.add(.propertiesModified(memoKeys: ["state"]))
    writer.add(.activityStarted)
    writer.add(.activityCompleted(scheduledID: scheduled, result: 1))
    let open = writer.task()
    return (writer, open)
  }

  @Test func firstTaskRunsTheWorkflowAndMemoStandsLast() throws {
    var writer = HistoryWriter()
    writer.start(["a"])
    let started = writer.task()
    var run = WorkflowRun(registry: Self.registry)
    let activation = try run.process(writer.events, openTask: started)
    #expect(activation.commands.map(\.label) == ["schedule activity 'a' of type 'work'", "upsert memo (state)"])
    #expect(run.lastEventID == started)
  }

  @Test func cachedRunGoesOnFromPartialHistoryAsFullReplayDoes() throws {
    let (writer, open) = Self.twoTasks()
    var cached = WorkflowRun(registry: Self.registry)
    _ = try cached.process(Array(writer.events.prefix(3)), openTask: 3)
    let partial = try cached.process(writer.after(3), openTask: open)
    var fresh = WorkflowRun(registry: Self.registry)
    let full = try fresh.process(writer.events, openTask: open)
    #expect(partial.commands == full.commands)
    #expect(partial.commands.map(\.label) == ["schedule activity 'b' of type 'work'"])
    var overlapping = WorkflowRun(registry: Self.registry)
    _ = try overlapping.process(Array(writer.events.prefix(3)), openTask: 3)
    #expect(try overlapping.process(writer.events, openTask: open).commands == full.commands)
  }

  @Test func historyThatStartsTooLateIsAGap() throws {
    let (writer, open) = Self.twoTasks()
    var run = WorkflowRun(registry: Self.registry)
    #expect(throws: WorkflowEngineError.historyGap(expected: 1, found: 4)) {
      try run.process(writer.after(3), openTask: open)
    }
  }

  @Test func historyThatEndsBeforeTheTaskIsRefused() throws {
    let (writer, open) = Self.twoTasks()
    var run = WorkflowRun(registry: Self.registry)
    #expect(throws: WorkflowEngineError.self) { try run.process(Array(writer.events.dropLast()), openTask: open) }
  }

  @Test func failedAndTimedOutTasksAreSteppedOver() throws {
    var writer = HistoryWriter()
    writer.start(["a"])
    let lost = writer.task()
    writer.add(.taskUnsuccessful(startedID: lost))
    writer.add(.signaled(name: "add", arguments: ["b"]))
    let started = writer.task()
    var run = WorkflowRun(registry: Self.registry)
    let activation = try run.process(writer.events, openTask: started)
    #expect(activation.commands.first?.label == "schedule activity 'a' of type 'work'")
    #expect(try run.answer(query: "left", arguments: []).value == 1)
  }

  @Test(arguments: [
    RecordedEvent.Content.activityScheduled(activityID: "z", type: "work"),
    .activityScheduled(activityID: "a", type: "other"),
    .timerStarted(timerID: "a"),
    .foreignCommand("record marker 'x'"),
  ])
  func anotherCommandThanRecordedIsNondeterminism(recorded: RecordedEvent.Content) throws {
    var writer = HistoryWriter()
    writer.start(["a"])
    let first = writer.task()
    writer.completeTask(first)
    writer.add(recorded)
    let open = writer.task()
    var run = WorkflowRun(registry: Self.registry)
    #expect { try run.process(writer.events, openTask: open) } throws: {
      ($0 as? WorkflowEngineError)?.isNondeterminism == true
    }
  }

  @Test func missingAndSurplusCommandEventsAreNondeterminism() throws {
    for surplus in [false, true] {
      var writer = HistoryWriter()
      writer.start(["a"])
      let first = writer.task()
      writer.completeTask(first)
      writer.add(.activityScheduled(activityID: "a", type: "work"))
      if surplus {
        writer.add(.propertiesModified(memoKeys: ["state"]))
        writer.add(.activityScheduled(activityID: "b", type: "work"))
      }
      let open = writer.task()
      var run = WorkflowRun(registry: Self.registry)
      #expect { try run.process(writer.events, openTask: open) } throws: {
        ($0 as? WorkflowEngineError)?.isNondeterminism == true
      }
    }
  }

  @Test func waitingCancellationGoesOnWhenTheActivityHasEnded() throws {
    var writer = HistoryWriter()
    writer.start(["waitForEnd", "a"])
    writer.completeTask(writer.task())
    let scheduled = writer.add(.activityScheduled(activityID: "a", type: "work"))
    writer.add(.propertiesModified(memoKeys: ["state"]))
    writer.add(.cancelRequested(cause: "enough"))
    let second = writer.task()
    var run = WorkflowRun(registry: Self.registry)
    let asked = try run.process(writer.events, openTask: second)
    #expect(asked.commands == [.requestCancelActivity(id: "a", scheduledID: scheduled)])
    #expect(!asked.isClosed)
    writer.completeTask(second)
    writer.add(.activityCancelRequested(scheduledID: scheduled))
    writer.add(.activityCancelled(scheduledID: scheduled))
    let third = writer.task()
    let ended = try run.process(writer.after(second), openTask: third)
    #expect(ended.commands == [.cancel(details: [])])
    #expect(ended.isClosed)
  }

  @Test func tryingCancellationGoesOnAtOnceAndIgnoresTheLateResult() throws {
    var writer = HistoryWriter()
    writer.start(["tryCancel", "a"])
    writer.completeTask(writer.task())
    let scheduled = writer.add(.activityScheduled(activityID: "a", type: "work"))
    writer.add(.propertiesModified(memoKeys: ["state"]))
    writer.add(.cancelRequested(cause: ""))
    let second = writer.task()
    var run = WorkflowRun(registry: Self.registry)
    let activation = try run.process(writer.events, openTask: second)
    #expect(activation.commands == [.requestCancelActivity(id: "a", scheduledID: scheduled), .cancel(details: [])])
  }

  @Test func abandonedActivityCostsNoCommand() throws {
    var writer = HistoryWriter()
    writer.start(["abandon", "a"])
    writer.completeTask(writer.task())
    writer.add(.activityScheduled(activityID: "a", type: "work"))
    writer.add(.propertiesModified(memoKeys: ["state"]))
    writer.add(.cancelRequested(cause: ""))
    let second = writer.task()
    var run = WorkflowRun(registry: Self.registry)
    #expect(try run.process(writer.events, openTask: second).commands == [.cancel(details: [])])
  }

  @Test func activityOrderedAndGivenUpInOneTaskReachesNobody() throws {
    var writer = HistoryWriter()
    writer.start(["a"])
    writer.add(.cancelRequested(cause: ""))
    let started = writer.task()
    var run = WorkflowRun(registry: Self.registry)
    let activation = try run.process(writer.events, openTask: started)
    #expect(activation.commands.map(\.label) == ["upsert memo (state)", "cancel the workflow"])
  }

  @Test func timerIsMatchedAndFires() throws {
    var writer = HistoryWriter()
    writer.start(["timer1"])
    writer.completeTask(writer.task())
    let timer = writer.add(.timerStarted(timerID: "timer1"))
    writer.add(.propertiesModified(memoKeys: ["state"]))
    writer.add(.timerFired(startedID: timer))
    let open = writer.task()
    var run = WorkflowRun(registry: Self.registry)
    #expect(try run.process(writer.events, openTask: open).commands == [.complete(["timer1"])])
  }

  @Test func wholeHistoryReplays() throws {
    var (writer, open) = Self.twoTasks()
    writer.completeTask(open)
    let scheduled = writer.add(.activityScheduled(activityID: "b", type: "work"))
    writer.add(.activityCompleted(scheduledID: scheduled, result: nil))
    writer.completeTask(writer.task())
    writer.add(.executionCompleted)
    var run = WorkflowRun(registry: Self.registry)
    try run.replay(writer.events)
    writer = HistoryWriter()
    writer.start(["a"])
    writer.completeTask(writer.task())
    writer.add(.executionCompleted)
    var other = WorkflowRun(registry: Self.registry)
    #expect(throws: WorkflowEngineError.self) { try other.replay(writer.events) }
  }

  @Test func queryOnlyTaskAnswersFromTheLastCompletedTask() throws {
    var (writer, open) = Self.twoTasks()
    writer.completeTask(open)
    writer.add(.activityScheduled(activityID: "b", type: "work"))
    writer.add(.signaled(name: "add", arguments: ["c"]))
    var run = WorkflowRun(registry: Self.registry)
    #expect(try run.process(writer.events, openTask: 0).commands.isEmpty)
    #expect(run.lastEventID == open)
    #expect(try run.answer(query: "left", arguments: []).value == 0)
    #expect(try run.answer(query: "__stack_trace", arguments: []).value == "waiting for activities: b")
    #expect(throws: QueryRefusal.unknown("nope", known: ["left"])) { try run.answer(query: "nope", arguments: []) }
    let metadata = try run.answer(query: "__temporal_workflow_metadata", arguments: [])
    #expect(metadata.messageType == "temporal.api.sdk.v1.WorkflowMetadata")
    #expect(metadata.value["definition"]?["type"] == "relay")
  }

  @Test func unknownWorkflowTypeFailsTheTaskAndNamesTheKnownOnes() throws {
    var writer = HistoryWriter()
    writer.start([], type: "other")
    let started = writer.task()
    var run = WorkflowRun(registry: Self.registry)
    #expect(throws: WorkflowEngineError.unregisteredWorkflowType("other", known: ["relay"])) {
      try run.process(writer.events, openTask: started)
    }
  }
}

@Suite struct WorkflowUpdateTests {
  @Test func acceptedUpdateTakesTheSamePlaceInReplay() throws {
    var writer = HistoryWriter()
    writer.start(["a"])
    writer.completeTask(writer.task())
    let scheduled = writer.add(.activityScheduled(activityID: "a", type: "work"))
    writer.add(.propertiesModified(memoKeys: ["state"]))
    let second = writer.task()
    let call = UpdateCall(updateID: "u1", sequencingID: second - 1, name: "append", arguments: ["b"])
    var live = WorkflowRun(registry: WorkflowRunTests.registry)
    let activation = try live.process(writer.events, openTask: second, updates: [call])
    #expect(activation.commands == [.acceptUpdate(call), .completeUpdate(call, result: 1)])
    writer.completeTask(second)
    writer.add(.updateAccepted(updateID: "u1", sequencingID: second - 1, call: call))
    writer.add(.updateCompleted(updateID: "u1"))
    writer.add(.activityCompleted(scheduledID: scheduled, result: 1))
    let third = writer.task()
    let cached = try live.process(writer.after(second), openTask: third)
    var fresh = WorkflowRun(registry: WorkflowRunTests.registry)
    let full = try fresh.process(writer.events, openTask: third)
    #expect(cached.commands.map(\.label) == ["schedule activity 'b' of type 'work'"])
    #expect(full.commands == cached.commands)
  }

  @Test func refusedUpdateChangesNothing() throws {
    var writer = HistoryWriter()
    writer.start(["a"])
    let first = writer.task()
    let call = UpdateCall(updateID: "u1", sequencingID: first - 1, name: "nope")
    var run = WorkflowRun(registry: WorkflowRunTests.registry)
    let activation = try run.process(writer.events, openTask: first, updates: [call])
    #expect(activation.rejections.map(\.failure.type) == ["UnknownUpdate"])
    #expect(activation.commands.count == 2)
  }
}
