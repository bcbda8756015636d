package import EventLoop
internal import HTTP2Client
package import Logging
internal import Secrets
internal import TLSClient

/// A connection to one server that carries all calls, replaced whenever it ages, drains or breaks.
///
/// An actor on the event loop's thread. `call` may be used from any number of tasks at once. A call waits for a
/// connection up to its own deadline, unless the reason there is none is a refusal that waiting does not cure (a
/// certificate, a key file): then it fails at once with that reason.
package actor GRPCChannel: UnaryCaller {
  /// A connection and the calls on its streams.
  struct Slot {
    let connection: HTTP2Connection
    var calls: [Int32: UInt64] = [:]
    var isReady = false
    var isDraining = false
    var answered = 0
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
  /// The API key's file, if there is one.
  let keyFile: SecretFile?
  /// Why no call can ever be made with this configuration; nil when it is sound.
  private let refusal: String?
  private let published = PosixMutex(ChannelState())

  /// Every accepted call that has not ended, by number.
  var calls: [UInt64: PendingCall] = [:]
  /// The calls that wait.
  var queue = CallQueue()
  private var nextCall: UInt64 = 0
  /// Every connection that has not ended, by generation.
  var slots: [Int: Slot] = [:]
  /// The generation of the connection that takes new calls, also while it is being made.
  var current: Int?
  /// The latest generation given out.
  var nextGeneration = 0
  /// Pauses between attempts.
  var backoff: Backoff
  /// Set while such a pause lasts.
  var reconnectTimer: TimerKey?
  /// Set while the key file is to be looked at again.
  var keyTimer: TimerKey?
  /// The value of `authorization`, once the key has been read.
  var authorization: SharedSecret?
  /// Whether `shutdown` has been called.
  var isShutDown = false
  /// Callers of `shutdown` that wait for its end.
  var shutdownWaiters: [CheckedContinuation<Void, Never>] = []
  /// By how much keepalive's interval is stretched because a server called our pings too many.
  var keepaliveFactor = 1
  /// The state in the making; `publish` shows it to other threads.
  var working = ChannelState()

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
    keyFile = configuration.apiKeyFile.map { SecretFile(path: $0) }
    backoff = Backoff(configuration.backoff)
  }

  // The handles of OpenSSL and nghttp2 must go on the loop's thread, wherever the last reference was dropped.
  isolated deinit {
    for slot in slots.values {
      slot.connection.close()
      slot.connection.abort()
    }
  }

  /// What the connection is doing now; readable from any thread.
  package nonisolated var state: ChannelState { published.withLock { $0 } }

  package func call(_ call: GRPCCall) async throws(GRPCError) -> [UInt8] {
    try admit(call)
    nextCall += 1
    let id = nextCall
    let result = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in begin(id, call, continuation) }
    } onCancel: {
      loop.submit { self.assumeIsolated { $0.cancel(id) } }
    }
    return try result.get()
  }

  /// Refuses further calls, waits up to `grace` for open ones, resets the rest and closes the connections in order.
  package func shutdown(grace: Duration) async {
    isShutDown = true
    let leaving = GRPCError(.unavailable, "the channel is shutting down", mayHaveReachedServer: false)
    for id in queue.all { settle(id, .failure(leaving)) }
    if let reconnectTimer { loop.cancelTimer(reconnectTimer) }
    reconnectTimer = nil
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
    let isReady = current.flatMap { slots[$0]?.isReady } ?? false
    working.isConnected = isReady
    if !isReady { working.connectedSince = nil }
    published.withLock { $0 = working }
  }

  // MARK: Accepting calls

  private func admit(_ call: GRPCCall) throws(GRPCError) {
    if let refusal { throw GRPCError(.failedPrecondition, refusal, mayHaveReachedServer: false) }
    if let fault = RequestFields.fault(in: call) {
      throw GRPCError(.invalidArgument, fault, mayHaveReachedServer: false)
    }
    guard !isShutDown else {
      throw GRPCError(.unavailable, "the channel is shut down", mayHaveReachedServer: false)
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
    guard queue.count < configuration.limits.waitingCalls else {
      throw GRPCError(
        .resourceExhausted, "\(queue.count) calls are waiting already", mayHaveReachedServer: false,
        cause: working.lastError)
    }
  }

  private func begin(
    _ id: UInt64, _ call: GRPCCall, _ continuation: CheckedContinuation<Result<[UInt8], GRPCError>, Never>
  ) {
    if Task.isCancelled {
      return continuation.resume(
        returning: .failure(GRPCError(.cancelled, "cancelled before it was sent", mayHaveReachedServer: false)))
    }
    let deadline = MonotonicTime.now() + call.timeout
    let timer = loop.setTimer(at: deadline) { [weak self] in self?.assumeIsolated { $0.timeOut(id) } }
    calls[id] = PendingCall(
      call: call, deadline: deadline, timer: timer, continuation: continuation,
      response: UnaryResponse(limit: configuration.limits.responseBytes))
    queue.append(id, isLongPoll: call.isLongPoll)
    connectIfNeeded()
    dispatch()
    publish()
  }

  // MARK: Ending calls from this side

  private func cancel(_ id: UInt64) {
    guard let pending = calls[id] else { return }
    let isSent = resetStream(of: pending)
    settle(id, .failure(GRPCError(.cancelled, "cancelled by the caller", mayHaveReachedServer: isSent)))
  }

  private func timeOut(_ id: UInt64) {
    guard let pending = calls[id] else { return }
    let isSent = resetStream(of: pending)
    if case .stream(let generation, _) = pending.place { deadlinePassed(on: generation) }
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
    guard case .stream(let generation, let stream) = pending.place else { return false }
    slots[generation]?.calls[stream] = nil
    slots[generation]?.connection.reset(stream, .cancel)
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
    pending.continuation.resume(returning: outcome)
    closeIdleSlots()
  }
}
