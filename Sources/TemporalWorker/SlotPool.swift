import DequeModule
import Synchronization

/// A fixed number of places for work; who finds none waits, first come first served. Safe on every thread.
package final class SlotPool: Sendable {
  private struct State {
    var free: Int
    var waiters: Deque<(id: Int, continuation: CheckedContinuation<Bool, Never>)> = []
    var nextWaiter = 0
  }

  /// How many places there are.
  package let capacity: Int
  private let state: Mutex<State>

  package init(_ capacity: Int) {
    self.capacity = max(1, capacity)
    state = Mutex(State(free: max(1, capacity)))
  }

  package var used: Int { capacity - state.withLock { $0.free } }

  /// Takes a place.
  /// - Returns: false when the waiting task was cancelled; then no place was taken.
  package func take() async -> Bool {
    let id = state.withLock { state -> Int in
      state.nextWaiter += 1
      return state.nextWaiter
    }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let now: Bool? = state.withLock { state in
          if Task.isCancelled { return false }
          if state.free > 0 {
            state.free -= 1
            return true
          }
          state.waiters.append((id, continuation))
          return nil
        }
        if let now { continuation.resume(returning: now) }
      }
    } onCancel: {
      let waiter = state.withLock { state -> CheckedContinuation<Bool, Never>? in
        guard let place = state.waiters.firstIndex(where: { $0.id == id }) else { return nil }
        return state.waiters.remove(at: place).continuation
      }
      waiter?.resume(returning: false)
    }
  }

  /// Gives a place back, or hands it to who has waited longest.
  package func giveBack() {
    let next = state.withLock { state -> CheckedContinuation<Bool, Never>? in
      if let waiter = state.waiters.popFirst() { return waiter.continuation }
      state.free += 1
      return nil
    }
    next?.resume(returning: true)
  }
}
