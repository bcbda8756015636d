internal import EventLoop
internal import TLSClient

/// The way of the bytes: socket, TLS, HTTP/2, and back.
extension HTTP2Connection {
  /// The socket can be read, written, or has failed.
  func socketReady(_ readiness: Readiness) {
    if readiness.contains(.writable) { pump() }
    if readiness.contains(.readable) { readSocket() }
  }

  /// Reads what has arrived and passes it on, within the turn's share.
  func readSocket() {
    var total = 0
    while total < Self.bytesPerTurn, let socket, stage != .closed {
      let transfer = unsafe inputBuffer.withUnsafeMutableBytes { unsafe socket.receive(into: $0) }
      switch transfer {
      case .moved(let count):
        total += count
        bytesReceived += count
        lastReceived = .now()
        keepalive?.received(at: lastReceived)
        guard take(count) else { return }
        // Less than was asked for: nothing more is there. If the rest comes by now, the poller says so again.
        if count < inputBuffer.count { return pump() }
      case .wouldBlock: return pump()
      case .ended: return inputEnded(nil)
      case .failed(let number): return inputEnded(number)
      }
    }
    // What a layer has unwrapped already, the poller does not tell of.
    if socket?.hasBuffered == true { loop.setTimer(at: .now()) { [weak self] in self?.readSocket() } }
    pump()
  }

  /// Passes on what is in the input buffer. False: the connection is over.
  private func take(_ count: Int) -> Bool {
    do {
      if let tls {
        records.take(inputBuffer[..<count], at: .now())
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
    watchInput(count)
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
    let how = socket?.layerFailure?.message ?? number.map { SystemErrorText.describe($0) } ?? "the server closed it"
    let text =
      switch stage {
      case .securing: "the server closed the connection during the TLS handshake (\(how))"
      case .open where session?.isReady != true:
        "the server closed the connection before it spoke HTTP/2 (\(how)); is TLS expected on this port?"
      default: "the connection was lost: \(how)"
      }
    fail(HTTP2Error(.connectionLost, text))
  }

  /// Hands what has happened to the owner, in order.
  func deliverEvents() {
    guard let session else { return }
    for event in session.takeEvents() {
      note(event)
      onEvent?(.session(event))
      if stage == .closed { return }
    }
  }

  /// Lets what several calls in one turn produce go out together.
  func pumpSoon() {
    guard !needsPump, stage == .open || stage == .closing else { return }
    needsPump = true
    loop.setTimer(at: .now()) { [weak self] in
      self?.needsPump = false
      self?.pump()
    }
  }

  /// Moves bytes outwards as far as the socket takes them.
  func pump() {
    guard !isPumping, stage == .securing || stage == .open || stage == .closing else { return }
    isPumping = true
    defer { isPumping = false }
    do {
      repeat { try fillStaging() } while (stagedCount > 0 || socket?.hasUnsent == true) && sendStaged()
    } catch let error as TLSError {
      return fail(HTTP2Error(error.isRefusal ? .refusedByTLS : .connectionLost, error.message))
    } catch {
      return fail(error as? HTTP2Error ?? HTTP2Error(.connectionLost, "\(error)"))
    }
    deliverEvents()
    noteStalls()
    if let error = session?.fatalError, stagedCount == 0 { return fail(error) }
    if stage == .open, session?.isFinished == true, stagedCount == 0 {
      fail(HTTP2Error(.closedByPeer, "the server drained the connection"))
    }
  }

  private var stagedCount: Int { staged.count - stagedOffset }

  /// Fills the staging area with what TLS and HTTP/2 want to send.
  func fillStaging() throws {
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

  /// Moves all that HTTP/2 has queued into the staging area, whatever waits there already.
  func stageResets(of session: HTTP2Session) throws {
    let output = try session.takeOutput(limit: 1 << 20)
    if let tls {
      try tls.write(output)
    } else {
      staged.append(contentsOf: output)
    }
    stageCiphertext()
  }

  /// Moves ciphertext into the staging area.
  func stageCiphertext() {
    guard let tls, tls.ciphertextCount > 0 else { return }
    if stagedCount > 0 { return staged.append(contentsOf: tls.takeCiphertext()) }
    staged = tls.takeCiphertext()
    stagedOffset = 0
  }

  /// Sends what is staged. True: all of it went out.
  @discardableResult
  func sendStaged() -> Bool {
    guard let socket else { return false }
    while stagedCount > 0 || socket.hasUnsent {
      let transfer =
        stagedCount == 0
        ? socket.flush()
        : unsafe staged.withUnsafeBytes {
          unsafe socket.send(UnsafeRawBufferPointer(rebasing: $0[stagedOffset...]))
        }
      switch transfer {
      case .moved(let count):
        stagedOffset += count
        bytesSent += count
        progress.wrote()
      case .wouldBlock:
        watchBlockedWrite()
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
}
