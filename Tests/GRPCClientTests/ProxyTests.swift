import Egress
import EventLoop
import Foundation
import GRPCClient
import Secrets
import Synchronization
import TLSClient
import TestSupport
import Testing

/// The scheduler through real proxies, with mutual TLS end to end.
@Suite("Through a proxy", .serialized)
struct ProxyTests {
  private let certificates: TestCertificates
  private let server: TemporalServer

  init() throws {
    certificates = try TestCertificates.shared()
    server = try TemporalServer.shared()
  }

  private func proxy(_ address: String) throws -> ProxyConfiguration {
    ProxyConfiguration(
      target: try ProxyTarget(parsing: SharedSecret(copying: address.utf8)),
      bypass: ProxyBypass(exemptsLoopback: false))
  }

  private func channel(
    _ port: Int, through address: String, host: String = "localhost",
    change: (inout ChannelConfiguration) -> Void = { _ in }
  ) throws -> GRPCChannel {
    let proxy = try proxy(address)
    return try Scheduler.channel(port: port, host: host, tls: Scheduler.mutualTLS(certificates)) {
      $0.proxy = proxy
      change(&$0)
    }
  }

  private let info = GRPCCall(path: Scheduler.systemInfo, timeout: .seconds(30))

  @Test("P1 squid before a mutual-TLS nginx: a poll of a minute ends well, a cancelled one frees the queue at once")
  func squid() async throws {
    let gateway = try Gateway.start(.nginx, backend: server.port, certificates: certificates)
    let squid = try TestProxy.squid(admitting: [gateway.port])
    let channel = try channel(gateway.port, through: squid.addressWithCredentials)
    _ = try await channel.call(info)
    let start = ContinuousClock.now
    async let minute = channel.call(ProxyRequest.poll("proxy-idle", seconds: 100))
    // A poll that is reset on the way through: the next poller gets the task, and not ten seconds later.
    let queue = "proxy-\(UInt32.random(in: 0...UInt32.max))"
    let poll = Task { try await Scheduler.failure(of: channel, ProxyRequest.poll(queue, seconds: 60)) }
    while channel.state.openCalls < 2 { try await Task.sleep(for: .milliseconds(10)) }
    try await Task.sleep(for: .milliseconds(300))
    poll.cancel()
    #expect(try await poll.value.code == .cancelled)
    try await Task.sleep(for: .milliseconds(300))
    let direct = try Scheduler.channel(port: server.port)
    _ = try await direct.call(ProxyRequest.start(queue))
    let began = ContinuousClock.now
    #expect(try await direct.call(ProxyRequest.poll(queue, seconds: 30)).count > 100)
    #expect(ContinuousClock.now - began < .seconds(9))
    // The server ends an empty poll after 50–60 s.
    #expect(try await minute.isEmpty)
    #expect(ContinuousClock.now - start > .seconds(40))
    #expect(channel.state.connections == 1 && channel.state.failedAttempts == 0)
    // The proxy was told the name, not an address.
    await channel.shutdown(grace: .seconds(1))
    await direct.shutdown(grace: .zero)
    for _ in 0..<100 where squid.accessLog.isEmpty { try await Task.sleep(for: .milliseconds(50)) }
    #expect(squid.accessLog.contains("CONNECT localhost:\(gateway.port)"))
    squid.peer.stop()
  }

  /// A channel through a proxy that is spoken to in TLS.
  private func channel(_ port: Int, throughTLS proxy: TestProxy, host: String = "127.0.0.1", authorities: String) throws
    -> GRPCChannel
  {
    let url = "https://u:pa:ss%20canary-word@\(host):\(proxy.port)"
    var configuration = try self.proxy(url)
    configuration.target.authorities = authorities
    let final = configuration
    return try Scheduler.channel(port: port, host: "localhost", tls: Scheduler.mutualTLS(certificates)) {
      $0.proxy = final
    }
  }

  @Test(
    "P1 squid spoken to in TLS, by stunnel: mutual TLS within TLS, for polls, for a megabyte, for many calls at once")
  func proxyInTLS() async throws {
    let gateway = try Gateway.tuned(.nginx, backend: try GRPCPeer.shared().port, certificates: certificates)
    let squid = try TestProxy.squid(admitting: [gateway.port])
    let secured = try TestProxy.secured(squid, certificates.server)
    for host in ["127.0.0.1", "localhost"] {
      let channel = try channel(gateway.port, throughTLS: secured, host: host, authorities: certificates.authority)
      let poll = Task {
        try await channel.call(
          GRPCCall(
            path: "/sally.Test/Sleep", message: [7], metadata: [("seconds", "8")], timeout: .seconds(60),
            isLongPoll: true))
      }
      let large = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
      try await withThrowingTaskGroup(of: Bool.self) { group in
        for index in 0..<30 {
          let message = index % 10 == 0 ? large : [UInt8(index)]
          group.addTask {
            try await channel.call(GRPCCall(path: "/sally.Test/Echo", message: message, timeout: .seconds(60)))
              == message
          }
        }
        for try await isSame in group { #expect(isSame) }
      }
      #expect(try await poll.value.count == 1)
      #expect(channel.state.connections == 1 && channel.state.failedAttempts == 0)
      await channel.shutdown(grace: .seconds(1))
    }
    secured.peer.stop()
    squid.peer.stop()
  }

  @Test(
    "P2 P6 a proxy whose certificate is foreign, or for another name, and one without TLS: told as the proxy's, no password sent"
  )
  func falseProxyInTLS() async throws {
    let gateway = try Gateway.start(.nginx, backend: server.port, certificates: certificates)
    let squid = try TestProxy.squid(admitting: [gateway.port])
    let secured = try TestProxy.secured(squid, certificates.server)
    let misnamed = try TestProxy.secured(squid, certificates.otherHost)
    let cases: [(TestProxy, String, String)] = [
      (secured, certificates.otherAuthority, "authorities"), (misnamed, certificates.authority, "127.0.0.1"),
      (squid, certificates.authority, "TLS"),
    ]
    for (proxy, authorities, word) in cases {
      let channel = try channel(gateway.port, throughTLS: proxy, authorities: authorities)
      let start = ContinuousClock.now
      let error = try await Scheduler.failure(of: channel, GRPCCall(path: Scheduler.systemInfo, timeout: .seconds(60)))
      #expect(error.code == .unavailable && !error.mayHaveReachedServer, "\(error)")
      #expect(error.cause?.contains("TLS with the proxy 127.0.0.1:\(proxy.port)") == true, "\(error)")
      #expect(error.cause?.contains(word) == true, "\(error)")
      #expect(!"\(error)".contains("canary"))
      #expect(ContinuousClock.now - start < .seconds(40))
      await channel.shutdown(grace: .zero)
    }
    // Authorities are read for every connection, and a missing file is named.
    let channel = try channel(gateway.port, throughTLS: secured, authorities: "/no/such/bundle")
    let error = try await Scheduler.failure(of: channel, GRPCCall(path: Scheduler.systemInfo, timeout: .seconds(60)))
    #expect(error.cause?.contains("/no/such/bundle") == true, "\(error)")
    await channel.shutdown(grace: .zero)
    for _ in 0..<20 { try await Task.sleep(for: .milliseconds(50)) }
    #expect(!squid.accessLog.contains("CONNECT"), "no request reached the proxy")
    for proxy in [secured, misnamed, squid] { proxy.peer.stop() }
  }

  @Test("P2 what squid and tinyproxy refuse is told as the proxy's word, at once, without the password")
  func refusals() async throws {
    let gateway = try Gateway.start(.nginx, backend: server.port, certificates: certificates)
    let closed = try LoopbackPort.free()
    let squid = try TestProxy.squid(admitting: [gateway.port, closed])
    let tiny = try TestProxy.tinyproxy(admitting: [gateway.port])
    let wrong = "http://u:wrong-canary@127.0.0.1:\(squid.port)"
    let cases: [(String, Int, String, String, String)] = [
      (squid.address, gateway.port, "localhost", "said 407 Proxy Authentication Required", "wants a user and password"),
      (
        wrong, gateway.port, "localhost", "said 407 Proxy Authentication Required",
        "does not accept the user and password"
      ),
      (tiny.address, gateway.port, "localhost", "said 407", "wants a user and password"),
      ("http://u:wrong-canary@127.0.0.1:\(tiny.port)", gateway.port, "localhost", "said 401", "does not accept"),
      (
        squid.addressWithCredentials, server.port, "localhost", "said 403 Forbidden",
        "rules do not let this destination"
      ),
    ]
    for (address, port, host, said, advice) in cases {
      let channel = try channel(port, through: address, host: host)
      let start = ContinuousClock.now
      let error = try await Scheduler.failure(of: channel, GRPCCall(path: Scheduler.systemInfo, timeout: .seconds(60)))
      #expect(error.code == .unavailable && !error.mayHaveReachedServer)
      #expect(error.cause?.contains(said) == true && error.cause?.contains(advice) == true, "\(error)")
      #expect(error.cause?.contains("the proxy 127.0.0.1:") == true)
      #expect(!"\(error)".contains("canary") && !"\(channel.state)".contains("canary"))
      #expect(ContinuousClock.now - start < .seconds(40))
      await channel.shutdown(grace: .zero)
    }
    // What may be better in a moment is tried again until the call's own deadline.
    for (port, host, said) in [(closed, "localhost", "said 503"), (gateway.port, "no-such-host.invalid", "said 50")] {
      let channel = try channel(port, through: squid.addressWithCredentials, host: host)
      let error = try await Scheduler.failure(of: channel, GRPCCall(path: Scheduler.systemInfo, timeout: .seconds(6)))
      #expect(error.code == .deadlineExceeded)
      #expect(error.cause?.contains(said) == true && error.cause?.contains("it could not reach") == true, "\(error)")
      #expect(channel.state.failedAttempts > 1)
      await channel.shutdown(grace: .zero)
    }
    squid.peer.stop()
    tiny.peer.stop()
  }

  @Test("P3 a proxy that cuts silent tunnels: PINGs keep one alive, and where they come too late that is learnt")
  func idleTimeout() async throws {
    let gateway = try Gateway.start(.haproxyPassThrough, backend: server.port, certificates: certificates)
    let tiny = try TestProxy.tinyproxy(admitting: [gateway.port], timeout: 14, isOpen: true)
    let alive = try channel(gateway.port, through: tiny.address) { $0.keepalive.interval = .seconds(10) }
    let late = try channel(gateway.port, through: tiny.address) { $0.keepalive.interval = .seconds(60) }
    async let steady = alive.call(ProxyRequest.poll("proxy-steady", seconds: 100))
    // Polls on the other connection until it has been cut twice.
    let limit = ContinuousClock.now + .seconds(120)
    var hint: String?
    while hint == nil, ContinuousClock.now < limit {
      async let poll = Scheduler.failure(of: late, ProxyRequest.poll("proxy-late", seconds: 100))
      _ = try await poll
      if let text = late.state.lastError, text.contains("s of silence") { hint = text }
    }
    #expect(hint?.contains("raise its idle timeout") == true, "\(late.state)")
    let connections = late.state.connections
    // With what was learnt the next poll lives longer than the cut.
    async let last = late.call(ProxyRequest.poll("proxy-late", seconds: 100))
    #expect(try await last.isEmpty)
    #expect(late.state.connections <= connections + 1)
    #expect(try await steady.isEmpty)
    #expect(alive.state.connections == 1, "\(alive.state)")
    await alive.shutdown(grace: .zero)
    await late.shutdown(grace: .zero)
    tiny.peer.stop()
  }

  @Test("P6 a proxy that leads to another server, with a certificate of its own: refused, and nothing is sent there")
  func manInTheMiddle() async throws {
    let other = try Gateway.nginx(
      backend: server.port, certificates: certificates, server: certificates.stranger, clientVerification: "",
      location: "return 418;")
    let proxy = try TestProxy.diverting(to: other.port)
    let channel = try channel(7_233, through: proxy.address)
    let error = try await Scheduler.failure(of: channel, info)
    #expect(error.code == .unavailable && !error.mayHaveReachedServer)
    #expect(
      error.cause?.contains("does not come from the authorities in '\(certificates.authority)'") == true, "\(error)")
    #expect(proxy.peer.log.contains("CONNECT localhost:7233 HTTP/1.1"))
    #expect(channel.state.succeededCalls == 0 && channel.state.connections == 0)
    await channel.shutdown(grace: .zero)
    proxy.peer.stop()
    // A certificate of the right authority for the proxy's own address proves nothing either.
    let elsewhere = try Gateway.nginx(
      backend: server.port, certificates: certificates, server: certificates.server, clientVerification: "")
    let second = try TestProxy.diverting(to: elsewhere.port)
    let named = try self.channel(7_233, through: second.address, host: "scheduler.test")
    let mismatch = try await Scheduler.failure(of: named, info)
    #expect(mismatch.cause?.contains("is not for 'scheduler.test'") == true, "\(mismatch)")
    await named.shutdown(grace: .zero)
    second.peer.stop()
  }
}

/// What the channel does with the policy, with several hosts and with unix sockets.
@Suite("The channel's way out", .serialized)
struct WayOutTests {
  @Test("A call to a scheduler that no rule admits fails at once and names the rule") func policy() async throws {
    let listener = try LoopbackListener()
    let policy = try EgressPolicy(parsing: "s.example:7233")
    let channel = try Scheduler.channel(port: listener.port) { $0.egress = policy }
    let start = ContinuousClock.now
    let error = try await Scheduler.failure(of: channel, GRPCCall(path: Scheduler.systemInfo, timeout: .seconds(60)))
    #expect(ContinuousClock.now - start < .seconds(30))
    #expect(error.code == .unavailable && !error.mayHaveReachedServer)
    #expect(error.cause?.contains("add '127.0.0.1:\(listener.port)' to SALLYPORT_EGRESS_ALLOW") == true, "\(error)")
    #expect(listener.drain() == 0)
    await channel.shutdown(grace: .zero)
  }

  @Test("Plaintext to this machine does not extend to another host that serves as well") func remoteAlternative()
    async throws
  {
    let listener = try LoopbackListener()
    let channel = try Scheduler.channel(port: listener.port) { $0.alternatives = [("scheduler.invalid", 7_233)] }
    let error = try await Scheduler.failure(of: channel, GRPCCall(path: Scheduler.systemInfo, timeout: .seconds(20)))
    #expect(error.code == .failedPrecondition && error.message.contains("plaintext to 'scheduler.invalid' is refused"))
    #expect(listener.drain() == 0)
    await channel.shutdown(grace: .zero)
  }

  @Test(
    "Several hosts, each proved by its own name: one that is away and one that shows a wrong certificate are passed by")
  func alternatives() async throws {
    let server = try TemporalServer.shared()
    let certificates = try TestCertificates.shared()
    let wrong = try Gateway.nginx(backend: server.port, certificates: certificates, server: certificates.otherHost)
    let right = try Gateway.nginx(backend: server.port, certificates: certificates)
    let closed = try LoopbackPort.free()
    let channel = try Scheduler.channel(port: closed, host: "127.0.0.1", tls: Scheduler.mutualTLS(certificates)) {
      $0.alternatives = [("localhost", wrong.port), ("localhost", right.port)]
    }
    // A wrong certificate fails the calls that wait for it; the next attempt begins with the next host.
    var answer: [UInt8] = []
    for _ in 0..<6 where answer.isEmpty {
      answer = (try? await channel.call(GRPCCall(path: Scheduler.systemInfo, timeout: .seconds(20)))) ?? []
    }
    #expect(answer.count > 10, "\(channel.state)")
    await channel.shutdown(grace: .seconds(1))
  }

  @Test("P9 the scheduler behind a unix socket; a missing one is waited for with backoff") func unixSocket()
    async throws
  {
    let server = try TemporalServer.shared()
    let folder = try TemporaryFolder()
    let socket = folder.file("scheduler.sock")
    let channel = try Scheduler.channel(port: 7_233, host: "localhost") { $0.socketPath = socket }
    async let waiting = channel.call(GRPCCall(path: Scheduler.systemInfo, timeout: .seconds(60)))
    while channel.state.failedAttempts < 2 { try await Task.sleep(for: .milliseconds(10)) }
    #expect(channel.state.lastError?.contains("No such file") == true)
    let configuration = try folder.write(
      "haproxy.cfg",
      """
      defaults
        mode tcp
        timeout connect 5s
        timeout client 60s
        timeout server 60s
      listen gate
        bind unix@\(socket)
        server s1 127.0.0.1:\(server.port)

      """)
    let peer = try BackgroundPeer("haproxy", ["-db", "-f", configuration], folder: folder.path)
    #expect(try await waiting.count > 10)
    await channel.shutdown(grace: .seconds(1))
    peer.stop()
  }

  @Test("P10 fifty clients that lose the same server come back spread out") func spread() async throws {
    let times = Mutex<[ContinuousClock.Instant]>([])
    // Closes every connection: each client comes once, then again after its first pause of 2 s ± 20 %.
    let server = try RawServer { _ in times.withLock { $0.append(.now) } }
    let channels = try (0..<50).map { _ in
      try Scheduler.channel(port: server.port) {
        $0.backoff.initial = .seconds(2)
        $0.backoff.maximum = .seconds(10)
        $0.backoff.jitter = 0.2
      }
    }
    await withTaskGroup(of: Void.self) { group in
      for channel in channels {
        group.addTask { _ = try? await channel.call(GRPCCall(path: Scheduler.systemInfo, timeout: .seconds(4))) }
      }
    }
    for channel in channels { await channel.shutdown(grace: .zero) }
    let arrivals = times.withLock { $0 }.sorted()
    let first = try #require(arrivals.first)
    // The second round: what came 1.2 s or more after the first connection of all.
    let second = arrivals.map { $0 - first }.filter { $0 > .milliseconds(1_200) }
    #expect(second.count >= 25, "\(arrivals.count) connections")
    let earliest = try #require(second.min())
    let latest = try #require(second.max())
    #expect(latest - earliest > .milliseconds(300), "\(earliest)…\(latest)")
    // No tenth of a second holds more than two fifths of them.
    let crowd =
      Dictionary(grouping: second) { Int(($0 - earliest) / .milliseconds(100)) }.values.map(\.count).max() ?? 0
    #expect(crowd * 5 <= second.count * 2, "\(crowd) of \(second.count) within 100 ms")
  }
}

/// Requests of the Temporal service, written field by field: this target has no message types.
private enum ProxyRequest {
  private static let service = "/temporal.api.workflowservice.v1.WorkflowService/"

  static func start(_ queue: String) -> GRPCCall {
    GRPCCall(
      path: service + "StartWorkflowExecution",
      message: field(1, "default") + field(2, queue) + field(3, field(1, "any")) + field(4, field(1, queue))
        + field(9, "tests") + field(10, queue), timeout: .seconds(30))
  }

  static func poll(_ queue: String, seconds: Int64) -> GRPCCall {
    GRPCCall(
      path: service + "PollWorkflowTaskQueue",
      message: field(1, "default") + field(2, field(1, queue)) + field(3, "tests"), timeout: .seconds(seconds),
      isLongPoll: true)
  }

  private static func field(_ number: UInt8, _ text: String) -> [UInt8] { field(number, Array(text.utf8)) }

  private static func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
    [number << 3 | 2, UInt8(bytes.count)] + bytes
  }
}
