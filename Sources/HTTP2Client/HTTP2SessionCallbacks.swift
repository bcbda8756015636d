internal import CNghttp2

/// The functions that nghttp2 calls, and the making of its session object with every limit set.
///
/// Each finds its session by the user pointer, which is set for as long as the object lives. Frames and names are only
/// valid during the call, so everything kept is copied.
enum HTTP2SessionCallbacks {
  /// The library's words for one of its error numbers.
  static func text(_ status: Int32) -> String { unsafe String(cString: nghttp2_strerror(status)) }

  /// Makes the library's session object.
  static func makeHandle(limits: HTTP2Limits) throws(HTTP2Error) -> OpaquePointer {
    var callbacks: OpaquePointer?
    var option: OpaquePointer?
    var session: OpaquePointer?
    guard unsafe nghttp2_session_callbacks_new(&callbacks) == 0, unsafe nghttp2_option_new(&option) == 0,
      let callbacks = unsafe callbacks, let option = unsafe option
    else { throw HTTP2Error(.exhausted, "no memory for an HTTP/2 session") }
    defer {
      unsafe nghttp2_session_callbacks_del(callbacks)
      unsafe nghttp2_option_del(option)
    }
    // Windows open when the owner has consumed, not when bytes arrive.
    unsafe nghttp2_option_set_no_auto_window_update(option, 1)
    unsafe nghttp2_option_set_max_outbound_ack(option, 100)
    unsafe nghttp2_option_set_max_settings(option, 32)
    unsafe nghttp2_option_set_max_continuations(option, 8)
    unsafe nghttp2_option_set_max_reserved_remote_streams(option, 0)
    unsafe nghttp2_option_set_no_closed_streams(option, 1)
    // Frames of unknown types are to be counted before they are ignored.
    for type in UInt8(NGHTTP2_ALTSVC.rawValue)...UInt8.max {
      unsafe nghttp2_option_set_user_recv_extension_type(option, type)
    }
    unsafe setReceiving(callbacks)
    unsafe setSending(callbacks)
    guard unsafe nghttp2_session_client_new2(&session, callbacks, nil, option) == 0, let session = unsafe session
    else { throw HTTP2Error(.exhausted, "no memory for an HTTP/2 session") }
    return unsafe session
  }

  private static func session(_ user: UnsafeMutableRawPointer?) -> HTTP2Session? {
    guard let user = unsafe user else { return nil }
    return unsafe Unmanaged<HTTP2Session>.fromOpaque(user).takeUnretainedValue()
  }

  private static func setReceiving(_ callbacks: OpaquePointer) {
    unsafe nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks) { _, header, user in
      guard let header = unsafe header?.pointee else { return 0 }
      unsafe HTTP2SessionCallbacks.session(user)?.frameBegan(
        header.type, stream: header.stream_id, length: header.length)
      return 0
    }
    unsafe nghttp2_session_callbacks_set_unpack_extension_callback(callbacks) { _, _, _, _ in
      NGHTTP2_ERR_CANCEL.rawValue
    }
    unsafe nghttp2_session_callbacks_set_on_extension_chunk_recv_callback(callbacks) { _, _, _, _, _ in 0 }
    unsafe nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks) { _, frame, user in
      guard let header = unsafe frame?.pointee.hd else { return 0 }
      unsafe HTTP2SessionCallbacks.session(user)?.headersBegan(on: header.stream_id)
      return 0
    }
    unsafe nghttp2_session_callbacks_set_on_header_callback(callbacks) {
      _, frame, name, nameCount, value, count, _, user in
      guard let header = unsafe frame?.pointee.hd else { return 0 }
      let isAdmitted = unsafe HTTP2SessionCallbacks.session(user)?.fieldReceived(
        on: header.stream_id, UnsafeBufferPointer(start: name, count: nameCount),
        UnsafeBufferPointer(start: value, count: count))
      return isAdmitted == true ? 0 : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue
    }
    unsafe nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) { _, _, stream, bytes, count, user in
      unsafe HTTP2SessionCallbacks.session(user)?.dataReceived(
        on: stream, UnsafeBufferPointer(start: bytes, count: count))
      return 0
    }
    unsafe nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) { _, frame, user in
      if let frame = unsafe frame, let session = unsafe HTTP2SessionCallbacks.session(user) {
        unsafe HTTP2SessionCallbacks.received(frame, session)
      }
      return 0
    }
    unsafe nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks) { _, _, status, user in
      unsafe HTTP2SessionCallbacks.session(user)?.complained(HTTP2SessionCallbacks.text(status))
      return 0
    }
    unsafe nghttp2_session_callbacks_set_error_callback2(callbacks) { _, _, message, count, user in
      let text = unsafe String(
        decoding: UnsafeRawBufferPointer(start: message, count: count).map { (32..<127).contains($0) ? $0 : 46 },
        as: UTF8.self)
      unsafe HTTP2SessionCallbacks.session(user)?.complained(text)
      return 0
    }
    unsafe nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) { _, stream, code, user in
      unsafe HTTP2SessionCallbacks.session(user)?.streamClosed(stream, code: HTTP2ErrorCode(rawValue: code))
      return 0
    }
  }

  private static func setSending(_ callbacks: OpaquePointer) {
    unsafe nghttp2_session_callbacks_set_on_frame_send_callback(callbacks) { _, frame, user in
      guard let frame = unsafe frame else { return 0 }
      let header = unsafe frame.pointee.hd
      let code = header.type == UInt8(NGHTTP2_GOAWAY.rawValue) ? unsafe frame.pointee.goaway.error_code : 0
      unsafe HTTP2SessionCallbacks.session(user)?.frameSent(header.type, stream: header.stream_id, goAwayCode: code)
      return 0
    }
  }

  private static func received(_ frame: UnsafePointer<nghttp2_frame>, _ session: HTTP2Session) {
    let header = unsafe frame.pointee.hd
    let endsStream = header.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0
    let isAcknowledgement = header.flags & UInt8(NGHTTP2_FLAG_ACK.rawValue) != 0
    switch UInt32(header.type) {
    case NGHTTP2_HEADERS.rawValue: session.headersReceived(on: header.stream_id, endsStream: endsStream)
    case NGHTTP2_DATA.rawValue:
      let payload = unsafe header.length - frame.pointee.data.padlen
      session.dataFrameEnded(on: header.stream_id, payload: payload, endsStream: endsStream)
    case NGHTTP2_RST_STREAM.rawValue: session.resetReceived(on: header.stream_id)
    case NGHTTP2_SETTINGS.rawValue: session.settingsReceived(isAcknowledgement: isAcknowledgement)
    case NGHTTP2_PING.rawValue: if isAcknowledgement { session.pongReceived() }
    case NGHTTP2_GOAWAY.rawValue:
      let goAway = unsafe frame.pointee.goaway
      unsafe session.goAwayReceived(
        lastStream: goAway.last_stream_id, code: HTTP2ErrorCode(rawValue: goAway.error_code),
        debug: UnsafeBufferPointer(start: goAway.opaque_data, count: goAway.opaque_data_len))
    default: break
    }
  }

  /// Feeds the body of a request to the library.
  static let readBody: nghttp2_data_source_read_callback = { _, stream, area, size, flags, _, user in
    guard let session = unsafe HTTP2SessionCallbacks.session(user), let area = unsafe area,
      let part = unsafe session.readBody(of: stream, into: UnsafeMutableRawBufferPointer(start: area, count: size))
    else { return Int(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue) }
    if part.isLast { unsafe flags?.pointee |= UInt32(NGHTTP2_DATA_FLAG_EOF.rawValue) }
    return part.count
  }
}
