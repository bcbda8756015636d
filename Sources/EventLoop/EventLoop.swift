internal import CLinux
internal import DequeModule
internal import Synchronization

/// A thread of its own that waits on epoll and runs, in turn, descriptor events, timers and Swift jobs.
///
/// It is a `SerialExecutor`: an actor that returns it from `unownedExecutor` runs on the loop's thread, and so may own
/// handles of C libraries without a lock. Readiness and timer callbacks run on the same thread and enter the actor by
/// `assumeIsolated`. Nothing that runs here may block. The thread lives until `stop()`; the object is kept alive by it.
///
/// `@unchecked Sendable`: the mailbox is behind a mutex, the thread identity is atomic, and the rest is only
/// touched on the loop's thread, which `preconditionOnLoop()` checks at every entry.
package final class EventLoop: SerialExecutor, @unchecked Sendable {
  /// What other threads hand to the loop.
  private struct Mailbox {
    var jobs = Deque<UnownedJob>()
    var work = Deque<@Sendable () -> Void>()
    var isRunning = false
    var isStopping = false
    var isWoken = false
  }

  /// How many jobs run before descriptors are looked at again, so that a busy actor cannot starve the sockets.
  private static let jobsPerTurn = 256

  private let name: String
  private let mailbox = Mutex(Mailbox())
  private let threadIdentity = Atomic<UInt>(0)
  private let turns = Atomic<UInt64>(0)
  private let poller: DescriptorPoller
  private let wakeDescriptor: Int32
  /// Timers; touched on the loop's thread only.
  private var timers = TimerQueue()
  /// What to do with the results of offloaded work, by number; touched on the loop's thread only.
  private var continuations: [UInt64: (any Sendable) -> Void] = [:]
  private var nextContinuation: UInt64 = 0

  /// Opens the poller and starts the thread.
  ///
  /// - Throws: `EventLoopError` when the system refuses a descriptor or the thread.
  package init(name: String = "event-loop") throws(EventLoopError) {
    self.name = name
    poller = try DescriptorPoller()
    wakeDescriptor = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
    guard wakeDescriptor >= 0 else { throw EventLoopError(.descriptorRefused, systemError: sly_errno()) }
    let descriptor = wakeDescriptor
    try poller.add(descriptor, interest: .readable) { _ in
      var count: UInt64 = 0
      _ = unsafe withUnsafeMutableBytes(of: &count) { unsafe read(descriptor, $0.baseAddress, 8) }
    }
    let started = mailbox.withLock { mailbox in
      mailbox.isRunning = true
      return mailbox.isRunning
    }
    if started { try startThread() }
  }

  deinit {
    close(wakeDescriptor)
  }

  /// How often the loop has gone round; a health check compares two readings to see that it still turns.
  package var turnCount: UInt64 { turns.load(ordering: .relaxed) }

  /// Asks the thread to end once its mailbox is empty. Late jobs start it again, so that no task is ever left hanging.
  package func stop() {
    mailbox.withLock { $0.isStopping = true }
    wake()
  }

  // MARK: The executor

  package func enqueue(_ job: consuming ExecutorJob) {
    let unowned = UnownedJob(job)
    post { $0.jobs.append(unowned) }
  }

  package func asUnownedSerialExecutor() -> UnownedSerialExecutor { unsafe UnownedSerialExecutor(ordinary: self) }

  package func checkIsolated() { preconditionOnLoop() }

  package func isIsolatingCurrentContext() -> Bool? { isCurrent }

  /// Whether the caller runs on the loop's thread.
  package var isCurrent: Bool { threadIdentity.load(ordering: .acquiring) == UInt(pthread_self()) }

  /// Stops the process unless the caller runs on the loop's thread: going on would be a data race.
  package func preconditionOnLoop() { precondition(isCurrent, "not on the event loop's thread") }

  // MARK: Work, timers and descriptors

  /// Runs `body` on the loop's thread, soon. Callable from every thread, also from a cancellation handler.
  package func submit(_ body: @escaping @Sendable () -> Void) {
    post { $0.work.append(body) }
  }

  /// Runs `work`, which may block, on a thread of its own and hands its result to `then` on the loop's thread.
  ///
  /// Only on the loop's thread. `then` never leaves it, so it may hold what is not Sendable.
  package func offload<T: Sendable>(
    _ name: String, _ work: @escaping @Sendable () -> T, then body: @escaping (T) -> Void
  ) throws(EventLoopError) {
    preconditionOnLoop()
    nextContinuation += 1
    let number = nextContinuation
    continuations[number] = { result in
      if let result = result as? T { body(result) }
    }
    do throws(EventLoopError) {
      try OperatingSystemThread.start(name) {
        let result = work()
        self.submit { self.continuations.removeValue(forKey: number)?(result) }
      }
    } catch {
      continuations[number] = nil
      throw error
    }
  }

  /// Runs `body` on the loop's thread once the clock has reached `deadline`. Only on the loop's thread.
  ///
  /// - Returns: the key with which `cancelTimer` forgets it.
  @discardableResult
  package func setTimer(at deadline: MonotonicTime, _ body: @escaping () -> Void) -> TimerKey {
    preconditionOnLoop()
    return timers.insert(at: deadline, body)
  }

  /// Forgets a timer. One that has fired or was forgotten before is no error. Only on the loop's thread.
  package func cancelTimer(_ key: TimerKey) {
    preconditionOnLoop()
    timers.remove(key)
  }

  /// Watches a descriptor; `handler` hears what it became ready for (level-triggered). Only on the loop's thread.
  ///
  /// The caller owns the descriptor and must call `unwatch` before closing it.
  package func watch(
    _ descriptor: Int32, for interest: Readiness, _ handler: @escaping (Readiness) -> Void
  ) throws(EventLoopError) {
    preconditionOnLoop()
    try poller.add(descriptor, interest: interest, handler: handler)
  }

  /// Changes what a watched descriptor is watched for. Only on the loop's thread.
  package func rewatch(_ descriptor: Int32, for interest: Readiness) throws(EventLoopError) {
    preconditionOnLoop()
    try poller.change(descriptor, interest: interest)
  }

  /// Stops watching. Events of the current turn that were not delivered yet are dropped. Only on the loop's thread.
  package func unwatch(_ descriptor: Int32) {
    preconditionOnLoop()
    poller.remove(descriptor)
  }

  // MARK: The thread

  private func post(_ change: (inout Mailbox) -> Void) {
    let (needsThread, needsWake) = mailbox.withLock { mailbox in
      change(&mailbox)
      let needsThread = !mailbox.isRunning
      mailbox.isRunning = true
      let needsWake = !mailbox.isWoken
      mailbox.isWoken = true
      return (needsThread, needsWake)
    }
    if needsThread {
      do { try startThread() } catch { preconditionFailure("event loop thread: \(error)") }
    } else if needsWake && !isCurrent {
      wake()
    }
  }

  private func startThread() throws(EventLoopError) {
    try OperatingSystemThread.start(name) { self.run() }
  }

  private func wake() {
    var one: UInt64 = 1
    _ = unsafe withUnsafeBytes(of: &one) { unsafe write(wakeDescriptor, $0.baseAddress, 8) }
  }

  private func run() {
    threadIdentity.store(UInt(pthread_self()), ordering: .releasing)
    while true {
      turns.wrappingAdd(1, ordering: .relaxed)
      let isIdle = mailbox.withLock { $0.jobs.isEmpty && $0.work.isEmpty }
      poller.wait(for: isIdle ? timers.timeToNext(from: .now()) : .zero)
      for body in timers.takeDue(at: .now()) { body() }
      guard runMailbox() else { return }
    }
  }

  /// Runs what the mailbox held at the start of this turn. False: the thread was asked to stop and has nothing left.
  private func runMailbox() -> Bool {
    let (jobs, work, ends) = mailbox.withLock { mailbox in
      mailbox.isWoken = false
      let count = min(mailbox.jobs.count, Self.jobsPerTurn)
      let jobs = Array(mailbox.jobs.prefix(count))
      mailbox.jobs.removeFirst(count)
      let work = mailbox.work
      mailbox.work.removeAll()
      let ends = mailbox.isStopping && jobs.isEmpty && work.isEmpty
      if ends {
        mailbox.isRunning = false
        threadIdentity.store(0, ordering: .releasing)
      }
      return (jobs, work, ends)
    }
    for body in work { body() }
    for job in jobs { unsafe job.runSynchronously(on: asUnownedSerialExecutor()) }
    return !ends
  }
}
