internal import CLinux
internal import Egress
internal import Secrets

/// Asks a proxy for a tunnel on a connected socket: the rim of `ProxyTunnel`. Lives on the loop's thread.
///
/// What the proxy says is first looked at and then taken from the socket only as far as its header reaches, so that the
/// first byte of the tunnel stays where the next reader finds it.
final class DialTunnel {
  private let socket: StreamSocket
  private let loop: EventLoop
  private var machine: ProxyTunnel
  private var sent = 0
  private var isSecured = false
  private var completion: ((Result<StreamSocket, EventLoopError>) -> Void)?
  private var buffer = [UInt8](repeating: 0, count: ProxyTunnel.headerLimit)

  /// Takes over a connected socket; `completion` is called once, unless the tunnel is cancelled.
  init(
    _ machine: ProxyTunnel, on socket: StreamSocket, loop: EventLoop,
    completion: @escaping (Result<StreamSocket, EventLoopError>) -> Void
  ) {
    self.machine = machine
    self.socket = socket
    self.loop = loop
    self.completion = completion
  }

  /// Sends the request and listens for the answer.
  func start() {
    do throws(EventLoopError) {
      try loop.watch(socket.descriptor, for: [.readable, .writable]) { [weak self] readiness in
        guard let self, self.secure() else { return }
        if readiness.contains(.writable) { self.send() }
        if readiness.contains(.readable) { self.receive() }
      }
    } catch {
      finish(.failure(error))
    }
  }

  /// Closes the socket; the completion is not called.
  func cancel() {
    guard completion != nil else { return }
    completion = nil
    loop.unwatch(socket.descriptor)
    socket.close()
  }

  /// Goes on with what secures the way to the proxy. True: the tunnel can be asked for.
  private func secure() -> Bool {
    guard !isSecured, completion != nil else { return completion != nil }
    do throws(EventLoopError) {
      isSecured = try socket.secured()
      // The first request goes out with the event that says so; while the other side has the word, writing is not waited for.
      try loop.rewatch(socket.descriptor, for: isSecured || socket.hasUnsent ? [.readable, .writable] : .readable)
    } catch {
      finish(.failure(error))
      return false
    }
    return isSecured
  }

  private func send() {
    guard completion != nil else { return }
    if sent == machine.request.count { return flushed() }
    let transfer = unsafe machine.request.withBytes { bytes in
      unsafe socket.send(UnsafeRawBufferPointer(rebasing: bytes[sent...]))
    }
    switch transfer {
    case .moved(let count): sent += count
    case .wouldBlock: return
    // What the proxy said before it closed is still to be read.
    case .ended, .failed: sent = machine.request.count
    }
    if sent == machine.request.count { flushed() }
  }

  /// Nothing waits to be sent: the proxy has the word.
  private func flushed() {
    if case .wouldBlock = socket.flush() { return }
    do throws(EventLoopError) {
      try loop.rewatch(socket.descriptor, for: .readable)
    } catch {
      finish(.failure(error))
    }
  }

  private func receive() {
    guard completion != nil else { return }
    let transfer = unsafe buffer.withUnsafeMutableBytes { unsafe socket.peek(into: $0) }
    switch transfer {
    case .moved(let count): take(count)
    case .wouldBlock: return
    case .ended, .failed: finish(.failure(socket.layerFailure ?? EventLoopError(proxy: machine.ended())))
    }
  }

  private func take(_ count: Int) {
    switch machine.receive(buffer[..<count]) {
    case .incomplete: socket.discard(count)
    case .established(let leftover):
      socket.discard(count - leftover)
      finish(.success(socket))
    case .failed(let error): finish(.failure(EventLoopError(proxy: error)))
    }
  }

  private func finish(_ result: Result<StreamSocket, EventLoopError>) {
    guard let completion else { return }
    self.completion = nil
    loop.unwatch(socket.descriptor)
    if case .failure = result { socket.close() }
    completion(result)
  }
}
