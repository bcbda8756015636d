internal import CCurl
internal import CLinux
internal import Egress
internal import EventLoop
internal import Glibc
internal import Secrets
internal import TLSClient

/// One HTTP/1.1 request over a connection of its own. Blocks: only on a thread that may.
///
/// The egress policy is asked for every name before it is resolved, and for every address before it is dialed. No redirects,
/// no cookies, no `.netrc`, no proxy of the environment. Owns everything that libcurl borrows for the time of the transfer,
/// and is used on one thread, once. Form and `Authorization` stay in protected memory; libcurl's own send buffer, which holds
/// them for a moment, cannot be wiped.
@safe package final class Transfer {
  private let request: TransferRequest
  /// Nil: no memory, which `perform` reports.
  private let handle: UnsafeMutableRawPointer?
  private let errorText: UnsafeMutablePointer<CChar>
  /// Whether libcurl has asked for the policy of the TLS connection to the proxy, which comes before the server's.
  private var isProxySecured = false
  /// Whether it has asked for the server's.
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

  /// Dials nothing yet.
  package init(_ request: TransferRequest) {
    self.request = request
    unsafe handle = Self.isLibraryReady ? curl_easy_init() : nil
    unsafe errorText = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
    unsafe errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    if request.isAnswerSecret { received.reserveCapacity(request.bodyLimit) }
  }

  deinit {
    unsafe curl_easy_cleanup(handle)
    unsafe errorText.deallocate()
    if request.isAnswerSecret { wipe() }
  }

  /// Overwrites what was received. The caller must have let go of the answer's body.
  package func wipe() {
    unsafe received.withUnsafeMutableBytes { area in
      if let start = area.baseAddress { unsafe explicit_bzero(start, area.count) }
    }
    received = []
  }

  /// Sends the request and reads the answer.
  ///
  /// - Throws: why there is no complete answer; what was received by then stays inside.
  package func perform() throws(TransferFailure) -> TransferAnswer {
    guard unsafe handle != nil else { throw TransferFailure(cause: .notPrepared, text: "no memory") }
    try checkNames()
    let proxyAuthorization = try readProxyAuthorization()
    let code = unsafe HeaderLines.lend(request.headers, "Authorization", request.authorization) { lines in
      unsafe HeaderLines.lend([], "Proxy-Authorization", proxyAuthorization) { proxyLines in
        guard unsafe configure(lines), unsafe setProxy(proxyLines) else { return CURLE_FAILED_INIT }
        guard let form = request.form else { return unsafe curl_easy_perform(handle) }
        return unsafe form.withBytes { bytes in
          let code = unsafe sly_curl_set_body(handle, bytes.baseAddress, bytes.count)
          return unsafe code == CURLE_OK ? curl_easy_perform(handle) : CURLE_FAILED_INIT
        }
      }
    }
    guard code == CURLE_OK else { throw failure(code) }
    let retryAfter = unsafe sly_curl_retry_after(handle)
    return TransferAnswer(
      status: unsafe sly_curl_status(handle), body: received, contentType: header("Content-Type"),
      location: header("Location"), retryAfter: retryAfter > 0 ? .seconds(retryAfter) : nil,
      serverTime: header("Date").flatMap { text in
        let time = unsafe curl_getdate(text, nil)
        return time > 0 ? time : nil
      })
  }

  private func checkNames() throws(TransferFailure) {
    let (address, egress) = (request.address, request.egress)
    do throws(EgressError) {
      guard let proxy = request.proxy else { return try egress.check(name: address.host, port: address.port) }
      try egress.check(tunnelTo: address.host, port: address.port)
      try egress.check(name: proxy.host, port: proxy.port)
    } catch {
      throw TransferFailure(cause: .egressRefused, text: error.message)
    }
  }

  private func readProxyAuthorization() throws(TransferFailure) -> SharedSecret? {
    do throws(EgressError) {
      return try request.proxy?.credentials?.authorization()
    } catch {
      throw TransferFailure(cause: .proxyCredentialsUnreadable, text: error.message)
    }
  }

  private func header(_ name: String) -> String? {
    unsafe sly_curl_header(handle, name).map { unsafe String(cString: $0) }
  }

  // MARK: Options

  private func configure(_ headers: UnsafeMutablePointer<curl_slist>?) -> Bool {
    let user = unsafe Unmanaged.passUnretained(self).toOpaque()
    let isRequestSet =
      unsafe request.url.withCString { unsafe sly_curl_set_url(handle, $0) } == CURLE_OK
      && sly_curl_set_headers(handle, headers) == CURLE_OK
      && sly_curl_set_user_agent(handle, request.userAgent) == CURLE_OK
      && sly_curl_set_http_1_1(handle) == CURLE_OK
    let stallSeconds = max(1, Int(request.stallTimeout.components.seconds))
    let areBoundsSet =
      unsafe sly_curl_set_protocols(handle, request.address.isSecure ? "https" : "http") == CURLE_OK
      && sly_curl_set_no_redirects(handle) == CURLE_OK && sly_curl_set_no_signals(handle) == CURLE_OK
      && sly_curl_set_no_netrc(handle) == CURLE_OK && sly_curl_set_no_http09(handle) == CURLE_OK
      && sly_curl_set_no_reuse(handle) == CURLE_OK
      && sly_curl_set_timeout_ms(handle, Self.milliseconds(request.timeout)) == CURLE_OK
      && sly_curl_set_connect_timeout_ms(handle, Self.milliseconds(request.connectTimeout)) == CURLE_OK
      && sly_curl_set_low_speed(handle, request.stallBytes, stallSeconds) == CURLE_OK
    let isTLSSet =
      unsafe sly_curl_set_verification(handle) == CURLE_OK && sly_curl_set_no_built_in_trust(handle) == CURLE_OK
      && sly_curl_set_no_sessions(handle) == CURLE_OK
      && sly_curl_set_tls_callback(handle, Self.tlsCallback, user) == CURLE_OK
    let areCallbacksSet =
      unsafe sly_curl_set_socket_callback(handle, Self.socketCallback, user) == CURLE_OK
      && sly_curl_set_write_callback(handle, Self.writeCallback, user) == CURLE_OK
      && (request.isCancelled == nil
        || sly_curl_set_progress_callback(handle, Self.progressCallback, user) == CURLE_OK)
      && sly_curl_set_error_buffer(handle, errorText) == CURLE_OK
    return isRequestSet && areBoundsSet && isTLSSet && areCallbacksSet
  }

  private func setProxy(_ headers: UnsafeMutablePointer<curl_slist>?) -> Bool {
    guard let proxy = request.proxy else {
      // An empty name, since without one the environment's variables would count.
      return unsafe sly_curl_set_proxy(handle, "") == CURLE_OK
    }
    if proxy.isSecure {
      guard request.proxyTLS != nil, unsafe sly_curl_set_proxy_verification(handle) == CURLE_OK else { return false }
    }
    return unsafe sly_curl_set_proxy(handle, "\(proxy.isSecure ? "https" : "http")://\(proxy)") == CURLE_OK
      && sly_curl_set_no_proxy(handle, "") == CURLE_OK && sly_curl_set_proxy_tunnel(handle) == CURLE_OK
      && sly_curl_set_proxy_headers(handle, headers) == CURLE_OK
  }

  private static func milliseconds(_ duration: Duration) -> Int {
    max(1, Int(duration.clampedNanoseconds / 1_000_000))
  }

  // MARK: Callbacks

  private static func of(_ user: UnsafeMutableRawPointer) -> Transfer {
    unsafe Unmanaged<Transfer>.fromOpaque(user).takeUnretainedValue()
  }

  private static let tlsCallback:
    @convention(c) (UnsafeMutableRawPointer?, UnsafeMutableRawPointer?, UnsafeMutableRawPointer?) -> CURLcode = {
      _, context, user in
      guard let context = unsafe context, let user = unsafe user else { return CURLE_SSL_CERTPROBLEM }
      return unsafe of(user).givePolicy(to: context) ? CURLE_OK : CURLE_SSL_CERTPROBLEM
    }

  /// Gives libcurl's context the policy of the connection that it is for: to the proxy first, then to the server.
  private func givePolicy(to context: UnsafeMutableRawPointer) -> Bool {
    let isForProxy = request.proxyTLS != nil && !isProxySecured
    if isForProxy { isProxySecured = true } else { isServerSecured = true }
    let (policy, host) =
      isForProxy ? (request.proxyTLS, request.proxy?.host ?? "") : (request.tls, request.address.host)
    let isGiven = unsafe policy?.share(with: context, host: host) ?? false
    if !isGiven { hasPolicyFault = true }
    return isGiven
  }

  private static let socketCallback: curl_opensocket_callback = { user, _, address in
    guard let user = unsafe user, let address = unsafe address else { return -1 }
    return unsafe of(user).openSocket(address)
  }

  /// Opens a socket for an address that may be dialed; -1: it may not, and libcurl tries the next.
  private func openSocket(_ address: UnsafeMutablePointer<curl_sockaddr>) -> Int32 {
    let (host, port) = request.proxy.map { ($0.host, $0.port) } ?? (request.address.host, request.address.port)
    guard let parsed = unsafe Self.numeric(address) else {
      refusals.append("'\(host)' has an address that is neither IPv4 nor IPv6")
      return -1
    }
    guard !request.isLoopbackOnly || Loopback.isAddress("\(parsed)") else {
      refusals.append("'\(host)' resolves to \(parsed), but without TLS only this machine may be dialed: use https://")
      return -1
    }
    do throws(EgressError) {
      try request.egress.check(address: parsed, port: port, for: host)
    } catch {
      refusals.append(error.message)
      return -1
    }
    return unsafe socket(
      address.pointee.family, address.pointee.socktype | Int32(SOCK_CLOEXEC.rawValue), address.pointee.protocol)
  }

  private static func numeric(_ address: UnsafeMutablePointer<curl_sockaddr>) -> NetworkAddress? {
    guard let offset = MemoryLayout<curl_sockaddr>.offset(of: \.addr) else { return nil }
    return unsafe NetworkAddress(
      socketAddress: UnsafeRawBufferPointer(
        start: UnsafeRawPointer(address).advanced(by: offset), count: Int(address.pointee.addrlen)))
  }

  private static let writeCallback: curl_write_callback = { bytes, size, count, user in
    guard let bytes = unsafe bytes, let user = unsafe user else { return 0 }
    return unsafe of(user).take(UnsafeRawBufferPointer(start: bytes, count: size * count)) ? size * count : 0
  }

  /// Keeps a piece of the body. False: it is longer than any answer may be, and the transfer ends.
  private func take(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard received.count + bytes.count <= request.bodyLimit else {
      isTooLong = true
      return false
    }
    unsafe received.append(contentsOf: bytes)
    return true
  }

  private static let progressCallback: curl_xferinfo_callback = { user, _, _, _, _ in
    guard let user = unsafe user else { return 1 }
    return unsafe of(user).request.isCancelled?() ?? false ? 1 : 0
  }

  // MARK: Failures

  private func failure(_ code: CURLcode) -> TransferFailure {
    if isTooLong { return TransferFailure(cause: .tooLong, text: "longer than \(request.bodyLimit) bytes") }
    if hasPolicyFault { return TransferFailure(cause: .policyNotTaken, text: "TLS settings not taken over") }
    let isConnected = unsafe sly_curl_connected_after(handle) > 0
    if !isConnected, let refusal = refusals.first { return TransferFailure(cause: .egressRefused, text: refusal) }
    let told = unsafe String(cString: errorText)
    return TransferFailure(
      cause: TransferFailure.Cause(code), text: told.isEmpty ? unsafe String(cString: curl_easy_strerror(code)) : told,
      isConnected: isConnected, isAboutProxy: isProxySecured && !isServerSecured,
      verification: unsafe sly_curl_verify_result(handle), proxyStatus: unsafe sly_curl_proxy_status(handle))
  }
}
