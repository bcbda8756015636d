internal import CCurl
internal import Secrets

/// Header lines as libcurl takes them.
enum HeaderLines {
  /// Lends a list of lines, and of `name: secret` if there is a secret; nil when there is none. The line with the secret
  /// lies in protected memory, and libcurl does not copy the list.
  static func lend(
    _ lines: [String], _ name: String, _ secret: SharedSecret?,
    _ body: (UnsafeMutablePointer<curl_slist>?) -> CURLcode
  ) -> CURLcode {
    var list: UnsafeMutablePointer<curl_slist>?
    defer { unsafe curl_slist_free_all(list) }
    for line in lines {
      guard let longer = unsafe curl_slist_append(list, line) else { return CURLE_OUT_OF_MEMORY }
      unsafe list = longer
    }
    guard let secret else { return unsafe body(list) }
    let line = unsafe secret.withBytes { bytes in
      SharedSecret(copying: unsafe [AnySequence("\(name): ".utf8), AnySequence(bytes)].joined())
    }
    return unsafe line.withCString { text in
      var first = unsafe curl_slist(data: UnsafeMutablePointer(mutating: text), next: list)
      return unsafe withUnsafeMutablePointer(to: &first) { unsafe body($0) }
    }
  }
}
