internal import CLinux

/// A non-blocking TCP socket. Owns its descriptor; used on the loop's thread only.
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
  /// The address at the other end.
  package let peer: SocketAddress

  /// Opens a socket for an address, with the options that a long-lived connection needs; does not connect yet.
  ///
  /// TCP_NODELAY: requests go out at once. Keep-alive probes after 60 s are a backstop below the PINGs of HTTP/2.
  /// TCP_USER_TIMEOUT ends a connection whose sent bytes nobody acknowledges.
  ///
  /// - Parameter userTimeout: how long sent bytes may stay unacknowledged.
  init(for peer: SocketAddress, userTimeout: Duration) throws(EventLoopError) {
    self.peer = peer
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
    descriptor = socket(peer.isIPv6 ? AF_INET6 : AF_INET, kind, 0)
    guard descriptor >= 0 else { throw EventLoopError(.descriptorRefused, systemError: sly_errno()) }
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

  /// Reads what has arrived, at most a buffer's worth.
  package func receive(into buffer: UnsafeMutableRawBufferPointer) -> Transfer {
    while true {
      let count = unsafe recv(descriptor, buffer.baseAddress, buffer.count, 0)
      if count > 0 { return .moved(count) }
      if count == 0 { return .ended }
      let number = sly_errno()
      if number == EINTR { continue }
      return number == EAGAIN || number == EWOULDBLOCK ? .wouldBlock : .failed(number)
    }
  }

  /// Sends as many of the bytes as the system takes. Never raises SIGPIPE.
  package func send(_ bytes: UnsafeRawBufferPointer) -> Transfer {
    while true {
      let count = unsafe CLinux.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
      if count >= 0 { return .moved(count) }
      let number = sly_errno()
      if number == EINTR { continue }
      return number == EAGAIN || number == EWOULDBLOCK ? .wouldBlock : .failed(number)
    }
  }

  /// Tells the other side that nothing more will be sent.
  package func finishSending() { _ = shutdown(descriptor, Int32(SHUT_WR)) }

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
