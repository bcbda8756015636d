/// The stretch of history that one workflow task took in: it ends at the event that started the task.
package struct HistoryChunk: Sendable, Equatable {
  /// In order, without the starting event itself.
  package var events: [RecordedEvent]
  package var started: RecordedEvent
  /// Updates that this task accepted, known by looking ahead to the events after it; empty for a task still open.
  package var acceptedUpdates: [UpdateCall]

  /// Requests that stand in the history itself, as they do after a reset.
  var admittedUpdates: [UpdateCall] {
    events.compactMap { if case .updateAdmitted(let request) = $0.content { request } else { nil } }
  }
}

/// A history, or its newest part, cut into what each workflow task saw.
package struct HistoryChunks: Sendable, Equatable {
  package var chunks: [HistoryChunk] = []
  /// The events after the last task that counts.
  package var tail: [RecordedEvent] = []

  /// Cuts events at each started workflow task that was completed, and at the open one.
  ///
  /// A task that failed or timed out is stepped over: what it saw belongs to the next one. Events that stand between a task's
  /// scheduling and its start belong to it too.
  /// - Parameters:
  ///   - events: without gaps, in order; may begin anywhere.
  ///   - openTask: id of the event that started the task to be answered now; 0 when there is none (a query alone).
  package init(_ events: [RecordedEvent], openTask: Int64) throws(WorkflowEngineError) {
    var completed: Set<Int64> = []
    for event in events {
      if case .taskCompleted(let startedID) = event.content { completed.insert(startedID) }
    }
    var admitted: [String: UpdateCall] = [:]
    var current: [RecordedEvent] = []
    for event in events {
      if case .updateAdmitted(let request) = event.content { admitted[request.updateID] = request }
      guard case .taskStarted = event.content, completed.contains(event.id) || event.id == openTask else {
        current.append(event)
        continue
      }
      chunks.append(HistoryChunk(events: current, started: event, acceptedUpdates: []))
      current = []
      if event.id == openTask { break }
    }
    tail = current
    try assignUpdates(admitted)
  }

  /// Gives each accepted update to the chunk whose task accepted it: the one before the accepting event.
  private mutating func assignUpdates(_ admitted: [String: UpdateCall]) throws(WorkflowEngineError) {
    for index in chunks.indices {
      let following = index + 1 < chunks.count ? chunks[index + 1].events : tail
      for event in following {
        guard case .updateAccepted(let updateID, let sequencingID, let request) = event.content else { continue }
        guard var found = request ?? admitted[updateID] else {
          throw .malformedHistory("event \(event.id) accepts update '\(updateID)', whose request is nowhere")
        }
        found.sequencingID = sequencingID
        chunks[index].acceptedUpdates.append(found)
      }
    }
  }
}
