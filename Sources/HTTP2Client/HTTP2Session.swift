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
  var events: [HTTP2Event] = []
  /// Streams that were submitted and have not been reported closed.
  var streams: [Int32: HTTP2Stream] = [:]
  /// What the peer may still send of frames that carry nothing.
  var budget: FrameBudget
  /// What the peer may still reset of our requests.
  var resets: FrameBudget
  /// What ended the connection.
  var failure: HTTP2Error?
  /// The latest thing that the library did not like.
  var lastComplaint = ""
  private var firstBytes: [UInt8] = []
  private var boundary = FrameBoundary(.http2)
  private var uploads = UploadStalls()
  private var streamsSubmitted = 0
  /// Whether this side ends the connection because it wants to.
  var endsByChoice = false
  /// Set by an error after which the library's object may only be freed.
  private var isBroken = false
  /// Whether the peer's SETTINGS have arrived.
  package internal(set) var isReady = false
  /// Whether the peer has said that it takes no new streams.
  package internal(set) var isDraining = false
  /// What the peer flooded the connection with, when that ended it.
  package internal(set) var flood: FloodKind?

  /// Makes a session whose first output is the preface, SETTINGS and the wider connection window.
  ///
  /// - Throws: `HTTP2Error.exhausted` when memory is short.
  package init(limits: HTTP2Limits = HTTP2Limits()) throws(HTTP2Error) {
    self.limits = limits
    budget = FrameBudget(capacity: limits.idleFrames, refillPerSecond: limits.idleFramesPerSecond)
    resets = FrameBudget(capacity: limits.resets, refillPerSecond: limits.resetsPerSecond)
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
    uploads.began(stream)
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

  /// What ended up of streams that are still open when the connection breaks: number, and whether it was ever sent.
  package var abandonedStreams: [(stream: Int32, isSent: Bool)] { streams.map { ($0.key, $0.value.isSent) } }

  // MARK: The connection

  /// Queues a PING.
  package func ping() { unsafe nghttp2_submit_ping(handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), nil) }

  /// Opens the windows of all streams and of the connection wider; neither may become smaller than it is.
  package func widen(stream: Int, connection: Int) {
    let flags = UInt8(NGHTTP2_FLAG_NONE.rawValue)
    let entry = nghttp2_settings_entry(
      settings_id: Int32(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE.rawValue), value: UInt32(clamping: stream))
    unsafe nghttp2_submit_settings(handle, flags, [entry], 1)
    unsafe nghttp2_session_set_local_window_size(handle, flags, 0, Int32(clamping: connection))
  }

  /// Bytes that the peer may send now on all streams together.
  package var connectionWindow: Int { Int(unsafe nghttp2_session_get_local_window_size(handle)) }

  /// When the frame or header block that has not ended yet began to arrive; nil: none is under way.
  package var unfinishedSince: MonotonicTime? { boundary.unfinishedSince }

  /// Removes and returns how often uploads came to a halt for want of the peer's window, of a stream and of the connection.
  package func takeStalls() -> (streams: Int, connection: Int) { uploads.take() }

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
    resets.advance(to: now)
    boundary.take(bytes, at: now)
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
      guard count > 0, let start = unsafe chunk else {
        noteStalls()
        break
      }
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

  /// Nothing more can be sent now: which bodies wait for the peer's window?
  private func noteStalls() {
    guard !uploads.isEmpty else { return }
    uploads.note(
      connectionWindow: unsafe nghttp2_session_get_remote_window_size(handle),
      streamWindow: { unsafe nghttp2_session_get_stream_remote_window_size(handle, $0) })
  }

  /// A body has been read to its end, or is not wanted any more.
  func uploadEnded(_ stream: Int32) { uploads.ended(stream) }

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
    } else if status == NGHTTP2_ERR_FLOODED.rawValue || status == NGHTTP2_ERR_TOO_MANY_CONTINUATIONS.rawValue {
      flood = status == NGHTTP2_ERR_FLOODED.rawValue ? .acknowledgements : .continuation
      error = HTTP2Error(.flood, "the server floods the connection: \(text)")
    } else {
      error = HTTP2Error(.protocolViolation, violationText(text))
    }
    failure = error
    return error
  }

  /// Words for a breach of the protocol.
  func violationText(_ text: String) -> String {
    guard !isReady, !firstBytes.isEmpty else {
      return "the server broke a rule of HTTP/2: \(lastComplaint.isEmpty ? text : lastComplaint)"
    }
    let start = String(decoding: firstBytes.prefix(64).map { (32..<127).contains($0) ? $0 : 46 }, as: UTF8.self)
    return "the server does not speak HTTP/2 on this port; it began with \"\(start)\""
  }
}
