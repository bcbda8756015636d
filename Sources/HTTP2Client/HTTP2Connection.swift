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
  /// Bounds and windows.
  package var limits = HTTP2Limits()

  package init(target: Dial.Target, tls: TLSConfiguration?) {
    self.target = target
    self.tls = tls
  }
}

/// One connection from dialing to the last byte: socket, TLS session and HTTP/2 session tied together.
///
/// Lives on the event loop's thread and is used there only. It reports what happens by `onEvent`, last of all exactly one
/// `.closed`; after that it does nothing more.
package final class HTTP2Connection {
  /// What a connection reports.
  package enum Event: Sendable {
    /// Something on a stream, or a GOAWAY, or the peer's readiness.
    case session(HTTP2Event)
    /// The connection is over. Streams that were open: those in `unsent` never left this machine.
    case closed(HTTP2Error, unsent: Set<Int32>)
  }

  private enum Stage { case idle, preparing, dialing, securing, open, closing, closed }

  /// Bytes that may wait for the socket before encryption and framing pause.
  private static let stagingLimit = 256 << 10
  /// Bytes read from the socket before other descriptors get their turn.
  private static let bytesPerTurn = 1 << 20
  /// How long the farewell may take.
  private static let closingTime: Duration = .seconds(1)

  private let options: HTTP2ConnectionOptions
  private let loop: EventLoop
  private let logger: Logger
  private var onEvent: ((Event) -> Void)?
  private var stage = Stage.idle
  private var context: TLSContext?
  private var dial: Dial?
  private var socket: StreamSocket?
  private var tls: TLSSession?
  private var session: HTTP2Session?
  private var keepalive: Keepalive?
  private var timer: TimerKey?
  private var staged: [UInt8] = []
  private var stagedOffset = 0
  private var interest: Readiness = .readable
  private var isPumping = false
  private var needsPump = false
  private var inputBuffer = [UInt8](repeating: 0, count: 64 << 10)
  /// Bytes received and sent on the socket so far.
  package private(set) var bytesReceived = 0, bytesSent = 0

  /// Prepares a connection; nothing happens before `start`.
  package init(
    options: HTTP2ConnectionOptions, on loop: EventLoop, logger: Logger, onEvent: @escaping (Event) -> Void
  ) {
    self.options = options
    self.loop = loop
    self.logger = logger
    self.onEvent = onEvent
  }

  // MARK: What the owner does

  /// Begins: reads the TLS files, then dials. Reports failures as `.closed`, never before it has returned.
  package func start() {
    guard stage == .idle else { return }
    stage = .preparing
    timer = loop.setTimer(at: .now() + options.target.timeout) { [weak self] in self?.setupTimedOut() }
    guard let tls = options.tls else { return startDialing() }
    do throws(EventLoopError) {
      try loop.offload("tls-files") { () -> Result<TLSMaterial, TLSError> in
        Result { () throws(TLSError) in try TLSMaterial.read(tls) }
      } then: { [weak self] result in
        self?.materialRead(result)
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
    stage = .closing
    for (stream, _) in session.abandonedStreams { session.reset(stream, .cancel) }
    session.terminate(.noError)
    restartTimer(at: .now() + Self.closingTime) { [weak self] in self?.farewellEnded() }
    pump()
    tls?.close()
    stageCiphertext()
    if sendStaged() { socket?.finishSending() }
  }

  // MARK: Setting up

  private func materialRead(_ result: Result<TLSMaterial, TLSError>) {
    guard stage == .preparing else { return }
    do throws(TLSError) {
      context = try TLSContext.make(from: result.get())
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
        try TLSSession(context: context, host: options.target.host)
      }
      stage = tls == nil ? .open : .securing
      try loop.watch(socket.descriptor, for: .readable) { [weak self] readiness in self?.socketReady(readiness) }
      pump()
    } catch let error as EventLoopError {
      fail(HTTP2Error(.unreachable, "no connection to \(options.target.host):\(options.target.port): \(error.message)"))
    } catch {
      fail(HTTP2Error(.localConfiguration, "\(error)"))
    }
  }

  private func setupTimedOut() {
    timer = nil
    let seconds = options.target.timeout.clampedNanoseconds / 1_000_000_000
    let phase =
      switch stage {
      case .preparing: "the TLS files were not read"
      case .dialing: "no connection was made"
      case .securing: "the TLS handshake was not finished"
      default: "the server sent no HTTP/2 SETTINGS"
      }
    fail(HTTP2Error(.silent, "\(options.target.host):\(options.target.port): \(phase) within \(seconds) s"))
  }

  private func becameReady() {
    keepalive = Keepalive(
      interval: options.keepaliveInterval, timeout: options.keepaliveTimeout, now: .now())
    scheduleKeepalive()
    logger.debug("connection ready", metadata: ["tls": "\(tls?.summary ?? "none")"])
  }

  // MARK: Keepalive

  private func scheduleKeepalive() {
    guard let keepalive else { return }
    restartTimer(at: keepalive.deadline) { [weak self] in self?.keepaliveDue() }
  }

  private func keepaliveDue() {
    timer = nil
    switch keepalive?.tick(at: .now()) {
    case .ping:
      session?.ping()
      pump()
    case .dead: return fail(HTTP2Error(.silent, "the server did not answer a PING in time"))
    case nil, .some(.none): break
    }
    if stage == .open { scheduleKeepalive() }
  }

  private func restartTimer(at deadline: MonotonicTime, _ body: @escaping () -> Void) {
    if let timer { loop.cancelTimer(timer) }
    timer = loop.setTimer(at: deadline, body)
  }

  // MARK: Bytes

  private func socketReady(_ readiness: Readiness) {
    if readiness.contains(.writable) { pump() }
    if readiness.contains(.readable) { readSocket() }
  }

  private func readSocket() {
    var total = 0
    while total < Self.bytesPerTurn, let socket, stage != .closed {
      let transfer = unsafe inputBuffer.withUnsafeMutableBytes { unsafe socket.receive(into: $0) }
      switch transfer {
      case .moved(let count):
        total += count
        bytesReceived += count
        keepalive?.received(at: .now())
        guard take(count) else { return }
      case .wouldBlock: return pump()
      case .ended: return inputEnded(nil)
      case .failed(let number): return inputEnded(number)
      }
    }
    pump()
  }

  /// Passes on what is in the input buffer. False: the connection is over.
  private func take(_ count: Int) -> Bool {
    do {
      if let tls {
        tls.receive(inputBuffer[..<count])
        try takePlaintext(of: tls)
      } else {
        try session?.receive(inputBuffer[..<count], at: .now())
      }
    } catch let error as TLSError {
      deliverEvents()
      fail(HTTP2Error(error.isRefusal ? .refusedByTLS : .connectionLost, error.message))
      return false
    } catch {
      deliverEvents()
      fail(error as? HTTP2Error ?? HTTP2Error(.connectionLost, "\(error)"))
      return false
    }
    deliverEvents()
    return stage != .closed
  }

  private func takePlaintext(of tls: TLSSession) throws {
    if stage == .securing {
      guard try tls.handshake() else { return }
      stage = .open
    }
    while true {
      switch try tls.read() {
      case .bytes(let bytes): try session?.receive(bytes[...], at: .now())
      case .wouldBlock, .ended: return
      }
    }
  }

  private func inputEnded(_ number: Int32?) {
    guard stage != .closing else { return farewellEnded() }
    let how = number.map { SystemErrorText.describe($0) } ?? "the server closed it"
    let text =
      switch stage {
      case .securing: "the server closed the connection during the TLS handshake (\(how))"
      case .open where session?.isReady != true:
        "the server closed the connection before it spoke HTTP/2 (\(how)); is TLS expected on this port?"
      default: "the connection was lost: \(how)"
      }
    fail(HTTP2Error(.connectionLost, text))
  }

  private func deliverEvents() {
    guard let session else { return }
    for event in session.takeEvents() {
      if case .ready = event { becameReady() }
      onEvent?(.session(event))
      if stage == .closed { return }
    }
  }

  /// Lets what several calls in one turn produce go out together.
  private func pumpSoon() {
    guard !needsPump, stage == .open || stage == .closing else { return }
    needsPump = true
    loop.setTimer(at: .now()) { [weak self] in
      self?.needsPump = false
      self?.pump()
    }
  }

  /// Moves bytes outwards as far as the socket takes them.
  private func pump() {
    guard !isPumping, stage == .securing || stage == .open || stage == .closing else { return }
    isPumping = true
    defer { isPumping = false }
    do {
      repeat { try fillStaging() } while stagedCount > 0 && sendStaged()
    } catch let error as TLSError {
      return fail(HTTP2Error(error.isRefusal ? .refusedByTLS : .connectionLost, error.message))
    } catch {
      return fail(error as? HTTP2Error ?? HTTP2Error(.connectionLost, "\(error)"))
    }
    deliverEvents()
    if let error = session?.fatalError, stagedCount == 0 { return fail(error) }
    if stage == .open, session?.isFinished == true, stagedCount == 0 {
      fail(HTTP2Error(.closedByPeer, "the server drained the connection"))
    }
  }

  private var stagedCount: Int { staged.count - stagedOffset }

  private func fillStaging() throws {
    if let tls, stage == .securing, try tls.handshake() { stage = .open }
    if let session, stage != .securing, stagedCount < Self.stagingLimit {
      let output = try session.takeOutput(limit: Self.stagingLimit)
      if let tls {
        try tls.write(output)
      } else {
        staged.append(contentsOf: output)
      }
    }
    stageCiphertext()
  }

  private func stageCiphertext() {
    if let tls, tls.ciphertextCount > 0 { staged.append(contentsOf: tls.takeCiphertext()) }
  }

  /// Sends what is staged. True: all of it went out.
  @discardableResult
  private func sendStaged() -> Bool {
    guard let socket else { return false }
    while stagedCount > 0 {
      let transfer = unsafe staged.withUnsafeBytes {
        unsafe socket.send(UnsafeRawBufferPointer(rebasing: $0[stagedOffset...]))
      }
      switch transfer {
      case .moved(let count):
        stagedOffset += count
        bytesSent += count
      case .wouldBlock:
        watch([.readable, .writable])
        return false
      case .ended, .failed:
        // What the peer said before it closed (a TLS alert, as a rule) is still to be read and tells why.
        staged = []
        stagedOffset = 0
        loop.setTimer(at: .now()) { [weak self] in self?.readSocket() }
        return false
      }
    }
    staged.removeAll(keepingCapacity: staged.capacity <= Self.stagingLimit)
    stagedOffset = 0
    watch(.readable)
    return true
  }

  private func watch(_ readiness: Readiness) {
    guard readiness != interest, let socket else { return }
    interest = readiness
    try? loop.rewatch(socket.descriptor, for: readiness)
  }

  // MARK: The end

  private func farewellEnded() {
    fail(HTTP2Error(.connectionLost, "the connection was closed by this side"))
  }

  private func fail(_ error: HTTP2Error) {
    guard stage != .closed else { return }
    // A last word (a TLS alert, a GOAWAY) helps the other side's operator; nobody waits for it to arrive.
    if stage == .securing || stage == .open { try? fillStaging() }
    sendStaged()
    stage = .closed
    if let timer { loop.cancelTimer(timer) }
    timer = nil
    dial?.cancel()
    dial = nil
    if let socket {
      loop.unwatch(socket.descriptor)
      socket.close()
    }
    let unsent = Set((session?.abandonedStreams ?? []).filter { !$0.isSent }.map(\.stream))
    (socket, tls, session, keepalive) = (nil, nil, nil, nil)
    staged = []
    let onEvent = onEvent
    self.onEvent = nil
    onEvent?(.closed(error, unsent: unsent))
  }
}
