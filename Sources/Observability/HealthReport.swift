package import EventLoop
import OrderedCollections
package import PlainData

/// A verdict on a worker's health with its reasons.
package struct HealthReport: Sendable, Hashable {
  /// One thing that was looked at.
  package struct Check: Sendable, Hashable {
    /// What was looked at, such as `event loop`.
    package var name: String
    /// The verdict.
    package var passes: Bool
    /// A sentence with the numbers behind the verdict.
    package var detail: String
  }

  /// Where the process stands.
  package var phase: HealthState.Phase
  /// Whether the process itself works: its event loop turns. Restarting helps when it does not.
  package var isLive: Bool
  /// Whether it takes work: connected, and its polls come back.
  package var isReady: Bool
  /// Everything that was looked at, in order.
  package var checks: [Check]
  /// What will need attention though it fails nothing yet, such as a certificate that ends next week.
  package var warnings: [String] = []
  /// The facts the verdict stands on, for metrics.
  package var facts: HealthState.Facts
  /// When the verdict was made.
  package var moment: MonotonicTime

  /// Live, and ready or on its way out in order.
  package var isHealthy: Bool { isLive && (isReady || phase == .draining) }

  /// The reasons of what fails, or "all checks pass".
  package var summary: String {
    let failed = checks.filter { !$0.passes }.map { "\($0.name): \($0.detail)" }
    return failed.isEmpty ? "all checks pass" : failed.joined(separator: "; ")
  }

  /// `{"status","live","ready","phase","checks":[{"name","status","detail"}],"warnings":[],"confinement"}`.
  package var json: PlainValue {
    [
      "status": .string(isHealthy ? "healthy" : "unhealthy"),
      "live": .bool(isLive),
      "ready": .bool(isReady),
      "phase": .string(phase.rawValue),
      "checks": .array(
        checks.map { check in
          [
            "name": .string(check.name), "status": .string(check.passes ? "pass" : "fail"),
            "detail": .string(check.detail),
          ]
        }),
      "warnings": .array(warnings.map { .string($0) }),
      "confinement": facts.confinement.map { .string($0) } ?? .null,
    ]
  }
}

/// What counts as healthy: pure decisions on recorded facts.
package struct HealthRules: Sendable, Hashable {
  /// Longest time between two turns of the event loop.
  package var longestTurn: Duration
  /// Longest time since a poll last came back. The server ends an empty poll after about a minute, so this allows for
  /// two that got lost.
  package var longestSilence: Duration

  /// Days before the end of a certificate at which a warning begins, and grows more urgent.
  package static let expiryWarningDays: [Int64] = [30, 7, 1]

  /// Polls that were refused are sent again within this time.
  private let longestRetryPause: Duration = .seconds(12)

  package init(longestTurn: Duration = .seconds(30), longestSilence: Duration = .seconds(150)) {
    self.longestTurn = longestTurn
    self.longestSilence = longestSilence
  }

  /// The verdict on the facts at a moment.
  ///
  /// - Parameter wallTime: the same moment by the wall clock; only the validity of certificates is compared with it.
  package func report(
    _ facts: HealthState.Facts, at moment: MonotonicTime, wallTime: Timestamp
  ) -> HealthReport {
    let loop = loopCheck(facts, moment)
    var checks = [loop, connectionCheck(facts, moment)]
    if let check = credentialCheck(facts.credential, wallTime) { checks.append(check) }
    if let token = facts.token { checks.append(tokenCheck(token, moment)) }
    checks += facts.pollers.map { pollerCheck($0.key, $0.value, moment) }
    if facts.pollers.isEmpty && facts.phase != .draining {
      checks.append(HealthReport.Check(name: "polls", passes: false, detail: "no poll has begun yet"))
    }
    let isReady = facts.phase == .running && checks.allSatisfy(\.passes)
    return HealthReport(
      phase: facts.phase, isLive: loop.passes, isReady: isReady, checks: checks,
      warnings: [
        facts.credential?.warning, expiryWarning(facts.credential, wallTime), tokenWarning(facts.token, moment),
        facts.connection.warning,
      ].compactMap(\.self), facts: facts, moment: moment)
  }

  /// Credentials that no longer serve make a worker unready, never dead: a restart would not renew them.
  private func credentialCheck(
    _ credential: HealthState.Credential?, _ wallTime: Timestamp
  ) -> HealthReport.Check? {
    guard let credential else { return nil }
    func check(_ passes: Bool, _ detail: String) -> HealthReport.Check {
      HealthReport.Check(name: "credentials", passes: passes, detail: detail)
    }
    if let fault = credential.fault { return check(false, fault) }
    guard let end = credential.expiresAt else { return nil }
    let moment = Timestamp(seconds: end).text
    guard end > wallTime.seconds else {
      return check(false, "\(credential.subject) expired on \(moment): renew it (or check this machine's clock)")
    }
    return check(true, "\(credential.subject) is valid until \(moment)")
  }

  /// A token that is over, or refused, makes a worker unready, never dead: it is asked for again and again.
  private func tokenCheck(_ token: HealthState.Token, _ moment: MonotonicTime) -> HealthReport.Check {
    func check(_ passes: Bool, _ detail: String) -> HealthReport.Check {
      HealthReport.Check(name: "OAuth token", passes: passes, detail: detail)
    }
    let reason = token.lastError.map { ": \($0)" } ?? ""
    guard let end = token.expiresAt else {
      return check(token.lastError == nil, token.lastError == nil ? "not asked for yet" : "none was granted\(reason)")
    }
    guard end > moment else { return check(false, "ended \(HealthRules.text(moment - end)) ago\(reason)") }
    if token.isRefused { return check(false, "the scheduler refuses it\(reason)") }
    return check(true, "ends in \(HealthRules.text(end - moment))")
  }

  /// A token that cannot be renewed still serves until its end.
  private func tokenWarning(_ token: HealthState.Token?, _ moment: MonotonicTime) -> String? {
    guard let token, let error = token.lastError, let end = token.expiresAt, end > moment, !token.isRefused else {
      return nil
    }
    return "the OAuth token ends in \(HealthRules.text(end - moment)) and is not renewed: \(error)"
  }

  private func expiryWarning(_ credential: HealthState.Credential?, _ wallTime: Timestamp) -> String? {
    guard let credential, let end = credential.expiresAt, end > wallTime.seconds else { return nil }
    let left = end - wallTime.seconds
    guard let days = HealthRules.expiryWarningDays.last(where: { left <= $0 * 86_400 }) else { return nil }
    return "\(credential.subject) ends within \(days == 1 ? "a day" : "\(days) days"), on"
      + " \(Timestamp(seconds: end).text): renew it"
  }

  private func loopCheck(_ facts: HealthState.Facts, _ moment: MonotonicTime) -> HealthReport.Check {
    let age = moment - (facts.loopTurnedAt ?? facts.startedAt)
    let what = facts.loopTurnedAt == nil ? "has not turned since the start" : "last turned"
    return HealthReport.Check(
      name: "event loop", passes: age <= longestTurn, detail: "\(what) \(HealthRules.text(age)) ago")
  }

  private func connectionCheck(_ facts: HealthState.Facts, _ moment: MonotonicTime) -> HealthReport.Check {
    let connection = facts.connection
    guard !connection.isReady else {
      let since = connection.since.map { " for \(HealthRules.text(moment - $0))" } ?? ""
      return HealthReport.Check(name: "connection", passes: true, detail: "connected\(since)")
    }
    let reason = connection.lastError.map { ": \($0)" } ?? ""
    return HealthReport.Check(name: "connection", passes: false, detail: "not connected\(reason)")
  }

  private func pollerCheck(
    _ name: String, _ poller: HealthState.Poller, _ moment: MonotonicTime
  ) -> HealthReport.Check {
    let name = "\(name) poll"
    if poller.open == 0 && poller.failing == nil {
      let detail = poller.successes == 0 ? "not sent yet" : "none needed: every slot is in use"
      return HealthReport.Check(name: name, passes: true, detail: detail)
    }
    let start = poller.openSince ?? poller.startedAt
    let silence = moment - max(poller.lastSuccess ?? start, poller.open > 0 ? start : poller.startedAt)
    var detail =
      poller.lastSuccess == nil
      ? "first poll has waited \(HealthRules.text(silence))" : "last poll came back \(HealthRules.text(silence)) ago"
    if let failing = poller.failing {
      detail += ", failed \(HealthRules.text(moment - failing.at)) ago: \(failing.reason)"
    }
    // A poll that has never succeeded and fails is no readiness; one failure between successes is, and so is a poll that
    // has been open for longer than the pause before any retry: a refusal would have come back by now.
    let isOpenAgain = poller.failing.map { poller.open > 0 && moment - $0.at > longestRetryPause } ?? true
    let isWaiting = silence <= longestSilence && (poller.lastSuccess != nil || isOpenAgain)
    return HealthReport.Check(name: name, passes: isWaiting, detail: detail)
  }

  /// Seconds with one decimal.
  static func text(_ duration: Duration) -> String {
    let tenths = max(0, duration.clampedNanoseconds / 100_000_000)
    return "\(tenths / 10).\(tenths % 10) s"
  }
}
