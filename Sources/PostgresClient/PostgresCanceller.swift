import CPostgres
import Synchronization

/// Stops the statement that a connection is running, from any thread.
///
/// libpq sends the cancel request on a connection of its own, which in version 15 is not encrypted: it carries the number
/// and the cancel key of the session, no data and no password.
///
/// Sendable because libpq only reads the handle after making it, and says that it may be used from any thread.
@safe package final class PostgresCanceller: @unchecked Sendable {
  private let handle: OpaquePointer?
  private let firstRequest = Mutex<ContinuousClock.Instant?>(nil)

  /// Takes ownership of libpq's handle; without one the requests are remembered but not sent.
  init(adopting handle: OpaquePointer?) { unsafe self.handle = handle }

  deinit { if let handle = unsafe handle { unsafe PQfreeCancel(handle) } }

  /// Asks the server to stop what runs now. Blocks for one short connection; does nothing when nothing runs. Afterwards
  /// the connection refuses further statements.
  ///
  /// - Returns: false when the request could not be delivered.
  @discardableResult
  package func cancel() -> Bool {
    firstRequest.withLock { if $0 == nil { $0 = .now } }
    guard let handle = unsafe handle else { return false }
    var buffer = [CChar](repeating: 0, count: 256)
    return unsafe buffer.withUnsafeMutableBufferPointer { area in
      unsafe PQcancel(handle, area.baseAddress, Int32(area.count)) == 1
    }
  }

  /// When `cancel` was first called; nil when never.
  package var requestedAt: ContinuousClock.Instant? { firstRequest.withLock { $0 } }
}
