import Foundation
import Glibc

/// A listener on an address of this machine that accepts nothing: connections to it stand in its queue, and once that is
/// full, further ones get no answer at all, as from a host behind a firewall that drops.
package final class LoopbackListener: Sendable {
  /// The TCP port.
  package let port: Int
  private let descriptors: [Int32]

  /// Starts to listen.
  ///
  /// - Parameters:
  ///   - host: `127.0.0.1` or `::1`.
  ///   - port: 0 for a free one.
  ///   - isFull: whether its queue is filled, so that it answers nobody.
  package init(_ host: String = "127.0.0.1", port: Int = 0, isFull: Bool = false) throws {
    let isIPv6 = host.contains(":")
    let listener = try Self.socket(isIPv6)
    var all = [listener]
    let (bytes, length) = Self.address(host, port)
    guard bytes.withUnsafeBytes({ bind(listener, $0.assumingMemoryBound(to: sockaddr.self).baseAddress, length) }) == 0,
      listen(listener, isFull ? 0 : 64) == 0
    else { throw PeerError("no listener on \(host): errno \(errno)") }
    var own = [UInt8](repeating: 0, count: Int(length))
    var size = length
    _ = own.withUnsafeMutableBytes {
      getsockname(listener, $0.assumingMemoryBound(to: sockaddr.self).baseAddress, &size)
    }
    self.port = Int(own[2]) << 8 | Int(own[3])
    if isFull {
      // The queue holds one more than it was asked for; what comes after that is dropped.
      for _ in 0..<4 {
        let client = try Self.socket(isIPv6)
        _ = fcntl(client, F_SETFL, O_NONBLOCK)
        _ = own.withUnsafeBytes { connect(client, $0.assumingMemoryBound(to: sockaddr.self).baseAddress, length) }
        all.append(client)
      }
    }
    descriptors = all
  }

  deinit { for descriptor in descriptors { close(descriptor) } }

  /// How many connections stand in the queue, taking them out.
  package func drain() -> Int {
    _ = fcntl(descriptors[0], F_SETFL, O_NONBLOCK)
    var count = 0
    while true {
      let connection = accept(descriptors[0], nil, nil)
      guard connection >= 0 else { return count }
      close(connection)
      count += 1
    }
  }

  private static func socket(_ isIPv6: Bool) throws -> Int32 {
    let descriptor = Glibc.socket(isIPv6 ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw PeerError("no socket: errno \(errno)") }
    return descriptor
  }

  private static func address(_ host: String, _ port: Int) -> ([UInt8], socklen_t) {
    let number = [UInt8(port >> 8), UInt8(port & 255)]
    if host.contains(":") {
      var address = in6_addr()
      inet_pton(AF_INET6, host, &address)
      let bytes = withUnsafeBytes(of: address) { Array($0) }
      return ([UInt8(AF_INET6), 0] + number + [0, 0, 0, 0] + bytes + [0, 0, 0, 0], 28)
    }
    var address = in_addr()
    inet_pton(AF_INET, host, &address)
    let bytes = withUnsafeBytes(of: address) { Array($0) }
    return ([UInt8(AF_INET), 0] + number + bytes + Array(repeating: 0, count: 8), 16)
  }
}
