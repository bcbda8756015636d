package import Secrets

/// How the client proves to the token endpoint who it is.
package enum ClientAuthentication: Sendable {
  /// Identifier and secret as HTTP Basic (RFC 6749 §2.3.1).
  case basic(ClientSecret)
  /// Identifier and secret in the form.
  case post(ClientSecret)
  /// A signed statement in a file, such as a projected service-account token (RFC 7523 §2.2).
  case assertion(SecretFile)
  /// The certificate of the TLS connection alone (RFC 8705 §2).
  case certificate

  /// The secret or assertion as of now; nil when none is sent. A file is read again when it has changed, which blocks.
  func current() throws(SecretError) -> SharedSecret? {
    switch self {
    case .basic(let secret), .post(let secret): try secret.current()
    case .assertion(let file): try file.current()
    case .certificate: nil
    }
  }
}

/// The client's secret: given once, or in a file that may be replaced.
package enum ClientSecret: Sendable {
  case value(SharedSecret)
  case file(SecretFile)

  /// The secret as of now. A file is read again when it has changed, which blocks.
  package func current() throws(SecretError) -> SharedSecret {
    switch self {
    case .value(let secret): secret
    case .file(let file): try file.current()
    }
  }
}
