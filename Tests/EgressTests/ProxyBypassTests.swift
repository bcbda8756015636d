import Testing

@testable import Egress

@Suite("NO_PROXY")
struct ProxyBypassTests {
  @Test(
    "P5 NO_PROXY forms: names, suffixes, addresses, ranges, ports, star",
    arguments: [
      // list, host, port, dialed directly
      ("", "s.example", 443, false), ("*", "s.example", 443, true), ("*", "8.8.8.8", 443, true),
      ("s.example", "s.example", 443, true), ("S.Example.", "s.EXAMPLE", 443, true),
      ("s.example", "a.s.example", 443, true), ("s.example", "bads.example", 443, false),
      (".s.example", "a.s.example", 443, true), (".s.example", "s.example", 443, false),
      ("*.s.example", "a.b.s.example", 443, true), ("*.s.example", "s.example", 443, false),
      ("s.example:443", "s.example", 443, true), ("s.example:443", "s.example", 7233, false),
      (".internal:7233", "a.internal", 7233, true), (".internal:7233", "a.internal", 443, false),
      ("10.1.2.3", "10.1.2.3", 443, true), ("10.1.2.3", "10.1.2.4", 443, false),
      ("10.1.2.3:443", "10.1.2.3", 80, false),
      ("10.0.0.0/8", "10.200.0.1", 443, true), ("10.0.0.0/8", "11.0.0.1", 443, false),
      ("10.0.0.0/8", "::ffff:10.0.0.1", 443, true), ("10.0.0.0/8", "ten.example", 443, false),
      ("10.0.0.0/8:443", "10.0.0.1", 443, true), ("2001:db8::/32", "2001:db8::5", 443, true),
      ("2001:db8::1", "[2001:db8::1]", 443, true), ("[2001:db8::1]", "2001:db8::1", 443, true),
      ("[2001:db8::1]:443", "2001:db8::1", 443, true), ("[2001:db8::1]:443", "2001:db8::1", 80, false),
      ("2001:db8::/32", "2001:db9::5", 443, false), ("a, b\tc,,d", "c", 1, true), ("a, b\tc,,d", "d", 1, true),
      ("a b", "ab", 1, false), ("0.0.0.0/0", "8.8.8.8", 443, true), ("0.0.0.0/0", "::2", 443, false),
      ("example", "example", 443, true), ("1.example", "1.example", 443, true),
      // This machine never goes through a proxy.
      ("", "localhost", 7233, true), ("", "a.localhost", 7233, true), ("", "127.0.0.1", 7233, true),
      ("", "::1", 7233, true), ("", "localhost.example", 7233, false),
    ]) func forms(list: String, host: String, port: Int, isDirect: Bool)
  {
    #expect(ProxyBypass(parsing: list).matches(host: host, port: port) == isDirect)
  }

  @Test("Entries of other programs' forms are kept aside, not obeyed") func unread() {
    let bypass = ProxyBypass(parsing: "10.0.*, http://x, host:port, [::1, good")
    #expect(bypass.unread == ["10.0.*", "http://x", "host:port", "[::1"])
    #expect(bypass.matches(host: "good", port: 1))
    #expect(!bypass.matches(host: "10.0.0.1", port: 1))
    #expect(!ProxyBypass(exemptsLoopback: false).matches(host: "localhost", port: 1))
  }
}
