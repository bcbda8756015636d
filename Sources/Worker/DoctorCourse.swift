/// Which step comes next, and which are not tried: the order of a `doctor` run as a machine without input or output.
///
/// Ask `next`, carry the step out, tell the course with `take`; until there is none.
package struct DoctorCourse: Sendable {
  /// The longest that a whole run may take.
  package static let limit: Duration = .seconds(60)

  /// What was found so far.
  package private(set) var report = DoctorReport()
  private var waiting = DoctorStep.allCases[...]
  /// Steps that give nothing to stand on, each with the one that failed first.
  private var fallen: [DoctorStep: DoctorStep] = [:]

  /// Nothing has been looked at yet.
  package init() {}

  /// The next step to carry out and the time it may take; nil when all are dealt with. Steps that cannot be tried are put
  /// into the report on the way.
  ///
  /// - Parameter elapsed: time since the run began.
  package mutating func next(elapsed: Duration) -> (step: DoctorStep, limit: Duration)? {
    while let step = waiting.popFirst() {
      if let culprit = step.needs.compactMap({ fallen[$0] }).first {
        skip(step, "not tried because '\(culprit.rawValue)' failed", culprit: culprit)
        continue
      }
      let left = DoctorCourse.limit - elapsed
      guard left > .zero else {
        let seconds = DoctorCourse.limit.components.seconds
        skip(step, "not tried because the \(seconds) s of the whole run were over", culprit: step)
        continue
      }
      return (step, min(step.limit, left))
    }
    return nil
  }

  /// Takes the finding of the step that `next` named.
  package mutating func take(_ step: DoctorStep, _ finding: DoctorReport.Finding, duration: Duration) {
    report.entries.append(DoctorReport.Entry(step: step, finding: finding, duration: duration))
    if finding.status == .failed { fallen[step] = step }
  }

  /// What a step is taken for that did not end in its time.
  package static func overdue(_ limit: Duration) -> DoctorReport.Finding {
    let seconds = max(1, limit.components.seconds)
    return DoctorReport.Finding(
      .failed, reason: "no answer within \(seconds) s",
      advice: "whatever this step waits for does not answer: look whether it is reachable and not overloaded")
  }

  private mutating func skip(_ step: DoctorStep, _ reason: String, culprit: DoctorStep) {
    fallen[step] = culprit
    report.entries.append(
      DoctorReport.Entry(step: step, finding: DoctorReport.Finding(.skipped, reason: reason), duration: .zero))
  }
}
