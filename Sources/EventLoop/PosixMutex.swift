internal import CLinux

/// A value behind a mutex of the C library.
///
/// The standard library's `Mutex` waits on a priority-inheriting futex that the kernel hands from one thread to the next.
/// ThreadSanitizer does not see that, and reports everything such a mutex guards as a race as soon as two threads meet at
/// it. This one it understands, so what it still reports is real.
///
/// `@unchecked Sendable`: the value is only reached through `withLock`, by one thread at a time.
@safe package final class PosixMutex<Value>: @unchecked Sendable {
  private let handle: UnsafeMutablePointer<pthread_mutex_t>
  private var value: Value

  /// Guards a value that nobody else refers to.
  package init(_ value: sending Value) {
    self.value = value
    unsafe handle = .allocate(capacity: 1)
    unsafe handle.initialize(to: pthread_mutex_t())
    unsafe pthread_mutex_init(handle, nil)
  }

  deinit {
    unsafe pthread_mutex_destroy(handle)
    unsafe handle.deallocate()
  }

  /// Runs `body` while no other thread is in here. It must not wait for anything, nor lock again.
  package func withLock<Result>(_ body: (inout Value) -> Result) -> Result {
    unsafe pthread_mutex_lock(handle)
    defer { unsafe _ = pthread_mutex_unlock(handle) }
    return body(&value)
  }
}
