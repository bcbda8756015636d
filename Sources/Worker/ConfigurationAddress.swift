import CLinux
import Glibc

/// The scheduler's address as configured: `host:port`, `[::1]:7233`, `http://…`, `https://…` or `unix:/path`.
package struct SchedulerAddress: Sendable, Hashable, CustomStringConvertible {
  /// What the address itself says about encryption.
  package enum Scheme: String, Sendable, Hashable {
    case http, https
  }

  /// Why a text is no address; the text is not repeated.
  package struct Fault: Error, Sendable, Hashable {
    /// The end of a sentence that begins with the address.
    package let reason: String
  }

  /// Temporal's own port, used when none is given.
  package static let standardPort = 7233

  /// Nil: nothing said.
  package let scheme: Scheme?
  /// A name or an address literal, without brackets.
  package let host: String
  /// TCP port, 1...65535.
  package let port: Int
  /// The unix socket to dial instead; the host is then `localhost`. Nil: none.
  package let socketPath: String?

  /// Reads an address; see the type.
  package init(_ text: String) throws(Fault) {
    if text.hasPrefix("unix:") {
      let path = String(text.dropFirst(text.hasPrefix("unix:///") ? 7 : 5))
      guard path.hasPrefix("/"), path.utf8.count <= 107, path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
        throw Fault(reason: "has no absolute path of at most 107 bytes after unix:")
      }
      (scheme, host, port, socketPath) = (nil, "localhost", SchedulerAddress.standardPort, path)
      return
    }
    socketPath = nil
    let (scheme, rest) = try SchedulerAddress.splitScheme(text)
    self.scheme = scheme
    guard !rest.contains("@") else { throw Fault(reason: "carries a user or password, which has no place there") }
    var authority = rest
    if authority.hasSuffix("/") { authority.removeLast() }
    guard !authority.contains(where: { "/?#\\".contains($0) }) else { throw Fault(reason: "has a path") }
    (host, port) = try SchedulerAddress.splitPort(authority)
  }

  private static func splitScheme(_ text: String) throws(Fault) -> (Scheme?, String) {
    let parts = text.split(separator: "://", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2 else { return (nil, text) }
    guard let scheme = Scheme(rawValue: parts[0].lowercased()) else {
      throw Fault(reason: "has a scheme other than http and https")
    }
    return (scheme, parts[1])
  }

  private static func splitPort(_ authority: String) throws(Fault) -> (host: String, port: Int) {
    var host = authority
    var port = ""
    if authority.hasPrefix("[") {
      guard let end = authority.firstIndex(of: "]") else { throw Fault(reason: "lacks the closing bracket") }
      host = String(authority[authority.index(after: authority.startIndex)..<end])
      let tail = authority[authority.index(after: end)...]
      guard tail.isEmpty || tail.hasPrefix(":") else { throw Fault(reason: "has something between host and port") }
      port = String(tail.dropFirst())
      guard isLiteral(host, AF_INET6) else { throw Fault(reason: "has no IPv6 address between its brackets") }
      if tail == ":" { throw Fault(reason: "lacks the port after its colon") }
    } else if let colon = authority.lastIndex(of: ":") {
      host = String(authority[..<colon])
      port = String(authority[authority.index(after: colon)...])
      guard !host.contains(":") else { throw Fault(reason: "needs brackets around its IPv6 address") }
      if port.isEmpty { throw Fault(reason: "lacks the port after its colon") }
    }
    guard !host.isEmpty else { throw Fault(reason: "lacks the host") }
    let isClean = host.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: ":"), UInt8(ascii: "%"):
        true
      default: false
      }
    }
    guard isClean && host.utf8.count <= 253 else { throw Fault(reason: "has a host that is no name and no address") }
    guard !port.isEmpty else { return (host, standardPort) }
    guard let number = Int(port), (1...65_535).contains(number), port.utf8.allSatisfy({ $0 < 0x3A && $0 >= 0x30 })
    else {
      throw Fault(reason: "has a port that is no number from 1 to 65535")
    }
    return (host, number)
  }

  /// Whether the host is this machine: `localhost`, 127.0.0.0/8, ::1 or a unix socket.
  package var isLoopback: Bool {
    if socketPath != nil { return true }
    let name = host.lowercased()
    if ["localhost", "localhost.", "::1", "0:0:0:0:0:0:0:1"].contains(name) || name.hasSuffix(".localhost") {
      return true
    }
    return name.hasPrefix("127.") && SchedulerAddress.isLiteral(name, AF_INET)
  }

  /// Whether a text is an IPv4 or IPv6 address.
  static func isLiteral(_ text: String) -> Bool { isLiteral(text, AF_INET) || isLiteral(text, AF_INET6) }

  private static func isLiteral(_ text: String, _ family: Int32) -> Bool {
    unsafe withUnsafeTemporaryAllocation(byteCount: 16, alignment: 8) { buffer in
      unsafe inet_pton(family, text.split(separator: "%").first.map(String.init) ?? text, buffer.baseAddress) == 1
    }
  }

  package var description: String {
    if let socketPath { return "unix:\(socketPath)" }
    return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
  }
}
