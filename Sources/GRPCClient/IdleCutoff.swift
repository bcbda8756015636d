/// Learns that something on the way ends connections that are silent for too long: a proxy, a firewall, a load balancer.
///
/// A pure machine that is told how long each lost connection had been silent. Two losses in a row after about the same
/// silence are no accident; PINGs then come at three fifths of it, but never more often than servers accept.
struct IdleCutoff {
  /// Shorter silences say nothing: connections break for many reasons while they are young.
  static let shortest: Duration = .seconds(5)
  /// The least time between two PINGs.
  static let floor: Duration = .seconds(10)

  private var last: Duration?
  /// The silence after which connections are cut; nil: not known.
  private(set) var limit: Duration?

  /// A ready connection has ended without a word of farewell.
  ///
  /// - Parameter silence: the time since the last byte from the other side.
  /// - Returns: the silence that has just been recognised as the limit; nil: nothing new.
  mutating func lost(afterSilence silence: Duration) -> Duration? {
    guard silence >= Self.shortest else {
      last = nil
      return nil
    }
    defer { last = silence }
    guard let last, max(last, silence) < min(last, silence) * 1.2 else { return nil }
    let found = min(last, silence)
    if let limit, found >= limit { return nil }
    limit = found
    return found
  }

  /// How long to be silent before a PING.
  func interval(configured: Duration) -> Duration {
    guard let limit else { return configured }
    return min(configured, max(Self.floor, limit * 0.6))
  }
}
