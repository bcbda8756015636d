import EventLoop
import Foundation
import Observability
import PlainData
import Synchronization
import Testing

@testable import Worker

/// A health server on a port of its own, and a client that is a bare socket.
private final class Probe: Sendable {
  let state = HealthState()
  let server: HealthServer

  init() throws {
    let state = state
    let responder = HealthResponder(
      report: { state.report() },
      metrics: {
        var text = MetricsText()
        text.sample("sallyport_slots", .gauge, "Slots.", 3)
        return text
      })
    server = try HealthServer(host: "127.0.0.1", port: 0, responder: responder)
    try server.start()
  }

  deinit { server.stop() }

  func becomeHealthy() {
    state.loopTurned()
    state.connectionIs(HealthState.Connection(isReady: true))
    state.enter(.running)
    state.pollingBegan("workflow")
  }

  func connect() throws -> Int32 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(server.port).bigEndian
    address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
    let status = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard status == 0 else { throw POSIXError(.ECONNREFUSED) }
    var patience = timeval(tv_sec: 10, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    return descriptor
  }

  func readAll(_ descriptor: Int32) -> String {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = read(descriptor, &buffer, buffer.count)
      if count <= 0 { break }
      bytes += buffer[..<count]
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  func ask(_ request: String) throws -> String {
    let descriptor = try connect()
    defer { close(descriptor) }
    _ = request.withCString { send(descriptor, $0, strlen($0), Int32(MSG_NOSIGNAL)) }
    return readAll(descriptor)
  }

  func get(_ path: String) throws -> (status: String, body: String) {
    let answer = try ask("GET \(path) HTTP/1.1\r\nHost: x\r\n\r\n")
    let parts = answer.components(separatedBy: "\r\n\r\n")
    return (String(parts[0].split(separator: " ")[1]), parts.dropFirst().joined(separator: "\r\n\r\n"))
  }
}

@Suite struct HealthServerTests {
  @Test func theAnswerFollowsTheState() throws {
    let probe = try Probe()
    probe.state.loopTurned()
    #expect(try probe.get("/livez").status == "200")
    #expect(try probe.get("/readyz").status == "503")
    #expect(try probe.get("/healthz").status == "503")
    #expect(try probe.get("/") == ("503", "stale\n"))
    #expect(try probe.get("/healthz").body.contains("not connected"))
    probe.becomeHealthy()
    for path in ["/livez", "/readyz", "/healthz"] {
      let (status, body) = try probe.get(path)
      #expect(status == "200")
      #expect(try PlainValue(jsonText: body)["status"] == "healthy")
    }
    #expect(try probe.get("/") == ("200", "ok\n"))
  }

  @Test func metricsAreServed() throws {
    let probe = try Probe()
    probe.becomeHealthy()
    let (status, body) = try probe.get("/metrics?name=x")
    #expect(status == "200")
    #expect(body.contains("sallyport_ready 1.0\n") && body.contains("sallyport_slots 3.0\n"))
  }

  @Test func unknownPathsAndMethodsAreRefused() throws {
    let probe = try Probe()
    #expect(try probe.get("/secret").status == "404")
    #expect(try probe.ask("POST /healthz HTTP/1.1\r\nContent-Length: 0\r\n\r\n").hasPrefix("HTTP/1.1 405 "))
    #expect(try probe.ask("HEAD /livez HTTP/1.1\r\n\r\n").hasSuffix("Connection: close\r\n\r\n"))
    #expect(try probe.ask("nonsense\r\n\r\n").hasPrefix("HTTP/1.1 400 "))
    #expect(try probe.ask("GET /\u{1} HTTP/1.1\r\n\r\n").hasPrefix("HTTP/1.1 400 "))
  }

  @Test func aRequestWithoutEndIsBounded() throws {
    let probe = try Probe()
    let answer = try probe.ask("GET / HTTP/1.1\r\n" + String(repeating: "A", count: HealthResponder.requestLimit))
    #expect(answer.hasPrefix("HTTP/1.1 431 "))
  }

  @Test func silentConnectionsDoNotBlockProbes() throws {
    let probe = try Probe()
    probe.becomeHealthy()
    let silent = try (0..<(HealthServer.connectionLimit + 8)).map { _ in try probe.connect() }
    defer { for descriptor in silent { close(descriptor) } }
    #expect(try probe.get("/livez").status == "200")
    // The oldest were pushed out to make room.
    #expect(probe.readAll(silent[0]) == "")
  }

  @Test func aRequestInPiecesIsPutTogether() throws {
    let probe = try Probe()
    probe.becomeHealthy()
    let descriptor = try probe.connect()
    defer { close(descriptor) }
    for piece in ["GET /live", "z HTTP/1.1\r\nHo", "st: x\r\n\r", "\n"] {
      _ = piece.withCString { send(descriptor, $0, strlen($0), Int32(MSG_NOSIGNAL)) }
    }
    #expect(probe.readAll(descriptor).hasPrefix("HTTP/1.1 200 OK\r\n"))
  }

  @Test func anAddressInUseIsNamed() throws {
    let probe = try Probe()
    let responder = HealthResponder(report: { probe.state.report() }, metrics: { MetricsText() })
    #expect {
      try HealthServer(host: "127.0.0.1", port: probe.server.port, responder: responder)
    } throws: { error in
      "\(error)".contains("another process listens there") && "\(error)".contains("\(probe.server.port)")
    }
    #expect(throws: HealthServerError.self) {
      try HealthServer(host: "203.0.113.1", port: 0, responder: responder)
    }
  }

  @Test func itListensOnIPv6Too() throws {
    let responder = HealthResponder(report: { HealthState().report() }, metrics: { MetricsText() })
    let server = try HealthServer(host: "::1", port: 0, responder: responder)
    #expect(server.port > 0)
  }
}

@Suite struct HealthRequestTests {
  @Test(arguments: [
    ("GET / HTTP/1.1\r\n\r\n", HealthResponder.Reading.request(method: "GET", path: "/")),
    ("GET /x?y=1 HTTP/1.0\r\nA: b\r\n\r\n", .request(method: "GET", path: "/x")),
    ("GET / HTTP/1.1\n\n", .request(method: "GET", path: "/")),
    ("GET / HTTP/1.1\r\n", .incomplete), ("", .incomplete), ("\r\n\r\n", .refused(status: 400)),
    ("GET  / HTTP/1.1\r\n\r\n", .refused(status: 400)), ("GET http://x/ HTTP/1.1\r\n\r\n", .refused(status: 400)),
    ("GET / HTTP/2.0\r\n\r\n", .refused(status: 400)),
  ])
  func requestsAreRead(text: String, reading: HealthResponder.Reading) {
    #expect(HealthResponder.read(Array(text.utf8)) == reading)
  }
}
