internal import CLinux

/// What a descriptor is watched for, or has become ready for.
package struct Readiness: OptionSet, Sendable, Hashable {
  package let rawValue: UInt8
  package init(rawValue: UInt8) { self.rawValue = rawValue }

  /// There are bytes to read, or the other side has closed.
  package static let readable = Readiness(rawValue: 1)
  /// There is room to write.
  package static let writable = Readiness(rawValue: 2)
  /// The connection broke; reported whether asked for or not.
  package static let failed = Readiness(rawValue: 4)
}

/// The epoll instance of one loop and the handlers of its descriptors. Lives on the loop's thread.
final class DescriptorPoller {
  /// A watched descriptor; the number guards against events for a former use of the same descriptor.
  private struct Watch {
    let number: UInt32
    let handler: (Readiness) -> Void
  }

  private static let eventsPerWait = 64
  private let descriptor: Int32
  private var watches: [Int32: Watch] = [:]
  private var nextNumber: UInt32 = 0

  /// Opens the epoll instance.
  init() throws(EventLoopError) {
    descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
    guard descriptor >= 0 else { throw EventLoopError(.descriptorRefused, systemError: sly_errno()) }
  }

  deinit { close(descriptor) }

  /// Begins to watch a descriptor.
  func add(_ target: Int32, interest: Readiness, handler: @escaping (Readiness) -> Void) throws(EventLoopError) {
    nextNumber &+= 1
    try control(EPOLL_CTL_ADD, target, interest, number: nextNumber)
    watches[target] = Watch(number: nextNumber, handler: handler)
  }

  /// Changes what a descriptor is watched for; one that is not watched is ignored.
  func change(_ target: Int32, interest: Readiness) throws(EventLoopError) {
    guard let watch = watches[target] else { return }
    try control(EPOLL_CTL_MOD, target, interest, number: watch.number)
  }

  /// Stops watching; the handler is released.
  func remove(_ target: Int32) {
    guard watches.removeValue(forKey: target) != nil else { return }
    var event = unsafe epoll_event()
    unsafe epoll_ctl(descriptor, EPOLL_CTL_DEL, target, &event)
  }

  /// Waits at most `limit` (nil: without end) and calls the handlers of everything that became ready.
  func wait(for limit: Duration?) {
    // Rounded up to whole milliseconds, so that a timer is due when the wait ends.
    let milliseconds = limit.map { Int32(clamping: ($0.clampedNanoseconds / 1_000_000) + 1) } ?? -1
    let ready = unsafe withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: Self.eventsPerWait) { events in
      let count = unsafe epoll_wait(
        descriptor, events.baseAddress, Int32(Self.eventsPerWait), limit == .zero ? 0 : milliseconds)
      return (0..<max(0, Int(count))).map { unsafe (events[$0].data.u64, events[$0].events) }
    }
    for (tag, mask) in ready {
      let target = Int32(truncatingIfNeeded: tag)
      guard let watch = watches[target], watch.number == UInt32(truncatingIfNeeded: tag >> 32) else { continue }
      watch.handler(Self.readiness(mask))
    }
  }

  private func control(
    _ operation: Int32, _ target: Int32, _ interest: Readiness, number: UInt32
  ) throws(EventLoopError) {
    var event = unsafe epoll_event()
    var mask: UInt32 = 0
    if interest.contains(.readable) { mask |= EPOLLIN.rawValue | EPOLLRDHUP.rawValue }
    if interest.contains(.writable) { mask |= EPOLLOUT.rawValue }
    unsafe event.events = mask
    unsafe event.data.u64 = UInt64(number) << 32 | UInt64(UInt32(bitPattern: target))
    guard unsafe epoll_ctl(descriptor, operation, target, &event) == 0 else {
      throw EventLoopError(.descriptorRefused, systemError: sly_errno())
    }
  }

  private static func readiness(_ mask: UInt32) -> Readiness {
    var result: Readiness = []
    if mask & (EPOLLIN.rawValue | EPOLLRDHUP.rawValue | EPOLLHUP.rawValue) != 0 { result.insert(.readable) }
    if mask & EPOLLOUT.rawValue != 0 { result.insert(.writable) }
    if mask & EPOLLERR.rawValue != 0 { result.formUnion([.failed, .readable]) }
    return result
  }
}
