import Foundation
import TestSupport
import Testing

@testable import EventLoop

/// An actor on a loop.
private actor Counter {
  let loop: EventLoop
  private(set) var count = 0
  private var kept: Dial?

  init(_ loop: EventLoop) { self.loop = loop }

  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  func increment() {
    #expect(loop.isCurrent)
    count += 1
  }

  func wait(_ duration: Duration) async -> Duration {
    let start = MonotonicTime.now()
    await withCheckedContinuation { continuation in
      loop.setTimer(at: start + duration) { continuation.resume() }
    }
    return .now() - start
  }

  func offload() async -> Int {
    await withCheckedContinuation { continuation in
      do {
        try loop.offload("work") {
          6 * 7
        } then: { [loop] result in
          #expect(loop.isCurrent)
          continuation.resume(returning: result)
        }
      } catch {
        continuation.resume(returning: -1)
      }
    }
  }

  func dial(_ target: Dial.Target) async -> Result<String, EventLoopError> {
    await withCheckedContinuation { continuation in
      let dial = Dial(target, on: loop) { result in continuation.resume(returning: result.map { "\($0.peer)" }) }
      kept = dial
      dial.start()
    }
  }
}

@Suite("The event loop")
struct EventLoopTests {
  @Test("Jobs of many tasks run one at a time on the loop's thread")
  func jobs() async throws {
    let loop = try EventLoop()
    let counter = Counter(loop)
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<50 {
        group.addTask { for _ in 0..<200 { await counter.increment() } }
      }
    }
    #expect(await counter.count == 10_000)
    #expect(!loop.isCurrent)
    #expect(loop.turnCount > 0)
    loop.stop()
  }

  @Test("A timer fires after its time, offloaded work comes back to the loop")
  func timers() async throws {
    let loop = try EventLoop()
    let counter = Counter(loop)
    let waited = await counter.wait(.milliseconds(30))
    #expect(waited >= .milliseconds(30))
    #expect(await counter.offload() == 42)
    loop.stop()
  }

  @Test("Work that comes after the stop is still done")
  func late() async throws {
    let loop = try EventLoop()
    let counter = Counter(loop)
    for _ in 0..<50 {
      loop.stop()
      await counter.increment()
    }
    #expect(await counter.count == 50)
  }

  @Test("Dialing: a listener, a closed port, a name that does not exist")
  func dial() async throws {
    let loop = try EventLoop()
    let counter = Counter(loop)
    let server = try RawServer { _ in }
    #expect(await counter.dial(.init(host: "localhost", port: server.port)) == .success("127.0.0.1:\(server.port)"))
    let closed = try LoopbackPort.free()
    let refused = await counter.dial(.init(host: "127.0.0.1", port: closed))
    #expect(
      refused == .failure(EventLoopError(.connectFailed, "127.0.0.1:\(closed): Connection refused")), "\(refused)")
    let unknown = await counter.dial(.init(host: "no-such-host.invalid", port: 1))
    guard case .failure(let error) = unknown else {
      Issue.record("\(unknown)")
      return
    }
    #expect(error.code == .nameNotResolved)
    #expect(error.message.contains("no-such-host.invalid"))
    loop.stop()
  }

  @Test("Families take turns, beginning with the preferred one")
  func interleaving() throws {
    let six = try SocketAddress.resolve(host: "::1", port: 7)
    let four = try SocketAddress.resolve(host: "127.0.0.1", port: 7)
    let other = try SocketAddress.resolve(host: "127.0.0.2", port: 7)
    #expect(SocketAddress.interleaved(four + other + six) == four + six + other)
    #expect(six.first?.description == "[::1]:7")
    #expect(six.first?.isLoopback == true && other.first?.isLoopback == true)
    #expect(try SocketAddress.resolve(host: "192.0.2.1", port: 7).first?.isLoopback == false)
  }
}
