/// The pauses between attempts to connect. A pure machine; the random number comes from outside.
struct Backoff {
  private let policy: ChannelConfiguration.BackoffPolicy
  private var failures = 0

  /// No failure so far.
  init(_ policy: ChannelConfiguration.BackoffPolicy) { self.policy = policy }

  /// An attempt has failed: how long to wait before the next.
  ///
  /// - Parameter random: from 0 up to but not including 1.
  mutating func next(random: Double) -> Duration {
    let initial = policy.initial / .nanoseconds(1)
    let maximum = policy.maximum / .nanoseconds(1)
    var pause = initial
    for _ in 0..<min(failures, 64) where pause < maximum { pause *= policy.factor }
    failures += 1
    let varied = min(pause, maximum) * (1 + policy.jitter * (2 * random - 1))
    return .nanoseconds(Int64(max(0, varied)))
  }

  /// A connection has proved itself: the next failure starts from the beginning.
  mutating func reset() { failures = 0 }
}
