import Secrets
import TestSupport
import Testing

@testable import Egress

@Suite("The proxy's address")
struct ProxyConfigurationTests {
  private func text(_ secret: SharedSecret?) -> String? {
    secret?.withBytes { String(decoding: $0, as: UTF8.self) }
  }

  @Test(
    "A URL with and without its parts",
    arguments: [
      ("http://proxy.example:3128", "proxy.example", 3128, nil, nil), ("proxy:8080", "proxy", 8080, nil, nil),
      ("HTTP://proxy/", "proxy", 80, nil, nil), ("http://[::1]:3128/", "::1", 3128, nil, nil),
      ("http://u:p@10.0.0.1:3128", "10.0.0.1", 3128, "u", "p"), ("u@proxy:1", "proxy", 1, "u", nil),
      // The first colon divides; the rest, '@' and percent-encoding included, belongs to the password.
      ("http://u:p:q%20%40@r@proxy:1", "proxy", 1, "u", "p:q @@r"), ("http://a%2Fb:@proxy:1", "proxy", 1, "a/b", ""),
    ] as [(String, String, Int, String?, String?)])
  func parts(url: String, host: String, port: Int, user: String?, password: String?) throws {
    let target = try ProxyTarget(parsing: SharedSecret(copying: url.utf8))
    #expect(target.host == host && target.port == port)
    #expect(text(target.credentials?.user) == user)
    #expect(text(try target.credentials?.currentPassword()) == password)
    #expect("\(target)" == (host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"))
  }

  @Test("https:// means TLS to the proxy itself, on port 443 unless another is named")
  func secureProxy() throws {
    func target(_ url: String) throws -> ProxyTarget { try ProxyTarget(parsing: SharedSecret(copying: url.utf8)) }
    let secure = try target("HTTPS://u:p@proxy.example/")
    #expect(secure.isSecure && secure.host == "proxy.example" && secure.port == 443 && secure.authorities == nil)
    #expect(try target("https://[::1]:8443").port == 8443)
    #expect(try !target("http://proxy").isSecure && !target("proxy:3128").isSecure)
  }

  @Test(
    "A wrong URL is refused and nothing of it shown",
    arguments: [
      "socks5://canary:canary@proxy:1", "http://canary:%zz@proxy:1", "http://:canary@proxy:1",
      "http://can%3Aary:x@proxy:1", "http://canary:x@", "http://canary:x@proxy:0", "http://canary:x@proxy:1/path",
      "http://canary:x@pro xy:1", "http://canary:x@[::1", "http://canary:x@[host]:1", "", "http://",
      "http://canary:x@proxy:1\r\nX: y", "http://canary:%4",
    ]) func faults(url: String)
  {
    do throws(EgressError) {
      _ = try ProxyTarget(parsing: SharedSecret(copying: url.utf8))
      Issue.record("accepted \(url)")
    } catch {
      #expect(error.code == .malformedSetting)
      #expect(!error.message.contains("canary"))
    }
  }

  @Test("A password in a file is read again when the file changes") func rotation() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("password", "first\n")
    let credentials = ProxyCredentials(
      user: SharedSecret(copying: "u".utf8), password: .file(SecretFile(path: path)))
    #expect(text(try credentials.authorization()) == "Basic dTpmaXJzdA==")
    try folder.write("password", "second-one\n")
    #expect(text(try credentials.authorization()) == "Basic dTpzZWNvbmQtb25l")
    let missing = ProxyCredentials(
      user: SharedSecret(copying: "u".utf8), password: .file(SecretFile(path: "/nowhere/password")))
    #expect(throws: EgressError.self) { try missing.authorization() }
  }

  @Test("The proxy is used unless the list exempts the destination") func choice() throws {
    let proxy = ProxyConfiguration(
      target: try ProxyTarget(parsing: SharedSecret(copying: "proxy:1".utf8)), bypass: ProxyBypass(parsing: ".internal")
    )
    #expect(proxy.proxy(forHost: "s.example", port: 443)?.host == "proxy")
    #expect(proxy.proxy(forHost: "s.internal", port: 443) == nil)
    #expect(proxy.proxy(forHost: "127.0.0.1", port: 443) == nil)
  }
}
