import Egress
import Foundation
import TestSupport
import Testing

@testable import EventLoop

/// What leaves the machine, seen on the wire of a network of the test's own.
@Suite("Packets on the wire")
struct DialCaptureTests {
  /// A link with a neighbour that does not exist: packets to it, and to everything behind it, are sent and lost.
  static let network = [
    "link add out type veth peer name far", "addr add 10.9.0.1/24 dev out", "link set out up", "link set far up",
    "neigh add 10.9.0.2 lladdr 02:00:00:00:00:02 dev out", "route add default via 10.9.0.2",
  ]

  @Test("P11 a destination that no rule admits costs no packet, though a route leads there") func noPacket()
    async throws
  {
    let dialer = try Dialer()
    let folder = try TemporaryFolder()
    let capture = try await dialer.perform { () throws -> PacketCapture in
      try NetworkNamespace.enter(Self.network, folder: folder)
      return try PacketCapture(folder: folder)
    }
    let policy = try EgressPolicy(parsing: "10.9.0.2:7233, s.example:443")
    func dial(_ host: String, _ port: Int, _ policy: EgressPolicy, leadsTo literal: String? = nil) async throws
      -> EventLoopError
    {
      var target = Dial.Target(host: host, port: port, timeout: .seconds(1))
      target.policy = policy
      var resolver: Dial.Resolver?
      if let literal {
        resolver = { _, port in
          Result { () throws(EventLoopError) in try SocketAddress.resolve(host: literal, port: port) }
        }
      }
      guard case .failure(let error) = await dialer.dial(target, resolver: resolver).result else {
        throw PeerError("nobody can answer there")
      }
      return error
    }
    // The capture sees what the policy admits…
    #expect(try await dial("10.9.0.2", 7_233, policy).code == .connectTimedOut)
    #expect(capture.waitFor("10.9.0.2 7233"))
    #expect(try await dial("s.example", 443, policy, leadsTo: "10.9.0.7").code != .egressRefused)
    // …and, without a policy, also the destination that is refused below.
    #expect(try await dial("203.0.113.8", 443, .open).code == .connectTimedOut)
    #expect(capture.waitFor("203.0.113.8 443"))
    // Refused: other addresses, other ports, names that lead to special addresses.
    #expect(try await dial("203.0.113.9", 443, policy).code == .egressRefused)
    #expect(try await dial("10.9.0.2", 7_234, policy).code == .egressRefused)
    #expect(try await dial("s.example", 443, policy, leadsTo: "169.254.169.254").code == .egressRefused)
    #expect(try await dial("s.example", 80, policy, leadsTo: "203.0.113.9").code == .egressRefused)
    #expect(try await dial("other.example", 443, policy, leadsTo: "203.0.113.9").code == .egressRefused)
    // One more that is admitted, so that the capture has had time for all before it.
    _ = try await dial("10.9.0.2", 7_233, policy)
    try await Task.sleep(for: .milliseconds(300))
    #expect(capture.destinations == ["10.9.0.2 7233", "203.0.113.8 443"])
    capture.stop()
    await dialer.stop()
  }
}
