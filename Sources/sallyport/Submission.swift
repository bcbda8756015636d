import Glibc
import Observability
import PlainData
import Synchronization
import TemporalClient
import TemporalMessages
import Worker

/// One run, from its start on the scheduler to its end, shown as it goes.
struct Submission: Sendable {
  /// dbt's command, such as `build`.
  let command: String
  /// The workflow's argument.
  let input: PlainValue
  /// The id under which the run is started.
  let workflowID: String
  /// Start only.
  let isDetached: Bool

  /// How long to try to reach the scheduler: long enough for one that is being restarted.
  private static let connectPatience: Duration = .seconds(6)

  /// How long a run may wait for a worker before the user is told that none polls.
  private static let workerPatience: Duration = .seconds(5)

  /// An id for a run that was given none: readable, and unique by chance.
  static func newID(_ command: String) -> String { "dbt-\(command)-\(UniqueID.random().prefix(8))" }

  /// Starts the run and follows it; answers the exit code.
  func run(on session: SchedulerSession) async -> Int32 {
    let started: StartedWorkflow
    switch await startInTime(session) {
    case .success(let run): started = run
    case .failure(let fault):
      Terminal.complain("sallyport: cannot start the run\n  \(fault.text)")
      return 2
    }
    let id = started.execution.workflowID
    if isDetached {
      Terminal.write("\(id)\n")
      Terminal.complain("started dbt \(command): run \(started.execution.runID)")
      return 0
    }
    let screen = Screen(
      style: RunPrinter.Style(isLive: Terminal.isInteractive, hasColour: Terminal.hasColour, width: Terminal.width))
    let queue = session.configuration.taskQueue
    screen.note("Started dbt \(command) as workflow \(id) on task queue \(queue)")
    return await follow(started.execution, session, screen)
  }

  /// Why a run was not started.
  private struct StartFault: Error {
    let text: String
  }

  /// Starts the run, or gives up when the scheduler cannot be reached for `connectPatience`.
  private func startInTime(_ session: SchedulerSession) async -> Result<StartedWorkflow, StartFault> {
    await withTaskGroup(of: Result<StartedWorkflow, StartFault>?.self) { group in
      group.addTask {
        do throws(ServiceError) {
          return .success(try await self.start(session))
        } catch {
          return .failure(StartFault(text: self.describe(error, session)))
        }
      }
      group.addTask {
        guard (try? await Task.sleep(for: Submission.connectPatience)) != nil,
          let fault = session.connectionFault
        else { return nil }
        return .failure(StartFault(text: session.explain(connectionFault: fault)))
      }
      for await result in group {
        guard let result else { continue }
        group.cancelAll()
        return result
      }
      return .failure(StartFault(text: "the attempt was cancelled"))
    }
  }

  private func start(_ session: SchedulerSession) async throws(ServiceError) -> StartedWorkflow {
    var start = WorkflowStart(
      workflowID: workflowID, type: DBTRun.workflowType, taskQueue: session.configuration.taskQueue)
    start.input = [input]
    let select = input["select"]?.stringValue.map { " --select \($0)" } ?? ""
    start.summary = String("dbt \(command)\(select)".prefix(200))
    return try await session.client.start(start)
  }

  private func describe(_ error: ServiceError, _ session: SchedulerSession) -> String {
    if case .workflowExecutionAlreadyStarted = error.detail {
      return "a run with the id '\(workflowID)' is going on already: choose another --workflow-id, or wait for its end"
    }
    return session.explain(error)
  }

  // MARK: Following

  private func follow(_ execution: WorkflowExecution, _ session: SchedulerSession, _ screen: Screen) async -> Int32 {
    listenForInterrupts(execution, session, screen)
    return await withTaskGroup(of: Int32?.self) { group in
      group.addTask { await self.readHistory(execution, session, screen) }
      group.addTask {
        await self.tick(session, screen)
        return nil
      }
      for await code in group {
        guard let code else { continue }
        group.cancelAll()
        return code
      }
      return 2
    }
  }

  /// Reads the history until the run's end.
  private func readHistory(
    _ execution: WorkflowExecution, _ session: SchedulerSession, _ screen: Screen
  ) async -> Int32 {
    var follower = RunFollower(payloads: session.client.payloads)
    var request = GetWorkflowExecutionHistoryRequest()
    request.execution = execution
    request.waitNewEvent = true
    request.skipArchival = true
    var lastEventID: Int64 = 0
    while true {
      let page: GetWorkflowExecutionHistoryResponse
      do {
        page = try await session.client.service.getWorkflowExecutionHistory(
          request, options: CallOptions(retry: .follow))
      } catch {
        screen.clear()
        Terminal.complain(
          "sallyport: lost sight of workflow \(workflowID), which may go on\n  \(session.explain(error))")
        return 2
      }
      // Without a token the next call begins anew: events that are known already are passed over.
      request.nextPageToken = page.nextPageToken
      for event in page.history?.events ?? [] where event.eventID > lastEventID {
        lastEventID = event.eventID
        for news in follower.absorb(event) {
          screen.show(news)
          if case .finished(let end) = news { return end.outcome == .succeeded ? 0 : 1 }
        }
        if case .workflowExecutionContinuedAsNewEventAttributes(let next)? = event.attributes {
          request.execution?.runID = next.newExecutionRunID
          request.nextPageToken = []
          lastEventID = 0
          break
        }
      }
    }
  }

  /// Redraws the time, and says so when no worker takes the run.
  private func tick(_ session: SchedulerSession, _ screen: Screen) async {
    var isPatient = true
    while (try? await Task.sleep(for: .milliseconds(500))) != nil {
      screen.refresh()
      guard isPatient, !screen.isTaken, screen.elapsed > Submission.workerPatience else { continue }
      isPatient = false
      guard await session.pollerCount() == 0 else { continue }
      let configuration = session.configuration
      screen.note(
        "No worker polls task queue '\(configuration.taskQueue)' in namespace '\(configuration.namespace)': "
          + "start one, or compare TEMPORAL_TASK_QUEUE and TEMPORAL_NAMESPACE on both sides")
    }
  }

  /// The first Ctrl-C cancels the run, the second leaves it alone.
  private func listenForInterrupts(_ execution: WorkflowExecution, _ session: SchedulerSession, _ screen: Screen) {
    let id = workflowID
    try? SignalWatcher.start([SIGINT, SIGTERM]) { _, count in
      if count > 1 {
        screen.clear()
        Terminal.complain("sallyport: left workflow \(id) to itself")
        _exit(130)
      }
      screen.note("Asking the run to cancel; press Ctrl-C again to leave it alone")
      Task {
        do throws(ServiceError) {
          try await session.client.cancel(execution, reason: "interrupted at the terminal that submitted it")
        } catch {
          screen.note("The run could not be asked to cancel: \(session.explain(error))")
        }
      }
    }
  }
}

/// The terminal, shared by those who have something to show.
final class Screen: Sendable {
  private struct State {
    var printer: RunPrinter
    var isTaken = false
  }

  private let state: Mutex<State>
  private let start = ContinuousClock.now

  /// Nothing is drawn yet.
  init(style: RunPrinter.Style) { state = Mutex(State(printer: RunPrinter(style: style))) }

  /// Time since the start.
  var elapsed: Duration { start.duration(to: .now) }

  /// Whether a worker has taken the run.
  var isTaken: Bool { state.withLock { $0.isTaken } }

  /// Shows news of the run.
  func show(_ news: RunNews) {
    state.withLock { state in
      if news == .taken { state.isTaken = true }
      Terminal.write(state.printer.show(news, elapsed: elapsed))
    }
  }

  /// Shows a line of the client's own.
  func note(_ text: String) {
    state.withLock { Terminal.write($0.printer.note(text, elapsed: elapsed)) }
  }

  /// Redraws the bottom line, for its clock.
  func refresh() {
    state.withLock { Terminal.write($0.printer.refresh(elapsed: elapsed)) }
  }

  /// Takes the bottom line away.
  func clear() {
    state.withLock { Terminal.write($0.printer.clear()) }
  }
}
