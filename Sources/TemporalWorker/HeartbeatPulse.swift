import PlainData
import Synchronization

/// The newest progress note of an attempt and whether the server has heard of it. Safe on every thread.
final class HeartbeatPulse: Sendable {
  private struct State {
    var details: PlainValue?
    var isSent = true
  }

  private let state = Mutex(State())

  func note(_ details: PlainValue) {
    state.withLock {
      $0.details = details
      $0.isSent = false
    }
  }

  /// The newest note, taken for sending.
  func take() -> PlainValue? {
    state.withLock {
      $0.isSent = true
      return $0.details
    }
  }

  /// A note that no heartbeat has carried yet.
  var unsent: PlainValue? { state.withLock { $0.isSent ? nil : $0.details } }
}

/// How often an attempt's heartbeats go out, and when its own clock gives it up.
struct HeartbeatPace: Equatable {
  /// Time between two heartbeats.
  var interval: Duration
  /// Silence after which the server has surely given the attempt up; nil: it never does.
  var silenceLimit: Duration?

  /// - Parameters:
  ///   - timeout: the activity's heartbeat timeout; nil if it has none.
  ///   - limit: the longest interval wished for.
  init(timeout: Duration?, limit: Duration) {
    interval = min(limit, timeout.map { $0 * 0.8 } ?? limit)
    silenceLimit = timeout.map { $0 + .seconds(5) }
  }
}
