import EventLoop
import Foundation
import GRPCClient
import Secrets
import Synchronization
import TLSClient
import TestSupport
import Testing

@testable import OAuthClient

/// The source of tokens on its event loop, with a scripted endpoint and a clock that the test turns.
@Suite("The token source", .serialized)
struct OAuthTokenSourceTests {
  private static let loop = Result { try EventLoop(name: "oauth-test") }

  private let clock = TurnedClock()
  private let log = KeptLog()

  private func source(_ issuer: any TokenIssuer, policy: OAuthPolicy = OAuthPolicy()) throws -> OAuthTokenSource {
    let clock = clock
    return OAuthTokenSource(
      issuer: issuer, policy: policy, loop: try Self.loop.get(), logger: log.logger, clock: { clock.now })
  }

  private func text(_ secret: SharedSecret?) -> String? {
    secret?.withBytes { String(decoding: $0, as: UTF8.self) }
  }

  /// Waits until something is so; false after half a minute.
  private func eventually(_ condition: @Sendable () throws -> Bool) async throws -> Bool {
    for _ in 0..<3_000 {
      if try condition() { return true }
      try await Task.sleep(for: .milliseconds(10))
    }
    return false
  }

  @Test("100 concurrent callers make one request")
  func concurrentCallers() async throws {
    let issuer = ScriptedIssuer(.token("T1"), isHeld: true)
    let source = try source(issuer)
    let values = try await withThrowingTaskGroup(of: SharedSecret.self) { group in
      for _ in 0..<100 { group.addTask { try await source.current() } }
      #expect(try await eventually { issuer.requests == 1 })
      try await Task.sleep(for: .milliseconds(100))
      issuer.release()
      return try await group.reduce(into: [SharedSecret]()) { $0.append($1) }
    }
    #expect(values.count == 100 && values.allSatisfy { text($0) == "Bearer T1" })
    #expect(issuer.requests == 1)
  }

  @Test("100 callers whose token is refused make one further request")
  func concurrentRefusals() async throws {
    let issuer = ScriptedIssuer(.token("T1"))
    let source = try source(issuer)
    let first = try await source.current()
    issuer.answer(.token("T2"))
    let values = try await withThrowingTaskGroup(of: SharedSecret?.self) { group in
      for _ in 0..<100 { group.addTask { try await source.replacement(for: first) } }
      return try await group.reduce(into: [SharedSecret?]()) { $0.append($1) }
    }
    #expect(values.allSatisfy { text($0) == "Bearer T2" })
    #expect(issuer.requests == 2)
    // The scheduler refuses the new one too: the endpoint is left alone.
    let second = try await source.current()
    #expect(try await source.replacement(for: second) == nil)
    #expect(issuer.requests == 2)
    #expect(source.state.isRefused)
  }

  @Test("A cancelled caller stops waiting; the others get their token")
  func cancellation() async throws {
    let issuer = ScriptedIssuer(.token("T1"), isHeld: true)
    let source = try source(issuer)
    let leaving = Task { try await source.current() }
    let staying = Task { try await source.current() }
    #expect(try await eventually { issuer.requests == 1 })
    leaving.cancel()
    let error = await #expect(throws: GRPCError.self) { try await leaving.value }
    #expect(error?.code == .cancelled && error?.mayHaveReachedServer == false)
    issuer.release()
    #expect(text(try await staying.value) == "Bearer T1")
    #expect(issuer.requests == 1)
  }

  @Test("R14 source: endpoint down while the token is renewed; no caller fails as long as the old one is valid")
  func endpointDownDuringRenewal() async throws {
    let issuer = ScriptedIssuer(.token("T1", lifetime: 600))
    let source = try source(issuer)
    #expect(text(try await source.current()) == "Bearer T1")
    issuer.answer(.refused(.connectFailed))
    // From 300 s on a new token is due; the endpoint is away for two minutes of it.
    clock.turn(331)
    for second in 0..<120 {
      #expect(text(try await source.current()) == "Bearer T1", "second \(second)")
      clock.turn(1)
      if second % 10 == 0 { try await Task.sleep(for: .milliseconds(20)) }
    }
    #expect(try await eventually { source.state.lastError?.code == .connectFailed })
    let attempts = issuer.requests
    #expect((3...12).contains(attempts), "the first one, and a few with growing pauses: \(attempts)")
    issuer.answer(.token("T2", lifetime: 600))
    clock.turn(61)
    _ = try await source.current()
    #expect(try await eventually { source.state.lastError == nil })
    #expect(text(try await source.current()) == "Bearer T2")
  }

  @Test("Once the token has ended and the endpoint is away, callers hear the cause at once")
  func endpointDownAfterTheEnd() async throws {
    let issuer = ScriptedIssuer(.token("T1", lifetime: 600))
    let source = try source(issuer)
    _ = try await source.current()
    issuer.answer(.refused(.nameNotResolved))
    clock.turn(700)
    let error = await #expect(throws: GRPCError.self) { try await source.current() }
    #expect(error?.code == .unavailable && error?.cause == "scripted nameNotResolved")
    #expect(error?.mayHaveReachedServer == false)
    let requests = issuer.requests
    for _ in 0..<20 { await #expect(throws: GRPCError.self) { try await source.current() } }
    #expect(issuer.requests == requests, "no storm while the pause lasts")
  }

  @Test("A refused client ends the start, but not a process that once had a token")
  func refusalBeforeAndAfterTheFirstToken() async throws {
    let issuer = ScriptedIssuer(.refused(.clientRefused))
    let source = try source(issuer)
    let atStart = await #expect(throws: GRPCError.self) { try await source.current() }
    #expect(atStart?.code == .unauthenticated)
    issuer.answer(.token("T1", lifetime: 60))
    clock.turn(10)
    _ = try await source.current()
    issuer.answer(.refused(.clientRefused))
    clock.turn(100)
    let later = await #expect(throws: GRPCError.self) { try await source.current() }
    #expect(later?.code == .unavailable && later?.cause == "scripted clientRefused")
  }

  @Test("A replaced secret is noticed within seconds after a refusal")
  func replacedSecret() async throws {
    let issuer = ScriptedIssuer(.refused(.clientRefused))
    var policy = OAuthPolicy()
    policy.credentialInterval = .milliseconds(50)
    let source = try source(issuer, policy: policy)
    await #expect(throws: GRPCError.self) { try await source.current() }
    #expect(try await eventually { issuer.looks >= 3 })
    #expect(issuer.requests == 1, "an unchanged secret is not sent again before its time")
    issuer.answer(.token("T1"))
    issuer.replaceCredentials()
    #expect(try await eventually { source.state.expiry != nil })
    #expect(text(try await source.current()) == "Bearer T1")
    #expect(issuer.requests == 2)
  }

  @Test("A token in use is renewed by itself, one that nobody uses is not")
  func renewalByItself() async throws {
    let issuer = ScriptedIssuer(.token("T1", lifetime: 1))
    let loop = try Self.loop.get()
    let source = OAuthTokenSource(issuer: issuer, loop: loop, logger: log.logger)
    _ = try await source.current()
    #expect(try await eventually { issuer.requests == 2 })
    try await Task.sleep(for: .seconds(3))
    #expect(issuer.requests == 2)
  }

  @Test("X15 OAuth part: secret and token stand in no log and no error")
  func canaries() async throws {
    let certificates = try TestCertificates.shared()
    let echo = TokenEndpointServer.Step.answer(
      401, #"{"error":"invalid_client","error_description":"canary-secret is not the secret"}"#)
    let server = try TokenEndpointServer(
      certificates,
      steps: [
        .token("canary-token-1", expiresIn: 60), echo, .answer(200, "canary-token-2"), .answer(500, "canary-token-3"),
      ])
    let secret = SharedSecret(copying: "canary-secret".utf8)
    let endpoint = TokenEndpoint(
      TokenEndpointConfiguration(
        url: try TokenURL(server.url), clientIdentifier: "id", authentication: .post(.value(secret)),
        tls: TLSConfiguration(trust: .file(certificates.authority))))
    let source = try source(endpoint)
    let token = try await source.current()
    #expect(text(token) == "Bearer canary-token-1")
    var told = ["\(token)", String(reflecting: token), "\(source.state)"]
    for _ in 0..<3 {
      clock.turn(100)
      let error = await #expect(throws: GRPCError.self) { try await source.current() }
      told += ["\(String(describing: error))", "\(source.state)"]
    }
    #expect(try server.requests().count == 4)
    #expect(log.lines.count >= 4)
    for line in told + log.lines { #expect(!line.contains("canary"), "\(line)") }
    #expect(Redactor.process.redact("a canary-token-1 b canary-secret") == "a ***** b *****")
  }
}
