package import DBTEngine
import PostgresClient

/// What a look at the database of a profile's target showed.
package struct WarehouseInspection: Sendable, Hashable {
  /// Such as `15.18 (Debian 15.18-0+deb12u1)`.
  package var serverVersion: String
  /// Who signed in.
  package var sessionUser: String
  /// As whom statements run, after `set role`.
  package var currentUser: String
  /// The database.
  package var database: String
  /// Whether the target's schema exists.
  package var hasSchema: Bool
  /// Whether the user may make tables in it, or make the schema when there is none.
  package var mayCreate: Bool
  /// The TLS version of the session; nil: it is not encrypted.
  package var tlsVersion: String?
}

extension PostgresWarehouse {
  /// Connects as a run would, asks what is needed of the server, and changes nothing. Blocks.
  ///
  /// - Throws: what the driver or the server says.
  package func inspect(schema: String, _ cancellation: Cancellation) throws(WarehouseError) -> WarehouseInspection {
    do throws(PostgresError) {
      let connection = try PostgresConnection.connect(configuration) { cancellation.isCancelled }
      defer { connection.close() }
      if let role, !role.isEmpty { _ = try connection.query("set role \(role)", fetch: .none) }
      let result = try connection.query(Self.question, parameters: [schema])
      let cells = (result.rows.first ?? []).map { cell -> String? in
        if case .text(let text) = cell { text } else { nil }
      }
      func text(_ index: Int) -> String { cells.indices.contains(index) ? cells[index] ?? "" : "" }
      return WarehouseInspection(
        serverVersion: text(0), sessionUser: text(1), currentUser: text(2), database: text(3),
        hasSchema: text(4) == "yes", mayCreate: text(text(4) == "yes" ? 5 : 6) == "yes",
        tlsVersion: text(7).isEmpty ? nil : text(7))
    } catch {
      throw WarehouseError(error, whileConnecting: error.kind != .statement)
    }
  }

  /// All answers as text, so that no type of the driver matters.
  private static let question = """
    select current_setting('server_version'), session_user::text, current_user::text, current_database()::text,
      case when n.oid is null then 'no' else 'yes' end,
      case when has_schema_privilege(n.oid, 'CREATE') then 'yes' else 'no' end,
      case when has_database_privilege(current_database(), 'CREATE') then 'yes' else 'no' end,
      (select version from pg_stat_ssl where pid = pg_backend_pid() and ssl)
    from (select $1::text as name) wanted left join pg_namespace n on n.nspname = wanted.name
    """
}
