import EventLoop
import TemporalWorker

/// Carries blocking work on threads of its own, never more than a fixed number at a time; further work waits its turn.
package struct BlockingThreads: Sendable {
  private let slots: SlotPool

  /// - Parameter limit: threads at a time, at least one.
  package init(limit: Int) { slots = SlotPool(limit) }

  /// Runs the work on a thread of its own and waits for it without blocking the caller's thread.
  ///
  /// - Parameter name: of the thread, for `ps`.
  /// - Throws: what the work throws; `CancellationError` when the task was cancelled before the work began; `EventLoopError`
  ///   when the system gives no thread. Work that has begun is waited for.
  package func run<Value: Sendable>(
    _ name: String, _ work: @escaping @Sendable () throws -> Value
  ) async throws -> Value {
    guard await slots.take() else { throw CancellationError() }
    defer { slots.giveBack() }
    return try await withCheckedThrowingContinuation { continuation in
      do {
        try OperatingSystemThread.start(name) { continuation.resume(with: Result { try work() }) }
      } catch {
        continuation.resume(throwing: error)
      }
    }
  }
}
