import DBTContext
import OrderedCollections
import PlainData
import Testing

@testable import DBTEngine

@Suite struct CommonTableExpressionTests {
  private let one = [CommonTableExpressions.Expression(uniqueID: "model.p.e", name: "__dbt__cte__e", code: "select 1")]

  @Test(arguments: [
    ("select * from __dbt__cte__e", "with __dbt__cte__e as (\nselect 1\n) select * from __dbt__cte__e"),
    ("\n\nselect 2", "\n\nwith __dbt__cte__e as (\nselect 1\n) select 2"),
    ("with x as (select 1) select * from x", "with  __dbt__cte__e as (\nselect 1\n), x as (select 1) select * from x"),
    ("-- hi\nWITH x as (select 1) select 1", "-- hi\nWITH  __dbt__cte__e as (\nselect 1\n), x as (select 1) select 1"),
    (
      "/* with /* nested */ */ with recursive x as (select 1) select 1",
      "/* with /* nested */ */ with recursive  __dbt__cte__e as (\nselect 1\n), x as (select 1) select 1"
    ),
    ("withdrawn", "with __dbt__cte__e as (\nselect 1\n) withdrawn"),
  ])
  func putsExpressionsInFront(sql: String, expected: String) {
    #expect(CommonTableExpressions.injected(into: sql, one) == expected)
  }

  @Test func leavesCodeWithoutExpressionsAlone() {
    #expect(CommonTableExpressions.injected(into: " select 1", []) == " select 1")
  }
}

@Suite struct StatementTextTests {
  @Test func fillsPlaceholders() {
    #expect(Placeholders.filled("values (%s, %s), ('5%%')", ["'a%s'", "NULL"]) == "values ('a%s', NULL), ('5%')")
    #expect(Placeholders.filled("like '%x%'", []) == "like '%x%'")
  }

  @Test func putsTheCommentWhereItBelongs() {
    let standard = QueryComment.standard(
      version: "1.12.6", profile: "p", target: "t", nodeID: "model.x.y", connectionName: "model.x.y")
    #expect(
      standard.added(to: "select 1")
        == "/* {\"app\": \"dbt\", \"dbt_version\": \"1.12.6\", \"profile_name\": \"p\", \"target_name\": \"t\", \"node_id\": \"model.x.y\"} */\nselect 1"
    )
    #expect(QueryComment(text: "c", isAppended: true).added(to: "select 1;\n") == "select 1\n/* c */;")
    #expect(QueryComment(text: "c", isAppended: true).added(to: "select 1") == "select 1\n/* c */")
    #expect(QueryComment(text: nil).added(to: "select 1") == "select 1")
  }

  @Test func printsSeconds() {
    #expect(Seconds.text(0.4849) == "0.48")
    #expect(Seconds.text(61.005) == "61.01" || Seconds.text(61.005) == "61.00")
    #expect(Seconds.text(-1.5) == "-1.50")
  }

  @Test func readsAndWritesTimes() {
    let time = UTCTime(1_795_304_194.770183)
    #expect(time.iso.hasPrefix("2026-11-21T23:36:34.77018"))
    #expect(time.clock == "23:36:34")
    #expect(UTCTime(iso: time.iso).map { abs($0.seconds - time.seconds) < 0.00001 } == true)
    #expect(UTCTime(951_782_400).date == "2000-02-29")
    #expect(UTCTime(iso: "2026-13-01T00:00:00Z") == nil)
  }
}

@Suite struct RelationCacheTests {
  private func relation(_ name: String, _ type: RelationType? = .table) throws -> Relation {
    try Relation(RelationPath(database: "db", schema: "s", identifier: name), type: type)
  }

  @Test func dropsWhatReadsTheRelationToo() throws {
    let cache = RelationCache()
    for name in ["a", "b", "c", "d"] { cache.add(try relation(name)) }
    cache.addLink(from: try relation("b"), to: try relation("a"))
    cache.addLink(from: try relation("c"), to: try relation("b"))
    cache.drop(RelationKey("DB", "S", "A"))
    #expect(cache.relations(database: "db", schema: "s").map(\.identifier) == ["d"])
  }

  @Test func keepsLinksAndTypeThroughARename() throws {
    let cache = RelationCache()
    cache.add(try relation("t"))
    cache.add(try relation("v", .view))
    cache.addLink(from: try relation("v"), to: try relation("t"))
    #expect(cache.rename(RelationKey("db", "s", "t"), to: try relation("t__dbt_backup", .view)))
    #expect(cache.relations(database: "db", schema: "s").first?.type == .table)
    cache.drop(RelationKey("db", "s", "t__dbt_backup"))
    #expect(cache.relations(database: "db", schema: "s").isEmpty)
  }

  @Test func refusesToRenameOverAnother() throws {
    let cache = RelationCache()
    cache.add(try relation("a"))
    cache.add(try relation("b"))
    #expect(!cache.rename(RelationKey("db", "s", "a"), to: try relation("b")))
  }

  @Test func knowsListedSchemasOnly() {
    let cache = RelationCache()
    #expect(!cache.knows(database: "db", schema: "s"))
    cache.addSchema(database: "DB", schema: "S")
    #expect(cache.knows(database: "db", schema: "s"))
  }
}

@Suite struct NodeQueueTests {
  private func plan(_ command: RunCommand, _ nodes: [(String, [String])]) -> RunPlan {
    RunPlan(
      command: command, projectName: "p", targetName: "t", threads: 1,
      nodes: nodes.map { name, parents in
        RunPlanNode(
          uniqueID: name, name: name, resourceType: "model", materialized: "view", parents: parents,
          continuesOnError: false, isEphemeral: name.hasPrefix("e"))
      }, hasOnRunStart: false, hasOnRunEnd: false, warnings: [])
  }

  @Test func startsNodesWhenTheirOwnParentsAreDone() {
    var queue = NodeQueue(plan(.run, [("a", []), ("b", ["a"]), ("c", []), ("d", ["b", "c"])]))
    #expect(queue.next()?.index == 0)
    #expect(queue.next()?.index == 2)
    #expect(queue.next() == nil)
    queue.finish(0, .success)
    #expect(queue.next()?.index == 1)
    queue.finish(2, .success)
    #expect(queue.next() == nil)
    queue.finish(1, .success)
    #expect(queue.next()?.index == 3)
    queue.finish(3, .success)
    #expect(queue.isFinished)
  }

  /// dbt hands over what becomes ready at once, and a model's unit tests with the model.
  @Test func oneThreadTakesWhatIsReadyFirst() {
    var plan = plan(
      .build, [("y", ["b"]), ("b", []), ("a", []), ("z", ["a"]), ("unit", []), ("m", ["unit"]), ("n", [])])
    plan.nodes[4].resourceType = "unit_test"
    var queue = NodeQueue(plan.inSerialOrder)
    var order: [String] = []
    while let entry = queue.next() {
      order.append(queue.nodes[entry.index].uniqueID)
      queue.finish(entry.index, .success)
    }
    #expect(order == ["a", "b", "unit", "m", "n", "z", "y"])
  }

  @Test func dooms_what_depends_on_a_failure() {
    var queue = NodeQueue(plan(.run, [("a", []), ("b", ["a"]), ("c", ["b"])]))
    _ = queue.next()
    queue.finish(0, .error)
    #expect(queue.next()?.skip == NodeQueue.Skip(ephemeral: nil, status: .error))
    queue.finish(1, .skipped)
    #expect(queue.next()?.skip != nil)
  }

  @Test func aFailedTestDoomsInBuildOnly() {
    for (command, isDoomed) in [(RunCommand.build, true), (.run, false)] {
      var queue = NodeQueue(plan(command, [("a", []), ("b", ["a"])]))
      _ = queue.next()
      queue.finish(0, .fail)
      #expect((queue.next()?.skip != nil) == isDoomed)
    }
  }

  @Test func namesTheEphemeralModelThatFailed() {
    var queue = NodeQueue(plan(.run, [("e", []), ("b", ["e"])]))
    _ = queue.next()
    queue.finish(0, .error)
    #expect(queue.next()?.skip?.ephemeral == "e")
  }
}

@Suite struct ResultLineTests {
  private let model = NodeLabel(
    uniqueID: "model.an.t", resourceType: "model", name: "t", schema: "an", alias: "t", materialized: "table",
    language: "sql", path: "models/t.sql")

  @Test func fillsLinesToEightyColumns() {
    #expect(
      ResultLines.started(model, index: 1, total: 5)
        == "1 of 5 START sql table model an.t .............................................. [RUN]")
    var result = NodeResult(uniqueID: "model.an.t", status: .success)
    result.message = "SELECT 3"
    result.executionTime = 0.49
    #expect(ResultLines.finished(model, result, index: 1, total: 5).hasSuffix(" [SELECT 3 in 0.49s]"))
    #expect(ResultLines.skipped(model, index: 2, total: 5).hasPrefix("2 of 5 SKIP relation an.t ...."))
  }

  @Test func sumsUp() {
    var summary = RunSummary()
    var failed = NodeResult(uniqueID: "model.an.t", status: .error)
    failed.message = "Database Error in model t (models/t.sql)\n  no such table"
    summary.results = [failed, NodeResult(uniqueID: "model.an.u", status: .skipped)]
    summary.elapsed = 0.861
    let labels = ["model.an.t": model]
    #expect(
      summary.finishedLine(labels)
        == "Finished running 1 table model in 0 hours 0 minutes and 0.86 seconds (0.86s).")
    let lines = summary.endLines(labels)
    #expect(lines[1] == "Completed with 1 error, 0 partial successes, and 0 warnings:")
    #expect(lines.contains("[ERROR]: in model t (models/t.sql)"))
    #expect(lines.last == "Done. PASS=0 WARN=0 ERROR=1 SKIP=1 NO-OP=0 REUSED=0 TOTAL=2")
    #expect(summary.exitCode == 1)
  }

  @Test func countsWithNouns() {
    #expect(Counted.text(1, "analysis") == "1 analysis")
    #expect(Counted.text(2, "analysis") == "2 analyses")
    #expect(Counted.text(19, "test") == "19 data tests")
    #expect(Counted.text(2, "saved_query") == "2 saved queries")
  }

  @Test func resultsTravelAsPlainData() {
    var result = NodeResult(uniqueID: "test.p.x", status: .fail)
    result.failures = 3
    result.message = "Got 3 results, configured to fail if != 0"
    result.timing = [NodeTiming(name: "compile", startedAt: 1_700_000_000, completedAt: 1_700_000_001.5)]
    result.adapterResponse = ["_message": "SELECT 1", "rows_affected": 1]
    result.isTransient = true
    result.errorKind = .database
    let copy = NodeResult(plain: result.plain)
    #expect(copy == result)
    #expect(NodeResult(plain: ["unique_id": "x"]) == nil)
  }
}

@Suite struct CancellationTests {
  @Test func runsInterruptsOnce() {
    let cancellation = Cancellation()
    let calls = Monitor(0)
    let kept = cancellation.onCancel { calls.withLock { $0 += 1 } }
    let removed = cancellation.onCancel { calls.withLock { $0 += 10 } }
    cancellation.remove(removed)
    cancellation.cancel()
    cancellation.cancel()
    _ = cancellation.onCancel { calls.withLock { $0 += 100 } }
    #expect(calls.withLock { $0 } == 101)
    #expect(throws: EngineError.self) { try cancellation.check() }
    cancellation.remove(kept)
  }
}
