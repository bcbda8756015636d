internal import CLinux

/// A point on the machine's monotonic clock that goes on counting while the machine sleeps (`CLOCK_BOOTTIME`).
///
/// Deadlines are kept in this type, never in wall-clock time, so that setting the clock cannot fire or delay a timer.
package struct MonotonicTime: Sendable, Hashable, Comparable {
  /// Nanoseconds since an unspecified start, usually boot.
  package var nanoseconds: Int64

  /// The point that lies the given nanoseconds after the clock's start.
  package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  /// The machine's clock, read now.
  package static func now() -> MonotonicTime {
    var value = timespec()
    unsafe clock_gettime(CLOCK_BOOTTIME, &value)
    return MonotonicTime(nanoseconds: Int64(value.tv_sec) &* 1_000_000_000 &+ Int64(value.tv_nsec))
  }

  /// A point later than every other; a timer set to it never fires.
  package static let distantFuture = MonotonicTime(nanoseconds: .max)

  package static func < (left: MonotonicTime, right: MonotonicTime) -> Bool { left.nanoseconds < right.nanoseconds }

  /// The point that lies `duration` later; saturates at `distantFuture` instead of overflowing.
  package static func + (left: MonotonicTime, duration: Duration) -> MonotonicTime {
    let (sum, overflow) = left.nanoseconds.addingReportingOverflow(duration.clampedNanoseconds)
    guard overflow else { return MonotonicTime(nanoseconds: sum) }
    return duration < .zero ? MonotonicTime(nanoseconds: .min) : .distantFuture
  }

  /// The time from `right` to `left`, negative when `left` comes first; saturates instead of overflowing.
  package static func - (left: MonotonicTime, right: MonotonicTime) -> Duration {
    let (difference, overflow) = left.nanoseconds.subtractingReportingOverflow(right.nanoseconds)
    return .nanoseconds(overflow ? (left < right ? Int64.min : Int64.max) : difference)
  }
}

extension Duration {
  /// The duration in whole nanoseconds, held at the ends of `Int64` (about 292 years).
  package var clampedNanoseconds: Int64 {
    let (seconds, attoseconds) = components
    let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    guard !overflow else { return seconds < 0 ? .min : .max }
    let (sum, carry) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000)
    return carry ? (seconds < 0 ? .min : .max) : sum
  }
}
