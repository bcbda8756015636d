internal import Metrics

/// What is counted of dials. The handles are looked up at each dial: dials are rare, and the backend may come after the
/// first.
enum DialMetrics {
  /// Counts the end of a dial.
  static func ended(_ result: Result<StreamSocket, EventLoopError>) {
    Counter(label: "sallyport_dials_total", dimensions: [("result", word(result))]).increment()
    guard case .failure(let error) = result, error.code == .egressRefused else { return }
    Counter(label: "sallyport_dials_refused_total", dimensions: [("reason", error.reason?.rawValue ?? "other")])
      .increment()
  }

  private static func word(_ result: Result<StreamSocket, EventLoopError>) -> String {
    switch result {
    case .success: "ok"
    case .failure(let error):
      switch error.code {
      case .connectFailed: "refused"
      case .connectTimedOut: "timeout"
      case .egressRefused: "egress_refused"
      case .proxyFailed: "proxy_failed"
      case .nameNotResolved: "dns"
      case .threadRefused, .descriptorRefused: "system"
      case .cancelled: "cancelled"
      }
    }
  }
}
