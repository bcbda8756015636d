internal import CLinux
internal import Synchronization

/// A thread of its own that waits on epoll and runs, in turn, descriptor events, timers and Swift jobs.
///
/// It is a `SerialExecutor`: an actor that returns it from `unownedExecutor` runs on the loop's thread, and so may own
/// handles of C libraries without a lock. Readiness and timer callbacks run on the same thread and enter the actor by
/// `assumeIsolated`. Nothing that runs here may block.
///
/// The one thread starts with the object, or the object is not made at all; so no later job can find itself without one.
/// It keeps the object alive until `stop()`, and from then on lives as long as somebody else does: an actor on the loop
/// holds the loop, so even its last job still runs.
///
/// `@unchecked Sendable`: the mailbox is behind a mutex, the thread identity is atomic, and the rest is only
/// touched on the loop's thread, which `preconditionOnLoop()` checks at every entry.
package final class EventLoop: SerialExecutor, @unchecked Sendable {
  /// How many jobs run before descriptors are looked at again, so that a busy actor cannot starve the sockets.
  private static let jobsPerTurn = 256

  private let mailbox: LoopMailbox
  private let threadIdentity = Atomic<UInt>(0)
  private let turns = Atomic<UInt64>(0)
  private let poller: DescriptorPoller
  /// Timers; touched on the loop's thread only.
  private var timers = TimerQueue()
  /// What to do with the results of offloaded work, by number; touched on the loop's thread only.
  private var continuations: [UInt64: (any Sendable) -> Void] = [:]
  private var nextContinuation: UInt64 = 0

  /// Opens the poller and starts the thread.
  ///
  /// - Throws: `EventLoopError` when the system refuses a descriptor or the thread.
  package init(name: String = "event-loop") throws(EventLoopError) {
    poller = try DescriptorPoller()
    mailbox = try LoopMailbox()
    try mailbox.watch(with: poller)
    let life = ThreadLife(self)
    try OperatingSystemThread.start(name) { Self.run(life) }
  }

  deinit { mailbox.abandon() }

  /// How often the loop has gone round; a health check compares two readings to see that it still turns.
  package var turnCount: UInt64 { turns.load(ordering: .relaxed) }

  /// Lets the thread end as soon as nobody holds the loop any more. Until then it goes on as before: what comes late is
  /// still done.
  package func stop() { mailbox.post { $0.isStopping = true } }

  // MARK: The executor

  package func enqueue(_ job: consuming ExecutorJob) {
    let unowned = UnownedJob(job)
    mailbox.post(wakes: !isCurrent) { $0.jobs.append(unowned) }
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
    mailbox.post(wakes: !isCurrent) { $0.work.append(body) }
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

  /// What the thread holds. Once the loop has been stopped it must not hold the loop while it waits, or a stopped loop
  /// would never be released.
  private final class ThreadLife: @unchecked Sendable {
    // Sendable: filled before the thread starts, and touched by the thread only.
    var loop: EventLoop?
    let poller: DescriptorPoller
    let mailbox: LoopMailbox

    init(_ loop: EventLoop) {
      self.loop = loop
      poller = loop.poller
      mailbox = loop.mailbox
    }
  }

  private static func run(_ life: ThreadLife) {
    weak let loop = life.loop
    loop?.threadIdentity.store(UInt(pthread_self()), ordering: .releasing)
    while let sleep = loop?.beginTurn() {
      life.poller.wait(for: sleep.limit)
      if loop?.endTurn() == .stopped { life.loop = nil }
    }
    life.mailbox.finish()
  }

  /// How long the thread may sleep; nil: until something happens.
  private struct Sleep { let limit: Duration? }

  /// Whether the loop has been asked to stop.
  private enum Turn { case goesOn, stopped }

  private func beginTurn() -> Sleep {
    turns.wrappingAdd(1, ordering: .relaxed)
    return Sleep(limit: mailbox.isEmpty ? timers.timeToNext(from: .now()) : .zero)
  }

  /// Runs what is due, and what the mailbox held at the start of this turn.
  private func endTurn() -> Turn {
    for body in timers.takeDue(at: .now()) { body() }
    let (jobs, work, isStopping) = mailbox.take(Self.jobsPerTurn)
    for body in work { body() }
    for job in jobs { unsafe job.runSynchronously(on: asUnownedSerialExecutor()) }
    return isStopping ? .stopped : .goesOn
  }
}
