internal import EventLoop

/// A token bucket for frames that cost us work and carry nothing: pings, settings, empty data, unknown frames.
///
/// Honest servers send them in proportion to what we send (grpc-go measures bandwidth with a PING after nearly every
/// response), so every request frame of ours earns tokens; a flood does not. A pure machine that is told the time.
struct FrameBudget {
  /// The most tokens that can be saved up.
  private let capacity: Double
  /// Tokens that return each second.
  private let refill: Double
  private var tokens: Double
  private var last: MonotonicTime?

  /// A full bucket.
  init(capacity: Int = 1_000, refillPerSecond: Int = 10) {
    self.capacity = Double(capacity)
    refill = Double(refillPerSecond)
    tokens = Double(capacity)
  }

  /// Takes note of the time, before frames are charged.
  mutating func advance(to now: MonotonicTime) {
    if let last, last < now {
      let seconds = Double((now - last).clampedNanoseconds) / 1e9
      tokens = min(capacity, tokens + seconds * refill)
    }
    last = now
  }

  /// Credits a frame that we sent.
  mutating func earn(_ count: Double) { tokens = min(capacity, tokens + count) }

  /// Charges a frame of the peer. False: the budget is spent, the connection must go.
  mutating func spend(_ count: Double) -> Bool {
    tokens -= count
    return tokens >= 0
  }
}
