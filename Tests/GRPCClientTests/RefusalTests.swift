import Foundation
import GRPCClient
import TLSClient
import TestSupport
import Testing

/// Every way in which one side must refuse the other: the message names the cause and the fix, and it comes at once.
@Suite("Refusals", .serialized)
struct RefusalTests {
  private let certificates: TestCertificates
  private let server: TemporalServer

  init() throws {
    certificates = try TestCertificates.shared()
    server = try TemporalServer.shared()
  }

  /// The error of a call through a gateway, which must come long before the call's own deadline.
  private func refusal(
    port: Int, host: String = "localhost", tls: TLSConfiguration?,
    change: (inout ChannelConfiguration) -> Void = { _ in }
  ) async throws -> GRPCError {
    let channel = try Scheduler.channel(port: port, host: host, tls: tls, change: change)
    let clock = ContinuousClock()
    let start = clock.now
    let error = try await Scheduler.failure(of: channel, GRPCCall(path: Scheduler.systemInfo, timeout: .seconds(60)))
    #expect(clock.now - start < .seconds(50))
    #expect(!error.mayHaveReachedServer)
    #expect(channel.state.succeededCalls == 0)
    await channel.shutdown(grace: .zero)
    return error
  }

  private func gateway(_ kind: Gateway.Kind, server pair: TestCertificates.Pair? = nil) throws -> Gateway {
    try Gateway.start(kind, backend: server.port, certificates: certificates, server: pair)
  }

  @Test("A server of an unknown authority")
  func wrongAuthority() async throws {
    let gateway = try gateway(.haproxy)
    var tls = Scheduler.mutualTLS(certificates)
    tls.trust = .file(certificates.otherAuthority)
    let error = try await refusal(port: gateway.port, tls: tls)
    #expect(error.code == .unavailable)
    #expect(error.cause?.contains("does not come from the authorities in '\(certificates.otherAuthority)'") == true)
    #expect(error.cause?.contains("name the authority") == true)
  }

  @Test("A server that is not among the system's authorities")
  func systemAuthorities() async throws {
    let gateway = try gateway(.haproxy)
    let error = try await refusal(port: gateway.port, tls: TLSConfiguration())
    #expect(error.cause?.contains("the system") == true)
  }

  @Test("A server whose certificate is for another host")
  func wrongHost() async throws {
    let gateway = try gateway(.nginx, server: certificates.otherHost)
    let error = try await refusal(port: gateway.port, tls: Scheduler.mutualTLS(certificates))
    #expect(error.cause?.contains("is not for 'localhost' but for DNS:wrong.example") == true)
    #expect(error.cause?.contains("server name") == true)
    let channel = try Scheduler.channel(
      port: gateway.port, host: "localhost",
      tls: Scheduler.mutualTLS(certificates, serverName: "wrong.example"))
    _ = try await channel.call(GRPCCall(path: Scheduler.systemInfo, timeout: .seconds(10)))
    await channel.shutdown(grace: .seconds(1))
  }

  @Test("An address that the certificate does not list")
  func wrongAddress() async throws {
    let gateway = try gateway(.nginx, server: certificates.otherHost)
    let error = try await refusal(port: gateway.port, host: "127.0.0.1", tls: Scheduler.mutualTLS(certificates))
    #expect(error.cause?.contains("is not for '127.0.0.1'") == true)
  }

  @Test("No client certificate where one is demanded", arguments: Gateway.Kind.allCases)
  func missingClientCertificate(_ kind: Gateway.Kind) async throws {
    let gateway = try gateway(kind)
    let tls = TLSConfiguration(trust: .file(certificates.authority))
    let error = try await refusal(port: gateway.port, tls: tls)
    #expect(error.cause?.contains("demands a client certificate") == true, "\(error)")
  }

  @Test("A client certificate of a foreign authority", arguments: Gateway.Kind.allCases)
  func foreignClientCertificate(_ kind: Gateway.Kind) async throws {
    let gateway = try gateway(kind)
    let error = try await refusal(
      port: gateway.port, tls: Scheduler.mutualTLS(certificates, certificates.stranger))
    #expect(error.cause?.contains("certificate") == true, "\(error)")
    if kind != .nginx { #expect(error.cause?.contains(certificates.stranger.certificate) == true, "\(error)") }
  }

  @Test("An expired client certificate, before anything is dialed")
  func expiredClientCertificate() async throws {
    let listener = try RawServer { _ in }
    let error = try await refusal(
      port: listener.port, tls: Scheduler.mutualTLS(certificates, certificates.expired))
    #expect(
      error.cause?.contains("'\(certificates.expired.certificate)' (CN = expired) expired on") == true, "\(error)")
    #expect(error.cause?.contains("renew it") == true)
    #expect(listener.connections == 0)
  }

  @Test("S19 a key that belongs to another certificate is refused before anything is dialed")
  func mismatchedKey() async throws {
    let listener = try RawServer { _ in }
    let mixed = TLSConfiguration(
      trust: .file(certificates.authority),
      clientIdentity: .init(certificateFile: certificates.client.certificate, keyFile: certificates.stranger.key))
    let error = try await refusal(port: listener.port, tls: mixed)
    #expect(
      error.cause?.contains("'\(certificates.stranger.key)' does not belong to the certificate") == true, "\(error)")
    #expect(listener.connections == 0)
  }

  @Test("Files that are missing or hold something else, before anything is dialed")
  func unusableFiles() async throws {
    let listener = try RawServer { _ in }
    let missing = TLSConfiguration(trust: .file("/nowhere/ca.crt"))
    let first = try await refusal(port: listener.port, tls: missing)
    #expect(first.cause?.contains("no file at '/nowhere/ca.crt'") == true)
    let swapped = TLSConfiguration(trust: .file(certificates.client.key))
    let second = try await refusal(port: listener.port, tls: swapped)
    #expect(second.cause?.contains("holds no certificate") == true, "\(second)")
    #expect(listener.connections == 0)
  }

  @Test("An encrypted key: with its passphrase, with a wrong one, without any")
  func passphrase() async throws {
    let gateway = try gateway(.haproxy)
    let folder = try TemporaryFolder()
    let right = try folder.write("right", certificates.passphrase + "\n")
    let wrong = try folder.write("wrong", "something else\n")
    func tls(_ file: String?) -> TLSConfiguration {
      TLSConfiguration(
        trust: .file(certificates.authority),
        clientIdentity: .init(
          certificateFile: certificates.client.certificate, keyFile: certificates.encryptedKey, passphraseFile: file))
    }
    let channel = try Scheduler.channel(port: gateway.port, host: "localhost", tls: tls(right))
    _ = try await channel.call(GRPCCall(path: Scheduler.systemInfo, timeout: .seconds(10)))
    await channel.shutdown(grace: .seconds(1))
    let refused = try await refusal(port: gateway.port, tls: tls(wrong))
    #expect(refused.cause?.contains("passphrase does not open the private key") == true, "\(refused)")
    #expect(!"\(refused)".contains("something else"))
    let absent = try await refusal(port: gateway.port, tls: tls(nil))
    #expect(absent.cause?.contains("is encrypted: give its passphrase") == true, "\(absent)")
  }

  @Test("A TLS server without HTTP/2")
  func noHTTP2() async throws {
    let port = try LoopbackPort.free()
    let folder = try TemporaryFolder()
    let peer = try BackgroundPeer(
      "openssl",
      [
        "s_server", "-accept", "127.0.0.1:\(port)", "-cert", certificates.server.certificate, "-key",
        certificates.server.key, "-quiet",
      ], folder: folder.path)
    try peer.waitForPort(port)
    let error = try await refusal(port: port, tls: TLSConfiguration(trust: .file(certificates.authority)))
    #expect(error.cause?.contains("did not agree on HTTP/2 (ALPN empty, not h2)") == true, "\(error)")
    let gateway = try Gateway.nginx(
      backend: server.port, certificates: certificates, clientVerification: "", listen: "ssl")
    let second = try await refusal(port: gateway.port, tls: TLSConfiguration(trust: .file(certificates.authority)))
    #expect(second.cause?.contains("HTTP/2") == true, "\(second)")
  }

  @Test("A plaintext server on a port where TLS is expected")
  func plaintextServer() async throws {
    let error = try await refusal(port: server.port, tls: TLSConfiguration(trust: .file(certificates.authority)))
    #expect(error.cause?.contains("does not speak TLS") == true, "\(error)")
  }

  @Test("A TLS server on a port where plaintext is expected")
  func secureServer() async throws {
    let gateway = try gateway(.haproxy)
    let channel = try Scheduler.channel(port: gateway.port)
    let error = try await Scheduler.failure(of: channel, GRPCCall(path: Scheduler.systemInfo, timeout: .seconds(4)))
    #expect(error.code == .deadlineExceeded)
    #expect(error.cause?.contains("TLS") == true, "\(error)")
    #expect(channel.state.failedAttempts > 1)
    await channel.shutdown(grace: .zero)
  }

  @Test("Plaintext to another machine")
  func plaintextElsewhere() async throws {
    let error = try await refusal(port: 7_233, host: "scheduler.invalid", tls: nil)
    #expect(error.code == .failedPrecondition)
    #expect(error.message.contains("plaintext to 'scheduler.invalid' is refused"))
    let folder = try TemporaryFolder()
    let file = try folder.write("key", "sesame")
    let keyed = try await refusal(port: 7_233, host: "scheduler.invalid", tls: nil) {
      $0.allowPlaintext = true
      $0.apiKeyFile = file
    }
    #expect(keyed.message.contains("never sent to 'scheduler.invalid' without TLS"))
  }

  @Test("A bearer key that is demanded: missing, wrong, then corrected in its file")
  func bearerKey() async throws {
    let gateway = try Gateway.nginx(
      backend: server.port, certificates: certificates,
      location: "if ($http_authorization != \"Bearer sesame-7\") { return 401; }")
    let tls = Scheduler.mutualTLS(certificates)
    let missing = try await refusal(port: gateway.port, tls: tls)
    #expect(missing.code == .unauthenticated)
    #expect(missing.cause?.contains("API key") == true)

    let folder = try TemporaryFolder()
    let file = try folder.write("key", "wrong-key\n")
    let channel = try Scheduler.channel(port: gateway.port, host: "localhost", tls: tls) { $0.apiKeyFile = file }
    let call = GRPCCall(path: Scheduler.systemInfo, timeout: .seconds(10))
    let wrong = try await Scheduler.failure(of: channel, call)
    #expect(wrong.code == .unauthenticated)
    #expect(!"\(wrong)".contains("wrong-key"))
    try folder.write("key", "sesame-7\n")
    #expect(try await channel.call(call).count > 10)
    await channel.shutdown(grace: .seconds(1))

    let empty = try folder.write("empty", "\n")
    let unusable = try await refusal(port: gateway.port, tls: tls) { $0.apiKeyFile = empty }
    #expect(unusable.cause?.contains(empty) == true, "\(unusable)")
  }

  @Test("TLS 1.2 is accepted; versions before are not")
  func versions() async throws {
    let modern = try Gateway.nginx(backend: server.port, certificates: certificates, protocols: "TLSv1.2")
    let channel = try Scheduler.channel(
      port: modern.port, host: "localhost", tls: Scheduler.mutualTLS(certificates))
    _ = try await channel.call(GRPCCall(path: Scheduler.systemInfo, timeout: .seconds(10)))
    await channel.shutdown(grace: .seconds(1))
    let port = try LoopbackPort.free()
    let folder = try TemporaryFolder()
    let old = try BackgroundPeer(
      "openssl",
      [
        "s_server", "-accept", "127.0.0.1:\(port)", "-cert", certificates.server.certificate, "-key",
        certificates.server.key, "-quiet", "-alpn", "h2", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0",
      ], folder: folder.path)
    try old.waitForPort(port)
    let error = try await refusal(port: port, tls: TLSConfiguration(trust: .file(certificates.authority)))
    #expect(error.cause?.contains("TLS") == true, "\(error)")
  }

  @Test("A renewed client certificate is used from the next connection on")
  func renewedCertificate() async throws {
    let gateway = try gateway(.haproxy)
    let folder = try TemporaryFolder()
    func mount(_ pair: TestCertificates.Pair) throws {
      try folder.write("tls.crt", try String(contentsOfFile: pair.certificate, encoding: .utf8))
      try folder.write("tls.key", try String(contentsOfFile: pair.key, encoding: .utf8))
    }
    try mount(certificates.expired)
    let tls = TLSConfiguration(
      trust: .file(certificates.authority),
      clientIdentity: .init(certificateFile: folder.file("tls.crt"), keyFile: folder.file("tls.key")))
    let channel = try Scheduler.channel(port: gateway.port, host: "localhost", tls: tls)
    let call = GRPCCall(path: Scheduler.systemInfo, timeout: .seconds(10))
    #expect(try await Scheduler.failure(of: channel, call).cause?.contains("expired on") == true)
    try mount(certificates.client)
    #expect(try await channel.call(call).count > 10)
    #expect(channel.state.lastError == nil)
    await channel.shutdown(grace: .seconds(1))
  }
}
