/// The waits between tries that fail one after the other: growing, bounded, spread at random.
package struct Backoff: Sendable {
  package var initial: Duration
  package var factor: Double
  package var maximum: Duration
  private var failures = 0

  package init(initial: Duration = .milliseconds(200), factor: Double = 2, maximum: Duration = .seconds(10)) {
    self.initial = initial
    self.factor = factor
    self.maximum = maximum
  }

  /// The wait after one more failure.
  ///
  /// - Parameters:
  ///   - floor: the least it may be, before spreading.
  ///   - spread: from -1 to 1; takes the wait up to a fifth down or up.
  package mutating func next(floor: Duration = .zero, spread: Double = Double.random(in: -1...1)) -> Duration {
    var wait = initial
    for _ in 0..<failures where wait < maximum { wait = wait * factor }
    failures += 1
    return max(floor, min(wait, maximum)) * (1 + 0.2 * spread)
  }

  /// Begins anew after a success.
  package mutating func reset() { failures = 0 }
}
