internal import EventLoop
internal import Secrets

/// When to ask for a token, which one to hand out, and when to ask again: a pure machine that is told the time.
///
/// At most one request is under way. A token that is still good is handed out whatever happens to its renewal; callers
/// wait only while there is none. Every entry point answers what the owner must do; nothing happens in between.
struct OAuthTokenMachine {
  /// A token in use.
  struct Token {
    /// The whole value of the header, `Bearer …`.
    let authorization: SharedSecret
    /// When it ends as the endpoint says, or as is assumed.
    let expiry: MonotonicTime
    /// Up to when it is handed out: a little before its end, for the way to the server and differing clocks.
    let lastUse: MonotonicTime
    /// From when on a new one is asked for.
    let renewal: MonotonicTime
    /// The scheduler has refused it.
    var isRefused = false
  }

  /// What a caller gets.
  enum Answer {
    /// This value now.
    case token(SharedSecret)
    /// The outcome of the request that is under way.
    case wait
    /// No token, for this reason, until the next attempt is due.
    case failure(OAuthError)
    /// No other token than the one refused (after a refusal by the scheduler only).
    case nothingNew
  }

  /// What the owner must do.
  struct Decision {
    /// For the caller.
    var answer: Answer
    /// Whether a request must be started now.
    var startsRequest = false
  }

  private let policy: OAuthPolicy
  private(set) var token: Token?
  private(set) var lastError: OAuthError?
  private(set) var hasEverHadToken = false
  private var requestStart: MonotonicTime?
  private var failures = 0
  private var nextAttempt: MonotonicTime?
  private var refusals = 0
  private var nextForcedRenewal: MonotonicTime?
  private var lastForcedRenewal: MonotonicTime?

  /// No token, nothing under way.
  init(_ policy: OAuthPolicy) { self.policy = policy }

  /// Whether a request is under way.
  var isRequesting: Bool { requestStart != nil }

  /// Whether the latest attempt failed because of what this side presented, so that a change there is worth an attempt.
  var awaitsCredentials: Bool { !isRequesting && lastError?.isRefusal == true }

  /// When `wake` must be called at the latest for the renewal to be in time; nil while a request is under way or
  /// nothing was ever asked for.
  var wakeTime: MonotonicTime? {
    guard !isRequesting else { return nil }
    if let token, lastError == nil { return token.renewal }
    return nextAttempt
  }

  // MARK: What happens

  /// Somebody needs a token.
  mutating func demand(at now: MonotonicTime) -> Decision {
    if let token, now < token.lastUse {
      let startsRequest = now >= token.renewal && startIfAllowed(at: now)
      return Decision(answer: .token(token.authorization), startsRequest: startsRequest)
    }
    if isRequesting { return Decision(answer: .wait) }
    if startIfAllowed(at: now) { return Decision(answer: .wait, startsRequest: true) }
    return Decision(answer: .failure(lastError ?? OAuthError(.exhausted, "no token was asked for yet")))
  }

  /// The time of `wakeTime` has come. True: a request must be started now.
  mutating func wake(at now: MonotonicTime) -> Bool {
    guard let due = wakeTime, now >= due else { return false }
    return startIfAllowed(at: now)
  }

  /// The scheduler refused a call that carried this value. Answers `.token`, `.wait` or `.nothingNew`.
  mutating func schedulerRefused(_ value: SharedSecret, at now: MonotonicTime) -> Decision {
    guard let token, token.authorization.matches(value) else {
      // It was replaced, or given up, in the meantime.
      let decision = demand(at: now)
      if case .failure = decision.answer { return Decision(answer: .nothingNew) }
      return decision
    }
    self.token?.isRefused = true
    if isRequesting { return Decision(answer: .wait) }
    if let last = lastForcedRenewal, now - last > policy.refusalMemory { refusals = 0 }
    if refusals > 0, let next = nextForcedRenewal, now < next { return Decision(answer: .nothingNew) }
    guard startIfAllowed(at: now) else { return Decision(answer: .nothingNew) }
    refusals += 1
    lastForcedRenewal = now
    nextForcedRenewal = now + policy.pause(afterFailures: refusals)
    return Decision(answer: .wait, startsRequest: true)
  }

  /// Secret or assertion have changed since the endpoint refused them. True: a request must be started now.
  mutating func credentialsChanged(at now: MonotonicTime) -> Bool {
    guard awaitsCredentials else { return false }
    (failures, nextAttempt) = (0, nil)
    return startIfAllowed(at: now)
  }

  /// The request has been answered with a token.
  ///
  /// - Parameters:
  ///   - authorization: the value of the header made of the token.
  ///   - lifetime: as the endpoint says, from when it was asked; nil: the default is assumed.
  ///   - random: from 0 up to but not including 1; spreads the renewals of many workers.
  mutating func granted(
    _ authorization: SharedSecret, lifetime: Duration?, at now: MonotonicTime, random: Double
  ) {
    let start = requestStart ?? now
    let lifetime = lifetime ?? policy.assumedLifetime
    let isSame = token?.authorization.matches(authorization) ?? false
    let isStillRefused = isSame && token?.isRefused == true
    token = Token(
      authorization: authorization, expiry: start + lifetime, lastUse: start + policy.usableTime(of: lifetime),
      renewal: start + policy.renewalTime(of: lifetime, random: random), isRefused: isStillRefused)
    hasEverHadToken = true
    (requestStart, failures, nextAttempt, lastError) = (nil, 0, nil, nil)
    // An endpoint that hands the refused token out again is left alone for a while.
    if isStillRefused { nextAttempt = nextForcedRenewal }
  }

  /// The request has failed. Answers the time to the next attempt.
  mutating func failed(_ error: OAuthError, at now: MonotonicTime, random: Double) -> Duration {
    failures += 1
    var pause = policy.pause(afterFailures: failures)
    if error.isRefusal { pause = max(pause, policy.refusalPause) }
    pause = pause * (1 + policy.jitter * (2 * random - 1))
    if let asked = error.retryAfter { pause = max(pause, min(asked, policy.longestRetryAfter)) }
    (requestStart, lastError, nextAttempt) = (nil, error, now + pause)
    return pause
  }

  private mutating func startIfAllowed(at now: MonotonicTime) -> Bool {
    guard !isRequesting else { return false }
    if let nextAttempt, now < nextAttempt { return false }
    requestStart = now
    return true
  }
}
