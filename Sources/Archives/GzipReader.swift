internal import CZlib

/// What is in a gzip file (RFC 1952), which may consist of several members. Owns zlib's stream; used on one thread.
///
/// A few bytes can stand for gigabytes, so that never more comes out than the limit says, and only what was asked for stands
/// in memory.
@safe package final class GzipReader: ByteSource {
  /// What zlib may fill at one go.
  private static let pieceBytes = 64 << 10

  private let stream: UnsafeMutablePointer<z_stream>
  private let bytes: [UInt8]
  private let limit: Int
  /// Where in `bytes` zlib goes on.
  private var position = 0
  private var produced = 0
  /// What came out and was not asked for yet.
  private var pending: ArraySlice<UInt8> = []
  private var piece = [UInt8](repeating: 0, count: GzipReader.pieceBytes)
  private var isFinished = false

  /// - Parameter limit: the most bytes that may come out.
  /// - Throws: for bytes that do not begin as gzip does, or without memory.
  package init(_ bytes: [UInt8], limit: Int) throws(ArchiveError) {
    guard bytes.starts(with: [0x1F, 0x8B]) else { throw ArchiveError(.damaged, "is not compressed with gzip") }
    self.bytes = bytes
    self.limit = limit
    // zlib keeps a pointer to the struct, so it must not move.
    unsafe stream = .allocate(capacity: 1)
    unsafe stream.initialize(to: z_stream())
    guard unsafe sly_inflate_init_gzip(stream) == Z_OK else {
      unsafe stream.deallocate()
      throw ArchiveError(.tooLarge, "cannot be unpacked: no memory")
    }
  }

  deinit {
    unsafe inflateEnd(stream)
    unsafe stream.deallocate()
  }

  package func read(_ count: Int) throws(ArchiveError) -> [UInt8] {
    var output: [UInt8] = []
    while output.count < count {
      if pending.isEmpty {
        guard try inflateNext() else { break }
      }
      let taken = pending.prefix(count - output.count)
      output += taken
      pending = pending.dropFirst(taken.count)
    }
    return output
  }

  /// Inflates until something comes out. False: the end, with every checksum right.
  private func inflateNext() throws(ArchiveError) -> Bool {
    while !isFinished {
      let (status, count) = inflateOnce()
      switch status {
      case Z_OK: break
      case Z_BUF_ERROR:
        // Nothing could be done: the input is used up before its end.
        throw ArchiveError(.damaged, "ends too early: the download is not whole")
      case Z_STREAM_END: try startNextMember()
      default: throw ArchiveError(.damaged, "is damaged: its gzip data or their checksum is wrong")
      }
      produced += count
      guard produced <= limit else {
        throw ArchiveError(.tooLarge, "unpacks to more than \(limit) bytes (from \(bytes.count))")
      }
      if count > 0 {
        pending = piece[..<count]
        return true
      }
    }
    return false
  }

  /// After a member: another one, zeros that pad the file, or the end.
  private func startNextMember() throws(ArchiveError) {
    guard position < bytes.count, bytes[position...].contains(where: { $0 != 0 }) else {
      isFinished = true
      return
    }
    guard bytes[position...].starts(with: [0x1F, 0x8B]), unsafe inflateReset(stream) == Z_OK else {
      throw ArchiveError(.damaged, "is damaged: what follows its gzip data is none")
    }
  }

  private func inflateOnce() -> (status: Int32, produced: Int) {
    let available = min(bytes.count - position, 1 << 20)
    var status = Z_BUF_ERROR
    var left = available
    let count = unsafe piece.withUnsafeMutableBufferPointer { output in
      unsafe stream.pointee.next_out = output.baseAddress
      unsafe stream.pointee.avail_out = UInt32(clamping: output.count)
      unsafe bytes.withUnsafeBufferPointer { input in
        // zlib does not write to its input; the header merely lacks the word.
        unsafe stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress.map { unsafe $0 + position })
        unsafe stream.pointee.avail_in = UInt32(clamping: available)
        unsafe status = inflate(stream, Z_NO_FLUSH)
        unsafe left = Int(stream.pointee.avail_in)
        unsafe stream.pointee.next_in = nil
      }
      return unsafe output.count - Int(stream.pointee.avail_out)
    }
    position += available - left
    return (status, count)
  }
}
