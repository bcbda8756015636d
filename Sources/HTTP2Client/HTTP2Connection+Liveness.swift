internal import EventLoop

/// Whether the peer lives and moves: pings, deadlines of frames and writes, and how wide the windows should be.
extension HTTP2Connection {
  /// Takes note of what the session reports, before the owner hears of it.
  func note(_ event: HTTP2Event) {
    switch event {
    case .ready: becameReady()
    case .settingsAcknowledged: settingsAcknowledged()
    case .data(_, let bytes): if estimator.received(bytes.count, at: .now()) { sendPing() }
    case .pong: pingAnswered()
    case .goAway(_, let code, _): metrics.goAway(code)
    case .closed(_, let closure): metrics.streamClosed(closure.result)
    case .response, .trailers, .end, .settingsChanged: break
    }
  }

  // MARK: SETTINGS

  /// SETTINGS of ours are on their way: the peer must acknowledge them in time.
  func awaitAcknowledgement() {
    guard acknowledgementTimer == nil else { return }
    acknowledgementTimer = loop.setTimer(at: .now() + options.timing.settingsAcknowledgement) { [weak self] in
      self?.fail(HTTP2Error(.silent, "the server did not acknowledge the HTTP/2 SETTINGS in time"))
    }
  }

  /// The peer has acknowledged our SETTINGS.
  func settingsAcknowledged() {
    if let acknowledgementTimer { loop.cancelTimer(acknowledgementTimer) }
    acknowledgementTimer = nil
  }

  // MARK: Pings

  /// Sets the timer for keepalive's next step.
  func scheduleKeepalive() {
    guard let keepalive else { return }
    restartTimer(at: keepalive.deadline(notBefore: pacer.earliest)) { [weak self] in self?.keepaliveDue() }
  }

  private func keepaliveDue() {
    timer = nil
    switch keepalive?.tick(at: .now(), notBefore: pacer.earliest) {
    case .ping: sendPing()
    case .dead: return fail(HTTP2Error(.silent, "the server did not answer a PING in time"))
    case nil, .some(.none): break
    }
    if stage == .open { scheduleKeepalive() }
  }

  /// Sends a PING if the allowance admits one; it serves liveness and measuring alike.
  private func sendPing() {
    let now = MonotonicTime.now()
    guard stage == .open, let session, pacer.take(at: now) else { return }
    session.ping()
    estimator.pingSent(at: now)
    pumpSoon()
  }

  private func pingAnswered() {
    let now = MonotonicTime.now()
    if let duration = pacer.answered(at: now) {
      roundTrip = duration
      metrics.pingAnswered(after: duration)
    }
    guard stage == .open else { return }
    // The timer stood at the end of the wait for this answer.
    scheduleKeepalive()
    guard let wider = estimator.pingAnswered(at: now) else { return }
    let connection = min(2 * wider, Int(options.limits.largestConnectionWindow))
    session?.widen(stream: wider, connection: max(connection, Int(options.limits.connectionWindow)))
    awaitAcknowledgement()
    pumpSoon()
  }

  // MARK: Progress

  /// This many bytes were taken in: has a frame, or a TLS record, begun without an end?
  func watchInput(_ count: Int) {
    let since = [records.unfinishedSince, session?.unfinishedSince].compactMap { $0 }.min()
    progress.received(count, unfinishedSince: since, at: .now())
    if since != nil { scheduleProgress() }
  }

  /// The peer takes no bytes now.
  func watchBlockedWrite() {
    progress.blocked(at: .now())
    scheduleProgress()
  }

  private func scheduleProgress() {
    guard progressTimer == nil, stage == .open, let deadline = progress.deadline else { return }
    progressTimer = loop.setTimer(at: deadline) { [weak self] in self?.progressDue() }
  }

  private func progressDue() {
    progressTimer = nil
    switch progress.fault(at: .now()) {
    case .unfinishedFrame:
      fail(HTTP2Error(.silent, "the server began a frame and did not finish it in time"))
    case .crawlingFrames:
      fail(HTTP2Error(.silent, "the server sends so slowly that the connection is of no use"))
    case .blockedWrite:
      fail(HTTP2Error(.silent, "the server took nothing of what was sent to it in time"))
    case nil: scheduleProgress()
    }
  }

  /// Counts the uploads that wait for the peer's window.
  func noteStalls() {
    guard let stalls = session?.takeStalls() else { return }
    metrics.stalled(streams: stalls.streams, connection: stalls.connection)
  }

  /// Replaces the timer of the present stage.
  func restartTimer(at deadline: MonotonicTime, _ body: @escaping () -> Void) {
    if let timer { loop.cancelTimer(timer) }
    timer = loop.setTimer(at: deadline, body)
  }
}

extension HTTP2StreamClosure {
  /// What to count the stream as.
  fileprivate var result: HTTP2Metrics.StreamResult {
    if isUnprocessed { return .refused }
    if isResetByPeer && code != .noError { return .resetByServer }
    return code == .noError ? .completed : .resetByClient
  }
}
