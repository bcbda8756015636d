import EventLoop
import Testing

@testable import HTTP2Client

/// The machines behind a connection's liveness, each told the time.
@Suite("Machines of liveness and of windows")
struct LivenessMachineTests {
  private func time(_ milliseconds: Int64) -> MonotonicTime { MonotonicTime(nanoseconds: milliseconds * 1_000_000) }

  @Test("All pings share one allowance, counted from the answer")
  func pacer() {
    var pacer = PingPacer(spacing: .seconds(10))
    func take(_ at: Int64) -> Bool { pacer.take(at: time(at)) }
    func answered(_ at: Int64) -> Duration? { pacer.answered(at: time(at)) }
    #expect(pacer.earliest == nil)
    #expect(take(0))
    #expect(!take(9_999))
    #expect(pacer.isWaiting)
    #expect(answered(300) == .milliseconds(300))
    #expect(answered(301) == nil)
    #expect(pacer.earliest == time(10_300))
    #expect(!take(10_299))
    #expect(take(10_300))
    // One that is never answered does not block the next for ever.
    #expect(take(20_300))
  }

  @Test("Keepalive waits for the allowance, and is stretched by the factor")
  func keepalive() {
    var keepalive = Keepalive(interval: .seconds(10), timeout: .seconds(5), factor: 4, now: time(0))
    func tick(_ at: Int64, _ earliest: Int64? = nil) -> Keepalive.Action {
      keepalive.tick(at: time(at), notBefore: earliest.map { time($0) })
    }
    #expect(keepalive.deadline() == time(40_000))
    #expect(keepalive.deadline(notBefore: time(45_000)) == time(45_000))
    #expect(tick(44_000, 45_000) == .none)
    #expect(tick(45_000, 45_000) == .ping)
    // The timeout is not stretched, and does not wait for the allowance.
    #expect(keepalive.deadline(notBefore: time(99_000)) == time(50_000))
    #expect(tick(50_000, 99_000) == .dead)
    let huge = Keepalive(interval: .seconds(10), timeout: .seconds(5), factor: .max, now: time(0))
    #expect(huge.deadline() == time(10_000 * Int64(Keepalive.largestFactor)))
  }

  @Test("The window grows to twice what one round trip carried, up to its cap")
  func bandwidth() {
    var estimator = BandwidthEstimator(window: 1_000, largest: 5_000)
    func received(_ count: Int, _ at: Int64) -> Bool { estimator.received(count, at: time(at)) }
    func answered(_ at: Int64) -> Int? { estimator.pingAnswered(at: time(at)) }
    // Small answers cost no PING, however many there are.
    for second in 0..<20 { #expect(!received(100, Int64(second) * 2_000)) }
    #expect(!received(200, 100_000))
    #expect(received(100, 100_010))
    estimator.pingSent(at: time(100_010))
    #expect(!received(900, 100_050))
    #expect(answered(100_110) == 1_800)
    #expect(estimator.window == 1_800)
    // Less than the window held: the path, not the window, is the limit.
    estimator.pingSent(at: time(110_000))
    _ = received(600, 110_010)
    #expect(answered(110_020) == nil)
    // A slower sample proves nothing, however large.
    estimator.pingSent(at: time(120_000))
    _ = received(1_800, 120_010)
    #expect(answered(130_000) == nil)
    estimator.pingSent(at: time(140_000))
    _ = received(4_000, 140_010)
    #expect(answered(140_020) == 5_000)
    // At the cap nothing is measured any more.
    #expect(!received(1 << 30, 150_000))
    #expect(answered(150_001) == nil)
  }

  @Test("A frame, a header block and a TLS record are followed from the first byte to the last")
  func boundaries() {
    func follow(_ layout: FrameBoundary.Layout, _ pieces: [([UInt8], Int64)]) -> [MonotonicTime?] {
      var boundary = FrameBoundary(layout)
      return pieces.map { bytes, at in
        boundary.take(bytes[...], at: time(at))
        return boundary.unfinishedSince
      }
    }
    let ping = [UInt8]([0, 0, 8, 6, 0, 0, 0, 0, 0]) + Array(repeating: 0, count: 8)
    #expect(follow(.http2, [(ping, 1), (Array(ping.prefix(3)), 2)]) == [nil, time(2)])
    #expect(
      follow(
        .http2, [(Array(ping.prefix(3)), 1), (Array(ping.dropFirst(3).prefix(10)), 5), (Array(ping.suffix(4)), 9)])
        == [time(1), time(1), nil])
    let settings: [UInt8] = [0, 0, 0, 4, 0, 0, 0, 0, 0]
    #expect(follow(.http2, [(settings, 1), (settings + ping + [0], 2)]) == [nil, time(2)])
    // HEADERS without END_HEADERS is not over before the last CONTINUATION.
    let open: [UInt8] = [0, 0, 1, 1, 0, 0, 0, 0, 1, 0x88]
    let more: [UInt8] = [0, 0, 0, 9, 0, 0, 0, 0, 1]
    let last: [UInt8] = [0, 0, 0, 9, 4, 0, 0, 0, 1]
    #expect(follow(.http2, [(open, 1), (more, 2), (last, 3)]) == [time(1), time(1), nil])
    #expect(follow(.tls, [([23, 3, 3, 0, 2, 7], 1), ([7, 23], 4), ([3, 3, 0, 0], 8)]) == [time(1), time(4), nil])
  }

  @Test("What hangs is noticed when its time is over, and not before")
  func progress() {
    var timing = HTTP2Timing()
    timing.frame = .seconds(3)
    timing.write = .seconds(5)
    var watch = ProgressWatch(timing: timing)
    #expect(watch.deadline == nil)
    watch.received(1, unfinishedSince: time(1_000), at: time(1_000))
    watch.blocked(at: time(500))
    watch.blocked(at: time(2_000))
    #expect(watch.deadline == time(4_000))
    #expect(watch.fault(at: time(3_999)) == nil)
    #expect(watch.fault(at: time(4_000)) == .unfinishedFrame)
    watch.received(1, unfinishedSince: nil, at: time(4_000))
    #expect(watch.deadline == time(5_500))
    #expect(watch.fault(at: time(5_500)) == .blockedWrite)
    watch.wrote()
    #expect(watch.deadline == nil)
  }

  @Test("Frames that crawl in are noticed, though each ends in time; the time between frames does not count")
  func crawl() {
    var timing = HTTP2Timing()
    timing.frame = .seconds(3)
    var watch = ProgressWatch(timing: timing)
    // Frames of two bytes: the second comes a second after the first, the next frame long after.
    for second: Int64 in [0, 100, 200] {
      watch.received(1, unfinishedSince: time(second * 1_000), at: time(second * 1_000))
      #expect(watch.fault(at: time(second * 1_000 + 900)) == nil)
      watch.received(1, unfinishedSince: nil, at: time(second * 1_000 + 999))
      #expect(watch.deadline == nil)
    }
    watch.received(1, unfinishedSince: time(300_000), at: time(300_000))
    #expect(watch.deadline == time(300_003))
    #expect(watch.fault(at: time(300_002)) == nil)
    #expect(watch.fault(at: time(300_003)) == .crawlingFrames)
    // What comes fast enough counts anew.
    watch.received(ProgressWatch.leastBytes, unfinishedSince: time(300_000), at: time(300_002))
    #expect(watch.deadline == time(303_000))
    #expect(watch.fault(at: time(303_000)) == .unfinishedFrame)
  }

  @Test("Each halt of an upload is counted once")
  func stalls() {
    var stalls = UploadStalls()
    stalls.began(1)
    stalls.began(3)
    for _ in 0..<3 { stalls.note(connectionWindow: 10) { $0 == 1 ? 0 : 5 } }
    #expect(stalls.take() == (1, 0))
    stalls.note(connectionWindow: 0) { _ in 5 }
    stalls.note(connectionWindow: 0) { _ in 0 }
    #expect(stalls.take() == (2, 1))
    stalls.ended(1)
    stalls.ended(3)
    #expect(stalls.isEmpty)
  }
}
