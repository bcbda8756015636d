package import DBTContext
package import DBTEngine
package import Egress
package import PostgresClient

/// PostgreSQL as a warehouse: sessions by a profile's target.
package struct PostgresWarehouse: Warehouse {
  /// Where to connect and as whom.
  let configuration: PostgresConfiguration
  /// The role taken on after connecting; nil or empty: none.
  let role: String?
  private let limits: PostgresLimits
  package let isAutocommit: Bool
  package let connectRetries: Int

  /// - Parameters:
  ///   - limits: bounds of what a session may receive.
  ///   - egress: what may be dialed.
  package init(_ target: TargetProfile, limits: PostgresLimits = .standard, egress: EgressPolicy = .open) {
    var configuration = PostgresConfiguration(
      host: target.host, port: target.port, user: target.user,
      password: target.passwordFile.map { .file(path: $0) } ?? target.password.map { .secret($0) } ?? .none,
      database: target.database)
    configuration.connectTimeout = .seconds(max(1, target.connectTimeout))
    configuration.searchPath = target.searchPath
    configuration.keepalivesIdle = target.keepalivesIdle
    configuration.sslMode = target.sslmode
    configuration.sslCertificate = target.sslcert
    configuration.sslKey = target.sslkey
    configuration.sslRootCertificate = target.sslrootcert
    configuration.applicationName = target.applicationName
    configuration.egress = egress
    self.configuration = configuration
    self.limits = limits
    role = target.role
    isAutocommit = target.autocommit
    connectRetries = max(0, target.retries)
  }

  package func connect(_ cancellation: Cancellation) throws(WarehouseError) -> any WarehouseSession {
    do throws(PostgresError) {
      let connection = try PostgresConnection.connect(configuration, limits: limits) { cancellation.isCancelled }
      // As the macros' own driver does: unquoted, so that a profile may quote it itself.
      if let role, !role.isEmpty { _ = try connection.query("set role \(role)", fetch: .none) }
      return PostgresSession(connection, cancellation)
    } catch {
      throw WarehouseError(error, whileConnecting: true)
    }
  }
}

extension WarehouseError {
  /// - Parameter whileConnecting: whether no session stood yet, so that even a refused statement means "no connection".
  init(_ error: PostgresError, whileConnecting: Bool) {
    let isConnection = whileConnecting || error.kind == .connection || error.kind == .timeout
    self.init(
      error.message, isConnection: isConnection, isTransient: error.isTransient,
      isCancelled: error.kind == .cancelled || error.sqlState == "57014", sqlState: error.sqlState)
  }
}
