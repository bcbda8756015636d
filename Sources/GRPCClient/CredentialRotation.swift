internal import EventLoop

/// When new files take the place of those in use: from the first sight of new content to its adoption or refusal.
///
/// A pure machine that is told what was read and how trials went. Content is known by its fingerprint. Whatever goes
/// wrong, the content in use stays in use. There are at most `generationLimit` generations with connections at a time:
/// after a swift series of changes the last one is adopted, and those in between are passed over.
struct CredentialRotation {
  /// What is to be done now.
  enum Action: Sendable, Hashable {
    /// Build an identity from the content last seen and report by `validated`.
    case validate
    /// Look at the files again at this moment, or a retry is due then.
    case wait(until: MonotonicTime)
    /// Nothing before the next event.
    case none
  }

  /// How a trial ended.
  enum Verdict: Sendable, Hashable {
    /// The server took the identity and answered.
    case accepted
    /// The files are at fault: no change without somebody's help.
    case invalid(String)
    /// One of the two sides refused the other; may change when the other side has been renewed too.
    case refused(String)
    /// The server could not be reached, which says nothing about the identity.
    case unreachable(String)
  }

  /// Content that was seen and is not in use.
  private struct Sighting {
    let fingerprint: [UInt8]
    let isAtomic: Bool
    let since: MonotonicTime
    var lastSeen: MonotonicTime
  }

  /// Content that was tried and turned down.
  private struct Rejection {
    let fingerprint: [UInt8]
    var verdict: Verdict
    var at: MonotonicTime
    var failures: Int
    var retryAt: MonotonicTime
    /// Whether the fault has been made known.
    var isReported: Bool
  }

  private let rules: RotationRules
  private var sighting: Sighting?
  private var rejection: Rejection?
  private var trial: (fingerprint: [UInt8], generation: Int)?
  /// The fingerprint of the content in use.
  private(set) var active: [UInt8]?
  /// How often content has been adopted, the first included; 0 before.
  private(set) var generation = 0

  /// Nothing in use yet.
  init(rules: RotationRules) { self.rules = rules }

  /// The first content is in use. It is not tried beside another: there is no other.
  mutating func adoptedFirst(_ fingerprint: [UInt8]) {
    active = fingerprint
    generation += 1
    if sighting?.fingerprint == fingerprint { sighting = nil }
  }

  /// Whether the files are to be read even if nothing seems to have changed, to see that they are settled.
  var needsReading: Bool { sighting.map { !isSettled($0) } ?? false }

  /// Whether content is being tried.
  var isTrying: Bool { trial != nil }

  /// The files were read.
  ///
  /// - Parameters:
  ///   - fingerprint: of names and contents, or of the reason why they cannot be read.
  ///   - isAtomic: all files of the set change at once, so that what was read belongs together.
  mutating func saw(_ fingerprint: [UInt8], isAtomic: Bool, at now: MonotonicTime) {
    guard fingerprint != active else {
      sighting = nil
      rejection = nil
      return
    }
    if sighting?.fingerprint == fingerprint {
      sighting?.lastSeen = now
    } else {
      sighting = Sighting(fingerprint: fingerprint, isAtomic: isAtomic, since: now, lastSeen: now)
    }
  }

  /// What is to be done now. To be asked after every event and at the moment that `.wait` named.
  ///
  /// - Parameter generationsAlive: generations that have connections now, the one in use included.
  mutating func step(at now: MonotonicTime, generationsAlive: Int) -> Action {
    guard trial == nil, active != nil, let sighting else { return .none }
    guard isSettled(sighting) else { return .wait(until: sighting.since + rules.settlingTime) }
    if let rejection, rejection.fingerprint == sighting.fingerprint, now < rejection.retryAt {
      return .wait(until: rejection.retryAt)
    }
    guard generationsAlive < rules.generationLimit else { return .none }
    trial = (sighting.fingerprint, generation + 1)
    return .validate
  }

  private func isSettled(_ sighting: Sighting) -> Bool {
    sighting.isAtomic || sighting.lastSeen - sighting.since >= rules.settlingTime
  }

  /// The trial under way has ended.
  ///
  /// - Returns: whether the outcome is news: an adoption always is, a fault once for each content and kind of fault.
  mutating func ended(_ verdict: Verdict, at now: MonotonicTime) -> Bool {
    guard let trial else { return false }
    self.trial = nil
    if verdict == .accepted {
      active = trial.fingerprint
      generation = trial.generation
      if sighting?.fingerprint == trial.fingerprint { sighting = nil }
      rejection = nil
      return true
    }
    let isAgain = rejection?.fingerprint == trial.fingerprint
    let failures = isAgain ? (rejection?.failures ?? 0) + 1 : 1
    var isKnown = isAgain && (rejection?.isReported ?? false) && Self.isSameKind(rejection?.verdict, verdict)
    var retryAt = now + pause(after: verdict, failures: failures)
    // A program may be writing the files one after the other: what does not fit together yet is no fault yet.
    if case .invalid = verdict, let sighting, sighting.fingerprint == trial.fingerprint, !sighting.isAtomic,
      now < sighting.since + rules.writerPatience
    {
      retryAt = sighting.since + rules.writerPatience
      isKnown = true
    }
    let isReported = isKnown ? (isAgain && (rejection?.isReported ?? false)) : true
    rejection = Rejection(
      fingerprint: trial.fingerprint, verdict: verdict, at: now, failures: failures, retryAt: retryAt,
      isReported: isReported)
    return !isKnown
  }

  /// The trial was given up for a reason of this side's own; it says nothing about the content.
  mutating func abandoned() { trial = nil }

  /// The server, or this side, refuses with the content in use: what was turned down before may be right by now.
  mutating func activeRefused(at now: MonotonicTime) {
    guard let rejection else { return }
    self.rejection?.retryAt = min(rejection.retryAt, max(now, rejection.at + rules.settlingTime))
  }

  private func pause(after verdict: Verdict, failures: Int) -> Duration {
    let first = if case .unreachable = verdict { rules.unreachableRetry } else { rules.firstRetry }
    let longest = if case .unreachable = verdict { rules.firstRetry } else { rules.longestRetry }
    var pause = first
    for _ in 1..<max(failures, 1) where pause < longest { pause = pause * 2 }
    return min(pause, longest)
  }

  private static func isSameKind(_ left: Verdict?, _ right: Verdict) -> Bool {
    switch (left, right) {
    case (.invalid, .invalid), (.refused, .refused), (.unreachable, .unreachable): true
    default: false
    }
  }
}

/// How patiently new files are waited for and tried.
package struct RotationRules: Sendable, Hashable {
  /// The time between two looks at the files.
  package var lookInterval: Duration
  /// How long files that do not change all at once must stay the same before they are tried.
  package var settlingTime: Duration
  /// How long files written one after the other may contradict each other before that is reported.
  package var writerPatience: Duration
  /// The pause before files that were turned down are tried again; doubled up to `longestRetry`.
  package var firstRetry: Duration
  /// The longest such pause.
  package var longestRetry: Duration
  /// The pause after a trial that did not reach the server; doubled up to `firstRetry`.
  package var unreachableRetry: Duration
  /// How long a trial may take, from dialing to the answer.
  package var trialTime: Duration
  /// Most generations with connections at a time.
  package var generationLimit: Int
  /// Whether the system's hints of changed folders are listened to. The looks find everything without them, later.
  package var heedsHints: Bool

  package init(
    lookInterval: Duration = .seconds(1), settlingTime: Duration = .seconds(1),
    writerPatience: Duration = .seconds(10), firstRetry: Duration = .seconds(30),
    longestRetry: Duration = .seconds(300), unreachableRetry: Duration = .seconds(1),
    trialTime: Duration = .seconds(20), generationLimit: Int = 2, heedsHints: Bool = true
  ) {
    self.lookInterval = lookInterval
    self.settlingTime = settlingTime
    self.writerPatience = writerPatience
    self.firstRetry = firstRetry
    self.longestRetry = longestRetry
    self.unreachableRetry = unreachableRetry
    self.trialTime = trialTime
    self.generationLimit = generationLimit
    self.heedsHints = heedsHints
  }
}
