package import GRPCClient

/// When and how often a failed call is sent again. The numbers are those of Temporal's own clients.
package struct CallRetryPolicy: Sendable, Equatable {
  /// Waits that grow by a factor.
  package struct Waits: Sendable, Equatable {
    /// Wait after the first failure.
    package var initial: Duration
    /// Longest wait, before jitter.
    package var maximum: Duration
    /// By how much each wait exceeds the one before.
    package var factor: Double

    package init(initial: Duration, maximum: Duration, factor: Double) {
      self.initial = initial
      self.maximum = maximum
      self.factor = factor
    }

    /// The wait after failure number `failures`, which counts from 1.
    func wait(after failures: Int) -> Duration {
      var wait = initial
      for _ in 1..<max(failures, 1) where wait < maximum { wait = wait * factor }
      return min(wait, maximum)
    }
  }

  /// Waits after ordinary failures.
  package var waits: Waits
  /// Waits after RESOURCE_EXHAUSTED, when they are longer.
  package var throttled: Waits
  /// Fraction by which a wait varies either way.
  package var jitter: Double
  /// Attempts in all; nil: no limit.
  package var attempts: Int?
  /// Time from the first failure after which no further attempt begins; nil: no limit.
  package var elapsed: Duration?
  /// Codes after which another attempt makes sense.
  package var codes: Set<GRPCStatus>

  private static let transient: Set<GRPCStatus> = [
    .unknown, .resourceExhausted, .aborted, .outOfRange, .internal, .unavailable, .dataLoss,
  ]
  private static let throttledWaits = Waits(initial: .seconds(1), maximum: .seconds(10), factor: 2)

  /// For calls that someone waits for: ten attempts within ten seconds.
  package static let normal = CallRetryPolicy(
    waits: Waits(initial: .milliseconds(100), maximum: .seconds(5), factor: 1.7), throttled: throttledWaits,
    jitter: 0.2,
    attempts: 10, elapsed: .seconds(10), codes: transient)

  /// For polls: without end; an elapsed deadline or a call cut off by the server is nothing special.
  package static let taskPoll = CallRetryPolicy(
    waits: Waits(initial: .milliseconds(200), maximum: .seconds(10), factor: 2), throttled: throttledWaits, jitter: 0.2,
    attempts: nil, elapsed: nil, codes: transient.union([.cancelled, .deadlineExceeded]))

  /// For following a run: outlives a restart of the server, which may take minutes.
  package static let follow = CallRetryPolicy(
    waits: Waits(initial: .milliseconds(200), maximum: .seconds(5), factor: 1.7), throttled: throttledWaits,
    jitter: 0.2,
    attempts: nil, elapsed: .seconds(300), codes: transient.union([.cancelled, .deadlineExceeded]))

  /// One attempt.
  package static let never = CallRetryPolicy(
    waits: Waits(initial: .zero, maximum: .zero, factor: 1), throttled: throttledWaits, jitter: 0, attempts: 1,
    elapsed: nil, codes: [])
}

/// The failures of one call so far, and the decision that follows from each.
struct RetrySchedule {
  /// The server refuses these messages for their size: sending them again cannot help.
  private static let tooLarge = [
    "grpc: received message larger than max", "grpc: message after decompression larger than max",
    "grpc: received message after decompression larger than max", "grpc: trying to send message larger than max",
  ]

  let policy: CallRetryPolicy
  private(set) var failures = 0
  private var firstFailure: Duration?
  private var retriedLostConnection = false

  init(policy: CallRetryPolicy) {
    self.policy = policy
  }

  /// How long to wait before the next attempt, or nil when there is none.
  ///
  /// - Parameters:
  ///   - now: monotonic time.
  ///   - chance: 0..<1, chooses within the jitter.
  mutating func wait(after error: GRPCError, now: Duration, chance: Double) -> Duration? {
    failures += 1
    let first = firstFailure ?? now
    firstFailure = first
    guard isWorthRepeating(error) else { return nil }
    if let attempts = policy.attempts, failures >= attempts { return nil }
    var wait = policy.waits.wait(after: failures)
    if error.code == .resourceExhausted { wait = max(wait, policy.throttled.wait(after: failures)) }
    wait = wait * (1 - policy.jitter + 2 * policy.jitter * chance)
    if let elapsed = policy.elapsed, now + wait - first > elapsed { return nil }
    return wait
  }

  private mutating func isWorthRepeating(_ error: GRPCError) -> Bool {
    if error.code == .resourceExhausted, Self.tooLarge.contains(where: error.message.hasPrefix) { return false }
    if policy.codes.contains(error.code) { return true }
    // A call that died with its connection is worth one more attempt; our own cancellation never gets here.
    if error.code == .cancelled, policy.attempts != 1, !retriedLostConnection {
      retriedLostConnection = true
      return true
    }
    return false
  }
}
