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

  private let interval: Duration
  private let timeout: Duration
  private var lastReceived: MonotonicTime
  private var pingSent: MonotonicTime?

  /// - Parameters:
  ///   - interval: silence after which a PING is sent; raised to `floor` if less.
  ///   - timeout: how long the answer may take.
  package init(interval: Duration, timeout: Duration, now: MonotonicTime) {
    self.interval = max(interval, Self.floor)
    self.timeout = timeout
    lastReceived = now
  }

  /// When `tick` should next be called.
  package var deadline: MonotonicTime { pingSent.map { $0 + timeout } ?? lastReceived + interval }

  /// Bytes of any kind have arrived: the peer lives. An unanswered PING counts as answered.
  package mutating func received(at now: MonotonicTime) {
    lastReceived = now
    pingSent = nil
  }

  /// The time has come to look.
  package mutating func tick(at now: MonotonicTime) -> Action {
    guard now >= deadline else { return .none }
    if pingSent != nil { return .dead }
    pingSent = now
    return .ping
  }
}
