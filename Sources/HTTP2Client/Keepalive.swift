package import EventLoop

/// When to probe a silent connection by PING, and when to give it up. A pure machine that is told the time.
package struct Keepalive: Sendable {
  /// What is due.
  package enum Action: Sendable, Hashable {
    /// Nothing yet.
    case none
    /// Send a PING.
    case ping
    /// The PING was not answered: the connection is dead.
    case dead
  }

  /// The least time between two pings that servers in the field accept; more often is answered with `too_many_pings`.
  package static let floor: Duration = .seconds(10)
  /// The most by which `factor` stretches the interval.
  package static let largestFactor = 64

  private let interval: Duration
  private let timeout: Duration
  private var lastReceived: MonotonicTime
  private var pingSent: MonotonicTime?

  /// - Parameters:
  ///   - interval: silence after which a PING is sent; raised to `floor` if less.
  ///   - timeout: how long the answer may take.
  ///   - factor: by how much the interval is stretched because the server complained of former pings (gRPC proposal A8
  ///     doubles it each time); held to 1...`largestFactor`.
  ///   - floor: the least interval.
  package init(
    interval: Duration, timeout: Duration, factor: Int = 1, floor: Duration = Keepalive.floor, now: MonotonicTime
  ) {
    self.interval = max(interval, floor) * min(max(1, factor), Self.largestFactor)
    self.timeout = timeout
    lastReceived = now
  }

  /// When `tick` should next be called.
  ///
  /// - Parameter earliest: when the connection's allowance for pings admits the next one; nil: at once.
  package func deadline(notBefore earliest: MonotonicTime? = nil) -> MonotonicTime {
    if let pingSent { return pingSent + timeout }
    let due = lastReceived + interval
    return earliest.map { max($0, due) } ?? due
  }

  /// Bytes of any kind have arrived: the peer lives. An unanswered PING counts as answered.
  package mutating func received(at now: MonotonicTime) {
    lastReceived = now
    pingSent = nil
  }

  /// The time has come to look.
  package mutating func tick(at now: MonotonicTime, notBefore earliest: MonotonicTime? = nil) -> Action {
    guard now >= deadline(notBefore: earliest) else { return .none }
    if pingSent != nil { return .dead }
    pingSent = now
    return .ping
  }
}
