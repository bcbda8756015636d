import EventLoop
import TestSupport
import Testing

@testable import HTTP2Client

/// What a session does when the peer plays with windows, padding, resets and GOAWAY: no socket, no clock.
@Suite("HTTP/2 session: windows, padding, resets")
struct SessionRulesTests {
  private static let fields = [
    HTTP2Field(":method", "POST"), HTTP2Field(":scheme", "http"), HTTP2Field(":path", "/a.B/C"),
    HTTP2Field(":authority", "x"), HTTP2Field("te", "trailers"),
  ]

  private func greeted(_ settings: [(UInt16, UInt32)] = [], limits: HTTP2Limits = HTTP2Limits()) throws -> HTTP2Session
  {
    let session = try HTTP2Session(limits: limits)
    try feed(session, RawFrame.settings(settings) + RawFrame.settingsAcknowledgement)
    _ = session.takeEvents()
    _ = try session.takeOutput()
    return session
  }

  private func feed(_ session: HTTP2Session, _ bytes: [UInt8], seconds: Int64 = 0) throws {
    try session.receive(bytes[...], at: MonotonicTime(nanoseconds: seconds * 1_000_000_000))
  }

  /// Sends a request and puts it on the wire.
  private func request(_ session: HTTP2Session, body: [UInt8] = [1]) throws -> Int32 {
    let stream = try session.submit(Self.fields, body: body)
    _ = try session.takeOutput()
    return stream
  }

  /// How many bytes of DATA stand in some output.
  private func dataBytes(_ output: [UInt8]) -> Int {
    var (sum, rest) = (0, output[...])
    while rest.count >= 9 {
      let head = Array(rest.prefix(9))
      let length = Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2])
      if head[3] == 0 { sum += length }
      rest = rest.dropFirst(9 + length)
    }
    return sum
  }

  @Test("H6 a window of nothing, then some; a lowered window goes below zero: the upload waits and never overruns")
  func uploadFollowsTheWindow() throws {
    let session = try greeted([(4, 0)])
    let stream = try session.submit(Self.fields, body: Array(repeating: 7, count: 50_000))
    #expect(dataBytes(try session.takeOutput()) == 0)
    #expect(session.takeStalls() == (1, 0))
    try feed(session, RawFrame.windowUpdate(stream, 10_000))
    #expect(dataBytes(try session.takeOutput()) == 10_000)
    // INITIAL_WINDOW_SIZE 20 000 adds 20 000; back to 0 takes them away again, though 20 000 are sent: minus 20 000.
    try feed(session, RawFrame.settings([(4, 20_000)]))
    #expect(dataBytes(try session.takeOutput()) == 20_000)
    try feed(session, RawFrame.settings([(4, 0)]) + RawFrame.windowUpdate(stream, 20_000))
    #expect(dataBytes(try session.takeOutput()) == 0)
    try feed(session, RawFrame.windowUpdate(stream, 15_000))
    #expect(dataBytes(try session.takeOutput()) == 15_000)
    try feed(session, RawFrame.windowUpdate(stream, 1_000_000))
    #expect(dataBytes(try session.takeOutput()) == 5_000)
    #expect(session.fatalError == nil)
    #expect(session.takeEvents() == [.settingsChanged, .settingsChanged])
  }

  @Test("H19 a thousand padded responses leave the connection's window as it was")
  func paddingIsCredited() throws {
    var limits = HTTP2Limits()
    limits.streamWindow = 1 << 20
    limits.connectionWindow = 1 << 20
    let session = try greeted(limits: limits)
    let frame = { (stream: Int32) in
      RawFrame.frame(
        0, flags: 8, stream: stream, [255] + Array(repeating: 9, count: 44) + Array(repeating: 0, count: 255))
    }
    for round in 0..<1_000 {
      let stream = try request(session)
      try feed(session, RawFrame.grpcHead(stream))
      for _ in 0..<100 {
        try feed(session, frame(stream))
        for case .data(let stream, let bytes) in session.takeEvents() {
          #expect(bytes.count == 44)
          session.consume(stream, bytes.count)
        }
        _ = try session.takeOutput()
      }
      try feed(session, RawFrame.grpcTrailers(stream))
      _ = session.takeEvents()
      // nghttp2 gives credit back once half of the window has been used.
      #expect(session.connectionWindow >= 1 << 19, "after \(round) responses")
    }
    #expect(session.fatalError == nil)
  }

  @Test("H20 what arrives on a stream that we reset is credited to the connection")
  func lateDataIsCredited() throws {
    var limits = HTTP2Limits()
    limits.streamWindow = 1 << 20
    limits.connectionWindow = 1 << 20
    let session = try greeted(limits: limits)
    for _ in 0..<40 {
      let stream = try request(session)
      try feed(session, RawFrame.grpcHead(stream))
      session.reset(stream, .cancel)
      _ = try session.takeOutput()
      for _ in 0..<30 { try feed(session, RawFrame.data(stream, Array(repeating: 1, count: 16_000))) }
      _ = try session.takeOutput()
      #expect(session.connectionWindow >= 1 << 19)
    }
    #expect(session.fatalError == nil)
  }

  @Test("Data that the owner has not seen yet when its stream ends is credited all the same")
  func dataOfClosedStreams() throws {
    var limits = HTTP2Limits()
    limits.connectionWindow = 1 << 20
    let session = try greeted(limits: limits)
    for _ in 0..<40 {
      let stream = try request(session)
      try feed(session, RawFrame.grpcHead(stream) + RawFrame.data(stream, Array(repeating: 1, count: 16_000)))
      for _ in 0..<29 { try feed(session, RawFrame.data(stream, Array(repeating: 1, count: 16_000))) }
      try feed(session, RawFrame.grpcTrailers(stream))
      for case .data(let stream, let bytes) in session.takeEvents() { session.consume(stream, bytes.count) }
      _ = try session.takeOutput()
      #expect(session.connectionWindow >= 1 << 19)
    }
  }

  @Test("Windows that are opened wider let the peer send more at once")
  func widening() throws {
    var limits = HTTP2Limits()
    limits.streamWindow = 100_000
    limits.connectionWindow = 100_000
    let session = try greeted(limits: limits)
    let stream = try request(session)
    session.widen(stream: 400_000, connection: 800_000)
    _ = try session.takeOutput()
    try feed(session, RawFrame.settingsAcknowledgement + RawFrame.grpcHead(stream))
    for _ in 0..<24 { try feed(session, RawFrame.data(stream, Array(repeating: 1, count: 16_000))) }
    _ = try session.takeOutput()
    #expect(session.fatalError == nil)
    #expect(session.connectionWindow == 800_000 - 24 * 16_000)
  }

  @Test("H7 GOAWAY whose last stream grows is a breach; one that falls refuses the streams in between")
  func lastStreamOfGoAway() throws {
    let session = try greeted()
    for _ in 0..<3 { _ = try request(session) }
    try feed(session, RawFrame.goAway(last: 1, code: 0))
    let refused = session.takeEvents().filter { if case .closed = $0 { true } else { false } }
    #expect(refused.count == 2)
    for case .closed(_, let closure) in refused { #expect(closure.isUnprocessed) }
    try feed(session, RawFrame.goAway(last: 3, code: 0))
    _ = try session.takeOutput()
    #expect(session.fatalError?.code == .protocolViolation)
  }

  @Test("REFUSED_STREAM after a response has begun does not count as unprocessed")
  func refusedAfterResponse() throws {
    let session = try greeted()
    let (first, second) = (try request(session), try request(session))
    try feed(session, RawFrame.reset(first, 7) + RawFrame.grpcHead(second) + RawFrame.reset(second, 7))
    let closures = session.takeEvents().compactMap { if case .closed(_, let closure) = $0 { closure } else { nil } }
    #expect(closures.map(\.isUnprocessed) == [true, false])
    #expect(closures.map(\.isResetByPeer) == [true, true])
  }

  @Test("A storm of resets ends the connection; resets among answers do not")
  func resetStorm() throws {
    let honest = try greeted()
    for _ in 0..<1_000 {
      let (first, second) = (try request(honest), try request(honest))
      try feed(honest, RawFrame.reset(first, 2) + RawFrame.grpcHead(second) + RawFrame.grpcTrailers(second))
      _ = honest.takeEvents()
    }
    #expect(honest.fatalError == nil)
    let session = try greeted()
    #expect(throws: HTTP2Error.self) {
      for _ in 0..<1_000 { try feed(session, RawFrame.reset(try request(session), 2)) }
    }
    #expect(session.fatalError?.code == .flood)
    #expect(session.flood == .refusedRequests)
  }

  @Test("Early resets with NO_ERROR after a complete response are no storm")
  func resetsAfterResponses() throws {
    let session = try greeted()
    for _ in 0..<1_000 {
      let stream = try request(session, body: Array(repeating: 1, count: 100))
      try feed(session, RawFrame.grpcHead(stream) + RawFrame.grpcTrailers(stream) + RawFrame.reset(stream, 0))
      _ = session.takeEvents()
    }
    #expect(session.fatalError == nil)
  }

  @Test("The kind of a flood is told", arguments: FloodKind.allCases)
  func floodKinds(_ kind: FloodKind) throws {
    let session = try greeted()
    let stream = try request(session)
    try feed(session, RawFrame.grpcHead(stream))
    let closed = try request(session)
    try feed(session, RawFrame.grpcHead(closed) + RawFrame.grpcTrailers(closed))
    let bytes: [UInt8] =
      switch kind {
      case .ping: RawFrame.ping()
      case .settings: RawFrame.settings()
      case .emptyData: RawFrame.frame(0, flags: 8, stream: stream, [3, 0, 0, 0])
      case .priority: RawFrame.frame(2, stream: stream, [0, 0, 0, 0, 16])
      case .headers: RawFrame.grpcTrailers(closed)
      case .windowUpdate: RawFrame.windowUpdate(stream, 1)
      case .goAway: RawFrame.goAway(last: 0x7FFF_FFFF, code: 0)
      case .reset: RawFrame.reset(closed, 8)
      case .unknown: RawFrame.frame(0xBE, [1])
      case .continuation, .acknowledgements, .refusedRequests: []
      }
    // nghttp2 counts these two itself, and the resets of requests have a test of their own.
    if kind == .continuation {
      try feed(session, RawFrame.headers(stream, [("x", "y")], endHeaders: false))
      #expect(throws: HTTP2Error.self) {
        for _ in 0..<100 { try feed(session, RawFrame.continuation(stream, [("x", "y")], endHeaders: false)) }
      }
    } else if kind == .acknowledgements {
      #expect(throws: HTTP2Error.self) {
        try feed(session, Array(repeatElement(RawFrame.settings(), count: 500).joined()))
      }
    } else if kind == .refusedRequests {
      return
    } else {
      #expect(throws: HTTP2Error.self) {
        for _ in 0..<40_000 {
          try feed(session, bytes)
          _ = try session.takeOutput()
          _ = session.takeEvents()
        }
      }
    }
    #expect(session.fatalError?.code == .flood, "\(kind): \(String(describing: session.fatalError))")
    #expect(session.flood == kind)
  }

  @Test(
    "H18 a malformed response ends its stream; its neighbour on the connection goes on", arguments: malformed.indices)
  func malformedResponse(_ index: Int) throws {
    let (name, bytes) = Self.malformed[index]
    let session = try greeted()
    let (first, second) = (try request(session), try request(session))
    try feed(session, bytes)
    _ = try session.takeOutput()
    let events = session.takeEvents()
    let closure = events.compactMap { if case .closed(first, let closure) = $0 { closure } else { nil } }.first
    #expect(closure?.code == .protocolError, "\(name): \(events)")
    #expect(closure?.isUnprocessed == false, "\(name)")
    try feed(session, RawFrame.grpcHead(second) + RawFrame.grpcTrailers(second))
    #expect(session.takeEvents().contains(.end(stream: second)), "\(name)")
    #expect(session.fatalError == nil, "\(name)")
  }

  static let malformed: [(name: String, bytes: [UInt8])] = [
    ("trailers without END_STREAM", RawFrame.grpcHead(1) + RawFrame.headers(1, [("grpc-status", "0")])),
    ("pseudo field in trailers", RawFrame.grpcHead(1) + RawFrame.headers(1, [(":status", "200")], end: true)),
    (
      "content-length lie",
      RawFrame.headers(1, [(":status", "200"), ("content-length", "5")]) + RawFrame.data(1, [1, 2], end: true)
    ),
    ("upper-case field", RawFrame.headers(1, [(":status", "200"), ("X-Y", "z")])),
    ("connection-specific field", RawFrame.headers(1, [(":status", "200"), ("connection", "close")])),
    ("no status", RawFrame.headers(1, [("content-type", "application/grpc")])),
    ("two statuses", RawFrame.headers(1, [(":status", "200"), (":status", "200")])),
    ("status 101", RawFrame.headers(1, [(":status", "101")])),
  ]

  @Test("Streams run out by number: the connection says so and takes no more")
  func wornOut() throws {
    var limits = HTTP2Limits()
    limits.streamsPerConnection = 2
    let session = try greeted(limits: limits)
    _ = try request(session)
    #expect(!session.isWornOut)
    _ = try request(session)
    #expect(session.isWornOut)
    #expect(!session.acceptsRequests)
  }
}
