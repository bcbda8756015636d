internal import EventLoop
internal import HTTP2Client
internal import Logging
internal import Secrets

/// Making, replacing and ending connections.
extension GRPCChannel {
  /// How often the key file is looked at while a connection is open.
  private static let keyInterval: Duration = .seconds(5)

  private var endpoint: String { "\(configuration.host):\(configuration.port)" }

  /// Begins a connection when a call waits and none is there or on its way.
  func connectIfNeeded() {
    guard current == nil, reconnectTimer == nil, queue.count > 0, !isShutDown else { return }
    nextGeneration += 1
    let generation = nextGeneration
    current = generation
    let connection = HTTP2Connection(options: connectionOptions, on: loop, logger: logger) { [weak self] event in
      self?.assumeIsolated { $0.connectionReported(event, generation) }
    }
    slots[generation] = Slot(connection: connection)
    if let fixed = configuration.apiKey, keyFile == nil, authorization == nil {
      guard let value = BearerKey.authorization(fixed) else {
        return loseLater(generation, HTTP2Error(.localConfiguration, BearerKey.fault(in: "the API key")))
      }
      authorization = value
    }
    guard let keyFile else { return connection.start() }
    let isStarted = offloadKeyReading(keyFile) { [weak self] result in
      self?.assumeIsolated { $0.keyRead(result, generation) }
    }
    if !isStarted { loseLater(generation, HTTP2Error(.exhausted, "the system gives no thread to read the API key")) }
  }

  private var connectionOptions: HTTP2ConnectionOptions {
    let isGuarded = configuration.tls == nil && !configuration.allowPlaintext
    let host = configuration.host
    let dialed = host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
    let target = Dial.Target(
      host: dialed, port: configuration.port, timeout: configuration.connectTimeout,
      userTimeout: configuration.keepalive.interval + configuration.keepalive.timeout, isLoopbackOnly: isGuarded)
    var options = HTTP2ConnectionOptions(target: target, tls: configuration.tls)
    options.keepaliveInterval = configuration.keepalive.interval
    options.keepaliveTimeout = configuration.keepalive.timeout
    options.keepaliveFactor = keepaliveFactor
    options.timing = configuration.http2Timing
    options.limits = configuration.http2Limits
    options.limits.headerListBytes = configuration.limits.headerListBytes
    return options
  }

  private func keyRead(_ result: Result<SharedSecret, GRPCError>, _ generation: Int) {
    guard let slot = slots[generation] else { return }
    switch result {
    case .success(let value):
      authorization = value
      watchKey()
      slot.connection.start()
    case .failure(let error): connectionLost(HTTP2Error(.localConfiguration, error.message), generation, unsent: [])
    }
  }

  /// Looks at the key file again after a while, for as long as there is a connection.
  private func watchKey() {
    guard keyTimer == nil, let keyFile else { return }
    keyTimer = loop.setTimer(at: .now() + Self.keyInterval) { [weak self] in
      self?.assumeIsolated { channel in
        channel.keyTimer = nil
        guard !channel.slots.isEmpty else { return }
        _ = channel.offloadKeyReading(keyFile) { [weak channel] result in
          channel?.assumeIsolated { $0.keyLookedAt(result) }
        }
        channel.watchKey()
      }
    }
  }

  private func keyLookedAt(_ result: Result<SharedSecret, GRPCError>) {
    switch result {
    case .success(let value): authorization = value
    case .failure(let error):
      // The last good key stays in use; the file may be about to be replaced.
      logger.warning("API key file not readable, keeping the last key", metadata: ["error": "\(error.message)"])
    }
  }

  private func loseLater(_ generation: Int, _ error: HTTP2Error) {
    loop.setTimer(at: .now()) { [weak self] in
      self?.assumeIsolated { $0.connectionLost(error, generation, unsent: []) }
    }
  }

  private func connectionReported(_ event: HTTP2Connection.Event, _ generation: Int) {
    switch event {
    case .session(let event): handle(event, generation: generation)
    case .closed(let error, let unsent): connectionLost(error, generation, unsent: unsent)
    }
  }

  /// The server has greeted: calls may go.
  func connectionReady(_ generation: Int) {
    slots[generation]?.isReady = true
    working.connections += 1
    working.connectedSince = .now()
    working.lastError = nil
    logger.info(
      "scheduler connected", metadata: ["address": "\(endpoint)", "connection": "\(working.connections)"])
    dispatch()
    publish()
  }

  /// The server takes no new calls on a connection: the open ones go on there, others go to a new one.
  func drain(_ generation: Int, _ code: HTTP2ErrorCode, _ debug: String) {
    guard var slot = slots[generation], !slot.isDraining else { return }
    slot.isDraining = true
    slots[generation] = slot
    logger.debug(
      "scheduler drains the connection",
      metadata: ["code": "\(code)", "reason": "\(debug)", "open": "\(slot.calls.count)"])
    if code != .noError {
      working.lastError = "the server closed the connection: \(code) \(debug)"
      logger.warning("scheduler closed the connection", metadata: ["code": "\(code)", "reason": "\(debug)"])
    }
    if current == generation {
      current = nil
      if code != .noError || slot.answered == 0 { pauseBeforeReconnecting() }
    }
    connectIfNeeded()
    closeIdleSlots()
    publish()
  }

  /// Lets a connection finish what is open and makes another for what comes.
  func replace(_ generation: Int) { drain(generation, .noError, "replaced by this side") }

  private func connectionLost(_ error: HTTP2Error, _ generation: Int, unsent: Set<Int32>) {
    guard let slot = slots.removeValue(forKey: generation) else { return }
    working.bytesReceived += slot.connection.bytesReceived
    working.bytesSent += slot.connection.bytesSent
    let wasCurrent = current == generation
    if wasCurrent { current = nil }
    if !slot.isReady { working.failedAttempts += 1 }
    if wasCurrent && !isShutDown {
      working.lastError = error.message
      logger.warning("scheduler connection failed", metadata: ["address": "\(endpoint)", "error": "\(error.message)"])
      if slot.answered == 0 { pauseBeforeReconnecting() }
    }
    for (stream, id) in slot.calls {
      let mayHaveReached = slot.isReady && !unsent.contains(stream)
      let lost = GRPCError(
        .unavailable, "the connection to \(endpoint) was lost", mayHaveReachedServer: mayHaveReached,
        cause: error.message)
      if mayHaveReached || !putBack(id) { settle(id, .failure(lost)) }
    }
    if !error.isTransient && wasCurrent { failWaiting(because: error) }
    connectIfNeeded()
    publish()
    endShutdownIfDone()
  }

  /// Waiting does not cure a refusal: tell the callers at once.
  private func failWaiting(because error: HTTP2Error) {
    let failure = GRPCError(
      .unavailable, "no connection to \(endpoint)", mayHaveReachedServer: false, cause: error.message)
    for id in queue.all { settle(id, .failure(failure)) }
  }

  private func pauseBeforeReconnecting() {
    guard reconnectTimer == nil, !isShutDown else { return }
    let pause = backoff.next(random: .random(in: 0..<1))
    reconnectTimer = loop.setTimer(at: .now() + pause) { [weak self] in
      self?.assumeIsolated { channel in
        channel.reconnectTimer = nil
        channel.connectIfNeeded()
        channel.publish()
      }
    }
  }

  /// Closes draining connections whose last call has ended, and all of them while shutting down.
  func closeIdleSlots() {
    for slot in slots.values where (slot.isDraining || isShutDown) && slot.calls.isEmpty {
      slot.connection.close()
    }
    endShutdownIfDone()
  }

  private func endShutdownIfDone() {
    guard isShutDown, slots.isEmpty, !shutdownWaiters.isEmpty else { return }
    let waiters = shutdownWaiters
    shutdownWaiters = []
    if let keyTimer { loop.cancelTimer(keyTimer) }
    keyTimer = nil
    for waiter in waiters { waiter.resume() }
  }
}
