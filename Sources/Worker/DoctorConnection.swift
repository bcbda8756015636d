import Egress
import EventLoop
import GRPCClient
import HTTP2Client
import Observability
import OrderedCollections
import PlainData
import Secrets
import Synchronization
import TLSClient

/// The way to the scheduler: certificates, name, addresses, TLS, HTTP/2.
extension LiveDoctorProbes {
  /// Days before the end of a certificate at which a warning begins.
  private static let warningDays: Int64 = 30

  // MARK: Certificates

  /// Builds the identity from the files, as each connection does, and looks at how long it is valid.
  func lookAtCertificates(_ scheduler: SchedulerConfiguration) async -> DoctorReport.Finding {
    guard let tls = scheduler.tls else {
      return DoctorReport.Finding(.ok, seen: ["none needed: the connection is in plaintext"])
    }
    return await blocking {
      do throws(TLSError) {
        let expiries = try TLSContext.make(from: TLSMaterial.read(tls)).expiries
        return Self.finding(expiries, isPrivate: tls.trust != .systemRoots, now: .now())
      } catch {
        return DoctorReport.Finding(.failed, reason: error.message, advice: DoctorAdvice.text(for: error))
      }
    }
  }

  /// The verdict on how long certificates are valid. Of the system's authorities only the number is of interest.
  static func finding(
    _ expiries: [CertificateExpiry], isPrivate: Bool, now: Timestamp
  ) -> DoctorReport.Finding {
    let shown = expiries.filter { isPrivate || $0.kind != .authority }
    var seen = shown.map { "\($0.kind.rawValue): \($0.subject), valid until \(Timestamp(seconds: $0.notAfter).text)" }
    if !isPrivate { seen.append("\(expiries.count - shown.count) authorities of the system") }
    let facts: PlainObject = ["certificates": .array(shown.map(\.json)), "authorities_of_system": .bool(!isPrivate)]
    // One authority of several may be past its time while a bundle is being changed over; all of them may not.
    let authorities = expiries.filter { $0.kind == .authority }
    if let last = authorities.max(by: { $0.notAfter < $1.notAfter }), last.notAfter <= now.seconds {
      return DoctorReport.Finding(
        .failed, seen: seen, facts: facts, reason: "every authority in the bundle has expired",
        advice: "mount the authorities that are in use now (TEMPORAL_TLS_CA), or set this machine's clock: \(now.text)")
    }
    let ending = shown.filter { $0.notAfter - now.seconds < warningDays * 86_400 }
    guard let first = ending.min(by: { $0.notAfter < $1.notAfter }) else {
      return DoctorReport.Finding(.ok, seen: seen, facts: facts)
    }
    return DoctorReport.Finding(
      .warning, seen: seen, facts: facts,
      reason: "the \(first.kind.rawValue) certificate \(first.subject) ends on "
        + Timestamp(seconds: first.notAfter).text,
      advice: "have it renewed and mounted; a running worker takes a renewed one up by itself")
  }

  // MARK: Name, proxy, addresses

  func lookAtName(_ scheduler: SchedulerConfiguration) async -> DoctorReport.Finding {
    if let detour = Self.detour(scheduler) { return DoctorReport.Finding(.skipped, reason: detour) }
    let (host, port) = (scheduler.address.host, scheduler.address.port)
    do throws(EgressError) {
      try scheduler.network.egress.check(name: host, port: port)
    } catch {
      return DoctorReport.Finding(
        .failed, facts: ["host": .string(host)], reason: error.message,
        advice: "add the rule that is named to SALLYPORT_EGRESS_ALLOW: a name that no rule admits is not asked for")
    }
    return await blocking { [self] in
      let begun = MonotonicTime.now()
      do throws(EventLoopError) {
        let addresses = try NameResolution.addresses(of: host, port: port)
        memory.withLock { $0.addresses = addresses }
        let time = DoctorText.milliseconds(.now() - begun)
        return DoctorReport.Finding(
          .ok, seen: ["\(host) is \(addresses.map(\.host).joined(separator: ", ")) (\(time))"],
          facts: ["host": .string(host), "addresses": .array(addresses.map { .string($0.host) })])
      } catch {
        return DoctorReport.Finding(
          .failed, facts: ["host": .string(host)], reason: error.message,
          advice: "correct the host in TEMPORAL_ADDRESS (it is now \(scheduler.address)); if it is right, look at the "
            + "cluster's DNS and at the network policy for port 53")
      }
    }
  }

  /// Why neither name nor addresses matter: something else is dialed first. Nil on the direct way.
  private static func detour(_ scheduler: SchedulerConfiguration) -> String? {
    switch scheduler.channel.dialTarget(attempt: 0).route {
    case .direct: nil
    case .proxy(let proxy): "the proxy \(proxy) resolves the name and dials the scheduler"
    case .unix(let path): "the scheduler is dialed at the unix socket \(path)"
    }
  }

  func lookAtProxy(_ scheduler: SchedulerConfiguration) async -> DoctorReport.Finding {
    let target = Self.target(scheduler, timeout: .seconds(5))
    guard case .proxy(let proxy) = target.route else {
      return DoctorReport.Finding(.skipped, reason: "no proxy is configured for the scheduler")
    }
    let begun = MonotonicTime.now()
    let failure = await dial(target)
    let facts: PlainObject = [
      "proxy": .string(proxy.description), "tls": .bool(proxy.isSecure), "opens_tunnel": .bool(failure == nil),
    ]
    guard let failure else {
      let time = DoctorText.milliseconds(.now() - begun)
      return DoctorReport.Finding(
        .ok,
        seen: ["\(proxy)\(proxy.isSecure ? ", in TLS," : "") opens a tunnel to \(scheduler.address) (\(time))"],
        facts: facts)
    }
    return DoctorReport.Finding(
      .failed, facts: facts, reason: failure,
      advice:
        "look at HTTPS_PROXY or SALLYPORT_PROXY and its password"
        + (proxy.isSecure ? ", at SALLYPORT_PROXY_CA" : "") + ", and at what the proxy's own list admits; hosts that "
        + "need no proxy belong into NO_PROXY")
  }

  func lookAtAddresses(_ scheduler: SchedulerConfiguration) async -> DoctorReport.Finding {
    if let detour = Self.detour(scheduler) { return DoctorReport.Finding(.skipped, reason: detour) }
    let addresses = memory.withLock { $0.addresses }
    var attempts: [(address: String, failure: String?, time: Duration)] = []
    await withTaskGroup(of: (Int, String?, Duration).self) { group in
      for (index, address) in addresses.enumerated() {
        group.addTask {
          let begun = MonotonicTime.now()
          if let refusal = Self.refusal(of: address, scheduler) { return (index, refusal, .zero) }
          let target = Dial.Target(host: address.host, port: scheduler.address.port, timeout: .seconds(4))
          let failure = await self.dial(target)
          return (index, failure, .now() - begun)
        }
      }
      for await (index, failure, time) in group { attempts.append((addresses[index].description, failure, time)) }
    }
    attempts.sort { $0.address < $1.address }
    let seen = attempts.map { attempt in
      attempt.failure.map { $0.hasPrefix(attempt.address) ? $0 : "\(attempt.address): \($0)" }
        ?? "\(attempt.address) answers (\(DoctorText.milliseconds(attempt.time)))"
    }
    let facts: PlainObject = [
      "addresses": .array(
        attempts.map { ["address": .string($0.address), "connects": .bool($0.failure == nil)] })
    ]
    let failures = attempts.compactMap(\.failure)
    guard let first = failures.first else { return DoctorReport.Finding(.ok, seen: seen, facts: facts) }
    let isPartial = failures.count < attempts.count
    return DoctorReport.Finding(
      isPartial ? .warning : .failed, seen: seen, facts: facts,
      reason: isPartial ? "\(failures.count) of \(attempts.count) addresses cannot be reached" : first,
      advice: Self.advice(forDial: first, scheduler.address))
  }

  private static func advice(forDial failure: String, _ address: SchedulerAddress) -> String {
    failure.lowercased().contains("refused")
      ? "nothing listens there: start the scheduler or its gateway, or correct TEMPORAL_ADDRESS (it is now \(address))"
      : "packets do not come back: look for a firewall or a network policy on the way to \(address), or correct "
        + "TEMPORAL_ADDRESS"
  }

  /// Why an address of the scheduler may not be dialed; nil when it may.
  private static func refusal(of address: SocketAddress, _ scheduler: SchedulerConfiguration) -> String? {
    guard let parsed = NetworkAddress(address.host) else { return nil }
    do throws(EgressError) {
      try scheduler.network.egress.check(address: parsed, port: scheduler.address.port, for: scheduler.address.host)
      return nil
    } catch {
      return error.message
    }
  }

  /// Whom to dial, as the channel would.
  private static func target(_ scheduler: SchedulerConfiguration, timeout: Duration) -> Dial.Target {
    var target = scheduler.channel.dialTarget(attempt: 0)
    target.timeout = timeout
    return target
  }

  /// Opens a connection and closes it; why that failed.
  private func dial(_ target: Dial.Target) async -> String? {
    await withCheckedContinuation { continuation in
      loop.submit { [loop] in
        // Holds the attempt until its end.
        var attempt: Dial?
        attempt = Dial(target, on: loop) { result in
          switch result {
          case .success(let socket):
            socket.close()
            continuation.resume(returning: nil)
          case .failure(let error): continuation.resume(returning: error.message)
          }
          attempt = nil
        }
        attempt?.start()
      }
    }
  }

  // MARK: TLS and HTTP/2

  /// Makes one connection; the two steps after this one read what it showed.
  func lookAtTLS(_ scheduler: SchedulerConfiguration) async -> DoctorReport.Finding {
    let outcome = await probe(Self.target(scheduler, timeout: .seconds(7)), scheduler.tls)
    memory.withLock { $0.connection = outcome }
    if let error = outcome.dialFailure {
      return DoctorReport.Finding(
        .failed, reason: error.message, advice: Self.advice(forDial: error.message, scheduler.address))
    }
    guard let tls = scheduler.tls else { return Self.plaintext(scheduler) }
    let seen = outcome.tls.map(Self.lines) ?? []
    let facts = outcome.tls.map(\.facts) ?? [:]
    if let error = outcome.tlsFailure {
      guard error.code != .noHTTP2 else {
        return DoctorReport.Finding(.ok, seen: ["the handshake got as far as the choice of the protocol"], facts: facts)
      }
      return DoctorReport.Finding(
        .failed, seen: seen, facts: facts, reason: error.message, advice: DoctorAdvice.text(for: error))
    }
    guard let report = outcome.tls else {
      return DoctorReport.Finding(.failed, reason: "no handshake took place", advice: "try again")
    }
    return Self.caution(report, tls, seen, facts)
  }

  private static func plaintext(_ scheduler: SchedulerConfiguration) -> DoctorReport.Finding {
    guard !scheduler.address.isLoopback else {
      return DoctorReport.Finding(.ok, seen: ["plaintext, to this machine"], facts: ["version": .null])
    }
    return DoctorReport.Finding(
      .warning, facts: ["version": .null], reason: "the connection is in plaintext, as TEMPORAL_TLS=off asks",
      advice: "use TLS unless every machine on the way may read and change everything")
  }

  /// A handshake that succeeded may still tell of something.
  private static func caution(
    _ report: TLSReport, _ tls: TLSConfiguration, _ seen: [String], _ facts: PlainObject
  ) -> DoctorReport.Finding {
    let now = Timestamp.now()
    if tls.clientIdentity != nil && !report.wasAskedForCertificate {
      return DoctorReport.Finding(
        .warning, seen: seen, facts: facts,
        reason: "the server did not ask for the client certificate that is configured",
        advice: "check that TEMPORAL_ADDRESS names the gateway that does; a server that never asks knows nobody")
    }
    if let leaf = report.chain.first, leaf.notAfter - now.seconds < warningDays * 86_400 {
      return DoctorReport.Finding(
        .warning, seen: seen, facts: facts,
        reason: "the server's certificate ends on \(Timestamp(seconds: leaf.notAfter).text)",
        advice: "tell the scheduler's operator")
    }
    return DoctorReport.Finding(.ok, seen: seen, facts: facts)
  }

  private static func lines(_ report: TLSReport) -> [String] {
    var lines = [
      [report.version, report.cipherSuite, report.group].compactMap { $0 }.joined(separator: ", "),
      "the server asks for \(report.wasAskedForCertificate ? "a" : "no") client certificate",
    ]
    if !report.acceptableAuthorities.isEmpty {
      lines.append("it takes those of: " + report.acceptableAuthorities.prefix(5).joined(separator: "; "))
    }
    for (index, certificate) in report.chain.enumerated() {
      lines.append(
        "\(index + 1). \(certificate.subject), issued by \(certificate.issuer), valid until "
          + Timestamp(seconds: certificate.notAfter).text)
      if index == 0 { lines.append("   for \(certificate.names.joined(separator: ", ")); pin \(certificate.pin)") }
    }
    return lines
  }

  private func probe(_ target: Dial.Target, _ tls: TLSConfiguration?) async -> ConnectionProbe.Outcome {
    await withCheckedContinuation { continuation in
      loop.submit { [loop] in
        // Holds the attempt until its end.
        var attempt: ConnectionProbe?
        attempt = ConnectionProbe(target, tls: tls, on: loop) { outcome in
          continuation.resume(returning: outcome)
          attempt = nil
        }
        attempt?.start()
      }
    }
  }

  func lookAtALPN(_ scheduler: SchedulerConfiguration) -> DoctorReport.Finding {
    let outcome = memory.withLock { $0.connection }
    guard scheduler.tls != nil else {
      return DoctorReport.Finding(.ok, seen: ["none in plaintext: HTTP/2 is presumed"], facts: ["protocol": .null])
    }
    if let error = outcome?.tlsFailure {
      return DoctorReport.Finding(.failed, reason: error.message, advice: DoctorAdvice.text(for: error))
    }
    let chosen = outcome?.tls?.alpn ?? ""
    return DoctorReport.Finding(.ok, seen: ["\(chosen) agreed on"], facts: ["protocol": .string(chosen)])
  }

  func lookAtHTTP2(_ scheduler: SchedulerConfiguration) -> DoctorReport.Finding {
    let outcome = memory.withLock { $0.connection }
    guard let settings = outcome?.settings else {
      return DoctorReport.Finding(
        .failed, reason: outcome?.http2Failure?.message ?? "the server announced no HTTP/2 SETTINGS",
        advice: scheduler.tls == nil
          ? "check the port in TEMPORAL_ADDRESS: TLS, or another protocol, may be expected there (TEMPORAL_TLS)"
          : "check that TEMPORAL_ADDRESS names a gRPC port, not one for web pages")
    }
    let time = outcome?.settingsTime.map { " (\(DoctorText.milliseconds($0)) from the first packet)" } ?? ""
    var facts = PlainObject()
    for entry in settings.entries { facts[entry.name.lowercased()] = .int(Int(entry.value)) }
    let streams = settings.entries.first { $0.name == "MAX_CONCURRENT_STREAMS" }?.value ?? .max
    let seen = [
      settings.entries.map { "\($0.name) \($0.value == .max ? "any" : "\($0.value)")" }.joined(separator: ", ") + time
    ]
    guard streams < 10 else { return DoctorReport.Finding(.ok, seen: seen, facts: facts) }
    return DoctorReport.Finding(
      .warning, seen: seen, facts: facts, reason: "the server admits only \(streams) calls at a time",
      advice: "raise its limit of concurrent streams (nginx: http2_max_concurrent_streams): polls last for a minute")
  }
}

extension CertificateExpiry {
  fileprivate var json: PlainValue {
    [
      "kind": .string(kind.rawValue), "subject": .string(subject),
      "not_before": .string(Timestamp(seconds: notBefore).text),
      "not_after": .string(Timestamp(seconds: notAfter).text),
    ]
  }
}

extension TLSReport {
  /// The report for machines.
  fileprivate var facts: PlainObject {
    [
      "version": .string(version), "cipher_suite": .string(cipherSuite), "group": group.map { .string($0) } ?? .null,
      "asked_for_certificate": .bool(wasAskedForCertificate),
      "acceptable_authorities": .array(acceptableAuthorities.map { .string($0) }),
      "chain": .array(
        chain.map { certificate in
          [
            "subject": .string(certificate.subject), "issuer": .string(certificate.issuer),
            "names": .array(certificate.names.map { .string($0) }),
            "not_before": .string(Timestamp(seconds: certificate.notBefore).text),
            "not_after": .string(Timestamp(seconds: certificate.notAfter).text), "pin": .string(certificate.pin),
          ]
        }),
    ]
  }
}
