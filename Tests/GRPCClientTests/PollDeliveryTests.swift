import Foundation
import GRPCClient
import TestSupport
import Testing

/// Open polls when their client leaves: no task may go to a poll that nobody hears any more.
@Suite("Delivery to polls", .serialized)
struct PollDeliveryTests {
  private static func name(_ prefix: String) -> String { "\(prefix)-\(UInt32.random(in: 0...UInt32.max))" }

  @Test(
    "G14 a cancelled poll is gone at once: another poller gets the task, attempt 1", arguments: Gateway.Kind.allCases)
  func cancelledPoll(_ kind: Gateway.Kind) async throws {
    let pair = try ClientPairs.issue(1, TestCertificates.shared()).pairs[0]
    let rig = try RotationRig(kind, pair)
    let queue = Self.name("g14-\(kind)")
    let poll = Task { try await Scheduler.failure(of: rig.channel, SchedulerCalls.poll(queue)) }
    try await RotationRig.until("the open poll") { rig.channel.state.openCalls == 1 }
    try await Task.sleep(for: .milliseconds(500))
    poll.cancel()
    #expect(try await poll.value.code == .cancelled)
    try await Task.sleep(for: .milliseconds(500))
    try await expectPromptTask(rig.server, queue)
    await rig.end()
  }

  @Test("A channel that leaves resets its polls first: another poller gets the task", arguments: Gateway.Kind.allCases)
  func leavingChannel(_ kind: Gateway.Kind) async throws {
    let pair = try ClientPairs.issue(1, TestCertificates.shared()).pairs[0]
    let rig = try RotationRig(kind, pair)
    let queue = Self.name("leave-\(kind)")
    let polls = (0..<20).map { _ in
      Task { try await Scheduler.failure(of: rig.channel, SchedulerCalls.poll(queue)) }
    }
    try await RotationRig.until("the open polls") { rig.channel.state.openCalls == 20 }
    try await Task.sleep(for: .milliseconds(500))
    await rig.channel.shutdown(grace: .zero)
    for poll in polls { #expect(try await poll.value.code == .cancelled) }
    try await Task.sleep(for: .milliseconds(500))
    try await expectPromptTask(rig.server, queue)
    rig.gateway.peer.stop()
  }

  /// Starts a workflow and polls for its task directly: it must come as its first attempt, long before the ten seconds
  /// after which one that was lost is given anew.
  private func expectPromptTask(_ server: TemporalServer, _ queue: String) async throws {
    let direct = try Scheduler.channel(port: server.port)
    _ = try await direct.call(SchedulerCalls.start(queue, queue: queue))
    let begun = ContinuousClock.now
    let task = SchedulerCalls.task(in: try await direct.call(SchedulerCalls.poll(queue, seconds: 30)))
    #expect(task?.workflow == queue)
    #expect(task?.attempt == 1)
    #expect(ContinuousClock.now - begun < .seconds(8))
    await direct.shutdown(grace: .zero)
  }

  @Test(
    "G15 a client that is killed behind haproxy: its poll is reset with abortonclose, and swallows a task without",
    arguments: [true, false])
  func killedClient(_ abortsOnClose: Bool) async throws {
    let server = try TemporalServer.shared()
    let certificates = try TestCertificates.shared()
    let gateway =
      abortsOnClose
      ? try Gateway.start(.haproxy, backend: server.port, certificates: certificates)
      : try Gateway.witness(.haproxy, backend: server.port, certificates: certificates)
    let queue = Self.name("g15")
    let folder = try TemporaryFolder()
    let request = SchedulerCalls.poll(queue)
    let script = """
      import grpc
      read = lambda path: open(path, "rb").read()
      credentials = grpc.ssl_channel_credentials(
          read("\(certificates.authority)"), read("\(certificates.client.key)"), read("\(certificates.client.certificate)"))
      channel = grpc.secure_channel("localhost:\(gateway.port)", credentials)
      grpc.channel_ready_future(channel).result(60)
      poll = channel.unary_unary("\(request.path)")
      call = poll.future(bytes(\(request.message)), timeout=60)
      print("polling", flush=True)
      call.result()
      """
    let python = URL(fileURLWithPath: try TemporalServer.program()).deletingLastPathComponent().path + "/python"
    let client = try BackgroundPeer(python, ["-c", script], folder: folder.path)
    try await RotationRig.until("the client", seconds: 90) { client.log.contains("polling") }
    try await Task.sleep(for: .seconds(2))
    client.stop(SIGKILL)
    try await Task.sleep(for: .milliseconds(500))
    let direct = try Scheduler.channel(port: server.port)
    // The task may be tried anew after ten seconds, not two minutes, so that the loss is seen.
    _ = try await direct.call(SchedulerCalls.start(queue, queue: queue, taskSeconds: 10))
    let task = SchedulerCalls.task(in: try await direct.call(SchedulerCalls.poll(queue, seconds: 50)))
    #expect(task?.attempt == (abortsOnClose ? 1 : 2), "what haproxy does by default is why this side resets streams")
    await direct.shutdown(grace: .zero)
    gateway.peer.stop()
  }

  @Test("G17 a completion that is repeated is answered NOT_FOUND: the first one was taken")
  func repeatedCompletion() async throws {
    let server = try TemporalServer.shared()
    let channel = try Scheduler.channel(port: server.port)
    let queue = Self.name("g17")
    _ = try await channel.call(SchedulerCalls.start(queue, queue: queue))
    let task = try #require(SchedulerCalls.task(in: try await channel.call(SchedulerCalls.poll(queue, seconds: 30))))
    _ = try await channel.call(SchedulerCalls.complete(task.token))
    let error = try await Scheduler.failure(of: channel, SchedulerCalls.complete(task.token))
    #expect(error.code == .notFound, "\(error)")
    await channel.shutdown(grace: .zero)
  }

  @Test("X11 twenty open polls are reset, each, before GOAWAY and the end of the connection")
  func resetsBeforeFarewell() async throws {
    let frames = FrameRecord()
    let server = try RawServer { connection in
      try connection.greet()
      while true {
        let frame = try connection.nextFrame()
        frames.add(frame.type, frame.stream, frame.payload)
        if frame.type == 4, frame.flags & 1 == 0 { try connection.write(RawFrame.settingsAcknowledgement) }
      }
    }
    let channel = try Scheduler.channel(port: server.port)
    let polls = (0..<20).map { _ in
      Task { try await Scheduler.failure(of: channel, SchedulerCalls.poll("x11")) }
    }
    try await RotationRig.until("twenty polls") { frames.count(of: 1) == 20 }
    await channel.shutdown(grace: .zero)
    for poll in polls { #expect(try await poll.value.code == .cancelled) }
    try await RotationRig.until("GOAWAY") { frames.count(of: 7) == 1 }
    let all = frames.all
    let farewell = try #require(all.firstIndex { $0.type == 7 })
    let resets = all[..<farewell].filter { $0.type == 3 }
    #expect(Set(resets.map(\.stream)) == Set(stride(from: Int32(1), through: 39, by: 2)))
    #expect(resets.allSatisfy { $0.payload == [0, 0, 0, 8] })
    #expect(all.count(where: { $0.type == 3 }) == 20)
  }

  @Test("G16 metadata: repeated names and binary values arrive, reserved names are refused here")
  func metadata() async throws {
    let port = try LoopbackPort.free()
    let folder = try TemporaryFolder()
    let script = """
      import concurrent.futures, grpc
      class Echo(grpc.GenericRpcHandler):
          def service(self, details):
              return grpc.unary_unary_rpc_method_handler(lambda request, context: repr(
                  sorted((k, v) for k, v in context.invocation_metadata() if k.startswith("x-"))).encode())
      server = grpc.server(concurrent.futures.ThreadPoolExecutor(2))
      server.add_generic_rpc_handlers((Echo(),))
      assert server.add_insecure_port("127.0.0.1:\(port)") == \(port)
      server.start()
      server.wait_for_termination()
      """
    let python = URL(fileURLWithPath: try TemporalServer.program()).deletingLastPathComponent().path + "/python"
    let peer = try BackgroundPeer(python, ["-c", script], folder: folder.path)
    try peer.waitForPort(port)
    let channel = try Scheduler.channel(port: port)
    let call = GRPCCall(
      path: "/echo.Echo/Say",
      metadata: [("x-name", "one"), ("x-name", "two"), ("x-data-bin", "AP9h"), ("x-space", "a b")],
      timeout: .seconds(20))
    let answer = String(decoding: try await channel.call(call), as: UTF8.self)
    #expect(
      answer == "[('x-data-bin', b'\\x00\\xffa'), ('x-name', 'one'), ('x-name', 'two'), ('x-space', 'a b')]",
      "\(answer)")
    for name in ["grpc-timeout", "grpc-anything", "te", "content-type", "X-Upper", ":path", "host", "connection", ""] {
      var refused = call
      refused.metadata = [(name, "1")]
      let error = try await Scheduler.failure(of: channel, refused)
      #expect(error.code == .invalidArgument, "\(name)")
      #expect(!error.mayHaveReachedServer)
    }
    await channel.shutdown(grace: .zero)
    peer.stop()
  }
}

/// The frames that a server has seen.
private final class FrameRecord: @unchecked Sendable {
  // Sendable: the frames are only touched under the lock.
  private let lock = NSLock()
  private var frames: [(type: UInt8, stream: Int32, payload: [UInt8])] = []

  var all: [(type: UInt8, stream: Int32, payload: [UInt8])] { lock.withLock { frames } }

  func add(_ type: UInt8, _ stream: Int32, _ payload: [UInt8]) {
    lock.withLock { frames.append((type, stream, payload)) }
  }

  func count(of type: UInt8) -> Int { lock.withLock { frames.count(where: { $0.type == type }) } }
}
