import Foundation
import GRPCClient
import TLSClient
import TestSupport
import Testing

/// What faults of TLS mean for calls, through the whole stack.
@Suite("Faults of TLS under calls", .serialized)
struct TLSFaultTests {
  private let pki: TestPKI

  init() throws { pki = try TestPKI.shared() }

  private func tls(_ client: String? = nil) -> TLSConfiguration {
    TLSConfiguration(
      trust: .file(pki.root),
      clientIdentity: client.map {
        .init(certificateFile: pki.pair($0).certificate, keyFile: pki.pair($0).key)
      })
  }

  private func descriptors() -> Int {
    (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0
  }

  @Test("S15 a TLS server on the port of a plaintext configuration is hinted at")
  func tlsServerUnderPlaintext() async throws {
    let server = try OpenSSLServer(pki.pair("good"))
    defer { server.peer.stop() }
    let channel = try Scheduler.channel(port: server.port)
    let error = try await Scheduler.failure(of: channel, GRPCCall(path: Scheduler.systemInfo, timeout: .seconds(4)))
    #expect(error.cause?.contains("TLS") == true, "\(error)")
    #expect(!error.mayHaveReachedServer)
    await channel.shutdown(grace: .zero)
  }

  @Test("S16 a refusal by haproxy is told at once and not hammered at", arguments: ["TLSv1.3", "TLSv1.2"])
  func refusalIsNoHotLoop(version: String) async throws {
    let gate = try TLSGate.haproxy(pki, version: version)
    defer { gate.peer.stop() }
    let channel = try Scheduler.channel(port: gate.port, host: "localhost", tls: tls())
    let before = descriptors()
    let start = ContinuousClock.now
    var calls = 0
    while ContinuousClock.now - start < .seconds(3) {
      let error = try await Scheduler.failure(of: channel, GRPCCall(path: Scheduler.systemInfo, timeout: .seconds(30)))
      #expect(error.code == .unavailable && !error.mayHaveReachedServer)
      #expect(error.cause?.contains("[tls.client_certificate_required]") == true, "\(error)")
      calls += 1
    }
    // Pauses grow from 50 ms to 500 ms: some ten attempts in three seconds, not thousands.
    #expect(calls >= 2 && channel.state.failedAttempts <= 25, "\(channel.state.failedAttempts) attempts")
    await channel.shutdown(grace: .zero)
    #expect(descriptors() <= before + 1, "descriptors are left open")
  }

  @Test(
    "S18 nginx answers 400 to no and to a foreign certificate: a credential error", arguments: [nil, "foreignclient"])
  func nginxRefusesByStatus(client: String?) async throws {
    let backend = try RawServer { _ in }
    let certificates = try TestCertificates.shared()
    let gateway = try Gateway.nginx(
      backend: backend.port, certificates: certificates, server: pki.pair("good"),
      clientVerification: "ssl_client_certificate \(pki.file("bundle.crt")); ssl_verify_client on; ssl_verify_depth 2;")
    defer { gateway.peer.stop() }
    let channel = try Scheduler.channel(port: gateway.port, host: "localhost", tls: tls(client))
    let error = try await Scheduler.failure(of: channel, GRPCCall(path: Scheduler.systemInfo, timeout: .seconds(30)))
    #expect(!error.mayHaveReachedServer)
    #expect(error.cause?.contains("certificate") == true, "\(error)")
    #expect(backend.connections == 0)
    await channel.shutdown(grace: .zero)
  }

  @Test("S22 TCP closed without TLS's farewell in the middle of a response is UNAVAILABLE, never a short success")
  func truncatedResponse() async throws {
    let peer = try TLSPeer(.truncate, pki.pair("good"))
    defer { peer.peer.stop() }
    let channel = try Scheduler.channel(port: peer.port, host: "localhost", tls: tls())
    let error = try await Scheduler.failure(of: channel, GRPCCall(path: Scheduler.systemInfo, timeout: .seconds(20)))
    #expect(error.code == .unavailable, "\(error)")
    #expect(error.mayHaveReachedServer)
    #expect(channel.state.succeededCalls == 0)
    await channel.shutdown(grace: .zero)
  }

  @Test("S23 an alert followed by a reset while 64 KiB are being written: the alert is reported, not the broken pipe")
  func alertBeforeReset() async throws {
    let peer = try TLSPeer(.alertAndReset, pki.pair("good"))
    defer { peer.peer.stop() }
    for _ in 0..<5 {
      let channel = try Scheduler.channel(port: peer.port, host: "localhost", tls: tls())
      let call = GRPCCall(
        path: Scheduler.systemInfo, message: Array(repeating: 7, count: 64 << 10), timeout: .seconds(20))
      let error = try await Scheduler.failure(of: channel, call)
      #expect(error.code == .unavailable)
      #expect(error.cause?.contains("alert 20") == true, "\(error)")
      await channel.shutdown(grace: .zero)
    }
  }

  @Test("S24 a handshake that stalls after the ServerHello ends at the connect timeout, then pauses")
  func stalledHandshake() async throws {
    let server = try OpenSSLServer(pki.pair("good"))
    defer { server.peer.stop() }
    let relay = try StallingRelay.start(before: server.port, bytes: 100)
    let channel = try Scheduler.channel(port: relay.port, host: "localhost", tls: tls()) {
      $0.connectTimeout = .seconds(1)
    }
    let start = ContinuousClock.now
    let error = try await Scheduler.failure(of: channel, GRPCCall(path: Scheduler.systemInfo, timeout: .seconds(6)))
    #expect(error.code == .deadlineExceeded && !error.mayHaveReachedServer)
    #expect(error.cause?.contains("the TLS handshake was not finished within 1 s") == true, "\(error)")
    #expect(ContinuousClock.now - start < .seconds(30))
    #expect((2...6).contains(relay.connections), "\(relay.connections) attempts in 6 s")
    await channel.shutdown(grace: .zero)
  }

  @Test("S25 SNI, the verified name and the authority header are set apart from each other and from what is dialed")
  func namesAreKeptApart() async throws {
    let backend = try LoopbackPort.free()
    let gate = try TLSGate.nginx(pki, backend: backend)
    defer { gate.peer.stop() }
    var secured = tls()
    secured.serverName = "scheduler.test"
    let channel = try Scheduler.channel(port: gate.port, host: "127.0.0.1", tls: secured) {
      $0.authority = "frontend.temporal:7233"
    }
    _ = try await Scheduler.failure(of: channel, GRPCCall(path: Scheduler.systemInfo, timeout: .seconds(10)))
    await channel.shutdown(grace: .seconds(1))
    let end = ContinuousClock.now + .seconds(10)
    var seen = ""
    while seen.isEmpty, ContinuousClock.now < end {
      seen = (try? String(contentsOfFile: gate.folder.file("access.log"), encoding: .utf8)) ?? ""
      try await Task.sleep(for: .milliseconds(50))
    }
    #expect(seen.contains("sni=scheduler.test authority=frontend.temporal:7233"), "\(seen)")
  }
}
