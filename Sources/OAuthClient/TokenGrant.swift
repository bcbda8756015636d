package import Secrets

/// A token that the endpoint has granted.
package struct TokenGrant: Sendable {
  /// The token itself: 1...8192 visible ASCII characters.
  package var token: SharedSecret
  /// How long it is good, counted from when it was asked for; nil when the endpoint does not say or says nonsense.
  package var lifetime: Duration?

  package init(token: SharedSecret, lifetime: Duration?) {
    self.token = token
    self.lifetime = lifetime
  }

  /// The value of `authorization` for it: `Bearer` and the token, in protected memory.
  var authorization: SharedSecret {
    unsafe token.withBytes { bytes in
      SharedSecret(copying: unsafe [AnySequence("Bearer ".utf8), AnySequence(bytes)].joined())
    }
  }
}

/// Which member of the endpoint's answer is sent to the scheduler.
package enum TokenField: String, Sendable, Hashable, CaseIterable {
  /// What OAuth 2.0 defines (RFC 6749 §5.1).
  case accessToken = "access_token"
  /// The identity token that some vendors' services expect instead.
  case identityToken = "id_token"
}

/// Asks a token endpoint for a token. The one real issuer is `TokenEndpoint`.
package protocol TokenIssuer: Sendable {
  /// Asks once. Blocks: only on a thread of its own.
  func grant() -> Result<TokenGrant, OAuthError>
  /// Whether secret or assertion have changed since they were last sent. Blocks: only on a thread of its own.
  func hasNewCredentials() -> Bool
}
