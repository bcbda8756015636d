import EventLoop
import Foundation
import GRPCClient
import Logging
import Secrets
import TestSupport
import Testing

/// Keys and tokens: when they are asked for, when they are replaced, and what a refusal leads to.
@Suite("Authorization", .serialized)
struct AuthorizationTests {
  /// A source by script.
  private actor ScriptedSource: AuthorizationSource {
    private var value: String
    private var next: String?
    private(set) var asked = 0
    private(set) var refused: [String] = []

    init(_ value: String) { self.value = value }

    func prepare(_ next: String) { self.next = next }

    func current() async throws(GRPCError) -> SharedSecret {
      asked += 1
      return SharedSecret(copying: Array("Bearer \(value)".utf8))
    }

    func replacement(for refused: SharedSecret) async throws(GRPCError) -> SharedSecret? {
      self.refused.append(refused.withBytes { String(decoding: $0, as: UTF8.self) })
      guard let next else { return nil }
      value = next
      return SharedSecret(copying: Array("Bearer \(next)".utf8))
    }
  }

  private func gateway(_ keys: String) throws -> Gateway {
    try Gateway.nginx(
      backend: try TemporalServer.shared().port, certificates: try TestCertificates.shared(),
      location: "if ($http_authorization !~ \"^Bearer (\(keys))$\") { return 401; }")
  }

  private func channel(
    _ gateway: Gateway, change: (inout ChannelConfiguration) -> Void
  ) throws -> GRPCChannel {
    try Scheduler.channel(
      port: gateway.port, host: "localhost", tls: Scheduler.mutualTLS(try TestCertificates.shared()), change: change)
  }

  @Test("R14 a token refused is replaced and the call sent again at once; while none is to be had, calls fail")
  func scriptedSource() async throws {
    let gateway = try gateway("second|third")
    let source = ScriptedSource("first")
    let channel = try channel(gateway) { $0.authorization = source }
    let error = try await Scheduler.failure(of: channel, SchedulerCalls.systemInfo)
    #expect(error.code == .unauthenticated)
    #expect(await source.refused == ["Bearer first"])
    await source.prepare("second")
    #expect(try await channel.call(SchedulerCalls.systemInfo).count > 10)
    #expect(await source.refused == ["Bearer first", "Bearer first"])
    // While the value is good it is asked for at each call, and never for a replacement, whatever the endpoint does.
    let calls = SteadyCalls(channel)
    try await Task.sleep(for: .seconds(2))
    let outcome = await calls.stop()
    #expect(outcome.errors.isEmpty)
    #expect(await source.refused.count == 2)
    #expect(await source.asked == outcome.count + 2)
    await channel.shutdown(grace: .seconds(1))
  }

  @Test("A replacement that is refused as well is not followed by another")
  func refusedReplacement() async throws {
    let gateway = try gateway("none")
    let source = ScriptedSource("first")
    await source.prepare("second")
    let channel = try channel(gateway) { $0.authorization = source }
    let error = try await Scheduler.failure(of: channel, SchedulerCalls.systemInfo)
    #expect(error.code == .unauthenticated)
    #expect(await source.refused == ["Bearer first"])
    await channel.shutdown(grace: .seconds(1))
  }

  @Test("G19 a wrong API key is refused; ten seconds after its file was mended, at most, calls pass")
  func keyFileMended() async throws {
    let gateway = try gateway("sesame-9")
    let folder = try TemporaryFolder()
    let file = try folder.write("key", "wrong\n")
    let channel = try channel(gateway) { $0.apiKeyFile = file }
    let error = try await Scheduler.failure(of: channel, SchedulerCalls.systemInfo)
    #expect(error.code == .unauthenticated)
    #expect(!"\(error)".contains("wrong"))
    try folder.write("key", "sesame-9\n")
    let begun = ContinuousClock.now
    _ = try await channel.call(SchedulerCalls.systemInfo)
    #expect(ContinuousClock.now - begun < .seconds(10))
    await channel.shutdown(grace: .seconds(1))
  }

  @Test("A new API key is in use within two seconds, by swap, by rename and by rewriting in place")
  func keyFileNoticed() async throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("key", "key-0\n")
    let source = KeyFileAuthorization(path: file, logger: Logger(label: "test"))
    func text() async throws -> String {
      try await source.current().withBytes { String(decoding: $0, as: UTF8.self) }
    }
    #expect(try await text() == "Bearer key-0")
    for (index, inPlace) in [false, true, false, true].enumerated() {
      let key = "key-\(index + 1)"
      try Data("\(key)\n".utf8).write(to: URL(fileURLWithPath: file), options: inPlace ? [] : [.atomic])
      try await Task.sleep(for: .seconds(2))
      #expect(try await text() == "Bearer \(key)", "in place: \(inPlace)")
    }
    let mount = try SecretMount(["key": "one"])
    let mounted = KeyFileAuthorization(path: mount.file("key"), logger: Logger(label: "test"))
    _ = try await mounted.current()
    try mount.swap(["key": "two"])
    try await Task.sleep(for: .seconds(2))
    #expect(try await mounted.current().withBytes { String(decoding: $0, as: UTF8.self) } == "Bearer two")
  }

  @Test("A key file that vanishes or empties leaves the last key in use; a hundred refusals read it a few times only")
  func keyFileDamaged() async throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("key", "good\n")
    let source = KeyFileAuthorization(path: file, logger: Logger(label: "test"))
    let good = try await source.current()
    try Data().write(to: URL(fileURLWithPath: file))
    try await Task.sleep(for: .seconds(2))
    #expect(try await source.current().matches(good))
    try FileManager.default.removeItem(atPath: file)
    #expect(try await source.replacement(for: good) == nil)
    try folder.write("key", "better\n")
    let fresh = try await withThrowingTaskGroup(of: SharedSecret?.self) { group in
      for _ in 0..<100 { group.addTask { try await source.replacement(for: good) } }
      return try await group.reduce(into: 0) { $0 += $1?.matches(good) == false ? 1 : 0 }
    }
    #expect(fresh == 100)
    await #expect(throws: GRPCError.self) {
      _ = try await KeyFileAuthorization(path: "/nowhere/key", logger: Logger(label: "test")).current()
    }
  }
}
