internal import COpenSSL

/// One TLS policy for everything that dials: what another library (libcurl) has made is set up like a context of ours.
extension TLSContext {
  /// Starts OpenSSL without its configuration file. To be called before any other library starts it: the first call
  /// decides, and an environment variable must not be able to load code into this process.
  package static func prepareLibrary() { _ = sly_prepare() }

  /// Gives this context's versions, ciphers, authorities and client certificate to an `SSL_CTX` of another library,
  /// replacing what was there, and has OpenSSL itself demand the server's name. The application protocol stays as it is.
  ///
  /// - Parameters:
  ///   - foreign: the `SSL_CTX`, which stays its owner's and must not be in use yet.
  ///   - host: name or address literal that the server's certificate must carry, unless the configuration names another.
  /// - Returns: whether everything was taken over; if not, the foreign context must not be used.
  package func share(with foreign: UnsafeMutableRawPointer, host: String) -> Bool {
    let other = OpaquePointer(foreign)
    do throws(TLSError) {
      unsafe try Self.applyPolicy(to: other, isFIPS: configuration.requiresFIPS)
    } catch {
      return false
    }
    return unsafe shareTrust(with: other, host: host) && shareIdentity(with: other)
  }

  private func shareTrust(with other: OpaquePointer, host: String) -> Bool {
    guard let store = unsafe SSL_CTX_get_cert_store(handle), unsafe X509_STORE_up_ref(store) == 1 else { return false }
    unsafe SSL_CTX_set_cert_store(other, store)
    let rules = unsafe SSL_CTX_get0_param(other)
    guard unsafe X509_VERIFY_PARAM_set1(rules, SSL_CTX_get0_param(handle)) == 1 else { return false }
    let name = ServerName.normalized(configuration.serverName ?? host)
    if ServerName.isAddress(name) { return unsafe X509_VERIFY_PARAM_set1_ip_asc(rules, name) == 1 }
    unsafe X509_VERIFY_PARAM_set_hostflags(
      rules, UInt32(X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
    return unsafe X509_VERIFY_PARAM_set1_host(rules, name, 0) == 1
  }

  private func shareIdentity(with other: OpaquePointer) -> Bool {
    guard let certificate = unsafe SSL_CTX_get0_certificate(handle), let key = unsafe SSL_CTX_get0_privatekey(handle)
    else { return configuration.clientIdentity == nil }
    return unsafe SSL_CTX_use_certificate(other, certificate) == 1 && SSL_CTX_use_PrivateKey(other, key) == 1
      && sly_ctx_copy_chain(handle, other) == 1
  }
}
