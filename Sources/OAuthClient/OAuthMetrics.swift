internal import CLinux
internal import Metrics

/// What is counted about token requests. Handles are looked up when made, one for each result.
struct OAuthMetrics: Sendable {
  private let succeeded = Counter(label: "sallyport_oauth_requests_total", dimensions: [("result", "success")])
  private let failed: [OAuthError.Code: Counter]
  private let expiry = Gauge(label: "sallyport_oauth_token_expiry_timestamp_seconds")

  init() {
    failed = Dictionary(
      uniqueKeysWithValues: OAuthError.Code.allCases.map { code in
        (code, Counter(label: "sallyport_oauth_requests_total", dimensions: [("result", code.rawValue)]))
      })
  }

  /// A request has come to its end.
  func requestEnded(_ result: Result<TokenGrant, OAuthError>) {
    switch result {
    case .success: succeeded.increment()
    case .failure(let error): failed[error.code]?.increment()
    }
  }

  /// The present token has this long to live.
  func tokenEnds(in time: Duration) { expiry.record(WallClock.now() + Int(time.components.seconds)) }
}

/// The time of day, which only says when something ends and never decides when something is done.
enum WallClock {
  /// Seconds since 1970.
  static func now() -> Int {
    var value = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &value)
    return Int(value.tv_sec)
  }
}
