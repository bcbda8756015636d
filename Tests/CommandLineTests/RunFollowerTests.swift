import OrderedCollections
import PlainData
import TemporalClient
import TemporalMessages
import Testing

@testable import sallyport

/// Events of a `dbt_run`'s history.
private struct HistoryScript {
  private(set) var events: [HistoryEvent] = []
  private let payloads = PayloadConverter()

  mutating func add(_ attributes: HistoryEvent.Attributes) -> Int64 {
    var event = HistoryEvent()
    event.eventID = Int64(events.count + 1)
    event.attributes = attributes
    events.append(event)
    return event.eventID
  }

  mutating func schedule(_ type: String, _ id: String) -> Int64 {
    add(
      .activityTaskScheduledEventAttributes(
        .with {
          $0.activityID = id
          $0.activityType = .with { $0.name = type }
        }))
  }

  mutating func complete(_ scheduled: Int64, _ result: PlainValue) throws {
    let result = try payloads.payloads([result])
    _ = add(
      .activityTaskCompletedEventAttributes(
        .with {
          $0.scheduledEventID = scheduled
          $0.result = result
        }))
  }

  mutating func fail(_ scheduled: Int64, _ failure: TemporalFailure) throws {
    let failure = try FailureConverter().proto(failure)
    _ = add(
      .activityTaskFailedEventAttributes(
        .with {
          $0.scheduledEventID = scheduled
          $0.failure = failure
        }))
  }

  mutating func end(_ failure: TemporalFailure) throws {
    let failure = try FailureConverter().proto(failure)
    _ = add(.workflowExecutionFailedEventAttributes(.with { $0.failure = failure }))
  }

  mutating func end(_ result: PlainValue) throws {
    let result = try payloads.payloads([result])
    _ = add(.workflowExecutionCompletedEventAttributes(.with { $0.result = result }))
  }

  var news: [RunNews] {
    var follower = RunFollower()
    return events.flatMap { follower.absorb($0) }
  }
}

@Suite struct RunFollowerTests {
  @Test func aRunIsToldFromItsHistory() throws {
    var script = HistoryScript()
    _ = script.add(.workflowTaskStartedEventAttributes(WorkflowTaskStartedEventAttributes()))
    let plan = script.schedule("plan_project", "plan_project")
    try script.complete(plan, ["project": "harbor", "nodes": ["model.a": [:], "model.b": [:]]])
    _ = script.schedule("run_project_hooks", "on_run_start")
    _ = script.add(.workflowTaskStartedEventAttributes(WorkflowTaskStartedEventAttributes()))
    let a = script.schedule("execute_node", "model:a")
    let b = script.schedule("execute_node", "model:b")
    try script.complete(
      b, ["unique_id": "model.b", "status": "success", "message": "SELECT 3", "execution_time": 0.25])
    try script.fail(
      a,
      TemporalFailure(
        "activity error", kind: .activity(ActivityFailureInfo()),
        cause: .application(
          "compilation error: boom", type: "Compilation",
          details: [["unique_id": "model.a", "message": "boom", "execution_time": 1]])))
    try script.end(.application("dbt run failed", type: "RunFailed", details: [["success": false]]))
    let first = RunNode(label: "model:a", number: 1)
    let second = RunNode(label: "model:b", number: 2)
    #expect(
      script.news == [
        .taken, .planned(nodes: 2, project: "harbor"), .step("on_run_start"), .started(first), .started(second),
        .ended(second, NodeEnd(status: "success", message: "SELECT 3", seconds: 0.25)),
        .ended(first, NodeEnd(status: "error", message: "boom", seconds: 1)),
        .finished(RunEnd(outcome: .failed, message: "dbt run failed", output: ["success": false])),
      ])
  }

  @Test func aFailureWithoutDetailsIsToldByItsRoot() throws {
    var script = HistoryScript()
    let a = script.schedule("execute_node", "model:a")
    try script.fail(
      a,
      TemporalFailure(
        "activity error", kind: .activity(ActivityFailureInfo()),
        cause: TemporalFailure("heartbeat timeout", kind: .timeout(.heartbeat, lastHeartbeatDetails: []))))
    #expect(
      script.news.last
        == .ended(
          RunNode(label: "model:a", number: 1), NodeEnd(status: "error", message: "heartbeat timeout", seconds: 0)))
  }

  @Test func unknownActivitiesAndForeignPayloadsAreNoTrouble() throws {
    var script = HistoryScript()
    _ = script.add(.activityTaskCompletedEventAttributes(.with { $0.scheduledEventID = 99 }))
    let plan = script.schedule("plan_project", "plan_project")
    _ = script.add(
      .activityTaskCompletedEventAttributes(
        .with {
          $0.scheduledEventID = plan
          $0.result = .with { $0.payloads = [.with { $0.data = [1, 2] }] }
        }))
    #expect(script.news == [.planned(nodes: 0, project: "")])
  }
}

@Suite struct RunPrinterTests {
  private func printer(live: Bool = false, colour: Bool = false) -> RunPrinter {
    RunPrinter(style: .init(isLive: live, hasColour: colour, width: 60)) { "12:00:00" }
  }

  private let a = RunNode(label: "model:a", number: 1)
  private let b = RunNode(label: "model:b", number: 2)

  @Test func aLogIsPlainLines() {
    var printer = printer()
    var text = ""
    let end = RunEnd(
      outcome: .failed, message: "dbt run failed: 1 node(s) errored",
      output: [
        "node_results": [
          ["unique_id": "model.a", "status": "success"], ["unique_id": "model.b", "status": "error"],
          ["unique_id": "model.c", "status": "skipped", "message": "skipped: upstream dependency failed"],
        ]
      ])
    for news: RunNews in [
      .taken, .planned(nodes: 3, project: "harbor"), .step("on_run_start"), .started(a), .started(b),
      .ended(a, NodeEnd(status: "success", message: "SELECT 3", seconds: 0.256)),
      .ended(b, NodeEnd(status: "error", message: "column \"x\" does not exist\nLINE 1", seconds: 1)), .finished(end),
    ] {
      text += printer.show(news, elapsed: .milliseconds(2500))
    }
    #expect(
      text == """
        12:00:00  Planned 3 nodes of harbor
        12:00:00  Running on_run_start
        12:00:00  1 of 3 START model:a
        12:00:00  2 of 3 START model:b
        12:00:00  1 of 3 OK    model:a [SELECT 3 in 0.26s]
        12:00:00  2 of 3 ERROR model:b [1.00s] column "x" does not exist
        12:00:00  SKIP  model.c (skipped: upstream dependency failed)

        Failure in model:b
          column "x" does not exist
          LINE 1

        12:00:00  Run failed. PASS=1 ERROR=1 SKIP=1 CANCELLED=0 TOTAL=3 in 2.50s

        """)
  }

  @Test func aTerminalHasOneLineThatIsRedrawn() {
    var printer = printer(live: true)
    _ = printer.show(.planned(nodes: 2, project: ""), elapsed: .zero)
    #expect(printer.show(.started(a), elapsed: .seconds(1)) == "\r\u{1B}[K0/2 running model:a 1.00s")
    #expect(
      printer.show(.ended(a, NodeEnd(status: "success", message: "", seconds: 1)), elapsed: .seconds(2))
        == "\r\u{1B}[K12:00:00  1 of 2 OK    model:a [in 1.00s]\n1/2 waiting 2.00s")
    #expect(printer.clear() == "\r\u{1B}[K" && printer.clear() == "")
  }

  @Test func theBottomLineNeverWraps() {
    var printer = printer(live: true)
    for number in 1...20 {
      let text = printer.show(
        .started(RunNode(label: "model:long_name_\(number)", number: number)), elapsed: .seconds(9))
      #expect(text.split(separator: "\u{1B}[K").last?.count ?? 0 <= 60)
    }
  }

  @Test func messagesCannotDriveTheTerminal() {
    var printer = printer(live: true)
    let evil = "x\u{1B}[2J\u{7}"
    let text =
      printer.show(.ended(a, NodeEnd(status: "error", message: evil, seconds: 0)), elapsed: .zero)
      + printer.show(.finished(RunEnd(outcome: .failed, message: evil, output: .null)), elapsed: .zero)
    #expect(!text.contains("\u{1B}[2J") && !text.contains("\u{7}"))
  }
}
