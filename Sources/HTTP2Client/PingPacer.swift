package import EventLoop

/// The one allowance for every PING of a connection, be it for liveness or for measuring. A pure machine that is told the
/// time.
package struct PingPacer: Sendable {
  private let spacing: Duration
  private var sent: MonotonicTime?
  private var last: MonotonicTime?

  /// - Parameter spacing: the least time from the answer to one PING (or its sending, while unanswered) to the next.
  package init(spacing: Duration) { self.spacing = spacing }

  /// When the next PING may go at the earliest; nil: at once.
  package var earliest: MonotonicTime? { last.map { $0 + spacing } }

  /// Whether a PING of ours is on its way.
  package var isWaiting: Bool { sent != nil }

  /// Asks leave for a PING now. True: it counts as sent.
  package mutating func take(at now: MonotonicTime) -> Bool {
    guard earliest.map({ $0 <= now }) ?? true else { return false }
    sent = now
    last = now
    return true
  }

  /// An answer has arrived.
  ///
  /// - Returns: the time it took; nil when nothing was asked.
  package mutating func answered(at now: MonotonicTime) -> Duration? {
    guard let start = sent else { return nil }
    sent = nil
    last = now
    return now - start
  }
}
