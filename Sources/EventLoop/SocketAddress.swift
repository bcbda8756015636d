internal import CLinux
internal import Egress

/// One IPv4 or IPv6 address with a port, or the path of a unix socket, as the system's calls take it.
package struct SocketAddress: Sendable, Hashable, CustomStringConvertible {
  /// The bytes of the `sockaddr`.
  let bytes: [UInt8]
  /// The address as numbers, such as `127.0.0.1` or `::1`; for a unix socket its path.
  package let host: String
  /// The TCP port; 0 for a unix socket.
  package let port: Int
  /// Whether this is an IPv6 address.
  package let isIPv6: Bool
  /// Whether this is a unix socket.
  package let isUnix: Bool

  /// Whether packets to this address never leave the machine (127.0.0.0/8, ::1 or a unix socket).
  package var isLoopback: Bool { isUnix || network?.special == .loopback }

  /// The address alone, as rules compare it; nil for a unix socket.
  var network: NetworkAddress? { unsafe bytes.withUnsafeBytes { unsafe NetworkAddress(socketAddress: $0) } }

  package var description: String {
    if isUnix { return "unix:\(host)" }
    return isIPv6 ? "[\(host)]:\(port)" : "\(host):\(port)"
  }

  /// A unix socket by its path; nil when the path is empty, holds a zero byte, or is longer than the 107 bytes that fit.
  init?(unixPath path: String) {
    let text = Array(path.utf8)
    let room = 108  // of `sun_path`, its zero byte included (unix(7))
    guard !text.isEmpty, text.count < room, !text.contains(0) else { return nil }
    let family = unsafe withUnsafeBytes(of: sa_family_t(AF_UNIX)) { unsafe Array($0) }
    bytes = family + text + Array(repeating: 0, count: room - text.count)
    host = path
    port = 0
    isIPv6 = false
    isUnix = true
  }

  /// Copies an address that the system's resolver returned; nil for other families.
  init?(copying address: UnsafePointer<sockaddr>, length: socklen_t) {
    let family = unsafe Int32(address.pointee.sa_family)
    guard family == AF_INET || family == AF_INET6 else { return nil }
    isIPv6 = family == AF_INET6
    isUnix = false
    unsafe bytes = [UInt8](UnsafeRawBufferPointer(start: address, count: Int(length)))
    var text = [UInt8](repeating: 0, count: Int(NI_MAXHOST))
    let status = unsafe text.withUnsafeMutableBytes { area in
      unsafe getnameinfo(
        address, length, area.baseAddress?.assumingMemoryBound(to: CChar.self), socklen_t(NI_MAXHOST), nil, 0,
        NI_NUMERICHOST)
    }
    guard status == 0, bytes.count >= 4 else { return nil }
    host = String(decoding: text.prefix { $0 != 0 }, as: UTF8.self)
    port = Int(bytes[2]) << 8 | Int(bytes[3])
  }

  /// Every address of a host name or literal, in the system's order of preference. Blocks: only on a thread of its own.
  ///
  /// - Throws: `EventLoopError.nameNotResolved`.
  static func resolve(host: String, port: Int) throws(EventLoopError) -> [SocketAddress] {
    var hints = unsafe addrinfo()
    unsafe hints.ai_family = AF_UNSPEC
    unsafe hints.ai_socktype = 1  // SOCK_STREAM, an enum on Linux
    unsafe hints.ai_flags = AI_NUMERICSERV | AI_ADDRCONFIG
    var list: UnsafeMutablePointer<addrinfo>?
    var status = unsafe getaddrinfo(host, String(port), &hints, &list)
    if status != 0 {
      // AI_ADDRCONFIG hides loopback addresses on a machine without any other network.
      unsafe hints.ai_flags = AI_NUMERICSERV
      status = unsafe getaddrinfo(host, String(port), &hints, &list)
    }
    guard status == 0 else {
      let reason = unsafe String(cString: gai_strerror(status))
      throw EventLoopError(.nameNotResolved, "the name '\(host)' has no address: \(reason)")
    }
    defer { unsafe freeaddrinfo(list) }
    var found: [SocketAddress] = []
    var next = unsafe list
    while let entry = unsafe next {
      if let raw = unsafe entry.pointee.ai_addr,
        let address = unsafe SocketAddress(copying: raw, length: entry.pointee.ai_addrlen), !found.contains(address)
      {
        found.append(address)
      }
      unsafe next = entry.pointee.ai_next
    }
    guard !found.isEmpty else { throw EventLoopError(.nameNotResolved, "the name '\(host)' has no address") }
    return found
  }

  /// The addresses with the families taking turns, beginning with the family that the system prefers (RFC 8305 §4).
  static func interleaved(_ addresses: [SocketAddress]) -> [SocketAddress] {
    guard let first = addresses.first else { return [] }
    var preferred = addresses.filter { $0.isIPv6 == first.isIPv6 }[...]
    var others = addresses.filter { $0.isIPv6 != first.isIPv6 }[...]
    var result: [SocketAddress] = []
    while !preferred.isEmpty || !others.isEmpty {
      if let next = preferred.popFirst() { result.append(next) }
      if let next = others.popFirst() { result.append(next) }
    }
    return result
  }
}
