/// Why bytes are no archive that may be unpacked.
package struct ArchiveError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What was wrong, for callers that decide by it.
  package enum Code: Sendable, Hashable {
    /// The bytes end too early, or a checksum is not theirs: another download may bring the whole.
    case damaged
    /// What stands there cannot be meant, or is of a kind that is not unpacked.
    case refused
    /// More than a limit admits.
    case tooLarge
  }

  package let code: Code
  /// The end of a sentence that begins with the archive's name: what, and where in it.
  package let message: String

  package init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  package var description: String { message }
}

/// Bounds on what an archive may hold.
package struct ArchiveLimits: Sendable, Hashable {
  /// Bytes that come out of the compression, headers and padding among them.
  package var unpackedBytes = 512 << 20
  /// Files, folders and links together.
  package var members = 50_000
  /// Bytes of one path, and of the target of one link.
  package var pathBytes = 1_024
  /// Folders above a member.
  package var depth = 64
  /// Bytes of a header that extends another one: a long name, or records of pax.
  package var extensionBytes = 64 << 10

  package init() {}
}

/// Bytes that are read from the front, once.
package protocol ByteSource {
  /// The next bytes: as many as asked for, fewer only at the end.
  mutating func read(_ count: Int) throws(ArchiveError) -> [UInt8]
}

/// Bytes in memory as they are.
package struct PlainBytes: ByteSource {
  private var rest: ArraySlice<UInt8>

  package init(_ bytes: [UInt8]) { rest = bytes[...] }

  package mutating func read(_ count: Int) -> [UInt8] {
    let piece = rest.prefix(max(0, count))
    rest = rest.dropFirst(piece.count)
    return Array(piece)
  }
}
