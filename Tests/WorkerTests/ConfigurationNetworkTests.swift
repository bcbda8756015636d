import Egress
import Foundation
import GRPCClient
import HTTP2Client
import Observability
import Secrets
import TLSClient
import Testing

@testable import Worker

/// The variables of the way out.
@Suite struct ConfigurationNetworkTests {
  let fixture: ConfigurationFixture

  init() throws { fixture = try ConfigurationFixture() }

  private func environment(_ values: [String: String], _ secrets: [String: String] = [:]) -> ProcessEnvironment {
    ProcessEnvironment(
      values: ["DBT_PROJECT_DIR": fixture.path("project")].merging(values) { $1 },
      secrets: secrets.mapValues { SharedSecret(copying: $0.utf8) })
  }

  private func network(
    _ values: [String: String] = [:], _ secrets: [String: String] = [:]
  ) throws -> NetworkConfiguration {
    try Configuration(environment(values, secrets)).scheduler.network
  }

  private func faults(_ values: [String: String], _ secrets: [String: String] = [:]) -> [String] {
    do { _ = try Configuration(environment(values, secrets)) } catch { return error.problems.map(\.description) }
    return []
  }

  private func text(_ secret: SharedSecret?) -> String? { secret?.withBytes { String(decoding: $0, as: UTF8.self) } }

  @Test func withoutVariablesEverythingMayBeDialedAndDirectly() throws {
    let network = try network()
    #expect(network.egress.isOpen && network.proxy == nil)
  }

  @Test func theLimitOfConnectionsReachesTheChannel() throws {
    #expect(try Configuration(environment([:])).scheduler.channel.connectionLimit == 4)
    #expect(
      try Configuration(environment(["SALLYPORT_SCHEDULER_CONNECTIONS": "1"])).scheduler.channel.connectionLimit == 1)
    #expect(faults(["SALLYPORT_SCHEDULER_CONNECTIONS": "17"]).count == 1)
  }

  @Test func theCapsOfTheWindowsReachTheChannel() throws {
    let standard = try Configuration(environment([:])).scheduler.channel.http2Limits
    #expect(standard.largestStreamWindow == 16 << 20 && standard.largestConnectionWindow == 32 << 20)
    #expect(standard.streamWindow == 2 << 20 && standard.connectionWindow == 8 << 20)
    let small = try Configuration(
      environment(["SALLYPORT_HTTP2_STREAM_WINDOW_MIB": "1", "SALLYPORT_HTTP2_CONNECTION_WINDOW_MIB": "4"])
    ).scheduler.channel.http2Limits
    #expect(
      small.largestStreamWindow == 1 << 20 && small.streamWindow == 1 << 20, "no wider at the start than at the end")
    #expect(small.largestConnectionWindow == 4 << 20 && small.connectionWindow == 4 << 20)
    let large = try Configuration(
      environment(["SALLYPORT_HTTP2_STREAM_WINDOW_MIB": "1024", "SALLYPORT_HTTP2_CONNECTION_WINDOW_MIB": "1024"])
    ).scheduler.channel.http2Limits
    #expect(large.largestStreamWindow == 1 << 30 && large.streamWindow == 2 << 20)
    #expect(
      faults(["SALLYPORT_HTTP2_STREAM_WINDOW_MIB": "64"]) == [
        "SALLYPORT_HTTP2_CONNECTION_WINDOW_MIB: smaller than SALLYPORT_HTTP2_STREAM_WINDOW_MIB (64), the window of one answer "
          + "on it"
      ])
    for value in ["0", "1025", "16 MiB", "-1"] {
      #expect(faults(["SALLYPORT_HTTP2_STREAM_WINDOW_MIB": value]).count == 1, "\(value)")
    }
  }

  @Test func theAllowlistReachesTheChannelAndTheWarehouse() throws {
    let list = "s.example:7233, 10.0.0.0/8:5432"
    let values = ["SALLYPORT_EGRESS_ALLOW": list, "TEMPORAL_ADDRESS": "s.example:7233"]
    let policy = try EgressPolicy(parsing: list)
    #expect(try fixture.configuration(values).scheduler.channel.egress == policy)
    #expect(try NetworkConfiguration.egress(of: environment(values)) == policy)
    #expect(throws: ConfigurationError.self) {
      try NetworkConfiguration.egress(of: environment(["SALLYPORT_EGRESS_ALLOW": "host:x"]))
    }
  }

  @Test func aWrongEntryIsNamed() {
    let faults = faults(["SALLYPORT_EGRESS_ALLOW": "localhost:7233,10.0.0.1/8"])
    #expect(faults.count == 1 && faults[0].hasPrefix("SALLYPORT_EGRESS_ALLOW: the entry '10.0.0.1/8' "))
  }

  @Test func aListThatShutsOutTheSchedulerStopsTheStart() {
    let shut = faults(["SALLYPORT_EGRESS_ALLOW": "db:5432", "TEMPORAL_ADDRESS": "s.example:7233"])
    #expect(shut.count == 1 && shut[0].contains("shuts out the scheduler"))
    #expect(shut.first?.contains("add 's.example:7233' to SALLYPORT_EGRESS_ALLOW") == true)
    // Through a proxy both must pass: the scheduler by name, and the proxy itself.
    let proxied = ["SALLYPORT_EGRESS_ALLOW": "s.example:7233", "TEMPORAL_ADDRESS": "s.example:7233"]
    let missing = faults(proxied, ["HTTPS_PROXY": "http://proxy:3128"])
    #expect(missing.count == 1 && missing[0].contains("add 'proxy:3128'"))
    let both = ["SALLYPORT_EGRESS_ALLOW": "s.example:7233,proxy:3128", "TEMPORAL_ADDRESS": "s.example:7233"]
    #expect(faults(both, ["HTTPS_PROXY": "http://proxy:3128"]) == [])
    #expect(faults(["SALLYPORT_EGRESS_ALLOW": "db:5432", "TEMPORAL_ADDRESS": "unix:/run/s"]).count == 1)
    #expect(faults(["SALLYPORT_EGRESS_ALLOW": "unix:/run", "TEMPORAL_ADDRESS": "unix:/run/s"]) == [])
  }

  @Test(arguments: ["HTTPS_PROXY", "https_proxy"])
  func theProxyIsKnownByBothSpellings(name: String) throws {
    let secrets = [name: "http://user:pass-canary@proxy.example:3128/"]
    let proxy = try #require(try network(["no_proxy": ".internal"], secrets).proxy)
    #expect(proxy.target.host == "proxy.example" && proxy.target.port == 3128)
    #expect(text(try proxy.target.credentials?.currentPassword()) == "pass-canary")
    #expect(Redactor.process.redact("x pass-canary y") == "x ***** y")
    #expect(proxy.proxy(forHost: "a.internal", port: 443) == nil)
    #expect(proxy.proxy(forHost: "s.example", port: 443) != nil)
    // Its value leaves the environment at the start, since a password may stand in it.
    #expect(Setting.secretNames.contains(name))
  }

  @Test func theExplicitProxyWinsAndCanBeOff() throws {
    let common = ["HTTPS_PROXY": "http://common:1"]
    #expect(try network([:], common.merging(["SALLYPORT_PROXY": "own:2"]) { $1 }).proxy?.target.host == "own")
    #expect(try network([:], common.merging(["SALLYPORT_PROXY": "off"]) { $1 }).proxy == nil)
    #expect(try network([:], common).proxy?.target.host == "common")
  }

  @Test func thePasswordMayStandInAFileOfItsOwn() throws {
    try fixture.write("proxy-password", "first\n")
    let values = ["SALLYPORT_PROXY_PASSWORD_FILE": fixture.path("proxy-password")]
    let target = try #require(try network(values, ["SALLYPORT_PROXY": "http://user@proxy:1"]).proxy?.target)
    #expect(text(try target.credentials?.currentPassword()) == "first")
    try fixture.write("proxy-password", "second\n")
    #expect(text(try target.credentials?.currentPassword()) == "second")
    #expect(faults(values)[0].hasPrefix("SALLYPORT_PROXY_PASSWORD: set without"))
    #expect(faults(values, ["SALLYPORT_PROXY": "http://proxy:1"])[0].contains("names no user"))
    #expect(faults(values, ["SALLYPORT_PROXY": "http://u:p@proxy:1"])[0].contains("holds a password"))
  }

  @Test(arguments: ["ftp://canary:canary@proxy:1", "socks5://canary@proxy", "http://canary:x@proxy:99999", "http://"])
  func aWrongProxyIsRefusedWithoutBeingShown(url: String) {
    let faults = faults([:], ["HTTPS_PROXY": url])
    #expect(faults.count == 1 && faults[0].hasPrefix("HTTPS_PROXY: "))
    #expect(!faults.joined().contains("canary"))
  }

  @Test func aProxyMayBeSpokenToInTLSWithAuthoritiesOfItsOwn() throws {
    let values = ["SALLYPORT_PROXY_CA": fixture.path("authorities")]
    try fixture.write("authorities/one.crt", "-----BEGIN CERTIFICATE-----\n")
    let secure = try #require(try network(values, ["HTTPS_PROXY": "https://proxy.example"]).proxy?.target)
    #expect(secure.isSecure && secure.port == 443 && secure.authorities == fixture.path("authorities"))
    let tls = try #require(secure.tls)
    #expect(tls.trust == .file(fixture.path("authorities")) && !tls.demandsHTTP2 && tls.clientIdentity == nil)
    #expect(try network([:], ["HTTPS_PROXY": "https://proxy.example"]).proxy?.target.tls?.trust == .systemRoots)
    #expect(try network([:], ["HTTPS_PROXY": "http://proxy.example"]).proxy?.target.tls == nil)
    #expect(faults(values)[0].hasPrefix("SALLYPORT_PROXY_CA: set without"))
    #expect(faults(values, ["HTTPS_PROXY": "http://proxy"])[0].contains("begins with http://"))
    #expect(
      faults(["SALLYPORT_PROXY_CA": "/no/such"], ["HTTPS_PROXY": "https://proxy"])[0].hasPrefix("SALLYPORT_PROXY_CA: "))
  }

  @Test func foreignFormsInTheExemptionsEarnAWarning() throws {
    let values = ["NO_PROXY": "10.0.*,good"]
    #expect(try Configuration(environment(values)).warnings == [])
    let warned = try Configuration(environment(values, ["HTTPS_PROXY": "proxy:1"])).warnings
    #expect(warned.count == 1 && warned[0].contains("10.0.*"))
  }

  @Test func severalSchedulerAddressesAreOneScheduler() throws {
    let scheduler = try fixture.configuration(["TEMPORAL_ADDRESS": "a.example:7233, b.example:7234"]).scheduler
    #expect(scheduler.address.description == "a.example:7233")
    #expect(scheduler.alternatives.map(\.description) == ["b.example:7234"])
    #expect(scheduler.tls != nil)
    #expect(scheduler.channel.alternatives.map(\.host) == ["b.example"])
    // One that is not this machine is enough to need TLS.
    #expect(try fixture.configuration(["TEMPORAL_ADDRESS": "localhost:1,b.example:1"]).scheduler.tls != nil)
    for value in ["a:1,", "a:1,,b:1", "http://a:1,https://b:1", "a:1,unix:/run/s"] {
      #expect(faults(["TEMPORAL_ADDRESS": value]).first?.hasPrefix("TEMPORAL_ADDRESS: ") == true, "\(value)")
    }
  }

  @Test func aUnixSocketIsThisMachine() throws {
    for value in ["unix:/run/scheduler.sock", "unix:///run/scheduler.sock"] {
      let scheduler = try fixture.configuration(["TEMPORAL_ADDRESS": value]).scheduler
      #expect(scheduler.address.socketPath == "/run/scheduler.sock" && scheduler.address.isLoopback)
      #expect(scheduler.tls == nil && scheduler.channel.socketPath == "/run/scheduler.sock")
      #expect(scheduler.channel.host == "localhost")
      #expect("\(scheduler.address)" == "unix:/run/scheduler.sock")
    }
    for value in ["unix:", "unix:run/s", "unix:/a b", "unix:/\(String(repeating: "x", count: 107))"] {
      #expect(faults(["TEMPORAL_ADDRESS": value]).count == 1, "\(value)")
    }
  }

  @Test func refusalsPointToTheirVariables() {
    func advice(_ text: String) -> [String] { ConnectionAdvice.settings(text, isCredentialRefused: false) }
    #expect(
      advice("no connection to s:1: no rule admits 's' on port 1: add 's:1' to SALLYPORT_EGRESS_ALLOW")
        == ["SALLYPORT_EGRESS_ALLOW"])
    #expect(
      advice("no connection to s:1: the proxy p:3128 said 407 Proxy Authentication Required").first == "HTTPS_PROXY")
  }
}
