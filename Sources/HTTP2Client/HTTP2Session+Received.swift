internal import CNghttp2

/// What the library reports while it reads and writes. Called from within it: nothing here may call it back but to submit
/// a frame or to end the session.
extension HTTP2Session {
  /// A frame's header has arrived. Charges those that carry nothing.
  func frameBegan(_ kind: UInt8, stream: Int32, length: Int) {
    let cost: Double =
      switch UInt32(kind) {
      // A block for a request of ours is counted there; another costs the decoding. nghttp2 counts CONTINUATION.
      case NGHTTP2_HEADERS.rawValue: streams[stream] == nil ? 1 : 0
      case NGHTTP2_CONTINUATION.rawValue: 0
      // What its payload is worth is known at its end. Data that crossed our reset is honest, but not without end.
      case NGHTTP2_DATA.rawValue: streams[stream] == nil ? 0.1 : 0
      case NGHTTP2_WINDOW_UPDATE.rawValue: 0.1
      case NGHTTP2_RST_STREAM.rawValue: streams[stream] == nil ? 1 : 0
      default: 1
      }
    charge(cost, FloodKind(frame: kind))
  }

  /// A DATA frame has ended. One that carried nothing, be it empty or padding only, is charged.
  func dataFrameEnded(on stream: Int32, payload: Int, endsStream: Bool) {
    if endsStream {
      streams[stream]?.hasEnded = true
      if streams[stream] != nil { events.append(.end(stream: stream)) }
    } else if payload == 0 {
      charge(1, .emptyData)
    }
  }

  private func charge(_ cost: Double, _ kind: FloodKind) {
    guard cost > 0, !budget.spend(cost), failure == nil else { return }
    end(because: kind)
  }

  private func end(because kind: FloodKind) {
    flood = kind
    failure = HTTP2Error(.flood, "the server floods the connection with \(kind.text)")
    unsafe nghttp2_session_terminate_session(handle, HTTP2ErrorCode.enhanceYourCalm.rawValue)
  }

  /// A header block begins.
  func headersBegan(on stream: Int32) { streams[stream]?.beginBlock() }

  /// One field has been decoded. False: the block exceeds the limits and the stream is to be reset.
  func fieldReceived(on stream: Int32, _ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) -> Bool
  {
    let size = name.count + value.count + 32
    guard streams[stream]?.admit(bytes: size, limits: limits) ?? false else {
      streams[stream]?.localReason =
        "the response's header block is larger than \(limits.headerListBytes) bytes"
        + " or \(limits.headerFields) fields"
      return false
    }
    let field = unsafe HTTP2ResponseField(String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self))
    streams[stream]?.fields.append(field)
    return true
  }

  /// A header block is complete.
  func headersReceived(on stream: Int32, endsStream: Bool) {
    guard var state = streams[stream] else { return }
    let fields = state.fields
    state.fields = []
    let isInformational = !state.hasResponse && fields.first { $0.name == ":status" }?.value.first == "1"
    if isInformational {
      state.informationalBlocks += 1
      if state.informationalBlocks > limits.informationalBlocks {
        charge(1, .headers)
        if state.localReason == nil {
          state.localReason = "more than \(limits.informationalBlocks) informational responses"
          unsafe nghttp2_submit_rst_stream(
            handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream, HTTP2ErrorCode.enhanceYourCalm.rawValue)
        }
      }
    } else if state.hasResponse {
      events.append(.trailers(stream: stream, fields: fields))
    } else {
      state.hasResponse = true
      events.append(.response(stream: stream, fields: fields))
    }
    if endsStream { state.hasEnded = true }
    streams[stream] = state
    if endsStream { events.append(.end(stream: stream)) }
  }

  /// Body bytes have arrived.
  func dataReceived(on stream: Int32, _ bytes: UnsafeBufferPointer<UInt8>) {
    guard streams[stream] != nil else {
      unsafe nghttp2_session_consume(handle, stream, bytes.count)
      return
    }
    unsafe events.append(.data(stream: stream, bytes: [UInt8](bytes)))
  }

  /// SETTINGS have arrived, the peer's own or the acknowledgement of ours.
  func settingsReceived(isAcknowledgement: Bool) {
    if isAcknowledgement { return events.append(.settingsAcknowledged) }
    events.append(isReady ? .settingsChanged : .ready)
    isReady = true
  }

  /// The peer has reset a stream. Honest once the response is complete (RFC 9113 §8.1), else a sign of trouble: a server
  /// that resets one request after the other makes us do all the work (the mirror of CVE-2023-44487).
  func resetReceived(on stream: Int32) {
    guard let state = streams[stream] else { return }
    streams[stream]?.isResetByPeer = true
    guard !state.hasEnded, !resets.spend(1), failure == nil else { return }
    end(because: .refusedRequests)
  }

  /// A PING has been answered.
  func pongReceived() { events.append(.pong) }

  /// The peer drains or closes the connection.
  func goAwayReceived(lastStream: Int32, code: HTTP2ErrorCode, debug: UnsafeBufferPointer<UInt8>) {
    isDraining = true
    let text = unsafe String(decoding: debug.prefix(256).map { (32..<127).contains($0) ? $0 : 46 }, as: UTF8.self)
    events.append(.goAway(lastStream: lastStream, code: code, debug: text))
  }

  /// A frame of ours has been put into the output.
  func frameSent(_ kind: UInt8, stream: Int32, goAwayCode: UInt32) {
    // Only what we send by ourselves earns; an acknowledgement of the peer's frame would pay for that frame.
    if kind == UInt8(NGHTTP2_HEADERS.rawValue) || kind == UInt8(NGHTTP2_DATA.rawValue) { budget.earn(4) }
    if kind == UInt8(NGHTTP2_HEADERS.rawValue) {
      streams[stream]?.isSent = true
    } else if kind == UInt8(NGHTTP2_GOAWAY.rawValue), goAwayCode != 0, !endsByChoice, failure == nil {
      failure = HTTP2Error(.protocolViolation, violationText(HTTP2ErrorCode(rawValue: goAwayCode).description))
    }
  }

  /// A stream is gone, for whatever reason.
  func streamClosed(_ stream: Int32, code: HTTP2ErrorCode) {
    uploadEnded(stream)
    guard let state = streams.removeValue(forKey: stream) else { return }
    if state.hasEnded { resets.earn(1) }
    // A request that was answered was processed, whatever the peer calls it afterwards.
    let isRefused = code == .refusedStream && !state.hasResponse
    let closure = HTTP2StreamClosure(
      code: code, isUnprocessed: !state.isSent || isRefused, localReason: state.localReason,
      isResetByPeer: state.isResetByPeer)
    events.append(.closed(stream: stream, closure))
  }

  /// The library says what it does not like.
  func complained(_ text: String) { lastComplaint = String(text.prefix(200)) }

  /// Copies the next part of a request's body. Returns its length and whether it was the last.
  func readBody(of stream: Int32, into area: UnsafeMutableRawBufferPointer) -> (count: Int, isLast: Bool)? {
    guard let count = unsafe streams[stream]?.takeBody(into: area) else { return nil }
    let isLast = streams[stream]?.hasBodyLeft == false
    if isLast { uploadEnded(stream) }
    return (count, isLast)
  }
}
