internal import CLinux
package import Egress
internal import Secrets

/// One attempt to reach a destination: the only way in which this program opens a connection to the scheduler.
///
/// The policy is asked before a name is resolved and before an address is tried. Names are resolved on a thread of their
/// own; `DialRace` says what is tried when. A proxy or a unix socket may stand in the place of the destination's own
/// addresses. Lives on the loop's thread.
package final class Dial {
  /// Whom to reach and how patiently.
  package struct Target: Sendable {
    /// Name or literal; an IPv6 literal without brackets, with its zone if it needs one.
    package var host: String
    /// TCP port.
    package var port: Int
    /// Further hosts that serve as well, tried when those before them fail or stay silent. Not used through a proxy.
    package var alternatives: [(host: String, port: Int)] = []
    /// The way there.
    package var route = DialRoute.direct
    /// What may be dialed.
    package var policy = EgressPolicy.open
    /// Time for resolving and connecting together, a proxy's answer included.
    package var timeout: Duration
    /// How long sent bytes may later stay unacknowledged before the system gives the connection up.
    package var userTimeout: Duration
    /// Only addresses of this machine may be dialed, whatever the name resolves to.
    package var isLoopbackOnly: Bool
    /// What secures the way to the proxy; nil: it is spoken to in the clear.
    package var proxyLayer: StreamLayerLoader?

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

  /// Finds the addresses of a host, blocking; runs on a thread of its own.
  package typealias Resolver = @Sendable (_ host: String, _ port: Int) -> Result<[SocketAddress], EventLoopError>

  /// The pause before the next address is tried beside one that has not answered yet (gRFC A61).
  package static let stagger: Duration = .milliseconds(250)

  private let target: Target
  private let loop: EventLoop
  private let resolver: Resolver
  private var completion: ((Result<StreamSocket, EventLoopError>) -> Void)?
  private var race: DialRace
  private var pending: [StreamSocket] = []
  private var tunnel: DialTunnel?
  private var deadlineTimer: TimerKey?
  private var staggerTimer: TimerKey?

  /// Prepares an attempt; `completion` is called once, on the loop's thread, unless the attempt is cancelled.
  ///
  /// - Parameter resolver: the system's, unless a test has another.
  package init(
    _ target: Target, on loop: EventLoop,
    resolver: @escaping Resolver = { host, port in
      Result { () throws(EventLoopError) in try SocketAddress.resolve(host: host, port: port) }
    },
    completion: @escaping (Result<StreamSocket, EventLoopError>) -> Void
  ) {
    self.target = target
    self.loop = loop
    self.resolver = resolver
    self.completion = completion
    let names: [DialRace.Name] =
      if case .proxy(let proxy) = target.route {
        [(host: proxy.host, port: proxy.port)]
      } else {
        [(host: target.host, port: target.port)] + target.alternatives
      }
    race = DialRace(names, policy: target.policy, isLoopbackOnly: target.isLoopbackOnly)
  }

  /// Begins. The object must be kept by its owner until the completion.
  package func start() {
    deadlineTimer = loop.setTimer(at: .now() + target.timeout) { [weak self] in self?.timeOut() }
    do throws(EventLoopError) {
      switch target.route {
      case .direct: perform(race.start())
      case .proxy: try checkTunnel()
      case .unix(let path): try connect(toSocket: path)
      }
    } catch {
      // Never before `start` has returned.
      loop.setTimer(at: .now()) { [weak self] in self?.finish(.failure(error)) }
    }
  }

  /// Gives up silently: the completion is not called.
  package func cancel() {
    completion = nil
    release()
  }

  /// The owner's time has run out before this object's own: ends as a timeout does.
  package func expire() { timeOut() }

  // MARK: Names and addresses

  private func perform(_ actions: [DialRace.Action]) {
    for action in actions where completion != nil {
      switch action {
      case .resolve(let index): resolve(index)
      case .connect(let address, let name): connect(address, name: provenName(name))
      case .setStagger:
        cancelStagger()
        staggerTimer = loop.setTimer(at: .now() + Self.stagger) { [weak self] in
          guard let self else { return }
          self.perform(self.race.staggerElapsed())
        }
      case .cancelStagger: cancelStagger()
      case .finish(let error): loop.setTimer(at: .now()) { [weak self] in self?.finish(.failure(error)) }
      }
    }
  }

  /// Whom the other side must prove to be: the destination, never the proxy on the way.
  private func provenName(_ index: Int) -> String {
    if case .proxy = target.route { return target.host }
    return race.names[index].host
  }

  private func resolve(_ index: Int) {
    let (resolver, name) = (resolver, race.names[index])
    do throws(EventLoopError) {
      try loop.offload("resolve") {
        resolver(name.host, name.port)
      } then: { [weak self] result in
        guard let self, self.completion != nil else { return }
        self.perform(self.race.resolved(index, result))
      }
    } catch {
      perform(race.resolved(index, .failure(error)))
    }
  }

  private func connect(_ address: SocketAddress, name: String) {
    do throws(EventLoopError) {
      let socket = try StreamSocket(for: address, name: name, userTimeout: target.userTimeout)
      let status = socket.connect()
      guard status == 0 || status == EINPROGRESS else {
        return attemptFailed(address, SystemErrorText.describe(status))
      }
      pending.append(socket)
      try loop.watch(socket.descriptor, for: .writable) { [weak self, weak socket] _ in
        guard let socket else { return }
        self?.attemptEnded(socket)
      }
    } catch {
      attemptFailed(address, error.message)
    }
  }

  private func attemptEnded(_ socket: StreamSocket) {
    loop.unwatch(socket.descriptor)
    pending.removeAll { $0 === socket }
    let status = socket.takeError()
    if status == 0 { return connected(socket) }
    socket.close()
    attemptFailed(socket.peer, SystemErrorText.describe(status))
  }

  private func attemptFailed(_ address: SocketAddress, _ reason: String) { perform(race.failed(address, reason)) }

  private func connected(_ socket: StreamSocket) {
    guard case .proxy(let proxy) = target.route else { return finish(.success(socket)) }
    cancelStagger()
    closePending()
    openTunnel(proxy, on: socket)
  }

  // MARK: Through a proxy

  /// The proxy resolves the destination's name, so that only the name can be checked here.
  private func checkTunnel() throws(EventLoopError) {
    guard !target.isLoopbackOnly else {
      throw EventLoopError(
        .proxyFailed, "plaintext to '\(target.host)' is not sent through a proxy: turn TLS on", isTransient: false)
    }
    do throws(EgressError) {
      try target.policy.check(tunnelTo: target.host, port: target.port)
    } catch {
      throw EventLoopError(refusal: error)
    }
    perform(race.start())
  }

  /// The password is read for every dial, on a thread of its own, so that a renewed one is used at once.
  private func openTunnel(_ proxy: ProxyTarget, on socket: StreamSocket) {
    pending = [socket]
    let target = target
    do throws(EventLoopError) {
      try loop.offload("proxy-password") { () -> Result<TunnelPlan, EventLoopError> in
        Result { () throws(EventLoopError) in
          let layer = try target.proxyLayer?(proxy.host).get()
          do throws(EgressError) {
            let authorization = try proxy.credentials?.authorization()
            let machine = try ProxyTunnel(
              toHost: target.host, port: target.port, proxy: proxy.description, authorization: authorization)
            return TunnelPlan(machine: machine, layer: layer)
          } catch {
            throw EventLoopError(proxy: error)
          }
        }
      } then: { [weak self] result in
        self?.requestMade(result, socket)
      }
    } catch {
      finish(.failure(error))
    }
  }

  /// What a tunnel is asked for with.
  private struct TunnelPlan: Sendable {
    let machine: ProxyTunnel
    let layer: StreamLayerMaker?
  }

  private func requestMade(_ result: Result<TunnelPlan, EventLoopError>, _ socket: StreamSocket) {
    guard completion != nil else { return }
    do throws(EventLoopError) {
      let plan = try result.get()
      if let layer = try plan.layer?().get() { socket.secure(by: layer) }
      pending = []
      let tunnel = DialTunnel(plan.machine, on: socket, loop: loop) { [weak self] result in self?.finish(result) }
      self.tunnel = tunnel
      tunnel.start()
    } catch {
      finish(.failure(error))
    }
  }

  // MARK: To a unix socket

  private func connect(toSocket path: String) throws(EventLoopError) {
    do throws(EgressError) {
      try target.policy.check(socket: path)
    } catch {
      throw EventLoopError(refusal: error)
    }
    guard let address = SocketAddress(unixPath: path) else {
      throw EventLoopError(
        .connectFailed, "'\(path)' is no path of a unix socket: at most 107 bytes", isTransient: false)
    }
    let socket = try StreamSocket(for: address, name: target.host, userTimeout: target.userTimeout)
    let status = socket.connect()
    guard status == 0 else {
      let reason = status == EAGAIN ? "its queue of connections is full" : SystemErrorText.describe(status)
      throw EventLoopError(.connectFailed, "\(address): \(reason)")
    }
    let own = geteuid()
    guard let owner = socket.peerUser, owner == 0 || owner == own else {
      let who = socket.peerUser.map { "user \($0)" } ?? "an unknown user"
      throw EventLoopError(
        .connectFailed,
        "\(address): \(who) listens there, which is neither root nor this process's user \(own): "
          + "let the other side run as one of these", isTransient: false)
    }
    loop.setTimer(at: .now()) { [weak self] in self?.finish(.success(socket)) }
  }

  // MARK: The end

  private func timeOut() {
    let seconds = target.timeout.clampedNanoseconds / 1_000_000_000
    if case .proxy(let proxy) = target.route, tunnel != nil {
      return finish(
        .failure(EventLoopError(.proxyFailed, "the proxy \(proxy) did not answer CONNECT within \(seconds) s")))
    }
    finish(.failure(race.timedOut(seconds: seconds)))
  }

  private func finish(_ result: Result<StreamSocket, EventLoopError>) {
    guard let completion else { return }
    self.completion = nil
    release()
    DialMetrics.ended(result)
    completion(result)
  }

  private func release() {
    if let deadlineTimer { loop.cancelTimer(deadlineTimer) }
    deadlineTimer = nil
    cancelStagger()
    tunnel?.cancel()
    tunnel = nil
    closePending()
  }

  private func cancelStagger() {
    if let staggerTimer { loop.cancelTimer(staggerTimer) }
    staggerTimer = nil
  }

  private func closePending() {
    for socket in pending {
      loop.unwatch(socket.descriptor)
      socket.close()
    }
    pending = []
  }
}
