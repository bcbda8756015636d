package import EventLoop
import Synchronization

/// Looks at one thing at a time; what an earlier step learnt may serve a later one.
package protocol DoctorProbes: Sendable {
  /// Looks at one thing. Never throws: what goes wrong is the finding. Free of secrets.
  func look(at step: DoctorStep) async -> DoctorReport.Finding
}

/// Carries a run of `sallyport doctor` out: every step in order, each within its time.
package enum Doctor {
  /// Looks at everything.
  ///
  /// - Parameters:
  ///   - now: the monotonic clock; a test gives its own.
  ///   - each: called after each step, in order, also for those that were not tried.
  package static func run(
    _ probes: any DoctorProbes, now: @Sendable () -> MonotonicTime = MonotonicTime.now,
    each: (DoctorReport.Entry) -> Void = { _ in }
  ) async -> DoctorReport {
    var course = DoctorCourse()
    let begun = now()
    var told = 0
    func tell() {
      for entry in course.report.entries[told...] { each(entry) }
      told = course.report.entries.count
    }
    while let (step, limit) = course.next(elapsed: now() - begun) {
      tell()
      let start = now()
      let finding = await bounded(limit) { await probes.look(at: step) }
      course.take(step, finding, duration: now() - start)
      tell()
    }
    tell()
    return course.report
  }

  /// The body's finding, or that it took too long. A body that blocks is left behind: the process ends soon after.
  private static func bounded(
    _ limit: Duration, _ body: @escaping @Sendable () async -> DoctorReport.Finding
  ) async -> DoctorReport.Finding {
    let box = SettledOnce()
    return await withCheckedContinuation { continuation in
      let work = Task {
        let finding = await body()
        if box.settle() { continuation.resume(returning: finding) }
      }
      Task {
        try? await Task.sleep(for: limit)
        guard box.settle() else { return }
        work.cancel()
        continuation.resume(returning: DoctorCourse.overdue(limit))
      }
    }
  }

  /// Says to the first who asks that it was the first.
  private final class SettledOnce: Sendable {
    private let isSettled = Atomic<Bool>(false)

    func settle() -> Bool { !isSettled.exchange(true, ordering: .sequentiallyConsistent) }
  }
}
