/// How a connection is secured: whom to trust, whom to expect, and with which certificate to identify oneself.
///
/// Only names of files stand here. They are read anew for every generation of the identity, so that a renewed
/// certificate, authority or revocation list comes into use without a restart.
package struct TLSConfiguration: Sendable, Hashable {
  /// Which certificate authorities may vouch for the server.
  package enum Trust: Sendable, Hashable {
    /// The system's bundle (`SSL_CERT_FILE` and `SSL_CERT_DIR` are honoured).
    case systemRoots
    /// A PEM file, or a folder of them, with one or more authorities; the system's are then not trusted.
    case file(String)
  }

  /// A client certificate and its private key: two PEM files (which may be one and the same), or a PKCS#12 archive.
  package struct ClientIdentity: Sendable, Hashable {
    /// How certificate and key are kept.
    package enum Format: Sendable, Hashable {
      /// RFC 7468 text.
      case pem
      /// RFC 7292, the key and its chain in one file.
      case pkcs12
    }

    /// PEM: the leaf first, then its intermediates. PKCS#12: the archive.
    package var certificateFile: String
    /// PEM: the private key (PKCS#8, SEC 1 or PKCS#1). PKCS#12: the archive again.
    package var keyFile: String
    /// File with the passphrase of an encrypted key; one trailing newline is dropped.
    package var passphraseFile: String?
    /// How certificate and key are kept.
    package let format: Format

    package init(certificateFile: String, keyFile: String, passphraseFile: String? = nil) {
      self.certificateFile = certificateFile
      self.keyFile = keyFile
      self.passphraseFile = passphraseFile
      format = .pem
    }

    /// The identity in a PKCS#12 archive.
    package init(archiveFile: String, passphraseFile: String? = nil) {
      certificateFile = archiveFile
      keyFile = archiveFile
      self.passphraseFile = passphraseFile
      format = .pkcs12
    }
  }

  /// Revocation lists, and what holds when they do not tell.
  package struct Revocation: Sendable, Hashable {
    /// What to make of a certificate for which there is no list, or only a stale one.
    package enum Policy: String, Sendable, Hashable {
      /// Refuse the server.
      case fail
      /// Accept it with a warning; a certificate that a list names is refused all the same.
      case soft
    }

    /// A PEM file, or a folder of them, with the lists of every authority in the chain.
    package var path: String
    /// What holds when the lists do not tell.
    package var policy: Policy

    package init(path: String, policy: Policy = .fail) {
      self.path = path
      self.policy = policy
    }
  }

  /// Which certificate authorities may vouch for the server.
  package var trust: Trust
  /// The system's authorities are trusted beside those of `trust`.
  package var appendsSystemRoots = false
  /// An intermediate authority in `trust` suffices; its root need not be there.
  package var acceptsPartialChain = false
  /// Nil: revocation is not checked. Nothing is ever fetched from the network.
  package var revocation: Revocation?
  /// Public keys of which at least one must occur in the verified chain; empty: not checked.
  package var pins: Set<PublicKeyPin> = []
  /// The workload that the server must be; replaces the check of the host's name.
  package var spiffeID: SPIFFEID?
  /// The certificate that identifies this client; nil when the server asks for none.
  package var clientIdentity: ClientIdentity?
  /// The name sent as SNI and demanded of the server's certificate; nil: the host that is dialed.
  package var serverName: String?
  /// A server that never asks for a client certificate is refused: TLS ends somewhere that was not meant.
  package var requiresCertificateRequest = false
  /// Renewed authorities and demands that the server of an open connection no longer meets end that connection at once, as a
  /// list that revokes it always does; otherwise they count from the next connection on.
  package var reverifiesStrictly = false
  /// HTTP/2 must be agreed on (ALPN). False: no protocol is offered, for a proxy to which HTTP/1.1 is spoken.
  package var demandsHTTP2 = true
  /// Only algorithms of OpenSSL's FIPS provider are used, or nothing is dialed.
  package var requiresFIPS = false

  package init(trust: Trust = .systemRoots, clientIdentity: ClientIdentity? = nil, serverName: String? = nil) {
    self.trust = trust
    self.clientIdentity = clientIdentity
    self.serverName = serverName
  }
}
