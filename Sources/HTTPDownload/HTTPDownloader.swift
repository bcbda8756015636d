internal import CurlTransfer
package import Egress
package import TLSClient

/// Downloads over HTTPS and HTTP with libcurl, on the caller's thread: for a command line, not for the worker.
///
/// Every address, also each one that an answer leads on to, is asked of the egress policy before its name is resolved, and
/// again before it is dialed. No cookies, no `.netrc`, no proxy but the configured one, no connection is kept.
package struct HTTPDownloader: Sendable {
  /// What may be dialed.
  package var egress = EgressPolicy.open
  /// The proxy on the way; nil: none. Variables of the environment are never consulted.
  package var proxy: ProxyConfiguration?
  /// Who may vouch for a server.
  package var trust = TLSConfiguration.Trust.systemRoots
  /// Time for resolving, connecting and the TLS handshake together.
  package var connectTimeout: Duration = .seconds(10)
  /// Time for one address, from the first byte sent to the last one received.
  package var timeout: Duration = .seconds(300)
  /// A transfer that brings less than `stallBytes` a second for this long is ended.
  package var stallTimeout: Duration = .seconds(30)
  package var stallBytes = 100
  /// How often an answer may lead on to another address.
  package var redirectLimit = 10
  /// The value of `User-Agent`.
  package var userAgent = "sallyport"
  /// Asked about once a second whether to go on.
  package var isCancelled: @Sendable () -> Bool = { false }

  package init() {}

  /// Downloads what an address holds. Blocks.
  ///
  /// - Parameter limit: the most bytes of the answer.
  /// - Throws: why there is no complete answer with status 200; what was received by then is dropped.
  package func get(_ url: DownloadURL, limit: Int) throws(DownloadError) -> [UInt8] {
    var url = url
    for _ in 0...redirectLimit {
      let answer = try ask(url, limit: limit)
      guard [301, 302, 303, 307, 308].contains(answer.status), let location = answer.location else {
        guard answer.status == 200 else { throw DownloadError(refusedBy: url, with: answer.status) }
        return answer.body
      }
      do throws(DownloadURL.Fault) {
        url = try url.following(location)
      } catch {
        throw DownloadError(.malformedAddress, "\(url) leads on to an address that \(error.reason)")
      }
    }
    throw DownloadError(.tooLarge, "\(url) leads on to yet another address after \(redirectLimit) of them")
  }

  private func ask(_ url: DownloadURL, limit: Int) throws(DownloadError) -> TransferAnswer {
    var request = TransferRequest(url: url.text, address: url.address, bodyLimit: limit)
    request.proxy = proxy?.proxy(forHost: url.host, port: url.port)
    if url.isSecure { request.tls = try context(trust, for: "\(url)") }
    if let proxy = request.proxy, proxy.isSecure {
      request.proxyTLS = try context(proxy.authorities.map { .file($0) } ?? .systemRoots, for: "the proxy")
    }
    request.egress = egress
    request.userAgent = userAgent
    request.connectTimeout = connectTimeout
    request.timeout = timeout
    request.stallTimeout = stallTimeout
    request.stallBytes = stallBytes
    request.isCancelled = isCancelled
    do throws(TransferFailure) {
      return try Transfer(request).perform()
    } catch {
      throw DownloadError(error, of: url, through: request.proxy, limit: limit)
    }
  }

  private func context(_ trust: TLSConfiguration.Trust, for peer: String) throws(DownloadError) -> TLSContext {
    do throws(TLSError) {
      var configuration = TLSConfiguration(trust: trust)
      configuration.demandsHTTP2 = false
      return try TLSContext.make(from: try TLSMaterial.read(configuration))
    } catch {
      throw DownloadError(.unusable, "TLS with \(peer) cannot be set up: \(error.message)")
    }
  }
}
