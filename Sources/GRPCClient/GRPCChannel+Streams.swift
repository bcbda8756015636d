internal import EventLoop
internal import HTTP2Client
internal import Logging
internal import Secrets

/// Putting calls on streams, and what comes back.
extension GRPCChannel {
  /// How often a call may be put on a stream when none of the former ones reached the server.
  private static let attemptLimit = 5

  /// Sends waiting calls as far as the connection admits them.
  func dispatch() {
    guard let generation = current, let slot = slots[generation], slot.isReady else { return }
    let connection = slot.connection
    guard !connection.isWornOut else { return replace(generation) }
    while connection.acceptsRequests,
      let id = queue.next(free: connection.freeStreams, credit: connection.streamCredit)
    {
      send(id, on: connection, generation)
    }
  }

  private func send(_ id: UInt64, on connection: HTTP2Connection, _ generation: Int) {
    guard let pending = calls[id], let timeout = GRPCTimeout.text(pending.deadline - .now()) else { return }
    let request = fields.fields(for: pending.call, timeout: timeout, authorization: authorization)
    do throws(HTTP2Error) {
      let stream = try connection.submit(request, body: MessageFrame.body(of: pending.call))
      slots[generation]?.calls[stream] = id
      calls[id]?.place = .stream(generation: generation, stream: stream)
      calls[id]?.response = UnaryResponse(limit: configuration.limits.responseBytes)
      calls[id]?.attempts += 1
      calls[id]?.authorization = authorization
    } catch {
      settle(
        id,
        .failure(
          GRPCError(.unavailable, "the call was not sent", mayHaveReachedServer: false, cause: error.message)))
    }
  }

  /// A call was given up at its deadline. A connection on which this is all that happens is replaced.
  func deadlinePassed(on generation: Int) {
    guard slots[generation]?.deadlines.passed() == true, current == generation else { return }
    logger.warning(
      "scheduler answers pings but no calls: replacing the connection",
      metadata: ["deadlines": "\(DeadlineStreak.limit)"])
    replace(generation)
  }

  /// Something happened on a stream.
  func handle(_ event: HTTP2Event, generation: Int) {
    switch event {
    case .response(let stream, let fields):
      slots[generation]?.deadlines.progressed()
      if let id = slots[generation]?.calls[stream] { calls[id]?.response.response(fields) }
    case .data(let stream, let bytes):
      slots[generation]?.connection.consume(stream, bytes.count)
      guard let id = slots[generation]?.calls[stream], let outcome = calls[id]?.response.data(bytes) else { return }
      release(stream, generation, .cancel)
      settle(id, outcome)
    case .trailers(let stream, let fields):
      if let id = slots[generation]?.calls[stream] { calls[id]?.response.trailers(fields) }
    case .end(let stream):
      guard let id = slots[generation]?.calls[stream], let outcome = calls[id]?.response.end() else { return }
      if let pending = calls[id], let hear = pending.call.onMetadata { hear(pending.response.metadata) }
      // A server that answers before it has read the whole request wants no more of it.
      release(stream, generation, .noError)
      answered(id, outcome, generation)
    case .closed(let stream, let closure): streamClosed(stream, closure, generation)
    case .ready: connectionReady(generation)
    case .goAway(_, let code, let debug):
      if event.isTooManyPings { keepaliveFactor = min(2 * keepaliveFactor, Keepalive.largestFactor) }
      drain(generation, code, debug)
    // The peer may admit more streams now.
    case .settingsChanged: dispatch()
    case .settingsAcknowledged, .pong: break
    }
  }

  private func release(_ stream: Int32, _ generation: Int, _ code: HTTP2ErrorCode) {
    slots[generation]?.calls[stream] = nil
    slots[generation]?.connection.reset(stream, code)
  }

  private func answered(_ id: UInt64, _ outcome: Result<[UInt8], GRPCError>, _ generation: Int) {
    slots[generation]?.answered += 1
    working.lastAnswer = .now()
    backoff.reset()
    if case .failure(let error) = outcome, error.code == .unauthenticated {
      working.lastError = error.description
      if repeatWithNewKey(id, error) { return }
    } else {
      working.lastError = nil
    }
    settle(id, outcome)
  }

  private func streamClosed(_ stream: Int32, _ closure: HTTP2StreamClosure, _ generation: Int) {
    defer {
      dispatch()
      closeIdleSlots()
    }
    guard let id = slots[generation]?.calls.removeValue(forKey: stream) else { return }
    let isPastDeadline = calls[id].map { $0.deadline <= .now() } ?? false
    let error = StreamEnd.error(closure, isPastDeadline: isPastDeadline)
    if error.mayHaveReachedServer || !putBack(id) { settle(id, .failure(error)) }
  }

  /// Puts a call that surely did not reach the server back into the queue. False: it has been tried often enough.
  func putBack(_ id: UInt64) -> Bool {
    guard let pending = calls[id], pending.attempts < Self.attemptLimit, !isShutDown else { return false }
    calls[id]?.place = .waiting
    queue.putBack(id, isLongPoll: pending.call.isLongPoll)
    connectIfNeeded()
    return true
  }

  // MARK: The API key

  /// Reads the key file anew and repeats the call if the key has changed. False: there is nothing to be tried.
  private func repeatWithNewKey(_ id: UInt64, _ error: GRPCError) -> Bool {
    guard let keyFile, let pending = calls[id], !pending.hasNewKey, !isShutDown else { return false }
    calls[id]?.place = .rereadingKey
    calls[id]?.hasNewKey = true
    let isStarted = offloadKeyReading(keyFile) { [weak self] result in
      self?.assumeIsolated { $0.keyReread(result, for: id, error) }
    }
    return isStarted
  }

  private func keyReread(_ result: Result<SharedSecret, GRPCError>, for id: UInt64, _ error: GRPCError) {
    guard let pending = calls[id] else { return }
    if case .success(let fresh) = result, pending.authorization.map({ !$0.matches(fresh) }) ?? true {
      authorization = fresh
      calls[id]?.place = .waiting
      queue.putBack(id, isLongPoll: pending.call.isLongPoll)
      connectIfNeeded()
      dispatch()
      publish()
    } else {
      settle(id, .failure(error))
    }
  }

  /// Reads the key file on a thread of its own. False: the system gave no thread.
  func offloadKeyReading(
    _ file: SecretFile, then body: @escaping (Result<SharedSecret, GRPCError>) -> Void
  ) -> Bool {
    do throws(EventLoopError) {
      try loop.offload("api-key") { () -> Result<SharedSecret, GRPCError> in
        BearerKey.read(file)
      } then: {
        body($0)
      }
      return true
    } catch {
      return false
    }
  }
}
