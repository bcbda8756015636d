internal import CCurl
internal import CLinux
internal import Glibc
package import Secrets

/// An address that is downloaded from, taken apart by the library that will dial it, so that both see the same host.
///
/// It may hold a user and password, which go to that host only (RFC 7617). Prints without them and without its query.
package struct DownloadURL: Sendable, CustomStringConvertible {
  /// Why a text is no such address; the text is not repeated.
  package struct Fault: Error, Sendable, Hashable {
    /// The end of a sentence that begins with the address.
    package let reason: String
  }

  /// The whole address as it is dialed.
  let text: SharedSecret
  /// A name or an address literal, without brackets.
  package let host: String
  /// TCP port, 1...65535.
  package let port: Int
  package let isSecure: Bool
  private let path: String
  private let hasUser: Bool

  /// Reads an address of at most 8192 visible ASCII characters.
  ///
  /// - Throws: `Fault`, also for a scheme other than http and https, and for a password that http would send in the clear to
  ///   another machine.
  package init(_ text: SharedSecret) throws(Fault) { try self.init(text, relativeTo: nil) }

  /// The address that an answer leads on to: `Location`, absolute or relative.
  ///
  /// User and password go along to the same scheme, host and port only, and from https there is no way to http.
  ///
  /// - Throws: `Fault` with the end of a sentence that begins with that address.
  func following(_ location: String) throws(Fault) -> DownloadURL {
    let next = try DownloadURL(SharedSecret(copying: location.utf8), relativeTo: self)
    guard next.isSecure || !isSecure else { throw Fault(reason: "is http://, to where https:// does not lead") }
    return next
  }

  private init(_ text: SharedSecret, relativeTo base: DownloadURL?) throws(Fault) {
    let isVisible = unsafe text.withBytes { bytes in unsafe bytes.allSatisfy { (33..<127).contains($0) } }
    guard isVisible, (1...8_192).contains(text.count) else {
      throw Fault(reason: "is empty, longer than 8192 bytes, or holds characters that no URL has")
    }
    guard let handle = unsafe curl_url() else { throw Fault(reason: "cannot be read: no memory") }
    defer { unsafe curl_url_cleanup(handle) }
    if let base {
      guard unsafe base.text.withCString({ unsafe curl_url_set(handle, CURLUPART_URL, $0, 0) }) == CURLUE_OK else {
        throw Fault(reason: "is no URL")
      }
    }
    let code = unsafe text.withCString { unsafe curl_url_set(handle, CURLUPART_URL, $0, 0) }
    guard code != CURLUE_UNSUPPORTED_SCHEME else { throw Self.otherScheme }
    guard code == CURLUE_OK, let scheme = unsafe Self.part(CURLUPART_SCHEME, of: handle) else {
      throw Fault(reason: "is no URL of the form https://host/path")
    }
    guard scheme == "https" || scheme == "http" else { throw Self.otherScheme }
    guard let host = unsafe Self.part(CURLUPART_HOST, of: handle), !host.isEmpty,
      let port = unsafe Self.part(CURLUPART_PORT, of: handle).flatMap({ Int($0) }), (1...65_535).contains(port)
    else { throw Fault(reason: "is no URL of the form https://host/path") }
    let isLiteral = host.hasPrefix("[") && host.hasSuffix("]")
    self.host = isLiteral ? String(host.dropFirst().dropLast()) : host
    self.port = port
    isSecure = scheme == "https"
    path = unsafe Self.part(CURLUPART_PATH, of: handle) ?? "/"
    if let base, base.hasUser, base.isSameServer(scheme: scheme, host: self.host, port: port),
      unsafe !Self.has(CURLUPART_USER, handle)
    {
      unsafe base.giveUser(to: handle)
    }
    hasUser = unsafe Self.has(CURLUPART_USER, handle) || Self.has(CURLUPART_PASSWORD, handle)
    guard isSecure || !hasUser || Loopback.isName(self.host) else {
      throw Fault(reason: "holds a user or password, which http:// would send in the clear: use https://")
    }
    guard let whole = unsafe Self.secret(CURLUPART_URL, of: handle) else { throw Fault(reason: "is no URL") }
    self.text = whole
  }

  private static var otherScheme: Fault { Fault(reason: "has a scheme other than https and http") }

  private func isSameServer(scheme: String, host: String, port: Int) -> Bool {
    isSecure == (scheme == "https") && self.host.lowercased() == host.lowercased() && self.port == port
  }

  private func giveUser(to handle: OpaquePointer) {
    guard let own = unsafe curl_url() else { return }
    defer { unsafe curl_url_cleanup(own) }
    guard unsafe text.withCString({ unsafe curl_url_set(own, CURLUPART_URL, $0, 0) }) == CURLUE_OK else { return }
    for part in [CURLUPART_USER, CURLUPART_PASSWORD] {
      guard let value = unsafe Self.secret(part, of: own) else { continue }
      _ = unsafe value.withCString { unsafe curl_url_set(handle, part, $0, 0) }
    }
  }

  private static func has(_ part: CURLUPart, _ handle: OpaquePointer) -> Bool { unsafe secret(part, of: handle) != nil }

  private static func part(_ part: CURLUPart, of handle: OpaquePointer) -> String? {
    var text: UnsafeMutablePointer<CChar>?
    let flags = part == CURLUPART_PORT ? UInt32(CURLU_DEFAULT_PORT) : 0
    guard unsafe curl_url_get(handle, part, &text, flags) == CURLUE_OK, let found = unsafe text else { return nil }
    defer { unsafe curl_free(found) }
    return unsafe String(cString: found)
  }

  /// A part that may be secret, libcurl's copy of it overwritten.
  private static func secret(_ part: CURLUPart, of handle: OpaquePointer) -> SharedSecret? {
    var text: UnsafeMutablePointer<CChar>?
    guard unsafe curl_url_get(handle, part, &text, 0) == CURLUE_OK, let found = unsafe text else { return nil }
    let count = unsafe strlen(found)
    defer {
      unsafe explicit_bzero(found, count)
      unsafe curl_free(found)
    }
    return unsafe SharedSecret(copying: UnsafeRawBufferPointer(start: found, count: count))
  }

  /// Scheme, host, port and path.
  package var description: String {
    let authority = host.contains(":") ? "[\(host)]" : host
    let isStandard = port == (isSecure ? 443 : 80)
    return "\(isSecure ? "https" : "http")://\(authority)\(isStandard ? "" : ":\(port)")\(path)"
  }
}

/// What counts as this machine by its spelling.
enum Loopback {
  static func isName(_ host: String) -> Bool {
    let name = host.lowercased()
    return name == "localhost" || name == "::1"
      || name.hasPrefix("127.") && name.allSatisfy { $0.isNumber || $0 == "." }
  }
}
