internal import CurlTransfer
internal import Egress

/// What failed transfers and refusing servers say, turned into a cause and what to do about it.
extension DownloadError {
  /// The error for a transfer without a complete answer.
  init(_ failure: TransferFailure, of url: DownloadURL, through proxy: ProxyTarget?, limit: Int) {
    let text = failure.text
    let way = proxy.map { " through the proxy \($0)" } ?? ""
    switch failure.cause {
    case .tooLong: self.init(.tooLarge, "\(url) holds more than \(limit) bytes")
    case .policyNotTaken: self.init(.unusable, "libcurl did not take over the TLS settings for \(url)")
    case .egressRefused: self.init(.egressRefused, "\(url) may not be dialed: \(text)")
    case .proxyCredentialsUnreadable:
      self.init(.unusable, "the credentials for the proxy to \(url) cannot be read: \(text)")
    case .cancelled: self.init(.cancelled, "the download of \(url) was interrupted")
    case .hostNotResolved:
      self.init(.unreachable, "the name '\(url.host)' has no address (\(text)): check name and DNS")
    case .proxyNotResolved, .notConnected: self.init(.unreachable, "no connection to \(url)\(way): \(text)")
    case .timedOut:
      self.init(
        failure.isConnected ? .broken : .unreachable, "\(url)\(way) took too long, or sent next to nothing: \(text)")
    case .certificateRefused, .tlsFailed:
      let peer = failure.isAboutProxy ? "the proxy \(proxy?.description ?? "")" : "\(url)"
      self.init(
        .untrusted,
        "no TLS with \(peer): \(text): its certificate must be good now, be for that name, and come from an authority that "
          + "is trusted; SSL_CERT_FILE names others than the system's")
    case .notPrepared: self.init(.unusable, "libcurl could not prepare the request to \(url) (\(text))")
    case .notHTTP, .sendFailed, .receiveFailed, .other:
      guard failure.proxyStatus >= 300 else {
        self.init(.broken, "the connection to \(url)\(way) broke before the answer was complete: \(text)")
        return
      }
      self.init(
        failure.proxyStatus >= 500 ? .broken : .statusRefused,
        "the proxy \(proxy?.description ?? "") opens no tunnel to \(url) (HTTP \(failure.proxyStatus))")
    }
  }

  /// The error for an answer without what was asked for; a redirect comes here when it names no other address.
  init(refusedBy url: DownloadURL, with status: Int) {
    let answers = "\(url) answers with HTTP \(status)"
    switch status {
    case 301, 302, 303, 307, 308: self.init(.statusRefused, "\(answers), but names no other address")
    case 429, 500...: self.init(.serverFailed, "\(answers): the server is at fault or overloaded")
    case 401, 403:
      self.init(
        .statusRefused, "\(answers): it wants a user and password, or other ones than the address holds")
    default: self.init(.statusRefused, "\(answers): check the address")
    }
  }
}
