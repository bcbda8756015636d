import Synchronization

/// An event that happens once and stays happened, with a value; any number of tasks may wait for it. Safe on every thread.
package final class Signal<Value: Sendable>: Sendable {
  private struct State {
    var value: Value?
    var waiters: [Int: CheckedContinuation<Value?, Never>] = [:]
    var nextWaiter = 0
  }

  private let state = Mutex(State())

  package init() {}

  /// What it was fired with; nil before.
  package var value: Value? { state.withLock { $0.value } }

  package var isFired: Bool { value != nil }

  /// Fires the signal. Later calls change nothing.
  /// - Returns: whether this call was the first.
  @discardableResult
  package func fire(_ value: Value) -> Bool {
    let (isFirst, waiters) = state.withLock { state -> (Bool, [CheckedContinuation<Value?, Never>]) in
      guard state.value == nil else { return (false, []) }
      state.value = value
      defer { state.waiters = [:] }
      return (true, Array(state.waiters.values))
    }
    for waiter in waiters { waiter.resume(returning: value) }
    return isFirst
  }

  /// Waits until the signal is fired.
  /// - Returns: its value, or nil when the waiting task was cancelled first.
  package func wait() async -> Value? {
    let id = state.withLock { state -> Int in
      state.nextWaiter += 1
      return state.nextWaiter
    }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let now: Value?? = state.withLock { state in
          if let value = state.value { return .some(value) }
          if Task.isCancelled { return .some(nil) }
          state.waiters[id] = continuation
          return nil
        }
        if let now { continuation.resume(returning: now) }
      }
    } onCancel: {
      let waiter = state.withLock { $0.waiters.removeValue(forKey: id) }
      waiter?.resume(returning: nil)
    }
  }
}
