import Foundation
import Testing

@testable import EventLoop

/// An actor that does nothing but run on a loop.
private actor Tenant {
  let loop: EventLoop
  private(set) var visits = 0

  init(_ loop: EventLoop) { self.loop = loop }

  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  func visit() { visits += 1 }
}

/// When the loop's thread begins and ends, and that nothing is lost in between.
@Suite("Life of an event loop", .serialized)
struct LoopLifeTests {
  /// How many threads of this process bear a name.
  private func threads(named name: String) -> Int {
    let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? []
    return tasks.count { task in
      (try? String(contentsOfFile: "/proc/self/task/\(task)/comm", encoding: .utf8)) == name + "\n"
    }
  }

  private func eventually(_ condition: () -> Bool) async throws {
    for _ in 0..<2_000 where !condition() { try await Task.sleep(for: .milliseconds(10)) }
    #expect(condition())
  }

  @Test("The thread lives until the loop is stopped and nobody holds it any more")
  func threadEnds() async throws {
    weak var released: EventLoop?
    do {
      let tenant = Tenant(try EventLoop(name: "life-one"))
      released = tenant.loop
      try await eventually { threads(named: "life-one") == 1 }
      await tenant.visit()
      tenant.loop.stop()
      // Stopped, but held: what comes late is still done, by the same thread.
      for _ in 0..<100 { await tenant.visit() }
      #expect(await tenant.visits == 101)
      #expect(threads(named: "life-one") == 1)
    }
    try await eventually { released == nil && threads(named: "life-one") == 0 }
  }

  @Test("A loop that nobody stops goes on without anybody holding it")
  func threadGoesOn() async throws {
    let done = PosixMutex(0)
    let deadline = MonotonicTime.now() + .milliseconds(200)
    try EventLoop(name: "life-two").submit { done.withLock { $0 += 1 } }
    try await eventually { done.withLock { $0 } == 1 }
    while MonotonicTime.now() < deadline { try await Task.sleep(for: .milliseconds(10)) }
    #expect(threads(named: "life-two") == 1)
  }

  @Test("Work that is posted while the last holder lets go is done all the same")
  func lastWork() async throws {
    let done = PosixMutex(0)
    for _ in 0..<50 {
      let loop = try EventLoop(name: "life-three")
      loop.stop()
      loop.submit { done.withLock { $0 += 1 } }
    }
    try await eventually { done.withLock { $0 } == 50 }
    try await eventually { threads(named: "life-three") == 0 }
  }

  @Test("One thread at a time is behind the mutex")
  func mutex() async throws {
    let counter = PosixMutex((first: 0, second: 0))
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<8 {
        group.addTask {
          for _ in 0..<5_000 {
            counter.withLock {
              $0.first += 1
              $0.second += 1
            }
          }
        }
      }
    }
    #expect(counter.withLock { $0.first == 40_000 && $0.second == 40_000 })
  }
}
