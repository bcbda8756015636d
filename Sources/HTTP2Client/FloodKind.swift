internal import CNghttp2

/// What a peer floods a connection with; the raw value names it in metrics.
package enum FloodKind: String, Sendable, Hashable, CaseIterable {
  case ping
  case settings
  case emptyData = "empty_data"
  case priority
  case headers
  case continuation
  case windowUpdate = "window_update"
  case goAway = "goaway"
  /// Resets of streams that are gone.
  case reset
  /// Frames of types that this side does not know.
  case unknown
  /// Resets of the requests themselves, one after the other.
  case refusedRequests = "refused_requests"
  /// So many acknowledgements wait that nghttp2 gave up.
  case acknowledgements

  /// The kind that frames of a type count as.
  init(frame kind: UInt8) {
    self =
      switch UInt32(kind) {
      case NGHTTP2_DATA.rawValue: .emptyData
      case NGHTTP2_HEADERS.rawValue: .headers
      case NGHTTP2_PRIORITY.rawValue: .priority
      case NGHTTP2_RST_STREAM.rawValue: .reset
      case NGHTTP2_SETTINGS.rawValue: .settings
      case NGHTTP2_PING.rawValue: .ping
      case NGHTTP2_GOAWAY.rawValue: .goAway
      case NGHTTP2_WINDOW_UPDATE.rawValue: .windowUpdate
      case NGHTTP2_CONTINUATION.rawValue: .continuation
      default: .unknown
      }
  }

  /// What to call it in a sentence: "the server floods the connection with …".
  var text: String {
    switch self {
    case .ping: "PING frames"
    case .settings: "SETTINGS frames"
    case .emptyData: "DATA frames that carry nothing"
    case .priority: "PRIORITY frames"
    case .headers: "header blocks that no request asked for"
    case .continuation: "CONTINUATION frames"
    case .windowUpdate: "WINDOW_UPDATE frames"
    case .goAway: "GOAWAY frames"
    case .reset: "resets of streams that are gone"
    case .unknown: "frames of unknown types"
    case .refusedRequests: "resets of its requests"
    case .acknowledgements: "frames that must be acknowledged"
    }
  }
}
