import DBTEngine
import Jinja
import PostgresClient

/// One session of the engine. A cancellation stops its running statement in the server.
final class PostgresSession: WarehouseSession {
  private let connection: PostgresConnection
  private let cancellation: Cancellation
  private let token: Int

  init(_ connection: PostgresConnection, _ cancellation: Cancellation) {
    self.connection = connection
    self.cancellation = cancellation
    let canceller = connection.canceller
    token = cancellation.onCancel { canceller.cancel() }
  }

  deinit { close() }

  func execute(_ sql: String, fetch: RowFetch) throws(WarehouseError) -> StatementResult {
    let result: PostgresResult
    do throws(PostgresError) {
      result = try connection.query(sql, fetch: PostgresFetch(fetch))
    } catch {
      throw WarehouseError(error, whileConnecting: false)
    }
    return StatementResult(
      columns: result.columns.map { StatementResult.Column(name: $0.name, typeName: DriverType.name($0.typeOID)) },
      rows: result.rows.map { $0.map(DriverValue.read) }, commandTag: result.commandTag, rowsAffected: result.rowCount)
  }

  func literal(_ value: Value) throws(WarehouseError) -> String {
    try DriverValue.literal(value) { (text) throws(WarehouseError) in
      do throws(PostgresError) {
        return try connection.literal(text)
      } catch {
        throw WarehouseError(error, whileConnecting: false)
      }
    }
  }

  func takeNotices() -> [String] { connection.takeNotices().map { "\($0.severity):  \($0.message)" } }

  func close() {
    cancellation.remove(token)
    connection.close()
  }
}

extension PostgresFetch {
  init(_ fetch: RowFetch) {
    switch fetch {
    case .none: self = .none
    case .all: self = .all
    case .first(let count): self = .first(count)
    }
  }
}
