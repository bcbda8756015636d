import Synchronization

/// A request to stop, made once from any thread. Work registers what interrupts it while it blocks.
package final class Cancellation: Sendable {
  private struct State {
    var isCancelled = false
    var next = 0
    var interrupts: [Int: @Sendable () -> Void] = [:]
  }

  private let state = Mutex(State())

  package init() {}

  package var isCancelled: Bool { state.withLock { $0.isCancelled } }

  /// Stops the work: every registered interrupt runs on the calling thread, which may block for a moment (a cancel request
  /// to the database is a short connection). Later calls do nothing.
  package func cancel() {
    let interrupts = state.withLock { state -> [@Sendable () -> Void] in
      guard !state.isCancelled else { return [] }
      state.isCancelled = true
      return state.interrupts.sorted { $0.key < $1.key }.map(\.value)
    }
    for interrupt in interrupts { interrupt() }
  }

  /// Registers what interrupts the caller; runs it at once when the request was already made.
  ///
  /// - Returns: a token for `remove`.
  package func onCancel(_ interrupt: @escaping @Sendable () -> Void) -> Int {
    let (token, now) = state.withLock { state -> (Int, Bool) in
      state.next += 1
      if !state.isCancelled { state.interrupts[state.next] = interrupt }
      return (state.next, state.isCancelled)
    }
    if now { interrupt() }
    return token
  }

  /// Forgets an interrupt.
  package func remove(_ token: Int) { state.withLock { $0.interrupts[token] = nil } }

  /// - Throws: an `EngineError` of the kind `cancelled` once the request was made.
  package func check() throws(EngineError) {
    if isCancelled { throw EngineError(.cancelled, "the run was cancelled") }
  }
}
