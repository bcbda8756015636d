import OrderedCollections
package import PlainData
package import Secrets

/// The connection a run uses: one output of a profile, checked and with its defaults.
package struct TargetProfile: Sendable {
  package var profileName: String
  package var targetName: String
  package var type = "postgres"
  package var host: String
  package var port: Int
  package var user: String
  /// nil when none is given: peer authentication or a client certificate.
  package var password: SharedSecret?
  /// The file `password` was read from (profile key `password_file`): read again for each connection, so that a rotated
  /// password is used at once.
  package var passwordFile: String?
  package var database: String
  package var schema: String
  /// Nodes that run at the same time.
  package var threads = 1
  /// Seconds.
  package var connectTimeout = 10
  /// `SET ROLE` after connecting.
  package var role: String?
  package var searchPath: String?
  /// Seconds; 0 leaves the system's value.
  package var keepalivesIdle = 0
  package var sslmode: String?
  package var sslcert: String?
  package var sslkey: String?
  package var sslrootcert: String?
  package var applicationName = "dbt"
  /// No BEGIN, COMMIT or ROLLBACK is sent.
  package var autocommit = false
  /// Further attempts to connect after the first.
  package var retries = 1

  package init(
    profileName: String, targetName: String, host: String, port: Int, user: String, password: SharedSecret? = nil,
    database: String, schema: String
  ) {
    self.profileName = profileName
    self.targetName = targetName
    self.host = host
    self.port = port
    self.user = user
    self.password = password
    self.database = database
    self.schema = schema
  }

  /// The `target` of templates. The password is never part of it.
  package var contextValues: PlainObject {
    func text(_ value: String?) -> PlainValue { value.map { .string($0) } ?? .null }
    return [
      "host": .string(host), "port": .int(port), "user": .string(user), "database": .string(database),
      "dbname": .string(database), "schema": .string(schema), "connect_timeout": .int(connectTimeout),
      "role": text(role), "search_path": text(searchPath), "keepalives_idle": .int(keepalivesIdle),
      "sslmode": text(sslmode), "sslcert": text(sslcert), "sslkey": text(sslkey), "sslrootcert": text(sslrootcert),
      "application_name": .string(applicationName), "autocommit": .bool(autocommit), "retries": .int(retries),
      "type": .string(type), "threads": .int(threads), "name": .string(targetName), "target_name": .string(targetName),
      "profile_name": .string(profileName),
    ]
  }
}
