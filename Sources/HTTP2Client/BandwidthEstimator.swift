package import EventLoop

/// How wide the windows should be, estimated from what arrives while a PING is on its way. A pure machine that is told the
/// time.
///
/// The bytes that come between a PING and its answer are what the path carries in one round trip: the bandwidth-delay
/// product, unless the window itself held the peer back. So a sample that all but fills the window, at a rate not seen
/// before, opens it to twice the sample. A transfer asks for a sample only when it is large enough to be held back; small
/// answers never cost a PING.
package struct BandwidthEstimator: Sendable {
  /// The time over which a transfer must be large to be worth a sample.
  private static let burstTime: Duration = .seconds(1)

  /// The window of a stream that the path is known to fill, in bytes.
  package private(set) var window: Int
  private let largest: Int
  private var burst: (bytes: Int, start: MonotonicTime)?
  private var sample: (bytes: Int, start: MonotonicTime)?
  private var bestRate = 0.0

  /// - Parameters:
  ///   - window: the window of a stream at the start, in bytes.
  ///   - largest: what it may grow to.
  package init(window: Int, largest: Int) {
    self.window = window
    self.largest = max(window, largest)
  }

  /// Body bytes have arrived. True: a PING should be sent, so that a sample can begin.
  package mutating func received(_ count: Int, at now: MonotonicTime) -> Bool {
    guard window < largest else { return false }
    if sample != nil {
      sample?.bytes += count
      return false
    }
    if let start = burst?.start, now - start <= Self.burstTime {
      burst?.bytes += count
    } else {
      burst = (count, now)
    }
    return (burst?.bytes ?? 0) >= window / 4
  }

  /// A PING has been sent, for whatever reason.
  package mutating func pingSent(at now: MonotonicTime) {
    if window < largest { sample = (0, now) }
  }

  /// The PING has been answered.
  ///
  /// - Returns: the window's new size when it should grow, else nil.
  package mutating func pingAnswered(at now: MonotonicTime) -> Int? {
    guard let sample else { return nil }
    self.sample = nil
    burst = nil
    let seconds = max(Double((now - sample.start).clampedNanoseconds) / 1e9, 1e-6)
    let rate = Double(sample.bytes) / seconds
    guard rate > bestRate else { return nil }
    bestRate = rate
    guard sample.bytes >= window / 3 * 2 else { return nil }
    let wider = min(largest, 2 * sample.bytes)
    guard wider > window else { return nil }
    window = wider
    return wider
  }
}
