internal import CZlib

/// Undoes gzip (RFC 1952) piece by piece, for one message. Owns zlib's stream; used on one thread.
///
/// A few bytes can stand for gigabytes, so the output is bounded twice: by the limit on messages, and by a ratio to the
/// input once it is large enough to hurt.
@safe final class GzipInflater {
  /// The output up to which any ratio is fine: gRPC's own interoperability test sends 314 159 zeros, a thousand to one.
  private static let harmlessBytes = 1 << 20
  /// The most bytes that one byte may stand for, beyond `harmlessBytes`. JSON and protobuf stay far below; zlib's own end
  /// is near 1030.
  private static let largestRatio = 200
  /// What zlib may fill at one go.
  private static let pieceBytes = 16 << 10

  private let stream: UnsafeMutablePointer<z_stream>
  private let limit: Int
  private var consumed = 0
  private var piece = [UInt8](repeating: 0, count: GzipInflater.pieceBytes)
  /// Whether the end of the gzip stream has been seen and its checksum was right.
  private(set) var isFinished = false

  /// - Parameter limit: the most bytes that may come out.
  init?(limit: Int) {
    self.limit = limit
    // zlib keeps a pointer to the struct, so it must not move.
    unsafe stream = .allocate(capacity: 1)
    unsafe stream.initialize(to: z_stream())
    guard unsafe sly_inflate_init_gzip(stream) == Z_OK else {
      unsafe stream.deallocate()
      return nil
    }
  }

  deinit {
    unsafe inflateEnd(stream)
    unsafe stream.deallocate()
  }

  /// Inflates the next bytes and appends what comes out.
  func append(_ bytes: ArraySlice<UInt8>, to output: inout [UInt8]) throws(MessageDeframer.Fault) {
    guard !bytes.isEmpty else { return }
    guard !isFinished else { throw .corrupt }
    // zlib does not write to its input; the header merely lacks the word.
    var input = bytes
    let fault = unsafe input.withUnsafeMutableBufferPointer { area -> MessageDeframer.Fault? in
      unsafe stream.pointee.next_in = area.baseAddress
      unsafe stream.pointee.avail_in = UInt32(clamping: area.count)
      let fault = inflateAll(of: bytes.count, to: &output)
      unsafe stream.pointee.next_in = nil
      return fault
    }
    if let fault { throw fault }
  }

  private func inflateAll(of count: Int, to output: inout [UInt8]) -> MessageDeframer.Fault? {
    let before = consumed
    while true {
      let (status, produced) = inflateOnce()
      consumed = before + count - Int(unsafe stream.pointee.avail_in)
      guard status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR else { return .corrupt }
      let total = output.count + produced
      guard total <= limit else { return .tooLarge(length: total, limit: limit) }
      guard total <= Self.harmlessBytes || total / Self.largestRatio <= consumed else {
        return .bomb(received: consumed, inflated: total)
      }
      output.append(contentsOf: piece[..<produced])
      if status == Z_STREAM_END {
        isFinished = true
        return unsafe stream.pointee.avail_in == 0 ? nil : .corrupt
      }
      if produced < Self.pieceBytes { return unsafe stream.pointee.avail_in == 0 ? nil : .corrupt }
    }
  }

  private func inflateOnce() -> (status: Int32, produced: Int) {
    unsafe piece.withUnsafeMutableBufferPointer { area in
      unsafe stream.pointee.next_out = area.baseAddress
      unsafe stream.pointee.avail_out = UInt32(clamping: area.count)
      let status = unsafe inflate(stream, Z_NO_FLUSH)
      return unsafe (status, area.count - Int(stream.pointee.avail_out))
    }
  }
}
