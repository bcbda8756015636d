import Foundation
import TestSupport
import Testing

@testable import TLSClient

/// Whom the client takes for its server, against `openssl s_server`.
@Suite("Identity of the server", .serialized)
struct ServerIdentityTests {
  private let pki: TestPKI

  init() throws { pki = try TestPKI.shared() }

  /// The outcome of a handshake with a server that shows a certificate of the PKI.
  private func meet(
    _ name: String, host: String = "localhost", _ options: [String] = [],
    change: (inout TLSConfiguration) -> Void = { _ in }
  ) throws -> (outcome: TLSProbe.Outcome, server: OpenSSLServer) {
    let server = try OpenSSLServer(pki.pair(name), options)
    var configuration = TLSProbe.configuration(pki)
    change(&configuration)
    let before = openDescriptors()
    let outcome = try TLSProbe.connect(server.port, host: host, configuration)
    #expect(openDescriptors() <= before, "descriptors are left open")
    if let error = outcome.error {
      #expect(!server.sawHTTP, "HTTP was spoken to a server that was refused")
      #expect(error.isRefusal && !error.isLocal && !error.mayHaveReachedServer)
      #expect(error.message.hasSuffix("[\(error.code.rawValue)]"))
    }
    server.peer.stop()
    return (outcome, server)
  }

  private func code(
    _ name: String, host: String = "localhost", _ options: [String] = [],
    change: (inout TLSConfiguration) -> Void = { _ in }
  ) throws -> TLSError.Code? { try meet(name, host: host, options, change: change).outcome.error?.code }

  @Test("S1 a good chain is accepted in TLS 1.3 and 1.2, with h2 and an AEAD suite", arguments: ["-tls1_3", "-tls1_2"])
  func goodChainIsAccepted(version: String) throws {
    for name in ["good", "rsa", "edwards"] {
      let outcome = try meet(name, [version]).outcome
      #expect(outcome.error == nil)
      let report = try #require(outcome.report)
      #expect(report.version == (version == "-tls1_3" ? "TLSv1.3" : "TLSv1.2"))
      #expect(report.alpn == "h2")
      #expect(["GCM", "CHACHA20"].contains { report.cipherSuite.contains($0) }, "\(report.cipherSuite)")
      #expect(report.group?.lowercased() == "x25519")
      #expect(report.chain.map(\.subject) == ["CN = localhost", "CN = Test intermediate", "CN = Test root"])
      #expect(report.chain.first?.names.contains("IP Address:127.0.0.1") == true)
      #expect(report.sentCertificates == 2 && !report.wasAskedForCertificate)
      #expect(report.serverExpiry?.kind == .server && report.serverExpiry?.notAfter == 2_493_072_000)
    }
  }

  @Test("S2 an expired and a not yet valid certificate are refused, and no byte of HTTP is sent")
  func certificatesOutOfTheirTimeAreRefused() throws {
    let late = try meet("expired").outcome
    #expect(late.error?.code == .serverCertificateExpired)
    #expect(late.error?.code.rawValue == "tls.expired")
    #expect(late.error?.message.contains("expired on Feb  1 00:00:00 2020 GMT") == true, "\(late)")
    #expect(late.error?.message.contains("clock") == true)
    let early = try meet("future").outcome.error
    #expect(early?.code == .serverCertificateNotYetValid && early?.code.rawValue == "tls.not_yet_valid")
    #expect(early?.message.contains("clock") == true)
  }

  @Test("S3 another host, a name in the subject only, and a wildcard over two labels do not match")
  func otherNamesDoNotMatch() throws {
    let wrong = try meet("wrong").outcome.error
    #expect(wrong?.code == .serverNameMismatch && wrong?.code.rawValue == "tls.name_mismatch")
    #expect(wrong?.message.contains("DNS:wrong.example") == true)
    #expect(try code("cnonly") == .serverNameMismatch)
    #expect(try code("wildcard", host: "a.scheduler.test") == nil)
    #expect(try code("wildcard", host: "a.b.scheduler.test") == .serverNameMismatch)
    #expect(try code("wildcard", host: "scheduler.test") == .serverNameMismatch)
    let many = try meet("manynames").outcome.error
    #expect(many?.code == .serverNameMismatch)
    #expect(many?.message.contains(" and 248 more") == true, "\(String(describing: many).prefix(600))")
  }

  @Test("S4 an address matches an address of the certificate, never the same digits as a name")
  func addressesMatchAddressesOnly() throws {
    #expect(try code("good", host: "127.0.0.1") == nil)
    #expect(try code("good", host: "[::1]") == nil)
    #expect(try code("good", host: "::1%lo") == nil)
    #expect(try code("good", host: "127.0.0.2") == .serverNameMismatch)
    #expect(try code("digits", host: "127.0.0.1") == .serverNameMismatch)
  }

  @Test(
    "S5 upper case and a trailing dot do not matter", arguments: ["LOCALHOST", "Scheduler.Test.", "scheduler.test."])
  func namesAreNormalized(host: String) throws {
    #expect(try code("good", host: host) == nil)
    #expect(try code("good", host: "other.invalid") { $0.serverName = host } == nil)
  }

  @Test(
    "S6 a self-signed server, another root and a missing intermediate are an unknown authority; the last with a hint")
  func unknownAuthoritiesAreRefused() throws {
    let alone = try meet("self").outcome.error
    #expect(alone?.code == .serverUntrusted && alone?.code.rawValue == "tls.unknown_ca")
    #expect(alone?.message.contains("vouches for itself") == true, "\(String(describing: alone))")
    let stranger = try meet("stranger").outcome.error
    #expect(stranger?.code == .serverUntrusted)
    #expect(stranger?.message.contains(pki.root) == true)
    let server = try OpenSSLServer(pki.pairWithoutChain("good"))
    let incomplete = try TLSProbe.connect(server.port, TLSProbe.configuration(pki)).error
    #expect(incomplete?.code == .serverUntrusted)
    #expect(incomplete?.message.contains("the chain is incomplete") == true, "\(String(describing: incomplete))")
    server.peer.stop()
  }

  @Test("S7 a certificate for clients only does not identify a server")
  func clientCertificatesAreNoServers() throws {
    #expect(try code("clientonly") == .serverCertificateUnsuited)
  }

  @Test("S8 RSA 1024, TLS 1.1 and CBC are refused during the handshake")
  func weakServersAreRefused() throws {
    let level = ["-cipher", "ALL:@SECLEVEL=0"]
    #expect(try code("weak", level) == .serverCertificateWeak)
    #expect(try code("good", ["-tls1_1"] + level) == .handshakeFailed)
    let cbc = try meet("good", ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0"]).outcome.error
    #expect(cbc?.code == .handshakeFailed, "\(String(describing: cbc))")
    #expect(cbc?.message.contains("AEAD") == true || cbc?.message.contains("cipher") == true)
  }

  @Test("S10 a bundle with the intermediate alone suffices only when partial chains are accepted")
  func partialChainsAreOptional() throws {
    let strict = try meet("good") { $0.trust = .file(pki.intermediate) }.outcome.error
    #expect(strict?.code == .serverUntrusted)
    #expect(strict?.message.contains("partial chains") == true, "\(String(describing: strict))")
    let lenient = try meet("good") {
      $0.trust = .file(pki.intermediate)
      $0.acceptsPartialChain = true
    }.outcome
    #expect(lenient.error == nil && lenient.report?.chain.count == 2)
  }

  @Test("S25 the server name is sent as SNI and verified, whatever is dialed")
  func serverNameIsSentAndVerified() throws {
    let gate = try TLSGate.nginx(pki)
    var configuration = TLSProbe.configuration(pki)
    configuration.serverName = "scheduler.test"
    #expect(try TLSProbe.connect(gate.port, host: "127.0.0.1", configuration, reads: true).error == nil)
    configuration.serverName = "elsewhere.test"
    #expect(try TLSProbe.connect(gate.port, host: "localhost", configuration).error?.code == .serverNameMismatch)
    gate.peer.stop()
  }

  @Test("S26 a server that never asks for a client certificate is refused when the request is required")
  func missingCertificateRequestIsRefused() throws {
    let refused = try meet("good") { $0.requiresCertificateRequest = true }.outcome.error
    #expect(refused?.code == .certificateNotRequested)
    let asking = try meet("good", ["-verify", "3", "-CAfile", pki.file("bundle.crt")]) {
      $0.requiresCertificateRequest = true
    }.outcome
    #expect(asking.error == nil && asking.report?.wasAskedForCertificate == true)
    #expect(asking.report?.acceptableAuthorities.isEmpty == false)
  }

  @Test("Pins: the key of leaf or authority is enough; others are refused with the pin that was seen")
  func pinsAreCompared() throws {
    let report = try #require(try meet("good").outcome.report)
    let pins = report.chain.compactMap { PublicKeyPin($0.pin) }
    #expect(pins.count == 3)
    let spki = try PeerProcess.run(
      "/bin/bash",
      [
        "-c",
        "openssl x509 -in '\(pki.file("good.leaf"))' -pubkey -noout | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64",
      ])
    #expect(report.chain[0].pin == "sha256/" + spki.trimmingCharacters(in: .whitespacesAndNewlines))
    for pin in pins { #expect(try code("good") { $0.pins = [pin] } == nil) }
    let other = try #require(PublicKeyPin("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="))
    let refused = try meet("good") { $0.pins = [other] }.outcome.error
    #expect(refused?.code == .pinMismatch && refused?.message.contains(report.chain[0].pin) == true)
    #expect(try code("good") { $0.pins = [other, pins[1]] } == nil)
  }

  @Test("SPIFFE: the one URI of the certificate replaces the host's name")
  func workloadsAreCompared() throws {
    let expected = try #require(SPIFFEID("spiffe://prod.example/temporal/frontend"))
    #expect(try code("workload", host: "anything.invalid") { $0.spiffeID = expected } == nil)
    let other = try meet("workload") { $0.spiffeID = SPIFFEID("spiffe://prod.example/temporal") }.outcome.error
    #expect(other?.code == .serverNameMismatch && other?.message.contains(expected.text) == true)
    #expect(try code("twouris") { $0.spiffeID = expected } == .serverNameMismatch)
    #expect(try code("good") { $0.spiffeID = expected } == .serverNameMismatch)
    #expect(try code("workload") == .serverNameMismatch)
  }
}
