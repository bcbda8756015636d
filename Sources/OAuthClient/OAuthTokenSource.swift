package import EventLoop
package import GRPCClient
package import Logging
internal import Metrics
package import Secrets
internal import Synchronization

/// The bearer token of the calls to the scheduler, granted by an OAuth 2.0 token endpoint for client credentials
/// (RFC 6749 §4.4) and renewed before it ends. It is kept in memory only.
///
/// An actor on the event loop's thread. Any number of callers share one request; a caller that is cancelled stops
/// waiting and the request goes on for the others. Requests run on threads of their own.
package actor OAuthTokenSource: AuthorizationSource {
  /// Somebody who waits for the request under way.
  private struct Waiter {
    /// The value that the scheduler refused; nil for somebody who needs any token.
    let refused: SharedSecret?
    let continuation: CheckedContinuation<Result<SharedSecret?, GRPCError>, Never>
  }

  private let issuer: any TokenIssuer
  private let policy: OAuthPolicy
  private let loop: EventLoop
  private let logger: Logger
  private let clock: @Sendable () -> MonotonicTime
  private let metrics = OAuthMetrics()
  private let published = Mutex(OAuthState())

  private var machine: OAuthTokenMachine
  private var waiters: [UInt64: Waiter] = [:]
  private var nextWaiter: UInt64 = 0
  private var wakeTimer: TimerKey?
  private var credentialTimer: TimerKey?
  /// Whether anybody has asked for a token since the last one was granted.
  private var isInUse = false
  /// Values that the log's redactor knows: the present token and the one before, which may still be on its way.
  private var redacted: [SharedSecret] = []

  package nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe loop.asUnownedSerialExecutor() }

  /// Asks for nothing until the first caller comes.
  ///
  /// - Parameter clock: tells the time for tokens and pauses; tests bring their own.
  package init(
    issuer: any TokenIssuer, policy: OAuthPolicy = OAuthPolicy(), loop: EventLoop, logger: Logger,
    clock: @escaping @Sendable () -> MonotonicTime = { .now() }
  ) {
    self.issuer = issuer
    self.policy = policy
    self.loop = loop
    self.logger = logger
    self.clock = clock
    machine = OAuthTokenMachine(policy)
  }

  isolated deinit {
    for timer in [wakeTimer, credentialTimer].compactMap({ $0 }) { loop.cancelTimer(timer) }
  }

  /// What there is, for health checks; readable from any thread.
  package nonisolated var state: OAuthState { published.withLock { $0 } }

  package func current() async throws(GRPCError) -> SharedSecret {
    isInUse = true
    let decision = machine.demand(at: clock())
    carryOut(decision)
    switch decision.answer {
    case .token(let value): return value
    case .failure(let error): throw failure(error)
    case .wait, .nothingNew: break
    }
    if let value = try await outcome(refused: nil) { return value }
    throw failure(machine.lastError ?? OAuthError(.exhausted, "no token was granted"))
  }

  package func replacement(for refused: SharedSecret) async throws(GRPCError) -> SharedSecret? {
    let decision = machine.schedulerRefused(refused, at: clock())
    if decision.startsRequest { logger.warning("scheduler refused the OAuth token, asking for another") }
    carryOut(decision)
    publish()
    switch decision.answer {
    case .token(let value): return value
    case .failure, .nothingNew: return nil
    case .wait: return try await outcome(refused: refused)
    }
  }

  // MARK: Waiting

  private func outcome(refused: SharedSecret?) async throws(GRPCError) -> SharedSecret? {
    nextWaiter += 1
    let id = nextWaiter
    let result = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in wait(id, Waiter(refused: refused, continuation: continuation)) }
    } onCancel: {
      loop.submit { self.assumeIsolated { $0.cancel(id) } }
    }
    return try result.get()
  }

  private func wait(_ id: UInt64, _ waiter: Waiter) {
    guard !Task.isCancelled else { return waiter.continuation.resume(returning: .failure(Self.cancelled)) }
    // The request may have failed to start, and so have ended already.
    guard machine.isRequesting else { return waiter.continuation.resume(returning: answer(to: waiter)) }
    waiters[id] = waiter
  }

  private func cancel(_ id: UInt64) {
    waiters.removeValue(forKey: id)?.continuation.resume(returning: .failure(Self.cancelled))
  }

  private static let cancelled = GRPCError(
    .cancelled, "cancelled while waiting for an OAuth token", mayHaveReachedServer: false)

  private func answerWaiters() {
    let waiting = waiters
    waiters = [:]
    for waiter in waiting.values { waiter.continuation.resume(returning: answer(to: waiter)) }
  }

  /// What a waiter gets once the request has ended.
  private func answer(to waiter: Waiter) -> Result<SharedSecret?, GRPCError> {
    let token = machine.token.flatMap { clock() < $0.lastUse ? $0.authorization : nil }
    guard let refused = waiter.refused else {
      if let token { return .success(token) }
      return .failure(failure(machine.lastError ?? OAuthError(.exhausted, "the token ended before it could be used")))
    }
    return .success(token.flatMap { $0.matches(refused) ? nil : $0 })
  }

  /// Before the first token a refusal is final, so that a wrong secret ends the start; later it passes: the process
  /// stays, unhealthy, until the secret is mended.
  private func failure(_ error: OAuthError) -> GRPCError {
    let isFinal = error.isRefusal && !machine.hasEverHadToken
    return GRPCError(
      isFinal ? .unauthenticated : .unavailable, "no OAuth token", mayHaveReachedServer: false, cause: error.message)
  }

  // MARK: Requests

  private func carryOut(_ decision: OAuthTokenMachine.Decision) {
    if decision.startsRequest { request() }
  }

  private func request() {
    do throws(EventLoopError) {
      try loop.offload("oauth") { [issuer] in
        issuer.grant()
      } then: { [weak self] result in
        self?.assumeIsolated { $0.requestEnded(result) }
      }
    } catch {
      requestEnded(.failure(OAuthError(.exhausted, "the system gives no thread for the token request: \(error)")))
    }
  }

  private func requestEnded(_ result: Result<TokenGrant, OAuthError>) {
    let now = clock()
    metrics.requestEnded(result)
    switch result {
    case .success(let grant): granted(grant, now)
    case .failure(let error):
      let pause = machine.failed(error, at: now, random: .random(in: 0..<1))
      let left = machine.token.map { max(.zero, $0.expiry - now) } ?? .zero
      logger.warning(
        "OAuth token not granted",
        metadata: [
          "error": "\(error.message)", "retry_seconds": "\(pause.components.seconds)",
          "token_left_seconds": "\(left.components.seconds)",
        ])
    }
    publish()
    answerWaiters()
    setTimers()
    if case .success = result { isInUse = false }
  }

  private func granted(_ grant: TokenGrant, _ now: MonotonicTime) {
    let value = grant.authorization
    Redactor.process.register(grant.token)
    redacted.append(grant.token)
    while redacted.count > 2 { Redactor.process.forget(redacted.removeFirst()) }
    machine.granted(value, lifetime: grant.lifetime, at: now, random: .random(in: 0..<1))
    guard let token = machine.token else { return }
    metrics.tokenEnds(in: token.expiry - now)
    logger.info(
      "OAuth token granted",
      metadata: [
        "lifetime_seconds": "\((token.expiry - now).components.seconds)",
        "renewal_seconds": "\((token.renewal - now).components.seconds)",
        "lifetime_told": "\(grant.lifetime != nil)",
      ])
  }

  private func publish() {
    let state = OAuthState(
      expiry: machine.token?.expiry, lastError: machine.lastError, isRefused: machine.token?.isRefused ?? false)
    published.withLock { $0 = state }
  }

  // MARK: Timers

  /// Renews in time also when nobody calls, but only a token that somebody has used.
  private func setTimers() {
    if let wakeTimer { loop.cancelTimer(wakeTimer) }
    wakeTimer = nil
    if isInUse, let due = machine.wakeTime {
      wakeTimer = loop.setTimer(at: .now() + max(.zero, due - clock())) { [weak self] in
        self?.assumeIsolated { $0.wake() }
      }
    }
    watchCredentials()
  }

  private func wake() {
    wakeTimer = nil
    if machine.wake(at: clock()) { request() }
  }

  /// After a refusal, looks every few seconds whether secret or assertion have been replaced.
  private func watchCredentials() {
    guard credentialTimer == nil, machine.awaitsCredentials else { return }
    credentialTimer = loop.setTimer(at: .now() + policy.credentialInterval) { [weak self] in
      self?.assumeIsolated { $0.lookAtCredentials() }
    }
  }

  private func lookAtCredentials() {
    credentialTimer = nil
    guard machine.awaitsCredentials else { return }
    do throws(EventLoopError) {
      try loop.offload("oauth") { [issuer] in
        issuer.hasNewCredentials()
      } then: { [weak self] isNew in
        self?.assumeIsolated { $0.credentialsLookedAt(isNew) }
      }
    } catch {
      watchCredentials()
    }
  }

  private func credentialsLookedAt(_ isNew: Bool) {
    if isNew && machine.credentialsChanged(at: clock()) {
      logger.notice("OAuth credentials have changed, asking for a token")
      request()
    } else {
      watchCredentials()
    }
  }
}
