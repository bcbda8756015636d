import TestSupport
import Testing

@testable import TLSClient

/// What gateways say to client certificates that they do not take, and to peers that speak something else.
@Suite("Refused by the server", .serialized)
struct ClientRefusalTests {
  private let pki: TestPKI

  init() throws { pki = try TestPKI.shared() }

  private func refusal(_ gate: Gateway, client: String?, now: Int64? = nil) throws -> TLSError {
    let configuration = TLSProbe.configuration(pki, client: client.map { pki.pair($0) })
    let outcome = try TLSProbe.connect(gate.port, configuration, now: now, reads: true)
    let error = try #require(outcome.error, "the gateway let '\(client ?? "nobody")' in")
    #expect(error.isRefusal && !error.mayHaveReachedServer)
    return error
  }

  @Test(
    "S16 haproxy without a client certificate: alert 116 in TLS 1.3, alert 40 in TLS 1.2",
    arguments: [
      ("TLSv1.3", "alert 116"), ("TLSv1.2", "alert 40"),
    ])
  func missingCertificate(version: String, alert: String) throws {
    let gate = try TLSGate.haproxy(pki, version: version)
    defer { gate.peer.stop() }
    let error = try refusal(gate, client: nil)
    #expect(error.code == .clientCertificateRequired)
    #expect(error.message.contains(alert) && error.message.contains("name a certificate"), "\(error)")
    #expect(
      try TLSProbe.connect(gate.port, TLSProbe.configuration(pki, client: pki.pair("client")), reads: true).received
        .isEmpty == false)
  }

  @Test(
    "S17 haproxy and nghttpx: an expired certificate (alert 45) and a foreign authority (alert 48)",
    arguments: [
      Gateway.Kind.haproxy, .nghttpx,
    ])
  func foreignAndExpiredCertificates(kind: Gateway.Kind) throws {
    let gate = try kind == .haproxy ? TLSGate.haproxy(pki) : TLSGate.nghttpx(pki)
    defer { gate.peer.stop() }
    let foreign = try refusal(gate, client: "foreignclient")
    #expect(foreign.code == .clientCertificateRefused)
    #expect(
      foreign.message.contains("alert 48") && foreign.message.contains(pki.file("foreignclient.crt")), "\(foreign)")
    // This side would not even dial; a clock that stands in January 2020 lets the server judge.
    let late = try refusal(gate, client: "lateclient", now: 1_579_000_000)
    #expect(late.code == .clientCertificateRefused)
    #expect(late.message.contains("alert 45"), "\(late)")
  }

  @Test("S18 nginx answers 400 to an expired certificate too, and lets a good one in")
  func nginxAnswersByStatus() throws {
    let gate = try TLSGate.nginx(
      pki, verification: "ssl_client_certificate \(pki.file("bundle.crt")); ssl_verify_client on; ssl_verify_depth 2;")
    defer { gate.peer.stop() }
    let request = RawFrame.headers(
      1, [(":method", "GET"), (":scheme", "https"), (":path", "/"), (":authority", "localhost")], end: true)
    /// Whether HEADERS of stream 1 begin with a field of HPACK's static table: 8 is `:status: 200`, 12 is `:status:
    /// 400`.
    func holds(_ index: UInt8, _ bytes: [UInt8]) -> Bool {
      let mark: [UInt8] = [0, 0, 0, 1, 0x80 | index]
      return bytes.indices.contains { bytes[$0...].starts(with: mark) }
    }
    let cases: [(client: String, now: Int64?, index: UInt8)] = [
      ("client", nil, 8), ("lateclient", 1_579_000_000, 12), ("foreignclient", nil, 12),
    ]
    for (client, now, index) in cases {
      let outcome = try TLSProbe.connect(
        gate.port, TLSProbe.configuration(pki, client: pki.pair(client)), now: now, reads: true, request: request,
        until: { holds(index, $0) })
      #expect(outcome.error == nil && holds(index, outcome.received), "\(client): \(outcome)")
    }
  }

  @Test("S13 nginx without http2 is told apart: it offers no h2")
  func nginxWithoutHTTP2() throws {
    let gate = try TLSGate.nginx(pki, listen: "ssl")
    defer { gate.peer.stop() }
    let error = try TLSProbe.connect(gate.port, TLSProbe.configuration(pki), reads: true).error
    #expect(error?.code == .noHTTP2)
    #expect(error?.message.contains("alert 120") == true, "\(String(describing: error))")
  }

  @Test("S14 stunnel agrees on nothing: refused, although HTTP/2 stands behind it")
  func stunnelWithoutALPN() throws {
    let plain = try RawServer { connection in
      try connection.greet()
      try connection.drain()
    }
    let gate = try TLSGate.stunnel(pki, backend: plain.port)
    defer { gate.peer.stop() }
    let error = try TLSProbe.connect(gate.port, TLSProbe.configuration(pki), reads: true).error
    #expect(error?.code == .noHTTP2)
    #expect(error?.message.contains("ALPN empty") == true, "\(String(describing: error))")
  }

  @Test("S15 a plaintext server on the TLS port is named as such, with its first words")
  func plaintextServer() throws {
    let plain = try RawServer { connection in
      try connection.write(Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8))
      try connection.drain()
    }
    let error = try TLSProbe.connect(plain.port, TLSProbe.configuration(pki)).error
    #expect(error?.code == .notTLS)
    #expect(error?.message.contains("HTTP/1.1 400 Bad Request") == true, "\(String(describing: error))")
  }
}
