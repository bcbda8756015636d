internal import HeapModule

/// Names one timer for its cancellation.
package struct TimerKey: Sendable, Hashable {
  /// Counts from 1 within one queue.
  let number: UInt64
}

/// Timers in the order of their deadlines: a pure machine that is told the time.
///
/// Two timers with one deadline fire in the order in which they were set. Cancelling is lazy: the entry stays in the heap
/// until it comes up or until cancelled entries outnumber live ones.
struct TimerQueue {
  private struct Entry: Comparable {
    let deadline: MonotonicTime
    let number: UInt64

    static func < (left: Entry, right: Entry) -> Bool {
      (left.deadline, left.number) < (right.deadline, right.number)
    }
  }

  private var heap = Heap<Entry>()
  private var bodies: [UInt64: () -> Void] = [:]
  private var nextNumber: UInt64 = 0

  /// How many timers have neither fired nor been cancelled.
  var count: Int { bodies.count }

  /// Sets a timer.
  mutating func insert(at deadline: MonotonicTime, _ body: @escaping () -> Void) -> TimerKey {
    nextNumber += 1
    bodies[nextNumber] = body
    heap.insert(Entry(deadline: deadline, number: nextNumber))
    return TimerKey(number: nextNumber)
  }

  /// Cancels a timer; unknown keys are ignored.
  mutating func remove(_ key: TimerKey) {
    guard bodies.removeValue(forKey: key.number) != nil else { return }
    if heap.count > 64 && heap.count > 2 * bodies.count {
      heap = Heap(heap.unordered.filter { bodies[$0.number] != nil })
    }
  }

  /// How long the loop may sleep: nil when no timer is set, zero when one is due.
  mutating func timeToNext(from now: MonotonicTime) -> Duration? {
    while let first = heap.min {
      guard bodies[first.number] != nil else {
        heap.removeMin()
        continue
      }
      return max(first.deadline - now, .zero)
    }
    return nil
  }

  /// Removes and returns the bodies that are due at `now`, earliest first.
  mutating func takeDue(at now: MonotonicTime) -> [() -> Void] {
    var due: [() -> Void] = []
    while let first = heap.min, first.deadline <= now {
      heap.removeMin()
      if let body = bodies.removeValue(forKey: first.number) { due.append(body) }
    }
    return due
  }
}
