internal import EventLoop
internal import HTTP2Client

/// Drives the machines of the transport with any bytes, for fuzzing: no input may make them trap, hang or grow.
package enum TransportExercise {
  /// What became of the calls that were open while a peer said what it liked.
  package struct Report: Sendable, Hashable {
    /// Whether the connection still lived when the bytes ended.
    package var isAlive = false
    /// How often each call was settled; a call ends once or, with the connection, not at all.
    package var settled: [Int32: Int] = [:]
    /// Bytes of the longest message that was accepted.
    package var longestMessage = 0
  }

  /// The most a message may hold here.
  package static let messageLimit = 1 << 16

  /// Plays the server's side of one connection with three calls open: the greeting, then `bytes` in pieces.
  ///
  /// - Parameters:
  ///   - bytes: what the server sends after its SETTINGS.
  ///   - settings: the payload of those SETTINGS; what is not a multiple of six bytes is cut off.
  ///   - pieceLength: how many bytes arrive at a time.
  @discardableResult
  package static func feed(_ bytes: [UInt8], settings: [UInt8] = [], pieceLength: Int = 61) -> Report {
    var exchange = Exchange()
    do throws(HTTP2Error) {
      let session = try HTTP2Session()
      let payload = settings.prefix(settings.count / 6 * 6).prefix(60)
      try session.receive(([0, 0, UInt8(payload.count), 4, 0, 0, 0, 0, 0] + payload)[...], at: exchange.time)
      try exchange.open(3, on: session)
      var offset = 0
      while offset < bytes.count {
        let end = min(bytes.count, offset + max(1, pieceLength))
        try exchange.take(bytes[offset..<end], session)
        offset = end
      }
      exchange.report.isAlive = !session.isFinished
    } catch {
      // The connection is over, as it should be when the peer breaks the rules.
    }
    return exchange.report
  }

  /// Plays a server that sends header blocks: `bytes` are HPACK, cut into a HEADERS frame and CONTINUATION frames, for the
  /// response and again for the trailers.
  @discardableResult
  package static func headers(_ bytes: [UInt8], pieceLength: Int = 1_000) -> Report {
    let half = bytes.count / 2
    var frames: [UInt8] = []
    for (block, endsStream) in [(bytes[..<half], false), (bytes[half...], true)] {
      var rest = block
      var isFirst = true
      repeat {
        let piece = rest.prefix(max(1, pieceLength))
        rest = rest.dropFirst(piece.count)
        let flags: UInt8 = (rest.isEmpty ? 4 : 0) | (endsStream && isFirst ? 1 : 0)
        frames += [UInt8(piece.count >> 16 & 255), UInt8(piece.count >> 8 & 255), UInt8(piece.count & 255)]
        frames += [isFirst ? 1 : 9, flags, 0, 0, 0, 1] + piece
        isFirst = false
      } while !rest.isEmpty
    }
    return feed(frames, pieceLength: 4_096)
  }

  /// Plays a server whose body is `bytes`, announced as gzip or not, in pieces.
  ///
  /// - Returns: the length of the message that was accepted; nil when none was.
  @discardableResult
  package static func framing(_ bytes: [UInt8], isGzip: Bool, pieceLength: Int = 61) -> Int? {
    var response = UnaryResponse(limit: messageLimit)
    var fields = [HTTP2ResponseField(":status", "200"), HTTP2ResponseField("content-type", "application/grpc")]
    if isGzip { fields.append(HTTP2ResponseField("grpc-encoding", "gzip")) }
    response.response(fields)
    var offset = 0
    while offset < bytes.count {
      let end = min(bytes.count, offset + max(1, pieceLength))
      if response.data(Array(bytes[offset..<end])) != nil { return nil }
      offset = end
    }
    response.trailers([HTTP2ResponseField("grpc-status", "0")])
    return try? response.end().get().count
  }

  /// The calls of one exercise, and what happens to them.
  private struct Exchange {
    let time = MonotonicTime(nanoseconds: 0)
    var report = Report()
    var responses: [Int32: UnaryResponse] = [:]

    mutating func open(_ count: Int, on session: HTTP2Session) throws(HTTP2Error) {
      _ = session.takeEvents()
      _ = try session.takeOutput()
      let fields = RequestFields(scheme: "http", authority: "fuzz", userAgent: "fuzz")
      let call = GRPCCall(path: "/a.B/C", message: [1, 2, 3], timeout: .seconds(1))
      for _ in 0..<count {
        let stream = try session.submit(
          fields.fields(for: call, timeout: "1S", authorization: nil), body: MessageFrame.body(of: call))
        responses[stream] = UnaryResponse(limit: messageLimit)
      }
      _ = try session.takeOutput()
    }

    mutating func take(_ bytes: ArraySlice<UInt8>, _ session: HTTP2Session) throws(HTTP2Error) {
      try session.receive(bytes, at: time)
      for event in session.takeEvents() { take(event, session) }
      _ = try session.takeOutput()
    }

    private mutating func take(_ event: HTTP2Event, _ session: HTTP2Session) {
      switch event {
      case .response(let stream, let fields): responses[stream]?.response(fields)
      case .trailers(let stream, let fields): responses[stream]?.trailers(fields)
      case .data(let stream, let bytes):
        session.consume(stream, bytes.count)
        guard let outcome = responses[stream]?.data(bytes) else { return }
        settle(stream, outcome)
        session.reset(stream, .cancel)
      case .end(let stream):
        guard let outcome = responses[stream]?.end() else { return }
        settle(stream, outcome)
        session.reset(stream, .noError)
      case .closed(let stream, let closure):
        if responses[stream] != nil { settle(stream, .failure(StreamEnd.error(closure))) }
      case .ready, .settingsAcknowledged, .settingsChanged, .goAway, .pong: break
      }
    }

    private mutating func settle(_ stream: Int32, _ outcome: UnaryResponse.Outcome) {
      responses[stream] = nil
      report.settled[stream, default: 0] += 1
      if case .success(let message) = outcome { report.longestMessage = max(report.longestMessage, message.count) }
    }
  }
}
