import Egress
import Foundation
import Secrets
import TestSupport
import Testing

@testable import EventLoop

/// Tunnels through proxies whose answers the test writes byte by byte.
@Suite("Dialing through a proxy")
struct DialProxyTests {
  private func target(_ proxy: Int, _ host: String = "s.example", timeout: Duration = .seconds(30)) -> Dial.Target {
    var target = Dial.Target(host: host, port: 7233, timeout: timeout)
    target.route = .proxy(ProxyTarget(host: "127.0.0.1", port: proxy))
    return target
  }

  /// Reads the head of a request.
  private static func head(_ connection: RawConnection) throws -> String {
    var bytes: [UInt8] = []
    while !bytes.suffix(4).elementsEqual("\r\n\r\n".utf8) { bytes += try connection.read(1) }
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test("P4 a header that drips, a blank line in pieces, and the tunnel's first byte in the same packet as its end")
  func dripped() async throws {
    let dialer = try Dialer()
    let dripping = try RawServer { connection in
      #expect(try Self.head(connection).hasPrefix("CONNECT s.example:7233 HTTP/1.1\r\nHost: s.example:7233\r\n"))
      for byte in "HTTP/1.0 200 Connection established\r\nX: y\r\n\r\n".utf8 {
        try connection.write([byte])
        usleep(3_000)
      }
      try connection.write(Array("first".utf8))
    }
    #expect(try await dialer.read(5, from: target(dripping.port)) == Array("first".utf8))
    let joined = try RawServer { connection in
      _ = try Self.head(connection)
      try connection.write(Array("HTTP/1.1 200 OK\r\n\r\nfirst".utf8))
      usleep(500_000)
    }
    #expect(try await dialer.read(5, from: target(joined.port)) == Array("first".utf8))
    await dialer.stop()
  }

  @Test("P4 a header without end costs 16 KiB, one that stops costs the deadline, a closed connection nothing")
  func hostile() async throws {
    let dialer = try Dialer()
    let bomb = try RawServer { connection in
      _ = try Self.head(connection)
      try connection.write(Array("HTTP/1.1 200 OK\r\n".utf8))
      for _ in 0..<1_000 { try connection.write(Array("X: \(String(repeating: "y", count: 1_000))\r\n".utf8)) }
    }
    guard case .failure(let refused) = await dialer.dial(target(bomb.port)).result else { throw PeerError("accepted") }
    #expect(refused.code == .proxyFailed && refused.message.contains("16384 bytes"), "\(refused)")
    let silent = try RawServer { connection in
      _ = try Self.head(connection)
      try connection.write(Array("HTTP/1.1 200".utf8))
      sleep(20)
    }
    let (slow, time) = await dialer.dial(target(silent.port, timeout: .seconds(1)))
    guard case .failure(let late) = slow else { throw PeerError("accepted") }
    #expect(late.code == .proxyFailed && late.message.contains("did not answer CONNECT within 1 s"), "\(late)")
    #expect(time < .seconds(10))
    let closing = try RawServer { connection in _ = try Self.head(connection) }
    guard case .failure(let ended) = await dialer.dial(target(closing.port)).result else { throw PeerError("accepted") }
    #expect(ended.message.contains("closed the connection without an answer"), "\(ended)")
    await dialer.stop()
  }

  @Test("A proxy that is away, or that no rule admits, is not taken for the scheduler") func unreachable() async throws
  {
    let dialer = try Dialer()
    let closed = try LoopbackPort.free()
    guard case .failure(let away) = await dialer.dial(target(closed)).result else { throw PeerError("connected") }
    #expect(away.message.contains("127.0.0.1:\(closed): Connection refused"))
    let proxy = try LoopbackListener()
    var ruled = target(proxy.port)
    ruled.policy = try EgressPolicy(parsing: "s.example:7233")
    guard case .failure(let unlisted) = await dialer.dial(ruled).result else { throw PeerError("connected") }
    #expect(unlisted.code == .egressRefused && unlisted.message.contains("add '127.0.0.1:\(proxy.port)'"))
    // The proxy is admitted, the destination behind it is not: the proxy is not even dialed.
    ruled.policy = try EgressPolicy(parsing: "127.0.0.1:\(proxy.port), 10.0.0.0/8:7233")
    guard case .failure(let behind) = await dialer.dial(ruled).result else { throw PeerError("connected") }
    #expect(behind.code == .egressRefused && behind.message.contains("add 's.example:7233'"))
    #expect(proxy.drain() == 0)
    await dialer.stop()
  }

  @Test("R10 a renewed proxy password is used by the next dial") func passwordRotation() async throws {
    let dialer = try Dialer()
    let folder = try TemporaryFolder()
    let password = try folder.write("password", "old-word\n")
    // Answers 200 to the right word only: "u:new-word".
    let server = try RawServer { connection in
      let head = try Self.head(connection)
      let isRight = head.contains("Proxy-Authorization: Basic dTpuZXctd29yZA==\r\n")
      try connection.write(Array("HTTP/1.1 \(isRight ? "200 OK" : "407 No")\r\n\r\n".utf8))
    }
    var target = target(server.port)
    target.route = .proxy(
      ProxyTarget(
        host: "127.0.0.1", port: server.port,
        credentials: ProxyCredentials(
          user: SharedSecret(copying: "u".utf8), password: .file(SecretFile(path: password)))))
    guard case .failure(let refused) = await dialer.dial(target).result else { throw PeerError("accepted") }
    #expect(refused.code == .proxyFailed && !refused.isTransient)
    #expect(!"\(refused)".contains("old-word") && !"\(refused)".contains("dTpvbGQtd29yZA"))
    try folder.write("password", "new-word\n")
    #expect(await dialer.dial(target).result == .success("s.example 127.0.0.1:\(server.port)"))
    try FileManager.default.removeItem(atPath: password)
    guard case .failure(let missing) = await dialer.dial(target).result else { throw PeerError("accepted") }
    #expect(missing.code == .proxyFailed && missing.message.contains("no file at"))
    await dialer.stop()
  }
}
