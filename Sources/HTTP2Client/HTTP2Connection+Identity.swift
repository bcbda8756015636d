package import TLSClient

/// Whom the connection speaks to.
extension HTTP2Connection {
  /// What the TLS handshake came to; nil in plaintext and before it is complete.
  package var tlsReport: TLSReport? { tls.flatMap { $0.isEstablished ? $0.report : nil } }

  /// Verifies the server again by newer authorities, revocation lists and demands; nothing happens in plaintext.
  ///
  /// - Throws: why the server would be refused now; what becomes of the connection is for the caller to decide.
  package func recheck(by context: TLSContext) throws(TLSError) {
    if let tls, tls.isEstablished { try context.recheck(tls) }
  }
}
