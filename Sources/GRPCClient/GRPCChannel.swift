package import EventLoop
internal import HTTP2Client
package import Logging
internal import Secrets
internal import TLSClient

/// A connection to one server that carries all calls, replaced whenever it ages, drains or breaks, or its identity is
/// renewed.
///
/// An actor on the event loop's thread. `call` may be used from any number of tasks at once. A call waits for a
/// connection up to its own deadline, unless the reason there is none is a refusal that waiting does not cure (a
/// certificate, a key file): then it fails at once with that reason. Which connection takes calls is decided by
/// `ConnectionPlan`, which files identify this side by `CredentialRotation`; this type carries out what they say.
package actor GRPCChannel: UnaryCaller {
  /// A connection and the calls on its streams.
  struct Slot {
    let connection: HTTP2Connection
    /// The generation of the identity it was made with.
    let credential: Int
    var calls: [Int32: UInt64] = [:]
    var isReady = false
    var deadlines = DeadlineStreak()
  }

  /// What was asked for.
  let configuration: ChannelConfiguration
  /// The loop on whose thread the actor runs.
  let loop: EventLoop
  /// Where events are logged.
  let logger: Logger
  /// Composes header fields.
  let fields: RequestFields
  /// Where the value of `authorization` comes from; nil: no such header.
  private let authorizationSource: (any AuthorizationSource)?
  /// Why no call can ever be made with this configuration; nil when it is sound.
  private let refusal: String?
  private let published = PosixMutex(ChannelState())

  /// Every accepted call that has not ended, by number.
  var calls: [UInt64: PendingCall] = [:]
  /// The calls that wait.
  var queue = CallQueue()
  private var nextCall: UInt64 = 0
  /// Every connection that has not ended, by the number that `plan` gave it.
  var slots: [Int: Slot] = [:]
  /// Which connection is for what.
  var plan: ConnectionPlan
  /// Set while `plan` is to be asked again at a moment.
  var planTimer: (key: TimerKey, deadline: MonotonicTime)?
  /// What is known of long polls that wait for a stream.
  var shortage = StreamShortage()
  /// What is known of idle timeouts on the way.
  var idleCutoff = IdleCutoff()
  /// Which files are in use, and which are tried.
  var rotation: CredentialRotation
  /// The identity and trust in use; nil in plaintext and before the files were first read.
  var credential: Credential?
  /// The new identity that is being tried.
  var trial: CredentialTrial?
  /// The looks at the files.
  var files = CredentialFiles()
  /// Which ends of certificates have been warned of.
  var expiry = ExpiryWatch()
  /// The value of `authorization` that the latest call was given.
  var latestAuthorization: SharedSecret?
  /// Whether `shutdown` has been called.
  var isShutDown = false
  /// Callers of `shutdown` that wait for its end.
  var shutdownWaiters: [CheckedContinuation<Void, Never>] = []
  /// The state in the making; `publish` shows it to other threads.
  var working = ChannelState()
  /// What is counted.
  let metrics = ChannelMetrics()

  package nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe loop.asUnownedSerialExecutor() }

  /// Makes a channel; it connects on the first call.
  package init(configuration: ChannelConfiguration, loop: EventLoop, logger: Logger) {
    self.configuration = configuration
    self.loop = loop
    self.logger = logger
    refusal = ChannelPolicy.refusal(of: configuration)
    fields = RequestFields(
      scheme: configuration.tls == nil ? "http" : "https", authority: ChannelPolicy.authority(of: configuration),
      userAgent: configuration.userAgent)
    authorizationSource =
      configuration.authorization
      ?? configuration.apiKeyFile.map { KeyFileAuthorization(path: $0, logger: logger) }
      ?? configuration.apiKey.map { FixedAuthorization(key: $0) }
    plan = ConnectionPlan(rules: configuration.reconnect, backoff: configuration.backoff)
    rotation = CredentialRotation(rules: configuration.rotation)
  }

  // The handles of OpenSSL and nghttp2 must go on the loop's thread, wherever the last reference was dropped.
  isolated deinit {
    if let notifications = files.notifications { loop.unwatch(notifications.descriptor) }
    for slot in slots.values {
      slot.connection.close()
      slot.connection.abort()
    }
  }

  /// What the connection is doing now; readable from any thread.
  package nonisolated var state: ChannelState { published.withLock { $0 } }

  // Not isolated: a call is handed to the loop and its outcome resumes the caller where it was, so that it costs one change of
  // threads each way.
  package nonisolated func call(_ call: GRPCCall) async throws(GRPCError) -> [UInt8] {
    try admit(call)
    let deadline = MonotonicTime.now() + call.timeout
    guard let source = authorizationSource else { return try await send(call, deadline, nil) }
    let value = try await authorization(from: source)
    do throws(GRPCError) {
      return try await send(call, deadline, value)
    } catch {
      guard error.code == .unauthenticated, deadline > .now(), let fresh = try? await source.replacement(for: value)
      else {
        throw error
      }
      return try await send(call, deadline, fresh)
    }
  }

  private nonisolated func authorization(
    from source: any AuthorizationSource
  ) async throws(GRPCError) -> SharedSecret {
    do throws(GRPCError) {
      return try await source.current()
    } catch {
      loop.submit { self.assumeIsolated { $0.authorizationFailed(error) } }
      throw error
    }
  }

  private func authorizationFailed(_ error: GRPCError) {
    working.lastError = error.description
    working.failedCalls += 1
    publish()
  }

  private nonisolated func send(
    _ call: GRPCCall, _ deadline: MonotonicTime, _ authorization: SharedSecret?
  ) async throws(GRPCError) -> [UInt8] {
    let ticket = CallTicket()
    let result = await withTaskCancellationHandler {
      await withCheckedContinuation { (continuation: CheckedContinuation<Result<[UInt8], GRPCError>, Never>) in
        loop.submit {
          self.assumeIsolated {
            $0.begin(ticket, call, deadline, authorization) { continuation.resume(returning: $0) }
          }
        }
      }
    } onCancel: {
      ticket.cancel()
      loop.submit { self.assumeIsolated { $0.cancel(ticket) } }
    }
    return try result.get()
  }

  /// Refuses further calls, waits up to `grace` for open ones, resets the rest and closes the connections in order.
  package func shutdown(grace: Duration) async {
    isShutDown = true
    let leaving = GRPCError(.unavailable, "the channel is shutting down", mayHaveReachedServer: false)
    for id in queue.all { settle(id, .failure(leaving)) }
    if let planTimer { loop.cancelTimer(planTimer.key) }
    planTimer = nil
    if let timer = shortage.timer { loop.cancelTimer(timer) }
    shortage.timer = nil
    stopLooking()
    abandonTrial()
    guard !slots.isEmpty else { return }
    loop.setTimer(at: .now() + grace) { [weak self] in self?.assumeIsolated { $0.graceEnded() } }
    await withCheckedContinuation { continuation in
      shutdownWaiters.append(continuation)
      closeIdleSlots()
    }
  }

  /// Shows the present state to other threads.
  func publish() {
    working.waitingCalls = queue.count
    working.openCalls = slots.values.reduce(0) { $0 + $1.calls.count }
    let isReady = plan.current != nil
    working.isConnected = isReady
    if !isReady { working.connectedSince = nil }
    working.drainingConnections = plan.count(of: .draining)
    working.credentialGeneration = rotation.generation
    published.withLock { $0 = working }
  }

  // MARK: Accepting calls

  /// What can be said of a call before its turn has come.
  private nonisolated func admit(_ call: GRPCCall) throws(GRPCError) {
    if let refusal { throw GRPCError(.failedPrecondition, refusal, mayHaveReachedServer: false) }
    if let fault = RequestFields.fault(in: call) {
      throw GRPCError(.invalidArgument, fault, mayHaveReachedServer: false)
    }
    guard call.timeout > .zero else {
      throw GRPCError(.deadlineExceeded, "the call's time was over before it began", mayHaveReachedServer: false)
    }
    let limit = configuration.limits.requestBytes
    guard call.message.count <= limit else {
      throw GRPCError(
        .resourceExhausted, "the request of \(call.message.count) bytes is larger than the limit of \(limit)",
        mayHaveReachedServer: false)
    }
  }

  private func begin(
    _ ticket: CallTicket, _ call: GRPCCall, _ deadline: MonotonicTime, _ authorization: SharedSecret?,
    _ completion: @escaping (Result<[UInt8], GRPCError>) -> Void
  ) {
    func refuse(_ code: GRPCStatus, _ text: String, cause: String? = nil) {
      completion(.failure(GRPCError(code, text, mayHaveReachedServer: false, cause: cause)))
    }
    if ticket.isCancelled { return refuse(.cancelled, "cancelled before it was sent") }
    if isShutDown { return refuse(.unavailable, "the channel is shut down") }
    guard queue.count < configuration.limits.waitingCalls else {
      return refuse(.resourceExhausted, "\(queue.count) calls are waiting already", cause: working.lastError)
    }
    if let authorization { latestAuthorization = authorization }
    nextCall += 1
    ticket.number = nextCall
    accept(nextCall, call, deadline, authorization, completion)
    queue.append(nextCall, isLongPoll: call.isLongPoll)
    advance()
    dispatch()
    publish()
  }

  /// Enters a call into the books, with a timer for its deadline.
  private func accept(
    _ id: UInt64, _ call: GRPCCall, _ deadline: MonotonicTime, _ authorization: SharedSecret?,
    _ completion: @escaping (Result<[UInt8], GRPCError>) -> Void
  ) {
    let timer = loop.setTimer(at: deadline) { [weak self] in self?.assumeIsolated { $0.timeOut(id) } }
    calls[id] = PendingCall(
      call: call, deadline: deadline, timer: timer, authorization: authorization, completion: completion,
      response: UnaryResponse(limit: configuration.limits.responseBytes))
  }

  /// Makes a call of the channel's own on a connection that takes no others yet.
  func probe(_ call: GRPCCall, on number: Int, completion: @escaping (Result<[UInt8], GRPCError>) -> Void) {
    nextCall += 1
    accept(nextCall, call, .now() + call.timeout, latestAuthorization, completion)
    send(nextCall, on: number)
  }

  // MARK: Ending calls from this side

  private func cancel(_ ticket: CallTicket) {
    guard let id = ticket.number, let pending = calls[id] else { return }
    let isSent = resetStream(of: pending)
    settle(id, .failure(GRPCError(.cancelled, "cancelled by the caller", mayHaveReachedServer: isSent)))
  }

  private func timeOut(_ id: UInt64) {
    guard let pending = calls[id] else { return }
    let isSent = resetStream(of: pending)
    if case .stream(let number, _) = pending.place { deadlinePassed(on: number) }
    let text = isSent ? "no response in time" : "no connection in time"
    settle(
      id,
      .failure(
        GRPCError(
          .deadlineExceeded, text, mayHaveReachedServer: isSent || pending.attempts > 0,
          cause: isSent ? nil : working.lastError)))
  }

  /// Resets the stream that a call is on. True: there was one.
  private func resetStream(of pending: PendingCall) -> Bool {
    guard case .stream(let number, let stream) = pending.place else { return false }
    slots[number]?.calls[stream] = nil
    slots[number]?.connection.reset(stream, .cancel)
    return true
  }

  private func graceEnded() {
    for (id, pending) in calls {
      let isSent = resetStream(of: pending)
      let error = GRPCError(.cancelled, "the channel was shut down", mayHaveReachedServer: isSent)
      settle(id, .failure(error))
    }
    for slot in slots.values { slot.connection.close() }
  }

  /// Ends a call. Its stream, if any, must have been dealt with.
  func settle(_ id: UInt64, _ outcome: Result<[UInt8], GRPCError>) {
    guard let pending = calls.removeValue(forKey: id) else { return }
    loop.cancelTimer(pending.timer)
    if pending.place == .waiting { queue.remove(id) }
    if case .success = outcome { working.succeededCalls += 1 } else { working.failedCalls += 1 }
    publish()
    pending.completion(outcome)
    closeIdleSlots()
  }
}
