internal import CNghttp2
package import EventLoop

/// One HTTP/2 connection as a machine without input or output: bytes in, events and bytes out (RFC 9113, client side).
///
/// Owns the nghttp2 object, so all use is from one thread: the event loop's, or a test's. No method may be called from
/// within a callback of the library. After an error has been thrown only `takeOutput` (once) and release make sense.
@safe package final class HTTP2Session {
  /// The library's object, for what describes the session.
  let handle: OpaquePointer
  /// Bounds and windows.
  let limits: HTTP2Limits
  /// What has happened since `takeEvents` was last called.
  private var events: [HTTP2Event] = []
  /// Streams that were submitted and have not been reported closed.
  private var streams: [Int32: HTTP2Stream] = [:]
  private var budget: FrameBudget
  private var failure: HTTP2Error?
  private var lastComplaint = ""
  private var firstBytes: [UInt8] = []
  private var streamsSubmitted = 0
  private var endsByChoice = false
  /// Set by an error after which the library's object may only be freed.
  private var isBroken = false
  /// Whether the peer's SETTINGS have arrived.
  package private(set) var isReady = false
  /// Whether the peer has said that it takes no new streams.
  package private(set) var isDraining = false

  /// Makes a session whose first output is the preface, SETTINGS and the wider connection window.
  ///
  /// - Throws: `HTTP2Error.exhausted` when memory is short.
  package init(limits: HTTP2Limits = HTTP2Limits()) throws(HTTP2Error) {
    self.limits = limits
    budget = FrameBudget(capacity: limits.idleFrames, refillPerSecond: limits.idleFramesPerSecond)
    unsafe handle = unsafe try HTTP2SessionCallbacks.makeHandle(limits: limits)
    unsafe nghttp2_session_set_user_data(handle, Unmanaged.passUnretained(self).toOpaque())
    try greet()
  }

  deinit { unsafe nghttp2_session_del(handle) }

  // MARK: Requests

  /// How many streams are open or about to be.
  package var openStreams: Int { streams.count }

  /// How many streams the peer admits at once (100 until it has said so).
  package var streamCredit: Int {
    let announced = unsafe nghttp2_session_get_remote_settings(handle, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS)
    return isReady ? Int(announced) : min(100, Int(announced))
  }

  /// Whether a request submitted now would be sent.
  package var acceptsRequests: Bool {
    guard isReady, !isDraining, failure == nil, !isWornOut else { return false }
    return unsafe nghttp2_session_check_request_allowed(handle) != 0
  }

  /// Whether so many streams have been used that a new connection should take over.
  package var isWornOut: Bool { streamsSubmitted >= limits.streamsPerConnection }

  /// Queues a request with its whole body.
  ///
  /// - Returns: the stream's number, which names it in events.
  package func submit(_ fields: [HTTP2Field], body: [UInt8]) throws(HTTP2Error) -> Int32 {
    guard acceptsRequests else { throw HTTP2Error(.exhausted, "the connection takes no more requests") }
    let stream = unsafe HTTP2FieldBlock.withNameValues(of: fields) { (values, count) -> Int32 in
      var provider = unsafe nghttp2_data_provider()
      unsafe provider.read_callback = HTTP2SessionCallbacks.readBody
      return unsafe nghttp2_submit_request(handle, nil, values, count, &provider, nil)
    }
    guard stream > 0 else {
      throw HTTP2Error(.exhausted, "request not accepted: \(HTTP2SessionCallbacks.text(stream))")
    }
    streams[stream] = HTTP2Stream(body: body)
    streamsSubmitted += 1
    return stream
  }

  /// Resets a stream of ours; one that is gone already is no error. It is reported closed once the reset is sent.
  package func reset(_ stream: Int32, _ code: HTTP2ErrorCode) {
    guard streams[stream] != nil else { return }
    unsafe nghttp2_submit_rst_stream(handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream, code.rawValue)
  }

  /// Tells that `count` body bytes of a stream have been taken up, so that the peer may send as many more.
  package func consume(_ stream: Int32, _ count: Int) {
    unsafe nghttp2_session_consume(handle, stream, count)
  }

  // MARK: The connection

  /// Queues a PING.
  package func ping() { unsafe nghttp2_submit_ping(handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), nil) }

  /// Queues the GOAWAY that ends the connection; streams still open should have been reset before.
  package func terminate(_ code: HTTP2ErrorCode) {
    endsByChoice = true
    unsafe nghttp2_session_terminate_session(handle, code.rawValue)
  }

  /// Whether the session has nothing more to read or write.
  package var isFinished: Bool {
    unsafe nghttp2_session_want_read(handle) == 0 && nghttp2_session_want_write(handle) == 0
  }

  /// Feeds bytes of the peer; what they meant is then in `takeEvents`.
  ///
  /// - Throws: the error that ends the connection. Events that came before it are still there to be taken.
  package func receive(_ bytes: ArraySlice<UInt8>, at now: MonotonicTime) throws(HTTP2Error) {
    if let failure { throw failure }
    if !isReady && firstBytes.count < 64 { firstBytes.append(contentsOf: bytes.prefix(64)) }
    budget.advance(to: now)
    let status = unsafe bytes.withUnsafeBufferPointer {
      unsafe nghttp2_session_mem_recv(handle, $0.baseAddress, $0.count)
    }
    if status < 0 { throw failed(with: Int32(clamping: status)) }
    if let failure { throw failure }
  }

  /// The bytes to be sent now, at most about `limit`; empty when there is nothing to send.
  ///
  /// - Throws: when the session itself ended the connection because of what it had received.
  package func takeOutput(limit: Int = 256 << 10) throws(HTTP2Error) -> [UInt8] {
    var output: [UInt8] = []
    guard !isBroken else { return output }
    while output.count < limit {
      var chunk: UnsafePointer<UInt8>?
      let count = unsafe nghttp2_session_mem_send(handle, &chunk)
      if count < 0 { throw failed(with: Int32(clamping: count)) }
      guard count > 0, let start = unsafe chunk else { break }
      unsafe output.append(contentsOf: UnsafeBufferPointer(start: start, count: count))
    }
    return output
  }

  /// What ended the connection, once something has and the farewell was put into the output.
  package var fatalError: HTTP2Error? { failure }

  /// Removes and returns what has happened so far, oldest first.
  package func takeEvents() -> [HTTP2Event] {
    defer { events.removeAll(keepingCapacity: true) }
    return events
  }

  private func greet() throws(HTTP2Error) {
    let settings: [(nghttp2_settings_id, Int)] = [
      (NGHTTP2_SETTINGS_ENABLE_PUSH, 0),
      (NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, Int(limits.streamWindow)),
      (NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits.headerListBytes),
    ]
    let entries = settings.map { id, value in
      nghttp2_settings_entry(settings_id: Int32(id.rawValue), value: UInt32(clamping: value))
    }
    let flags = UInt8(NGHTTP2_FLAG_NONE.rawValue)
    let status = unsafe nghttp2_submit_settings(handle, flags, entries, entries.count)
    guard status == 0 else { throw failed(with: status) }
    let widened = unsafe nghttp2_session_set_local_window_size(handle, flags, 0, limits.connectionWindow)
    guard widened == 0 else { throw failed(with: widened) }
  }

  private func failed(with status: Int32) -> HTTP2Error {
    isBroken = true
    if let failure { return failure }
    let text = HTTP2SessionCallbacks.text(status)
    let error: HTTP2Error
    if status == NGHTTP2_ERR_NOMEM.rawValue {
      error = HTTP2Error(.exhausted, "HTTP/2: \(text)")
    } else if status == NGHTTP2_ERR_FLOODED.rawValue || status == -905 {
      error = HTTP2Error(.flood, "the server floods the connection: \(text)")
    } else {
      error = HTTP2Error(.protocolViolation, violationText(text))
    }
    failure = error
    return error
  }

  private func violationText(_ text: String) -> String {
    guard !isReady, !firstBytes.isEmpty else {
      return "the server broke a rule of HTTP/2: \(lastComplaint.isEmpty ? text : lastComplaint)"
    }
    let start = String(decoding: firstBytes.prefix(64).map { (32..<127).contains($0) ? $0 : 46 }, as: UTF8.self)
    return "the server does not speak HTTP/2 on this port; it began with \"\(start)\""
  }
}

// MARK: - What the library reports

extension HTTP2Session {
  /// A frame's header has arrived. Charges those that carry nothing.
  func frameBegan(_ kind: UInt8, stream: Int32, length: Int, flags: UInt8) {
    let endsStream = flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0
    let cost: Double
    switch UInt32(kind) {
    case NGHTTP2_HEADERS.rawValue, NGHTTP2_CONTINUATION.rawValue, NGHTTP2_GOAWAY.rawValue: cost = 0
    case NGHTTP2_DATA.rawValue: cost = length == 0 && !endsStream ? 1 : 0
    case NGHTTP2_WINDOW_UPDATE.rawValue: cost = 0.1
    case NGHTTP2_RST_STREAM.rawValue: cost = streams[stream] == nil ? 1 : 0
    default: cost = 1
    }
    guard cost > 0, !budget.spend(cost), failure == nil else { return }
    failure = HTTP2Error(.flood, "the server floods the connection with frames that carry nothing")
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
        state.localReason = "more than \(limits.informationalBlocks) informational responses"
        unsafe nghttp2_submit_rst_stream(
          handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream, HTTP2ErrorCode.enhanceYourCalm.rawValue)
      }
    } else if state.hasResponse {
      events.append(.trailers(stream: stream, fields: fields))
    } else {
      state.hasResponse = true
      events.append(.response(stream: stream, fields: fields))
    }
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

  /// The peer has ended a stream with a DATA frame.
  func dataEnded(on stream: Int32) {
    if streams[stream] != nil { events.append(.end(stream: stream)) }
  }

  /// SETTINGS have arrived, the peer's own or the acknowledgement of ours.
  func settingsReceived(isAcknowledgement: Bool) {
    if isAcknowledgement { return events.append(.settingsAcknowledged) }
    guard !isReady else { return }
    isReady = true
    events.append(.ready)
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
    budget.earn(4)
    if kind == UInt8(NGHTTP2_HEADERS.rawValue) {
      streams[stream]?.isSent = true
    } else if kind == UInt8(NGHTTP2_GOAWAY.rawValue), goAwayCode != 0, !endsByChoice, failure == nil {
      failure = HTTP2Error(.protocolViolation, violationText(HTTP2ErrorCode(rawValue: goAwayCode).description))
    }
  }

  /// A stream is gone, for whatever reason.
  func streamClosed(_ stream: Int32, code: HTTP2ErrorCode) {
    guard let state = streams.removeValue(forKey: stream) else { return }
    let closure = HTTP2StreamClosure(
      code: code, isUnprocessed: !state.isSent || code == .refusedStream, localReason: state.localReason)
    events.append(.closed(stream: stream, closure))
  }

  /// The library says what it does not like.
  func complained(_ text: String) { lastComplaint = String(text.prefix(200)) }

  /// Copies the next part of a request's body. Returns its length and whether it was the last.
  func readBody(of stream: Int32, into area: UnsafeMutableRawBufferPointer) -> (count: Int, isLast: Bool)? {
    guard let count = unsafe streams[stream]?.takeBody(into: area) else { return nil }
    return (count, streams[stream]?.hasBodyLeft == false)
  }

  /// What ended up of streams that are still open when the connection breaks: number, and whether it was ever sent.
  package var abandonedStreams: [(stream: Int32, isSent: Bool)] { streams.map { ($0.key, $0.value.isSent) } }
}
