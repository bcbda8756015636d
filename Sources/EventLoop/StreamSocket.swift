internal import CLinux

/// A non-blocking TCP or unix stream socket. Owns its descriptor; used on the loop's thread only.
package final class StreamSocket {
  /// What one attempt to read or write came to.
  package enum Transfer: Equatable {
    /// So many bytes went through, at least one.
    case moved(Int)
    /// Nothing can move now; wait for readiness.
    case wouldBlock
    /// The other side has closed its direction (reading only).
    case ended
    /// The connection broke, with the system's error number.
    case failed(Int32)
  }

  /// The descriptor, for watching; invalid once closed.
  package private(set) var descriptor: Int32
  /// The address at the other end; the proxy's when there is one between.
  package let peer: SocketAddress
  /// The configured host for which this connection was made: what the other side must prove to be.
  package let name: String
  /// A layer through which everything goes, with what waits on its two sides; nil: none.
  private var layered: LayeredBytes?

  /// Opens a socket for an address, with the options that a long-lived connection needs; does not connect yet.
  ///
  /// TCP_NODELAY: requests go out at once. Keep-alive probes after 60 s are a backstop below the PINGs of HTTP/2.
  /// TCP_USER_TIMEOUT ends a connection whose sent bytes nobody acknowledges.
  ///
  /// - Parameters:
  ///   - name: the configured host to which the address belongs, or to which the proxy there will lead.
  ///   - userTimeout: how long sent bytes may stay unacknowledged.
  init(for peer: SocketAddress, name: String, userTimeout: Duration) throws(EventLoopError) {
    self.peer = peer
    self.name = name
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
    let family = peer.isUnix ? AF_UNIX : peer.isIPv6 ? AF_INET6 : AF_INET
    descriptor = socket(family, kind, 0)
    guard descriptor >= 0 else { throw EventLoopError(.descriptorRefused, systemError: sly_errno()) }
    guard !peer.isUnix else { return }
    set(Int32(IPPROTO_TCP), TCP_NODELAY, 1)
    set(SOL_SOCKET, SO_KEEPALIVE, 1)
    set(Int32(IPPROTO_TCP), TCP_KEEPIDLE, 60)
    set(Int32(IPPROTO_TCP), TCP_KEEPINTVL, 10)
    set(Int32(IPPROTO_TCP), TCP_KEEPCNT, 3)
    set(Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, Int32(clamping: userTimeout.clampedNanoseconds / 1_000_000))
  }

  deinit { close() }

  /// Begins to connect. Zero: connected at once; otherwise the system's error number, EINPROGRESS as a rule.
  func connect() -> Int32 {
    let status = unsafe peer.bytes.withUnsafeBytes { area in
      unsafe CLinux.connect(
        descriptor, area.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t(area.count))
    }
    return status == 0 ? 0 : sly_errno()
  }

  /// The error that a finished attempt to connect left behind; zero: none.
  func takeError() -> Int32 {
    var number: Int32 = 0
    var size = socklen_t(MemoryLayout<Int32>.size)
    let status = unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &number, &size)
    return status == 0 ? number : sly_errno()
  }

  /// The user who listens at the other end of a unix socket; nil when the system does not say.
  var peerUser: uid_t? {
    // `struct ucred`, whose declaration the C library hides: process, user, group.
    var credentials: [UInt32] = [0, .max, .max]
    var size = socklen_t(12)
    let status = unsafe getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size)
    return status == 0 && size == 12 ? credentials[1] : nil
  }

  /// Looks at what has arrived and leaves it there.
  func peek(into buffer: UnsafeMutableRawBufferPointer) -> Transfer {
    unsafe layered == nil ? take(into: buffer, Int32(MSG_PEEK)) : takeUnwrapped(into: buffer, takes: false)
  }

  /// Takes so many bytes that `peek` has shown, and forgets them.
  func discard(_ count: Int) {
    var left = count
    unsafe withUnsafeTemporaryAllocation(byteCount: 4_096, alignment: 1) { area in
      while left > 0 {
        let part = unsafe UnsafeMutableRawBufferPointer(rebasing: area[..<min(left, area.count)])
        guard case .moved(let taken) = unsafe receive(into: part) else { return }
        left -= taken
      }
    }
  }

  /// Reads what has arrived, at most a buffer's worth.
  package func receive(into buffer: UnsafeMutableRawBufferPointer) -> Transfer {
    unsafe layered == nil ? take(into: buffer, 0) : takeUnwrapped(into: buffer, takes: true)
  }

  private func take(into buffer: UnsafeMutableRawBufferPointer, _ flags: Int32) -> Transfer {
    while true {
      let count = unsafe recv(descriptor, buffer.baseAddress, buffer.count, flags)
      if count > 0 { return .moved(count) }
      if count == 0 { return .ended }
      let number = sly_errno()
      if number == EINTR { continue }
      return number == EAGAIN || number == EWOULDBLOCK ? .wouldBlock : .failed(number)
    }
  }

  /// Sends as many of the bytes as the system takes. Never raises SIGPIPE.
  ///
  /// Through a layer some of what counts as moved may wait still: see `hasUnsent`.
  package func send(_ bytes: UnsafeRawBufferPointer) -> Transfer {
    guard layered != nil else { return unsafe put(bytes) }
    if case .wouldBlock = flush() { return .wouldBlock }
    let part = unsafe Array(bytes.prefix(LayeredBytes.step))
    guard layered?.wrap(part) == true else { return .failed(EPROTO) }
    if case .failed(let number) = flush() { return .failed(number) }
    return .moved(part.count)
  }

  private func put(_ bytes: UnsafeRawBufferPointer) -> Transfer {
    while true {
      let count = unsafe CLinux.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
      if count >= 0 { return .moved(count) }
      let number = sly_errno()
      if number == EINTR { continue }
      return number == EAGAIN || number == EWOULDBLOCK ? .wouldBlock : .failed(number)
    }
  }

  // MARK: Through a layer

  /// Puts a layer between the socket and what is said from now on.
  func secure(by layer: any StreamLayer) { layered = LayeredBytes(layer) }

  /// Whether bytes have been unwrapped that nobody has taken: the system does not tell of them.
  package var hasBuffered: Bool { layered.map { $0.receivedCount > 0 } ?? false }

  /// Whether wrapped bytes wait for the socket.
  package var hasUnsent: Bool { layered.map { !$0.unsent.isEmpty } ?? false }

  /// Why the layer is of no more use; nil while it serves, or there is none.
  package var layerFailure: EventLoopError? { layered?.failure }

  /// Goes on with the layer's handshake as far as the socket lets it. True: it is over.
  func secured() throws(EventLoopError) -> Bool {
    guard let layer = layered?.layer else { return true }
    let input = feed()
    let isOver: Bool
    do throws(EventLoopError) {
      isOver = try layer.handshake()
    } catch {
      // The alert that tells the other side's operator why.
      layered?.collect()
      _ = flush()
      throw error
    }
    layered?.collect()
    if case .failed(let number) = flush() {
      throw EventLoopError(.proxyFailed, "the proxy \(peer) broke off: \(SystemErrorText.describe(number))")
    }
    if !isOver, input == .ended {
      throw EventLoopError(.proxyFailed, "the proxy \(peer) closed the connection during the TLS handshake")
    }
    return isOver
  }

  /// Sends wrapped bytes that wait. `.moved(0)`: none wait any more.
  package func flush() -> Transfer {
    while let unsent = layered?.unsent, !unsent.isEmpty {
      switch unsafe unsent.withUnsafeBytes({ unsafe put($0) }) {
      case .moved(let count): layered?.sent(count)
      case let other: return other
      }
    }
    return .moved(0)
  }

  /// Takes from the socket and feeds the layer. What it answers is why that ended: nothing more now, or the socket's end.
  private func feed() -> Transfer {
    unsafe withUnsafeTemporaryAllocation(byteCount: LayeredBytes.step, alignment: 1) { area in
      let transfer = unsafe take(into: area, 0)
      if case .moved(let count) = transfer, let layer = layered?.layer {
        unsafe layer.receive(Array(area[..<count])[...])
      }
      return transfer
    }
  }

  private func takeUnwrapped(into buffer: UnsafeMutableRawBufferPointer, takes: Bool) -> Transfer {
    while true {
      if !hasBuffered { layered?.unwrap() }
      if let count = unsafe layered?.copy(into: buffer, takes: takes), count > 0 { return .moved(count) }
      if layered?.failure != nil { return .failed(EPROTO) }
      if layered?.hasEnded == true { return .ended }
      let transfer = feed()
      guard case .moved = transfer else { return transfer }
    }
  }

  /// Tells the other side that nothing more will be sent.
  package func finishSending() {
    layered?.layer.close()
    layered?.collect()
    _ = flush()
    _ = shutdown(descriptor, Int32(SHUT_WR))
  }

  /// Closes the descriptor. The owner must have stopped watching it.
  package func close() {
    guard descriptor >= 0 else { return }
    _ = CLinux.close(descriptor)
    descriptor = -1
  }

  private func set(_ level: Int32, _ option: Int32, _ value: Int32) {
    var value = value
    // An option that this kernel lacks costs comfort, not correctness.
    _ = unsafe setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
  }
}
