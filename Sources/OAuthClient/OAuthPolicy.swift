/// The times by which tokens are renewed and failed requests repeated.
package struct OAuthPolicy: Sendable, Hashable {
  /// The part of a token's lifetime after which a new one is asked for: between 75 and 80 %, before jitter.
  package var renewalFraction = 0.775
  /// A new token is asked for this long before the old one ends, if that leaves it half of its lifetime.
  package var renewalMargin: Duration = .seconds(300)
  /// Fraction by which renewals and pauses vary at random, either way.
  package var jitter = 0.1
  /// The lifetime of a token whose endpoint does not tell it.
  package var assumedLifetime: Duration = .seconds(300)
  /// A token is not handed out any more this long before its end, or in the last tenth of a shorter life.
  package var safetyMargin: Duration = .seconds(10)
  /// The pause after a first failure; each further one doubles it.
  package var firstPause: Duration = .seconds(1)
  /// The longest pause between attempts, before jitter.
  package var longestPause: Duration = .seconds(60)
  /// The shortest pause after a refusal, so that an endpoint that counts wrong secrets does not lock the client out.
  package var refusalPause: Duration = .seconds(5)
  /// The longest Retry-After that is honoured.
  package var longestRetryAfter: Duration = .seconds(300)
  /// After this long without one, a refusal by the scheduler counts as the first again.
  package var refusalMemory: Duration = .seconds(600)
  /// How often a refused secret or assertion is compared with what stands in its file now.
  package var credentialInterval: Duration = .seconds(2)

  package init() {}

  /// The pause after so many failures in a row, before jitter.
  func pause(afterFailures failures: Int) -> Duration {
    var pause = firstPause
    for _ in 1..<max(failures, 1) where pause < longestPause { pause = pause * 2 }
    return min(pause, longestPause)
  }

  /// How long after it was asked for a token is handed out.
  func usableTime(of lifetime: Duration) -> Duration { lifetime - min(safetyMargin, lifetime / 10) }

  /// How long after a token was asked for its successor is.
  ///
  /// The earlier of `renewalFraction` and `renewalMargin` before the end, but never before half of the lifetime, so that
  /// short-lived tokens are not asked for all the time. Jitter moves it, yet not past the margin.
  func renewalTime(of lifetime: Duration, random: Double) -> Duration {
    let latest = max(lifetime - renewalMargin, lifetime / 2)
    let wanted = max(min(lifetime * renewalFraction, latest), lifetime / 2)
    return min(wanted * (1 + jitter * (2 * random - 1)), latest)
  }
}
