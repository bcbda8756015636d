import EventLoop
import Secrets
import Testing

@testable import OAuthClient

@Suite("The token machine")
struct OAuthTokenMachineTests {
  /// A machine with its own clock, in seconds.
  struct Rig {
    var machine = OAuthTokenMachine(OAuthPolicy())
    var second = 0.0

    var now: MonotonicTime { MonotonicTime(nanoseconds: Int64(second * 1e9)) }

    /// What a caller gets now, in words, and whether a request starts.
    mutating func demand() -> String { Self.words(machine.demand(at: now)) }

    mutating func refuse(_ token: String) -> String {
      Self.words(machine.schedulerRefused(Self.secret(token), at: now))
    }

    mutating func grant(_ token: String, lifetime: Int? = 3_600) {
      machine.granted(Self.secret(token), lifetime: lifetime.map { .seconds($0) }, at: now, random: 0.5)
    }

    /// A failed request; answers the pause in seconds.
    @discardableResult
    mutating func fail(_ code: OAuthError.Code, retryAfter: Int? = nil, random: Double = 0.5) -> Double {
      let error = OAuthError(code, "\(code)", retryAfter: retryAfter.map { .seconds($0) })
      return machine.failed(error, at: now, random: random) / .seconds(1)
    }

    /// Whether the timer's request starts.
    mutating func wake() -> Bool { machine.wake(at: now) }

    /// Whether a new secret's request starts.
    mutating func credentialsChanged() -> Bool { machine.credentialsChanged(at: now) }

    static func secret(_ text: String) -> SharedSecret { SharedSecret(copying: text.utf8) }

    static func words(_ decision: OAuthTokenMachine.Decision) -> String {
      let answer =
        switch decision.answer {
        case .token(let value): value.withBytes { String(decoding: $0, as: UTF8.self) }
        case .wait: "wait"
        case .failure(let error): "failure \(error.code)"
        case .nothingNew: "nothing new"
        }
      return answer + (decision.startsRequest ? ", request" : "")
    }
  }

  @Test func oneRequestServesEverybodyWhoWaits() {
    var rig = Rig()
    #expect(rig.demand() == "wait, request")
    for _ in 0..<100 { #expect(rig.demand() == "wait") }
    rig.grant("A")
    #expect(rig.demand() == "A")
    #expect(!rig.machine.isRequesting)
  }

  @Test func renewalGoesOnBesideTheOldToken() {
    var rig = Rig()
    _ = rig.demand()
    rig.grant("A")
    rig.second = 2_789
    #expect(rig.demand() == "A")
    rig.second = 2_791
    #expect(rig.demand() == "A, request")
    #expect(rig.demand() == "A")
    rig.grant("B")
    #expect(rig.demand() == "B")
  }

  @Test func renewalIsDueWithoutAnyCaller() {
    var rig = Rig()
    #expect(rig.machine.wakeTime == nil)
    _ = rig.demand()
    #expect(rig.machine.wakeTime == nil)
    rig.grant("A")
    #expect(rig.machine.wakeTime == MonotonicTime(nanoseconds: 2_790_000_000_000))
    #expect(rig.wake() == false)
    rig.second = 2_790
    #expect(rig.wake() == true)
    #expect(rig.machine.isRequesting)
    #expect(rig.wake() == false)
  }

  @Test func theLifetimeCountsFromTheRequestAndNotFromTheAnswer() {
    var rig = Rig()
    _ = rig.demand()
    rig.second = 15
    rig.grant("A", lifetime: 100)
    rig.second = 89
    #expect(rig.demand().hasPrefix("A"))
    rig.second = 90.5
    #expect(rig.demand() == "wait")
  }

  @Test func aTokenOfUnknownLifetimeIsUsedForFiveMinutes() {
    var rig = Rig()
    _ = rig.demand()
    rig.grant("A", lifetime: nil)
    rig.second = 149
    #expect(rig.demand() == "A")
    rig.second = 151
    #expect(rig.demand() == "A, request")
    rig.second = 291
    #expect(rig.demand() == "wait")
  }

  @Test("R14 machine: the old token stays in use while its renewal fails, up to its end")
  func theOldTokenStaysInUseWhileItsRenewalFails() {
    var rig = Rig()
    _ = rig.demand()
    rig.grant("A")
    var requests = 0
    for second in stride(from: 2_791.0, to: 3_589, by: 1) {
      rig.second = second
      let answer = rig.demand()
      #expect(answer.hasPrefix("A"))
      if answer.hasSuffix("request") {
        requests += 1
        rig.fail(.connectFailed)
      }
    }
    #expect((15...25).contains(requests), "1, 2, 4 … 60 s apart, not a storm: \(requests)")
    rig.second = 3_591
    #expect(["failure connectFailed", "wait, request"].contains(rig.demand()))
  }

  @Test func withoutATokenCallersHearTheCauseUntilTheNextAttemptIsDue() {
    var rig = Rig()
    _ = rig.demand()
    #expect(rig.fail(.nameNotResolved) == 1)
    #expect(rig.demand() == "failure nameNotResolved")
    rig.second = 1.01
    #expect(rig.demand() == "wait, request")
    #expect(rig.fail(.serverFailed) == 2)
    rig.second = 3
    #expect(rig.demand() == "failure serverFailed")
    rig.second = 3.1
    #expect(rig.demand() == "wait, request")
    rig.grant("A")
    #expect(rig.demand() == "A")
    #expect(rig.machine.lastError == nil)
  }

  @Test(arguments: [(0.0, 0.9), (0.5, 1), (0.999_999, 1.1)])
  func pausesVary(random: Double, pause: Double) {
    var rig = Rig()
    _ = rig.demand()
    #expect(abs(rig.fail(.connectFailed, random: random) - pause) < 0.001)
  }

  @Test(
    arguments: [
      (.throttled, 30, 30), (.throttled, nil, 1), (.serverFailed, 7, 7), (.throttled, 86_400, 300),
      (.clientRefused, nil, 5), (.grantRefused, nil, 5),
    ] as [(OAuthError.Code, Int?, Double)])
  func theEndpointMayAskForALongerPause(code: OAuthError.Code, retryAfter: Int?, pause: Double) {
    var rig = Rig()
    _ = rig.demand()
    #expect(rig.fail(code, retryAfter: retryAfter) == pause)
  }

  @Test func aChangedSecretEndsThePauseAfterARefusal() {
    var rig = Rig()
    _ = rig.demand()
    rig.fail(.clientRefused)
    #expect(rig.machine.awaitsCredentials)
    #expect(rig.demand() == "failure clientRefused")
    #expect(rig.credentialsChanged() == true)
    #expect(rig.demand() == "wait")
    rig.grant("A")
    #expect(rig.credentialsChanged() == false)
  }

  @Test func aNetworkFaultDoesNotWaitForASecret() {
    var rig = Rig()
    _ = rig.demand()
    rig.fail(.connectFailed)
    #expect(!rig.machine.awaitsCredentials)
    #expect(rig.credentialsChanged() == false)
  }

  @Test("G19 machine: UNAUTHENTICATED forces one renewal, then backs off")
  func aRefusalByTheSchedulerForcesOneRenewalThenBacksOff() {
    var rig = Rig()
    _ = rig.demand()
    rig.grant("A")
    rig.second = 10
    #expect(rig.refuse("A") == "wait, request")
    #expect(rig.refuse("A") == "wait", "the second refused call shares the request")
    rig.grant("B")
    #expect(rig.refuse("A") == "B", "a late refusal of the old token gets the new one at once")
    #expect(rig.refuse("B") == "nothing new", "the scheduler refuses the new one too: no storm at the endpoint")
    #expect(rig.demand() == "B")
    rig.second = 11.5
    #expect(rig.refuse("B") == "wait, request")
    rig.grant("C")
    rig.second = 13
    #expect(rig.refuse("C") == "nothing new", "2 s after the second forced renewal")
    rig.second = 14
    #expect(rig.refuse("C") == "wait, request")
    rig.grant("D")
    rig.second = 700
    #expect(rig.refuse("D") == "wait, request", "long after, it counts as the first again")
    rig.grant("E")
    #expect(rig.refuse("E") == "nothing new")
    rig.second = 701.5
    #expect(rig.refuse("E") == "wait, request")
  }

  @Test func anEndpointThatGrantsTheRefusedTokenAgainIsLeftAlone() {
    var rig = Rig()
    _ = rig.demand()
    rig.grant("A")
    #expect(rig.refuse("A") == "wait, request")
    rig.grant("A")
    #expect(rig.refuse("A") == "nothing new")
    #expect(rig.machine.token?.isRefused == true)
    rig.second = 1.5
    #expect(rig.refuse("A") == "wait, request")
  }

  @Test func aForcedRenewalThatFailsLeavesTheTokenInUse() {
    var rig = Rig()
    _ = rig.demand()
    rig.grant("A")
    #expect(rig.refuse("A") == "wait, request")
    rig.fail(.connectFailed)
    #expect(rig.demand() == "A")
    #expect(rig.refuse("A") == "nothing new")
  }
}
