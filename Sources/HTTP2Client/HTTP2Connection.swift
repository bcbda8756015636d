package import EventLoop
package import Logging
package import TLSClient

/// How to make one connection.
package struct HTTP2ConnectionOptions: Sendable {
  /// Whom to dial; the timeout covers resolving, connecting, TLS and the server's first SETTINGS.
  package var target: Dial.Target
  /// How to secure it; nil: plaintext.
  package var tls: TLSConfiguration?
  /// Silence after which a PING is sent.
  package var keepaliveInterval: Duration = .seconds(30)
  /// How long the answer to a PING may take.
  package var keepaliveTimeout: Duration = .seconds(15)
  /// By how much the interval is stretched because the server called former pings too many; see
  /// `HTTP2Event.isTooManyPings`.
  package var keepaliveFactor = 1
  /// The other times the connection keeps.
  package var timing = HTTP2Timing()
  /// Bounds and windows.
  package var limits = HTTP2Limits()

  package init(target: Dial.Target, tls: TLSConfiguration?) {
    self.target = target
    self.tls = tls
  }
}

/// One connection from dialing to the last byte: socket, TLS session and HTTP/2 session tied together.
///
/// Lives on the event loop's thread and is used there only. It reports what happens by `onEvent`, last of all exactly
/// one `.closed`; after that it does nothing more.
package final class HTTP2Connection {
  /// What a connection reports.
  package enum Event: Sendable {
    /// Something on a stream, or a GOAWAY, or the peer's readiness.
    case session(HTTP2Event)
    /// The connection is over. Streams that were open: those in `unsent` never left this machine.
    case closed(HTTP2Error, unsent: Set<Int32>)
  }

  /// How far the connection has come.
  enum Stage { case idle, preparing, dialing, securing, open, closing, closed }

  /// Bytes that may wait for the socket before encryption and framing pause.
  static let stagingLimit = 256 << 10
  /// Bytes read from the socket before other descriptors get their turn.
  static let bytesPerTurn = 1 << 20

  /// How the connection is made and kept.
  let options: HTTP2ConnectionOptions
  /// The loop on whose thread everything happens.
  let loop: EventLoop
  private let logger: Logger
  /// What is counted.
  var metrics = HTTP2Metrics()
  /// Where events go; nil once `.closed` has been reported.
  var onEvent: ((Event) -> Void)?
  /// How far the connection has come.
  var stage = Stage.idle
  private var context: TLSContext?
  private var dial: Dial?
  /// The socket, from the dial's success to the end.
  var socket: StreamSocket?
  /// The TLS session; nil in plaintext.
  var tls: TLSSession?
  /// The HTTP/2 session, from the dial's success to the end.
  var session: HTTP2Session?
  /// Liveness, once the peer has greeted.
  var keepalive: Keepalive?
  /// The one allowance for our pings.
  var pacer: PingPacer
  /// How wide the windows should be.
  var estimator: BandwidthEstimator
  /// Notices what hangs.
  var progress: ProgressWatch
  /// Follows the TLS records of the peer; plaintext is followed by the session alone.
  var records = FrameBoundary(.tls)
  /// Set for as long as something is under way that must come to its end in time.
  var progressTimer: TimerKey?
  /// The timer of the present stage: of the setup, of keepalive, or of the farewell.
  var timer: TimerKey?
  /// Set while an acknowledgement of our SETTINGS is due.
  var acknowledgementTimer: TimerKey?
  /// How long the latest PING took to be answered; nil before the first.
  package internal(set) var roundTrip: Duration?
  /// Bytes on their way to the socket, from `stagedOffset` on.
  var staged: [UInt8] = []
  /// How much of `staged` has been sent.
  var stagedOffset = 0
  /// What the socket is watched for.
  var interest: Readiness = .readable
  /// Guards against pumping from within pumping.
  var isPumping = false
  /// Whether a pump is due in this turn already.
  var needsPump = false
  /// Where the socket is read into.
  var inputBuffer = [UInt8](repeating: 0, count: 64 << 10)
  /// When the other side was last heard; the start of the object while it has not been.
  package internal(set) var lastReceived = MonotonicTime.now()
  /// Bytes received and sent on the socket so far.
  package internal(set) var bytesReceived = 0, bytesSent = 0

  /// Prepares a connection; nothing happens before `start`.
  ///
  /// - Parameter context: policy, trust and identity that were built before; nil: they are built from the files anew.
  package init(
    options: HTTP2ConnectionOptions, context: TLSContext? = nil, on loop: EventLoop, logger: Logger,
    onEvent: @escaping (Event) -> Void
  ) {
    self.options = options
    self.context = context
    self.loop = loop
    self.logger = logger
    self.onEvent = onEvent
    pacer = PingPacer(spacing: options.timing.pingSpacing)
    estimator = BandwidthEstimator(
      window: Int(options.limits.streamWindow), largest: Int(options.limits.largestStreamWindow))
    progress = ProgressWatch(timing: options.timing)
  }

  // MARK: What the owner does

  /// Begins: reads the TLS files, then dials. Reports failures as `.closed`, never before it has returned.
  package func start() {
    guard stage == .idle else { return }
    stage = .preparing
    timer = loop.setTimer(at: .now() + options.target.timeout) { [weak self] in self?.setupTimedOut() }
    guard let tls = options.tls, context == nil else { return startDialing() }
    do throws(EventLoopError) {
      try loop.offload("tls-files") { () -> Result<TLSContext, TLSError> in
        Result { () throws(TLSError) in try TLSContext.load(tls) }
      } then: { [weak self] result in
        self?.contextLoaded(result)
      }
    } catch {
      loop.setTimer(at: .now()) { [weak self] in self?.fail(HTTP2Error(.exhausted, error.message)) }
    }
  }

  /// Whether a request submitted now would be sent.
  package var acceptsRequests: Bool { stage == .open && session?.acceptsRequests ?? false }

  /// How many more streams the peer admits now.
  package var freeStreams: Int { session.map { max(0, $0.streamCredit - $0.openStreams) } ?? 0 }

  /// How many streams the peer admits at once.
  package var streamCredit: Int { session?.streamCredit ?? 0 }

  /// How many streams are open.
  package var openStreams: Int { session?.openStreams ?? 0 }

  /// Whether this connection has carried so many streams that another should take over.
  package var isWornOut: Bool { session?.isWornOut ?? false }

  /// Sends a request with its whole body.
  ///
  /// - Returns: the stream's number.
  package func submit(_ fields: [HTTP2Field], body: [UInt8]) throws(HTTP2Error) -> Int32 {
    guard let session, stage == .open else { throw HTTP2Error(.exhausted, "the connection takes no more requests") }
    let stream = try session.submit(fields, body: body)
    metrics.streamOpened()
    pumpSoon()
    return stream
  }

  /// Resets a stream; it is reported closed later.
  package func reset(_ stream: Int32, _ code: HTTP2ErrorCode) {
    session?.reset(stream, code)
    pumpSoon()
  }

  /// Opens the window again for body bytes that have been taken up.
  package func consume(_ stream: Int32, _ count: Int) {
    session?.consume(stream, count)
    pumpSoon()
  }

  /// Ends the connection in order: resets what is open, GOAWAY, TLS farewell, then waits up to a second for the peer.
  package func close() {
    guard stage != .closing else { return }
    guard stage == .open, let session else {
      return fail(HTTP2Error(.connectionLost, "the connection was closed by this side"))
    }
    for (stream, _) in session.abandonedStreams { session.reset(stream, .cancel) }
    // Once the farewell has begun the library drops every reset that it still holds.
    try? stageResets(of: session)
    stage = .closing
    session.terminate(.noError)
    restartTimer(at: .now() + options.timing.farewell) { [weak self] in self?.farewellEnded() }
    pump()
    tls?.close()
    stageCiphertext()
    if sendStaged() { socket?.finishSending() }
  }

  /// Ends the connection now, without waiting for the peer.
  package func abort() { fail(HTTP2Error(.connectionLost, "the connection was given up by this side")) }

  // MARK: Setting up

  private func contextLoaded(_ result: Result<TLSContext, TLSError>) {
    guard stage == .preparing else { return }
    do throws(TLSError) {
      context = try result.get()
      startDialing()
    } catch {
      fail(HTTP2Error(error.isLocal ? .localConfiguration : .exhausted, error.message))
    }
  }

  private func startDialing() {
    stage = .dialing
    let dial = Dial(options.target, on: loop) { [weak self] result in self?.dialed(result) }
    self.dial = dial
    dial.start()
  }

  private func dialed(_ result: Result<StreamSocket, EventLoopError>) {
    dial = nil
    guard stage == .dialing else { return }
    do {
      let socket = try result.get()
      self.socket = socket
      session = try HTTP2Session(limits: options.limits)
      tls = try context.map { (context) throws(TLSError) in
        try TLSSession(context: context, host: socket.name)
      }
      stage = tls == nil ? .open : .securing
      try loop.watch(socket.descriptor, for: .readable) { [weak self] readiness in self?.socketReady(readiness) }
      if socket.hasBuffered { loop.setTimer(at: .now()) { [weak self] in self?.readSocket() } }
      pump()
    } catch let error as EventLoopError {
      fail(
        HTTP2Error(
          error.isTransient ? .unreachable : .localConfiguration,
          "no connection to \(options.target.host):\(options.target.port): \(error.message)"))
    } catch {
      fail(HTTP2Error(.localConfiguration, "\(error)"))
    }
  }

  private func setupTimedOut() {
    timer = nil
    // The dial knows what it waits for, and reports it as its end.
    if let dial { return dial.expire() }
    let seconds = options.target.timeout.clampedNanoseconds / 1_000_000_000
    let phase =
      switch stage {
      case .preparing: "the TLS files were not read"
      case .securing: "the TLS handshake was not finished"
      default: "the server sent no HTTP/2 SETTINGS"
      }
    fail(HTTP2Error(.silent, "\(options.target.host):\(options.target.port): \(phase) within \(seconds) s"))
  }

  /// The peer has greeted: calls may go, liveness is watched.
  func becameReady() {
    keepalive = Keepalive(
      interval: options.keepaliveInterval, timeout: options.keepaliveTimeout, factor: options.keepaliveFactor,
      floor: options.timing.pingSpacing, now: .now())
    scheduleKeepalive()
    awaitAcknowledgement()
    logger.debug("connection ready", metadata: ["tls": "\(tls?.summary ?? "none")"])
  }

  // MARK: The end

  /// The farewell is over: the peer has closed, or its time has passed.
  func farewellEnded() {
    fail(HTTP2Error(.connectionLost, "the connection was closed by this side"))
  }

  /// Ends everything and reports it; the first call counts.
  func fail(_ error: HTTP2Error) {
    guard stage != .closed else { return }
    let waiting = streams(sent: false)
    // A gateway may keep a request alive whose stream was not reset, and with it a poll that swallows the next task.
    if stage == .open, let session, session.fatalError == nil {
      for (stream, _) in session.abandonedStreams { session.reset(stream, .cancel) }
    }
    // A last word (a TLS alert, a GOAWAY) helps the other side's operator; nobody waits for it to arrive.
    if stage == .securing || stage == .open { try? fillStaging() }
    sendStaged()
    stage = .closed
    for timer in [timer, acknowledgementTimer, progressTimer].compactMap({ $0 }) { loop.cancelTimer(timer) }
    (timer, acknowledgementTimer, progressTimer) = (nil, nil, nil)
    dial?.cancel()
    dial = nil
    if let socket {
      loop.unwatch(socket.descriptor)
      socket.close()
    }
    let unsent = waiting.subtracting(streams(sent: true))
    for _ in 0..<lostStreams() { metrics.streamClosed(.lost) }
    if let kind = session?.flood { metrics.flooded(kind) }
    (socket, tls, session, keepalive) = (nil, nil, nil, nil)
    staged = []
    let onEvent = onEvent
    self.onEvent = nil
    onEvent?(.closed(error, unsent: unsent))
  }

  /// Streams that end with the connection: those still open, and those whose end the owner will not hear of any more.
  private func lostStreams() -> Int {
    guard let session else { return 0 }
    let unheard = session.takeEvents().count { if case .closed = $0 { true } else { false } }
    return unheard + session.abandonedStreams.count
  }

  /// The open streams whose request has, or has not, been put into the output.
  private func streams(sent: Bool) -> Set<Int32> {
    Set((session?.abandonedStreams ?? []).filter { $0.isSent == sent }.map(\.stream))
  }
}
