internal import EventLoop

/// Which connection takes new calls, which is being made to take over from it, and which only finish what is open.
///
/// A pure machine: it is told what happened and when, and answers what to do. Connections are known by numbers that it
/// gives out. It makes before it breaks: when the server's habit of ending connections at some age has been learnt, the
/// next connection is made, and ready, before the present one is sent away. Where the server admits fewer streams than there
/// are long polls, companions take what the current connection cannot.
struct ConnectionPlan {
  /// What is to be done now.
  enum Step: Sendable, Hashable {
    /// Make a connection of this number; it takes over once it is `ready`.
    case dial(Int)
    /// Nothing before this moment.
    case wait(until: MonotonicTime)
    /// Nothing before the next event.
    case none
  }

  /// What a connection is for at the moment.
  enum Role: String, Sendable, Hashable, CaseIterable {
    /// Takes new calls.
    case current
    /// Is being made and will take new calls.
    case next
    /// Is being made, or is made, to try a new identity.
    case probe
    /// Takes the calls for which the current one has no stream, or is being made to.
    case companion
    /// Finishes its open calls and takes no more.
    case draining
  }

  /// What is remembered of a connection.
  private struct Member {
    var readySince: MonotonicTime?
    var answers = 0
    var isDraining = false
  }

  private let rules: ReconnectRules
  private var members: [Int: Member] = [:]
  private var backoff: Backoff
  private var lastNumber = 0
  private var lastDial: MonotonicTime?
  private var pauseEnd: MonotonicTime?
  private var agesSeen: [Duration] = []
  /// The connection that is ready and takes new calls.
  private(set) var current: Int?
  /// The connection that is being made to take new calls.
  private(set) var next: Int?
  /// The connection on which a new identity is tried.
  private(set) var probe: Int?
  /// The connections that are ready and take calls beside the current one, oldest first.
  private(set) var companions: [Int] = []
  /// The connection that is being made to be a companion.
  private(set) var nextCompanion: Int?
  private var companionPauseEnd: MonotonicTime?
  /// The age at which the server sends connections away, once two in a row have shown it.
  private(set) var learntAge: Duration?
  /// How many times the silence before a PING has been doubled because the server complained of too many.
  private(set) var keepaliveDoublings = 0

  /// No connection yet.
  init(rules: ReconnectRules, backoff: ChannelConfiguration.BackoffPolicy) {
    self.rules = rules
    self.backoff = Backoff(backoff)
  }

  /// What a connection is for; nil for one that has ended.
  func role(of number: Int) -> Role? {
    guard let member = members[number] else { return nil }
    if number == current { return .current }
    if number == next { return .next }
    if number == probe { return .probe }
    if number == nextCompanion || companions.contains(number) { return .companion }
    return member.isDraining ? .draining : nil
  }

  /// How many connections have a role.
  func count(of role: Role) -> Int { members.keys.reduce(0) { $0 + (self.role(of: $1) == role ? 1 : 0) } }

  /// Whether a pause after a failure lasts.
  func isPausing(at now: MonotonicTime) -> Bool { pauseEnd.map { now < $0 } ?? false }

  /// What is to be done now. To be asked after every event and at the moment that `.wait` named.
  ///
  /// - Parameters:
  ///   - hasDemand: calls wait for a connection.
  ///   - isBusy: calls are open on the current connection, so that its planned end matters.
  mutating func step(at now: MonotonicTime, hasDemand: Bool, isBusy: Bool) -> Step {
    guard next == nil else { return .none }
    if current != nil {
      guard isBusy || hasDemand, let end = plannedEnd else { return .none }
      guard now >= end else { return .wait(until: end) }
    } else if !hasDemand {
      return .none
    }
    let earliest = max(pauseEnd ?? now, gapEnd ?? now)
    guard now >= earliest else { return .wait(until: earliest) }
    pauseEnd = nil
    let number = begin(at: now)
    next = number
    return .dial(number)
  }

  /// Asks for a connection on which a new identity is tried. At most one at a time; nil: not before `gapEnd`.
  mutating func beginProbe(at now: MonotonicTime) -> Int? {
    guard probe == nil, now >= gapEnd ?? now else { return nil }
    let number = begin(at: now)
    probe = number
    return number
  }

  /// The connections that take calls, the current one first.
  var takers: [Int] { (current.map { [$0] } ?? []) + companions }

  /// Asks for a further companion: long polls wait for want of streams. One is made at a time, and after one that failed
  /// there is a pause.
  ///
  /// - Parameter limit: most connections that take calls.
  mutating func stepCompanion(at now: MonotonicTime, limit: Int) -> Step {
    guard current != nil, next == nil, probe == nil, nextCompanion == nil, takers.count < limit else { return .none }
    let earliest = max(companionPauseEnd ?? now, gapEnd ?? now)
    guard now >= earliest else { return .wait(until: earliest) }
    let number = begin(at: now)
    nextCompanion = number
    return .dial(number)
  }

  /// Before this no connection may be dialed: the least time between two dials has not passed.
  var gapEnd: MonotonicTime? { lastDial.map { $0 + rules.dialGap } }

  private mutating func begin(at now: MonotonicTime) -> Int {
    lastNumber += 1
    lastDial = now
    members[lastNumber] = Member()
    return lastNumber
  }

  /// When the current connection should have been replaced: before the server sends it away.
  private var plannedEnd: MonotonicTime? {
    guard let learntAge, let current, let since = members[current]?.readySince else { return nil }
    return since + learntAge * rules.ageFraction
  }

  // MARK: What happens to connections

  /// The server has greeted on a connection. The next one takes over; the one before it drains from now on.
  ///
  /// - Returns: the connection that was replaced, if there was one.
  mutating func ready(_ number: Int, at now: MonotonicTime) -> Int? {
    members[number]?.readySince = now
    if number == nextCompanion {
      nextCompanion = nil
      companions.append(number)
      return nil
    }
    guard number == next else { return nil }
    next = nil
    return takeOver(number)
  }

  /// The new identity has proved itself: its connection takes over. One that was being made with the old identity is
  /// of no use any more.
  ///
  /// - Returns: the connections that drain from now on; those without calls may be closed.
  mutating func promoteProbe() -> [Int] {
    guard let number = probe else { return [] }
    probe = nil
    pauseEnd = nil
    var replaced = takeOver(number).map { [$0] } ?? []
    if let dialing = next {
      next = nil
      members[dialing]?.isDraining = true
      replaced.append(dialing)
    }
    // Companions have the old identity too; the polls that are open there end there.
    let former = companions + (nextCompanion.map { [$0] } ?? [])
    for companion in former { members[companion]?.isDraining = true }
    (companions, nextCompanion) = ([], nil)
    return replaced + former
  }

  private mutating func takeOver(_ number: Int) -> Int? {
    let former = current
    current = number
    if let former { members[former]?.isDraining = true }
    return former
  }

  /// The server has answered a call on a connection.
  mutating func answered(_ number: Int, at now: MonotonicTime) {
    members[number]?.answers += 1
    if isProven(number, at: now) { backoff.reset() }
  }

  /// A connection takes no more calls: the server said so, or its streams are used up.
  ///
  /// - Parameters:
  ///   - isOrderly: the server gave no error as its reason.
  ///   - pingsTooMany: the server complained of too many PINGs.
  ///   - random: from 0 up to but not including 1, for the pause.
  mutating func drains(_ number: Int, isOrderly: Bool, pingsTooMany: Bool, at now: MonotonicTime, random: Double) {
    guard let member = members[number], !member.isDraining else { return }
    members[number]?.isDraining = true
    if pingsTooMany { keepaliveDoublings = min(keepaliveDoublings + 1, 8) }
    if number == current, isOrderly, member.answers > 0, let since = member.readySince { learn(now - since) }
    let wasServing = number == current || number == next
    release(number)
    // A server that sends connections away before they were of use would be dialed without end.
    if wasServing, !isOrderly || member.answers == 0 { pause(at: now, random: random) }
  }

  /// A connection is over. One that served for long enough is replaced at once, another after a pause.
  mutating func lost(_ number: Int, at now: MonotonicTime, random: Double) {
    guard members[number] != nil else { return }
    let wasServing = number == current || number == next
    let isProven = isProven(number, at: now)
    if role(of: number) == .companion, !isProven { companionPauseEnd = now + rules.companionPause }
    members[number] = nil
    release(number)
    guard wasServing else { return }
    if isProven {
      backoff.reset()
    } else {
      pause(at: now, random: random)
    }
  }

  /// What stood in the way of a connection has changed: the next may be dialed at once.
  mutating func forgetPause() { pauseEnd = nil }

  private mutating func release(_ number: Int) {
    companions.removeAll { $0 == number }
    if nextCompanion == number { nextCompanion = nil }
    // A companion is ready already: nothing needs to be dialed before calls go on.
    if current == number { current = companions.isEmpty ? nil : companions.removeFirst() }
    if next == number { next = nil }
    if probe == number { probe = nil }
  }

  private func isProven(_ number: Int, at now: MonotonicTime) -> Bool {
    guard let member = members[number], member.answers > 0, let since = member.readySince else { return false }
    return now - since >= rules.provenAge
  }

  private mutating func pause(at now: MonotonicTime, random: Double) {
    guard !isPausing(at: now) else { return }
    pauseEnd = now + backoff.next(random: random)
  }

  /// Takes note of the age at which the server sent a connection away. A habit is what was seen twice in a row within a
  /// quarter; ends by number of requests look random here, and are not planned for.
  private mutating func learn(_ age: Duration) {
    guard age >= rules.shortestLearntAge else { return }
    agesSeen = agesSeen.suffix(1) + [age]
    guard let first = agesSeen.first, let last = agesSeen.last, agesSeen.count == 2 else { return }
    let (shorter, longer) = (min(first, last), max(first, last))
    if longer * 0.75 <= shorter { learntAge = min(learntAge ?? shorter, shorter) }
  }
}

/// How eagerly connections are made and replaced.
package struct ReconnectRules: Sendable, Hashable {
  /// The least time between two dials, whatever their reasons.
  package var dialGap: Duration
  /// How long a connection must have been ready, and have answered, before its loss counts as no failure.
  package var provenAge: Duration
  /// Ends at a smaller age are not taken for a habit of the server.
  package var shortestLearntAge: Duration
  /// How long long polls wait for a stream before another connection is made for them.
  package var pollPatience: Duration
  /// The pause after a connection for them that failed.
  package var companionPause: Duration
  /// The part of the learnt age after which the next connection is made. Servers vary the age by a tenth either way.
  package var ageFraction: Double

  package init(
    dialGap: Duration = .milliseconds(250), provenAge: Duration = .seconds(10),
    shortestLearntAge: Duration = .seconds(30), ageFraction: Double = 0.8,
    pollPatience: Duration = .seconds(1), companionPause: Duration = .seconds(30)
  ) {
    self.dialGap = dialGap
    self.provenAge = provenAge
    self.shortestLearntAge = shortestLearntAge
    self.ageFraction = ageFraction
    self.pollPatience = pollPatience
    self.companionPause = companionPause
  }
}
