internal import CCurl

/// The address of a token endpoint, taken apart by the library that will dial it, so that both see the same host.
package struct TokenURL: Sendable, Hashable, CustomStringConvertible {
  /// Why a text is no such address; the text is not repeated.
  package struct Fault: Error, Sendable, Hashable {
    /// The end of a sentence that begins with the address.
    package let reason: String
  }

  /// The whole address as it is dialed.
  package let text: String
  /// A name or an address literal, without brackets.
  package let host: String
  /// TCP port, 1...65535.
  package let port: Int
  /// Whether the scheme is https; http is accepted for this machine only.
  package let isSecure: Bool
  /// The path, beginning with a slash.
  package let path: String

  /// Reads an address of at most 2048 visible ASCII characters.
  package init(_ text: String) throws(Fault) {
    guard text.utf8.allSatisfy({ (33..<127).contains($0) }), !text.isEmpty, text.utf8.count <= 2_048 else {
      throw Fault(reason: "is longer than 2048 bytes or holds characters that no URL has")
    }
    // libcurl forgives a wrong number of slashes; whoever wrote it meant something else.
    let lower = text.lowercased()
    guard let mark = ["https://", "http://"].first(where: { lower.hasPrefix($0) }) else {
      throw Fault(reason: "does not begin with https://")
    }
    guard !lower.dropFirst(mark.count).hasPrefix("/") else { throw Fault(reason: "lacks the host") }
    guard let handle = unsafe curl_url() else { throw Fault(reason: "cannot be read: no memory") }
    defer { unsafe curl_url_cleanup(handle) }
    guard unsafe curl_url_set(handle, CURLUPART_URL, text, 0) == CURLUE_OK,
      let scheme = unsafe Self.part(CURLUPART_SCHEME, of: handle),
      let host = unsafe Self.part(CURLUPART_HOST, of: handle), !host.isEmpty,
      let port = unsafe Self.part(CURLUPART_PORT, of: handle).flatMap({ Int($0) }), (1...65_535).contains(port)
    else { throw Fault(reason: "is no URL of the form https://host/path") }
    guard unsafe Self.part(CURLUPART_USER, of: handle) == nil, unsafe Self.part(CURLUPART_PASSWORD, of: handle) == nil
    else { throw Fault(reason: "carries a user or password, which has no place there") }
    guard unsafe Self.part(CURLUPART_FRAGMENT, of: handle) == nil else { throw Fault(reason: "has a fragment (#…)") }
    let isLiteral = host.hasPrefix("[") && host.hasSuffix("]")
    self.host = isLiteral ? String(host.dropFirst().dropLast()) : host
    self.text = text
    self.port = port
    isSecure = scheme == "https"
    path = unsafe Self.part(CURLUPART_PATH, of: handle) ?? "/"
    guard isSecure || Loopback.isName(self.host) else {
      throw Fault(
        reason: "is http://, which would send the client's secret unprotected to another machine: use https://")
    }
  }

  private static func part(_ part: CURLUPart, of handle: OpaquePointer) -> String? {
    var text: UnsafeMutablePointer<CChar>?
    let flags = part == CURLUPART_PORT ? UInt32(CURLU_DEFAULT_PORT) : 0
    guard unsafe curl_url_get(handle, part, &text, flags) == CURLUE_OK, let found = unsafe text else { return nil }
    defer { unsafe curl_free(found) }
    return unsafe String(cString: found)
  }

  /// Scheme, host, port and path: what error messages show. A query stays out.
  package var description: String {
    let authority = host.contains(":") ? "[\(host)]" : host
    let isStandard = port == (isSecure ? 443 : 80)
    return "\(isSecure ? "https" : "http")://\(authority)\(isStandard ? "" : ":\(port)")\(path)"
  }
}

/// What counts as this machine.
enum Loopback {
  /// Whether a host, by its spelling, is this machine. What it resolves to is checked again when dialing.
  static func isName(_ host: String) -> Bool {
    let name = host.lowercased()
    return name == "localhost" || name.hasSuffix(".localhost") || isAddress(name)
  }

  /// Whether a numeric address is this machine's own: 127.0.0.0/8 or ::1, also mapped into IPv6.
  static func isAddress(_ text: String) -> Bool {
    if text == "::1" { return true }
    let digits = text.hasPrefix("::ffff:") ? String(text.dropFirst(7)) : text
    return digits.hasPrefix("127.") && digits.split(separator: ".").count == 4
      && digits.allSatisfy { $0.isNumber || $0 == "." }
  }
}
