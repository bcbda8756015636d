import DBTContext
import DBTEngine
import Foundation
import OrderedCollections
import PlainData
import PostgresClient
import TestSupport
import Testing

/// The engine on a real server, with dbt's own macros.
@Suite struct EngineRunTests {
  private let shop = [
    "seeds/goods.csv": "id,name,price\n1,rope,2.50\n2,tar,1\n",
    "models/prices.sql": "{{ config(materialized='table') }}\nselect id, price from {{ ref('goods') }}\n",
    "models/cheap.sql": "select * from {{ ref('prices') }} where price < 2\n",
    "models/all.yml": """
    models:
      - name: prices
        columns: [{name: id, data_tests: [unique, not_null]}]
    """,
  ]

  @Test func buildsSeedsModelsAndTests() throws {
    let fixture = try ProjectFixture(shop)
    let summary = try fixture.run(.build)
    #expect(summary.isSuccess, "\(fixture.lines.text)")
    #expect(summary.counts == "Done. PASS=5 WARN=0 ERROR=0 SKIP=0 NO-OP=0 REUSED=0 TOTAL=5")
    #expect(try fixture.connect().query("select id from bench.cheap").rows == [[.int(2)]])
    let written = try PlainValue(
      json: [UInt8](Data(contentsOf: URL(fileURLWithPath: fixture.folder + "/target/run_results.json"))))
    #expect(written["results"]?.arrayValue?.count == 5)
  }

  /// As workers do: each node in a run context of its own, nothing prepared, nothing shared but the database.
  @Test func runsSingleNodesOfAPlanMadeElsewhere() throws {
    let fixture = try ProjectFixture(shop)
    for _ in 0..<2 {
      let plan = try fixture.open().plan(RunRequest(.build))
      var done: Set<String> = []
      while done.count < plan.nodes.count {
        let engine = try fixture.open()
        guard let next = plan.nodes.first(where: { !done.contains($0.uniqueID) && done.isSuperset(of: $0.parents) })
        else {
          Issue.record("no node is ready")
          return
        }
        let result = engine.execute(next.uniqueID, in: engine.begin(RunRequest(.build)), cancellation: Cancellation())
        #expect(!result.status.isFailure, "\(result.message ?? "")")
        done.insert(next.uniqueID)
      }
    }
    #expect(try fixture.connect().query("select count(*) from bench.prices").rows == [[.int(2)]])
  }

  @Test func reportsSQLErrorsAsDBTDoesAndSkipsWhatDependsOnThem() throws {
    var files = shop
    files["models/prices.sql"] = "select id, price,\n  nowhere from {{ ref('goods') }}\n"
    let fixture = try ProjectFixture(files)
    let summary = try fixture.run(.build)
    #expect(summary.exitCode == 1)
    let failed = summary.results.first { $0.status == .error }
    #expect(
      failed?.message
        == """
        Database Error in model prices (models/prices.sql)
          column "nowhere" does not exist
          LINE 8:   nowhere from "\(fixture.database)"."bench"."goods"
                    ^
          compiled code at target/run/shop/models/prices.sql
        """)
    #expect(failed?.errorKind == .database)
    #expect(failed?.isTransient == false)
    #expect(summary.results.count { $0.status == .skipped } == 3)
  }

  @Test func cancellingStopsTheStatementInTheServer() throws {
    let fixture = try ProjectFixture([
      "models/slow.sql": "{{ config(materialized='table') }}\nselect pg_sleep(300)::text as t\n"
    ])
    let cancellation = Cancellation()
    let query =
      "select count(*) from pg_stat_activity where state = 'active' and query like '%pg_sleep(300)%' and pid <> pg_backend_pid()"
    Thread.detachNewThread {
      let watcher = try? fixture.connect()
      for _ in 0..<600 {
        if (try? watcher?.query(query).rows) == [[.int(1)]] { break }
        Thread.sleep(forTimeInterval: 0.05)
      }
      cancellation.cancel()
    }
    let started = ContinuousClock.now
    let summary = try fixture.run(.run, cancellation: cancellation)
    #expect(ContinuousClock.now - started < .seconds(60))
    // What was interrupted has no result.
    #expect(summary.results.isEmpty)
    #expect(summary.isInterrupted)
    #expect(try fixture.connect().query(query).rows == [[.int(0)]])
  }

  @Test func secretsLeaveNoTrace() throws {
    let secret = "hunter2-hunter2"
    let fixture = try ProjectFixture([
      "models/leaks.sql": "select '\(secret)' from nowhere\n",
      "models/says.sql": "{{ log('\(secret)', info=true) }} select 1 as id\n",
      "models/raises.sql": "{% if execute %}{{ exceptions.raise_compiler_error('\(secret)') }}{% endif %}select 1\n",
    ])
    let summary = try fixture.run(.run, secrets: ["DBT_ENV_SECRET_OTHER": secret])
    #expect(summary.results.count { $0.status == .error } == 2)
    #expect(summary.results.allSatisfy { !"\($0)".contains(secret) })
    #expect(!fixture.lines.text.contains(secret))
    #expect(fixture.lines.text.contains("*****"))
    let results = try String(contentsOfFile: fixture.folder + "/target/run_results.json", encoding: .utf8)
    #expect(!results.contains(secret))
    #expect(!results.contains(PostgresServer.password))
  }

  @Test func aFailedStartHookSkipsEverything() throws {
    var files = shop
    files["dbt_project.yml"] =
      "name: shop\nprofile: shop\nversion: '1.0'\non-run-start: [\"select * from nowhere\", \"select 1\"]\non-run-end: [\"create table bench.ended (i int)\"]\n"
    let fixture = try ProjectFixture(files)
    let summary = try fixture.run(.build)
    #expect(summary.results.map(\.status).prefix(2) == [.error, .skipped])
    #expect(summary.results.count { $0.status == .skipped } == 6)
    #expect(summary.results.last?.status == .success)
    #expect(summary.exitCode == 1)
  }

  @Test func failFastSkipsTheRest() throws {
    var files = shop
    files["seeds/goods.csv"] = "id,name,price\n1,rope,2.50\n1,tar,1\n"
    let fixture = try ProjectFixture(files)
    var settings = RunSettings()
    settings.failFast = true
    let summary = try fixture.run(.build, settings)
    #expect(summary.results.contains { $0.status == .fail && $0.failures == 1 })
    #expect(summary.results.contains { $0.status == .skipped && $0.message == "Skipping due to fail_fast" })
    #expect(summary.exitCode == 1)
  }

  @Test func callsMacrosOutsideOfNodes() throws {
    let fixture = try ProjectFixture(
      shop.merging([
        "macros/own.sql":
          "{% macro keep(n) %}{% do run_query('create table kept as select ' ~ n ~ ' as n') %}{% endmacro %}"
      ]) { $1 })
    let engine = try fixture.open()
    let run = engine.begin(RunRequest(.runOperation))
    let good = engine.runOperation("keep", arguments: ["n": 7], in: run, cancellation: Cancellation())
    #expect(good.status == .success, "\(good.message ?? "")")
    #expect(try fixture.connect().query("select n from kept").rows == [[.int(7)]])
    let bad = engine.runOperation("nothing", arguments: [:], in: run, cancellation: Cancellation())
    #expect(bad.status == .error)
  }

  /// A project may replace dbt's own macros by ones that hand out what lives in their context only.
  @Test func survivesMacrosThatReturnTheirContext() throws {
    let fixture = try ProjectFixture([
      "macros/own.sql":
        "{% macro list_schemas(database) %}{{ return([[adapter], [ref], ['bench'], [load_result]]) }}{% endmacro %}"
        + "{% macro get_columns_in_relation(relation) %}{{ return([]) }}{% endmacro %}",
      "models/one.sql":
        "select 1 as id -- {{ adapter.get_columns_in_relation(this) }} {{ adapter.list_relations('x', 'y') }}\n",
    ])
    let summary = try fixture.run(.run)
    #expect(summary.results.count == 1, "\(fixture.lines.text)")
  }

  @Test func listsWhatIsSelected() throws {
    let engine = try ProjectFixture(shop).open()
    var request = RunRequest(.list)
    request.select = ["prices+"]
    let ids = try engine.plan(request).nodes.map(\.uniqueID)
    #expect(
      try ProjectListing(output: "selector").lines(ids, engine)
        == ["shop.cheap", "shop.prices", "shop.not_null_prices_id", "shop.unique_prices_id"])
    #expect(try ProjectListing(output: "name").lines(ids, engine).first == "cheap")
    #expect(throws: EngineError.self) { try ProjectListing(output: "smoke").lines(ids, engine) }
  }

  /// A worker keeps the parsed project for long; a password that is rotated meanwhile must still be used.
  @Test func readsARotatedPasswordForEachConnection() throws {
    let fixture = try ProjectFixture(shop)
    let role = "rotating_\(UInt32.random(in: 0...UInt32.max))"
    try fixture.server.psql("create role \(role) superuser login password 'first-one'")
    let file = fixture.folder + "/password"
    try "first-one\n".write(toFile: file, atomically: true, encoding: .utf8)
    try """
    shop:
      target: dev
      outputs:
        dev: {type: postgres, host: 127.0.0.1, port: \(fixture.server.port), user: \(role), dbname: \(fixture.database),
              schema: bench, password_file: "\(file)"}
    """.write(toFile: fixture.folder + "/profiles.yml", atomically: true, encoding: .utf8)
    let engine = try fixture.open()
    func seed() -> NodeResult {
      engine.execute("seed.shop.goods", in: engine.begin(RunRequest(.seed)), cancellation: Cancellation())
    }
    #expect(seed().status == .success)
    try fixture.server.psql("alter role \(role) password 'second-one'")
    let refused = seed()
    #expect(refused.status == .error)
    #expect(refused.message?.contains("password authentication failed") == true)
    try "second-one\n".write(toFile: file, atomically: true, encoding: .utf8)
    #expect(seed().status == .success)
  }

  @Test func namesWhatIsMissing() throws {
    let fixture = try ProjectFixture(["models/lost.sql": "select * from {{ ref('nobody') }}\n"])
    let error = #expect(throws: EngineError.self) { try fixture.open() }
    #expect(error?.kind == .compilation)
    #expect(error?.description.contains("models/lost.sql") == true)
    #expect(error?.description.contains("nobody") == true)
  }
}

/// The same project built by dbt and by the engine, each into a database of its own.
@Suite struct EngineDifferentialTests {
  @Test func buildsWhatDBTBuilds() throws {
    let reference = try ProjectFixture(copying: "workbench")
    let own = try ProjectFixture(copying: "workbench")
    try reference.server.psql(
      "do $$ begin if not exists (select from pg_roles where rolname = 'workbench_reader') then create role workbench_reader; end if; end $$"
    )
    for step in 1...2 {
      _ = try reference.runReference(["build", "--vars", "{step: \(step)}", "--no-partial-parse"])
      var settings = RunSettings()
      settings.vars = ["step": .int(step)]
      let summary = try own.run(.build, settings)
      #expect(summary.isSuccess, "\(own.lines.text)")
      let expected = try reference.relations()
      let found = try own.relations()
      #expect(expected.keys.sorted() == found.keys.sorted())
      for (name, text) in expected { #expect(found[name] == text, "step \(step): \(name)") }
      #expect(try statuses(reference) == statuses(own))
    }
  }

  private func statuses(_ fixture: ProjectFixture) throws -> [String: String] {
    let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: fixture.folder + "/target/run_results.json")))
    var statuses: [String: String] = [:]
    for entry in try PlainValue(json: bytes)["results"]?.arrayValue ?? [] {
      if let id = entry["unique_id"]?.stringValue { statuses[id] = entry["status"]?.stringValue }
    }
    return statuses
  }
}
