internal import CLinux

/// One attempt to reach a host: the only way in which this program opens a connection to the scheduler.
///
/// The name is resolved on a thread of its own; its addresses are then tried with a stagger, families taking turns, and
/// the first TCP connection wins (RFC 8305 in its simple form). Lives on the loop's thread.
package final class Dial {
  /// Whom to reach and how patiently.
  package struct Target: Sendable {
    /// Name or literal; an IPv6 literal without brackets.
    package var host: String
    /// TCP port.
    package var port: Int
    /// Time for resolving and connecting together.
    package var timeout: Duration
    /// How long sent bytes may later stay unacknowledged before the system gives the connection up.
    package var userTimeout: Duration
    /// Only addresses of this machine may be dialed, whatever the name resolves to.
    package var isLoopbackOnly: Bool

    package init(
      host: String, port: Int, timeout: Duration = .seconds(20), userTimeout: Duration = .seconds(30),
      isLoopbackOnly: Bool = false
    ) {
      self.host = host
      self.port = port
      self.timeout = timeout
      self.userTimeout = userTimeout
      self.isLoopbackOnly = isLoopbackOnly
    }
  }

  /// The pause before the next address is tried beside one that has not answered yet (gRFC A61).
  private static let stagger: Duration = .milliseconds(250)

  private let target: Target
  private let loop: EventLoop
  private var completion: ((Result<StreamSocket, EventLoopError>) -> Void)?
  private var waiting: [SocketAddress] = []
  private var pending: [StreamSocket] = []
  private var failures: [String] = []
  private var deadlineTimer: TimerKey?
  private var staggerTimer: TimerKey?

  /// Prepares an attempt; `completion` is called once, on the loop's thread, unless the attempt is cancelled.
  package init(
    _ target: Target, on loop: EventLoop, completion: @escaping (Result<StreamSocket, EventLoopError>) -> Void
  ) {
    self.target = target
    self.loop = loop
    self.completion = completion
  }

  /// Begins. The object must be kept by its owner until the completion.
  package func start() {
    deadlineTimer = loop.setTimer(at: .now() + target.timeout) { [weak self] in self?.timeOut() }
    let (host, port) = (target.host, target.port)
    do throws(EventLoopError) {
      try loop.offload("resolve") { () -> Result<[SocketAddress], EventLoopError> in
        Result { () throws(EventLoopError) in try SocketAddress.resolve(host: host, port: port) }
      } then: { [weak self] result in
        self?.resolved(result)
      }
    } catch {
      finish(.failure(error))
    }
  }

  /// Gives up silently: the completion is not called.
  package func cancel() {
    completion = nil
    release()
  }

  private func resolved(_ result: Result<[SocketAddress], EventLoopError>) {
    guard completion != nil else { return }
    switch result {
    case .failure(let error): finish(.failure(error))
    case .success(let addresses):
      let permitted = target.isLoopbackOnly ? addresses.filter(\.isLoopback) : addresses
      guard !permitted.isEmpty else {
        let found = addresses.map(\.description).joined(separator: ", ")
        return finish(
          .failure(
            EventLoopError(
              .connectFailed, "'\(target.host)' resolves to \(found), but only this machine may be dialed in plaintext")
          ))
      }
      waiting = SocketAddress.interleaved(permitted)
      tryNext()
    }
  }

  private func tryNext() {
    if let staggerTimer { loop.cancelTimer(staggerTimer) }
    staggerTimer = nil
    guard completion != nil else { return }
    guard !waiting.isEmpty else {
      if pending.isEmpty { finish(.failure(EventLoopError(.connectFailed, failures.joined(separator: "; ")))) }
      return
    }
    let address = waiting.removeFirst()
    do throws(EventLoopError) {
      let socket = try StreamSocket(for: address, userTimeout: target.userTimeout)
      let status = socket.connect()
      guard status == 0 || status == EINPROGRESS else { return attemptFailed(address, status) }
      pending.append(socket)
      try loop.watch(socket.descriptor, for: .writable) { [weak self, weak socket] _ in
        guard let socket else { return }
        self?.attemptEnded(socket)
      }
    } catch {
      return attemptFailed(address, error.message)
    }
    if !waiting.isEmpty {
      staggerTimer = loop.setTimer(at: .now() + Self.stagger) { [weak self] in self?.tryNext() }
    }
  }

  private func attemptEnded(_ socket: StreamSocket) {
    loop.unwatch(socket.descriptor)
    pending.removeAll { $0 === socket }
    let status = socket.takeError()
    if status == 0 { return finish(.success(socket)) }
    socket.close()
    attemptFailed(socket.peer, status)
  }

  private func attemptFailed(_ address: SocketAddress, _ status: Int32) {
    attemptFailed(address, SystemErrorText.describe(status))
  }

  private func attemptFailed(_ address: SocketAddress, _ reason: String) {
    failures.append("\(address): \(reason)")
    tryNext()
  }

  private func timeOut() {
    let open = pending.map { "\($0.peer): no answer" }
    let all = (failures + open).joined(separator: "; ")
    let seconds = target.timeout.clampedNanoseconds / 1_000_000_000
    let text = all.isEmpty ? "the name '\(target.host)' was not resolved within \(seconds) s" : all
    finish(.failure(EventLoopError(.connectTimedOut, text)))
  }

  private func finish(_ result: Result<StreamSocket, EventLoopError>) {
    let completion = completion
    self.completion = nil
    release()
    completion?(result)
  }

  private func release() {
    for timer in [deadlineTimer, staggerTimer].compactMap({ $0 }) { loop.cancelTimer(timer) }
    (deadlineTimer, staggerTimer) = (nil, nil)
    for socket in pending {
      loop.unwatch(socket.descriptor)
      socket.close()
    }
    pending = []
    waiting = []
  }
}
