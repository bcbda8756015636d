import Foundation
import GRPCClient
import HTTP2Client
import TestSupport
import Testing

/// The cases of the transport's specification that need a real gateway, a real Temporal server, or both.
@Suite("Conformance with real gateways", .serialized)
struct GatewayConformanceTests {
  private let certificates: TestCertificates
  private static let call = GRPCCall(path: Scheduler.systemInfo, timeout: .seconds(60))
  private static let kinds: [Gateway.Kind] = [.nginx, .haproxy, .nghttpx]

  init() throws { certificates = try TestCertificates.shared() }

  private func channel(
    _ gateway: Gateway, change: (inout ChannelConfiguration) -> Void = { _ in }
  ) throws -> GRPCChannel {
    try Scheduler.channel(
      port: gateway.port, host: "localhost", tls: Scheduler.mutualTLS(certificates), change: change)
  }

  /// A call that the grpcio server holds for a while.
  private static func sleep(_ seconds: Double, isPoll: Bool = true) -> GRPCCall {
    GRPCCall(
      path: "/sally.Test/Sleep", message: [7], metadata: [("seconds", "\(seconds)")], timeout: .seconds(60),
      isLongPoll: isPoll)
  }

  /// An empty poll of a queue that nobody fills.
  private static func poll(_ queue: String, timeout: Duration = .seconds(60)) -> GRPCCall {
    func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] { [number << 3 | 2, UInt8(bytes.count)] + bytes }
    return GRPCCall(
      path: "/temporal.api.workflowservice.v1.WorkflowService/PollWorkflowTaskQueue",
      message: field(1, Array("default".utf8)) + field(2, field(1, Array(queue.utf8))) + field(3, Array("tests".utf8)),
      timeout: timeout, isLongPoll: true)
  }

  @Test("H4 three hundred calls at once through nghttpx: never more than it admits, so it has no reason to hang up")
  func creditOfNghttpxIsKept() async throws {
    let gateway = try Gateway.tuned(.nghttpx, backend: try GRPCPeer.shared().port, certificates: certificates)
    let channel = try channel(gateway)
    let highest = Witness<Int>()
    try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<300 {
        group.addTask {
          let count = try await channel.call(Self.sleep(0.2, isPoll: false)).count
          highest.saw(channel.state.openCalls)
          return count
        }
      }
      for try await count in group { #expect(count == 1) }
    }
    // nghttpx answers the hundred and first stream with GOAWAY(PROTOCOL_ERROR): that there was one connection is the proof.
    #expect((highest.values.max() ?? 0) > 50)
    #expect(channel.state.connections == 1)
    #expect(channel.state.failedCalls == 0)
    await channel.shutdown(grace: .zero)
  }

  @Test(
    "H5 two streams of nginx and two of haproxy: calls take turns, none is refused",
    arguments: [Gateway.Kind.nginx, .haproxy])
  func smallCreditIsKept(_ kind: Gateway.Kind) async throws {
    var tuning = Gateway.Tuning()
    tuning.streams = 2
    let gateway = try Gateway.tuned(kind, backend: try GRPCPeer.shared().port, certificates: certificates, tuning)
    let channel = try channel(gateway)
    try await withThrowingTaskGroup(of: Int.self) { group in
      for index in 0..<30 {
        group.addTask { try await channel.call(Self.sleep(0.02, isPoll: index % 2 == 0)).count }
      }
      for try await count in group { #expect(count == 1) }
    }
    #expect(channel.state.connections == 1)
    #expect(channel.state.failedCalls == 0)
    await channel.shutdown(grace: .zero)
  }

  @Test(
    "H5 more polls than one connection's streams: further connections carry them, and other calls never wait for them",
    arguments: [Gateway.Kind.nginx, .haproxy])
  func pollsBeyondTheCredit(_ kind: Gateway.Kind) async throws {
    var tuning = Gateway.Tuning()
    tuning.streams = 4
    let gateway = try Gateway.tuned(kind, backend: try GRPCPeer.shared().port, certificates: certificates, tuning)
    let channel = try channel(gateway)
    let polls = Task {
      try await withThrowingTaskGroup(of: Int.self) { group in
        for _ in 0..<8 { group.addTask { try await channel.call(Self.sleep(15)).count } }
        return try await group.reduce(0, +)
      }
    }
    // Eight polls and a reserve of two need three connections of four streams.
    try await RotationRig.until("all polls on streams") {
      channel.state.openCalls == 8 && channel.state.waitingCalls == 0
    }
    #expect(channel.state.streamShortage == nil)
    for _ in 0..<10 {
      let begun = ContinuousClock.now
      #expect(try await channel.call(Self.sleep(0, isPoll: false)).count == 1)
      #expect(ContinuousClock.now - begun < .seconds(2))
    }
    #expect(try await polls.value == 8)
    #expect(channel.state.failedCalls == 0 && channel.state.failedAttempts == 0)
    await channel.shutdown(grace: .zero)
  }

  @Test(
    "H5 where no further connection may be made, polls take turns, other calls do not wait, and the way out is told")
  func pollsTakeTurns() async throws {
    var tuning = Gateway.Tuning()
    tuning.streams = 4
    let gateway = try Gateway.tuned(.haproxy, backend: try GRPCPeer.shared().port, certificates: certificates, tuning)
    let channel = try channel(gateway) { $0.connectionLimit = 1 }
    let polls = Task {
      try await withThrowingTaskGroup(of: Int.self) { group in
        for _ in 0..<6 { group.addTask { try await channel.call(Self.sleep(3)).count } }
        return try await group.reduce(0, +)
      }
    }
    try await RotationRig.until("the shortage") { channel.state.streamShortage != nil }
    let text = try #require(channel.state.streamShortage)
    #expect(text.contains("admits 4 streams on 1 connections, 2 of which are kept"), "\(text)")
    #expect(text.contains("8 are needed") && text.contains("SALLYPORT_SCHEDULER_CONNECTIONS"), "\(text)")
    let begun = ContinuousClock.now
    #expect(try await channel.call(Self.sleep(0, isPoll: false)).count == 1)
    #expect(ContinuousClock.now - begun < .seconds(2))
    #expect(try await polls.value == 6)
    try await RotationRig.until("the end of the shortage") { channel.state.streamShortage == nil }
    #expect(channel.state.connections == 1 && channel.state.failedCalls == 0)
    await channel.shutdown(grace: .zero)
  }

  @Test("H8 H9 a gateway is reloaded while a poll is open and calls race: all end well", arguments: kinds)
  func reloadDisturbsNobody(_ kind: Gateway.Kind) async throws {
    let gateway = try Gateway.tuned(kind, backend: try GRPCPeer.shared().port, certificates: certificates)
    let channel = try channel(gateway)
    _ = try await channel.call(Self.sleep(0))
    try await withThrowingTaskGroup(of: Int.self) { group in
      group.addTask { try await channel.call(Self.sleep(5)).count }
      for _ in 0..<4 {
        group.addTask {
          let end = ContinuousClock.now + .seconds(4)
          while ContinuousClock.now < end { _ = try await channel.call(Self.sleep(0.01, isPoll: false)) }
          return 1
        }
      }
      try await Task.sleep(for: .milliseconds(500))
      gateway.reload(kind)
      for try await count in group { #expect(count == 1) }
    }
    #expect(channel.state.failedCalls == 0, "\(String(describing: channel.state.lastError))")
    await channel.shutdown(grace: .zero)
  }

  @Test("H10 nginx ends connections after five requests: fifty calls in a row, ten connections, no error")
  func requestsPerConnection() async throws {
    let gateway = try Gateway.nginx(
      backend: try GRPCPeer.shared().port, certificates: certificates, keepaliveRequests: 5)
    let channel = try channel(gateway)
    for _ in 0..<50 { #expect(try await channel.call(Self.sleep(0)).count == 1) }
    #expect(channel.state.connections >= 10)
    #expect(channel.state.failedCalls == 0)
    await channel.shutdown(grace: .zero)
  }

  @Test("H11 Temporal's max_age and max_idle, shortened: calls and polls go on over new connections")
  func temporalEndsConnections() async throws {
    let server = try TemporalServer(dynamicConfiguration: [
      "frontend.keepAliveMaxConnectionAge=\"2s\"", "frontend.keepAliveMaxConnectionAgeGrace=\"10s\"",
      "frontend.keepAliveMaxConnectionIdle=\"1s\"",
    ])
    let channel = try Scheduler.channel(port: server.port)
    // Idle: the server hangs up; the next call is none the wiser.
    for visit in 1...2 {
      _ = try await channel.call(Self.call)
      #expect(channel.state.connections == visit)
      try await eventually { !channel.state.isConnected }
    }
    // Age: polls of some three seconds outlive connections of two.
    let aged = channel.state.connections
    for _ in 0..<2 {
      async let poll = channel.call(Self.poll("aged", timeout: .seconds(4)))
      for _ in 0..<10 {
        _ = try await channel.call(Self.call)
        try await Task.sleep(for: .milliseconds(250))
      }
      #expect(try await poll.isEmpty)
    }
    #expect(channel.state.connections > aged)
    #expect(channel.state.failedCalls == 0)
    await channel.shutdown(grace: .zero)
  }

  @Test("H22 a hundred open polls and one answer of 4 MiB: small calls beside it take no longer")
  func bulkAnswerSparesTheOthers() async throws {
    let peer = try GRPCPeer.shared()
    let channel = try Scheduler.channel(port: peer.port)
    try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<100 { group.addTask { try await channel.call(Self.sleep(4)).count } }
      try await eventually { channel.state.openCalls == 100 }
      async let bulk = channel.call(
        GRPCCall(path: "/sally.Test/Size", metadata: [("bytes", "\(4 << 20)")], timeout: .seconds(60)))
      let start = ContinuousClock.now
      for _ in 0..<20 { #expect(try await channel.call(Self.sleep(0, isPoll: false)).count == 1) }
      #expect(ContinuousClock.now - start < .seconds(20))
      #expect(try await bulk.count == 4 << 20)
      for try await count in group { #expect(count == 1) }
    }
    #expect(channel.state.connections == 1)
    #expect(channel.state.failedCalls == 0)
    await channel.shutdown(grace: .zero)
  }

  @Test("H25 keepalive against Temporal, shortened: pings at the pace that it admits are never too many")
  func pingsKeepTemporalsPace() async throws {
    let server = try TemporalServer(dynamicConfiguration: ["frontend.keepAliveMinTime=\"1s\""])
    let channel = try Scheduler.channel(port: server.port) {
      $0.keepalive = .init(interval: .seconds(1), timeout: .seconds(10))
      $0.http2Timing.pingSpacing = .seconds(1)
    }
    _ = try await channel.call(Self.call)
    // Temporal answers an empty poll shortly before its deadline.
    #expect(try await channel.call(Self.poll("quiet", timeout: .seconds(15))).isEmpty)
    #expect(channel.state.connections == 1)
    #expect(channel.state.lastError == nil)
    await channel.shutdown(grace: .zero)
  }

  @Test("H26 pings too close for Temporal: it says too_many_pings, the interval doubles, and then it is content")
  func pingsTooCloseForTemporal() async throws {
    let server = try TemporalServer(dynamicConfiguration: ["frontend.keepAliveMinTime=\"1s\""])
    let channel = try Scheduler.channel(port: server.port) {
      $0.keepalive = .init(interval: .milliseconds(300), timeout: .seconds(10))
      $0.http2Timing.pingSpacing = .milliseconds(100)
    }
    // 0.3 s and 0.6 s are too often, 1.2 s is not: then the poll comes back empty.
    let end = ContinuousClock.now + .seconds(60)
    var refusals = 0
    var isContent = false
    while !isContent, ContinuousClock.now < end {
      let outcome = try await Scheduler.failure(of: channel, Self.poll("busy", timeout: .seconds(8)))
      isContent = outcome.code == .ok
      guard !isContent else { break }
      #expect(outcome.code == .unavailable, "\(outcome)")
      refusals += 1
    }
    #expect(isContent)
    #expect((1...3).contains(refusals), "\(refusals)")
    #expect(channel.state.connections == refusals + 1)
    await channel.shutdown(grace: .zero)
  }

  @Test("G5 a message over the server's limit: refused here before it is sent; without our limit, by the server, once")
  func oversizeRequestIsRefusedOnce() async throws {
    let peer = try GRPCPeer.shared()
    let big = GRPCCall(
      path: "/sally.Test/Echo", message: Array(repeating: 1, count: 4_500_000), timeout: .seconds(60))
    let careful = try Scheduler.channel(port: peer.port)
    let refused = try await Scheduler.failure(of: careful, big)
    #expect(refused.code == .resourceExhausted)
    #expect(!refused.mayHaveReachedServer)
    #expect(careful.state.connections == 0)
    await careful.shutdown(grace: .zero)
    for kind in [nil, Gateway.Kind.nginx, .haproxy] {
      let gateway = try kind.map { try Gateway.tuned($0, backend: peer.port, certificates: certificates) }
      let bold = try Scheduler.channel(
        port: gateway?.port ?? peer.port, host: "localhost",
        tls: gateway == nil ? nil : Scheduler.mutualTLS(certificates)
      ) { $0.limits.requestBytes = 8 << 20 }
      let error = try await Scheduler.failure(of: bold, big)
      // haproxy passes on the reset alone, as CANCEL; the others say what it is.
      let codes: Set<GRPCStatus> =
        kind == .haproxy ? [.resourceExhausted, .cancelled, .internal, .unavailable] : [.resourceExhausted]
      #expect(codes.contains(error.code), "\(String(describing: kind)): \(error)")
      #expect(error.mayHaveReachedServer)
      #expect(bold.state.failedCalls == 1)
      await bold.shutdown(grace: .zero)
    }
  }

  @Test("G6 nginx's body limit: UNKNOWN with the 413 and what to do about it, not repeated")
  func bodyLimitOfNginx() async throws {
    var tuning = Gateway.Tuning()
    tuning.nginx = ""
    let gateway = try Gateway.tuned(.nginx, backend: try GRPCPeer.shared().port, certificates: certificates, tuning)
    let channel = try channel(gateway)
    let error = try await Scheduler.failure(
      of: channel,
      GRPCCall(path: "/sally.Test/Echo", message: Array(repeating: 1, count: 1_500_000), timeout: .seconds(60)))
    #expect(error.code == .unknown, "\(error)")
    #expect(error.message.contains("413"), "\(error)")
    #expect(error.cause?.contains("client_max_body_size") == true)
    #expect(channel.state.failedCalls == 1)
    #expect(try await channel.call(Self.sleep(0)).count == 1)
    await channel.shutdown(grace: .zero)
  }

  @Test(
    "G12 a poll of an empty queue, shortened: an empty answer through every peer, no error",
    arguments: [nil] + Gateway.Kind.allCases)
  func emptyPollComesBack(_ kind: Gateway.Kind?) async throws {
    let server = try TemporalServer(dynamicConfiguration: ["matching.longPollExpirationInterval=\"3s\""])
    let gateway = try kind.map { try Gateway.start($0, backend: server.port, certificates: certificates) }
    let channel = try Scheduler.channel(
      port: gateway?.port ?? server.port, host: "localhost",
      tls: gateway == nil ? nil : Scheduler.mutualTLS(certificates))
    let start = ContinuousClock.now
    let answer = try await channel.call(Self.poll("empty"))
    let elapsed = ContinuousClock.now - start
    #expect(answer.isEmpty)
    #expect(elapsed > .seconds(1) && elapsed < .seconds(50), "\(elapsed)")
    #expect(channel.state.lastError == nil)
    await channel.shutdown(grace: .zero)
    server.stop()
  }

  @Test(
    "G13 a gateway whose read timeout is shorter than the poll: a status that tells, and the next poll goes on",
    arguments: kinds)
  func readTimeoutOfGateways(_ kind: Gateway.Kind) async throws {
    var tuning = Gateway.Tuning()
    tuning.readTimeout = 2
    let gateway = try Gateway.tuned(kind, backend: try GRPCPeer.shared().port, certificates: certificates, tuning)
    let channel = try channel(gateway)
    for _ in 0..<2 {
      let start = ContinuousClock.now
      let error = try await Scheduler.failure(of: channel, Self.sleep(30))
      #expect(ContinuousClock.now - start < .seconds(20))
      #expect(error.mayHaveReachedServer)
      if kind == .nghttpx {
        #expect(error.code == .internal, "\(error)")
      } else {
        #expect(error.code == .unavailable, "\(error)")
        #expect(error.message.contains("504"), "\(error)")
        #expect(error.cause?.contains("read timeout is too short for long polls") == true)
      }
    }
    #expect(try await channel.call(Self.sleep(0)).count == 1)
    await channel.shutdown(grace: .zero)
  }

  @Test("G18 the backend behind a gateway is down: UNAVAILABLE with the gateway's word for it", arguments: kinds)
  func backendIsDown(_ kind: Gateway.Kind) async throws {
    let gateway = try Gateway.tuned(kind, backend: try LoopbackPort.free(), certificates: certificates)
    let channel = try channel(gateway)
    let error = try await Scheduler.failure(of: channel, Self.call)
    #expect(error.code == .unavailable, "\(error)")
    let word = kind == .haproxy ? "503" : "502"
    #expect(error.message.contains(word), "\(error)")
    #expect(error.cause?.contains("cannot reach it") == true)
    #expect(channel.state.isConnected)
    await channel.shutdown(grace: .zero)
  }
}
