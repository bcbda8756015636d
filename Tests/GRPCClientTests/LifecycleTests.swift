import Foundation
import GRPCClient
import TestSupport
import Testing

/// Requests of the Temporal service, written field by field: this target has no message types.
private enum Request {
  private static let service = "/temporal.api.workflowservice.v1.WorkflowService/"

  static func start(_ id: String, queue: String, input: [UInt8]) -> GRPCCall {
    GRPCCall(
      path: service + "StartWorkflowExecution",
      message: field(1, "default") + field(2, id) + field(3, field(1, "bulk")) + field(4, field(1, queue))
        + field(5, payloads(input)) + field(9, "tests") + field(10, id), timeout: .seconds(30))
  }

  static func signal(_ id: String, number: Int, input: [UInt8]) -> GRPCCall {
    GRPCCall(
      path: service + "SignalWorkflowExecution",
      message: field(1, "default") + field(2, field(1, id)) + field(3, "more") + field(4, payloads(input))
        + field(6, "\(id)-\(number)"), timeout: .seconds(30))
  }

  static func poll(_ queue: String, seconds: Int64) -> GRPCCall {
    GRPCCall(
      path: service + "PollWorkflowTaskQueue",
      message: field(1, "default") + field(2, field(1, queue)) + field(3, "tests"), timeout: .seconds(seconds),
      isLongPoll: true)
  }

  private static func payloads(_ data: [UInt8]) -> [UInt8] {
    field(1, field(1, field(1, "encoding") + field(2, "binary/plain")) + field(2, data))
  }

  private static func field(_ number: UInt8, _ text: String) -> [UInt8] { field(number, Array(text.utf8)) }

  private static func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
    var length = bytes.count
    var header: [UInt8] = [number << 3 | 2]
    while length >= 128 {
      header.append(UInt8(length & 127 | 128))
      length >>= 7
    }
    return header + [UInt8(length)] + bytes
  }
}

/// What a connection goes through in its life: age, restarts, limits, cancellation, volume.
@Suite("Life of a connection", .serialized)
struct LifecycleTests {
  @Test("The server's GOAWAY by age disturbs neither short calls nor open polls")
  func connectionAge() async throws {
    let server = try TemporalServer(dynamicConfiguration: [
      "frontend.keepAliveMaxConnectionAge=\"1500ms\"", "frontend.keepAliveMaxConnectionAgeGrace=\"10s\"",
    ])
    let channel = try Scheduler.channel(port: server.port)
    // At least 8 s, and on a busy machine until the third connection.
    let end = ContinuousClock.now + .seconds(8)
    let limit = ContinuousClock.now + .seconds(60)
    let calls = try await withThrowingTaskGroup(of: Int.self) { group in
      for index in 0..<4 {
        group.addTask {
          var count = 0
          while ContinuousClock.now < end || (channel.state.connections < 3 && ContinuousClock.now < limit) {
            let call = GRPCCall(path: Scheduler.systemInfo, timeout: .seconds(5))
            _ = try await channel.call(index == 0 ? Request.poll("nothing-\(index)", seconds: 4) : call)
            count += 1
            try await Task.sleep(for: .milliseconds(20))
          }
          return count
        }
      }
      return try await group.reduce(0, +)
    }
    #expect(calls >= 8)
    #expect(channel.state.connections >= 3)
    #expect(channel.state.failedCalls == 0)
    #expect(channel.state.failedAttempts == 0)
    await channel.shutdown(grace: .seconds(1))
  }

  @Test("A gateway that ends connections after five requests disturbs no call")
  func requestsPerConnection() async throws {
    let server = try TemporalServer.shared()
    let certificates = try TestCertificates.shared()
    let gateway = try Gateway.nginx(
      backend: server.port, certificates: certificates, keepaliveRequests: 5)
    let channel = try Scheduler.channel(
      port: gateway.port, host: "localhost", tls: Scheduler.mutualTLS(certificates))
    for _ in 0..<50 { _ = try await channel.call(GRPCCall(path: Scheduler.systemInfo, timeout: .seconds(10))) }
    #expect(channel.state.connections >= 10)
    #expect(channel.state.failedCalls == 0)
    await channel.shutdown(grace: .seconds(1))
  }

  @Test("A gateway that is killed and comes back")
  func gatewayRestart() async throws {
    let server = try TemporalServer.shared()
    let certificates = try TestCertificates.shared()
    var gateway = try Gateway.start(.haproxy, backend: server.port, certificates: certificates)
    let port = gateway.port
    let channel = try Scheduler.channel(port: port, host: "localhost", tls: Scheduler.mutualTLS(certificates))
    _ = try await channel.call(GRPCCall(path: Scheduler.systemInfo, timeout: .seconds(10)))
    async let lost = Scheduler.failure(of: channel, Request.poll("gone", seconds: 60))
    while channel.state.openCalls == 0 { try await Task.sleep(for: .milliseconds(10)) }
    try await Task.sleep(for: .milliseconds(100))
    gateway.peer.stop(SIGKILL)
    let error = try await lost
    #expect(error.code == .unavailable)
    #expect(error.mayHaveReachedServer)
    // A call made now waits for the connection instead of failing.
    async let waiting = channel.call(GRPCCall(path: Scheduler.systemInfo, timeout: .seconds(20)))
    while channel.state.failedAttempts < 2 { try await Task.sleep(for: .milliseconds(10)) }
    #expect(channel.state.lastError?.contains("refused") == true)
    #expect(!channel.state.isConnected)
    gateway = try Gateway.start(.haproxy, backend: server.port, certificates: certificates, port: port)
    #expect(try await waiting.count > 10)
    #expect(channel.state.isConnected)
    #expect(channel.state.lastError == nil)
    await channel.shutdown(grace: .seconds(1))
    gateway.peer.stop()
  }

  @Test("Requests and responses of megabytes", arguments: [nil] + Gateway.Kind.allCases)
  func volume(_ kind: Gateway.Kind?) async throws {
    let server = try TemporalServer.shared()
    let certificates = try TestCertificates.shared()
    let gateway = try kind.map { try Gateway.start($0, backend: server.port, certificates: certificates) }
    let channel = try Scheduler.channel(
      port: gateway?.port ?? server.port, host: "localhost",
      tls: gateway == nil ? nil : Scheduler.mutualTLS(certificates))
    let id = "bulk-\(UInt32.random(in: 0...UInt32.max))"
    let data = (0..<1_500_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
    _ = try await channel.call(Request.start(id, queue: id, input: data))
    for number in 0..<3 { _ = try await channel.call(Request.signal(id, number: number, input: data)) }
    let task = try await channel.call(Request.poll(id, seconds: 30))
    #expect(task.count > 6_000_000)
    await channel.shutdown(grace: .seconds(1))
  }

  @Test("A request over the limit is refused here and not sent")
  func requestLimit() async throws {
    let listener = try RawServer { _ in }
    let channel = try Scheduler.channel(port: listener.port)
    let error = try await Scheduler.failure(
      of: channel,
      GRPCCall(path: Scheduler.systemInfo, message: Array(repeating: 1, count: 4 << 20 + 1), timeout: .seconds(5)))
    #expect(error.code == .resourceExhausted)
    #expect(!error.mayHaveReachedServer)
    #expect(listener.connections == 0)
    await channel.shutdown(grace: .zero)
  }

  @Test("A cancelled poll frees the queue at once", arguments: [nil] + Gateway.Kind.allCases)
  func cancelPoll(_ kind: Gateway.Kind?) async throws {
    let server = try TemporalServer.shared()
    let certificates = try TestCertificates.shared()
    let gateway = try kind.map { try Gateway.start($0, backend: server.port, certificates: certificates) }
    let channel = try Scheduler.channel(
      port: gateway?.port ?? server.port, host: "localhost",
      tls: gateway == nil ? nil : Scheduler.mutualTLS(certificates))
    let queue = "cancel-\(UInt32.random(in: 0...UInt32.max))"
    let poll = Task { try await Scheduler.failure(of: channel, Request.poll(queue, seconds: 60)) }
    while channel.state.openCalls == 0 { try await Task.sleep(for: .milliseconds(10)) }
    try await Task.sleep(for: .milliseconds(300))
    poll.cancel()
    let error = try await poll.value
    #expect(error.code == .cancelled)
    try await Task.sleep(for: .milliseconds(200))
    // Were the dead poll still registered, it would swallow the task of the new workflow for ten seconds.
    let direct = try Scheduler.channel(port: server.port)
    _ = try await direct.call(Request.start(queue, queue: queue, input: [1]))
    let start = ContinuousClock.now
    #expect(try await direct.call(Request.poll(queue, seconds: 20)).count > 100)
    #expect(ContinuousClock.now - start < .seconds(9))
    await channel.shutdown(grace: .zero)
    await direct.shutdown(grace: .zero)
  }

  @Test("Shutdown lets calls finish within the grace and cancels the rest")
  func shutdown() async throws {
    let server = try TemporalServer.shared()
    let channel = try Scheduler.channel(port: server.port)
    async let short = channel.call(Request.poll("short", seconds: 3))
    async let long = Scheduler.failure(of: channel, Request.poll("long", seconds: 60))
    while channel.state.openCalls < 2 { try await Task.sleep(for: .milliseconds(10)) }
    let start = ContinuousClock.now
    await channel.shutdown(grace: .seconds(4))
    #expect(ContinuousClock.now - start < .seconds(30))
    #expect(try await short.isEmpty)
    #expect(try await long.code == .cancelled)
    let late = try await Scheduler.failure(of: channel, GRPCCall(path: Scheduler.systemInfo, timeout: .seconds(1)))
    #expect(late.code == .unavailable)
    #expect(!late.mayHaveReachedServer)
  }
}
