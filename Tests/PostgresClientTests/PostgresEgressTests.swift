import Egress
import Foundation
import Secrets
import TestSupport
import Testing

@testable import PostgresClient

/// libpq dials what the policy admits, and nothing else.
@Suite("PostgreSQL under an egress policy", .serialized)
struct PostgresEgressTests {
  private func configuration(_ port: Int, host: String, rules: String) throws -> PostgresConfiguration {
    var configuration = PostgresConfiguration(
      host: host, port: port, user: PostgresServer.user,
      password: .secret(SharedSecret(copying: PostgresServer.password.utf8)), database: "postgres")
    configuration.egress = try EgressPolicy(parsing: rules)
    return configuration
  }

  private func refusal(_ configuration: PostgresConfiguration) throws -> PostgresError {
    do throws(PostgresError) {
      _ = try PostgresConnection.connect(configuration)
    } catch {
      return error
    }
    throw PeerError("connected to \(configuration.host)")
  }

  private func destination(
    _ hosts: String, rules: String, variables: [String: String] = [:], resolver: @escaping PostgresDestination.Resolver
  ) throws -> [String] {
    try PostgresDestination(
      hosts: hosts, port: 5432, policy: EgressPolicy(parsing: rules), resolver: resolver, variable: { variables[$0] }
    ).parameters.map { "\($0.name)=\($0.value)" }
  }

  @Test("A listed name and a listed address connect; what is not listed names its rule and opens no socket")
  func admission() throws {
    let server = try PostgresServer.shared()
    let port = server.port
    for (host, rules) in [("localhost", "localhost:\(port)"), ("127.0.0.1", "127.0.0.0/8:\(port)")] {
      let connection = try PostgresConnection.connect(configuration(port, host: host, rules: rules))
      #expect(try connection.query("select host(inet_server_addr())").rows == [[.text("127.0.0.1")]])
    }
    let listener = try LoopbackListener()
    let error = try refusal(configuration(listener.port, host: "127.0.0.1", rules: "db.internal:5432"))
    #expect(error.kind == .configuration && !error.isTransient)
    #expect(error.message.contains("add '127.0.0.1:\(listener.port)' to SALLYPORT_EGRESS_ALLOW"))
    let named = try refusal(configuration(listener.port, host: "localhost", rules: "*:\(listener.port)"))
    #expect(named.message.contains("leads to 127.0.0.1, a loopback address"), "\(named)")
    #expect(listener.drain() == 0)
  }

  @Test("Several hosts: those without address or rule are passed over") func severalHosts() throws {
    let server = try PostgresServer.shared()
    let port = server.port
    let hosts = "no-such-host.invalid,other.example,localhost"
    let rules = "no-such-host.invalid:\(port),localhost:\(port)"
    let connection = try PostgresConnection.connect(configuration(port, host: hosts, rules: rules))
    #expect(try connection.query("select 1").rows == [[.int(1)]])
    #expect(
      try destination("a,b", rules: "a:5432,b:5432") { host, _ in
        .success(host == "a" ? ["10.0.0.1", "fd00::1"] : ["10.0.0.2"])
      }
        == ["host=a,a,b", "hostaddr=10.0.0.1,fd00::1,10.0.0.2", "port=5432"])
  }

  @Test("T8 a name that comes to lead elsewhere is refused; of mixed addresses only the admitted reach libpq")
  func rebinding() throws {
    let rules = "db.internal:5432"
    #expect(
      try destination("db.internal", rules: rules) { _, _ in .success(["10.1.1.1", "127.0.0.1", "169.254.169.254"]) }
        == ["host=db.internal", "hostaddr=10.1.1.1", "port=5432"])
    let error = #expect(throws: PostgresError.self) {
      try destination("db.internal", rules: rules) { _, _ in .success(["127.0.0.1", "::ffff:169.254.169.254"]) }
    }
    #expect(error?.kind == .configuration)
    #expect(error?.message.contains("'db.internal' leads to 127.0.0.1, a loopback address") == true)
    #expect(error?.message.contains("169.254.169.254, the address of a cloud's metadata service") == true)
    // A name that no rule could admit is not asked for.
    _ = #expect(throws: PostgresError.self) {
      try destination("evil.example", rules: rules) { _, _ in
        Issue.record("resolved")
        return .success(["10.1.1.1"])
      }
    }
    // libpq would fill an empty host from the environment.
    _ = #expect(throws: PostgresError.self) { try destination("", rules: rules) { _, _ in .success(["10.1.1.1"]) } }
  }

  @Test("The certificate is checked against the name though libpq dials the address") func verification() throws {
    let certificates = try TestCertificates.shared()
    let folder = try TemporaryFolder()
    // PostgreSQL wants its key private and its own.
    let key = try folder.write(
      "server.key", try String(contentsOfFile: certificates.otherHost.key, encoding: .utf8), mode: 0o600)
    if geteuid() == 0 { try PeerProcess.run("/bin/chown", ["postgres", key]) }
    let server = try PostgresServer(settings: [
      "ssl = on", "ssl_cert_file = '\(certificates.otherHost.certificate)'", "ssl_key_file = '\(key)'",
    ])
    defer { server.stop() }
    func connect(_ mode: String) throws -> PostgresConnection {
      var configuration = try configuration(server.port, host: "localhost", rules: "localhost:\(server.port)")
      configuration.sslMode = mode
      configuration.sslRootCertificate = certificates.authority
      return try PostgresConnection.connect(configuration)
    }
    let encrypted = try connect("verify-ca").query("select ssl from pg_stat_ssl where pid = pg_backend_pid()")
    #expect(encrypted.rows == [[.bool(true)]])
    let error = #expect(throws: PostgresError.self) { try connect("verify-full") }
    #expect(error?.message.contains("does not match host name \"localhost\"") == true, "\(error?.message ?? "")")
  }

  @Test("A unix socket needs a rule for its folder, and no address from the environment in its place")
  func unixSocket() throws {
    let folder = try TemporaryFolder()
    if geteuid() == 0 { try PeerProcess.run("/bin/chown", ["postgres", folder.path]) }
    let server = try PostgresServer(settings: ["unix_socket_directories = '\(folder.path)'"])
    defer { server.stop() }
    let connection = try PostgresConnection.connect(
      configuration(server.port, host: folder.path, rules: "unix:\(folder.path)"))
    #expect(try connection.query("select inet_server_addr() is null").rows == [[.bool(true)]])
    let error = try refusal(configuration(server.port, host: folder.path, rules: "localhost:\(server.port)"))
    #expect(error.message.contains("add 'unix:\(folder.path)/.s.PGSQL.\(server.port)'"), "\(error)")
    let replaced = #expect(throws: PostgresError.self) {
      try destination("/run", rules: "unix:/run", variables: ["PGHOSTADDR": "203.0.113.9"]) { _, _ in .success([]) }
    }
    #expect(replaced?.message.contains("unset PGHOSTADDR") == true)
  }

  @Test("P11 libpq sends no packet to a destination that no rule admits, though a route leads there") func noPacket()
    throws
  {
    let folder = try TemporaryFolder()
    let outcome = try OwnNetwork.run { () throws -> (refused: PostgresError, seen: Set<String>) in
      try NetworkNamespace.enter(
        [
          "link add out type veth peer name far", "addr add 10.9.0.1/24 dev out", "link set out up", "link set far up",
          "neigh add 10.9.0.2 lladdr 02:00:00:00:00:02 dev out", "route add default via 10.9.0.2",
        ], folder: folder)
      let capture = try PacketCapture(folder: folder)
      defer { capture.stop() }
      func attempt(_ host: String, _ rules: String) throws -> PostgresError {
        var configuration = try configuration(5432, host: host, rules: rules)
        configuration.connectTimeout = .seconds(1)
        return try refusal(configuration)
      }
      // What is admitted is seen, and so is the other destination once it is listed.
      #expect(try attempt("10.9.0.2", "10.9.0.2:5432").kind == .timeout)
      #expect(capture.waitFor("10.9.0.2 5432"))
      #expect(try attempt("203.0.113.8", "203.0.113.0/24:5432").kind == .timeout)
      #expect(capture.waitFor("203.0.113.8 5432"))
      let refused = try attempt("203.0.113.9", "10.9.0.2:5432")
      _ = try attempt("10.9.0.2", "10.9.0.2:5432")
      usleep(300_000)
      return (refused, capture.destinations)
    }
    #expect(outcome.refused.kind == .configuration)
    #expect(outcome.seen == ["10.9.0.2 5432", "203.0.113.8 5432"])
  }
}

/// A thread of its own, so that the test's thread stays in its network.
private enum OwnNetwork {
  private final class Box<T>: @unchecked Sendable {
    // Sendable: written by the thread before the semaphore, read after it.
    var result: Result<T, any Error>?
  }

  static func run<T: Sendable>(_ body: @escaping @Sendable () throws -> T) throws -> T {
    let box = Box<T>()
    let done = DispatchSemaphore(value: 0)
    let thread = Thread {
      box.result = Result { try body() }
      done.signal()
    }
    thread.stackSize = 8 << 20
    thread.start()
    done.wait()
    return try box.result!.get()
  }
}
