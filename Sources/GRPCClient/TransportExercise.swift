internal import EventLoop
internal import HTTP2Client

/// Drives the machines of the transport with any bytes, for fuzzing: no input may make them trap, hang or grow.
package enum TransportExercise {
  /// Plays the server's side of one connection with one call open: the greeting, then `bytes` in pieces.
  ///
  /// - Returns: whether the connection was still alive at the end.
  @discardableResult
  package static func feed(_ bytes: [UInt8], pieceLength: Int = 61) -> Bool {
    do throws(HTTP2Error) {
      let session = try HTTP2Session()
      let now = MonotonicTime(nanoseconds: 0)
      let emptySettings: [UInt8] = [0, 0, 0, 4, 0, 0, 0, 0, 0]
      try session.receive(emptySettings[...], at: now)
      _ = try session.takeOutput()
      let fields = RequestFields(scheme: "http", authority: "fuzz", userAgent: "fuzz")
      let call = GRPCCall(path: "/a.B/C", timeout: .seconds(1))
      let stream = try session.submit(
        fields.fields(for: call, timeout: "1S", authorization: nil), body: MessageFrame.wrap([1, 2, 3]))
      var response = UnaryResponse(limit: 1 << 16)
      var offset = 0
      while offset < bytes.count {
        let end = min(bytes.count, offset + max(1, pieceLength))
        defer { offset = end }
        try session.receive(bytes[offset..<end], at: now)
        for event in session.takeEvents() { take(event, stream, &response, session) }
        _ = try session.takeOutput()
      }
      return !session.isFinished
    } catch {
      return false
    }
  }

  private static func take(
    _ event: HTTP2Event, _ stream: Int32, _ response: inout UnaryResponse, _ session: HTTP2Session
  ) {
    switch event {
    case .response(_, let fields): response.response(fields)
    case .trailers(_, let fields): response.trailers(fields)
    case .end: _ = response.end()
    case .data(let stream, let bytes):
      session.consume(stream, bytes.count)
      if response.data(bytes) != nil { session.reset(stream, .cancel) }
    default: break
    }
  }
}
