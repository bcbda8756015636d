package import EventLoop

/// Notices that the peer lets something hang: a frame that does not end, frames that crawl in, bytes that it does not take. A
/// pure machine that is told the time.
///
/// A PING does not find this out: a peer that drips one byte a second, or answers and reads nothing, looks alive.
package struct ProgressWatch: Sendable {
  /// What hangs.
  package enum Fault: Sendable, Hashable {
    /// A frame, header block or TLS record has begun and does not end.
    case unfinishedFrame
    /// Frames do end, but next to nothing arrives in all the time that is spent waiting for their ends.
    case crawlingFrames
    /// The peer takes nothing of what waits to be sent.
    case blockedWrite
  }

  /// The least number of bytes that `HTTP2Timing.frame` of waiting in the midst of frames must bring: 17 a second by default.
  package static let leastBytes = 512

  private let timing: HTTP2Timing
  private var unfinishedSince: MonotonicTime?
  /// The latest bytes, if they ended in the midst of a frame.
  private var waitingSince: MonotonicTime?
  /// How long the peer was waited for in the midst of frames while the latest `received` bytes came.
  private var waited: Duration = .zero
  private var received = 0
  private var blockedSince: MonotonicTime?

  /// Nothing hangs.
  package init(timing: HTTP2Timing) { self.timing = timing }

  /// When `fault` should next be asked; nil: nothing is under way.
  package var deadline: MonotonicTime? {
    [
      unfinishedSince.map { $0 + timing.frame }, waitingSince.map { $0 + (timing.frame - waited) },
      blockedSince.map { $0 + timing.write },
    ].compactMap { $0 }.min()
  }

  /// Bytes were taken in.
  ///
  /// - Parameters:
  ///   - count: how many.
  ///   - since: when the frame that has not ended yet began; nil: none is.
  package mutating func received(_ count: Int, unfinishedSince since: MonotonicTime?, at now: MonotonicTime) {
    if let waitingSince { waited += now - waitingSince }
    received += count
    if received >= Self.leastBytes { (waited, received) = (.zero, 0) }
    unfinishedSince = since
    waitingSince = since == nil ? nil : now
  }

  /// The peer has taken bytes.
  package mutating func wrote() { blockedSince = nil }

  /// The peer takes no bytes now.
  package mutating func blocked(at now: MonotonicTime) { blockedSince = blockedSince ?? now }

  /// What has hung for too long; nil: nothing has.
  package func fault(at now: MonotonicTime) -> Fault? {
    if let since = unfinishedSince, since + timing.frame <= now { return .unfinishedFrame }
    if let since = waitingSince, since + (timing.frame - waited) <= now { return .crawlingFrames }
    if let since = blockedSince, since + timing.write <= now { return .blockedWrite }
    return nil
  }
}
