import Testing

@testable import Egress

/// A policy with one address that a name has led to, and what must come of it.
struct PolicyCase: Sendable, CustomTestStringConvertible {
  let rules: String
  let name: String
  let port: Int
  /// Nil: the name alone is asked about.
  let address: String?
  let passes: Bool

  init(_ rules: String, _ name: String, _ port: Int, _ passes: Bool) { self.init(rules, name, port, nil, passes) }

  init(_ rules: String, _ name: String, _ port: Int, _ address: String?, _ passes: Bool) {
    (self.rules, self.name, self.port, self.address, self.passes) = (rules, name, port, address, passes)
  }

  var testDescription: String { "\(rules) | \(name):\(port) \(address ?? "")" }
}

@Suite("What may be dialed")
struct EgressPolicyTests {
  private func refusal(_ body: () throws(EgressError) -> Void) -> EgressError? {
    do throws(EgressError) {
      try body()
      return nil
    } catch {
      return error
    }
  }

  private func verdict(_ test: PolicyCase) throws -> EgressError? {
    let policy = try EgressPolicy(parsing: test.rules)
    if let error = refusal({ () throws(EgressError) in try policy.check(name: test.name, port: test.port) }) {
      return error
    }
    guard let text = test.address else { return nil }
    let address = try #require(NetworkAddress(text))
    return refusal { () throws(EgressError) in try policy.check(address: address, port: test.port, for: test.name) }
  }

  @Test(
    "Names before resolution, addresses after it",
    arguments: [
      // Names.
      PolicyCase("s.example:7233", "s.example", 7233, true), PolicyCase("s.example:7233", "s.example", 7234, false),
      PolicyCase("s.example", "S.Example.", 9, true), PolicyCase("S.EXAMPLE.:*", "s.example", 9, true),
      PolicyCase("s.example:7233", "t.s.example", 7233, false),
      PolicyCase("s.example:7000-7999", "s.example", 7233, true),
      PolicyCase("s.example:7000-7100", "s.example", 7233, false),
      PolicyCase("*.example:443", "a.b.example", 443, true), PolicyCase("*.example:443", "example", 443, false),
      PolicyCase("*.example:443", "badexample", 443, false), PolicyCase("*:443", "any.where", 443, true),
      PolicyCase("*:443", "any.where", 80, false), PolicyCase(".example:443", "a.example", 443, true),
      // A rule for addresses on the port: the addresses decide.
      PolicyCase("10.0.0.0/8:5432", "db", 5432, true), PolicyCase("10.0.0.0/8:5432", "db", 5433, false),
      PolicyCase("10.0.0.0/8:5432", "db", 5432, "10.200.1.1", true),
      PolicyCase("10.0.0.0/8:5432", "db", 5432, "11.0.0.1", false),
      PolicyCase("10.0.0.0/8:5432", "db", 5432, "::ffff:10.1.2.3", true),
      PolicyCase("::ffff:10.0.0.0/104", "db", 5432, "10.1.2.3", true),
      PolicyCase("[2001:db8::]/32:443", "six", 443, "2001:db8:1::7", true),
      PolicyCase("[2001:db8::/32]:443", "six", 443, "2001:db9::7", false),
      PolicyCase("2001:db8::1", "six", 1, "2001:db8::1", true),
      // A rule for a name admits ordinary addresses, private ones too, and no special ones.
      PolicyCase("db.internal:5432", "db.internal", 5432, "10.1.2.3", true),
      PolicyCase("db.internal:5432", "db.internal", 5432, "fd12::1", true),
      PolicyCase("s.example:443", "s.example", 443, "93.184.216.34", true),
      PolicyCase("s.example:443", "s.example", 443, "127.0.0.1", false),
      PolicyCase("s.example:443", "s.example", 443, "127.9.9.9", false),
      PolicyCase("s.example:443", "s.example", 443, "::1", false),
      PolicyCase("s.example:443", "s.example", 443, "::ffff:127.0.0.1", false),
      PolicyCase("s.example:443", "s.example", 443, "169.254.169.254", false),
      PolicyCase("s.example:443", "s.example", 443, "169.254.1.1", false),
      PolicyCase("s.example:443", "s.example", 443, "fd00:ec2::254", false),
      PolicyCase("s.example:443", "s.example", 443, "fe80::1", false),
      PolicyCase("s.example:443", "s.example", 443, "0.0.0.0", false),
      PolicyCase("s.example:443", "s.example", 443, "::", false),
      PolicyCase("s.example:443", "s.example", 443, "224.0.0.1", false),
      PolicyCase("s.example:443", "s.example", 443, "ff02::1", false),
      PolicyCase("s.example:443", "s.example", 443, "64:ff9b::a9fe:a9fe", false),
      PolicyCase("s.example:443", "s.example", 443, "2002:7f00:1::", false),
      PolicyCase("*:443", "rebind.example", 443, "127.0.0.1", false),
      // The address itself is listed: it passes whatever name led there.
      PolicyCase("s.example:443,127.0.0.1:443", "s.example", 443, "127.0.0.1", true),
      PolicyCase("s.example:443,127.0.0.1:80", "s.example", 443, "127.0.0.1", false),
      PolicyCase("s.example:443, 169.254.169.254:443", "s.example", 443, "169.254.169.254", true),
      // This machine by its own name.
      PolicyCase("localhost:7233", "localhost", 7233, "127.0.0.1", true),
      PolicyCase("localhost:7233", "LOCALHOST", 7233, "::1", true),
      PolicyCase("localhost:7233", "localhost", 7233, "169.254.169.254", false),
      PolicyCase("*:7233", "localhost", 7233, "127.0.0.1", false),
      // Literals need a rule for the address.
      PolicyCase("127.0.0.1:7233", "127.0.0.1", 7233, true), PolicyCase("*:7233", "127.0.0.1", 7233, false),
      PolicyCase("[::1]:7233", "::1", 7233, true), PolicyCase("127.0.0.1:7233", "::ffff:127.0.0.1", 7233, true),
      PolicyCase("fe80::/10", "fe80::1%eth0", 443, true), PolicyCase("0.0.0.0/0:443", "8.8.8.8", 443, true),
      // A spelling of an address that only the resolver understands is a name, and its address is judged.
      PolicyCase("*:443", "2130706433", 443, "127.0.0.1", false),
      PolicyCase("*:443", "0x7f.1", 443, "127.0.0.1", false),
    ]) func decisions(_ test: PolicyCase) throws
  {
    let error = try verdict(test)
    #expect((error == nil) == test.passes, "\(error?.message ?? "passes")")
    if let error { #expect(error.message.contains(EgressPolicy.variable) && error.message.contains("add '")) }
  }

  @Test("Without a list everything passes") func openPolicy() throws {
    let policy = EgressPolicy.open
    #expect(policy.isOpen)
    try policy.check(name: "x", port: 1)
    try policy.check(address: try #require(NetworkAddress("169.254.169.254")), port: 80, for: "x")
    try policy.check(tunnelTo: "x", port: 1)
    try policy.check(socket: "/x")
  }

  @Test("The error names the rule that is missing") func missingRule() throws {
    let policy = try EgressPolicy(parsing: "s.example:443")
    let name = refusal { () throws(EgressError) in try policy.check(name: "DB.internal", port: 5432) }
    #expect(name?.code == .nameNotAllowed)
    #expect(
      name?.message
        == "no rule admits 'DB.internal' on port 5432: add 'db.internal:5432' to SALLYPORT_EGRESS_ALLOW")
    let literal = refusal { () throws(EgressError) in try policy.check(name: "2001:db8::7", port: 443) }
    #expect(literal?.message == "no rule admits [2001:db8::7]:443: add '[2001:db8::7]:443' to SALLYPORT_EGRESS_ALLOW")
    let rebound = refusal { () throws(EgressError) in
      try policy.check(address: NetworkAddress(bytes: [127, 0, 0, 1])!, port: 443, for: "s.example")
    }
    #expect(rebound?.code == .addressNotAllowed)
    #expect(
      rebound?.message.contains("'s.example' leads to 127.0.0.1, a loopback address, where a rule for a name") == true)
    #expect(rebound?.message.contains("add '127.0.0.1:443'") == true)
    #expect(rebound?.isTransient == false)
  }

  @Test("A proxy is asked only for names that a rule lists") func tunnels() throws {
    let policy = try EgressPolicy(parsing: "s.example:443, 10.0.0.0/8:443")
    try policy.check(tunnelTo: "s.example", port: 443)
    try policy.check(tunnelTo: "10.1.1.1", port: 443)
    // The range says nothing of a name whose addresses only the proxy sees.
    #expect(refusal { () throws(EgressError) in try policy.check(tunnelTo: "other", port: 443) } != nil)
  }

  @Test("Unix sockets: the path or a folder above it, and no way around") func sockets() throws {
    let policy = try EgressPolicy(parsing: "unix:/run/pg/, unix:/tmp/s.sock")
    try policy.check(socket: "/run/pg")
    try policy.check(socket: "/run/pg/.s.PGSQL.5432")
    try policy.check(socket: "/tmp/s.sock")
    for path in ["/run/pgx", "/tmp/s.sock2", "/run", "/run/pg/../x", "/run//pg/x", "run/pg/x", "@abstract", ""] {
      let error = refusal { () throws(EgressError) in try policy.check(socket: path) }
      #expect(error?.code == .socketNotAllowed, "\(path)")
    }
  }

  @Test(
    "A wrong entry is named with its fault and a right one",
    arguments: [
      ("https://s.example", "is a URL"), ("s.example:0", "port"), ("s.example:65536", "port"), ("s.example:+1", "port"),
      ("s.example:9-1", "port"), ("s.example:", "port"), ("10.0.0.1/8:5432", "beyond the prefix"),
      ("10.0.0.0/33", "range"),
      ("10.0.0.256", "range"), ("1.2.3", "range"), ("[2001:db8::1", "bracket"), ("[host]:1", "brackets"),
      ("[::1]x:1", "between bracket"), ("[fe80::1%eth0]:1", "zone"), ("a*.example", "'*'"), ("*.*.example", "'*'"),
      ("höst:1", "no name"), ("a b..c", "no name"), ("unix:relative", "absolute path"),
      ("unix:/a/../b", "absolute path"),
      ("user@host:1", "no name"), ("-\u{1b}[31m", "no name"),
    ]) func malformed(entry: String, fault: String)
  {
    let error = refusal { () throws(EgressError) in _ = try EgressPolicy(parsing: "ok.example:1, \(entry)") }
    #expect(error?.code == .malformedSetting)
    #expect(error?.message.contains(fault) == true, "\(error?.message ?? "accepted")")
    #expect(error?.message.contains("for example") == true)
    #expect(error?.message.contains("\u{1b}") == false)
  }

  @Test("A list without entries is a mistake, not a way to allow all") func emptyList() {
    for text in [",", " , ", "\t"] {
      #expect(refusal { () throws(EgressError) in _ = try EgressPolicy(parsing: text) }?.code == .malformedSetting)
    }
    let many = Array(repeating: "a:1", count: EgressPolicy.ruleLimit + 1).joined(separator: ",")
    #expect(refusal { () throws(EgressError) in _ = try EgressPolicy(parsing: many) }?.message.contains("1000") == true)
  }

  @Test("Addresses in every spelling") func addresses() {
    #expect(NetworkAddress("[::1]")?.description == "::1")
    #expect(NetworkAddress("::ffff:1.2.3.4") == NetworkAddress("1.2.3.4"))
    #expect(NetworkAddress("fe80::1%eth0")?.description == "fe80::1")
    for text in ["", "localhost", "127.1", "0x7f000001", "1.2.3.4.5", "[1.2.3.4", "1.2.3.4 ", "::1\0", ":::"] {
      #expect(NetworkAddress(text) == nil, "\(text)")
    }
  }

  @Test("Random text neither crashes the reader nor opens the gate") func randomRules() {
    var generator = SystemRandomNumberGenerator()
    let alphabet = Array("abz09.:/[]*%-_ \u{e9}\0ux")
    for _ in 0..<20_000 {
      let text = String(
        (0..<Int.random(in: 0...24, using: &generator)).map { _ in alphabet.randomElement(using: &generator)! })
      // A star alone rightly admits every name.
      guard let policy = try? EgressPolicy(parsing: text), !text.contains("*") else { continue }
      #expect(!policy.isOpen)
      #expect(throws: EgressError.self) {
        try policy.check(address: NetworkAddress(bytes: [203, 0, 113, 77])!, port: 23, for: "q.invalid")
      }
      _ = ProxyBypass(parsing: text).matches(host: text, port: 1)
    }
  }
}
