internal import COpenSSL

extension TLSContext {
  /// Verifies the chain of a live session again, by this context's authorities, revocation lists and demands: a new
  /// list may have revoked the server since its handshake. Only on the session's thread.
  ///
  /// - Throws: why the server would be refused now.
  package func recheck(_ session: TLSSession) throws(TLSError) {
    let exhausted = TLSError(.exhausted, "no memory to verify the server again")
    guard let leaf = unsafe SSL_get1_peer_certificate(session.handle) else { return }
    defer { unsafe X509_free(leaf) }
    guard let store = unsafe X509_STORE_CTX_new() else { throw exhausted }
    defer { unsafe X509_STORE_CTX_free(store) }
    OpenSSLErrors.clear()
    let sent = unsafe SSL_get_peer_cert_chain(session.handle)
    guard unsafe X509_STORE_CTX_init(store, SSL_CTX_get_cert_store(handle), leaf, sent) == 1,
      unsafe X509_STORE_CTX_set_default(store, "ssl_server") == 1
    else { throw exhausted }
    let parameters = unsafe X509_STORE_CTX_get0_param(store)
    unsafe X509_VERIFY_PARAM_set1(parameters, SSL_CTX_get0_param(handle))
    unsafe X509_VERIFY_PARAM_set_auth_level(parameters, SSL_CTX_get_security_level(handle))
    guard unsafe TLSSession.demand(session.expectedName, of: parameters, configuration) else { throw exhausted }
    let verification = ServerVerification(configuration)
    let isAccepted = unsafe verification.verify(store)
    let reason = unsafe X509_STORE_CTX_get_error(store)
    OpenSSLErrors.clear()
    guard !isAccepted else { return }
    let rejection = ServerRejection(
      verification: verification, expectedName: session.expectedName, configuration: configuration)
    let text = unsafe String(cString: X509_verify_cert_error_string(Int(reason)))
    throw rejection.error ?? TLSError(.serverCertificateRejected, "the server's certificate was rejected: \(text)")
  }
}
