import CLinux
import Glibc

/// A lock with a condition: state that blocking threads share and wait for.
///
/// Only for the engine's own threads, never for tasks. Sendable because the state is only touched while the lock is held.
@safe package final class Monitor<State>: @unchecked Sendable {
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let changed: UnsafeMutablePointer<pthread_cond_t>
  private var state: State

  package init(_ state: sending State) {
    self.state = state
    unsafe mutex = .allocate(capacity: 1)
    unsafe changed = .allocate(capacity: 1)
    unsafe pthread_mutex_init(mutex, nil)
    unsafe pthread_cond_init(changed, nil)
  }

  deinit {
    unsafe pthread_cond_destroy(changed)
    unsafe pthread_mutex_destroy(mutex)
    unsafe changed.deallocate()
    unsafe mutex.deallocate()
  }

  /// Runs the body while no other thread does; every waiting thread looks again afterwards.
  package func withLock<R>(_ body: (inout State) throws -> R) rethrows -> R {
    unsafe pthread_mutex_lock(mutex)
    defer {
      unsafe pthread_cond_broadcast(changed)
      unsafe pthread_mutex_unlock(mutex)
    }
    return try body(&state)
  }

  /// Asks the body until it gives a value, waiting for changes in between.
  package func wait<R>(until body: (inout State) -> R?) -> R {
    unsafe pthread_mutex_lock(mutex)
    defer {
      unsafe pthread_cond_broadcast(changed)
      unsafe pthread_mutex_unlock(mutex)
    }
    while true {
      if let result = body(&state) { return result }
      unsafe pthread_cond_wait(changed, mutex)
    }
  }
}

/// A thread for work that blocks: templates and statements. It has a stack large enough for every limit of the template
/// engine.
@safe package final class BlockingThread: @unchecked Sendable {
  // Sendable: `handle` is set before the object is shared and only read afterwards.
  private var handle: pthread_t

  /// 8 MiB.
  package static let stackBytes = 8 << 20

  /// Starts the body on a new thread.
  ///
  /// - Throws: an `EngineError` when the system has no thread to give.
  package init(_ body: @escaping @Sendable () -> Void) throws(EngineError) {
    var attributes = pthread_attr_t()
    unsafe pthread_attr_init(&attributes)
    unsafe pthread_attr_setstacksize(&attributes, Self.stackBytes)
    let box = unsafe Unmanaged.passRetained(Body(body))
    var thread = pthread_t()
    let status = unsafe pthread_create(
      &thread, &attributes,
      { argument in
        guard let argument = unsafe argument else { return nil }
        unsafe Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
        return nil
      }, box.toOpaque())
    unsafe pthread_attr_destroy(&attributes)
    guard status == 0 else {
      unsafe box.release()
      throw EngineError(.internalFailure, "cannot start a thread: error \(status)", isTransient: true)
    }
    handle = thread
  }

  /// Waits until the body has ended. Call once, or never (then the thread's remains stay until the process ends).
  package func join() { _ = pthread_join(handle, nil) }

  /// Runs the body on a new thread and suspends the caller until it is done, for callers in async code.
  package static func run<R: Sendable>(_ body: @escaping @Sendable () -> R) async throws(EngineError) -> R {
    let result: Result<R, EngineError> = await withCheckedContinuation { continuation in
      do throws(EngineError) {
        let thread = try BlockingThread { continuation.resume(returning: .success(body())) }
        thread.detach()
      } catch {
        continuation.resume(returning: .failure(error))
      }
    }
    return try result.get()
  }

  private func detach() { _ = pthread_detach(handle) }

  private final class Body {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }
}
