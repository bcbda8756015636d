internal import CCurl
internal import Glibc
package import Secrets

/// A URL taken apart by the library that will dial it, so that both see the same host. Owns libcurl's handle.
@safe package final class CurlURL {
  package enum Part {
    case whole, user, password, fragment

    fileprivate var code: CURLUPart {
      switch self {
      case .whole: CURLUPART_URL
      case .user: CURLUPART_USER
      case .password: CURLUPART_PASSWORD
      case .fragment: CURLUPART_FRAGMENT
      }
    }
  }

  /// Why a text is no address of a transfer.
  package enum Fault: Error { case noMemory, malformed, otherScheme }

  private let handle: OpaquePointer

  /// Reads a URL.
  ///
  /// - Throws: for schemes that libcurl does not know, and for what is no URL.
  package init(_ text: SharedSecret) throws(Fault) {
    guard let handle = unsafe curl_url() else { throw .noMemory }
    unsafe self.handle = handle
    try set(.whole, text)
  }

  deinit { unsafe curl_url_cleanup(handle) }

  /// Replaces a part; the whole by a URL, or by what a relative one leads to from here.
  package func set(_ part: Part, _ text: SharedSecret) throws(Fault) {
    switch unsafe text.withCString({ unsafe curl_url_set(handle, part.code, $0, 0) }) {
    case CURLUE_OK: return
    case CURLUE_UNSUPPORTED_SCHEME: throw .otherScheme
    default: throw .malformed
    }
  }

  /// A part that may be secret, libcurl's copy of it overwritten. Nil: the URL has none.
  package func secret(_ part: Part) -> SharedSecret? {
    var text: UnsafeMutablePointer<CChar>?
    guard unsafe curl_url_get(handle, part.code, &text, 0) == CURLUE_OK, let found = unsafe text else { return nil }
    let count = unsafe strlen(found)
    defer {
      unsafe explicit_bzero(found, count)
      unsafe curl_free(found)
    }
    return unsafe SharedSecret(copying: UnsafeRawBufferPointer(start: found, count: count))
  }

  package func has(_ part: Part) -> Bool { secret(part) != nil }

  /// - Throws: without a host or with a port that cannot be dialed, and for other schemes than https and http.
  package func address() throws(Fault) -> TransferAddress {
    guard let scheme = text(CURLUPART_SCHEME) else { throw .malformed }
    guard scheme == "https" || scheme == "http" else { throw .otherScheme }
    guard let host = text(CURLUPART_HOST), !host.isEmpty, let port = text(CURLUPART_PORT).flatMap({ Int($0) }),
      (1...65_535).contains(port)
    else { throw .malformed }
    let isLiteral = host.hasPrefix("[") && host.hasSuffix("]")
    return TransferAddress(
      host: isLiteral ? String(host.dropFirst().dropLast()) : host, port: port, isSecure: scheme == "https",
      path: text(CURLUPART_PATH) ?? "/")
  }

  private func text(_ part: CURLUPart) -> String? {
    var text: UnsafeMutablePointer<CChar>?
    let flags = part == CURLUPART_PORT ? UInt32(CURLU_DEFAULT_PORT) : 0
    guard unsafe curl_url_get(handle, part, &text, flags) == CURLUE_OK, let found = unsafe text else { return nil }
    defer { unsafe curl_free(found) }
    return unsafe String(cString: found)
  }
}
