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
    guard let number = plan.current, let slot = slots[number] else { return }
    let connection = slot.connection
    guard !connection.isWornOut else { return drain(number, .noError, "its streams are used up") }
    while connection.acceptsRequests,
      let id = queue.next(free: connection.freeStreams, credit: connection.streamCredit)
    {
      send(id, on: number)
    }
  }

  /// Puts a call on a stream of a connection.
  func send(_ id: UInt64, on number: Int) {
    guard let pending = calls[id], let connection = slots[number]?.connection,
      let timeout = GRPCTimeout.text(pending.deadline - .now())
    else { return }
    let request = fields.fields(for: pending.call, timeout: timeout, authorization: pending.authorization)
    do throws(HTTP2Error) {
      let stream = try connection.submit(request, body: MessageFrame.body(of: pending.call))
      slots[number]?.calls[stream] = id
      calls[id]?.place = .stream(connection: number, stream: stream)
      calls[id]?.response = UnaryResponse(limit: configuration.limits.responseBytes)
      calls[id]?.attempts += 1
    } catch {
      settle(
        id,
        .failure(
          GRPCError(.unavailable, "the call was not sent", mayHaveReachedServer: false, cause: error.message)))
    }
  }

  /// A call was given up at its deadline. A connection on which this is all that happens is replaced.
  func deadlinePassed(on number: Int) {
    guard slots[number]?.deadlines.passed() == true, plan.role(of: number) == .current else { return }
    logger.warning(
      "scheduler answers pings but no calls: replacing the connection",
      metadata: ["deadlines": "\(DeadlineStreak.limit)"])
    drain(number, .noError, "it answers no calls")
  }

  /// Something happened on a connection or one of its streams.
  func handle(_ event: HTTP2Event, on number: Int) {
    switch event {
    case .response(let stream, let fields):
      slots[number]?.deadlines.progressed()
      if let id = slots[number]?.calls[stream] { calls[id]?.response.response(fields) }
    case .data(let stream, let bytes):
      slots[number]?.connection.consume(stream, bytes.count)
      guard let id = slots[number]?.calls[stream], let outcome = calls[id]?.response.data(bytes) else { return }
      release(stream, number, .cancel)
      settle(id, outcome)
    case .trailers(let stream, let fields):
      if let id = slots[number]?.calls[stream] { calls[id]?.response.trailers(fields) }
    case .end(let stream):
      guard let id = slots[number]?.calls[stream], let outcome = calls[id]?.response.end() else { return }
      if let pending = calls[id], let hear = pending.call.onMetadata { hear(pending.response.metadata) }
      // A server that answers before it has read the whole request wants no more of it.
      release(stream, number, .noError)
      answered(id, outcome, number)
    case .closed(let stream, let closure): streamClosed(stream, closure, number)
    case .ready: connectionReady(number)
    case .goAway(_, let code, let debug): drain(number, code, debug, pingsTooMany: event.isTooManyPings)
    // The peer may admit more streams now.
    case .settingsChanged: dispatch()
    case .settingsAcknowledged, .pong: break
    }
  }

  private func release(_ stream: Int32, _ number: Int, _ code: HTTP2ErrorCode) {
    slots[number]?.calls[stream] = nil
    slots[number]?.connection.reset(stream, code)
  }

  private func answered(_ id: UInt64, _ outcome: Result<[UInt8], GRPCError>, _ number: Int) {
    plan.answered(number, at: .now())
    working.lastAnswer = .now()
    // The answer on a trial's connection says nothing about the one in use.
    if trial?.connection == number { return settle(id, outcome) }
    if case .failure(let error) = outcome, error.code == .unauthenticated {
      working.lastError = error.description
      // A gateway may have finished the handshake and refuse the certificate only now.
      rotation.activeRefused(at: .now())
    } else {
      working.lastError = nil
    }
    settle(id, outcome)
  }

  private func streamClosed(_ stream: Int32, _ closure: HTTP2StreamClosure, _ number: Int) {
    defer {
      dispatch()
      closeIdleSlots()
    }
    guard let id = slots[number]?.calls.removeValue(forKey: stream) else { return }
    let isPastDeadline = calls[id].map { $0.deadline <= .now() } ?? false
    let error = StreamEnd.error(closure, isPastDeadline: isPastDeadline)
    if error.mayHaveReachedServer || trial?.connection == number || !putBack(id) { settle(id, .failure(error)) }
  }

  /// Puts a call that surely did not reach the server back into the queue. False: it has been tried often enough.
  func putBack(_ id: UInt64) -> Bool {
    guard let pending = calls[id], pending.attempts < Self.attemptLimit, !isShutDown else { return false }
    calls[id]?.place = .waiting
    queue.putBack(id, isLongPoll: pending.call.isLongPoll)
    advance()
    return true
  }
}
