import Secrets
import TLSClient
import Testing

@testable import GRPCClient

@Suite("Rules of the channel")
struct ChannelPolicyTests {
  private func configuration(
    _ host: String, _ port: Int = 7_233, tls: TLSConfiguration? = nil
  ) -> ChannelConfiguration { ChannelConfiguration(host: host, port: port, tls: tls) }

  @Test(
    "Plaintext goes to this machine only, or where it was asked for by name",
    arguments: [
      ("localhost", true), ("127.0.0.1", true), ("127.9.9.9", true), ("::1", true), ("LOCALHOST", true),
      ("scheduler", false), ("10.0.0.1", false), ("127.0.0.1.example", false), ("localhost.example", false),
      ("127.evil.0.1", false),
    ])
  func plaintext(_ host: String, _ isAllowed: Bool) {
    var configuration = configuration(host)
    #expect((ChannelPolicy.refusal(of: configuration) == nil) == isAllowed)
    configuration.allowPlaintext = true
    #expect(ChannelPolicy.refusal(of: configuration) == nil)
    configuration.apiKeyFile = "/key"
    #expect((ChannelPolicy.refusal(of: configuration) == nil) == isAllowed)
    configuration.tls = TLSConfiguration()
    #expect(ChannelPolicy.refusal(of: configuration) == nil)
  }

  @Test("Impossible addresses are refused", arguments: [("", 1), ("a", 0), ("a", 65_536), ("a", -1)])
  func addresses(_ host: String, _ port: Int) {
    #expect(ChannelPolicy.refusal(of: configuration(host, port, tls: TLSConfiguration())) != nil)
  }

  @Test("The authority is the override, the server name, or host and port")
  func authority() {
    #expect(ChannelPolicy.authority(of: configuration("h")) == "h:7233")
    #expect(ChannelPolicy.authority(of: configuration("::1")) == "[::1]:7233")
    #expect(ChannelPolicy.authority(of: configuration("h", 443, tls: TLSConfiguration())) == "h")
    #expect(ChannelPolicy.authority(of: configuration("h", tls: TLSConfiguration(serverName: "s"))) == "s")
    var named = configuration("h", tls: TLSConfiguration(serverName: "s"))
    named.authority = "a"
    #expect(ChannelPolicy.authority(of: named) == "a")
  }

  @Test("Pauses grow to the maximum, vary by the jitter, and begin anew after success")
  func backoff() {
    var backoff = Backoff(.init(initial: .milliseconds(100), maximum: .seconds(1), factor: 2, jitter: 0.2))
    func next(_ random: Double) -> Duration { backoff.next(random: random) }
    let pauses = (0..<6).map { _ in backoff.next(random: 0.5) }
    #expect(
      pauses == [
        .milliseconds(100), .milliseconds(200), .milliseconds(400), .milliseconds(800), .seconds(1), .seconds(1),
      ])
    #expect(next(0) == .milliseconds(800))
    #expect(next(0.999_999) < .milliseconds(1_200))
    backoff.reset()
    #expect(next(0.5) == .milliseconds(100))
    for _ in 0..<1_000 { #expect(next(0.5) <= .seconds(1)) }
  }

  @Test("Long polls leave streams to the other calls")
  func queue() {
    var queue = CallQueue()
    func next(_ free: Int, _ credit: Int) -> UInt64? { queue.next(free: free, credit: credit) }
    for id in 1...10 { queue.append(UInt64(id), isLongPoll: true) }
    var sent: [UInt64] = []
    while let id = queue.next(free: 10 - sent.count, credit: 10) { sent.append(id) }
    #expect(sent == [1, 2, 3, 4, 5, 6, 7, 8])
    queue.append(11, isLongPoll: false)
    #expect(next(2, 10) == 11)
    #expect(next(0, 10) == nil)
    queue.putBack(8, isLongPoll: true)
    #expect(queue.all == [8, 9, 10])
    queue.remove(9)
    #expect(queue.count == 2)
    // With a single stream even a poll must go.
    #expect(next(1, 1) == 8)
  }

  @Test("An API key becomes a header value only when it can be one")
  func bearer() throws {
    let value = try #require(BearerKey.authorization(SharedSecret(copying: Array("k-1".utf8))))
    #expect(value.matches(SharedSecret(copying: Array("Bearer k-1".utf8))))
    for bad in ["", "two words", "line\nbreak", "é", String(repeating: "k", count: 8_193)] {
      #expect(BearerKey.authorization(SharedSecret(copying: Array(bad.utf8))) == nil)
    }
  }
}
