internal import COpenSSL
internal import Metrics

/// One TLS connection as a machine without input or output: ciphertext in and out, plaintext in and out (RFC 8446,
/// 5246).
///
/// Owns the OpenSSL object and its two memory buffers; used on one thread. After every call that can have produced
/// ciphertext (all of them) the owner sends what `takeCiphertext` returns.
@safe package final class TLSSession {
  /// What there is to read.
  package enum Plaintext: Sendable, Hashable {
    /// Decrypted bytes.
    case bytes([UInt8])
    /// Nothing until more ciphertext arrives.
    case wouldBlock
    /// The peer has said farewell in order.
    case ended
  }

  /// The object, for the report and for verifying anew.
  let handle: OpaquePointer
  private let context: TLSContext
  private let incoming: MemoryBIO
  private let outgoing: MemoryBIO
  /// The name or address that the server's certificate must carry.
  let expectedName: String
  /// What verifying the server found.
  let verification: ServerVerification
  private var startOfInput: [UInt8] = []
  private var hasEnded = false
  private var isCounted = false
  /// Whether the peer has sent anything under the finished handshake.
  private var hasHeard = false
  /// Whether the handshake is complete as far as this side can tell; a TLS 1.3 server may still refuse our certificate.
  package private(set) var isEstablished = false
  /// Whether the server has asked for a client certificate.
  package private(set) var wasAskedForCertificate = false

  /// Prepares a handshake.
  ///
  /// - Parameters:
  ///   - context: policy, trust and identity.
  ///   - host: the host that is dialed; its name is expected of the server unless the configuration names another.
  package init(context: TLSContext, host: String) throws(TLSError) {
    let expectedName = ServerName.normalized(context.configuration.serverName ?? host)
    if !ServerName.isAddress(expectedName), let fault = ServerName.fault(in: expectedName) {
      throw TLSError(.nameUnusable, "the TLS server name '\(expectedName)' \(fault)")
    }
    guard let handle = unsafe SSL_new(context.handle), let incoming = MemoryBIO(), let outgoing = MemoryBIO() else {
      throw TLSError(.exhausted, "no memory for a TLS session")
    }
    unsafe self.handle = handle
    self.context = context
    self.incoming = incoming
    self.outgoing = outgoing
    self.expectedName = expectedName
    verification = ServerVerification(context.configuration)
    // The session takes over one reference to each buffer; this object keeps its own.
    unsafe BIO_up_ref(incoming.handle)
    unsafe BIO_up_ref(outgoing.handle)
    unsafe SSL_set_bio(handle, incoming.handle, outgoing.handle)
    unsafe SSL_set_connect_state(handle)
    unsafe SSL_set_ex_data(handle, 0, Unmanaged.passUnretained(self).toOpaque())
    unsafe SSL_set_cert_cb(
      handle,
      { _, user in
        guard let user = unsafe user else { return 1 }
        unsafe Unmanaged<TLSSession>.fromOpaque(user).takeUnretainedValue().wasAskedForCertificate = true
        return 1
      }, Unmanaged.passUnretained(self).toOpaque())
    try expectName()
  }

  deinit {
    // TCP ended or time was over before TLS could say why.
    count("abandoned")
    unsafe SSL_free(handle)
  }

  /// Feeds ciphertext of the peer.
  package func receive(_ ciphertext: ArraySlice<UInt8>) {
    if !isEstablished && startOfInput.count < 64 { startOfInput.append(contentsOf: ciphertext.prefix(64)) }
    unsafe ciphertext.withUnsafeBytes { unsafe incoming.write($0) }
  }

  /// Ciphertext that waits to be taken.
  package var ciphertextCount: Int { outgoing.count }

  /// Removes and returns the ciphertext to be sent.
  package func takeCiphertext() -> [UInt8] { outgoing.takeAll() }

  /// Goes on with the handshake as far as the input allows. True: it is complete and HTTP/2 was agreed on.
  ///
  /// - Throws: why the handshake failed.
  package func handshake() throws(TLSError) -> Bool {
    guard !isEstablished else { return true }
    OpenSSLErrors.clear()
    let status = unsafe SSL_do_handshake(handle)
    guard status == 1 else {
      let kind = unsafe SSL_get_error(handle, status)
      if kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE { return false }
      throw failure()
    }
    guard negotiatedProtocol == "h2" || !context.configuration.demandsHTTP2 else {
      let chosen = negotiatedProtocol.isEmpty ? "empty" : negotiatedProtocol
      throw ended(
        TLSError(
          .noHTTP2,
          "the server speaks TLS but did not agree on HTTP/2 (ALPN \(chosen), not h2):"
            + " turn HTTP/2 on where TLS ends, or check host and port"))
    }
    guard wasAskedForCertificate || !context.configuration.requiresCertificateRequest else {
      throw ended(
        TLSError(
          .certificateNotRequested,
          "the server never asked for a client certificate although it must: TLS may end at a gateway that was not"
            + " meant; have it demand certificates, or do not require the request"))
    }
    isEstablished = true
    return true
  }

  /// Reads decrypted bytes, at most 16 KiB.
  ///
  /// - Throws: why the connection broke, among it the alert by which a TLS 1.3 server refuses our certificate.
  package func read() throws(TLSError) -> Plaintext {
    guard !hasEnded else { return .ended }
    OpenSSLErrors.clear()
    var status: Int32 = 0
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 16 << 10) { area, count in
      status = unsafe SSL_read(handle, area.baseAddress, Int32(area.count))
      count = Int(max(0, status))
    }
    if status > 0 {
      // A TLS 1.3 server judges our certificate after our handshake is over: its first bytes tell that it agrees.
      hasHeard = true
      count("ok")
      return .bytes(bytes)
    }
    switch unsafe SSL_get_error(handle, status) {
    case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return .wouldBlock
    case SSL_ERROR_ZERO_RETURN:
      hasEnded = true
      return .ended
    default: throw failure()
    }
  }

  /// Encrypts bytes. The buffers are in memory, so all of them are always taken.
  package func write(_ bytes: [UInt8]) throws(TLSError) {
    var offset = 0
    while offset < bytes.count {
      OpenSSLErrors.clear()
      let count = unsafe bytes[offset...].withUnsafeBytes {
        unsafe SSL_write(handle, $0.baseAddress, Int32(clamping: $0.count))
      }
      guard count > 0 else { throw failure() }
      offset += Int(count)
    }
  }

  /// Queues the farewell.
  package func close() {
    guard isEstablished, !hasEnded else { return }
    OpenSSLErrors.clear()
    unsafe SSL_shutdown(handle)
    _ = OpenSSLErrors.take()
  }

  /// What was agreed on, for logs: version and cipher suite.
  package var summary: String {
    let version = unsafe String(cString: SSL_get_version(handle))
    let cipher = unsafe SSL_get_current_cipher(handle).flatMap { unsafe SSL_CIPHER_get_name($0) }
    return unsafe cipher.map { unsafe "\(version) \(String(cString: $0))" } ?? version
  }

  /// The protocol that ALPN agreed on; empty: none.
  var negotiatedProtocol: String {
    var name: UnsafePointer<UInt8>?
    var count: UInt32 = 0
    unsafe SSL_get0_alpn_selected(handle, &name, &count)
    return unsafe String(decoding: UnsafeBufferPointer(start: name, count: Int(count)), as: UTF8.self)
  }

  private func expectName() throws(TLSError) {
    let parameters = unsafe SSL_get0_param(handle)
    let isAddress = ServerName.isAddress(expectedName)
    let isSet =
      unsafe Self.demand(expectedName, of: parameters, context.configuration)
      && (isAddress || sly_ssl_set_server_name(handle, expectedName) == 1)
    guard isSet else { throw TLSError(.nameUnusable, "'\(expectedName)' is not a server name or address") }
  }

  /// Has a verification demand a name or address. A SPIFFE identity, which is compared elsewhere, takes its place.
  static func demand(_ name: String, of parameters: OpaquePointer?, _ configuration: TLSConfiguration) -> Bool {
    if configuration.spiffeID != nil { return true }
    if ServerName.isAddress(name) { return unsafe X509_VERIFY_PARAM_set1_ip_asc(parameters, name) == 1 }
    unsafe X509_VERIFY_PARAM_set_hostflags(
      parameters, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT))
    return unsafe X509_VERIFY_PARAM_set1_host(parameters, name, 0) == 1
  }

  private func failure() -> TLSError {
    ended(
      TLSDiagnosis(
        errors: OpenSSLErrors.take(), verification: verification, expectedName: expectedName,
        configuration: context.configuration, wasAskedForCertificate: wasAskedForCertificate,
        isEstablished: isEstablished, startOfInput: startOfInput
      ).error)
  }

  /// Notes that the session is of no more use.
  private func ended(_ error: TLSError) -> TLSError {
    hasEnded = true
    count(error.code.rawValue)
    var error = error
    error.mayHaveReachedServer = isEstablished && (hasHeard || !error.isAboutClient)
    return error
  }

  /// Counts the handshake's result, once.
  private func count(_ result: String) {
    guard !isCounted else { return }
    isCounted = true
    Counter(label: "sallyport_tls_handshakes_total", dimensions: [("result", result)]).increment()
  }
}
