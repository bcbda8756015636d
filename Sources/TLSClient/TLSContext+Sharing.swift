internal import COpenSSL

/// One TLS policy for everything that dials: what another library (libcurl) has made is set up like a context of ours.
extension TLSContext {
  /// Starts OpenSSL without its configuration file. To be called before any other library starts it: the first call
  /// decides, and an environment variable must not be able to load code into this process.
  package static func prepareLibrary() { OPENSSL_init_ssl(UInt64(OPENSSL_INIT_NO_LOAD_CONFIG), nil) }

  /// Gives this context's versions, ciphers, authorities and client certificate to an `SSL_CTX` of another library,
  /// replacing what was there, and has OpenSSL itself demand the server's name. The application protocol stays as it is.
  ///
  /// - Parameters:
  ///   - foreign: the `SSL_CTX`, which stays its owner's and must not be in use yet.
  ///   - host: name or address literal that the server's certificate must carry, unless the configuration names another.
  /// - Returns: whether everything was taken over; if not, the foreign context must not be used.
  package func share(with foreign: UnsafeMutableRawPointer, host: String) -> Bool {
    let other = OpaquePointer(foreign)
    return unsafe sharePolicy(with: other) && shareTrust(with: other, host: host) && shareIdentity(with: other)
  }

  private func sharePolicy(with other: OpaquePointer) -> Bool {
    let count = unsafe sly_ctx_cipher_count(handle)
    let ciphers = (0..<max(0, count)).compactMap { index in
      unsafe SSL_CIPHER_get_name(sly_ctx_cipher(handle, index)).map { unsafe String(cString: $0) }
    }
    let suites13 = ciphers.filter { $0.hasPrefix("TLS_") }.joined(separator: ":")
    let suites12 = ciphers.filter { !$0.hasPrefix("TLS_") }.joined(separator: ":")
    let isSet =
      unsafe sly_ctx_set_versions(other) == 1 && SSL_CTX_set_ciphersuites(other, suites13) == 1
      && SSL_CTX_set_cipher_list(other, suites12) == 1
      // A context does not tell its groups. The second list is for FIPS providers, which lack X25519.
      && (sly_ctx_set_groups(other, "X25519:P-256:P-384") == 1 || sly_ctx_set_groups(other, "P-256:P-384") == 1)
    guard isSet, !suites13.isEmpty, !suites12.isEmpty else { return false }
    unsafe sly_ctx_harden(other)
    unsafe sly_ctx_forget_sessions(other)
    unsafe SSL_CTX_set_security_level(other, SSL_CTX_get_security_level(handle))
    unsafe SSL_CTX_set_verify(other, SSL_VERIFY_PEER, nil)
    return true
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
