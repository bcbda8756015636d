internal import COpenSSL

/// The error queue of OpenSSL, which belongs to the calling thread.
enum OpenSSLErrors {
  /// One entry: the part of the library, the reason's number and text.
  struct Entry {
    let library: Int32
    let reason: Int32
    let text: String

    /// Whether an algorithm was asked for that no loaded provider has. Decoders that did not fit leave the same reason
    /// under another part's number.
    var isUnsupportedAlgorithm: Bool {
      library == ERR_LIB_EVP
        && (text == "unsupported" || text == "unsupported algorithm" || text == "unknown pbe algorithm")
    }
  }

  /// Forgets older errors; called right before each operation whose error matters.
  static func clear() { ERR_clear_error() }

  /// Removes and returns what the queue holds, oldest first.
  static func take() -> [Entry] {
    var entries: [Entry] = []
    while entries.count < 16 {
      let code = ERR_get_error()
      guard code != 0 else { break }
      let text = unsafe ERR_reason_error_string(code).map { unsafe String(cString: $0) } ?? "error \(code)"
      entries.append(Entry(library: ERR_GET_LIB(code), reason: ERR_GET_REASON(code), text: text))
    }
    ERR_clear_error()
    return entries
  }
}
