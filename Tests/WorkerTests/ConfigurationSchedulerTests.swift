import Foundation
import Secrets
import TLSClient
import Testing

@testable import Worker

@Suite struct ConfigurationSchedulerTests {
  let fixture: ConfigurationFixture

  init() throws { fixture = try ConfigurationFixture() }

  @Test(arguments: [
    ("localhost:7233", "localhost", 7233, true), ("scheduler.example", "scheduler.example", 7233, false),
    ("http://127.0.0.1:1", "127.0.0.1", 1, true), ("https://a.b:443/", "a.b", 443, false),
    ("[::1]:7233", "::1", 7233, true), ("[2001:db8::1]", "2001:db8::1", 7233, false),
    ("127.9.9.9:5", "127.9.9.9", 5, true), ("127.evil.example:5", "127.evil.example", 5, false),
    ("HTTPS://LOCALHOST:5", "LOCALHOST", 5, true),
  ])
  func addressesAreRead(text: String, host: String, port: Int, isLoopback: Bool) throws {
    let address = try SchedulerAddress(text)
    #expect(address.host == host && address.port == port && address.isLoopback == isLoopback)
  }

  @Test(arguments: [
    "", "http://", ":7233", "host:", "host:x", "host:0", "host:65536", "host:+1", "::1:7233", "[::1", "[host]:1",
    "[::1]x",
    "[::1]:", "ftp://x:1", "a b:1", "host/path", "https://host:1/path", "user:secret-canary@host:1", "höst:1",
    "host:1?x",
  ])
  func malformedAddressesAreRefusedAndNoPasswordIsEchoed(text: String) {
    #expect(throws: SchedulerAddress.Fault.self) { try SchedulerAddress(text) }
    #expect(!fixture.faults(["TEMPORAL_ADDRESS": text]).joined().contains("canary"))
  }

  /// Environment → whether TLS is on; nil: refused.
  @Test(
    arguments: [
      ([:], false),
      (["TEMPORAL_ADDRESS": "s.example:7233"], true),
      (["TEMPORAL_ADDRESS": "https://localhost:7233"], true),
      (["TEMPORAL_ADDRESS": "http://localhost:7233"], false),
      (["TEMPORAL_ADDRESS": "http://s.example:7233"], nil),
      (["TEMPORAL_ADDRESS": "http://s.example:7233", "TEMPORAL_TLS": "off"], false),
      (["TEMPORAL_ADDRESS": "s.example:7233", "TEMPORAL_TLS": "off"], false),
      (["TEMPORAL_ADDRESS": "https://s.example:7233", "TEMPORAL_TLS": "off"], nil),
      (["TEMPORAL_ADDRESS": "http://s.example:7233", "TEMPORAL_TLS": "on"], nil),
      (["TEMPORAL_TLS": "on"], true),
      (["TEMPORAL_TLS": "ON"], true),
      (["TEMPORAL_TLS_SERVER_NAME": "x"], true),
      (["TEMPORAL_TLS_SERVER_NAME": "x", "TEMPORAL_TLS": "off"], nil),
      (["TEMPORAL_TLS_SERVER_NAME": "x", "TEMPORAL_ADDRESS": "http://localhost:7233"], nil),
    ] as [([String: String], Bool?)])
  func encryptionIsOnUnlessItCannotMatter(values: [String: String], isEncrypted: Bool?) throws {
    guard let isEncrypted else {
      #expect(fixture.faults(values).count == 1)
      return
    }
    #expect(try (fixture.configuration(values).scheduler.tls != nil) == isEncrypted)
  }

  @Test func aKeyNeverTravelsInPlaintextOverTheNetwork() throws {
    #expect(try fixture.configuration(key: "abcd").scheduler.tls != nil)
    #expect(try fixture.configuration(["TEMPORAL_TLS": "off"], key: "abcd").scheduler.tls == nil)
    #expect(fixture.faults(["TEMPORAL_TLS": "off", "TEMPORAL_ADDRESS": "s.example:1"], key: "abcd").count == 1)
    #expect(fixture.faults(["TEMPORAL_ADDRESS": "http://localhost:1"], key: "abcd").count == 1)
  }

  @Test func certificateAndKeyBelongTogether() throws {
    let certificate = fixture.path("tls.crt")
    let key = fixture.path("tls.key")
    let tls = try fixture.configuration([
      "TEMPORAL_TLS_CERT": certificate, "TEMPORAL_TLS_KEY": key, "TEMPORAL_TLS_CA": fixture.path("ca.crt"),
      "TEMPORAL_TLS_SERVER_NAME": "s.example",
    ]).scheduler.tls
    #expect(
      tls
        == TLSConfiguration(
          trust: .file(fixture.path("ca.crt")), clientIdentity: .init(certificateFile: certificate, keyFile: key),
          serverName: "s.example"))
    #expect(
      fixture.faults(["TEMPORAL_TLS_CERT": certificate]).first?.hasPrefix("TEMPORAL_TLS_KEY: not set though") == true)
    #expect(fixture.faults(["TEMPORAL_TLS_KEY": key]).first?.hasPrefix("TEMPORAL_TLS_CERT: not set though") == true)
    #expect(fixture.faults(["TEMPORAL_TLS_KEY_PASSPHRASE_FILE": key]).count == 1)
  }

  @Test func aFileThatIsNoCertificateIsNamed() {
    let faults = fixture.faults(["TEMPORAL_TLS_CA": fixture.path("tls.key")])
    #expect(faults.count == 1 && faults[0].contains("tls.key' holds no -----BEGIN CERTIFICATE-----"))
  }

  @Test func theKeyComesFromTheVariableOrItsFileButNotBoth() throws {
    let file = ["TEMPORAL_API_KEY_FILE": fixture.path("api-key")]
    let source = try #require(try fixture.configuration(file).scheduler.apiKey)
    #expect(try source.current().withBytes { String(decoding: $0, as: UTF8.self) } == "key-from-file")
    try fixture.write("api-key", "rotated\n")
    #expect(try source.current().withBytes { String(decoding: $0, as: UTF8.self) } == "rotated")
    #expect(fixture.faults(file, key: "canary-key").first?.contains("set together with TEMPORAL_API_KEY_FILE") == true)
    #expect(
      fixture.faults(["TEMPORAL_API_KEY_FILE": "/no/such"]).first?.hasPrefix("TEMPORAL_API_KEY_FILE: no file") == true)
  }

  @Test(arguments: ["canary key", "canary\tkey", "canary\u{e9}key", "canary\nkey"])
  func aMangledKeyIsRefusedWithoutBeingShown(key: String) {
    let faults = fixture.faults([:], key: key)
    #expect(faults.count == 1 && faults[0].hasPrefix("TEMPORAL_API_KEY: "))
    #expect(!faults[0].contains("canary"))
  }
}
