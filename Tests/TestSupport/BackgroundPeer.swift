import Foundation
import Glibc

/// A program that runs beside a test: started on a free port by the test, ended by `stop` or at the latest with the process.
package final class BackgroundPeer: @unchecked Sendable {
  // Sendable: `hasEnded` is only touched under the lock, the rest is set once. Foundation's `Process` is not used: its
  // waiting hangs on threads without a run loop.
  package let name: String
  /// The file that holds both outputs.
  package let logPath: String
  /// The process's number.
  package let identifier: Int32
  private let lock = NSLock()
  private var hasEnded = false
  private var status: Int32 = 0

  /// Starts the program.
  ///
  /// - Throws: `PeerError` when it is not installed.
  package init(
    _ program: String, _ arguments: [String], folder: String, environment: [String: String] = [:]
  ) throws {
    guard let path = Self.find(program) else {
      throw PeerError("\(program) is not installed: run 'make setup'")
    }
    name = (program as NSString).lastPathComponent
    logPath = folder + "/\(name)-\(UInt32.random(in: 0...UInt32.max)).log"
    _ = FileManager.default.createFile(atPath: logPath, contents: nil)
    identifier = try Self.spawn(
      ["/usr/bin/env", "-C", folder, path] + arguments, log: logPath,
      environment: ProcessInfo.processInfo.environment.merging(environment) { _, new in new })
    Leftovers.shared.add(identifier)
  }

  deinit { stop() }

  /// Whether it still runs.
  package var isRunning: Bool { lock.withLock { !reap(waiting: false) } }

  /// Waits for its end; answers its exit code, 128 and the signal's number when a signal ended it, nil when it still runs.
  package func waitForEnd(seconds: Double = 30) -> Int32? {
    let end = Date().addingTimeInterval(seconds)
    while Date() < end {
      let code = lock.withLock { () -> Int32? in
        guard reap(waiting: false) else { return nil }
        return status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + (status & 0x7F)
      }
      if let code { return code }
      usleep(20_000)
    }
    return nil
  }

  /// What it has written so far.
  package var log: String { (try? String(contentsOfFile: logPath, encoding: .utf8)) ?? "" }

  /// Sends a signal, such as SIGHUP for a reload.
  package func signal(_ number: Int32) { lock.withLock { if !hasEnded { kill(identifier, number) } } }

  /// Ends the program and waits for its end.
  package func stop(_ number: Int32 = SIGTERM) {
    lock.withLock {
      guard !reap(waiting: false) else { return }
      kill(identifier, number)
      for _ in 0..<100 where !reap(waiting: false) { usleep(20_000) }
      guard !hasEnded else { return }
      kill(identifier, SIGKILL)
      _ = reap(waiting: true)
    }
  }

  /// Takes note of the process's end. True: it has ended.
  private func reap(waiting: Bool) -> Bool {
    guard !hasEnded else { return true }
    hasEnded = waitpid(identifier, &status, waiting ? 0 : WNOHANG) == identifier
    if hasEnded { Leftovers.shared.remove(identifier) }
    return hasEnded
  }

  /// Keeps the peer from inheriting descriptors: a pipe of another test would stay open as long as the peer lives.
  private static func closeOthers(_ actions: inout posix_spawn_file_actions_t) throws {
    // Glibc has the function, but its declaration is hidden from Swift.
    typealias CloseFrom = @convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, Int32) -> Int32
    guard let symbol = dlsym(nil, "posix_spawn_file_actions_addclosefrom_np") else {
      throw PeerError("this C library cannot close descriptors for a new process")
    }
    guard unsafeBitCast(symbol, to: CloseFrom.self)(&actions, 3) == 0 else { throw PeerError("no memory") }
  }

  private static func spawn(
    _ command: [String], log: String, environment: [String: String]
  ) throws -> Int32 {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o644)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)
    try closeOthers(&actions)
    // The test process may have signals blocked on this thread; the peer must not inherit that.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    var arguments = command.map { strdup($0) } + [nil]
    var variables = environment.map { strdup("\($0)=\($1)") } + [nil]
    defer { for pointer in arguments + variables { free(pointer) } }
    var identifier: pid_t = 0
    let status = posix_spawn(&identifier, command[0], &actions, &attributes, &arguments, &variables)
    guard status == 0 else { throw PeerError("\(command[0]): \(String(cString: strerror(status)))") }
    return identifier
  }

  /// Waits until something accepts connections on a port of this machine.
  package func waitForPort(_ port: Int, seconds: Double = 30) throws {
    let end = Date().addingTimeInterval(seconds)
    while Date() < end {
      if LoopbackPort.accepts(port) { return }
      guard isRunning else { break }
      usleep(30_000)
    }
    throw PeerError("\(name) does not listen on port \(port):\n\(log.suffix(4_000))")
  }

  private static func find(_ program: String) -> String? {
    if program.contains("/") { return FileManager.default.isExecutableFile(atPath: program) ? program : nil }
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    let folders = path.split(separator: ":").map(String.init) + ["/usr/sbin", "/usr/bin"]
    return folders.map { $0 + "/" + program }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }
}

/// The peers that run and the folders that exist now, so that neither outlives the test process.
private final class Leftovers: @unchecked Sendable {
  // Sendable: both sets are only touched under the lock.
  static let shared = Leftovers()

  private let lock = NSLock()
  private var identifiers: Set<Int32> = []
  private var folders: Set<String> = []

  private init() {
    atexit { Leftovers.shared.clear() }
  }

  func add(_ identifier: Int32) { _ = lock.withLock { identifiers.insert(identifier) } }
  func remove(_ identifier: Int32) { _ = lock.withLock { identifiers.remove(identifier) } }
  func add(folder: String) { _ = lock.withLock { folders.insert(folder) } }
  func remove(folder: String) { _ = lock.withLock { folders.remove(folder) } }

  private func clear() {
    lock.withLock {
      for identifier in identifiers { kill(identifier, SIGTERM) }
      for _ in 0..<100 where !identifiers.isEmpty {
        identifiers = identifiers.filter { waitpid($0, nil, WNOHANG) == 0 }
        usleep(20_000)
      }
      for identifier in identifiers { kill(identifier, SIGKILL) }
      for folder in folders { try? FileManager.default.removeItem(atPath: folder) }
    }
  }
}

/// A folder that is deleted with the object.
package final class TemporaryFolder: Sendable {
  package let path: String

  /// Makes an empty folder that every user of this machine may enter.
  package init(_ prefix: String = "sallyport-test") throws {
    path = NSTemporaryDirectory() + "\(prefix)-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
    try FileManager.default.createDirectory(
      atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
    Leftovers.shared.add(folder: path)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
    Leftovers.shared.remove(folder: path)
  }

  /// Writes a file.
  ///
  /// - Returns: its path.
  @discardableResult
  package func write(_ name: String, _ text: String, mode: Int = 0o644) throws -> String {
    let file = path + "/" + name
    try text.write(toFile: file, atomically: true, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file)
    return file
  }

  /// The path of a file in this folder.
  package func file(_ name: String) -> String { path + "/" + name }
}
