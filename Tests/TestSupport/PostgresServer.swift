import Foundation
import Glibc

/// A private PostgreSQL server: a fresh cluster in a temporary folder, on a free port of the loopback address, with one
/// superuser who needs a password. `stop` ends it and deletes everything.
///
/// PostgreSQL refuses to run as root, so root starts it as the user `postgres`.
package final class PostgresServer: @unchecked Sendable {
  // Sendable: all fields but `server` are set once, and `server` is only touched under the lock.
  package static let user = "sallyport"
  /// Not a secret: it opens nothing but this throw-away server.
  package static let password = "only-for-tests"

  package let port: Int
  package let folder: String
  private let lock = NSLock()
  private var server: Process?

  /// Starts the newest installed version and waits until it answers.
  ///
  /// - Parameter settings: lines for `postgresql.conf`.
  package init(settings: [String] = []) throws {
    port = try LoopbackPort.free()
    folder = NSTemporaryDirectory() + "sallyport-postgres-\(getpid())-\(port)"
    let manager = FileManager.default
    try manager.createDirectory(atPath: folder, withIntermediateDirectories: true)
    if geteuid() == 0 { _ = try PeerProcess.run("/bin/chown", ["postgres", folder]) }
    do {
      try "\(Self.password)\n".write(toFile: folder + "/password", atomically: false, encoding: .utf8)
      if geteuid() == 0 { _ = try PeerProcess.run("/bin/chown", ["postgres", folder + "/password"]) }
      try run(
        "initdb",
        [
          "-D", folder + "/data", "-U", Self.user, "--pwfile", folder + "/password", "-A", "scram-sha-256", "-E",
          "UTF8",
          "--locale=C.UTF-8", "--no-sync",
        ])
      try configure(settings)
      try start()
    } catch {
      try? manager.removeItem(atPath: folder)
      throw error
    }
  }

  deinit { stop() }

  /// The one server that the tests of this process share; each test makes its own database in it.
  package static func shared() throws -> PostgresServer { try sharedServer.get() }

  private static let sharedServer = Result<PostgresServer, any Error> {
    let server = try PostgresServer()
    atexit { (try? PostgresServer.shared())?.stop() }
    return server
  }

  /// Makes an empty database with a name of its own in this server.
  package func makeDatabase(_ prefix: String = "test") throws -> String {
    let name = "\(prefix)_\(UInt32.random(in: 0...UInt32.max))"
    try psql("create database \(name)")
    return name
  }

  /// Where the server programs are: `SALLYPORT_POSTGRES_BIN`, or the newest of Debian's folders.
  package static func binaries() throws -> String {
    if let path = ProcessInfo.processInfo.environment["SALLYPORT_POSTGRES_BIN"] { return path }
    let root = "/usr/lib/postgresql"
    let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
    guard let newest = versions.compactMap({ Int($0) }).max() else {
      throw PeerError("no PostgreSQL under \(root): run 'make setup', or set SALLYPORT_POSTGRES_BIN")
    }
    return "\(root)/\(newest)/bin"
  }

  /// Starts the server on the existing cluster: after `init`, or after `stop(keepingData: true)`.
  package func start() throws {
    let binaries = try Self.binaries()
    let process = Process()
    (process.executableURL, process.arguments) = Self.command(binaries + "/postgres", ["-D", folder + "/data"])
    process.currentDirectoryURL = URL(fileURLWithPath: "/")
    let log = folder + "/server.log"
    if !FileManager.default.fileExists(atPath: log) { _ = FileManager.default.createFile(atPath: log, contents: nil) }
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: log))
    handle.seekToEndOfFile()
    process.standardOutput = handle
    process.standardError = handle
    process.standardInput = FileHandle.nullDevice
    try process.run()
    lock.withLock { server = process }
    for _ in 0..<150 {
      if (try? PeerProcess.run(binaries + "/pg_isready", ["-q", "-h", "127.0.0.1", "-p", "\(port)"])) != nil { return }
      guard process.isRunning else { break }
      usleep(100_000)
    }
    let text = self.log
    stop(keepingData: true)
    throw PeerError("PostgreSQL did not start:\n\(text)")
  }

  /// Stops at once, ending all sessions.
  package func stop(keepingData: Bool = false) {
    let process = lock.withLock { () -> Process? in
      defer { server = nil }
      return server
    }
    if let process, process.isRunning {
      // Immediate shutdown would need crash recovery; SIGINT is the fast one.
      kill(process.processIdentifier, keepingData ? SIGINT : SIGQUIT)
      process.waitUntilExit()
    }
    if !keepingData { try? FileManager.default.removeItem(atPath: folder) }
  }

  /// What the server has written to its log so far.
  package var log: String { (try? String(contentsOfFile: folder + "/server.log", encoding: .utf8)) ?? "" }

  /// Runs a statement with psql as the superuser and returns what it prints, unaligned, without headers.
  @discardableResult
  package func psql(_ statement: String, database: String = "postgres") throws -> String {
    try PeerProcess.run(
      Self.binaries() + "/psql",
      [
        "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", "\(port)", "-U", Self.user, "-d",
        database, "-c", statement,
      ],
      environment: ["PGPASSWORD": Self.password])
  }

  private func configure(_ settings: [String]) throws {
    let lines = [
      "listen_addresses = '127.0.0.1'", "port = \(port)", "unix_socket_directories = ''", "fsync = off",
      "synchronous_commit = off", "full_page_writes = off", "max_connections = 60", "shared_buffers = 32MB",
      "timezone = 'UTC'", "log_timezone = 'UTC'",
    ]
    let path = folder + "/data/postgresql.conf"
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    handle.seekToEndOfFile()
    handle.write(Data(("\n" + (lines + settings).joined(separator: "\n") + "\n").utf8))
    try handle.close()
  }

  private func run(_ program: String, _ arguments: [String]) throws {
    let (url, list) = Self.command(try Self.binaries() + "/" + program, arguments)
    _ = try PeerProcess.run(url.path, list)
  }

  private static func command(_ program: String, _ arguments: [String]) -> (URL, [String]) {
    guard geteuid() == 0 else { return (URL(fileURLWithPath: program), arguments) }
    return (
      URL(fileURLWithPath: "/usr/bin/setpriv"),
      ["--reuid=postgres", "--regid=postgres", "--init-groups", program] + arguments
    )
  }
}

/// A peer that a test needs is missing or did not start.
package struct PeerError: Error, CustomStringConvertible {
  package let description: String
  package init(_ description: String) { self.description = description }
}

/// Programs that tests run to completion.
package enum PeerProcess {
  /// Runs a program and returns its output; throws with both outputs when it fails.
  @discardableResult
  package static func run(
    _ program: String, _ arguments: [String], environment: [String: String] = [:], folder: String = "/"
  ) throws -> String {
    let result = try capture(program, arguments, environment: environment, folder: folder)
    guard result.status == 0 else {
      throw PeerError("\(program) \(arguments.joined(separator: " ")) exited with \(result.status):\n\(result.output)")
    }
    return result.output
  }

  /// Runs a program and returns its exit status with both outputs interleaved.
  package static func capture(
    _ program: String, _ arguments: [String], environment: [String: String] = [:], folder: String = "/"
  ) throws -> (status: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { _, new in new }
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: data, as: UTF8.self))
  }
}
