internal import EventLoop
internal import Metrics
internal import Synchronization

/// The counters of one connection. The handles of what happens often are made once, the others when they are needed.
final class HTTP2Metrics {
  /// How a stream ended.
  enum StreamResult: String, CaseIterable {
    /// The response came to its end.
    case completed
    /// The peer did not take the request.
    case refused
    /// The peer broke it off.
    case resetByServer = "reset_by_server"
    /// This side broke it off.
    case resetByClient = "reset_by_client"
    /// The connection ended before the stream.
    case lost
  }

  /// Streams that are open on all connections of this process.
  private static let openStreams = Atomic<Int>(0)

  private let factory: any MetricsFactory
  private let results: [StreamResult: Counter]
  private let open: Gauge
  private let roundTrip: Timer
  private let streamStalls: Counter
  private let connectionStalls: Counter

  /// Makes the handles.
  ///
  /// - Parameter factory: the backend; by default the one that the process has set up.
  init(factory: any MetricsFactory = MetricsSystem.factory) {
    self.factory = factory
    results = Dictionary(
      uniqueKeysWithValues: StreamResult.allCases.map { result in
        let dimensions = [("result", result.rawValue)]
        return (result, Counter(label: "sallyport_http2_streams_total", dimensions: dimensions, factory: factory))
      })
    open = Gauge(label: "sallyport_http2_streams_open", factory: factory)
    roundTrip = Timer(label: "sallyport_http2_ping_round_trip_seconds", factory: factory)
    let stalls = { (scope: String) in
      Counter(
        label: "sallyport_http2_flow_control_stalls_total", dimensions: [("scope", scope)], factory: factory)
    }
    streamStalls = stalls("stream")
    connectionStalls = stalls("connection")
  }

  /// A request was put on a stream.
  func streamOpened() { recordOpen(by: 1) }

  /// A stream has ended.
  func streamClosed(_ result: StreamResult) {
    results[result]?.increment()
    recordOpen(by: -1)
  }

  /// A PING was answered after this time.
  func pingAnswered(after duration: Duration) { roundTrip.recordNanoseconds(duration.clampedNanoseconds) }

  /// Uploads came to a halt because the peer's window was used up.
  func stalled(streams: Int, connection: Int) {
    if streams > 0 { streamStalls.increment(by: streams) }
    if connection > 0 { connectionStalls.increment(by: connection) }
  }

  /// The peer sent GOAWAY.
  func goAway(_ code: HTTP2ErrorCode) {
    let name = code.isStandard ? code.description : "other"
    Counter(label: "sallyport_http2_goaways_total", dimensions: [("code", name)], factory: factory).increment()
  }

  /// The connection was given up because of a flood.
  func flooded(_ kind: FloodKind) {
    Counter(label: "sallyport_http2_floods_total", dimensions: [("kind", kind.rawValue)], factory: factory)
      .increment()
  }

  private func recordOpen(by change: Int) {
    let now = Self.openStreams.add(change, ordering: .relaxed).newValue
    open.record(now)
  }
}
