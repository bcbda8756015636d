import Testing

@testable import EventLoop

@Suite("Timers")
struct TimerQueueTests {
  private func time(_ seconds: Int64) -> MonotonicTime { MonotonicTime(nanoseconds: seconds * 1_000_000_000) }

  @Test("Timers come up in the order of their deadlines, equal ones in the order in which they were set")
  func order() {
    var queue = TimerQueue()
    func timeToNext(_ seconds: Int64) -> Duration? { queue.timeToNext(from: time(seconds)) }
    func takeDue(_ seconds: Int64) -> Int { queue.takeDue(at: time(seconds)).count }
    var fired: [Int] = []
    for (number, seconds) in [(1, 30), (2, 10), (3, 20), (4, 10)] {
      _ = queue.insert(at: time(Int64(seconds))) { fired.append(number) }
    }
    #expect(timeToNext(4) == .seconds(6))
    for body in queue.takeDue(at: time(20)) { body() }
    #expect(fired == [2, 4, 3])
    #expect(queue.count == 1)
    #expect(timeToNext(40) == .zero)
  }

  @Test("A cancelled timer does not fire and does not wake the loop")
  func cancel() {
    var queue = TimerQueue()
    func timeToNext(_ seconds: Int64) -> Duration? { queue.timeToNext(from: time(seconds)) }
    func takeDue(_ seconds: Int64) -> Int { queue.takeDue(at: time(seconds)).count }
    let key = queue.insert(at: time(1)) { Issue.record("fired") }
    queue.remove(key)
    queue.remove(key)
    #expect(timeToNext(0) == nil)
    #expect(takeDue(5) == 0)
  }

  @Test("Many timers set and cancelled leave nothing behind")
  func many() {
    var queue = TimerQueue()
    func timeToNext(_ seconds: Int64) -> Duration? { queue.timeToNext(from: time(seconds)) }
    func takeDue(_ seconds: Int64) -> Int { queue.takeDue(at: time(seconds)).count }
    for index in 0..<10_000 {
      let key = queue.insert(at: time(Int64(index % 100))) {}
      if index % 10 != 0 { queue.remove(key) }
    }
    #expect(queue.count == 1_000)
    #expect(takeDue(1_000) == 1_000)
  }

  @Test("Times saturate instead of overflowing")
  func saturation() {
    #expect(time(5) + .seconds(Int64.max) == .distantFuture)
    #expect(MonotonicTime.distantFuture + .seconds(1) == .distantFuture)
    #expect(MonotonicTime(nanoseconds: .min) - .distantFuture == .nanoseconds(Int64.min))
    #expect(Duration.seconds(-Int64.max).clampedNanoseconds == .min)
    #expect(time(7) - time(9) == .seconds(-2))
  }
}
