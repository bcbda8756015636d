import EventLoop
import Secrets
import TestSupport
import Testing

@testable import HTTP2Client

/// The session fed with frames by hand: no socket, no clock.
@Suite("HTTP/2 session")
struct HTTP2SessionTests {
  private static let fields = [
    HTTP2Field(":method", "POST"), HTTP2Field(":scheme", "http"), HTTP2Field(":path", "/a.B/C"),
    HTTP2Field(":authority", "x"), HTTP2Field("te", "trailers"),
  ]

  /// A session that has been greeted.
  private func greeted(
    _ settings: [(UInt16, UInt32)] = [], limits: HTTP2Limits = HTTP2Limits()
  ) throws -> HTTP2Session {
    let session = try HTTP2Session(limits: limits)
    try feed(session, RawFrame.settings(settings) + RawFrame.settingsAcknowledgement)
    #expect(session.takeEvents() == [.ready, .settingsAcknowledged])
    _ = try session.takeOutput()
    return session
  }

  private func feed(_ session: HTTP2Session, _ bytes: [UInt8], seconds: Int64 = 0) throws {
    try session.receive(bytes[...], at: MonotonicTime(nanoseconds: seconds * 1_000_000_000))
  }

  /// The frames in some output: type, flags, stream, payload length.
  private func frames(_ bytes: [UInt8]) -> [[Int]] {
    var found: [[Int]] = []
    var rest = bytes[...]
    while rest.count >= 9 {
      let head = Array(rest.prefix(9))
      let length = Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2])
      found.append([Int(head[3]), Int(head[4]), Int(head[8]), length])
      rest = rest.dropFirst(9 + length)
    }
    return found
  }

  @Test("The first output is the preface, SETTINGS and a wider connection window; nothing is sent before the greeting")
  func greeting() throws {
    let session = try HTTP2Session()
    let output = try session.takeOutput()
    #expect(Array(output.prefix(24)) == RawFrame.preface)
    #expect(frames(Array(output.dropFirst(24))) == [[4, 0, 0, 18], [8, 0, 0, 4]])
    #expect(!session.acceptsRequests)
    #expect(throws: HTTP2Error.self) { try session.submit(Self.fields, body: []) }
    #expect(session.streamCredit == 100)
  }

  @Test("A request and its response")
  func exchange() throws {
    let session = try greeted([(3, 7)])
    #expect(session.streamCredit == 7)
    let stream = try session.submit(Self.fields, body: [1, 2, 3])
    #expect(stream == 1)
    #expect(frames(try session.takeOutput()).map { $0[0] } == [1, 0])
    try feed(session, RawFrame.grpcHead(1) + RawFrame.data(1, [9, 8]) + RawFrame.grpcTrailers(1))
    #expect(
      session.takeEvents() == [
        .response(stream: 1, fields: [.init(":status", "200"), .init("content-type", "application/grpc")]),
        .data(stream: 1, bytes: [9, 8]),
        .trailers(stream: 1, fields: [.init("grpc-status", "0"), .init("grpc-message", "")]), .end(stream: 1),
        .closed(stream: 1, HTTP2StreamClosure(code: .noError, isUnprocessed: false)),
      ])
    #expect(session.openStreams == 0)
  }

  @Test("A body larger than the peer's window waits for WINDOW_UPDATE")
  func uploadWindow() throws {
    let session = try greeted()
    _ = try session.submit(Self.fields, body: Array(repeating: 5, count: 100_000))
    #expect(frames(try session.takeOutput()).filter { $0[0] == 0 }.reduce(0) { $0 + $1[3] } == 65_535)
    try feed(session, RawFrame.windowUpdate(0, 1_000_000) + RawFrame.windowUpdate(1, 1_000_000))
    let rest = frames(try session.takeOutput()).filter { $0[0] == 0 }
    #expect(rest.reduce(0) { $0 + $1[3] } == 100_000 - 65_535)
    #expect(rest.last?[1] == 1)
  }

  @Test("The window for responses opens only when the owner has consumed")
  func downloadWindow() throws {
    var limits = HTTP2Limits()
    limits.streamWindow = 100_000
    limits.connectionWindow = 100_000
    let session = try greeted(limits: limits)
    _ = try session.submit(Self.fields, body: [1])
    _ = try session.takeOutput()
    try feed(session, RawFrame.grpcHead(1))
    for _ in 0..<6 { try feed(session, RawFrame.data(1, Array(repeating: 1, count: 16_000))) }
    #expect(try session.takeOutput().isEmpty)
    session.consume(1, 96_000)
    #expect(frames(try session.takeOutput()).map { $0[0] } == [8, 8])
    // Beyond the window the peer breaks the rules.
    for _ in 0..<6 { try feed(session, RawFrame.data(1, Array(repeating: 1, count: 16_000))) }
    try feed(session, RawFrame.data(1, Array(repeating: 1, count: 16_000)))
    _ = try session.takeOutput()
    #expect(session.fatalError?.code == .protocolViolation)
  }

  @Test("GOAWAY in two phases: streams go on, new ones are not taken, those above the last are unprocessed")
  func goAway() throws {
    let session = try greeted()
    for _ in 0..<3 { _ = try session.submit(Self.fields, body: [1]) }
    _ = try session.takeOutput()
    try feed(session, RawFrame.goAway(last: 0x7FFF_FFFF, code: 0, debug: "max_age"))
    #expect(session.takeEvents() == [.goAway(lastStream: 0x7FFF_FFFF, code: .noError, debug: "max_age")])
    #expect(!session.acceptsRequests)
    #expect(session.openStreams == 3)
    try feed(session, RawFrame.goAway(last: 3, code: 0))
    let closed = session.takeEvents().filter { if case .closed = $0 { true } else { false } }
    #expect(closed == [.closed(stream: 5, HTTP2StreamClosure(code: .refusedStream, isUnprocessed: true))])
    try feed(session, RawFrame.grpcHead(1) + RawFrame.grpcTrailers(1) + RawFrame.grpcHead(3) + RawFrame.grpcTrailers(3))
    #expect(session.openStreams == 0)
    _ = try session.takeOutput()
    #expect(session.isFinished)
    #expect(session.fatalError == nil)
  }

  @Test("A request that was cancelled before it was sent did not reach the peer")
  func cancelUnsent() throws {
    let session = try greeted()
    let stream = try session.submit(Self.fields, body: [1])
    session.reset(stream, .cancel)
    session.reset(99, .cancel)
    #expect(frames(try session.takeOutput()).filter { $0[0] == 1 }.isEmpty)
    let events = session.takeEvents()
    guard case .closed(stream, let closure)? = events.last else {
      Issue.record("\(events)")
      return
    }
    #expect(closure.isUnprocessed)
  }

  @Test("Pings are answered at once; a flood of them is not")
  func pings() throws {
    let session = try greeted()
    try feed(session, RawFrame.ping([1, 2, 3, 4, 5, 6, 7, 8]))
    #expect(try session.takeOutput() == RawFrame.ping([1, 2, 3, 4, 5, 6, 7, 8], acknowledgement: true))
    session.ping()
    #expect(frames(try session.takeOutput()) == [[6, 0, 0, 8]])
    try feed(session, RawFrame.ping(acknowledgement: true))
    #expect(session.takeEvents() == [.pong])
    #expect(throws: HTTP2Error.self) {
      for _ in 0..<2_000 {
        try feed(session, RawFrame.ping())
        _ = try session.takeOutput()
      }
    }
    #expect(session.fatalError?.code == .flood)
  }

  @Test("One ping for each response is honest")
  func honestPings() throws {
    let session = try greeted()
    for index in 0..<3_000 {
      let stream = try session.submit(Self.fields, body: [1])
      _ = try session.takeOutput()
      try feed(session, RawFrame.ping() + RawFrame.grpcHead(stream) + RawFrame.grpcTrailers(stream))
      _ = try session.takeOutput()
      #expect(session.fatalError == nil, "after \(index) calls")
    }
  }

  @Test("A secret field is sent and marked as never to be indexed")
  func secretField() throws {
    let session = try greeted()
    let fields = Self.fields + [HTTP2Field("authorization", secret: .init(copying: Array("Bearer q".utf8)))]
    for _ in 0..<2 { _ = try session.submit(fields, body: [1]) }
    let output = try session.takeOutput()
    // Never indexed: the field's representation begins with 0001 (RFC 7541 §6.2.3); 23 is `authorization` in the table.
    let marks = output.indices.dropLast().filter { output[$0] == 0x1F && output[$0 + 1] == 0x08 }
    #expect(marks.count == 2)
  }
}
