package import Egress
package import Secrets

/// Where to connect and as whom: the parameters of libpq that a profile can set.
package struct PostgresConfiguration: Sendable {
  /// Where the password comes from.
  package enum Password: Sendable {
    /// None: the server asks for none, or a client certificate proves who we are.
    case none
    case secret(SharedSecret)
    /// A mounted file, read again for every connection; one line end at its end is not part of the password.
    case file(path: String)
  }

  package var host: String
  package var port: Int
  package var user: String
  package var password: Password
  package var database: String
  /// The most time the whole of connecting may take.
  package var connectTimeout: Duration = .seconds(10)
  /// Sent as the option `-c search_path=…`; nil or empty leaves the server's own.
  package var searchPath: String?
  /// Seconds of silence before the kernel probes the peer; 0 leaves the system's default.
  package var keepalivesIdle = 0
  /// One of libpq's modes, `disable` to `verify-full`; nil leaves libpq's default.
  package var sslMode: String?
  package var sslCertificate: String?
  package var sslKey: String?
  package var sslRootCertificate: String?
  package var applicationName: String? = "dbt"
  /// What may be dialed. Under a policy that is not open, names are resolved here instead of in libpq.
  package var egress = EgressPolicy.open

  package init(host: String, port: Int, user: String, password: Password, database: String) {
    self.host = host
    self.port = port
    self.user = user
    self.password = password
    self.database = database
  }

  /// The parameters but the password and where to connect, as libpq names them, in a fixed order.
  var parameters: [(name: String, value: String)] {
    var list: [(name: String, value: String)] = [
      ("user", user), ("dbname", database), ("client_encoding", "UTF8"),
    ]
    func add(_ name: String, _ value: String?) {
      if let value, !value.isEmpty { list.append((name, value)) }
    }
    if let searchPath, !searchPath.isEmpty {
      list.append(
        (
          "options",
          "-c search_path="
            + searchPath.split(separator: " ", omittingEmptySubsequences: false).joined(separator: "\\ ")
        ))
    }
    if keepalivesIdle > 0 { add("keepalives_idle", String(keepalivesIdle)) }
    add("sslmode", sslMode)
    add("sslcert", sslCertificate)
    add("sslkey", sslKey)
    add("sslrootcert", sslRootCertificate)
    add("application_name", applicationName)
    return list
  }
}

/// How much of a peer's answer is kept.
package struct PostgresLimits: Sendable {
  /// The most bytes of cell text of one result: 256 MiB.
  package var resultBytes = 256 << 20
  /// The most notices kept until `takeNotices`; later ones are counted but dropped.
  package var notices = 200
  /// How long a cancelled statement may take to stop before its connection is given up.
  package var cancelGrace: Duration = .seconds(10)

  package init() {}

  package static let standard = PostgresLimits()
}
