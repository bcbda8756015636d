internal import CZlib

/// Makes gzip (RFC 1952) of a whole message.
enum GzipDeflater {
  /// The message, compressed; nil when zlib has no memory.
  static func deflated(_ message: [UInt8]) -> [UInt8]? {
    var stream = unsafe z_stream()
    guard unsafe sly_deflate_init_gzip(&stream) == Z_OK else { return nil }
    defer { unsafe _ = deflateEnd(&stream) }
    let bound = Int(unsafe deflateBound(&stream, UInt(message.count)))
    // zlib does not write to its input; the header merely lacks the word.
    var input = message
    let output = unsafe input.withUnsafeMutableBufferPointer { source in
      unsafe [UInt8](unsafeUninitializedCapacity: bound) { area, count in
        unsafe stream.next_in = source.baseAddress
        unsafe stream.avail_in = UInt32(clamping: source.count)
        unsafe stream.next_out = area.baseAddress
        unsafe stream.avail_out = UInt32(clamping: area.count)
        let status = unsafe deflate(&stream, Z_FINISH)
        count = status == Z_STREAM_END ? unsafe area.count - Int(stream.avail_out) : 0
      }
    }
    return output.isEmpty ? nil : output
  }
}

extension GRPCCall {
  /// The call with its message compressed by gzip. Costs time in proportion to the message, on the caller's thread.
  ///
  /// Nothing is compressed unless it is asked for: a scheduler's messages are small, and a message that holds a secret
  /// beside text of somebody else's choice should never be (CRIME).
  package func compressed() throws(GRPCError) -> GRPCCall {
    guard !isCompressed else { return self }
    guard let bytes = GzipDeflater.deflated(message) else {
      throw GRPCError(.resourceExhausted, "no memory to compress the request", mayHaveReachedServer: false)
    }
    var call = self
    call.message = bytes
    call.isCompressed = true
    return call
  }
}
