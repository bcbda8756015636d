import Foundation
import TemporalMessages
import Testing
import WorkflowEngine

@testable import Worker

/// Histories that a real server recorded (protocol messages `temporal.api.history.v1.History`, as on the wire) must replay:
/// a change of `dbt_run` that breaks one would break runs under way. `SALLYPORT_RECORD_HISTORIES=1` records them anew.
@Suite struct StoredHistoryTests {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Histories/dbt_run")

  static func events(_ name: String) throws -> [HistoryEvent] {
    let bytes = try Data(contentsOf: folder.appendingPathComponent(name + ".history"))
    return try History(wire: Array(bytes)).events
  }

  @Test(arguments: ["succeeded", "failed", "retried", "cancelled", "worker-lost", "updated"])
  func storedHistoryReplays(name: String) throws {
    let events = try RecordedEvent.read(try Self.events(name), runID: "recorded")
    var run = WorkflowRun(registry: DBTRunServerTests.registry)
    try run.replay(events)
    #expect(run.isClosed)
  }

  @Test(arguments: ["succeeded", "failed", "retried", "cancelled", "worker-lost", "updated"])
  func everyPrefixUpToATaskReplaysAndStepsGiveTheSame(name: String) throws {
    let events = try RecordedEvent.read(try Self.events(name), runID: "recorded")
    let chunks = try HistoryChunks(events, openTask: 0).chunks
    var stepwise = WorkflowRun(registry: DBTRunServerTests.registry)
    for chunk in chunks {
      let started = chunk.started.id
      let prefix = events.filter { $0.id <= started }
      var whole = WorkflowRun(registry: DBTRunServerTests.registry)
      let full = try whole.process(prefix, openTask: started, updates: chunk.acceptedUpdates)
      let step = try stepwise.process(prefix, openTask: started, updates: chunk.acceptedUpdates)
      #expect(full.commands == step.commands)
    }
  }

  @Test func changedActivityIsNoticed() throws {
    var events = try Self.events("succeeded")
    for (index, event) in events.enumerated() {
      guard case .activityTaskScheduledEventAttributes(var activity) = event.attributes,
        activity.activityID == "model:b"
      else { continue }
      activity.activityID = "model:z"
      events[index].attributes = .activityTaskScheduledEventAttributes(activity)
    }
    let changed = try RecordedEvent.read(events, runID: "recorded")
    var run = WorkflowRun(registry: DBTRunServerTests.registry)
    #expect { try run.replay(changed) } throws: { ($0 as? WorkflowEngineError)?.isNondeterminism == true }
  }
}
