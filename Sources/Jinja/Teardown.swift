import Glibc

/// Frees nested collections without recursion deeper than a few hundred levels.
///
/// A template can nest lists a hundred thousand deep in a loop; releasing the outermost would overflow the stack. So a
/// collection hands its elements over when it dies: near the surface they are released at once, deeper down they
/// wait until the outermost release has come back (as CPython's trashcan does).
enum Teardown {
  /// The state of one thread: how deep the releases are nested, and what waits.
  private final class Queue {
    var depth = 0
    var waiting: [[Value]] = []
  }

  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    unsafe pthread_key_create(&key) { pointer in
      if let pointer = unsafe pointer { unsafe Unmanaged<Queue>.fromOpaque(pointer).release() }
    }
    return key
  }()

  private static func current() -> Queue {
    if let pointer = unsafe pthread_getspecific(key) {
      return unsafe Unmanaged<Queue>.fromOpaque(pointer).takeUnretainedValue()
    }
    let queue = Queue()
    unsafe pthread_setspecific(key, Unmanaged.passRetained(queue).toOpaque())
    return queue
  }

  /// Releases one value, now or when the outermost call on this thread ends.
  static func release(_ value: inout Value) {
    guard value.mayNest else { return }
    var values = [value]
    value = .none
    release(&values)
  }

  /// Empties `values`, now or when the outermost call on this thread ends.
  static func release(_ values: inout [Value]) {
    guard values.contains(where: \.mayNest) else { return }
    let queue = current()
    guard queue.depth < 100 else {
      queue.waiting.append(values)
      values = []
      return
    }
    queue.depth += 1
    values = []
    queue.depth -= 1
    while queue.depth == 0, var next = queue.waiting.popLast() {
      queue.depth = 1
      next.removeAll()
      queue.depth = 0
    }
  }
}

extension Value {
  /// Whether releasing the value may release others.
  fileprivate var mayNest: Bool {
    switch self {
    case .list, .dict, .tuple, .object: true
    default: false
    }
  }
}
