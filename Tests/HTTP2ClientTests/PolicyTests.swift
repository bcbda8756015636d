import EventLoop
import Testing

@testable import HTTP2Client

@Suite("Keepalive and budgets")
struct PolicyTests {
  private func time(_ seconds: Int64) -> MonotonicTime { MonotonicTime(nanoseconds: seconds * 1_000_000_000) }

  @Test("Silence leads to a PING, an unanswered PING to the end")
  func keepalive() {
    var keepalive = Keepalive(interval: .seconds(30), timeout: .seconds(15), now: time(0))
    func tick(_ seconds: Int64) -> Keepalive.Action { keepalive.tick(at: time(seconds)) }
    #expect(keepalive.deadline() == time(30))
    #expect(tick(29) == .none)
    #expect(tick(30) == .ping)
    #expect(keepalive.deadline() == time(45))
    #expect(tick(44) == .none)
    #expect(tick(45) == .dead)
  }

  @Test("Whatever arrives counts as a sign of life and puts the PING off")
  func signOfLife() {
    var keepalive = Keepalive(interval: .seconds(30), timeout: .seconds(15), now: time(0))
    func tick(_ seconds: Int64) -> Keepalive.Action { keepalive.tick(at: time(seconds)) }
    keepalive.received(at: time(20))
    #expect(tick(30) == .none)
    #expect(tick(50) == .ping)
    keepalive.received(at: time(51))
    #expect(tick(65) == .none)
    #expect(keepalive.deadline() == time(81))
  }

  @Test("No configuration makes pings more frequent than servers tolerate")
  func floor() {
    let keepalive = Keepalive(interval: .seconds(1), timeout: .seconds(1), now: time(0))
    #expect(keepalive.deadline() == time(10))
  }

  @Test("The budget is spent by the peer, earned by us, and comes back with time")
  func budget() {
    var budget = FrameBudget(capacity: 10, refillPerSecond: 2)
    func spend() -> Bool { budget.spend(1) }
    budget.advance(to: time(0))
    for _ in 0..<10 { #expect(spend()) }
    #expect(!spend())
    budget.advance(to: time(3))
    for _ in 0..<5 { #expect(spend()) }
    #expect(!spend())
    budget.earn(100)
    for _ in 0..<10 { #expect(spend()) }
  }

  @Test("Error codes have the names of RFC 9113")
  func names() {
    #expect(HTTP2ErrorCode.enhanceYourCalm.description == "ENHANCE_YOUR_CALM")
    #expect(HTTP2ErrorCode.refusedStream.description == "REFUSED_STREAM")
    #expect(HTTP2ErrorCode(rawValue: 99).description == "error code 99")
  }
}
