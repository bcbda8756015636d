import CLinux
import Glibc
import Synchronization

/// Runs work over a list on threads of its own, whose stacks are large enough for the deepest template.
enum ParallelMap {
  /// Bytes of each thread's stack.
  private static let stackSize = 16 << 20

  /// The result for each input, in order. Each thread makes its own `worker`.
  ///
  /// - Throws: the error of the earliest input that failed.
  static func run<Input: Sendable, Worker, Output: Sendable>(
    _ inputs: [Input], threads: Int, worker: @escaping @Sendable () -> Worker,
    body: @escaping @Sendable (Worker, Input) throws(ProjectError) -> Output
  ) throws(ProjectError) -> [Output] {
    guard !inputs.isEmpty else { return [] }
    let job = Job<Input, Output>(inputs)
    let work: @Sendable () -> Void = {
      let worker = worker()
      while let index = job.next() {
        do throws(ProjectError) {
          job.finish(index, .success(try body(worker, job.inputs[index])))
        } catch {
          job.finish(index, .failure(error))
        }
      }
    }
    let count = max(1, min(threads, inputs.count))
    let started = try (0..<count).map { _ throws(ProjectError) in try LargeThread(stackSize: stackSize, work) }
    for thread in started { thread.join() }
    return try job.results()
  }

  /// Runs `body` on one thread with a large stack and waits for it.
  static func alone<Output: Sendable>(
    _ body: @escaping @Sendable () throws(ProjectError) -> Output
  ) throws(ProjectError) -> Output {
    let results = try run(
      [()], threads: 1, worker: { () }, body: { (_: Void, _: Void) throws(ProjectError) in try body() })
    guard let result = results.first else { throw ProjectError(.runtime, "the loader's thread gave no result") }
    return result
  }
}

/// The inputs of one parallel run and the results so far.
private final class Job<Input: Sendable, Output: Sendable>: Sendable {
  let inputs: [Input]
  private let position = Atomic<Int>(0)
  private let slots: Mutex<[Result<Output, ProjectError>?]>

  init(_ inputs: [Input]) {
    self.inputs = inputs
    slots = Mutex(Array(repeating: nil, count: inputs.count))
  }

  func next() -> Int? {
    let (index, _) = position.add(1, ordering: .relaxed)
    return index < inputs.count ? index : nil
  }

  func finish(_ index: Int, _ result: Result<Output, ProjectError>) {
    slots.withLock { $0[index] = result }
  }

  func results() throws(ProjectError) -> [Output] {
    var outputs: [Output] = []
    for slot in slots.withLock({ $0 }) {
      guard let slot else { throw ProjectError(.runtime, "a thread of the loader ended early") }
      outputs.append(try slot.get())
    }
    return outputs
  }
}

/// A POSIX thread with a stack of a chosen size.
private struct LargeThread {
  private let thread: pthread_t

  /// - Throws: a runtime error when the system refuses a thread.
  init(stackSize: Int, _ body: @escaping @Sendable () -> Void) throws(ProjectError) {
    var attributes = pthread_attr_t()
    unsafe pthread_attr_init(&attributes)
    unsafe pthread_attr_setstacksize(&attributes, stackSize)
    defer { unsafe pthread_attr_destroy(&attributes) }
    let box = unsafe Unmanaged.passRetained(Body(body))
    var thread = pthread_t()
    let code = unsafe pthread_create(
      &thread, &attributes,
      { context in
        if let context = unsafe context { unsafe Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run() }
        return nil
      }, box.toOpaque())
    guard code == 0 else {
      unsafe box.release()
      throw ProjectError(.runtime, "Could not start a thread: \(unsafe String(cString: strerror(code)))")
    }
    self.thread = thread
  }

  func join() { pthread_join(thread, nil) }

  private final class Body {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }
}
