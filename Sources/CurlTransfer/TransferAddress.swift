/// Where a URL leads: what may be shown of it. User, password and query are left out.
package struct TransferAddress: Sendable, Hashable, CustomStringConvertible {
  /// A name or an address literal, without brackets.
  package let host: String
  /// TCP port, 1...65535.
  package let port: Int
  /// Whether the scheme is https; otherwise it is http.
  package let isSecure: Bool
  /// The path, beginning with a slash.
  package let path: String

  /// Scheme, host, port and path.
  package var description: String {
    let authority = host.contains(":") ? "[\(host)]" : host
    let isStandard = port == (isSecure ? 443 : 80)
    return "\(isSecure ? "https" : "http")://\(authority)\(isStandard ? "" : ":\(port)")\(path)"
  }
}

package enum Loopback {
  /// Whether a numeric address is this machine's own: 127.0.0.0/8 or ::1, also mapped into IPv6.
  package static func isAddress(_ text: String) -> Bool {
    if text == "::1" { return true }
    let digits = text.hasPrefix("::ffff:") ? String(text.dropFirst(7)) : text
    return digits.hasPrefix("127.") && digits.split(separator: ".").count == 4
      && digits.allSatisfy { $0.isNumber || $0 == "." }
  }
}
