package import EventLoop

/// What a token source has, for health checks.
package struct OAuthState: Sendable, Hashable {
  /// When the present token ends; nil when there never was one.
  package var expiry: MonotonicTime?
  /// Why the latest request failed; nil after one that succeeded.
  package var lastError: OAuthError?
  /// Whether the scheduler has refused the present token.
  package var isRefused = false

  package init(expiry: MonotonicTime? = nil, lastError: OAuthError? = nil, isRefused: Bool = false) {
    self.expiry = expiry
    self.lastError = lastError
    self.isRefused = isRefused
  }
}
