/// Why a secure connection was not made or ended. The text names the cause and the fix, and never holds a secret.
package struct TLSError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What went wrong.
  package enum Code: Sendable, Hashable {
    // The files of this side, found before anything is dialed.
    /// A file cannot be read, or holds nothing of the kind expected.
    case fileUnusable
    /// The private key needs a passphrase that is missing or wrong.
    case passphraseWrong
    /// Certificate and private key do not belong together.
    case keyMismatch
    /// The client certificate is no longer or not yet valid.
    case clientCertificateNotValid
    /// The client certificate may not be used to identify a client.
    case clientCertificateUnsuited
    /// There is no authority to trust.
    case noTrustAnchors

    // The server, as seen from here.
    /// The server's certificate is no longer or not yet valid.
    case serverCertificateNotValid
    /// The server's certificate was not issued by a trusted authority.
    case serverUntrusted
    /// The server's certificate is for other names.
    case serverNameMismatch
    /// The server's certificate fails for another reason.
    case serverCertificateRejected
    /// The server speaks TLS but does not offer HTTP/2.
    case noHTTP2
    /// The peer does not speak TLS.
    case notTLS
    /// The two sides have no version, cipher or group in common, or the peer broke the protocol.
    case handshakeFailed

    // This side, as seen by the server.
    /// The server demands a client certificate and none was configured.
    case clientCertificateRequired
    /// The server does not accept the client certificate.
    case clientCertificateRefused

    // The connection.
    /// The connection ended without the proper farewell of TLS.
    case truncated
    /// The library has no memory or no working random source.
    case exhausted
  }

  /// What went wrong.
  package let code: Code
  /// A sentence for people.
  package let message: String

  package init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// Whether the files of this side are at fault, so that nothing needs to be dialed.
  package var isLocal: Bool {
    switch code {
    case .fileUnusable, .passphraseWrong, .keyMismatch, .clientCertificateNotValid, .clientCertificateUnsuited,
      .noTrustAnchors:
      true
    default: false
    }
  }

  /// Whether one side refuses the other's identity or abilities: repeating changes nothing unless somebody acts.
  package var isRefusal: Bool {
    switch code {
    case .truncated, .exhausted: false
    default: !isLocal
    }
  }

  package var description: String { message }
}
