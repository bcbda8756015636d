import Egress
import TestSupport
import Testing

@testable import EventLoop

/// The order of names and addresses, without any socket.
@Suite("The race of addresses")
struct DialRaceTests {
  private func addresses(_ literals: [String], port: Int = 443) throws -> [SocketAddress] {
    try literals.flatMap { try SocketAddress.resolve(host: $0, port: port) }
  }

  private func race(_ names: [String], rules: String? = nil, isLoopbackOnly: Bool = false) throws -> DialRace {
    let policy = try rules.map { try EgressPolicy(parsing: $0) } ?? .open
    return DialRace(names.map { ($0, 443) }, policy: policy, isLoopbackOnly: isLoopbackOnly)
  }

  @Test("P7 families take turns with a stagger, and a refusal brings the next at once") func staggered() throws {
    var race = try race(["s.example"])
    #expect(race.start() == [.cancelStagger, .resolve(0)])
    let list = try addresses(["2001:db8::1", "2001:db8::2", "192.0.2.1"])
    #expect(race.resolved(0, .success(list)) == [.setStagger, .connect(list[0], name: 0)])
    #expect(race.staggerElapsed() == [.setStagger, .connect(list[2], name: 0)])
    #expect(race.failed(list[2], "refused") == [.cancelStagger, .connect(list[1], name: 0)])
    #expect(race.failed(list[1], "refused") == [.cancelStagger])
    guard case .finish(let error) = race.failed(list[0], "no route").last else { throw PeerError("no end") }
    #expect(error.code == .connectFailed)
    #expect(
      error.message == "192.0.2.1:443: refused; [2001:db8::2]:443: refused; [2001:db8::1]:443: no route")
  }

  @Test("A later host is looked at when the ones before it fail or stay silent") func alternatives() throws {
    var race = try race(["a.example", "b.example"])
    #expect(race.start() == [.setStagger, .resolve(0)])
    // The first resolver hangs: the second name is asked for beside it.
    #expect(race.staggerElapsed() == [.cancelStagger, .resolve(1)])
    let second = try addresses(["192.0.2.2"])
    #expect(race.resolved(1, .success(second)) == [.cancelStagger, .connect(second[0], name: 1)])
    let first = try addresses(["192.0.2.1"])
    #expect(race.resolved(0, .success(first)) == [.setStagger])
    #expect(race.staggerElapsed() == [.cancelStagger, .connect(first[0], name: 0)])
    #expect(race.timedOut(seconds: 5).message.contains("192.0.2.1:443: no answer within 5 s"))
    // An answer that nobody waits for any more changes nothing.
    #expect(race.resolved(0, .success(first)) == [])
  }

  @Test("No name that the policy refuses is resolved, no address that it refuses is tried") func policy() throws {
    var refused = try race(["other.example"], rules: "s.example:443")
    guard case .finish(let error) = refused.start().last else { throw PeerError("no end") }
    #expect(error.code == .egressRefused && error.reason == .name && !error.isTransient)
    #expect(error.message.contains("add 'other.example:443' to SALLYPORT_EGRESS_ALLOW"))

    var mixed = try race(["s.example"], rules: "s.example:443")
    _ = mixed.start()
    let list = try addresses(["169.254.169.254", "127.0.0.1", "192.0.2.1", "::1"])
    #expect(mixed.resolved(0, .success(list)) == [.cancelStagger, .connect(list[2], name: 0)])

    var none = try race(["s.example"], rules: "s.example:443")
    _ = none.start()
    guard case .finish(let all) = none.resolved(0, .success(Array(list[..<2]))).last else { throw PeerError("no end") }
    #expect(all.code == .egressRefused && all.reason == .address)
    #expect(all.message.contains("169.254.169.254, the address of a cloud's metadata service"))
    #expect(all.message.contains("127.0.0.1, a loopback address"))
  }

  @Test("Plaintext reaches this machine only, whatever the name resolves to") func loopbackOnly() throws {
    var race = try race(["localhost"], isLoopbackOnly: true)
    _ = race.start()
    let list = try addresses(["192.0.2.1", "127.0.0.1"])
    #expect(race.resolved(0, .success(list)) == [.cancelStagger, .connect(list[1], name: 0)])
  }

  @Test("A link-local address keeps its zone for dialing and loses it for the rules") func zones() throws {
    let list = try SocketAddress.resolve(host: "fe80::1%lo", port: 443)
    #expect(list.map(\.description) == ["[fe80::1%lo]:443"])
    var race = try DialRace(
      [("fe80::1%lo", 443)], policy: EgressPolicy(parsing: "fe80::/10"), isLoopbackOnly: false)
    #expect(race.start() == [.cancelStagger, .resolve(0)])
    #expect(race.resolved(0, .success(list)) == [.cancelStagger, .connect(list[0], name: 0)])
  }

  @Test("Names that nobody knows") func unresolved() throws {
    var race = try race(["a", "b"])
    _ = race.start()
    let error = EventLoopError(.nameNotResolved, "the name has no address")
    #expect(race.resolved(0, .failure(error)) == [.cancelStagger, .resolve(1)])
    guard case .finish(let end) = race.resolved(1, .failure(error)).last else { throw PeerError("no end") }
    #expect(end.code == .nameNotResolved)
  }
}
