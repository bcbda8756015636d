import CLinux
package import EventLoop
import Glibc
import Synchronization

/// What a process does to itself before it handles secrets, and how it hears of signals.
package enum Lifecycle {
  /// Turns off core dumps and inspection by other processes of the same user, keeps files private to the user, and
  /// makes
  /// broken pipes errors instead of deaths. To be called first of all.
  package static func harden() {
    var none = rlimit(rlim_cur: 0, rlim_max: 0)
    _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
    sly_forbid_dumps()
    givenMask.store(UInt32(umask(0o077)), ordering: .relaxed)
    _ = signal(SIGPIPE, SIG_IGN)
  }

  /// The umask that the process was started with.
  private static let givenMask = Atomic<UInt32>(0o022)

  /// Lets others read what is made from now on as far as whoever started the process would have it: for files that belong to a
  /// project, such as packages, which another user may run.
  package static func shareFiles() { _ = umask(mode_t(givenMask.load(ordering: .relaxed)) | 0o022) }
}

/// Tells of signals on an ordinary thread, where anything may be done about them. One for a process.
package final class SignalWatcher: Sendable {
  /// The pipe's end that the signal handler writes to; -1 before a watcher exists.
  private static let writeEnd = Atomic<Int32>(-1)

  /// Catches the signals from now on and calls `handler` on a thread of its own with each signal and how many have come
  /// so far, this one included.
  ///
  /// - Throws: `EventLoopError` when the system refuses the pipe or the thread, or a watcher exists already.
  package static func start(
    _ signals: [Int32], _ handler: @escaping @Sendable (_ signal: Int32, _ count: Int) -> Void
  ) throws(EventLoopError) {
    var ends: [Int32] = [-1, -1]
    guard unsafe pipe(&ends) == 0 else { throw EventLoopError(.descriptorRefused, systemError: errno) }
    let (readEnd, newWriteEnd) = (ends[0], ends[1])
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    _ = fcntl(newWriteEnd, F_SETFL, O_NONBLOCK)
    let exchange = writeEnd.compareExchange(expected: -1, desired: newWriteEnd, ordering: .sequentiallyConsistent)
    guard exchange.exchanged else {
      for end in ends { close(end) }
      throw EventLoopError(.descriptorRefused, systemError: EBUSY)
    }
    try OperatingSystemThread.start("signals") {
      var count = 0
      var number: UInt8 = 0
      while true {
        let got = unsafe read(readEnd, &number, 1)
        if got == 1 {
          count += 1
          handler(Int32(number), count)
        } else if got == 0 || errno != EINTR {
          return
        }
      }
    }
    for signal in signals { install(signal) }
  }

  /// The handler does one thing that a handler may do: it writes a byte.
  private static func install(_ signal: Int32) {
    var action = sigaction()
    unsafe action.__sigaction_handler.sa_handler = { signal in
      let kept = errno
      var number = UInt8(truncatingIfNeeded: signal)
      _ = unsafe write(SignalWatcher.writeEnd.load(ordering: .relaxed), &number, 1)
      errno = kept
    }
    action.sa_flags = Int32(SA_RESTART)
    _ = unsafe sigemptyset(&action.sa_mask)
    _ = unsafe sigaction(signal, &action, nil)
  }

  /// The signal's name, such as `SIGTERM`.
  package static func name(_ signal: Int32) -> String {
    switch signal {
    case SIGTERM: "SIGTERM"
    case SIGINT: "SIGINT"
    case SIGHUP: "SIGHUP"
    default: "signal \(signal)"
    }
  }
}
