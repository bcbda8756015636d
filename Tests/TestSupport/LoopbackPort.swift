import Foundation

/// TCP and UDP ports of 127.0.0.1.
package enum LoopbackPort {
  /// A port that nobody listens on now.
  package static func free() throws -> Int {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    return try take(0, for: descriptor)
  }

  /// Whether something accepts connections on a port.
  package static func accepts(_ port: Int) -> Bool {
    guard let descriptor = try? dial(port) else { return false }
    close(descriptor)
    return true
  }

  /// A socket that is connected to a port; the caller closes it.
  package static func dial(_ port: Int) throws -> Int32 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard (withAddress(port) { address, length in connect(descriptor, address, length) }).status == 0 else {
      close(descriptor)
      throw PeerError("nobody listens on \(port)")
    }
    return descriptor
  }

  /// Binds a socket to a port.
  ///
  /// - Parameter port: 0: any that is free.
  /// - Returns: the port.
  static func take(_ port: Int, for descriptor: Int32) throws -> Int {
    let (status, port) = withAddress(port) { address, length in
      bind(descriptor, address, length) == 0 ? getsockname(descriptor, address, &length) : -1
    }
    guard status == 0 else { throw PeerError("no port: errno \(errno)") }
    return port
  }

  /// Lends the address of a port, and reads the port that stands there afterwards.
  private static func withAddress(
    _ port: Int, _ body: (UnsafeMutablePointer<sockaddr>, inout socklen_t) -> Int32
  ) -> (status: Int32, port: Int) {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let status = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, &length) }
    }
    return (status, Int(UInt16(bigEndian: address.sin_port)))
  }
}
