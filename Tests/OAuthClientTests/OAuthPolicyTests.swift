import Testing

@testable import OAuthClient

@Suite("When a token is renewed")
struct OAuthPolicyTests {
  /// Lifetime → earliest, middle and latest renewal, in seconds after the request.
  @Test(arguments: [
    (3_600, 2_511, 2_790, 3_069),  // 77.5 % ± 10 %
    (86_400, 60_264, 66_960, 73_656),
    (1_400, 976, 1_085, 1_100),  // 77.5 %, and never later than 300 s before the end
    (1_000, 630, 700, 700),  // 300 s before the end
    (600, 270, 300, 300),  // half of the lifetime, where the margin would leave nothing
    (60, 27, 30, 30), (10, 4, 5, 5), (1, 0, 0, 0),
  ])
  func renewalIsEarlyButNotTooEarly(lifetime: Int, earliest: Int, middle: Int, latest: Int) {
    let policy = OAuthPolicy()
    let times = [0, 0.5, 0.999_999].map { policy.renewalTime(of: .seconds(lifetime), random: $0).components.seconds }
    #expect(abs(times[0] - Int64(earliest)) <= 1)
    #expect(abs(times[1] - Int64(middle)) <= 1)
    #expect(abs(times[2] - Int64(latest)) <= 1)
  }

  @Test(arguments: [(3_600, 3_590.0), (100, 90), (50, 45), (1, 0.9)])
  func aTokenIsNotHandedOutInItsLastMoments(lifetime: Int, usable: Double) {
    let time = OAuthPolicy().usableTime(of: .seconds(lifetime))
    #expect(abs(time / .seconds(1) - usable) < 0.001)
  }

  @Test(arguments: [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (1_000, 60)])
  func pausesGrowUpToALimit(failures: Int, seconds: Int) {
    #expect(OAuthPolicy().pause(afterFailures: failures) == .seconds(seconds))
  }
}
