import DBTEngine
import TemporalWorker

/// Carries blocking work on threads of its own, never more than a fixed number at a time; further work waits its turn.
package struct BlockingThreads: Sendable {
  private let slots: SlotPool

  /// - Parameter limit: threads at a time, at least one.
  package init(limit: Int) { slots = SlotPool(limit) }

  /// Runs the work on a thread of its own, whose stack is large enough for every limit of the template engine, and waits for
  /// it without blocking the caller's thread.
  ///
  /// - Throws: what the work throws; `CancellationError` when the task was cancelled before the work began; `EngineError`
  ///   when the system gives no thread. Work that has begun is waited for.
  package func run<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
    guard await slots.take() else { throw CancellationError() }
    defer { slots.giveBack() }
    let result: Result<Value, any Error> = try await BlockingThread.run { Result { try work() } }
    return try result.get()
  }
}
