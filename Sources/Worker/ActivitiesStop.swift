import Synchronization

/// A wish that blocking work should end, made once. Safe on every thread.
package final class StopRequest: Sendable {
  private struct State {
    var isRequested = false
    var interrupts: [@Sendable () -> Void] = []
  }

  private let state = Mutex(State())

  package init() {}

  package var isRequested: Bool { state.withLock { $0.isRequested } }

  /// Requests the stop: runs every interrupt on the calling thread, in the order in which they were registered.
  package func request() {
    let interrupts = state.withLock { state -> [@Sendable () -> Void] in
      state.isRequested = true
      defer { state.interrupts = [] }
      return state.interrupts
    }
    for interrupt in interrupts { interrupt() }
  }

  /// Registers what interrupts the work; runs it at once when the stop was requested before.
  package func onRequest(_ interrupt: @escaping @Sendable () -> Void) {
    let isLate = state.withLock { state in
      if !state.isRequested { state.interrupts.append(interrupt) }
      return state.isRequested
    }
    if isLate { interrupt() }
  }
}
