import EventLoop
import Foundation
import Logging
import Metrics
import TestSupport
import Testing

@testable import HTTP2Client

/// One connection on a loop of its own, with what it reported and counted.
private actor ConnectionRig {
  private static let fields = [
    HTTP2Field(":method", "POST"), HTTP2Field(":scheme", "http"), HTTP2Field(":path", "/a.B/C"),
    HTTP2Field(":authority", "x"), HTTP2Field("te", "trailers"),
  ]

  private let loop: EventLoop
  private let options: HTTP2ConnectionOptions
  private let metrics: HTTP2Metrics
  private var connection: HTTP2Connection?
  private(set) var events: [HTTP2Connection.Event] = []
  private(set) var received = 0

  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  init(port: Int, counts: CapturedMetrics, change: (inout HTTP2ConnectionOptions) -> Void = { _ in }) throws {
    loop = try EventLoop(name: "rig")
    var options = HTTP2ConnectionOptions(target: .init(host: "127.0.0.1", port: port), tls: nil)
    change(&options)
    self.options = options
    metrics = HTTP2Metrics(factory: counts)
  }

  func start() {
    let connection = HTTP2Connection(options: options, on: loop, logger: Logger(label: "rig")) { [weak self] event in
      self?.assumeIsolated { $0.take(event) }
    }
    connection.metrics = metrics
    self.connection = connection
    connection.start()
  }

  func request(body: [UInt8] = [1]) throws { _ = try connection?.submit(Self.fields, body: body) }
  func close() { connection?.close() }
  var isReady: Bool { connection?.acceptsRequests ?? false }
  var roundTrip: Duration? { connection?.roundTrip }

  /// Why the connection ended; nil while it lives.
  var end: HTTP2Error? {
    for case .closed(let error, _) in events { return error }
    return nil
  }

  private func take(_ event: HTTP2Connection.Event) {
    events.append(event)
    guard case .session(.data(let stream, let bytes)) = event else { return }
    received += bytes.count
    connection?.consume(stream, bytes.count)
  }
}

/// A metrics backend that keeps sums by name and dimensions.
private final class CapturedMetrics: MetricsFactory, @unchecked Sendable {
  // Sendable: the values are only touched under the lock.
  private let lock = NSLock()
  private var sums: [String: Double] = [:]

  final class Handler: CounterHandler, RecorderHandler, TimerHandler, FloatingPointCounterHandler, @unchecked Sendable {
    // Sendable: both are set once.
    let name: String
    let owner: CapturedMetrics

    init(_ name: String, _ owner: CapturedMetrics) { (self.name, self.owner) = (name, owner) }

    func increment(by amount: Int64) { owner.add(name, Double(amount)) }
    func increment(by amount: Double) { owner.add(name, amount) }
    func reset() {}
    func record(_ value: Int64) { owner.set(name, Double(value)) }
    func record(_ value: Double) { owner.set(name, value) }
    func recordNanoseconds(_ duration: Int64) { owner.add(name, 1) }
  }

  subscript(_ name: String) -> Double { lock.withLock { sums[name] ?? 0 } }

  private func add(_ name: String, _ amount: Double) { lock.withLock { sums[name, default: 0] += amount } }
  private func set(_ name: String, _ value: Double) { lock.withLock { sums[name] = value } }
  private func handler(_ label: String, _ dimensions: [(String, String)]) -> Handler {
    Handler(([label] + dimensions.map { "\($0)=\($1)" }).joined(separator: " "), self)
  }

  func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler { handler(label, dimensions) }
  func makeFloatingPointCounter(
    label: String, dimensions: [(String, String)]
  ) -> any FloatingPointCounterHandler { handler(label, dimensions) }
  func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
    handler(label, dimensions)
  }
  func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler { handler(label, dimensions) }
  func destroyCounter(_ handler: any CounterHandler) {}
  func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
  func destroyRecorder(_ handler: any RecorderHandler) {}
  func destroyTimer(_ handler: any TimerHandler) {}
}

@Suite("A connection and what it counts", .serialized)
struct HTTP2ConnectionTests {
  /// Waits until a condition holds, within a time that suits a busy machine.
  private func eventually(_ condition: () async -> Bool) async throws {
    for _ in 0..<3_000 {
      if await condition() { return }
      try await Task.sleep(for: .milliseconds(10))
    }
    #expect(await condition())
  }

  @Test("A transfer that fills the window makes it wider, by one PING that also tells the round trip")
  func windowsGrow() async throws {
    let widened = Seen()
    let server = try RawServer { connection in
      try connection.greet()
      let stream = try connection.next(1).stream
      try connection.write(RawFrame.grpcHead(stream))
      for _ in 0..<38 { try connection.write(RawFrame.data(stream, Array(repeating: 1, count: 16_000))) }
      let ping = try connection.next(6)
      for _ in 0..<90 { try connection.write(RawFrame.data(stream, Array(repeating: 1, count: 16_000))) }
      try connection.write(RawFrame.ping(ping.payload, acknowledgement: true))
      widened.saw(try connection.next(4).payload)
      try connection.write(RawFrame.settingsAcknowledgement + RawFrame.grpcTrailers(stream))
      try connection.drain()
    }
    let counts = CapturedMetrics()
    let rig = try ConnectionRig(port: server.port, counts: counts)
    await rig.start()
    try await eventually { await rig.isReady }
    try await rig.request()
    // Connections of other tests may still have streams: the gauge is the process's.
    try await eventually { counts["sallyport_http2_streams_open"] > 0 }
    let others = counts["sallyport_http2_streams_open"] - 1
    try await eventually { widened.payload != nil }
    // INITIAL_WINDOW_SIZE is entry 4; it holds at least twice what the sample carried, and no more than the cap.
    let payload = try #require(widened.payload)
    #expect(payload.prefix(2) == [0, 4])
    let window = payload.dropFirst(2).reduce(0) { $0 << 8 | Int($1) }
    #expect(window > 2 << 20 && window <= 16 << 20, "\(window)")
    try await eventually { counts["sallyport_http2_streams_total result=completed"] == 1 }
    #expect(await rig.received == 128 * 16_000)
    #expect(counts["sallyport_http2_ping_round_trip_seconds"] == 1)
    #expect(await rig.roundTrip != nil)
    #expect(counts["sallyport_http2_streams_open"] == others)
    await rig.close()
  }

  @Test("Streams, stalls, GOAWAY and floods are counted by kind")
  func counts() async throws {
    let server = try RawServer { connection in
      try connection.greet(settings: [(4, 10)])
      let stream = try connection.next(1).stream
      _ = try connection.next(0)
      try connection.write(RawFrame.windowUpdate(stream, 1_000))
      _ = try connection.next(0)
      try connection.write(RawFrame.grpcHead(stream) + RawFrame.grpcTrailers(stream))
      try connection.write(RawFrame.reset(try connection.next(1).stream, 7))
      try connection.write(RawFrame.reset(try connection.next(1).stream, 2))
      _ = try connection.next(1)
      try connection.write(RawFrame.goAway(last: 0x7FFF_FFFF, code: 11, debug: "too_many_pings"))
      while true { try connection.write(RawFrame.frame(0xBE, [1])) }
    }
    let counts = CapturedMetrics()
    let rig = try ConnectionRig(port: server.port, counts: counts)
    await rig.start()
    try await eventually { await rig.isReady }
    let results = "sallyport_http2_streams_total result="
    try await rig.request(body: Array(repeating: 1, count: 100))
    try await eventually { counts[results + "completed"] == 1 }
    try await rig.request()
    try await eventually { counts[results + "refused"] == 1 }
    try await rig.request()
    try await eventually { counts[results + "reset_by_server"] == 1 }
    try await rig.request()
    try await eventually { await rig.end != nil }
    #expect(await rig.end?.code == .flood)
    #expect(counts[results + "lost"] == 1)
    #expect(counts["sallyport_http2_goaways_total code=ENHANCE_YOUR_CALM"] == 1)
    #expect(counts["sallyport_http2_floods_total kind=unknown"] == 1)
    #expect(counts["sallyport_http2_flow_control_stalls_total scope=stream"] >= 1)
    let complaints = await rig.events.filter {
      if case .session(let event) = $0 { event.isTooManyPings } else { false }
    }
    #expect(complaints.count == 1)
  }
}

/// Keeps what a server's thread has seen.
private final class Seen: @unchecked Sendable {
  // Sendable: the payload is only touched under the lock.
  private let lock = NSLock()
  private var last: [UInt8]?

  var payload: [UInt8]? { lock.withLock { last } }
  func saw(_ payload: [UInt8]) { lock.withLock { last = payload } }
}
