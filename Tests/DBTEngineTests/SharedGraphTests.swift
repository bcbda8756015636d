import DBTContext
import Jinja
import Synchronization
import Testing

@testable import DBTEngine

/// Threads take turns at what templates share, and leave it while they wait.
@Suite struct SharedGraphTests {
  @Test func oneThreadAtATime() throws {
    let graph = SharedGraph()
    let inside = Mutex(0)
    let most = Mutex(0)
    @Sendable func work() {
      for _ in 0..<200 {
        graph.enter()
        let now = inside.withLock { count in
          count += 1
          return count
        }
        most.withLock { $0 = max($0, now) }
        graph.entries["n"] = .int((graph.entries["n"]?.intValue ?? 0) + 1)
        inside.withLock { $0 -= 1 }
        graph.leave()
      }
    }
    let threads = try (0..<4).map { _ in try BlockingThread { work() } }
    for thread in threads { thread.join() }
    #expect(most.withLock { $0 } == 1)
    graph.enter()
    #expect(graph.entries["n"]?.intValue == 800)
    graph.leave()
  }

  @Test func othersGoOnWhileOneWaits() throws {
    let graph = SharedGraph()
    #expect(!graph.isUsed)
    graph.enter()
    graph.enter()
    try graph.paused {
      let other = try BlockingThread {
        graph.enter()
        graph.entries["seen"] = .bool(true)
        graph.leave()
      }
      other.join()
    }
    #expect(graph.isUsed)
    #expect(graph.entries["seen"] != nil)
    // Still this thread's turn, twice.
    let entered = Mutex(false)
    let other = try BlockingThread {
      graph.enter()
      entered.withLock { $0 = true }
      graph.leave()
    }
    graph.leave()
    #expect(!entered.withLock { $0 })
    graph.leave()
    other.join()
    #expect(entered.withLock { $0 })
  }

  @Test func pausingWithoutTheTurnIsNothing() {
    let graph = SharedGraph()
    #expect(graph.paused { 5 } == 5)
    #expect(!graph.isUsed)
  }
}
