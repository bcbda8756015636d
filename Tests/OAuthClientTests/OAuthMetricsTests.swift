import EventLoop
import Foundation
import GRPCClient
import Metrics
import Secrets
import Synchronization
import Testing

@testable import OAuthClient

@Suite("Metrics of token requests", .serialized)
struct OAuthMetricsTests {
  /// Keeps the last or summed value of each metric, by name and dimensions.
  final class KeptMetrics: MetricsFactory, Sendable {
    private let kept = Mutex<[String: Double]>([:])

    var values: [String: Double] { kept.withLock { $0 } }

    private final class Entry: CounterHandler, RecorderHandler {
      let name: String
      let owner: KeptMetrics

      init(name: String, owner: KeptMetrics) {
        self.name = name
        self.owner = owner
      }

      func increment(by amount: Int64) { owner.kept.withLock { $0[name, default: 0] += Double(amount) } }
      func reset() {}
      func record(_ value: Int64) { record(Double(value)) }
      func record(_ value: Double) { owner.kept.withLock { $0[name] = value } }
    }

    private func entry(_ label: String, _ dimensions: [(String, String)]) -> Entry {
      Entry(name: label + dimensions.map { "{\($0.0)=\($0.1)}" }.joined(), owner: self)
    }

    func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler { entry(label, dimensions) }
    func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
      entry(label, dimensions)
    }
    func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler { NOOPMetricsHandler.instance }
    func destroyCounter(_ handler: any CounterHandler) {}
    func destroyRecorder(_ handler: any RecorderHandler) {}
    func destroyTimer(_ handler: any TimerHandler) {}
  }

  @Test func requestsAreCountedByResultAndTheTokensEndIsShown() async throws {
    let kept = KeptMetrics()
    let clock = TurnedClock()
    let issuer = ScriptedIssuer(.refused(.clientRefused))
    let loop = try EventLoop(name: "oauth-metrics")
    defer { loop.stop() }
    let source = withMetricsFactory(kept) {
      OAuthTokenSource(issuer: issuer, loop: loop, logger: KeptLog().logger, clock: { clock.now })
    }
    for code in [OAuthError.Code.clientRefused, .throttled, .throttled] {
      issuer.answer(.refused(code))
      clock.turn(100)
      await #expect(throws: GRPCError.self) { try await source.current() }
    }
    issuer.answer(.token("T", lifetime: 1_000))
    clock.turn(100)
    let before = Date().timeIntervalSince1970
    _ = try await source.current()
    let values = kept.values
    #expect(values["sallyport_oauth_requests_total{result=client_refused}"] == 1)
    #expect(values["sallyport_oauth_requests_total{result=throttled}"] == 2)
    #expect(values["sallyport_oauth_requests_total{result=success}"] == 1)
    let expiry = try #require(values["sallyport_oauth_token_expiry_timestamp_seconds"])
    #expect(abs(expiry - before - 1_000) < 30)
  }
}
