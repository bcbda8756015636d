import EventLoop
import PlainData
import Synchronization
import Testing

@testable import Observability

/// A clock that moves when told to.
private final class HandClock: Sendable {
  private let nanoseconds = Mutex<Int64>(1_000_000_000_000)
  var now: MonotonicTime { MonotonicTime(nanoseconds: nanoseconds.withLock { $0 }) }
  func advance(seconds: Int64) { nanoseconds.withLock { $0 += seconds * 1_000_000_000 } }
}

@Suite struct HealthTests {
  private let clock = HandClock()
  private let state: HealthState

  init() {
    let clock = clock
    state = HealthState { clock.now }
  }

  private func run() {
    state.loopTurned()
    state.connectionIs(HealthState.Connection(isReady: true, since: clock.now, established: 1))
    state.enter(.running)
    for poller in ["workflow", "activity"] {
      state.pollingBegan(poller)
      state.pollSent(poller)
    }
  }

  @Test func aStartingWorkerIsLiveButNotReady() {
    state.loopTurned()
    let report = state.report()
    #expect(report.isLive && !report.isReady && !report.isHealthy)
    #expect(report.summary.contains("not connected"))
  }

  @Test func anOpenFirstPollOnAReadyConnectionIsReady() {
    run()
    #expect(state.report().isReady && state.report().isHealthy)
    #expect(state.report().summary == "all checks pass")
  }

  @Test func aLoopThatStandsStillIsNotLive() {
    run()
    clock.advance(seconds: 31)
    let report = state.report()
    #expect(!report.isLive && !report.isHealthy)
    #expect(report.summary == "event loop: last turned 31.0 s ago")
    state.loopTurned()
    #expect(state.report().isLive)
  }

  @Test func pollsThatNoLongerComeBackEndReadinessButNotLiveness() {
    run()
    for poller in ["workflow", "activity"] {
      state.pollSucceeded(poller)
      state.pollSent(poller)
    }
    clock.advance(seconds: 100)
    state.loopTurned()
    state.pollSucceeded("workflow")
    state.pollSent("workflow")
    #expect(state.report().isReady)
    clock.advance(seconds: 60)
    state.loopTurned()
    let report = state.report()
    #expect(report.isLive && !report.isReady)
    #expect(report.summary.contains("activity poll: last poll came back 160.0 s ago"))
    #expect(!report.summary.contains("workflow"))
  }

  @Test func aWorkerWithAllSlotsInUseNeedsNoPoll() {
    run()
    state.pollSucceeded("activity")
    clock.advance(seconds: 100)
    state.pollSucceeded("workflow")
    state.pollSent("workflow")
    clock.advance(seconds: 100)
    state.loopTurned()
    #expect(state.report().isReady)
    #expect(state.report().checks.contains { $0.detail == "none needed: every slot is in use" })
    state.pollSent("activity")
    #expect(state.report().isReady)
    clock.advance(seconds: 151)
    state.loopTurned()
    #expect(!state.report().isReady)
  }

  @Test func theWordsOfAStartThatIsOverDoNotCount() {
    run()
    state.pollFailed("start", reason: "refused")
    #expect(!state.report().isReady)
    state.pollingEnded("start")
    #expect(state.report().isReady)
  }

  @Test func aFailureBetweenSuccessesIsForgivenAndNamed() {
    run()
    state.pollSucceeded("workflow")
    state.pollFailed("workflow", reason: "UNAVAILABLE")
    #expect(state.report().isReady)
    #expect(state.report().checks.contains { $0.detail.contains("UNAVAILABLE") })
    state.pollFailed("activity", reason: "PERMISSION_DENIED")
    #expect(!state.report().isReady)
  }

  @Test func aPollThatIsOpenAgainForLongerThanAnyPauseCountsAsTaken() {
    run()
    state.pollFailed("workflow", reason: "the connection was lost")
    #expect(!state.report().isReady)
    state.pollSent("workflow")
    clock.advance(seconds: 5)
    #expect(!state.report().isReady)
    clock.advance(seconds: 8)
    state.loopTurned()
    #expect(state.report().isReady)
  }

  @Test func aDrainingWorkerStaysHealthyUntilItsLoopStands() {
    run()
    state.enter(.draining)
    clock.advance(seconds: 200)
    state.loopTurned()
    #expect(state.report().isHealthy && !state.report().isReady)
    clock.advance(seconds: 31)
    #expect(!state.report().isHealthy)
  }

  @Test func theReportReadsWellAsJSON() {
    run()
    let json = state.report().json
    #expect(json["status"] == "healthy" && json["phase"] == "running")
    #expect(json["checks"]?.arrayValue?.count == 4)
  }

  @Test func metricsTellTheSameStory() {
    run()
    clock.advance(seconds: 2)
    state.pollSucceeded("workflow")
    state.pollFailed("activity", reason: "x")
    var metrics = MetricsText()
    metrics.add(state.report())
    #expect(metrics.text.contains("# TYPE sallyport_ready gauge\nsallyport_ready 0.0\n"))
    #expect(metrics.text.contains("sallyport_event_loop_turn_age_seconds 2.0\n"))
    #expect(metrics.text.contains("sallyport_polls_total{poller=\"workflow\"} 1.0\n"))
    #expect(metrics.text.contains("sallyport_poll_failures_total{poller=\"activity\"} 1.0\n"))
  }

  @Test func labelsAreEscaped() {
    var metrics = MetricsText()
    metrics.family("m", .gauge, "h\n", [([("l", "a\"b\\c\nd")], 1)])
    #expect(metrics.text == "# HELP m h\\n\n# TYPE m gauge\nm{l=\"a\\\"b\\\\c\\nd\"} 1.0\n")
  }
}
