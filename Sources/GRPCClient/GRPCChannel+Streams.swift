internal import EventLoop
internal import HTTP2Client
internal import Logging
internal import Secrets

/// What is known of long polls that wait for a stream. Lives on the loop's thread.
struct StreamShortage {
  /// Since when some have waited.
  var since: MonotonicTime?
  /// When that is looked at again.
  var timer: TimerKey?

  /// The least credit under which so many polls can be open at once.
  static func needed(polls: Int) -> Int { polls + max(2, (polls + 3) / 4) }
}

/// Putting calls on streams, and what comes back.
extension GRPCChannel {
  /// How often a call may be put on a stream when none of the former ones reached the server.
  private static let attemptLimit = 5

  /// Sends waiting calls as far as the connections admit them.
  func dispatch() {
    if let number = plan.takers.first(where: { slots[$0]?.connection.isWornOut == true }) {
      return drain(number, .noError, "its streams are used up")
    }
    while let number = takers.first(where: { freeStreams(of: $0) > 0 }) {
      let free = takers.reduce(0) { $0 + freeStreams(of: $1) }
      guard let id = queue.next(free: free, credit: credit) else { break }
      send(id, on: number)
    }
    seeToPolls()
  }

  /// The connections on which a request would be sent now.
  private var takers: [Int] { plan.takers.filter { slots[$0]?.connection.acceptsRequests == true } }

  private func freeStreams(of number: Int) -> Int { slots[number]?.connection.freeStreams ?? 0 }

  /// How many streams the server admits at once on all connections that take calls.
  private var credit: Int { takers.reduce(0) { $0 + (slots[$1]?.connection.streamCredit ?? 0) } }

  // MARK: More polls than streams

  /// Long polls that wait for a stream for some time get another connection, as far as there may be one; where there may not,
  /// they take turns, and that is told with what would mend it.
  private func seeToPolls() {
    guard !isShutDown, queue.waitingPolls > 0, let current = plan.current, takers.contains(current) else {
      shortage.since = nil
      if queue.waitingPolls == 0, working.streamShortage != nil {
        working.streamShortage = nil
        publish()
      }
      return
    }
    let now = MonotonicTime.now()
    let since = shortage.since ?? now
    shortage.since = since
    let due = since + configuration.reconnect.pollPatience
    guard now >= due else { return lookAtPolls(at: due) }
    // A server that admits none at all admits none on another connection either.
    guard slots[current]?.connection.streamCredit ?? 0 > 0 else { return }
    switch plan.stepCompanion(at: now, limit: configuration.connectionLimit) {
    case .dial(let number):
      tellOfShortage(isMended: true)
      open(number, with: credential)
    case .wait(let moment): lookAtPolls(at: moment)
    case .none: if plan.takers.count >= configuration.connectionLimit { tellOfShortage(isMended: false) }
    }
  }

  private func lookAtPolls(at moment: MonotonicTime) {
    guard shortage.timer == nil else { return }
    shortage.timer = loop.setTimer(at: moment) { [weak self] in
      self?.assumeIsolated { channel in
        channel.shortage.timer = nil
        channel.dispatch()
      }
    }
  }

  private func tellOfShortage(isMended: Bool) {
    let open = plan.takers.reduce(0) { $0 + (slots[$1]?.calls.count ?? 0) }
    let reserve = CallQueue.reserve(of: credit)
    let needed = StreamShortage.needed(polls: open + queue.waitingPolls)
    let fields: Logger.Metadata = [
      "streams_admitted": "\(credit)", "kept_for_other_calls": "\(reserve)", "streams_needed": "\(needed)",
      "polls_waiting": "\(queue.waitingPolls)", "connections": "\(plan.takers.count)",
    ]
    guard !isMended else {
      return logger.notice(
        "scheduler admits too few streams for the polls: another connection is made", metadata: fields)
    }
    guard working.streamShortage == nil else { return }
    let text =
      "the scheduler's side admits \(credit) streams on \(plan.takers.count) connections, \(reserve) of which are kept for "
      + "other calls, and \(needed) are needed: \(queue.waitingPolls) polls take turns; raise its limit of concurrent "
      + "streams, or SALLYPORT_SCHEDULER_CONNECTIONS"
    working.streamShortage = text
    logger.warning("polls take turns for want of streams", metadata: fields.merging(["advice": "\(text)"]) { $1 })
    publish()
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
