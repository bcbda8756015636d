internal import CLinux

/// Starts threads of the operating system for work that blocks: name resolution, file reads, the event loop itself.
///
/// Such work must never run on Swift's cooperative pool, whose few threads would then stand still.
package enum OperatingSystemThread {
  /// The work a new thread takes over, boxed so that it can travel through a C pointer.
  private final class Work {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
      self.name = name
      self.body = body
    }
  }

  /// Starts a detached thread that runs `body` once.
  ///
  /// - Parameters:
  ///   - name: shown by `ps -L` and debuggers; the kernel keeps the first 15 bytes.
  ///   - body: runs on the new thread, with every signal blocked (signals belong to the main thread).
  /// - Throws: `EventLoopError.threadRefused` when the system has no thread to give.
  package static func start(_ name: String, _ body: @escaping @Sendable () -> Void) throws(EventLoopError) {
    var attributes = pthread_attr_t()
    unsafe pthread_attr_init(&attributes)
    defer { unsafe _ = pthread_attr_destroy(&attributes) }
    unsafe pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    let work = unsafe Unmanaged.passRetained(Work(name: String(name.prefix(15)), body: body))
    var thread = pthread_t()
    // Both masks: the new thread inherits the creator's, so it is narrowed around the call.
    var all = sigset_t()
    var former = sigset_t()
    unsafe sigfillset(&all)
    unsafe pthread_sigmask(SIG_SETMASK, &all, &former)
    let status = unsafe pthread_create(
      &thread, &attributes,
      { pointer in
        guard let pointer = unsafe pointer else { return nil }
        let work = unsafe Unmanaged<Work>.fromOpaque(pointer).takeRetainedValue()
        unsafe work.name.withCString { unsafe sly_name_thread($0) }
        work.body()
        return nil
      }, unsafe work.toOpaque())
    unsafe pthread_sigmask(SIG_SETMASK, &former, nil)
    guard status == 0 else {
      unsafe work.release()
      throw EventLoopError(.threadRefused, systemError: status)
    }
  }
}
