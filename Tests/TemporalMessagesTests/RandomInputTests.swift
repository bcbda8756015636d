import Testing

@testable import TemporalMessages

/// A repeatable sequence of numbers (SplitMix64).
struct SeededNumbers: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}

/// Random and damaged bytes never trap; what does decode encodes to bytes that decode to the same.
@Suite struct RandomInputTests {
  private func mutate(_ seed: [UInt8], _ other: [UInt8], _ numbers: inout SeededNumbers) -> [UInt8] {
    var wire = seed
    for _ in 0..<Int.random(in: 1...4, using: &numbers) {
      let at = wire.isEmpty ? 0 : Int.random(in: 0..<wire.count, using: &numbers)
      switch Int.random(in: 0..<6, using: &numbers) {
      case 0 where !wire.isEmpty: wire[at] = UInt8.random(in: .min ... .max, using: &numbers)
      case 1 where !wire.isEmpty: wire[at] ^= 1 << UInt8.random(in: 0..<8, using: &numbers)
      case 2: wire.insert(UInt8.random(in: .min ... .max, using: &numbers), at: at)
      case 3 where !wire.isEmpty: wire.remove(at: at)
      case 4: wire.removeLast(Int.random(in: 0...wire.count, using: &numbers))
      default: wire.insert(contentsOf: other.prefix(64), at: at)
      }
    }
    return wire
  }

  private func check<Message: WireMessage>(_ type: Message.Type, _ wire: [UInt8]) throws -> Bool {
    let limits = WireLimits(wireBytes: 1 << 16, elements: 10_000, treeBytes: 4 << 20)
    guard let message = try? Message(wire: wire, limits: limits) else { return false }
    let first = try message.wire()
    let second = try Message(wire: first).wire()
    #expect(first == second, "\(Message.fullName) \(wire)")
    return true
  }

  @Test func damagedMessagesNeverTrap() throws {
    var numbers = SeededNumbers(state: 20_261_121)
    let seeds = try [
      RoundTripTests.completion.wire(), RoundTripTests.failure.wire(), RoundTripTests.payload.wire(),
      ProtocolMessage.with { $0.sequencingID = .commandIndex(7) }.wire(),
    ]
    let types: [any WireMessage.Type] = [
      RespondWorkflowTaskCompletedRequest.self, Failure.self, Payload.self, ProtocolMessage.self,
    ]
    var accepted = 0
    for round in 0..<6_000 {
      let wire = mutate(seeds[round % 4], seeds[(round / 4) % 4], &numbers)
      let type = types[round % 4]
      if try check(type, wire) { accepted += 1 }
    }
    #expect(accepted > 300)
  }

  @Test func randomBytesNeverTrapInAnyMessage() throws {
    var numbers = SeededNumbers(state: 42)
    var accepted = 0
    for _ in 0..<20 {
      for type in MessageCatalog.all {
        // Small numbers make field tags and lengths likely.
        let wire = (0..<Int.random(in: 0..<40, using: &numbers)).map { _ in
          UInt8.random(in: 0..<(Bool.random(using: &numbers) ? 64 : 255), using: &numbers)
        }
        if try check(type, wire) { accepted += 1 }
      }
    }
    #expect(accepted > 0)
  }
}
