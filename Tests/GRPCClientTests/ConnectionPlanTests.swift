import EventLoop
import Testing

@testable import GRPCClient

@Suite("Plan of connections")
struct ConnectionPlanTests {
  private static let policy = ChannelConfiguration.BackoffPolicy(
    initial: .seconds(1), maximum: .seconds(8), factor: 2, jitter: 0.2)

  private var plan = ConnectionPlan(rules: ReconnectRules(), backoff: Self.policy)

  private func at(_ seconds: Double) -> MonotonicTime { MonotonicTime(nanoseconds: 0) + .seconds(seconds) }

  private mutating func step(_ seconds: Double, demand: Bool = true, busy: Bool = true) -> ConnectionPlan.Step {
    plan.step(at: at(seconds), hasDemand: demand, isBusy: busy)
  }

  /// Dials, makes ready and lets a call be answered.
  private mutating func serve(_ seconds: Double) -> Int? {
    guard case .dial(let number) = step(seconds) else { return nil }
    _ = plan.ready(number, at: at(seconds))
    plan.answered(number, at: at(seconds))
    return number
  }

  private mutating func goAway(_ number: Int, _ seconds: Double, orderly: Bool = true, pings: Bool = false) {
    plan.drains(number, isOrderly: orderly, pingsTooMany: pings, at: at(seconds), random: 0.5)
  }

  @Test("Nothing is dialed without a call that waits, and nothing twice")
  mutating func demand() {
    #expect(step(0, demand: false) == .none)
    #expect(step(0) == .dial(1))
    #expect(step(0) == .none)
    #expect(plan.role(of: 1) == .next)
    #expect(plan.ready(1, at: at(0.1)) == nil)
    #expect(plan.current == 1)
    #expect(step(1) == .none)
  }

  @Test("Companions are made one at a time up to the limit; one takes over when the current connection goes")
  mutating func companions() {
    #expect(plan.stepCompanion(at: at(0), limit: 3) == .none, "not before there is a connection to accompany")
    #expect(serve(0) == 1)
    #expect(plan.stepCompanion(at: at(0.1), limit: 3) == .wait(until: at(0.25)))
    #expect(plan.stepCompanion(at: at(0.3), limit: 1) == .none)
    #expect(plan.stepCompanion(at: at(0.3), limit: 3) == .dial(2))
    #expect(plan.role(of: 2) == .companion && plan.takers == [1])
    #expect(plan.stepCompanion(at: at(1), limit: 3) == .none)
    #expect(plan.ready(2, at: at(1)) == nil)
    #expect(plan.takers == [1, 2] && plan.current == 1)
    #expect(plan.stepCompanion(at: at(1), limit: 3) == .dial(3))
    _ = plan.ready(3, at: at(1.1))
    #expect(plan.stepCompanion(at: at(2), limit: 3) == .none)
    goAway(1, 2)
    #expect(plan.current == 2 && plan.takers == [2, 3] && plan.role(of: 1) == .draining)
    plan.lost(3, at: at(2.5), random: 0.5)
    #expect(plan.takers == [2])
    #expect(plan.stepCompanion(at: at(3), limit: 3) == .wait(until: at(32.5)), "a pause after one that failed")
    #expect(plan.stepCompanion(at: at(33), limit: 3) == .dial(4))
  }

  @Test("Companions of an old identity drain when a new one is adopted")
  mutating func companionsOfAnOldIdentity() {
    #expect(serve(0) == 1)
    #expect(plan.stepCompanion(at: at(1), limit: 3) == .dial(2))
    _ = plan.ready(2, at: at(1.1))
    #expect(plan.beginProbe(at: at(2)) == 3)
    _ = plan.ready(3, at: at(2.1))
    #expect(Set(plan.promoteProbe()) == [1, 2])
    #expect(plan.takers == [3] && plan.role(of: 2) == .draining)
  }

  @Test("A connection sent away in order after it has served is replaced at once, within the cap on dials")
  mutating func orderlyGoAway() {
    #expect(serve(0) == 1)
    goAway(1, 0.1)
    #expect(plan.role(of: 1) == .draining)
    #expect(plan.current == nil)
    #expect(step(0.1) == .wait(until: at(0.25)))
    #expect(step(0.25) == .dial(2))
    plan.lost(1, at: at(0.3), random: 0.5)
    #expect(plan.role(of: 1) == nil)
    #expect(plan.next == 2)
  }

  @Test("A connection sent away before it served, or with an error, is followed by growing pauses")
  mutating func uselessConnections() {
    var now = 0.0
    for pause in [1.0, 2, 4, 8, 8] {
      guard case .dial(let number) = step(now) else {
        Issue.record("no dial at \(now)")
        return
      }
      _ = plan.ready(number, at: at(now))
      goAway(number, now)
      #expect(step(now) == .wait(until: at(now + pause)))
      now += pause
    }
    #expect(serve(now) == 6)
    goAway(6, now, orderly: false)
    #expect(step(now) == .wait(until: at(now + 8)))
  }

  @Test("The pauses begin anew only after a connection has lived ten seconds and answered")
  mutating func provenConnection() {
    #expect(step(0) == .dial(1))
    plan.lost(1, at: at(0), random: 0.5)
    #expect(serve(1) == 2)
    plan.lost(2, at: at(5), random: 0.5)
    #expect(step(5) == .wait(until: at(7)))
    #expect(serve(7) == 3)
    plan.lost(3, at: at(17), random: 0.5)
    #expect(step(17) == .dial(4), "a connection that served for long is replaced at once")
    plan.lost(4, at: at(17), random: 0.5)
    #expect(step(17) == .wait(until: at(18)), "and the pauses have begun anew")
  }

  @Test("The age at which the server ends connections is learnt, and met before it comes")
  mutating func learntAge() {
    #expect(serve(0) == 1)
    goAway(1, 300)
    #expect(plan.learntAge == nil)
    #expect(serve(300) == 2)
    goAway(2, 600 - 30)
    #expect(plan.learntAge == .seconds(270))
    #expect(serve(570) == 3)
    #expect(step(580) == .wait(until: at(570 + 216)))
    #expect(step(580, demand: false, busy: false) == .none, "an idle connection needs no successor")
    #expect(step(786) == .dial(4))
    #expect(plan.current == 3, "the old one serves until the new one is ready")
    #expect(plan.ready(4, at: at(786.1)) == 3)
    #expect(plan.role(of: 3) == .draining)
    #expect(plan.current == 4)
  }

  @Test("Ends by number of requests, at short or at ever different ages, teach nothing")
  mutating func noHabit() {
    var now = 0.0
    for age in [5.0, 5, 40, 100, 300, 45] {
      guard let number = serve(now) else {
        Issue.record("no dial at \(now)")
        return
      }
      now += age
      goAway(number, now)
    }
    #expect(plan.learntAge == nil)
  }

  @Test("H26 too_many_pings doubles the silence before the next connection's pings")
  mutating func tooManyPings() {
    #expect(serve(0) == 1)
    goAway(1, 60, orderly: false, pings: true)
    #expect(plan.keepaliveDoublings == 1)
    #expect(serve(61) == 2)
    goAway(2, 100, orderly: false, pings: true)
    #expect(plan.keepaliveDoublings == 2)
  }

  @Test("A trial runs beside the connection in use and takes over when it has proved itself")
  mutating func probe() {
    #expect(serve(0) == 1)
    #expect(plan.beginProbe(at: at(0.1)) == nil, "dials keep their distance, trials too")
    #expect(plan.beginProbe(at: at(1)) == 2)
    #expect(plan.beginProbe(at: at(2)) == nil, "one trial at a time")
    #expect(plan.ready(2, at: at(2)) == nil)
    #expect(plan.current == 1)
    #expect(plan.promoteProbe() == [1])
    #expect(plan.current == 2)
    #expect(plan.role(of: 1) == .draining)
    #expect(plan.beginProbe(at: at(3)) == 3)
    plan.lost(3, at: at(4), random: 0.5)
    #expect(plan.current == 2)
    #expect(step(4) == .none, "a trial's failure is no reason for a pause")
  }

  @Test("A new identity that proves itself makes the dial with the old one needless")
  mutating func probeOverDial() {
    #expect(step(0) == .dial(1))
    #expect(plan.beginProbe(at: at(1)) == 2)
    #expect(plan.promoteProbe() == [1])
    #expect(plan.current == 2)
    #expect(plan.next == nil)
    #expect(plan.ready(1, at: at(2)) == nil)
    #expect(plan.current == 2)
  }
}
