internal import EventLoop
internal import Glibc
internal import HTTP2Client
internal import Logging
internal import Secrets
internal import TLSClient

/// Renewing the identity: looking at the files, trying what is new, adopting what proves itself.
extension GRPCChannel {
  /// The least time between two looks, however many hints the system gives.
  private static let lookGap: Duration = .milliseconds(100)

  // MARK: Looking at the files

  /// Looks at the files on a thread of its own. False: the system gave no thread.
  ///
  /// - Parameters:
  ///   - mustRead: the files are read even if nothing seems to have changed.
  ///   - body: called on the loop's thread when what was found has been noted.
  func look(_ tls: TLSConfiguration, mustRead: Bool, then body: @escaping @Sendable (isolated GRPCChannel) -> Void)
    -> Bool
  {
    files.isLooking = true
    files.isStale = false
    let (last, notifications) = (files.survey, files.notifications)
    do throws(EventLoopError) {
      try loop.offload("tls-files") { () -> CredentialLook in
        CredentialLook.take(tls, last: last, mustRead: mustRead, notifications: notifications)
      } then: { [weak self] look in
        self?.assumeIsolated { channel in
          channel.found(look)
          body(channel)
        }
      }
      return true
    } catch {
      files.isLooking = false
      return false
    }
  }

  private func found(_ look: CredentialLook) {
    files.isLooking = false
    files.looks += 1
    files.survey = look.survey
    if let material = look.material { note(material) }
    if files.notifications == nil, let fresh = look.notifications, rotationRules.heedsHints, !isShutDown {
      heed(fresh)
    }
  }

  private func note(_ material: Result<TLSMaterial, TLSError>) {
    let (fingerprint, isAtomic) =
      switch material {
      case .success(let material): (material.fingerprint, material.isAtomic)
      case .failure(let error): (Array("unusable: \(error.message)".utf8), false)
      }
    if credential == nil, files.content?.fingerprint != fingerprint { plan.forgetPause() }
    files.content = (fingerprint, material)
    rotation.saw(fingerprint, isAtomic: isAtomic, at: .now())
    if fingerprint == rotation.active { working.rotationFault = nil }
  }

  /// Listens for the system's hints.
  private func heed(_ notifications: FolderNotifications) {
    do throws(EventLoopError) {
      try loop.watch(notifications.descriptor, for: .readable) { [weak self] _ in
        guard notifications.take() else { return }
        self?.assumeIsolated { $0.hinted() }
      }
      files.notifications = notifications
    } catch {
      logger.debug("no hints of replaced files", metadata: ["error": "\(error.message)"])
    }
  }

  private func hinted() {
    if files.isLooking { files.isStale = true } else { scheduleLook(at: .now() + Self.lookGap) }
  }

  /// Sees to it that the files are looked at by then.
  private func scheduleLook(at deadline: MonotonicTime) {
    guard !isShutDown, !files.isLooking else { return }
    if let timer = files.timer {
      guard deadline < timer.deadline else { return }
      loop.cancelTimer(timer.key)
    }
    let key = loop.setTimer(at: deadline) { [weak self] in self?.assumeIsolated { $0.lookDue() } }
    files.timer = (key, deadline)
  }

  private func lookDue() {
    files.timer = nil
    guard let tls = configuration.tls, !isShutDown, !files.isLooking else { return }
    // What the survey does not see (a file it does not know, a file system without times) is seen by reading.
    let mustRead = rotation.needsReading || files.looks % 2 == 0
    let isStarted = look(tls, mustRead: mustRead) { channel in
      channel.watchExpiry()
      channel.stepRotation()
      if channel.credential == nil { channel.advance() }
      channel.scheduleLook(at: .now() + (channel.files.isStale ? Self.lookGap : channel.rotationRules.lookInterval))
    }
    if !isStarted { scheduleLook(at: .now() + rotationRules.lookInterval) }
  }

  private var rotationRules: RotationRules { configuration.rotation }

  /// Ends the looks.
  func stopLooking() {
    if let timer = files.timer { loop.cancelTimer(timer.key) }
    files.timer = nil
    if let notifications = files.notifications { loop.unwatch(notifications.descriptor) }
    files.notifications = nil
  }

  // MARK: Adopting

  /// Takes what was read first into use; `body` hears why it cannot be used, or nil when it is.
  func adoptFirst(then body: @escaping @Sendable (isolated GRPCChannel, TLSError?) -> Void) {
    guard credential == nil, let content = files.content else { return body(self, nil) }
    build(content.material) { channel, result in
      switch result {
      case .success(let context):
        guard channel.credential == nil else { return body(channel, nil) }
        channel.rotation.adoptedFirst(content.fingerprint)
        channel.credential = Credential(generation: channel.rotation.generation, context: context)
        channel.metrics.adopted(channel.rotation.generation, at: Self.wallClock)
        channel.tellWarnings(of: context)
        channel.watchExpiry()
        channel.scheduleLook(at: .now() + channel.rotationRules.lookInterval)
        body(channel, nil)
      case .failure(let error): body(channel, error)
      }
    }
  }

  /// Builds an identity on a thread of its own: to decrypt a key takes longer than the loop may stand still.
  private func build(
    _ material: Result<TLSMaterial, TLSError>,
    then body: @escaping @Sendable (isolated GRPCChannel, Result<TLSContext, TLSError>) -> Void
  ) {
    do throws(EventLoopError) {
      try loop.offload("tls-identity") { () -> Result<TLSContext, TLSError> in
        material.flatMap { material in
          Result { () throws(TLSError) in try TLSContext.make(from: material) }
        }
      } then: { [weak self] result in
        self?.assumeIsolated { body($0, result) }
      }
    } catch {
      let error = TLSError(.exhausted, "the system gives no thread to build the TLS identity")
      loop.setTimer(at: .now()) { [weak self] in self?.assumeIsolated { body($0, .failure(error)) } }
    }
  }

  /// What an operator should know of files that are in use all the same: a mount that never changes, loose rights.
  private func tellWarnings(of context: TLSContext) {
    for warning in context.warnings { logger.warning("\(warning)") }
  }

  /// Does what the rotation says is to be done now.
  func stepRotation() {
    guard !isShutDown, configuration.tls != nil else { return }
    switch rotation.step(at: .now(), generationsAlive: generationsAlive) {
    case .validate: validate()
    case .wait(let deadline): scheduleLook(at: deadline)
    case .none: break
    }
  }

  /// The generations that have connections, the one in use counted always.
  private var generationsAlive: Int {
    let alive = slots.filter { plan.role(of: $0.key) != nil }.map(\.value.credential)
    return Set(alive + [rotation.generation]).count
  }

  private func validate() {
    guard let content = files.content else { return rotation.abandoned() }
    build(content.material) { channel, result in
      guard !channel.isShutDown else { return channel.rotation.abandoned() }
      switch result {
      case .success(let context):
        let candidate = Credential(generation: channel.rotation.generation + 1, context: context)
        if let fault = channel.condemnation(by: context) {
          return channel.breakOff(because: fault, adopting: candidate)
        }
        channel.warnIfShorter(candidate)
        channel.trial = CredentialTrial(credential: candidate)
        channel.beginTrial()
      case .failure(let error):
        channel.endTrial(error.isLocal ? .invalid(error.message) : .unreachable(error.message))
      }
    }
  }

  /// Why the connection in use may not go on under a new context: its lists revoke the server. Other doubts, such as an
  /// authority that is gone from the bundle, count from the next connection on, unless strictness was asked for.
  private func condemnation(by context: TLSContext) -> TLSError? {
    do throws(TLSError) {
      try plan.current.flatMap { slots[$0] }?.connection.recheck(by: context)
      return nil
    } catch {
      if error.code == .serverRevoked { return error }
      return configuration.tls?.reverifiesStrictly == true && error.isRefusal ? error : nil
    }
  }

  /// What is new condemns the server: it is in force at once, without a trial that could not succeed, and the server's
  /// connections are broken off.
  private func breakOff(because fault: TLSError, adopting candidate: Credential) {
    _ = rotation.ended(.accepted, at: .now())
    credential = candidate
    working.rotations += 1
    working.rotationFault = nil
    working.lastError = fault.message
    metrics.rotation(fault.code == .serverRevoked ? "server_revoked" : "server_distrusted")
    metrics.adopted(candidate.generation, at: Self.wallClock)
    logger.error(
      fault.code == .serverRevoked
        ? "the server has been revoked: its connections are broken off"
        : "the server is no longer trusted: its connections are broken off", metadata: ["reason": "\(fault.message)"])
    tellWarnings(of: candidate.context)
    for slot in slots.values { slot.connection.close() }
    watchExpiry()
    publish()
  }

  private func warnIfShorter(_ candidate: Credential) {
    func end(_ credential: Credential?) -> Int64? {
      credential?.expiries.filter { $0.kind == .client }.map(\.notAfter).min()
    }
    guard let new = end(candidate), let old = end(credential), new < old else { return }
    logger.warning("the new client certificate ends before the one in use", metadata: ["seconds": "\(old - new)"])
  }

  /// Dials the trial's connection, as soon as another dial is allowed.
  private func beginTrial() {
    guard let candidate = trial?.credential, !isShutDown else { return }
    guard let number = plan.beginProbe(at: .now()) else {
      let retry = max(plan.gapEnd ?? .now(), .now() + .milliseconds(10))
      trial?.timer = loop.setTimer(at: retry) { [weak self] in self?.assumeIsolated { $0.beginTrial() } }
      return
    }
    trial?.connection = number
    trial?.timer = loop.setTimer(at: .now() + rotationRules.trialTime) { [weak self] in
      self?.assumeIsolated { $0.endTrial(.unreachable("no answer in time on the connection with the new files")) }
    }
    logger.debug("trying new TLS files", metadata: ["generation": "\(candidate.generation)"])
    open(number, with: candidate)
  }

  /// The trial's connection is ready: its call goes out, or the server's greeting suffices.
  func probeReady(_ number: Int) {
    guard trial?.connection == number else { return }
    guard let path = configuration.probePath else { return endTrial(.accepted) }
    probe(GRPCCall(path: path, timeout: rotationRules.trialTime), on: number) { [weak self] outcome in
      self?.assumeIsolated { channel in
        guard channel.trial?.connection == number else { return }
        channel.endTrial(CredentialTrial.verdict(on: outcome))
      }
    }
  }

  /// Ends the trial under way: its connection takes over, or what is in use stays in use.
  func endTrial(_ verdict: CredentialRotation.Verdict) {
    let ended = trial
    trial = nil
    if let timer = ended?.timer { loop.cancelTimer(timer) }
    let isNews = rotation.ended(verdict, at: .now())
    switch verdict {
    case .accepted:
      if let ended { promote(ended.credential) }
    case .invalid(let reason), .refused(let reason), .unreachable(let reason):
      giveUp(ended?.connection)
      turnedDown(verdict.label, reason, isNews: isNews)
    }
    publish()
  }

  private func promote(_ candidate: Credential) {
    credential = candidate
    working.rotations += 1
    working.rotationFault = nil
    let replaced = plan.promoteProbe()
    metrics.rotation("success")
    metrics.adopted(candidate.generation, at: Self.wallClock)
    metrics.reconnected(.rotation)
    tellWarnings(of: candidate.context)
    logger.notice(
      "new TLS files in use",
      metadata: ["generation": "\(candidate.generation)", "connections_draining": "\(replaced.count)"])
    watchExpiry()
    tookOver()
    stepRotation()
  }

  private func turnedDown(_ result: String, _ reason: String, isNews: Bool) {
    if isNews || working.rotationFault != nil { working.rotationFault = reason }
    guard isNews else { return }
    working.failedRotations += 1
    metrics.rotation(result)
    logger.error(
      "new TLS files are not used, the ones in use stay", metadata: ["result": "\(result)", "reason": "\(reason)"])
  }

  /// Ends the trial without a verdict.
  func abandonTrial() {
    guard let ended = trial else { return }
    trial = nil
    if let timer = ended.timer { loop.cancelTimer(timer) }
    rotation.abandoned()
    giveUp(ended.connection)
  }

  private func giveUp(_ number: Int?) {
    guard let number, let slot = slots[number] else { return }
    for id in slot.calls.values {
      settle(id, .failure(GRPCError(.cancelled, "the trial was given up", mayHaveReachedServer: true)))
    }
    slots[number]?.calls = [:]
    plan.lost(number, at: .now(), random: .random(in: 0..<1))
    slot.connection.close()
  }

  // MARK: Ends of certificates

  /// Warns of certificates that end soon, and notes when the one in use is past its end.
  private func watchExpiry() {
    guard let expiries = credential?.expiries else { return }
    let now = Self.wallClock
    for warning in expiry.due(expiries, at: now) {
      logger.log(
        level: warning.isUrgent ? .error : .warning,
        warning.secondsLeft > 0 ? "certificate ends soon" : "certificate has ended",
        metadata: [
          "kind": "\(warning.certificate.kind.rawValue)", "subject": "\(warning.certificate.subject)",
          "seconds_left": "\(warning.secondsLeft)",
        ])
    }
    for (kind, group) in Dictionary(grouping: expiries, by: \.kind) {
      if let first = group.map(\.notAfter).min() { metrics.notAfter(kind.rawValue, first) }
    }
    let fault = ExpiryWatch.fault(in: expiries, at: now).map {
      "the client certificate (\($0.subject)) ended \(now - $0.notAfter) s ago: mount a renewed one"
    }
    let first = expiries.filter { $0.kind == .client || $0.kind == .issuer }.min { $0.notAfter < $1.notAfter }
    if (fault == nil) != (working.credentialFault == nil) || first != working.expiry {
      (working.credentialFault, working.expiry) = (fault, first)
      publish()
    }
  }

  private static var wallClock: Int64 { Int64(time(nil)) }
}

extension CredentialRotation.Verdict {
  /// The word for metrics and logs.
  var label: String {
    switch self {
    case .accepted: "success"
    case .invalid: "invalid"
    case .refused: "refused"
    case .unreachable: "unreachable"
    }
  }
}
