internal import CCurl
internal import CLinux
internal import Egress
internal import EventLoop
internal import Glibc
internal import Secrets
internal import TLSClient

/// One POST over a connection of its own. Blocks: only on a thread of its own.
///
/// Owns everything that libcurl borrows for the time of the transfer, and is used on one thread, once. Body and
/// `Authorization` stay in protected memory; libcurl's own send buffer, which holds them for a moment, cannot be wiped.
@safe final class HTTPPost {
  /// What came back.
  struct Answer {
    var status: Int
    var body: [UInt8]
    var contentType: String?
    var retryAfter: Duration?
    /// Seconds since 1970 by the server's clock.
    var serverTime: Int?
  }

  private let configuration: TokenEndpointConfiguration
  private let handle: UnsafeMutableRawPointer
  private let body: SharedSecret
  private let tls: TLSContext?
  private let proxyTLS: TLSContext?
  /// Whether libcurl has asked for the policy of the TLS connection to the proxy, which comes before the endpoint's.
  private var isProxySecured = false
  /// Whether it has asked for the endpoint's.
  private var isEndpointSecured = false
  private let errorText: UnsafeMutablePointer<CChar>
  private var received: [UInt8] = []
  private var isTooLong = false
  private var refusals: [String] = []
  private var tlsFault = false

  private static let isLibraryReady: Bool = {
    // Before libcurl, which would have OpenSSL read its configuration file.
    TLSContext.prepareLibrary()
    return curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK
  }()

  /// Prepares a request.
  ///
  /// - Parameters:
  ///   - tls: trust and identity; nil for http, which is dialed on this machine only.
  ///   - proxyTLS: trust for a proxy that is spoken to in TLS; nil without such a proxy.
  /// - Throws: `OAuthError.exhausted` when the library gives no handle.
  init(
    _ configuration: TokenEndpointConfiguration, body: SharedSecret, tls: TLSContext?, proxyTLS: TLSContext? = nil
  ) throws(OAuthError) {
    guard Self.isLibraryReady, let handle = unsafe curl_easy_init() else {
      throw OAuthError(.exhausted, "no memory for a request to \(configuration.url)")
    }
    unsafe self.handle = handle
    self.configuration = configuration
    self.body = body
    self.tls = tls
    self.proxyTLS = proxyTLS
    unsafe errorText = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
    unsafe errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    received.reserveCapacity(TokenResponse.Limits.body)
  }

  deinit {
    unsafe curl_easy_cleanup(handle)
    unsafe errorText.deallocate()
    wipe()
  }

  /// Sends the request and reads the answer.
  ///
  /// - Parameter authorization: the value of `Authorization`, if there is to be one.
  /// - Throws: why there was no complete answer.
  func perform(authorization: SharedSecret?) throws(OAuthError) -> Answer {
    try checkNames()
    let proxyAuthorization = try readProxyAuthorization()
    let code = unsafe body.withBytes { bytes -> CURLcode in
      unsafe HeaderLines.lend(HeaderLines.request, "Authorization", authorization) { list in
        unsafe HeaderLines.lend([], "Proxy-Authorization", proxyAuthorization) { proxyList in
          guard unsafe configure(bytes, list), unsafe setProxy(proxyList) else { return CURLE_FAILED_INIT }
          return unsafe curl_easy_perform(handle)
        }
      }
    }
    guard code == CURLE_OK else { throw failure(code) }
    let retryAfter = unsafe sly_curl_retry_after(handle)
    return Answer(
      status: unsafe sly_curl_status(handle), body: received, contentType: header("Content-Type"),
      retryAfter: retryAfter > 0 ? .seconds(retryAfter) : nil,
      serverTime: header("Date").flatMap { text in
        let time = unsafe curl_getdate(text, nil)
        return time > 0 ? time : nil
      })
  }

  private func checkNames() throws(OAuthError) {
    let (url, egress) = (configuration.url, configuration.egress)
    do throws(EgressError) {
      guard let proxy = configuration.proxy else { return try egress.check(name: url.host, port: url.port) }
      try egress.check(tunnelTo: url.host, port: url.port)
      try egress.check(name: proxy.host, port: proxy.port)
    } catch {
      throw OAuthError(.egressRefused, "\(url) may not be dialed: \(error.message)")
    }
  }

  private func readProxyAuthorization() throws(OAuthError) -> SharedSecret? {
    do throws(EgressError) {
      return try configuration.proxy?.credentials?.authorization()
    } catch {
      throw OAuthError(
        .fileUnusable, "the credentials for the proxy to \(configuration.url) cannot be read: \(error.message)")
    }
  }

  /// Overwrites what was received. The caller must have let go of the answer's body.
  func wipe() {
    unsafe received.withUnsafeMutableBytes { area in
      if let start = area.baseAddress { unsafe explicit_bzero(start, area.count) }
    }
    received = []
  }

  private func header(_ name: String) -> String? {
    unsafe sly_curl_header(handle, name).map { unsafe String(cString: $0) }
  }

  // MARK: Options

  private func configure(_ bytes: UnsafeRawBufferPointer, _ headers: UnsafeMutablePointer<curl_slist>?) -> Bool {
    let user = unsafe Unmanaged.passUnretained(self).toOpaque()
    let isRequestSet =
      unsafe sly_curl_set_url(handle, configuration.url.text) == CURLE_OK
      && sly_curl_set_body(handle, bytes.baseAddress, bytes.count) == CURLE_OK
      && sly_curl_set_headers(handle, headers) == CURLE_OK
      && sly_curl_set_user_agent(handle, configuration.userAgent) == CURLE_OK
      && sly_curl_set_http_1_1(handle) == CURLE_OK
    let areBoundsSet =
      unsafe sly_curl_set_protocols(handle, configuration.url.isSecure ? "https" : "http") == CURLE_OK
      && sly_curl_set_no_redirects(handle) == CURLE_OK && sly_curl_set_no_signals(handle) == CURLE_OK
      && sly_curl_set_no_netrc(handle) == CURLE_OK && sly_curl_set_no_http09(handle) == CURLE_OK
      && sly_curl_set_no_reuse(handle) == CURLE_OK
      && sly_curl_set_timeout_ms(handle, Self.milliseconds(configuration.timeout)) == CURLE_OK
      && sly_curl_set_connect_timeout_ms(handle, Self.milliseconds(configuration.connectTimeout)) == CURLE_OK
    let isTLSSet =
      unsafe sly_curl_set_verification(handle) == CURLE_OK && sly_curl_set_no_built_in_trust(handle) == CURLE_OK
      && sly_curl_set_no_sessions(handle) == CURLE_OK
      && sly_curl_set_tls_callback(handle, Self.tlsCallback, user) == CURLE_OK
    let areCallbacksSet =
      unsafe sly_curl_set_socket_callback(handle, Self.socketCallback, user) == CURLE_OK
      && sly_curl_set_write_callback(handle, Self.writeCallback, user) == CURLE_OK
      && sly_curl_set_error_buffer(handle, errorText) == CURLE_OK
    return isRequestSet && areBoundsSet && isTLSSet && areCallbacksSet
  }

  private func setProxy(_ headers: UnsafeMutablePointer<curl_slist>?) -> Bool {
    guard let proxy = configuration.proxy else {
      // An empty name, since without one the environment's variables would count.
      return unsafe sly_curl_set_proxy(handle, "") == CURLE_OK
    }
    let host = proxy.host.contains(":") ? "[\(proxy.host)]" : proxy.host
    if proxy.isSecure {
      guard proxyTLS != nil, unsafe sly_curl_set_proxy_verification(handle) == CURLE_OK else { return false }
    }
    let scheme = proxy.isSecure ? "https" : "http"
    return unsafe sly_curl_set_proxy(handle, "\(scheme)://\(host):\(proxy.port)") == CURLE_OK
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
      let post = unsafe Unmanaged<HTTPPost>.fromOpaque(user).takeUnretainedValue()
      return unsafe post.givePolicy(to: context) ? CURLE_OK : CURLE_SSL_CERTPROBLEM
    }

  /// Gives libcurl's context the policy of the connection that it is for: to the proxy first, then to the endpoint.
  private func givePolicy(to context: UnsafeMutableRawPointer) -> Bool {
    let isForProxy = proxyTLS != nil && !isProxySecured
    let (policy, host) =
      isForProxy ? (proxyTLS, configuration.proxy?.host ?? "") : (tls, configuration.url.host)
    if isForProxy { isProxySecured = true } else { isEndpointSecured = true }
    let isGiven = unsafe policy?.share(with: context, host: host) ?? false
    if !isGiven { tlsFault = true }
    return isGiven
  }

  private static let socketCallback: curl_opensocket_callback = { user, _, address in
    guard let user = unsafe user, let address = unsafe address else { return -1 }
    let post = unsafe Unmanaged<HTTPPost>.fromOpaque(user).takeUnretainedValue()
    return unsafe post.openSocket(address)
  }

  /// Opens a socket for an address that may be dialed; -1: it may not, and libcurl tries the next.
  private func openSocket(_ address: UnsafeMutablePointer<curl_sockaddr>) -> Int32 {
    let dialed = configuration.proxy.map { ($0.host, $0.port) } ?? (configuration.url.host, configuration.url.port)
    guard let text = unsafe Self.numeric(address) else {
      refusals.append("'\(dialed.0)' has an address that is neither IPv4 nor IPv6")
      return -1
    }
    if !configuration.url.isSecure && !Loopback.isAddress(text) {
      refusals.append(
        "'\(dialed.0)' resolves to \(text), but without TLS only this machine may be dialed: use https://")
      return -1
    }
    do throws(EgressError) {
      guard let parsed = NetworkAddress(text) else {
        refusals.append("'\(dialed.0)' has an address that is neither IPv4 nor IPv6")
        return -1
      }
      try configuration.egress.check(address: parsed, port: dialed.1, for: dialed.0)
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
    let post = unsafe Unmanaged<HTTPPost>.fromOpaque(user).takeUnretainedValue()
    return unsafe post.take(UnsafeRawBufferPointer(start: bytes, count: size * count)) ? size * count : 0
  }

  /// Keeps a piece of the body. False: it is longer than any answer may be, and the transfer ends.
  private func take(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard received.count + bytes.count <= TokenResponse.Limits.body else {
      isTooLong = true
      return false
    }
    unsafe received.append(contentsOf: bytes)
    return true
  }

  // MARK: Failures

  private func failure(_ code: CURLcode) -> OAuthError {
    let told = unsafe String(cString: errorText)
    let text = told.isEmpty ? unsafe String(cString: curl_easy_strerror(code)) : told
    return TransferDiagnosis(
      code: code, text: text, url: configuration.url, proxy: configuration.proxy.map { "\($0.host):\($0.port)" },
      isAboutProxy: isProxySecured && !isEndpointSecured, trust: configuration.tls.trust, isTooLong: isTooLong,
      isPolicyFault: tlsFault, refusals: refusals,
      verification: unsafe sly_curl_verify_result(handle), proxyStatus: unsafe sly_curl_proxy_status(handle),
      isConnected: unsafe sly_curl_connected_after(handle) > 0, timeout: configuration.timeout
    ).error
  }
}

/// Header lines as libcurl takes them.
private enum HeaderLines {
  /// The lines of every token request; an empty `Expect` keeps libcurl from asking for leave to send the form.
  static let request = ["Accept: application/json", "Content-Type: application/x-www-form-urlencoded", "Expect:"]

  /// Lends a list of lines; nil when there is none. The line with the secret lies in protected memory, and libcurl does
  /// not copy the list.
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
