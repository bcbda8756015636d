import CPostgres
import Synchronization

/// Stops the statement that a connection is running, from any thread.
///
/// libpq sends the cancel request on a connection of its own, which in version 15 is not encrypted: it carries the number
/// and the cancel key of the session, no data and no password.
package final class PostgresCanceller: Sendable {
  private struct State {
    var handle: OpaquePointer?
    var requested: ContinuousClock.Instant?
  }

  private let state: Mutex<State>

  /// Takes ownership of libpq's handle.
  init(adopting make: () -> OpaquePointer?) {
    state = Mutex(State(handle: nil, requested: nil))
    let handle = make()
    nonisolated(unsafe) let owned = handle
    state.withLock { unsafe $0.handle = owned }
  }

  deinit {
    state.withLock { if let handle = unsafe $0.handle { unsafe PQfreeCancel(handle) } }
  }

  /// Asks the server to stop what runs now. Blocks for one short connection; does nothing when nothing runs. Afterwards
  /// the connection refuses further statements.
  ///
  /// - Returns: false when the request could not be delivered.
  @discardableResult
  package func cancel() -> Bool {
    state.withLock { state in
      if state.requested == nil { state.requested = .now }
      guard let handle = unsafe state.handle else { return false }
      var buffer = [CChar](repeating: 0, count: 256)
      return unsafe buffer.withUnsafeMutableBufferPointer { area in
        unsafe PQcancel(handle, area.baseAddress, Int32(area.count)) == 1
      }
    }
  }

  /// When `cancel` was first called; nil when never.
  package var requestedAt: ContinuousClock.Instant? { state.withLock { $0.requested } }
}
