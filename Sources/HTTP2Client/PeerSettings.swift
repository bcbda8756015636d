internal import CNghttp2

/// What the peer's SETTINGS say, by the names of RFC 9113 §6.5.2; what it did not mention has the standard's value.
package struct PeerSettings: Sendable, Hashable {
  /// One value.
  package struct Entry: Sendable, Hashable {
    /// Such as `MAX_CONCURRENT_STREAMS`.
    package var name: String
    /// The value as it counts now.
    package var value: UInt32
  }

  /// In the order of their numbers.
  package var entries: [Entry]
}

extension HTTP2Session {
  /// The peer's settings as they count now; of use once `isReady`.
  package var peerSettings: PeerSettings {
    let known: [(String, nghttp2_settings_id)] = [
      ("HEADER_TABLE_SIZE", NGHTTP2_SETTINGS_HEADER_TABLE_SIZE),
      ("MAX_CONCURRENT_STREAMS", NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS),
      ("INITIAL_WINDOW_SIZE", NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE),
      ("MAX_FRAME_SIZE", NGHTTP2_SETTINGS_MAX_FRAME_SIZE),
      ("MAX_HEADER_LIST_SIZE", NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE),
    ]
    return PeerSettings(
      entries: known.map { name, id in
        PeerSettings.Entry(name: name, value: unsafe nghttp2_session_get_remote_settings(handle, id))
      })
  }
}
