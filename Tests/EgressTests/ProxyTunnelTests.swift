import Secrets
import TestSupport
import Testing

@testable import Egress

@Suite("The conversation with a proxy")
struct ProxyTunnelTests {
  private func tunnel(_ password: String? = nil) throws -> ProxyTunnel {
    let credentials = password.map {
      ProxyCredentials(user: SharedSecret(copying: "u".utf8), password: .fixed(SharedSecret(copying: $0.utf8)))
    }
    return try ProxyTunnel(
      toHost: "s.example", port: 7233, proxy: "proxy:3128", authorization: try credentials?.authorization())
  }

  private func text(_ secret: SharedSecret) -> String { secret.withBytes { String(decoding: $0, as: UTF8.self) } }

  /// What comes of an answer, given in one piece and byte by byte, which must agree.
  private func outcome(_ answer: String, password: String? = nil) throws -> ProxyTunnel.Progress {
    let bytes = Array(answer.utf8)
    var whole = try tunnel(password)
    let atOnce = whole.receive(bytes[...])
    var dripped = try tunnel(password)
    var progress = ProxyTunnel.Progress.incomplete
    var taken = 0
    while progress == .incomplete, taken < bytes.count {
      progress = dripped.receive(bytes[taken...taken])
      taken += 1
    }
    switch (atOnce, progress) {
    case (.established(let leftover), .established(let none)):
      #expect(none == 0 && leftover == bytes.count - taken)
    case (.failed(let one), .failed(let other)): #expect(one.code == other.code)
    default: #expect(atOnce == progress)
    }
    return atOnce
  }

  private func error(_ answer: String, password: String? = nil) throws -> EgressError {
    guard case .failed(let error) = try outcome(answer, password: password) else {
      throw PeerError("not refused: \(answer)")
    }
    return error
  }

  @Test("The request names the host, not an address, and carries Basic credentials") func request() throws {
    #expect(
      text(try tunnel().request)
        == "CONNECT s.example:7233 HTTP/1.1\r\nHost: s.example:7233\r\nUser-Agent: sallyport\r\n\r\n")
    // "u:p:w d" — the second colon and the space belong to the password (RFC 7617 §2).
    #expect(text(try tunnel("p:w d").request).hasSuffix("Proxy-Authorization: Basic dTpwOncgZA==\r\n\r\n"))
    let six = try ProxyTunnel(toHost: "2001:db8::1", port: 443, proxy: "p:1")
    #expect(text(six.request).hasPrefix("CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: [2001:db8::1]:443\r\n"))
    for host in ["a\r\nX: y", "a b", "", "höst"] {
      #expect(throws: EgressError.self) { try ProxyTunnel(toHost: host, port: 1, proxy: "p:1") }
    }
  }

  @Test("Base64 agrees with Python's for every length") func base64() throws {
    let words = (1...40).map { String(repeating: "ä:x", count: $0).utf8.prefix($0).map { $0 & 0x7F | 0x20 } }
      .map { String(decoding: $0, as: UTF8.self) }
    let script =
      "import sys,base64\nfor l in sys.stdin.read().split('\\n'): print(base64.b64encode(('u:'+l).encode()).decode())"
    let right = try PythonPeer.run(script, input: words.joined(separator: "\n")).split(separator: "\n").map(String.init)
    for (word, expected) in zip(words, right) {
      let credentials = ProxyCredentials(
        user: SharedSecret(copying: "u".utf8), password: .fixed(SharedSecret(copying: word.utf8)))
      #expect(text(try credentials.authorization()) == "Basic " + expected)
    }
    #expect(right.count == words.count)
  }

  @Test(
    "P4 HTTP/1.0 and 1.1, any reason, split anywhere, bytes of the tunnel left alone",
    arguments: [
      ("HTTP/1.0 200 Connection established\r\n\r\n", 0), ("HTTP/1.1 200 OK\r\nVia: x\r\n\r\n\u{16}\u{3}", 2),
      ("HTTP/1.1 200\r\n\r\n", 0), ("HTTP/1.1 200 \r\n\r\n", 0), ("HTTP/1.1 299 Fine\nX: y\n\nabc", 3),
      ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 5),
      ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\nx", 1),
      ("HTTP/1.1 200 OK\r\nX: \(String(repeating: "y", count: 16_300))\r\n\r\n", 0),
    ]) func established(answer: String, leftover: Int) throws
  {
    #expect(try outcome(answer) == .established(leftover: leftover))
  }

  @Test("P4 a header of a megabyte is refused after 16 KiB") func headerBomb() throws {
    var machine = try tunnel()
    let line = Array("X-Filler: \(String(repeating: "y", count: 1_000))\r\n".utf8)
    var sent = 0
    var progress = machine.receive(Array("HTTP/1.1 200 OK\r\n".utf8)[...])
    while progress == .incomplete, sent < 1 << 20 {
      progress = machine.receive(line[...])
      sent += line.count
    }
    guard case .failed(let error) = progress else { throw PeerError("accepted \(sent) bytes") }
    #expect(sent <= ProxyTunnel.headerLimit + line.count)
    #expect(error.code == .proxyProtocol && error.message.contains("16384 bytes"))
  }

  @Test(
    "P2 what a proxy refuses with, told as its word and not as the scheduler's",
    arguments: [
      (
        "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=x\r\n\r\n",
        EgressError.Code.proxyCredentials, "said 407 Proxy Authentication Required"
      ),
      ("HTTP/1.1 407 X\r\nProxy-Authenticate: Negotiate\r\n\r\n", .proxyCredentials, "other than Basic"),
      ("HTTP/1.0 401 Unauthorized\r\nWWW-Authenticate: basic\r\n\r\n", .proxyCredentials, "said 401 Unauthorized"),
      (
        "HTTP/1.1 403 Forbidden\r\n\r\n<HTML><TITLE>ERROR: Cache\r\n Access Denied</TITLE>", .proxyForbids,
        "said 403 Forbidden (ERROR: Cache Access Denied)"
      ),
      (
        "HTTP/1.1 500 Internal Server Error\r\n\r\nUnable to connect\u{1b}[31m", .proxyUnavailable,
        "(Unable to connect [31m)"
      ),
      ("HTTP/1.1 503 Service Unavailable\r\n\r\n", .proxyUnavailable, "said 503 Service Unavailable"),
      ("HTTP/1.1 302 Found\r\nLocation: http://evil/\r\n\r\n", .proxyForbids, "said 302 Found"),
      ("HTTP/2 200 OK\r\n\r\n", .proxyProtocol, "does not speak HTTP/1"),
      ("HTTP/1.1 2000 OK\r\n\r\n", .proxyProtocol, "does not speak HTTP/1"),
      ("HTTP/1.1\r\n\r\n", .proxyProtocol, "does not speak HTTP/1"),
      ("SSH-2.0-OpenSSH_9.2\r\n", .proxyProtocol, "it answered 'SSH-2.0-OpenSSH_9.2'"),
      ("\u{15}\u{3}\u{1}", .proxyProtocol, "answered in TLS"),
    ]) func refused(answer: String, code: EgressError.Code, words: String) throws
  {
    let error = try error(answer)
    #expect(error.code == code)
    #expect(error.message.contains(words), "\(error.message)")
    #expect(error.message.hasPrefix("the proxy proxy:3128 "))
    #expect(error.message.unicodeScalars.allSatisfy { $0.value >= 0x20 })
  }

  @Test("P2 credentials that a proxy sends back stay out of the message") func echo() throws {
    let password = "canary-secret"
    let sent = text(try tunnel(password).request)
    let encoded = try #require(sent.split(separator: " ").last?.split(separator: "\r\n").first)
    let error = try error("HTTP/1.1 407 \(encoded)\r\n\r\nyou sent \(encoded)", password: password)
    #expect(!error.message.contains(encoded))
    #expect(error.message.contains("does not accept the user and password"))
  }

  @Test("A proxy that closes early is told apart") func ended() throws {
    var machine = try tunnel()
    #expect(machine.ended().message.contains("without an answer"))
    _ = machine.receive(Array("HTTP/1.1 2".utf8)[...])
    #expect(machine.ended().message.contains("in the middle"))
  }

  @Test("Random answers neither crash the machine nor make a tunnel") func randomAnswers() throws {
    var generator = SystemRandomNumberGenerator()
    let pieces = ["HTTP/1.1 ", "HTTP/1.0", "200", "407", " ", "\r\n", "\n", "<title>", "</", "X: y", "\0", "\u{ff}"]
    for _ in 0..<5_000 {
      let answer = (0..<12).map { _ in pieces.randomElement(using: &generator)! }.joined()
      guard case .established = try outcome(answer) else { continue }
      #expect(answer.contains("200"))
    }
  }
}
