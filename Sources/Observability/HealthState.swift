package import EventLoop
package import OrderedCollections
import Synchronization

/// What the parts of a worker say about themselves, collected for health checks. Safe on every thread.
///
/// Parts record facts ("this poll succeeded"); what counts as healthy is decided by `HealthRules` when somebody asks.
package final class HealthState: Sendable {
  /// Where the process stands between start and end.
  package enum Phase: String, Sendable, Hashable, CaseIterable {
    /// Loads projects, connects; takes no work yet.
    case starting
    /// Takes work.
    case running
    /// Finishes what it has, takes no more.
    case draining
  }

  /// The record of one long poll loop.
  package struct Poller: Sendable, Hashable {
    /// When the loop began to poll.
    package var startedAt: MonotonicTime
    /// Polls under way. None, and no failure: every slot is taken, so that there is nothing to poll for.
    package var open = 0
    /// Since when at least one poll has been under way; nil while none is.
    package var openSince: MonotonicTime?
    /// When a poll last came back as it should: with a task or empty.
    package var lastSuccess: MonotonicTime?
    /// When a poll last failed, and why; nil again after a success.
    package var failing: Failure?
    /// Polls that came back, so far.
    package var successes = 0
    /// Polls that failed, so far.
    package var failures = 0

    fileprivate mutating func close() {
      open = max(0, open - 1)
      if open == 0 { openSince = nil }
    }
  }

  /// A failure and its moment.
  package struct Failure: Sendable, Hashable {
    /// When.
    package var at: MonotonicTime
    /// Why; free of secrets.
    package var reason: String
  }

  /// The connection to the scheduler.
  package struct Connection: Sendable, Hashable {
    /// Whether calls can be made on it.
    package var isReady = false
    /// Since when it is ready.
    package var since: MonotonicTime?
    /// Why there is none, or why the latest attempt failed.
    package var lastError: String?
    /// Connections established so far.
    package var established = 0
    /// What deserves attention although calls can be made, such as polls that take turns.
    package var warning: String?

    package init(
      isReady: Bool = false, since: MonotonicTime? = nil, lastError: String? = nil, established: Int = 0,
      warning: String? = nil
    ) {
      self.warning = warning
      self.isReady = isReady
      self.since = since
      self.lastError = lastError
      self.established = established
    }
  }

  /// The credentials by which the worker identifies itself and its scheduler.
  package struct Credential: Sendable, Hashable {
    /// Why no connection can be made with them, such as a certificate whose time is over; free of secrets. Nil while they
    /// serve.
    package var fault: String?
    /// What ceases to be valid first, such as `the client certificate 'CN = worker'`.
    package var subject: String
    /// When that is, in seconds since 1970; nil when nothing is known to end.
    package var expiresAt: Int64?
    /// What deserves attention although the credentials in use serve, such as new files that were refused; free of secrets.
    package var warning: String?

    package init(
      fault: String? = nil, subject: String = "a certificate", expiresAt: Int64? = nil, warning: String? = nil
    ) {
      self.fault = fault
      self.subject = subject
      self.expiresAt = expiresAt
      self.warning = warning
    }
  }

  /// The access token that calls to the scheduler carry.
  package struct Token: Sendable, Hashable {
    /// When it ends; nil when there never was one.
    package var expiresAt: MonotonicTime?
    /// Why the latest request for one failed; free of secrets. Nil after one that succeeded.
    package var lastError: String?
    /// Whether the scheduler has refused it.
    package var isRefused: Bool

    package init(expiresAt: MonotonicTime? = nil, lastError: String? = nil, isRefused: Bool = false) {
      self.expiresAt = expiresAt
      self.lastError = lastError
      self.isRefused = isRefused
    }
  }

  /// Everything recorded up to a moment.
  package struct Facts: Sendable, Hashable {
    /// Where the process stands.
    package var phase = Phase.starting
    /// When the process began.
    package var startedAt: MonotonicTime
    /// When the event loop last went round; nil before its first turn.
    package var loopTurnedAt: MonotonicTime?
    /// The connection to the scheduler.
    package var connection = Connection()
    /// The credentials; nil while nothing is known of them, as in plaintext.
    package var credential: Credential?
    /// The access token; nil without a token endpoint.
    package var token: Token?
    /// How the process restricts itself, in words; nil while nothing was said.
    package var confinement: String?
    /// By name, in order of first appearance.
    package var pollers: OrderedDictionary<String, Poller> = [:]
  }

  private let facts: Mutex<Facts>
  private let now: @Sendable () -> MonotonicTime
  private let wallClock: @Sendable () -> Timestamp

  /// - Parameters:
  ///   - now: the monotonic clock; a test gives its own.
  ///   - wallClock: the wall clock, which only the validity of certificates is compared with.
  package init(
    now: @escaping @Sendable () -> MonotonicTime = MonotonicTime.now,
    wallClock: @escaping @Sendable () -> Timestamp = Timestamp.now
  ) {
    self.now = now
    self.wallClock = wallClock
    facts = Mutex(Facts(startedAt: now()))
  }

  /// Says where the process stands.
  package func enter(_ phase: Phase) { facts.withLock { $0.phase = phase } }

  /// Says that the event loop went round; to be called from the loop itself.
  package func loopTurned() {
    let moment = now()
    facts.withLock { $0.loopTurnedAt = moment }
  }

  /// Says what the connection is doing.
  package func connectionIs(_ connection: Connection) { facts.withLock { $0.connection = connection } }

  /// Says how the credentials are.
  package func credentialIs(_ credential: Credential?) { facts.withLock { $0.credential = credential } }

  /// Says how the access token is.
  package func tokenIs(_ token: Token?) { facts.withLock { $0.token = token } }

  /// Says how the process restricts itself.
  package func confinementIs(_ summary: String) { facts.withLock { $0.confinement = summary } }

  /// Says that a poll loop begins; until its first poll comes back it counts as waiting.
  package func pollingBegan(_ poller: String) {
    let moment = now()
    facts.withLock { if $0.pollers[poller] == nil { $0.pollers[poller] = Poller(startedAt: moment) } }
  }

  /// Says that a poll loop is over, so that its silence means nothing.
  package func pollingEnded(_ poller: String) { facts.withLock { $0.pollers[poller] = nil } }

  /// Says that a poll was sent. Each is to be followed by `pollSucceeded` or `pollFailed`.
  package func pollSent(_ poller: String) {
    let moment = now()
    facts.withLock { facts in
      var record = facts.pollers[poller] ?? Poller(startedAt: moment)
      if record.open == 0 { record.openSince = moment }
      record.open += 1
      facts.pollers[poller] = record
    }
  }

  /// Says that a poll came back, with a task or empty.
  package func pollSucceeded(_ poller: String) {
    let moment = now()
    facts.withLock { facts in
      var record = facts.pollers[poller] ?? Poller(startedAt: moment)
      record.lastSuccess = moment
      record.close()
      record.failing = nil
      record.successes += 1
      facts.pollers[poller] = record
    }
  }

  /// Says that a poll failed. `reason` must be free of secrets.
  package func pollFailed(_ poller: String, reason: String) {
    let moment = now()
    facts.withLock { facts in
      var record = facts.pollers[poller] ?? Poller(startedAt: moment)
      record.failing = Failure(at: moment, reason: reason)
      record.close()
      record.failures += 1
      facts.pollers[poller] = record
    }
  }

  /// Everything recorded so far.
  package var current: Facts { facts.withLock { $0 } }

  /// The verdict on everything recorded so far.
  package func report(_ rules: HealthRules = HealthRules()) -> HealthReport {
    rules.report(current, at: now(), wallTime: wallClock())
  }
}
