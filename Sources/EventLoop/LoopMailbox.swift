internal import CLinux
internal import DequeModule

/// What other threads hand to a loop, and the descriptor by which they wake it.
final class LoopMailbox: Sendable {
  /// What waits.
  struct Content {
    /// Jobs of actors.
    var jobs = Deque<UnownedJob>()
    /// Work of others.
    var work: [@Sendable () -> Void] = []
    /// Whether the loop has been asked to stop.
    var isStopping = false
    fileprivate var isWoken = false
  }

  private let content = PosixMutex(Content())
  private let descriptor: Int32

  /// Opens the descriptor.
  init() throws(EventLoopError) {
    descriptor = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
    guard descriptor >= 0 else { throw EventLoopError(.descriptorRefused, systemError: sly_errno()) }
  }

  deinit { close(descriptor) }

  /// Lets a poller return whenever something is posted.
  func watch(with poller: DescriptorPoller) throws(EventLoopError) {
    let descriptor = descriptor
    try poller.add(descriptor, interest: .readable) { _ in
      var count: UInt64 = 0
      _ = unsafe withUnsafeMutableBytes(of: &count) { unsafe read(descriptor, $0.baseAddress, 8) }
    }
  }

  /// Whether neither jobs nor work wait.
  var isEmpty: Bool { content.withLock { $0.jobs.isEmpty && $0.work.isEmpty } }

  /// Puts something in and, unless the caller is the loop's own thread, wakes it.
  func post(wakes: Bool = true, _ change: (inout Content) -> Void) {
    let needsWake = content.withLock { content in
      change(&content)
      defer { content.isWoken = true }
      return !content.isWoken
    }
    if needsWake && wakes { wake() }
  }

  /// Takes out all work and at most `count` jobs, and tells whether the loop has been asked to stop.
  func take(_ count: Int) -> (jobs: [UnownedJob], work: [@Sendable () -> Void], isStopping: Bool) {
    content.withLock { content in
      content.isWoken = false
      let jobs = Array(content.jobs.prefix(count))
      content.jobs.removeFirst(jobs.count)
      defer { content.work = [] }
      return (jobs, content.work, content.isStopping)
    }
  }

  /// The loop is gone: its thread is to notice.
  func abandon() { wake() }

  /// The thread ends: does what was posted last. Jobs cannot wait any more, for their actors hold the loop.
  func finish() {
    for body in take(0).work { body() }
  }

  private func wake() {
    var one: UInt64 = 1
    _ = unsafe withUnsafeBytes(of: &one) { unsafe write(descriptor, $0.baseAddress, 8) }
  }
}
