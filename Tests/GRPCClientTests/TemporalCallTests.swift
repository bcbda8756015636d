import GRPCClient
import TestSupport
import Testing

@Suite("Calls to a real Temporal server", .serialized)
struct TemporalCallTests {
  @Test("GetSystemInfo over plaintext to this machine")
  func systemInfo() async throws {
    let server = try TemporalServer.shared()
    let channel = try Scheduler.channel(port: server.port)
    let response = try await channel.call(GRPCCall(path: Scheduler.systemInfo, timeout: .seconds(20)))
    #expect(response.count > 10)
    #expect(channel.state.isConnected)
    #expect(channel.state.connections == 1)
    #expect(channel.state.succeededCalls == 1)
    await channel.shutdown(grace: .seconds(1))
    #expect(!channel.state.isConnected)
  }

  @Test("A hundred calls at once share one connection")
  func concurrent() async throws {
    let server = try TemporalServer.shared()
    let channel = try Scheduler.channel(port: server.port)
    let sizes = try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<100 {
        group.addTask { try await channel.call(GRPCCall(path: Scheduler.systemInfo, timeout: .seconds(20))).count }
      }
      var sizes: [Int] = []
      for try await size in group { sizes.append(size) }
      return sizes
    }
    #expect(sizes.count == 100)
    #expect(Set(sizes).count == 1)
    #expect(channel.state.connections == 1)
    await channel.shutdown(grace: .seconds(1))
  }

  @Test("GetSystemInfo through a gateway that demands a client certificate", arguments: Gateway.Kind.allCases)
  func mutualTLS(_ kind: Gateway.Kind) async throws {
    let server = try TemporalServer.shared()
    let certificates = try TestCertificates.shared()
    let gateway = try Gateway.start(kind, backend: server.port, certificates: certificates)
    let channel = try Scheduler.channel(
      port: gateway.port, host: "localhost", tls: Scheduler.mutualTLS(certificates))
    let response = try await channel.call(GRPCCall(path: Scheduler.systemInfo, timeout: .seconds(20)))
    #expect(response.count > 10)
    await channel.shutdown(grace: .seconds(1))
  }

  @Test("The status, message and details of an error arrive")
  func errorDetails() async throws {
    let server = try TemporalServer.shared()
    let channel = try Scheduler.channel(port: server.port)
    // DescribeNamespace {namespace: "nowhere"}
    let error = try await Scheduler.failure(
      of: channel,
      GRPCCall(
        path: "/temporal.api.workflowservice.v1.WorkflowService/DescribeNamespace",
        message: [0x0A, 7] + Array("nowhere".utf8), timeout: .seconds(20)))
    #expect(error.code == .notFound)
    #expect(error.message.contains("nowhere"))
    #expect(String(decoding: error.details, as: UTF8.self).contains("NamespaceNotFoundFailure"))
    await channel.shutdown(grace: .seconds(1))
  }
}
