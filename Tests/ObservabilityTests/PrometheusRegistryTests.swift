import EventLoop
import Metrics
import PlainData
import Secrets
import Synchronization
import TestSupport
import Testing

@testable import Observability

@Suite struct PrometheusRegistryTests {
  private let registry = PrometheusRegistry(limit: 10)

  private func page() throws -> PrometheusPage {
    var text = MetricsText()
    registry.write(to: &text)
    return try PrometheusPage(text.text)
  }

  @Test func countersGaugesAndTimersAppearWithHelpAndType() throws {
    let handshakes = Counter(
      label: "sallyport_tls_handshakes_total", dimensions: [("result", "ok")], factory: registry)
    handshakes.increment()
    handshakes.increment(by: 2)
    handshakes.increment(by: -5)
    let generation = Gauge(label: "sallyport_credential_generation", factory: registry)
    generation.record(7)
    let ping = Timer(label: "sallyport_http2_ping_round_trip_seconds", factory: registry)
    ping.recordNanoseconds(3_000_000)
    ping.recordNanoseconds(900_000_000_000)
    let page = try page()
    #expect(page.value("sallyport_tls_handshakes_total", ["result": "ok"]) == 3)
    #expect(page.kinds["sallyport_tls_handshakes_total"] == "counter")
    #expect(page.help["sallyport_tls_handshakes_total"] == "TLS handshakes, by result: ok, or the code of the error.")
    #expect(page.value("sallyport_credential_generation") == 7)
    #expect(page.kinds["sallyport_credential_generation"] == "gauge")
    let name = "sallyport_http2_ping_round_trip_seconds"
    #expect(page.kinds[name] == "histogram")
    #expect(page.value(name + "_bucket", ["le": "0.0025"]) == 0)
    #expect(page.value(name + "_bucket", ["le": "0.005"]) == 1)
    #expect(page.value(name + "_bucket", ["le": "+Inf"]) == 2)
    #expect(page.value(name + "_sum") == 900.003)
  }

  @Test func metersAndFractionsAreShownToo() throws {
    let open = Meter(label: "sallyport_http2_streams_open", factory: registry)
    open.increment(by: 5)
    open.decrement(by: 2)
    let seconds = FloatingPointCounter(label: "waited_seconds_total", factory: registry)
    seconds.increment(by: 0.25)
    seconds.increment(by: Double.nan)
    let sizes = Recorder(label: "message_bytes", factory: registry)
    sizes.record(300)
    let page = try page()
    #expect(page.value("sallyport_http2_streams_open") == 3)
    #expect(page.value("waited_seconds_total") == 0.25)
    #expect(page.value("message_bytes_bucket", ["le": "1024.0"]) == 1)
    #expect(page.value("message_bytes_bucket", ["le": "256.0"]) == 0)
  }

  @Test func theSameNameAndLabelsAreTheSameNumber() throws {
    for labels in [[("a", "1"), ("b", "2")], [("b", "2"), ("a", "1")]] {
      Counter(label: "same_total", dimensions: labels, factory: registry).increment()
    }
    #expect(try page().value("same_total", ["a": "1", "b": "2"]) == 2)
  }

  @Test func seriesBeyondTheLimitAreCountedAndNotKept() throws {
    for number in 0..<25 {
      Counter(label: "many_total", dimensions: [("n", "\(number)")], factory: registry).increment()
    }
    let page = try page()
    #expect(page.samples.keys.filter { $0.name == "many_total" }.count == 10)
    #expect(page.value("sallyport_metrics_dropped_series_total") == 15)
    #expect(registry.droppedSeries == 15)
  }

  @Test func aNameOfAnotherKindIsRefusedAndTheFirstKept() throws {
    Counter(label: "twice_total", factory: registry).increment()
    Gauge(label: "twice_total", factory: registry).record(9)
    Gauge(label: "twice_total", dimensions: [("l", "x")], factory: registry).record(9)
    let page = try page()
    #expect(page.value("twice_total") == 1)
    #expect(page.value("sallyport_metrics_dropped_series_total") == 2)
  }

  @Test func wrongNamesAndWildValuesStillMakeAValidPage() throws {
    let labels = [
      ("le", "x"), ("9 lives", "a\"b\\c\nd\r\ne"), ("", "\u{1B}[31m"), ("__name__", String(repeating: "ü", count: 500)),
    ]
    Recorder(label: "1 bad name{}", dimensions: labels, factory: registry).record(1)
    Counter(label: "é_total", factory: registry).increment()
    let page = try page()
    let series = try #require(page.samples.keys.first { $0.name == "_1_bad_name___sum" })
    #expect(series.labels["le_"] == "x")
    #expect(series.labels["_9_lives"]?.contains("\n") == false)
    #expect(series.labels["x__name__"]?.count == MetricLabels.valueLimit)
    #expect(!series.labels.values.contains { $0.unicodeScalars.contains { $0.value < 0x20 } })
  }

  @Test func aKnownSecretInALabelIsReplaced() throws {
    Redactor.process.register(SharedSecret(copying: "metrics-canary-4711".utf8))
    let labels = [("why", "key metrics-canary-4711 refused")]
    Counter(label: "leak_total", dimensions: labels, factory: registry).increment()
    #expect(try page().value("leak_total", ["why": "key ***** refused"]) == 1)
  }

  @Test func aDestroyedSeriesIsNoLongerShownAndMakesRoom() throws {
    let counter = Counter(label: "gone_total", factory: registry)
    counter.increment()
    counter.destroy()
    #expect(try page().value("gone_total") == nil)
    for number in 0..<10 { Counter(label: "n_total", dimensions: [("n", "\(number)")], factory: registry).increment() }
    #expect(registry.droppedSeries == 0)
  }

  @Test func manyThreadsCountWithoutLoss() async throws {
    let registry = registry
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<8 {
        group.addTask {
          let meter = Meter(label: "level", factory: registry)
          let timer = Recorder(label: "spread", factory: registry)
          for _ in 0..<1_000 {
            Counter(label: "hits_total", factory: registry).increment()
            meter.increment()
            timer.record(1)
          }
        }
      }
    }
    let page = try page()
    #expect(page.value("hits_total") == 8_000 && page.value("level") == 8_000 && page.value("spread_count") == 8_000)
  }

  @Test func everyDescribedNameIsAValidOne() {
    for name in MetricCatalog.names { #expect(MetricLabels.metricName(name) == name) }
    #expect(MetricCatalog.names.count > 25)
  }
}

@Suite struct MetricsPageTests {
  @Test func aFamilyAppearsOnceHoweverOftenItIsAdded() throws {
    var first = MetricsText()
    first.sample("x", .gauge, "h", 1)
    var second = MetricsText()
    second.sample("x", .gauge, "h", 2)
    second.sample("y", .gauge, "h", .infinity)
    first.append(second)
    let page = try PrometheusPage(first.text)
    #expect(page.value("x") == 1 && page.value("y") == .infinity)
  }

  @Test func theHealthReportMakesAStrictlyValidPage() throws {
    let state = HealthState()
    state.loopTurned()
    state.pollSent("workflow")
    state.pollSucceeded("workflow")
    state.credentialIs(.init(fault: "expired"))
    var text = MetricsText()
    text.add(state.report())
    ProcessMetrics.read().write(to: &text)
    let page = try PrometheusPage(text.text)
    #expect(page.value("sallyport_credentials_usable") == 0)
    #expect(page.value("sallyport_polls_total", ["poller": "workflow"]) == 1)
  }

  @Test func theProcessIsMeasured() throws {
    let metrics = ProcessMetrics.read()
    #expect(metrics.cpuSeconds > 0)
    #expect(try #require(metrics.openDescriptors) >= 3)
    #expect(try #require(metrics.residentBytes) > 1 << 20)
    #expect(try #require(metrics.virtualBytes) > metrics.residentBytes ?? 0)
    #expect(try #require(metrics.threads) >= 1)
    let now = Double(Timestamp.now().seconds)
    let started = try #require(metrics.startedAt)
    #expect(started <= now + 1 && started > now - 86_400)
  }

  @Test(arguments: [
    "x 1", "# TYPE x gauge\nx 1\n", "# HELP x h\n# TYPE x gauge\nx{a=\"b} 1\n", "# HELP x h\n# TYPE x gauge\nx one\n",
    "# HELP x h\n# TYPE x gauge\nx 1\nx 2\n", "# HELP x h\n# TYPE x histogram\nx_sum 1\nx_count 1\n",
    "# HELP x h\n# TYPE x counter\nx -1\n", "# HELP x h\n# TYPE x gauge\ny 1\n",
  ])
  func theReaderOfTheseTestsRefusesBrokenPages(_ text: String) {
    #expect(throws: PeerError.self) { try PrometheusPage(text) }
  }
}

@Suite struct CredentialHealthTests {
  private let state: HealthState

  init() {
    state = HealthState(wallClock: { Timestamp(seconds: 1_000_000_000) })
    state.loopTurned()
    state.connectionIs(HealthState.Connection(isReady: true))
    state.enter(.running)
    state.pollingBegan("workflow")
    state.pollSent("workflow")
  }

  private func expiring(in seconds: Int64) -> HealthReport {
    state.credentialIs(.init(subject: "the client certificate 'CN = w'", expiresAt: 1_000_000_000 + seconds))
    return state.report()
  }

  @Test func aCredentialThatCannotServeEndsReadinessAndNotLiveness() {
    #expect(state.report().isReady)
    state.credentialIs(.init(fault: "the private key does not belong to the certificate"))
    let report = state.report()
    #expect(report.isLive && !report.isReady)
    #expect(report.summary == "credentials: the private key does not belong to the certificate")
    state.credentialIs(nil)
    #expect(state.report().isReady)
  }

  @Test func newFilesThatWereRefusedAreAWarningOnly() {
    state.credentialIs(.init(warning: "the new key does not belong to the certificate"))
    #expect(state.report().isReady)
    #expect(state.report().warnings == ["the new key does not belong to the certificate"])
  }

  @Test func anExpiredCertificateEndsReadinessAndNamesTheClock() {
    let report = expiring(in: 0)
    #expect(report.isLive && !report.isReady)
    #expect(
      report.summary == "credentials: the client certificate 'CN = w' expired on 2001-09-09T01:46:40.000Z: renew it"
        + " (or check this machine's clock)")
    #expect(report.warnings.isEmpty)
  }

  @Test func warningsGrowMoreUrgentAsTheEndComesNearer() {
    #expect(expiring(in: 31 * 86_400).warnings.isEmpty)
    #expect(expiring(in: 30 * 86_400).warnings.first?.contains("ends within 30 days") == true)
    #expect(expiring(in: 6 * 86_400).warnings.first?.contains("ends within 7 days") == true)
    let last = expiring(in: 3_600)
    #expect(last.warnings.first?.contains("ends within a day, on 2001-09-09T02:46:40.000Z: renew it") == true)
    #expect(last.isReady)
    #expect(last.json["warnings"]?.arrayValue?.count == 1)
  }
}

@Suite struct TokenHealthTests {
  private let clock: SteppedClock
  private let state: HealthState

  /// A monotonic clock that a test moves.
  final class SteppedClock: Sendable {
    private let time = Mutex(MonotonicTime.now())
    var now: MonotonicTime { time.withLock { $0 } }
    func advance(_ step: Duration) { time.withLock { $0 = $0 + step } }
  }

  init() {
    let clock = SteppedClock()
    self.clock = clock
    state = HealthState(now: { clock.now })
    state.loopTurned()
    state.connectionIs(HealthState.Connection(isReady: true))
    state.enter(.running)
    state.pollingBegan("workflow")
    state.pollSent("workflow")
  }

  private func check() -> HealthReport.Check? { state.report().checks.first { $0.name == "OAuth token" } }

  @Test func withoutATokenEndpointThereIsNoSuchCheck() {
    #expect(check() == nil && state.report().isReady)
  }

  @Test func aTokenThatServesPassesWithTheTimeThatIsLeft() {
    state.tokenIs(.init())
    #expect(check()?.passes == true && check()?.detail == "not asked for yet")
    state.tokenIs(.init(expiresAt: clock.now + .seconds(90)))
    #expect(check()?.passes == true && check()?.detail == "ends in 90.0 s")
    #expect(state.report().isReady && state.report().warnings.isEmpty)
  }

  @Test func aTokenThatCannotBeRenewedIsAWarningUntilItsEndAndThenNoReadiness() {
    state.tokenIs(.init(expiresAt: clock.now + .seconds(20), lastError: "the endpoint does not answer"))
    #expect(state.report().isReady)
    #expect(
      state.report().warnings == ["the OAuth token ends in 20.0 s and is not renewed: the endpoint does not answer"])
    clock.advance(.seconds(21))
    let report = state.report()
    #expect(report.isLive && !report.isReady && report.warnings.isEmpty)
    #expect(report.summary == "OAuth token: ended 1.0 s ago: the endpoint does not answer")
  }

  @Test func aTokenThatTheSchedulerRefusesOrThatNeverCameIsNoReadiness() {
    state.tokenIs(.init(expiresAt: clock.now + .seconds(20), isRefused: true))
    #expect(!state.report().isReady && check()?.detail == "the scheduler refuses it")
    state.tokenIs(.init(lastError: "the client's secret is wrong"))
    #expect(check()?.passes == false && check()?.detail == "none was granted: the client's secret is wrong")
    #expect(state.report().isLive)
  }
}
