import Foundation
import PostgresClient
import Secrets
import TestSupport
import Testing

/// On a real server.
@Suite struct PostgresConnectionTests {
  private func configuration(_ server: PostgresServer) -> PostgresConfiguration {
    PostgresConfiguration(
      host: "127.0.0.1", port: server.port, user: PostgresServer.user,
      password: .secret(SharedSecret(copying: PostgresServer.password.utf8)), database: "postgres")
  }

  private func connect() throws -> PostgresConnection {
    try PostgresConnection.connect(configuration(PostgresServer.shared()))
  }

  @Test func readsTypedRows() throws {
    let connection = try connect()
    let result = try connection.query(
      "select 1 as a, 2.50::numeric as b, null::text as c, true as d, array['x','y z'] as e, '{\"k\": 1}'::jsonb as f, date '2024-02-29' as g"
    )
    #expect(result.columns.map(\.name) == ["a", "b", "c", "d", "e", "f", "g"])
    #expect(
      result.rows == [
        [
          .int(1), .numeric("2.50"), .null, .bool(true), .array([.text("x"), .text("y z")]), .json("{\"k\": 1}"),
          .date("2024-02-29"),
        ]
      ])
    #expect(result.commandTag == "SELECT 1")
    #expect(result.rowCount == 1)
  }

  @Test func returnsTheLastOfSeveralStatements() throws {
    let connection = try connect()
    let result = try connection.query(
      "create temporary table t (i int); insert into t select generate_series(1, 5); update t set i = i + 1 where i > 3"
    )
    #expect(result.commandTag == "UPDATE 2")
    #expect(result.rowCount == 2)
    #expect(!result.hasRows)
    let rows = try connection.query("select i from t order by i", fetch: .first(2))
    #expect(rows.rows == [[.int(1)], [.int(2)]])
    #expect(rows.rowCount == 5)
    #expect(try connection.query("create view pg_temp.v as select 1", fetch: .none).rowCount == -1)
  }

  @Test func bindsParameters() throws {
    let connection = try connect()
    let result = try connection.query(
      "select $1::int + 1, $2::text, $3::text is null", parameters: ["41", "it's", nil])
    #expect(result.rows == [[.int(42), .text("it's"), .bool(true)]])
    #expect(try connection.query("select " + connection.literal("it's \\ here")).rows == [[.text("it's \\ here")]])
  }

  @Test func formatsErrorsWithLineAndCaret() throws {
    let connection = try connect()
    let error = #expect(throws: PostgresError.self) { try connection.query("select 1,\n  nothing_here from pg_class") }
    #expect(
      error?.message == "column \"nothing_here\" does not exist\nLINE 2:   nothing_here from pg_class\n          ^\n")
    #expect(error?.sqlState == "42703")
    #expect(error?.position == 13)
    #expect(try connection.query("select 1").rows == [[.int(1)]])
  }

  @Test func cancelsFromAnotherThread() throws {
    let connection = try connect()
    let canceller = connection.canceller
    Thread.detachNewThread {
      Thread.sleep(forTimeInterval: 0.3)
      canceller.cancel()
    }
    let error = #expect(throws: PostgresError.self) { try connection.query("select pg_sleep(30)") }
    #expect(error?.sqlState == "57014")
    #expect(throws: PostgresError.self) { try connection.query("select 1") }
  }

  @Test func collectsNotices() throws {
    let connection = try connect()
    _ = try connection.query("do $$ begin raise notice 'one'; raise warning 'two'; end $$")
    #expect(connection.takeNotices().map { "\($0.severity) \($0.message)" } == ["NOTICE one", "WARNING two"])
    #expect(connection.takeNotices().isEmpty)
  }

  @Test func boundsAResultAndSaysWhichLimit() throws {
    var limits = PostgresLimits()
    limits.resultBytes = 10_000
    let connection = try PostgresConnection.connect(configuration(PostgresServer.shared()), limits: limits)
    let error = #expect(throws: PostgresError.self) {
      try connection.query("select repeat('x', 100) from generate_series(1, 200000)")
    }
    #expect(error?.kind == .limit)
  }

  @Test func refusesCopyInsteadOfHanging() throws {
    let connection = try connect()
    _ = try connection.query("create temporary table c (i int)")
    #expect(throws: PostgresError.self) { try connection.query("copy c from stdin") }
    #expect(throws: PostgresError.self) { try connection.query("copy c to stdout") }
    #expect(try connection.query("select 1").rows == [[.int(1)]])
  }

  @Test func namesTheServerThatRefuses() throws {
    var nowhere = try configuration(PostgresServer.shared())
    nowhere.port = try LoopbackPort.free()
    let error = #expect(throws: PostgresError.self) { try PostgresConnection.connect(nowhere) }
    #expect(error?.kind == .connection)
    #expect(error?.message.contains("Connection refused") == true)
    #expect(error?.isTransient == true)
  }

  @Test func readsThePasswordFromAFileAndNeverShowsAWrongOne() throws {
    let server = try PostgresServer.shared()
    let path = NSTemporaryDirectory() + "sallyport-password-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try (PostgresServer.password + "\n").write(toFile: path, atomically: true, encoding: .utf8)
    var configuration = configuration(server)
    configuration.password = .file(path: path)
    #expect(try PostgresConnection.connect(configuration).query("select 1").rows == [[.int(1)]])
    configuration.password = .secret(SharedSecret(copying: "wr0ng-pa55".utf8))
    let error = #expect(throws: PostgresError.self) { try PostgresConnection.connect(configuration) }
    #expect(error?.message.contains("password authentication failed") == true)
    #expect(error?.message.contains("wr0ng") == false)
    configuration.password = .file(path: path + ".missing")
    #expect(throws: PostgresError.self) { try PostgresConnection.connect(configuration) }
  }

  @Test func reportsALostServer() throws {
    let connection = try connect()
    let other = try connect()
    _ = try other.query("select pg_terminate_backend(\(connection.processID))")
    let error = #expect(throws: PostgresError.self) { try connection.query("select 1") }
    #expect(error?.isTransient == true)
    #expect(!connection.isUsable)
  }
}
