internal import CCurl
internal import CLinux
internal import Egress
internal import EventLoop
internal import Glibc
internal import Secrets
internal import TLSClient

/// One GET over a connection of its own. Blocks. Owns everything that libcurl borrows for the time of the transfer, and is
/// used on one thread, once.
@safe final class HTTPTransfer {
  /// What came back.
  enum Answer {
    case body([UInt8])
    /// The value of `Location`.
    case elsewhere(String)
  }

  private let settings: HTTPDownloader
  private let url: DownloadURL
  private let limit: Int
  private let proxy: ProxyTarget?
  private let tls: TLSContext?
  private let proxyTLS: TLSContext?
  private let handle: UnsafeMutableRawPointer
  private let errorText: UnsafeMutablePointer<CChar>
  /// Whether libcurl has asked for the policy of the TLS connection to the proxy, which comes before the server's.
  private var isProxySecured = false
  private var isServerSecured = false
  private var received: [UInt8] = []
  private var isTooLong = false
  private var refusals: [String] = []
  private var hasPolicyFault = false

  private static let isLibraryReady: Bool = {
    // Before libcurl, which would have OpenSSL read its configuration file.
    TLSContext.prepareLibrary()
    return curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK
  }()

  /// - Throws: for files of the TLS settings that cannot be used, and when the library gives no handle.
  init(_ settings: HTTPDownloader, _ url: DownloadURL, limit: Int) throws(DownloadError) {
    let proxy = settings.proxy(for: url)
    tls = url.isSecure ? try settings.context(settings.trust, for: "\(url)") : nil
    proxyTLS =
      proxy?.isSecure ?? false
      ? try settings.context(proxy?.authorities.map { .file($0) } ?? .systemRoots, for: "the proxy") : nil
    guard Self.isLibraryReady, let handle = unsafe curl_easy_init() else {
      throw DownloadError(.unusable, "no memory for a request to \(url)")
    }
    unsafe self.handle = handle
    self.settings = settings
    self.url = url
    self.limit = limit
    self.proxy = proxy
    unsafe errorText = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
    unsafe errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
  }

  deinit {
    unsafe curl_easy_cleanup(handle)
    unsafe errorText.deallocate()
  }

  /// - Throws: why there is no complete answer, or one with a status that is none of 200 and the redirects.
  func perform() throws(DownloadError) -> Answer {
    try checkNames()
    let proxyAuthorization = try readProxyAuthorization()
    let code = unsafe ProxyHeader.lend(proxyAuthorization) { headers in
      guard configure(), unsafe setProxy(headers) else { return CURLE_FAILED_INIT }
      return unsafe curl_easy_perform(handle)
    }
    guard code == CURLE_OK else { throw failure(code) }
    let status = unsafe sly_curl_status(handle)
    switch status {
    case 200: return .body(received)
    case 301, 302, 303, 307, 308:
      guard let location = unsafe sly_curl_header(handle, "Location").map({ unsafe String(cString: $0) }) else {
        throw DownloadError(.statusRefused, "\(url) answers with HTTP \(status), but names no other address")
      }
      return .elsewhere(location)
    case 429, 500...:
      throw DownloadError(.serverFailed, "\(url) answers with HTTP \(status): the server is at fault or overloaded")
    case 401, 403:
      throw DownloadError(
        .statusRefused,
        "\(url) answers with HTTP \(status): it wants a user and password, or other ones than the address holds")
    default:
      throw DownloadError(.statusRefused, "\(url) answers with HTTP \(status): check the address")
    }
  }

  private func checkNames() throws(DownloadError) {
    do throws(EgressError) {
      guard let proxy else { return try settings.egress.check(name: url.host, port: url.port) }
      try settings.egress.check(tunnelTo: url.host, port: url.port)
      try settings.egress.check(name: proxy.host, port: proxy.port)
    } catch {
      throw DownloadError(.egressRefused, "\(url) may not be dialed: \(error.message)")
    }
  }

  private func readProxyAuthorization() throws(DownloadError) -> SharedSecret? {
    do throws(EgressError) {
      return try proxy?.credentials?.authorization()
    } catch {
      throw DownloadError(.unusable, "the credentials for the proxy to \(url) cannot be read: \(error.message)")
    }
  }

  // MARK: Options

  private func configure() -> Bool {
    let user = unsafe Unmanaged.passUnretained(self).toOpaque()
    let isRequestSet =
      unsafe url.text.withCString { unsafe sly_curl_set_url(handle, $0) } == CURLE_OK
      && sly_curl_set_user_agent(handle, settings.userAgent) == CURLE_OK
      && sly_curl_set_http_1_1(handle) == CURLE_OK
    let seconds = Int(settings.stallTimeout.components.seconds)
    let areBoundsSet =
      unsafe sly_curl_set_protocols(handle, url.isSecure ? "https" : "http") == CURLE_OK
      && sly_curl_set_no_redirects(handle) == CURLE_OK && sly_curl_set_no_signals(handle) == CURLE_OK
      && sly_curl_set_no_netrc(handle) == CURLE_OK && sly_curl_set_no_http09(handle) == CURLE_OK
      && sly_curl_set_no_reuse(handle) == CURLE_OK
      && sly_curl_set_timeout_ms(handle, Self.milliseconds(settings.timeout)) == CURLE_OK
      && sly_curl_set_connect_timeout_ms(handle, Self.milliseconds(settings.connectTimeout)) == CURLE_OK
      && sly_curl_set_low_speed(handle, settings.stallBytes, max(1, seconds)) == CURLE_OK
    let isTLSSet =
      unsafe sly_curl_set_verification(handle) == CURLE_OK && sly_curl_set_no_built_in_trust(handle) == CURLE_OK
      && sly_curl_set_no_sessions(handle) == CURLE_OK
      && sly_curl_set_tls_callback(handle, Self.tlsCallback, user) == CURLE_OK
    let areCallbacksSet =
      unsafe sly_curl_set_socket_callback(handle, Self.socketCallback, user) == CURLE_OK
      && sly_curl_set_write_callback(handle, Self.writeCallback, user) == CURLE_OK
      && sly_curl_set_progress_callback(handle, Self.progressCallback, user) == CURLE_OK
      && sly_curl_set_error_buffer(handle, errorText) == CURLE_OK
    return isRequestSet && areBoundsSet && isTLSSet && areCallbacksSet
  }

  private func setProxy(_ headers: UnsafeMutablePointer<curl_slist>?) -> Bool {
    guard let proxy else {
      // An empty name, since without one the environment's variables would count.
      return unsafe sly_curl_set_proxy(handle, "") == CURLE_OK
    }
    if proxy.isSecure {
      guard proxyTLS != nil, unsafe sly_curl_set_proxy_verification(handle) == CURLE_OK else { return false }
    }
    return unsafe sly_curl_set_proxy(handle, "\(proxy.isSecure ? "https" : "http")://\(proxy)") == CURLE_OK
      && sly_curl_set_no_proxy(handle, "") == CURLE_OK && sly_curl_set_proxy_tunnel(handle) == CURLE_OK
      && sly_curl_set_proxy_headers(handle, headers) == CURLE_OK
  }

  private static func milliseconds(_ duration: Duration) -> Int {
    max(1, Int(duration.clampedNanoseconds / 1_000_000))
  }

  // MARK: Callbacks

  private static let tlsCallback:
    @convention(c) (UnsafeMutableRawPointer?, UnsafeMutableRawPointer?, UnsafeMutableRawPointer?) -> CURLcode = {
      _, context, user in
      guard let context = unsafe context, let user = unsafe user else { return CURLE_SSL_CERTPROBLEM }
      let transfer = unsafe Unmanaged<HTTPTransfer>.fromOpaque(user).takeUnretainedValue()
      return unsafe transfer.givePolicy(to: context) ? CURLE_OK : CURLE_SSL_CERTPROBLEM
    }

  /// Gives libcurl's context the policy of the connection that it is for: to the proxy first, then to the server.
  private func givePolicy(to context: UnsafeMutableRawPointer) -> Bool {
    let isForProxy = proxyTLS != nil && !isProxySecured
    if isForProxy { isProxySecured = true } else { isServerSecured = true }
    let (policy, host) = isForProxy ? (proxyTLS, proxy?.host ?? "") : (tls, url.host)
    let isGiven = unsafe policy?.share(with: context, host: host) ?? false
    if !isGiven { hasPolicyFault = true }
    return isGiven
  }

  private static let socketCallback: curl_opensocket_callback = { user, _, address in
    guard let user = unsafe user, let address = unsafe address else { return -1 }
    let transfer = unsafe Unmanaged<HTTPTransfer>.fromOpaque(user).takeUnretainedValue()
    return unsafe transfer.openSocket(address)
  }

  /// Opens a socket for an address that may be dialed; -1: it may not, and libcurl tries the next.
  private func openSocket(_ address: UnsafeMutablePointer<curl_sockaddr>) -> Int32 {
    let (host, port) = proxy.map { ($0.host, $0.port) } ?? (url.host, url.port)
    guard let text = unsafe Self.numeric(address), let parsed = NetworkAddress(text) else {
      refusals.append("'\(host)' has an address that is neither IPv4 nor IPv6")
      return -1
    }
    do throws(EgressError) {
      try settings.egress.check(address: parsed, port: port, for: host)
    } catch {
      refusals.append(error.message)
      return -1
    }
    return unsafe socket(
      address.pointee.family, address.pointee.socktype | Int32(SOCK_CLOEXEC.rawValue), address.pointee.protocol)
  }

  private static func numeric(_ address: UnsafeMutablePointer<curl_sockaddr>) -> String? {
    guard let offset = MemoryLayout<curl_sockaddr>.offset(of: \.addr) else { return nil }
    let raw = unsafe UnsafeRawPointer(address).advanced(by: offset).assumingMemoryBound(to: sockaddr.self)
    var text = [CChar](repeating: 0, count: 256)
    let status = unsafe getnameinfo(raw, address.pointee.addrlen, &text, 256, nil, 0, NI_NUMERICHOST)
    guard status == 0 else { return nil }
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  private static let writeCallback: curl_write_callback = { bytes, size, count, user in
    guard let bytes = unsafe bytes, let user = unsafe user else { return 0 }
    let transfer = unsafe Unmanaged<HTTPTransfer>.fromOpaque(user).takeUnretainedValue()
    return unsafe transfer.take(UnsafeRawBufferPointer(start: bytes, count: size * count)) ? size * count : 0
  }

  /// Keeps a piece of the body. False: it is longer than was asked for, and the transfer ends.
  private func take(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard received.count + bytes.count <= limit else {
      isTooLong = true
      return false
    }
    unsafe received.append(contentsOf: bytes)
    return true
  }

  private static let progressCallback: curl_xferinfo_callback = { user, _, _, _, _ in
    guard let user = unsafe user else { return 1 }
    let transfer = unsafe Unmanaged<HTTPTransfer>.fromOpaque(user).takeUnretainedValue()
    return transfer.settings.isCancelled() ? 1 : 0
  }

  // MARK: Failures

  private func failure(_ code: CURLcode) -> DownloadError {
    let told = unsafe String(cString: errorText)
    let text = told.isEmpty ? unsafe String(cString: curl_easy_strerror(code)) : told
    let isConnected = unsafe sly_curl_connected_after(handle) > 0
    if isTooLong { return DownloadError(.tooLarge, "\(url) holds more than \(limit) bytes") }
    if hasPolicyFault { return DownloadError(.unusable, "libcurl did not take over the TLS settings for \(url)") }
    if !isConnected, let refusal = refusals.first {
      return DownloadError(.egressRefused, "\(url) may not be dialed: \(refusal)")
    }
    let way = proxy.map { " through the proxy \($0)" } ?? ""
    switch code {
    case CURLE_ABORTED_BY_CALLBACK: return DownloadError(.cancelled, "the download of \(url) was interrupted")
    case CURLE_COULDNT_RESOLVE_HOST:
      return DownloadError(.unreachable, "the name '\(url.host)' has no address (\(text)): check name and DNS")
    case CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_CONNECT:
      return DownloadError(.unreachable, "no connection to \(url)\(way): \(text)")
    case CURLE_OPERATION_TIMEDOUT:
      return DownloadError(
        isConnected ? .broken : .unreachable, "\(url)\(way) took too long, or sent next to nothing: \(text)")
    case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_CONNECT_ERROR,
      CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER, CURLE_USE_SSL_FAILED:
      let peer = isProxySecured && !isServerSecured ? "the proxy \(proxy.map { "\($0)" } ?? "")" : "\(url)"
      return DownloadError(
        .untrusted,
        "no TLS with \(peer): \(text): its certificate must be good now, be for that name, and come from an authority that "
          + "is trusted; SSL_CERT_FILE names others than the system's")
    case CURLE_OUT_OF_MEMORY, CURLE_FAILED_INIT, CURLE_NOT_BUILT_IN, CURLE_UNKNOWN_OPTION:
      return DownloadError(.unusable, "libcurl could not prepare the request to \(url) (\(text))")
    default: break
    }
    let proxyStatus = unsafe sly_curl_proxy_status(handle)
    if proxyStatus >= 300 {
      return DownloadError(
        proxyStatus >= 500 ? .broken : .statusRefused,
        "the proxy \(proxy.map { "\($0)" } ?? "") opens no tunnel to \(url) (HTTP \(proxyStatus))")
    }
    return DownloadError(.broken, "the connection to \(url)\(way) broke before the answer was complete: \(text)")
  }
}

/// The header line with the proxy's credentials, as libcurl takes it. It lies in protected memory, and libcurl does not copy
/// the list.
private enum ProxyHeader {
  static func lend(_ secret: SharedSecret?, _ body: (UnsafeMutablePointer<curl_slist>?) -> CURLcode) -> CURLcode {
    guard let secret else { return body(nil) }
    let line = unsafe secret.withBytes { bytes in
      SharedSecret(copying: unsafe [AnySequence("Proxy-Authorization: ".utf8), AnySequence(bytes)].joined())
    }
    return unsafe line.withCString { text in
      var entry = unsafe curl_slist(data: UnsafeMutablePointer(mutating: text), next: nil)
      return unsafe withUnsafeMutablePointer(to: &entry) { unsafe body($0) }
    }
  }
}
