internal import EventLoop
internal import HTTP2Client
internal import Logging
internal import TLSClient

/// Making, replacing and ending connections, as `ConnectionPlan` says.
extension GRPCChannel {
  private var endpoint: String { "\(configuration.host):\(configuration.port)" }

  /// Does what the plan says is to be done now, and sets the timer for what is to be done later.
  func advance() {
    guard !isShutDown else { return }
    let isBusy = plan.current.map { slots[$0]?.calls.isEmpty == false } ?? false
    switch plan.step(at: .now(), hasDemand: queue.count > 0, isBusy: isBusy) {
    case .dial(let number):
      setPlanTimer(nil)
      dial(number)
    case .wait(let deadline): setPlanTimer(deadline)
    case .none: setPlanTimer(nil)
    }
  }

  private func setPlanTimer(_ deadline: MonotonicTime?) {
    guard planTimer?.deadline != deadline else { return }
    if let planTimer { loop.cancelTimer(planTimer.key) }
    planTimer = nil
    guard let deadline else { return }
    let key = loop.setTimer(at: deadline) { [weak self] in
      self?.assumeIsolated { channel in
        channel.planTimer = nil
        channel.advance()
        channel.publish()
      }
    }
    planTimer = (key, deadline)
  }

  /// Begins the connection that is to take new calls; the files are read before if they have not been.
  private func dial(_ number: Int) {
    guard let tls = configuration.tls, credential == nil else { return open(number, with: credential) }
    let isStarted = look(tls, mustRead: true) { channel in
      channel.adoptFirst { channel, fault in
        guard let fault else { return channel.open(number, with: channel.credential) }
        channel.connectionEnded(number, nil, HTTP2Error(.localConfiguration, fault.message))
      }
    }
    guard !isStarted else { return }
    let error = HTTP2Error(.exhausted, "the system gives no thread to read the TLS files")
    loop.setTimer(at: .now()) { [weak self] in self?.assumeIsolated { $0.connectionEnded(number, nil, error) } }
  }

  /// Begins a connection with an identity.
  func open(_ number: Int, with credential: Credential?) {
    guard !isShutDown else { return }
    let connection = HTTP2Connection(
      options: connectionOptions, context: credential?.context, on: loop, logger: logger
    ) { [weak self] event in
      self?.assumeIsolated { $0.connectionReported(event, number) }
    }
    slots[number] = Slot(connection: connection, credential: credential?.generation ?? 0)
    connection.start()
  }

  private var connectionOptions: HTTP2ConnectionOptions {
    // Each failed attempt begins with the next of the hosts, so that one that answers wrongly does not hold up the rest.
    let target = configuration.dialTarget(attempt: working.failedAttempts)
    var options = HTTP2ConnectionOptions(target: target, tls: configuration.tls)
    options.keepaliveInterval = idleCutoff.interval(configured: configuration.keepalive.interval)
    options.keepaliveTimeout = configuration.keepalive.timeout
    options.keepaliveFactor = 1 << plan.keepaliveDoublings
    options.timing = configuration.http2Timing
    options.limits = configuration.http2Limits
    options.limits.headerListBytes = configuration.limits.headerListBytes
    return options
  }

  private func connectionReported(_ event: HTTP2Connection.Event, _ number: Int) {
    switch event {
    case .session(let event): handle(event, on: number)
    case .closed(let error, let unsent):
      guard let slot = slots.removeValue(forKey: number) else { return }
      connectionEnded(number, slot, error, unsent: unsent)
    }
  }

  /// The server has greeted: calls may go, or a new identity is to be tried.
  func connectionReady(_ number: Int) {
    slots[number]?.isReady = true
    if plan.ready(number, at: .now()) != nil { metrics.reconnected(.planned) }
    if plan.role(of: number) == .probe { return probeReady(number) }
    if plan.role(of: number) == .companion { return companionReady() }
    if plan.current == number { tookOver() }
  }

  /// A further connection takes calls from now on.
  private func companionReady() {
    logger.info(
      "further scheduler connection", metadata: ["address": "\(endpoint)", "connections": "\(plan.takers.count)"])
    dispatch()
    metrics.connections(plan)
    publish()
  }

  /// A connection takes new calls from now on; the one before it, if any, finishes what is open.
  func tookOver() {
    working.connections += 1
    working.connectedSince = .now()
    working.lastError = nil
    logger.info(
      "scheduler connected", metadata: ["address": "\(endpoint)", "connection": "\(working.connections)"])
    dispatch()
    advance()
    closeIdleSlots()
    metrics.connections(plan)
    publish()
  }

  /// The server takes no new calls on a connection: the open ones go on there, others go to a new one.
  func drain(_ number: Int, _ code: HTTP2ErrorCode, _ debug: String, pingsTooMany: Bool = false) {
    guard let slot = slots[number], let role = plan.role(of: number), role != .draining else { return }
    logger.debug(
      "scheduler drains the connection",
      metadata: ["code": "\(code)", "reason": "\(debug)", "open": "\(slot.calls.count)"])
    if code != .noError {
      working.lastError = "the server closed the connection: \(code) \(debug)"
      logger.warning("scheduler closed the connection", metadata: ["code": "\(code)", "reason": "\(debug)"])
    }
    plan.drains(
      number, isOrderly: code == .noError, pingsTooMany: pingsTooMany, at: .now(), random: .random(in: 0..<1))
    if role == .probe {
      endTrial(.unreachable("the server sent the new connection away: \(code) \(debug)"))
    } else {
      metrics.reconnected(code == .noError ? .goAway : .refused)
    }
    advance()
    dispatch()
    closeIdleSlots()
    metrics.connections(plan)
    publish()
  }

  /// A connection is over, or never came to be: its calls end or go to another one.
  func connectionEnded(_ number: Int, _ slot: Slot?, _ error: HTTP2Error, unsent: Set<Int32> = []) {
    let role = plan.role(of: number)
    working.bytesReceived += slot?.connection.bytesReceived ?? 0
    working.bytesSent += slot?.connection.bytesSent ?? 0
    plan.lost(number, at: .now(), random: .random(in: 0..<1))
    let isServing = role == .current || role == .next
    if isServing, slot?.isReady != true { working.failedAttempts += 1 }
    if isServing && !isShutDown {
      if plan.current == nil { working.lastError = error.message }
      logger.warning("scheduler connection failed", metadata: ["address": "\(endpoint)", "error": "\(error.message)"])
      metrics.reconnected(slot?.isReady == true ? .lost : .setupFailed)
    }
    if role == .current, slot?.isReady == true, error.code == .connectionLost, !isShutDown, let slot {
      noteSilence(of: slot.connection)
    }
    for (stream, id) in slot?.calls ?? [:] { callLost(id, slot?.isReady == true && !unsent.contains(stream), error) }
    if role == .probe { endTrial(CredentialTrial.verdict(on: error)) }
    if role == .companion, !isShutDown {
      logger.info(
        "further scheduler connection ended", metadata: ["address": "\(endpoint)", "error": "\(error.message)"])
    }
    if !error.isTransient && isServing {
      rotation.activeRefused(at: .now())
      if plan.current == nil { failWaiting(because: error) }
    }
    advance()
    dispatch()
    stepRotation()
    metrics.connections(plan)
    publish()
    endShutdownIfDone()
  }

  private func callLost(_ id: UInt64, _ mayHaveReached: Bool, _ error: HTTP2Error) {
    let lost = GRPCError(
      .unavailable, "the connection to \(endpoint) was lost", mayHaveReachedServer: mayHaveReached,
      cause: error.message)
    if mayHaveReached || !putBack(id) { settle(id, .failure(lost)) }
  }

  /// Looks for a pattern in the ends of silent connections, and says what to do about it.
  private func noteSilence(of connection: HTTP2Connection) {
    guard let limit = idleCutoff.lost(afterSilence: .now() - connection.lastReceived) else { return }
    let seconds = limit.components.seconds
    let pings = idleCutoff.interval(configured: configuration.keepalive.interval).components.seconds
    working.lastError =
      "something on the way (proxy, firewall, load balancer) ends connections after \(seconds) s of silence: "
      + "raise its idle timeout above 60 s; PINGs go out every \(pings) s from now on"
    logger.warning(
      "scheduler connection is cut when idle",
      metadata: ["address": "\(endpoint)", "silence_seconds": "\(seconds)", "ping_seconds": "\(pings)"])
  }

  /// Waiting does not cure a refusal: tell the callers at once.
  private func failWaiting(because error: HTTP2Error) {
    let failure = GRPCError(
      .unavailable, "no connection to \(endpoint)", mayHaveReachedServer: false, cause: error.message)
    for id in queue.all { settle(id, .failure(failure)) }
  }

  /// Closes draining connections whose last call has ended, and all of them while shutting down. A connection whose
  /// calls are still open is left alone: a stream that is reset may be one whose task is under way to us.
  func closeIdleSlots() {
    for (number, slot) in slots where slot.calls.isEmpty {
      let role = plan.role(of: number)
      if isShutDown || role == .draining || role == nil { slot.connection.close() }
    }
    endShutdownIfDone()
  }

  private func endShutdownIfDone() {
    guard isShutDown, slots.isEmpty, !shutdownWaiters.isEmpty else { return }
    let waiters = shutdownWaiters
    shutdownWaiters = []
    for waiter in waiters { waiter.resume() }
  }
}
