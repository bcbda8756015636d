package import EventLoop
package import TLSClient

/// Makes one connection as `HTTP2Connection` does, step by step, and tells what it saw at each: for those who ask why there
/// is none. No call is made on it, and it is closed at once.
///
/// Lives on the event loop's thread. The object must be kept by its owner until the completion.
package final class ConnectionProbe {
  /// What was seen. Of the failures at most one is set; what lies behind it was not tried.
  package struct Outcome: Sendable {
    /// The address that was connected to.
    package var peer: String?
    /// Why no address could be connected to.
    package var dialFailure: EventLoopError?
    /// The handshake's result; nil in plaintext, or when there was none.
    package var tls: TLSReport?
    /// Why the handshake failed, or what the server said of our certificate right after it.
    package var tlsFailure: TLSError?
    /// What the peer announced.
    package var settings: PeerSettings?
    /// Why there is no HTTP/2.
    package var http2Failure: HTTP2Error?
    /// Time from the start to the TCP connection, to the end of the handshake, and to the peer's SETTINGS.
    package var connectTime: Duration?, handshakeTime: Duration?, settingsTime: Duration?
  }

  private let target: Dial.Target
  private let configuration: TLSConfiguration?
  private let loop: EventLoop
  private var completion: ((Outcome) -> Void)?
  private var outcome = Outcome()
  private let begun = MonotonicTime.now()
  private var timer: TimerKey?
  private var context: TLSContext?
  private var dial: Dial?
  private var socket: StreamSocket?
  private var tls: TLSSession?
  private var session: HTTP2Session?
  private var staged: [UInt8] = []
  private var buffer = [UInt8](repeating: 0, count: 16 << 10)

  /// Prepares an attempt; the target's timeout covers all of it.
  ///
  /// - Parameter tls: nil: plaintext.
  package init(
    _ target: Dial.Target, tls: TLSConfiguration?, on loop: EventLoop, completion: @escaping (Outcome) -> Void
  ) {
    self.target = target
    configuration = tls
    self.loop = loop
    self.completion = completion
  }

  /// Begins; the completion is called once, later.
  package func start() {
    timer = loop.setTimer(at: .now() + target.timeout) { [weak self] in self?.timeOut() }
    guard let configuration else { return startDialing() }
    do throws(EventLoopError) {
      try loop.offload("tls-files") { () -> Result<TLSMaterial, TLSError> in
        Result { () throws(TLSError) in try TLSMaterial.read(configuration) }
      } then: { [weak self] result in
        self?.materialRead(result)
      }
    } catch {
      finish { $0.dialFailure = error }
    }
  }

  private func materialRead(_ result: Result<TLSMaterial, TLSError>) {
    do throws(TLSError) {
      context = try TLSContext.make(from: result.get())
      startDialing()
    } catch {
      finish { $0.tlsFailure = error }
    }
  }

  private func startDialing() {
    guard completion != nil else { return }
    let dial = Dial(target, on: loop) { [weak self] result in self?.dialed(result) }
    self.dial = dial
    dial.start()
  }

  private func dialed(_ result: Result<StreamSocket, EventLoopError>) {
    dial = nil
    guard completion != nil else { return }
    do {
      let socket = try result.get()
      self.socket = socket
      outcome.peer = socket.peer.description
      outcome.connectTime = .now() - begun
      session = try HTTP2Session()
      tls = try context.map { (context) throws(TLSError) in try TLSSession(context: context, host: socket.name) }
      try loop.watch(socket.descriptor, for: .readable) { [weak self] _ in self?.advance() }
      advance()
    } catch let error as EventLoopError {
      finish { $0.dialFailure = error }
    } catch {
      fail(error)
    }
  }

  /// Goes on as far as the socket lets it.
  private func advance() {
    do {
      try pump()
      while let socket, completion != nil {
        switch unsafe buffer.withUnsafeMutableBytes({ unsafe socket.receive(into: $0) }) {
        case .moved(let count): try take(buffer[..<count])
        case .wouldBlock: return
        case .ended: return inputEnded("the server closed it")
        case .failed(let number): return inputEnded(SystemErrorText.describe(number))
        }
        try pump()
      }
    } catch {
      fail(error)
    }
  }

  private func take(_ bytes: ArraySlice<UInt8>) throws {
    guard let tls else { return try takePlaintext(bytes) }
    tls.receive(bytes)
    guard try isSecured(tls) else { return }
    while case .bytes(let plain) = try tls.read() { try takePlaintext(plain[...]) }
  }

  private func isSecured(_ tls: TLSSession) throws(TLSError) -> Bool {
    guard outcome.tls == nil else { return true }
    guard try tls.handshake() else { return false }
    outcome.tls = tls.report
    outcome.handshakeTime = .now() - begun
    return true
  }

  private func takePlaintext(_ bytes: ArraySlice<UInt8>) throws(HTTP2Error) {
    guard let session else { return }
    try session.receive(bytes, at: .now())
    guard session.isReady else { return }
    outcome.settings = session.peerSettings
    outcome.settingsTime = .now() - begun
    finish { _ in }
  }

  /// Sends what TLS and HTTP/2 have to say. The little that is ever sent here fits into the socket's buffer.
  private func pump() throws {
    guard let socket, completion != nil else { return }
    if let tls {
      if try isSecured(tls), let session { try tls.write(session.takeOutput()) }
      staged += tls.takeCiphertext()
    } else if let session {
      staged += try session.takeOutput()
    }
    guard !staged.isEmpty else { return }
    if case .moved(let count) = unsafe staged.withUnsafeBytes({ unsafe socket.send($0) }) { staged.removeFirst(count) }
  }

  private func inputEnded(_ how: String) {
    if tls != nil && outcome.tls == nil {
      return fail(
        TLSError(
          .handshakeFailed,
          "the server closed the connection during the TLS handshake (\(how)):"
            + " check the port, and the log of the gateway that answers there"))
    }
    fail(
      HTTP2Error(
        .connectionLost,
        "the server closed the connection before it spoke HTTP/2 (\(how)); is TLS expected on this port?"))
  }

  private func fail(_ error: any Error) {
    finish { outcome in
      switch error {
      case let error as TLSError: outcome.tlsFailure = error
      case let error as HTTP2Error: outcome.http2Failure = error
      case let error as EventLoopError: outcome.dialFailure = error
      default: outcome.http2Failure = HTTP2Error(.connectionLost, "\(error)")
      }
    }
  }

  private func timeOut() {
    timer = nil
    let seconds = target.timeout.clampedNanoseconds / 1_000_000_000
    if socket == nil {
      finish { $0.dialFailure = EventLoopError(.connectTimedOut, "no connection within \(seconds) s") }
    } else if tls != nil && outcome.tls == nil {
      fail(TLSError(.handshakeFailed, "the TLS handshake was not finished within \(seconds) s: the server is silent"))
    } else {
      fail(HTTP2Error(.silent, "the server sent no HTTP/2 SETTINGS within \(seconds) s"))
    }
  }

  private func finish(_ change: (inout Outcome) -> Void) {
    guard let completion else { return }
    self.completion = nil
    change(&outcome)
    if let timer { loop.cancelTimer(timer) }
    timer = nil
    dial?.cancel()
    if let socket {
      // The last word is a farewell, or the alert that tells the other side's operator why.
      tls?.close()
      if let tls { staged += tls.takeCiphertext() }
      _ = unsafe staged.withUnsafeBytes { unsafe socket.send($0) }
      loop.unwatch(socket.descriptor)
      socket.close()
    }
    (dial, socket, tls, session, context) = (nil, nil, nil, nil, nil)
    completion(outcome)
  }
}
