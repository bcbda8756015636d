import Egress
import Foundation
import Secrets
import Synchronization
import TestSupport
import Testing

@testable import EventLoop

/// An actor on a loop of its own, which dials.
actor Dialer {
  let loop: EventLoop
  private var kept: [Dial] = []

  init(_ name: String = "dialer") throws { loop = try EventLoop(name: name) }

  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  /// Dials; the host for which the connection stands and the address it stands to, or the error, and the time it took.
  func dial(
    _ target: Dial.Target, resolver: Dial.Resolver? = nil
  ) async -> (result: Result<String, EventLoopError>, time: Duration) {
    let start = ContinuousClock.now
    let result: Result<String, EventLoopError> = await withCheckedContinuation { continuation in
      let end = { (result: Result<StreamSocket, EventLoopError>) in
        let shown = result.map { socket in
          defer { socket.close() }
          return "\(socket.name) \(socket.peer)"
        }
        continuation.resume(returning: shown)
      }
      let dial =
        resolver.map { Dial(target, on: loop, resolver: $0, completion: end) }
        ?? Dial(target, on: loop, completion: end)
      kept.append(dial)
      dial.start()
    }
    return (result, ContinuousClock.now - start)
  }

  /// Dials and reads so many bytes from the connection.
  func read(_ count: Int, from target: Dial.Target) async throws -> [UInt8] {
    let socket: StreamSocket = try await withCheckedThrowingContinuation { continuation in
      let dial = Dial(target, on: loop) { result in
        nonisolated(unsafe) let result = result
        continuation.resume(with: result)
      }
      kept.append(dial)
      dial.start()
    }
    defer { socket.close() }
    var bytes: [UInt8] = []
    let end = ContinuousClock.now + .seconds(60)
    while bytes.count < count, ContinuousClock.now < end {
      var buffer = [UInt8](repeating: 0, count: 100)
      if case .moved(let got) = buffer.withUnsafeMutableBytes({ socket.receive(into: $0) }) { bytes += buffer[..<got] }
      try await Task.sleep(for: .milliseconds(5))
    }
    return bytes
  }

  /// Runs on the loop's thread.
  func perform<T: Sendable>(_ body: @Sendable () throws -> T) throws -> T { try body() }

  /// How late a timer of the loop comes.
  func lateness(after pause: Duration) async -> Duration {
    let due = MonotonicTime.now() + pause
    await withCheckedContinuation { continuation in loop.setTimer(at: due) { continuation.resume() } }
    return .now() - due
  }

  func stop() { loop.stop() }
}

@Suite("Dialing")
struct DialTests {
  private func resolver(_ literals: [String]) -> Dial.Resolver {
    { _, port in
      Result { () throws(EventLoopError) in
        var all: [SocketAddress] = []
        for literal in literals { all += try SocketAddress.resolve(host: literal, port: port) }
        return all
      }
    }
  }

  @Test("P7 only [::1], dual stack with a silent IPv6, a refusing IPv4: the right address, promptly")
  func happyEyeballs() async throws {
    let dialer = try Dialer()
    let both = resolver(["::1", "127.0.0.1"])
    // IPv6 alone, as a literal.
    let six = try LoopbackListener("::1")
    let alone = await dialer.dial(.init(host: "::1", port: six.port))
    #expect(alone.result == .success("::1 [::1]:\(six.port)"))
    // IPv4 refuses.
    let reversed = await dialer.dial(
      .init(host: "s.example", port: six.port), resolver: resolver(["127.0.0.1", "::1"]))
    #expect(reversed.result == .success("s.example [::1]:\(six.port)"))
    // IPv6 is silent: IPv4 is tried beside it after 250 ms.
    let silent = try LoopbackListener("::1", isFull: true)
    let four = try LoopbackListener("127.0.0.1", port: silent.port)
    let raced = await dialer.dial(.init(host: "s.example", port: four.port), resolver: both)
    #expect(raced.result == .success("s.example 127.0.0.1:\(four.port)"))
    #expect(raced.time >= .milliseconds(240) && raced.time < .seconds(10), "\(raced.time)")
    await dialer.stop()
  }

  @Test("Several hosts: the next one answers for a refusing and for a silent one") func alternatives() async throws {
    let dialer = try Dialer()
    let good = try LoopbackListener()
    let silent = try LoopbackListener(isFull: true)
    var target = Dial.Target(host: "127.0.0.1", port: try LoopbackPort.free())
    target.alternatives = [("no-such-host.invalid", 1), ("127.0.0.1", silent.port), ("localhost", good.port)]
    let result = await dialer.dial(target)
    #expect(result.result == .success("localhost 127.0.0.1:\(good.port)"))
    await dialer.stop()
  }

  @Test("T8 a name that comes to lead to this machine is refused, and nothing is dialed") func rebinding() async throws
  {
    let dialer = try Dialer()
    let listener = try LoopbackListener()
    let count = Mutex(0)
    var target = Dial.Target(host: "rebind.example", port: listener.port, timeout: .seconds(1))
    target.policy = try EgressPolicy(parsing: "rebind.example:\(listener.port)")
    // First a public address (TEST-NET-1, where nobody answers), then this machine.
    let resolver: Dial.Resolver = { _, port in
      let literal = count.withLock { count in
        count += 1
        return count == 1 ? "192.0.2.1" : "127.0.0.1"
      }
      return Result { () throws(EventLoopError) in try SocketAddress.resolve(host: literal, port: port) }
    }
    let first = await dialer.dial(target, resolver: resolver)
    guard case .failure(let other) = first.result else { throw PeerError("connected to TEST-NET-1") }
    #expect(other.code != .egressRefused)
    let second = await dialer.dial(target, resolver: resolver)
    guard case .failure(let error) = second.result else { throw PeerError("the rebound name passed") }
    #expect(error.code == .egressRefused && error.reason == .address)
    #expect(error.message.contains("'rebind.example' leads to 127.0.0.1, a loopback address"))
    #expect(listener.drain() == 0)
    // Listed by itself, the address may be dialed.
    target.policy = try EgressPolicy(parsing: "rebind.example:\(listener.port), 127.0.0.1:\(listener.port)")
    #expect(
      await dialer.dial(target, resolver: resolver).result == .success("rebind.example 127.0.0.1:\(listener.port)"))
    #expect(listener.drain() == 1)
    await dialer.stop()
  }

  @Test("P8 the answer of each dial's own resolution counts; a resolver that hangs does not hold up the loop")
  func resolution() async throws {
    let dialer = try Dialer()
    let folder = try TemporaryFolder()
    let server = try await dialer.perform { () throws -> NameServer in
      try NetworkNamespace.enter(
        resolver: "nameserver 127.0.0.1\noptions timeout:20 attempts:1\n", folder: folder)
      return try NameServer()
    }
    let port = try await dialer.perform { try LoopbackListener() }
    // Moves from one address to another between two dials.
    server.set("s.example", .addresses(["127.0.0.1"]))
    let first = await dialer.dial(.init(host: "s.example", port: port.port))
    #expect(first.result == .success("s.example 127.0.0.1:\(port.port)"))
    let moved = try await dialer.perform { try LoopbackListener("::1", port: port.port) }
    server.set("s.example", .addresses(["::1"]))
    let second = await dialer.dial(.init(host: "s.example", port: moved.port))
    #expect(second.result == .success("s.example [::1]:\(moved.port)"))
    // A name that is gone, and one that comes back.
    server.set("s.example", .noSuchName)
    guard case .failure(let gone) = await dialer.dial(.init(host: "s.example", port: port.port)).result else {
      throw PeerError("a name without address was dialed")
    }
    #expect(gone.code == .nameNotResolved && gone.isTransient)
    // Ten seconds of silence: the dial ends at its own time, and the loop's timers keep theirs.
    server.set("slow.example", .silence(10))
    async let slow = dialer.dial(.init(host: "slow.example", port: port.port, timeout: .seconds(2)))
    var latest = Duration.zero
    for _ in 0..<10 { latest = max(latest, await dialer.lateness(after: .milliseconds(50))) }
    #expect(latest < .seconds(1), "\(latest)")
    let ended = await slow
    guard case .failure(let error) = ended.result else { throw PeerError("connected") }
    #expect(error.code == .connectTimedOut && error.message.contains("'slow.example' was not resolved within 2 s"))
    #expect(ended.time >= .seconds(2) && ended.time < .seconds(9), "\(ended.time)")
    #expect(server.questions.contains("s.example") && server.questions.contains("slow.example"))
    server.stop()
    await dialer.stop()
  }

  @Test("A name that no rule lists is not even asked for") func noQuestion() async throws {
    let dialer = try Dialer()
    let folder = try TemporaryFolder()
    let server = try await dialer.perform { () throws -> NameServer in
      try NetworkNamespace.enter(resolver: "nameserver 127.0.0.1\n", folder: folder)
      return try NameServer()
    }
    var target = Dial.Target(host: "exfiltrated-data.evil.example", port: 443)
    target.policy = try EgressPolicy(parsing: "s.example:443")
    guard case .failure(let error) = await dialer.dial(target).result else { throw PeerError("connected") }
    #expect(error.code == .egressRefused)
    #expect(server.questions.isEmpty)
    server.stop()
    await dialer.stop()
  }

  @Test("P10 a host that never answers costs the configured time and no more") func blackhole() async throws {
    let dialer = try Dialer()
    let silent = try LoopbackListener(isFull: true)
    let (result, time) = await dialer.dial(.init(host: "127.0.0.1", port: silent.port, timeout: .seconds(1)))
    #expect(
      result == .failure(EventLoopError(.connectTimedOut, "127.0.0.1:\(silent.port): no answer within 1 s")))
    #expect(time >= .seconds(1) && time < .seconds(10), "\(time)")
    await dialer.stop()
  }

  @Test("P9 a unix socket: one that answers, a path without any, one of another user, one that no rule lists")
  func unixSocket() async throws {
    let dialer = try Dialer()
    let folder = try TemporaryFolder()
    func target(_ name: String) -> Dial.Target {
      var target = Dial.Target(host: "localhost", port: 1)
      target.route = .unix(folder.file(name))
      return target
    }
    let script =
      "import socket,sys,time\ns=socket.socket(socket.AF_UNIX)\ns.bind(sys.argv[1])\ns.listen(8)\ntime.sleep(300)"
    let own = try BackgroundPeer("/usr/bin/python3", ["-c", script, folder.file("own")], folder: folder.path)
    // Another user listens in a folder of its own.
    guard geteuid() == 0 else { throw PeerError("this test must run as root: it needs a socket of another user") }
    let foreign = folder.file("foreign")
    try FileManager.default.createDirectory(atPath: foreign, withIntermediateDirectories: true)
    chmod(foreign, 0o777)
    let other = try BackgroundPeer(
      "setpriv",
      ["--reuid=65534", "--regid=65534", "--clear-groups", "/usr/bin/python3", "-c", script, foreign + "/s"],
      folder: folder.path)
    let end = ContinuousClock.now + .seconds(60)
    while ContinuousClock.now < end,
      !["own", "foreign/s"].allSatisfy({ FileManager.default.fileExists(atPath: folder.file($0)) })
    {
      try await Task.sleep(for: .milliseconds(50))
    }
    try await Task.sleep(for: .milliseconds(200))
    #expect(await dialer.dial(target("own")).result == .success("localhost unix:\(folder.file("own"))"))
    guard case .failure(let missing) = await dialer.dial(target("missing")).result else { throw PeerError("connected") }
    #expect(missing.code == .connectFailed && missing.isTransient && missing.message.contains("No such file"))
    guard case .failure(let refused) = await dialer.dial(target("foreign/s")).result else {
      throw PeerError("a socket of another user was accepted")
    }
    #expect(!refused.isTransient && refused.message.contains("user 65534 listens there"), "\(refused) \(other.log)")
    var ruled = target("own")
    ruled.policy = try EgressPolicy(parsing: "unix:\(folder.path)")
    #expect(try await dialer.dial(ruled).result.get().hasPrefix("localhost unix:"))
    ruled.policy = try EgressPolicy(parsing: "localhost:1")
    guard case .failure(let unlisted) = await dialer.dial(ruled).result else {
      throw PeerError("no rule, yet connected")
    }
    #expect(unlisted.code == .egressRefused && unlisted.reason == .socket)
    own.stop()
    other.stop()
    await dialer.stop()
  }
}
