/// How a connection is secured: whom to trust, whom to expect, and with which certificate to identify oneself.
///
/// Only names of files stand here. They are read anew for every connection, so that a renewed certificate or authority
/// is used from the next connection on.
package struct TLSConfiguration: Sendable, Hashable {
  /// Which certificate authorities may vouch for the server.
  package enum Trust: Sendable, Hashable {
    /// The system's bundle (`SSL_CERT_FILE` and `SSL_CERT_DIR` are honoured).
    case systemRoots
    /// A PEM file with one or more authorities; the system's are then not trusted.
    case file(String)
  }

  /// A client certificate and its private key, both PEM files.
  package struct ClientIdentity: Sendable, Hashable {
    /// PEM file: the leaf first, then its intermediates.
    package var certificateFile: String
    /// PEM file with the private key (PKCS#8, SEC 1 or PKCS#1).
    package var keyFile: String
    /// File with the passphrase of an encrypted key; one trailing newline is dropped.
    package var passphraseFile: String?

    package init(certificateFile: String, keyFile: String, passphraseFile: String? = nil) {
      self.certificateFile = certificateFile
      self.keyFile = keyFile
      self.passphraseFile = passphraseFile
    }
  }

  /// Which certificate authorities may vouch for the server.
  package var trust: Trust
  /// The certificate that identifies this client; nil when the server asks for none.
  package var clientIdentity: ClientIdentity?
  /// The name sent as SNI and demanded of the server's certificate; nil: the host that is dialed.
  package var serverName: String?

  package init(trust: Trust = .systemRoots, clientIdentity: ClientIdentity? = nil, serverName: String? = nil) {
    self.trust = trust
    self.clientIdentity = clientIdentity
    self.serverName = serverName
  }
}
