package import Secrets

/// The HTTP proxy that outbound connections go through, by `CONNECT` (RFC 9110 §9.3.6).
package struct ProxyTarget: Sendable, CustomStringConvertible {
  /// Name or literal of the proxy; IPv6 without brackets.
  package var host: String
  /// Its TCP port.
  package var port: Int
  /// What it asks for; nil: nothing.
  package var credentials: ProxyCredentials?
  /// Whether it is spoken to in TLS; what goes through its tunnels is secured by itself either way.
  package var isSecure: Bool
  /// PEM file, or a folder of them, of the authorities that may vouch for a proxy spoken to in TLS; nil: the system's.
  package var authorities: String?

  package init(host: String, port: Int, credentials: ProxyCredentials? = nil, isSecure: Bool = false) {
    self.host = host
    self.port = port
    self.credentials = credentials
    self.isSecure = isSecure
  }

  /// Host and port, never the credentials.
  package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// A proxy and the hosts that are dialed without it.
package struct ProxyConfiguration: Sendable {
  /// Where the proxy is.
  package var target: ProxyTarget
  /// What is dialed directly all the same.
  package var bypass: ProxyBypass

  package init(target: ProxyTarget, bypass: ProxyBypass = ProxyBypass()) {
    self.target = target
    self.bypass = bypass
  }

  /// The proxy to use for a destination; nil: dial directly.
  package func proxy(forHost host: String, port: Int) -> ProxyTarget? {
    bypass.matches(host: host, port: port) ? nil : target
  }
}

extension ProxyTarget {
  /// Reads `http://[user[:password]@]host[:port][/]`, or `https://…` for TLS to the proxy itself; without a scheme http is
  /// meant, without a port 80 or 443 as in any such URL.
  ///
  /// The first `:` ends the user, percent-encoding is undone in both, and neither ever becomes a `String`.
  ///
  /// - Throws: `EgressError.malformedSetting` without any part of the value that might be secret.
  package init(parsing url: SharedSecret) throws(EgressError) {
    let parsed = unsafe url.withBytes { bytes -> Result<ProxyTarget, EgressError> in
      Result { () throws(EgressError) in unsafe try Self.parse(bytes) }
    }
    self = try parsed.get()
  }

  private static func parse(_ bytes: UnsafeRawBufferPointer) throws(EgressError) -> ProxyTarget {
    let count = bytes.count
    guard count <= 8_192 else { throw fault("is longer than 8192 bytes") }
    /// Where a byte stands first, or last.
    func position(of mark: Character, last: Bool = false) -> Int? {
      let places = (0..<count).filter { unsafe bytes[$0] == mark.asciiValue }
      return last ? places.last : places.first
    }
    var start = 0
    var isSecure = false
    if let colon = position(of: ":"), colon + 3 <= count,
      unsafe bytes[colon + 1] == UInt8(ascii: "/"), unsafe bytes[colon + 2] == UInt8(ascii: "/")
    {
      isSecure = try Self.isSecure(scheme: unsafe String(decoding: bytes[..<colon], as: UTF8.self).lowercased())
      start = colon + 3
    }
    var credentials: ProxyCredentials?
    if let at = position(of: "@", last: true), at >= start {
      credentials = unsafe try readCredentials(bytes, start..<at)
      start = at + 1
    }
    var authority = unsafe String(decoding: bytes[start...], as: UTF8.self)
    if authority.hasSuffix("/") { authority.removeLast() }
    let (host, port) = try readAuthority(authority)
    return ProxyTarget(
      host: host, port: port ?? (isSecure ? 443 : 80), credentials: credentials, isSecure: isSecure)
  }

  private static func isSecure(scheme: String) throws(EgressError) -> Bool {
    guard scheme == "http" || scheme == "https" else { throw fault("has a scheme other than http and https") }
    return scheme == "https"
  }

  private static func readCredentials(
    _ bytes: UnsafeRawBufferPointer, _ range: Range<Int>
  ) throws(EgressError) -> ProxyCredentials {
    let colon = range.first { unsafe bytes[$0] == UInt8(ascii: ":") } ?? range.upperBound
    guard let user = unsafe decoded(bytes, range.lowerBound..<colon) else { throw badEncoding }
    let holdsColon = unsafe user.withBytes { unsafe $0.contains(UInt8(ascii: ":")) }
    guard !user.isEmpty, !holdsColon else { throw fault("has an empty user, or one with a ':' in it") }
    guard colon < range.upperBound else { return ProxyCredentials(user: user, password: .none) }
    guard let password = unsafe decoded(bytes, colon + 1..<range.upperBound) else { throw badEncoding }
    return ProxyCredentials(user: user, password: .fixed(password))
  }

  /// The bytes without percent-encoding, in protected memory; nil when a `%` is not followed by two digits.
  private static func decoded(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> SharedSecret? {
    var isWhole = true
    var index = range.lowerBound
    let plain = sequence(state: ()) { _ -> UInt8? in
      guard index < range.upperBound else { return nil }
      let byte = unsafe bytes[index]
      index += 1
      guard byte == UInt8(ascii: "%") else { return byte }
      guard index + 2 <= range.upperBound, let high = digit(unsafe bytes[index]),
        let low = digit(unsafe bytes[index + 1])
      else {
        isWhole = false
        return nil
      }
      index += 2
      return high << 4 | low
    }
    let secret = SharedSecret(copying: plain)
    return isWhole ? secret : nil
  }

  private static var badEncoding: EgressError { fault("has a '%' that two digits do not follow") }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }

  private static func readAuthority(_ text: String) throws(EgressError) -> (host: String, port: Int?) {
    var host = text[...]
    var tail: Substring = ""
    if text.hasPrefix("[") {
      guard let end = text.firstIndex(of: "]") else { throw fault("lacks the closing bracket") }
      host = text[text.index(after: text.startIndex)..<end]
      tail = text[text.index(after: end)...]
      guard NetworkAddress(String(host))?.isIPv6 ?? false else { throw fault("has no IPv6 address in its brackets") }
    } else if let colon = text.firstIndex(of: ":") {
      host = text[..<colon]
      tail = text[colon...]
      guard HostName.isPlausible(host) else { throw fault("has a host that is no name and no address") }
    } else {
      guard HostName.isPlausible(host) else { throw fault("has a host that is no name and no address") }
    }
    if tail.isEmpty { return (String(host), nil) }
    let digits = tail.dropFirst()
    guard tail.hasPrefix(":"), digits.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let port = Int(digits),
      (1...65_535).contains(port)
    else { throw fault("has a port that is no number from 1 to 65535, or a path") }
    return (String(host), port)
  }

  private static func fault(_ reason: String) -> EgressError { EgressError(.malformedSetting, reason) }
}
