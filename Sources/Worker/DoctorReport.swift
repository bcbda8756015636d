import Observability
import OrderedCollections
package import PlainData

/// What `sallyport doctor` found: one entry for each thing it looks at, in the order in which they depend on each other.
package struct DoctorReport: Sendable, Hashable {
  /// How a step came out.
  package enum Status: String, Sendable, Hashable, CaseIterable {
    /// As it should be.
    case ok
    /// It works, and somebody should know of something.
    case warning
    /// It does not work.
    case failed
    /// It was not tried; the reason says why.
    case skipped
  }

  /// What one probe found.
  package struct Finding: Sendable, Hashable {
    /// How it came out.
    package var status: Status
    /// What was seen, a line each, the most telling first. Free of secrets.
    package var seen: [String]
    /// The same for machines, by stable keys.
    package var facts: PlainObject
    /// Why it failed, or what the warning is about.
    package var reason: String?
    /// What to do about it.
    package var advice: String?

    package init(
      _ status: Status, seen: [String] = [], facts: PlainObject = [:], reason: String? = nil, advice: String? = nil
    ) {
      self.status = status
      self.seen = seen
      self.facts = facts
      self.reason = reason
      self.advice = advice
    }
  }

  /// One step with its finding.
  package struct Entry: Sendable, Hashable {
    /// Which step.
    package var step: DoctorStep
    /// What it found.
    package var finding: Finding
    /// How long it took.
    package var duration: Duration
  }

  /// Every step, in order.
  package var entries: [Entry] = []

  /// The first thing that does not work: the place to begin.
  package var firstFailure: Entry? { entries.first { $0.finding.status == .failed } }

  /// The worst that was found; `ok` for a report without entries.
  package var status: Status {
    if entries.contains(where: { $0.finding.status == .failed }) { return .failed }
    return entries.contains { $0.finding.status == .warning } ? .warning : .ok
  }

  /// 0 while nothing failed, else 1.
  package var exitCode: Int32 { status == .failed ? 1 : 0 }

  /// `{"sallyport","status","first_failure","steps":[{"name","title","status","seconds","seen","facts","reason","advice"}]}`.
  /// Every key is always there; what does not apply is null.
  package var json: PlainValue {
    [
      "sallyport": .string(Version.text),
      "status": .string(status.rawValue),
      "first_failure": firstFailure.map { .string($0.step.rawValue) } ?? .null,
      "steps": .array(entries.map(\.json)),
    ]
  }
}

extension DoctorReport.Entry {
  /// The step as an object; see `DoctorReport.json`.
  fileprivate var json: PlainValue {
    [
      "name": .string(step.rawValue), "title": .string(step.title), "status": .string(finding.status.rawValue),
      "seconds": .double((duration.inSeconds * 1_000).rounded() / 1_000),
      "seen": .array(finding.seen.map { .string($0) }), "facts": .object(finding.facts),
      "reason": finding.reason.map { .string($0) } ?? .null, "advice": finding.advice.map { .string($0) } ?? .null,
    ]
  }
}
