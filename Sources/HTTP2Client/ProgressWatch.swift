package import EventLoop

/// Notices that the peer lets something hang: a frame that does not end, bytes that it does not take. A pure machine that is
/// told the time.
///
/// A PING does not find this out: a peer that drips one byte a second, or answers and reads nothing, looks alive.
package struct ProgressWatch: Sendable {
  /// What hangs.
  package enum Fault: Sendable, Hashable {
    /// A frame, header block or TLS record has begun and does not end.
    case unfinishedFrame
    /// The peer takes nothing of what waits to be sent.
    case blockedWrite
  }

  private let timing: HTTP2Timing
  private var unfinishedSince: MonotonicTime?
  private var blockedSince: MonotonicTime?

  /// Nothing hangs.
  package init(timing: HTTP2Timing) { self.timing = timing }

  /// When `fault` should next be asked; nil: nothing is under way.
  package var deadline: MonotonicTime? {
    [unfinishedSince.map { $0 + timing.frame }, blockedSince.map { $0 + timing.write }].compactMap { $0 }.min()
  }

  /// Bytes were taken in.
  ///
  /// - Parameter since: when the frame that has not ended yet began; nil: none is.
  package mutating func received(unfinishedSince since: MonotonicTime?) { unfinishedSince = since }

  /// The peer has taken bytes.
  package mutating func wrote() { blockedSince = nil }

  /// The peer takes no bytes now.
  package mutating func blocked(at now: MonotonicTime) { blockedSince = blockedSince ?? now }

  /// What has hung for too long; nil: nothing has.
  package func fault(at now: MonotonicTime) -> Fault? {
    if let since = unfinishedSince, since + timing.frame <= now { return .unfinishedFrame }
    if let since = blockedSince, since + timing.write <= now { return .blockedWrite }
    return nil
  }
}
