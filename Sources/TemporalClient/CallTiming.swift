/// Where calls get time and chance from, so that tests need neither.
package struct CallTiming: Sendable {
  /// Monotonic time since some fixed moment.
  package var now: @Sendable () -> Duration
  /// Waits; throws when the task is cancelled.
  package var sleep: @Sendable (Duration) async throws -> Void
  /// A number from 0 up to but not including 1.
  package var chance: @Sendable () -> Double
  /// A new identifier, such as a UUID.
  package var newID: @Sendable () -> String

  package init(
    now: @escaping @Sendable () -> Duration, sleep: @escaping @Sendable (Duration) async throws -> Void,
    chance: @escaping @Sendable () -> Double, newID: @escaping @Sendable () -> String
  ) {
    self.now = now
    self.sleep = sleep
    self.chance = chance
    self.newID = newID
  }

  /// The clock and the random numbers of the system.
  package static let system: CallTiming = {
    let start = ContinuousClock.now
    return CallTiming(
      now: { start.duration(to: .now) }, sleep: { try await Task.sleep(for: $0) },
      chance: { Double.random(in: 0..<1) }, newID: { UniqueID.random() })
  }()
}

/// Random identifiers.
package enum UniqueID {
  /// A version 4 UUID (RFC 9562 §5.4) in lower case.
  package static func random() -> String {
    let high = UInt64.random(in: .min ... .max) & 0xffff_ffff_ffff_0fff | 0x4000
    let low = UInt64.random(in: .min ... .max) & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000
    let digits = Array((text(high) + text(low)).utf8)
    let ends = [8, 12, 16, 20, 32]
    var start = 0
    var groups: [String] = []
    for end in ends {
      groups.append(String(decoding: digits[start..<end], as: UTF8.self))
      start = end
    }
    return groups.joined(separator: "-")
  }

  private static func text(_ number: UInt64) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
