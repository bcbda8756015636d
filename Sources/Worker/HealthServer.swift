import CLinux
package import EventLoop
import Glibc

/// The one listener of the worker: answers health probes over HTTP/1.1, on a thread of its own, so that a stuck event
/// loop can still be reported.
///
/// Bounded in every way: connections, bytes of a request, time of a connection. Every connection serves one request.
package final class HealthServer: Sendable {
  /// Connections served at once; one more pushes the oldest out.
  package static let connectionLimit = 32
  /// From accepting a connection to having sent the response.
  package static let connectionTime: Duration = .seconds(5)

  /// The port listened on, which the system chose when 0 was asked for.
  package let port: Int
  private let listener: Int32
  private let stopPipe: (read: Int32, write: Int32)
  private let responder: HealthResponder

  /// Listens at once; `run` answers.
  ///
  /// - Parameters:
  ///   - host: an IPv4 or IPv6 address.
  ///   - port: 0 lets the system choose.
  /// - Throws: `HealthServerError` when the address cannot be had.
  package init(host: String, port: Int, responder: HealthResponder) throws(HealthServerError) {
    listener = try HealthServer.listen(host: host, port: port)
    var ends: [Int32] = [-1, -1]
    guard unsafe pipe(&ends) == 0 else {
      let code = errno
      close(listener)
      throw HealthServerError(host: host, port: port, systemError: code)
    }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    stopPipe = (ends[0], ends[1])
    self.port = HealthServer.boundPort(listener) ?? port
    self.responder = responder
  }

  deinit {
    close(listener)
    close(stopPipe.read)
    close(stopPipe.write)
  }

  /// Starts the thread that answers.
  package func start() throws(EventLoopError) {
    try OperatingSystemThread.start("health") { self.run() }
  }

  /// Ends the thread soon; open connections are dropped.
  package func stop() {
    var byte: UInt8 = 1
    _ = unsafe write(stopPipe.write, &byte, 1)
  }

  private static func listen(host: String, port: Int) throws(HealthServerError) -> Int32 {
    let isIPv6 = host.contains(":")
    let descriptor = socket(isIPv6 ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw HealthServerError(host: host, port: port, systemError: errno) }
    var yes: Int32 = 1
    let size = socklen_t(MemoryLayout<Int32>.size)
    _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, size)
    let bound = isIPv6 ? bindIPv6(descriptor, host, port) : bindIPv4(descriptor, host, port)
    guard bound == 0, Glibc.listen(descriptor, 64) == 0, fcntl(descriptor, F_SETFL, O_NONBLOCK) == 0 else {
      let code = bound == -2 ? EINVAL : errno
      close(descriptor)
      throw HealthServerError(host: host, port: port, systemError: code)
    }
    return descriptor
  }

  /// 0, -1 with errno, or -2 for a host that is no address.
  private static func bindIPv4(_ descriptor: Int32, _ host: String, _ port: Int) -> Int32 {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(truncatingIfNeeded: port).bigEndian
    guard unsafe inet_pton(AF_INET, host, &address.sin_addr) == 1 else { return -2 }
    return unsafe withUnsafeBytes(of: &address) { bytes in
      guard let start = unsafe bytes.assumingMemoryBound(to: sockaddr.self).baseAddress else { return -2 }
      return unsafe bind(descriptor, start, socklen_t(bytes.count))
    }
  }

  private static func bindIPv6(_ descriptor: Int32, _ host: String, _ port: Int) -> Int32 {
    var address = sockaddr_in6()
    address.sin6_family = sa_family_t(AF_INET6)
    address.sin6_port = in_port_t(truncatingIfNeeded: port).bigEndian
    guard unsafe inet_pton(AF_INET6, host, &address.sin6_addr) == 1 else { return -2 }
    return unsafe withUnsafeBytes(of: &address) { bytes in
      guard let start = unsafe bytes.assumingMemoryBound(to: sockaddr.self).baseAddress else { return -2 }
      return unsafe bind(descriptor, start, socklen_t(bytes.count))
    }
  }

  private static func boundPort(_ descriptor: Int32) -> Int? {
    var address = sockaddr_in6()
    var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
    let status = unsafe withUnsafeMutableBytes(of: &address) { bytes -> Int32 in
      guard let start = unsafe bytes.assumingMemoryBound(to: sockaddr.self).baseAddress else { return -1 }
      return unsafe getsockname(descriptor, start, &length)
    }
    // The port stands at the same place in both families.
    return status == 0 ? Int(in_port_t(bigEndian: address.sin6_port)) : nil
  }

  // MARK: The thread

  private func run() {
    var connections: [HealthConnection] = []
    while true {
      var watched = [
        pollfd(fd: stopPipe.read, events: Int16(POLLIN), revents: 0),
        pollfd(fd: listener, events: Int16(POLLIN), revents: 0),
      ]
      watched += connections.map { pollfd(fd: $0.descriptor, events: $0.interest, revents: 0) }
      let patience: Int32 = connections.isEmpty ? -1 : 500
      _ = unsafe poll(&watched, nfds_t(watched.count), patience)
      if watched[0].revents != 0 { return }
      let now = MonotonicTime.now()
      var kept: [HealthConnection] = []
      for (index, connection) in connections.enumerated() {
        if watched[index + 2].revents != 0 { connection.advance(responder) }
        if !connection.isDone && now < connection.deadline { kept.append(connection) }
      }
      connections = kept
      if watched[1].revents != 0 { accept(into: &connections, now) }
    }
  }

  private func accept(into connections: inout [HealthConnection], _ now: MonotonicTime) {
    for _ in 0..<HealthServer.connectionLimit {
      let descriptor = Glibc.accept(listener, nil, nil)
      guard descriptor >= 0 else {
        // Out of descriptors: give one back, and do not spin on a listener that stays readable.
        if errno == EMFILE || errno == ENFILE, !connections.isEmpty {
          connections.removeFirst()
        } else if errno == EMFILE {
          usleep(50_000)
        }
        return
      }
      _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
      _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
      if connections.count >= HealthServer.connectionLimit { connections.removeFirst() }
      connections.append(HealthConnection(descriptor, deadline: now + HealthServer.connectionTime))
    }
  }
}

/// Why the health server cannot listen.
package struct HealthServerError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The address that was asked for.
  package let host: String
  /// The port that was asked for.
  package let port: Int
  /// The `errno` value.
  package let systemError: Int32

  package var description: String {
    let reason =
      switch systemError {
      case EADDRINUSE: "another process listens there; choose another HEALTH_PORT"
      case EACCES: "ports below 1024 need a capability; choose a higher HEALTH_PORT"
      case EADDRNOTAVAIL: "this machine does not have that address; see SALLYPORT_HEALTH_HOST"
      case EINVAL: "that is no address; see SALLYPORT_HEALTH_HOST"
      default: "error \(systemError)"
      }
    return "cannot listen on \(host) port \(port) for health probes: \(reason)"
  }
}

/// One accepted connection: reads a request, then writes the response. Owned by the server's thread.
private final class HealthConnection {
  let descriptor: Int32
  let deadline: MonotonicTime
  private var received: [UInt8] = []
  private var response: [UInt8] = []
  private var sent = 0
  private(set) var isDone = false

  init(_ descriptor: Int32, deadline: MonotonicTime) {
    self.descriptor = descriptor
    self.deadline = deadline
  }

  deinit { close(descriptor) }

  var interest: Int16 { Int16(response.isEmpty ? POLLIN : POLLOUT) }

  /// Goes on as far as the socket lets it.
  func advance(_ responder: HealthResponder) {
    if response.isEmpty { receive(responder) }
    if !response.isEmpty { send() }
  }

  private func receive(_ responder: HealthResponder) {
    var buffer = [UInt8](repeating: 0, count: 2048)
    let count = unsafe recv(descriptor, &buffer, buffer.count, 0)
    guard count > 0 else {
      if count == 0 || (errno != EAGAIN && errno != EINTR) { isDone = true }
      return
    }
    received += buffer[..<count]
    response = responder.response(to: HealthResponder.read(received))
  }

  private func send() {
    let rest = Array(response[sent...])
    let count = unsafe Glibc.send(descriptor, rest, rest.count, Int32(MSG_NOSIGNAL))
    guard count >= 0 else {
      if errno != EAGAIN && errno != EINTR { isDone = true }
      return
    }
    sent += count
    guard sent == response.count else { return }
    _ = shutdown(descriptor, Int32(SHUT_WR))
    isDone = true
  }
}
