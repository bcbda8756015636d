internal import COpenSSL

/// One TLS connection as a machine without input or output: ciphertext in and out, plaintext in and out (RFC 8446, 5246).
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

  /// The object, for what describes the session.
  let handle: OpaquePointer
  private let context: TLSContext
  private let incoming: MemoryBIO
  private let outgoing: MemoryBIO
  /// The name or address that the server's certificate must carry.
  private let expectedName: String
  /// What the verification callback saw of a certificate that failed.
  fileprivate var rejected: (certificate: Certificate, reason: Int32)?
  private var startOfInput: [UInt8] = []
  private var hasEnded = false
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
    guard let handle = unsafe SSL_new(context.handle), let incoming = MemoryBIO(), let outgoing = MemoryBIO() else {
      throw TLSError(.exhausted, "no memory for a TLS session")
    }
    unsafe self.handle = handle
    self.context = context
    self.incoming = incoming
    self.outgoing = outgoing
    expectedName = ServerName.normalized(context.configuration.serverName ?? host)
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

  deinit { unsafe SSL_free(handle) }

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
    guard negotiatedProtocol == "h2" else {
      let chosen = negotiatedProtocol.isEmpty ? "empty" : negotiatedProtocol
      throw TLSError(
        .noHTTP2,
        "the server speaks TLS but did not agree on HTTP/2 (ALPN \(chosen), not h2):"
          + " turn HTTP/2 on where TLS ends, or check host and port")
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
    if status > 0 { return .bytes(bytes) }
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

  private var negotiatedProtocol: String {
    var name: UnsafePointer<UInt8>?
    var count: UInt32 = 0
    unsafe SSL_get0_alpn_selected(handle, &name, &count)
    return unsafe String(decoding: UnsafeBufferPointer(start: name, count: Int(count)), as: UTF8.self)
  }

  private func expectName() throws(TLSError) {
    let isSet: Bool
    if ServerName.isAddress(expectedName) {
      isSet = unsafe X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(handle), expectedName) == 1
    } else {
      unsafe SSL_set_hostflags(
        handle, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT))
      isSet = unsafe SSL_set1_host(handle, expectedName) == 1 && sly_ssl_set_server_name(handle, expectedName) == 1
    }
    guard isSet, !expectedName.isEmpty else {
      throw TLSError(.fileUnusable, "'\(expectedName)' is not a server name or address")
    }
  }

  private func failure() -> TLSError {
    hasEnded = true
    return TLSDiagnosis(
      errors: OpenSSLErrors.take(), rejected: rejected.map { ($0.certificate, $0.reason) }, expectedName: expectedName,
      configuration: context.configuration, isEstablished: isEstablished, startOfInput: startOfInput
    ).error
  }

  /// Called by OpenSSL for every certificate of the server's chain; keeps what it refused for the error's text.
  static let noteVerification: @convention(c) (Int32, OpaquePointer?) -> Int32 = { isFine, store in
    guard isFine != 1, let store = unsafe store,
      let ssl = unsafe X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()),
      let user = unsafe SSL_get_ex_data(OpaquePointer(ssl), 0)
    else { return isFine }
    let session = unsafe Unmanaged<TLSSession>.fromOpaque(user).takeUnretainedValue()
    let reason = unsafe X509_STORE_CTX_get_error(store)
    if session.rejected == nil, let certificate = unsafe X509_STORE_CTX_get_current_cert(store) {
      unsafe X509_up_ref(certificate)
      unsafe session.rejected = (Certificate(adopting: certificate), reason)
    }
    return 0
  }
}
