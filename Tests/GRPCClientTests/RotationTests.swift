import Foundation
import GRPCClient
import TLSClient
import TestSupport
import Testing

/// New certificates on disk, taken into use without a lost call or task; bad ones refused.
@Suite("Rotation", .serialized)
struct RotationTests {
  @Test(
    "R1 a new pair is in use within seconds, and of 300 tasks none is lost or given twice",
    arguments: Gateway.Kind.allCases)
  func newPairUnderLoad(_ kind: Gateway.Kind) async throws {
    let pairs = try ClientPairs.issue(2, TestCertificates.shared()).pairs
    let rig = try RotationRig(kind, pairs[0])
    let queue = "r1-\(kind)-\(UInt32.random(in: 0...UInt32.max))"
    let tasks = TaskTally()
    let pollers = (0..<10).map { _ in
      Task { try await tasks.poll(rig.channel, queue: queue) }
    }
    let direct = try Scheduler.channel(port: rig.server.port)
    let calls = SteadyCalls(rig.channel)
    let begun = ContinuousClock.now
    var (swapped, seenAfter): (ContinuousClock.Instant?, Duration?)
    for number in 0..<300 {
      if number == 100 {
        try rig.swap(pairs[1])
        swapped = .now
      }
      if let swapped, seenAfter == nil, rig.gateway.hasSeen(pairs[1].serial) {
        seenAfter = ContinuousClock.now - swapped
      }
      _ = try await direct.call(SchedulerCalls.start("\(queue)-\(number)", queue: queue))
      try await Task.sleep(until: begun + .milliseconds(20 * (number + 1)), clock: .continuous)
    }
    try await RotationRig.until("the new serial number", seconds: 15) { rig.gateway.hasSeen(pairs[1].serial) }
    print("R1 \(kind): new identity seen after \(seenAfter.map(String.init(describing:)) ?? "the last start")")
    try await rig.generation(2)
    try await RotationRig.until("all tasks", seconds: 60) { tasks.count >= 300 }
    tasks.stop()
    for poller in pollers { poller.cancel() }
    let outcome = await calls.stop()
    print("R1 \(kind): \(outcome.count) calls, the longest \(outcome.longest)")
    #expect(outcome.errors.isEmpty)
    #expect(tasks.workflows == Set((0..<300).map { "\(queue)-\($0)" }))
    #expect(tasks.count == 300, "a task was given twice")
    #expect(tasks.laterAttempts.isEmpty)
    #expect(rig.channel.state.rotations == 1)
    await rig.end()
    await direct.shutdown(grace: .zero)
  }

  @Test("R2 bad pairs are refused with their reason, the old one stays, and a good one is taken")
  func badPairs() async throws {
    let certificates = try TestCertificates.shared()
    let pairs = try ClientPairs.issue(2, certificates).pairs
    let rig = try RotationRig(.haproxy, pairs[0])
    _ = try await rig.channel.call(SchedulerCalls.systemInfo)
    let expired = certificates.expired
    func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }
    let authority = try text(certificates.authority)
    let bad: [(what: String, certificate: String, key: String, reason: String)] = [
      ("mismatched", pairs[0].certificate, pairs[1].key, "does not belong"),
      ("truncated key", pairs[1].certificate, String(pairs[1].key.prefix(90)), "private key"),
      ("empty certificate", "", pairs[1].key, "no certificate"),
      ("expired", try text(expired.certificate), try text(expired.key), "expired on"),
    ]
    for (index, (what, certificate, key, reason)) in bad.enumerated() {
      try rig.mount.swap(["tls.crt": certificate, "tls.key": key, "ca.crt": authority])
      try await RotationRig.until(what) { rig.channel.state.failedRotations == index + 1 }
      #expect(rig.channel.state.rotationFault?.contains(reason) == true, "\(what): \(rig.channel.state)")
      _ = try await rig.channel.call(SchedulerCalls.systemInfo)
    }
    #expect(rig.channel.state.credentialGeneration == 1)
    #expect(rig.channel.state.connections == 1)
    try rig.swap(pairs[1])
    try await rig.generation(2)
    #expect(rig.channel.state.rotationFault == nil)
    #expect(rig.channel.state.failedRotations == 4)
    _ = try await rig.channel.call(SchedulerCalls.systemInfo)
    await rig.end()
  }

  @Test("R3 a pair that the server refuses fails its trial; the old one stays in use", arguments: Gateway.Kind.allCases)
  func refusedPair(_ kind: Gateway.Kind) async throws {
    let certificates = try TestCertificates.shared()
    let pairs = try ClientPairs.issue(1, certificates).pairs
    let foreign = try ClientPairs.issue(1, first: 0x6600, authority: "other-ca", certificates).pairs
    let rig = try RotationRig(kind, pairs[0])
    let calls = SteadyCalls(rig.channel)
    try await RotationRig.until("the first connection") { rig.channel.state.isConnected }
    try rig.swap(foreign[0])
    try await RotationRig.until("the refusal") { rig.channel.state.failedRotations == 1 }
    #expect(rig.channel.state.rotationFault?.contains("certificate") == true, "\(rig.channel.state)")
    try await Task.sleep(for: .milliseconds(500))
    let outcome = await calls.stop()
    #expect(outcome.errors.isEmpty)
    #expect(rig.channel.state.credentialGeneration == 1)
    #expect(rig.channel.state.connections == 1)
    await rig.end()
  }

  @Test("R4 files written one by one, the key three seconds after the certificate, are one rotation and no fault")
  func slowWriter() async throws {
    let certificates = try TestCertificates.shared()
    let pairs = try ClientPairs.issue(3, certificates).pairs
    let gateway = try Gateway.witness(
      .haproxy, backend: try TemporalServer.shared().port, certificates: certificates)
    let folder = try TemporaryFolder()
    for (name, text) in try RotationRig.files(pairs[0], certificates) { try folder.write(name, text) }
    let channel = try RotationRig.channel(port: gateway.port, folder: folder.path)
    let calls = SteadyCalls(channel)
    try await RotationRig.until("the first connection") { channel.state.isConnected }
    try folder.write("tls.crt", pairs[1].certificate)
    try await Task.sleep(for: .seconds(3))
    #expect(channel.state.credentialGeneration == 1)
    #expect(channel.state.rotationFault == nil)
    try folder.write("tls.key", pairs[1].key)
    try await RotationRig.until("the new pair") { channel.state.credentialGeneration == 2 }
    // The same by rewriting in place, where neither inode nor folder changes.
    for (name, text) in [("tls.crt", pairs[2].certificate), ("tls.key", pairs[2].key)] {
      let handle = try #require(FileHandle(forWritingAtPath: folder.file(name)))
      try handle.truncate(atOffset: 0)
      try handle.write(contentsOf: Data(text.utf8))
      try handle.close()
    }
    try await RotationRig.until("the pair rewritten in place") { channel.state.credentialGeneration == 3 }
    let outcome = await calls.stop()
    #expect(outcome.errors.isEmpty)
    #expect(channel.state.failedRotations == 0)
    #expect(gateway.hasSeen(pairs[2].serial))
    await channel.shutdown(grace: .seconds(1))
  }

  @Test("R5 of twenty swaps in ten seconds the last one is in use, and never more than two connections serve")
  func manySwaps() async throws {
    let pairs = try ClientPairs.issue(21, TestCertificates.shared()).pairs
    let rig = try RotationRig(.haproxy, pairs[0])
    let calls = SteadyCalls(rig.channel)
    try await RotationRig.until("the first connection") { rig.channel.state.isConnected }
    // A poll of four seconds holds each old connection open for a while.
    let stop = StopFlag()
    let poller = Task {
      while !stop.isSet { _ = try? await rig.channel.call(SchedulerCalls.poll("r5-nothing", seconds: 4)) }
    }
    var most = 0
    let begun = ContinuousClock.now
    for number in 1...20 {
      try rig.swap(pairs[number])
      while ContinuousClock.now < begun + .milliseconds(500 * number) {
        most = max(most, rig.channel.state.drainingConnections + (rig.channel.state.isConnected ? 1 : 0))
        try await Task.sleep(for: .milliseconds(5))
      }
    }
    try await RotationRig.until("the last serial number", seconds: 60) { rig.gateway.hasSeen(pairs[20].serial) }
    stop.set()
    await poller.value
    let outcome = await calls.stop()
    #expect(outcome.errors.isEmpty)
    #expect(most <= 2)
    #expect(rig.channel.state.failedRotations == 0)
    await rig.end()
  }

  @Test(
    "R7 no ticket of the old session is used: after a swap only the new identity is shown",
    arguments: Gateway.Kind.allCases)
  func noResumption(_ kind: Gateway.Kind) async throws {
    let pairs = try ClientPairs.issue(2, TestCertificates.shared()).pairs
    let rig = try RotationRig(kind, pairs[0])
    for _ in 0..<5 { _ = try await rig.channel.call(SchedulerCalls.systemInfo) }
    try rig.swap(pairs[1])
    try await rig.generation(2)
    try await RotationRig.until("the old connection's end") { rig.channel.state.drainingConnections == 0 }
    let before = rig.gateway.seen.components(separatedBy: pairs[0].serial).count
    for _ in 0..<20 { _ = try await rig.channel.call(SchedulerCalls.systemInfo) }
    await rig.channel.shutdown(grace: .seconds(1))
    try await RotationRig.until("the new serial number") { rig.gateway.hasSeen(pairs[1].serial) }
    #expect(
      rig.gateway.seen.components(separatedBy: pairs[0].serial).count <= before + (kind == .haproxyPassThrough ? 1 : 0))
    rig.gateway.peer.stop()
  }

  @Test(
    "R8 a task that comes on the draining connection is taken, and answered on the new one",
    arguments: Gateway.Kind.allCases)
  func taskOnDrainingConnection(_ kind: Gateway.Kind) async throws {
    let pairs = try ClientPairs.issue(2, TestCertificates.shared()).pairs
    let rig = try RotationRig(kind, pairs[0])
    let queue = "r8-\(kind)-\(UInt32.random(in: 0...UInt32.max))"
    async let polled = rig.channel.call(SchedulerCalls.poll(queue))
    try await RotationRig.until("the open poll") { rig.channel.state.openCalls == 1 }
    try await Task.sleep(for: .milliseconds(300))
    try rig.swap(pairs[1])
    try await rig.generation(2)
    #expect(rig.channel.state.drainingConnections == 1)
    let direct = try Scheduler.channel(port: rig.server.port)
    _ = try await direct.call(SchedulerCalls.start(queue, queue: queue))
    let task = try #require(SchedulerCalls.task(in: try await polled))
    #expect(task.workflow == queue)
    #expect(task.attempt == 1)
    _ = try await rig.channel.call(SchedulerCalls.complete(task.token))
    try await RotationRig.until("the old connection's end") { rig.channel.state.drainingConnections == 0 }
    #expect(rig.channel.state.failedCalls == 0)
    await direct.shutdown(grace: .zero)
    await rig.end()
  }
}

/// The tasks that polls brought.
final class TaskTally: @unchecked Sendable {
  // Sendable: the tasks are only touched under the lock.
  private let lock = NSLock()
  private var tasks: [SchedulerCalls.Task] = []
  private let flag = StopFlag()

  var count: Int { lock.withLock { tasks.count } }
  var workflows: Set<String> { lock.withLock { Set(tasks.map(\.workflow)) } }
  var laterAttempts: [SchedulerCalls.Task] { lock.withLock { tasks.filter { $0.attempt != 1 } } }

  func stop() { flag.set() }

  /// Polls until told to stop; every task that comes is kept and not answered.
  func poll(_ channel: GRPCChannel, queue: String) async throws {
    while !flag.isSet {
      let answer = try await channel.call(SchedulerCalls.poll(queue))
      if let task = SchedulerCalls.task(in: answer) { lock.withLock { tasks.append(task) } }
    }
  }
}
