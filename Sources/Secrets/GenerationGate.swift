/// Decides when files that were found changed may be taken for a new generation. A machine without files and clock.
///
/// A swap of `..data` is one step, so what is read from it counts at once. Plain files may be written one after the
/// other (certificate first, key three seconds later): what stands in them counts once two readings, a while apart,
/// agree. Whether the content then makes sense, such as a matching pair, is for the caller to find out.
package struct GenerationGate: Sendable {
  /// What to do with a reading.
  package enum Verdict: Sendable, Hashable {
    /// The generation in use.
    case unchanged
    /// New, and perhaps still being written: read again at the given time.
    case settling(until: Duration)
    /// New and whole: take it.
    case ready
  }

  /// How far apart two equal readings of plain files must be.
  package let settleTime: Duration
  /// The generation in use; nil: none yet.
  package private(set) var inUse: [UInt8]?
  private var candidate: (fingerprint: [UInt8], since: Duration)?

  /// Knows no generation: the first reading counts at once, since there is nothing in use to protect.
  package init(settleTime: Duration = .seconds(1)) { self.settleTime = settleTime }

  /// Judges a reading.
  ///
  /// - Parameters:
  ///   - fingerprint: the reading's (`MountedUnit.fingerprint`).
  ///   - isAtomic: whether it came from one opening of `..data`.
  ///   - now: time since any fixed moment, never going back.
  package mutating func offer(_ fingerprint: [UInt8], isAtomic: Bool, at now: Duration) -> Verdict {
    if fingerprint == inUse {
      candidate = nil
      return .unchanged
    }
    if isAtomic || inUse == nil { return .ready }
    guard let candidate, candidate.fingerprint == fingerprint else {
      self.candidate = (fingerprint, now)
      return .settling(until: now + settleTime)
    }
    return now - candidate.since >= settleTime ? .ready : .settling(until: candidate.since + settleTime)
  }

  /// The files could not be read: what was seen before no longer counts as seen.
  package mutating func unreadable() { candidate = nil }

  /// A reading has been taken into use.
  package mutating func adopt(_ fingerprint: [UInt8]) {
    inUse = fingerprint
    candidate = nil
  }
}
