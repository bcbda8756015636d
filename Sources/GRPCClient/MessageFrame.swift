/// The frame round a message: one byte that tells whether it is compressed, four that tell its length.
package enum MessageFrame {
  /// Length of the frame's header.
  static let headerBytes = 5

  /// The message with its frame, uncompressed.
  static func wrap(_ message: [UInt8]) -> [UInt8] {
    var framed: [UInt8] = []
    framed.reserveCapacity(message.count + headerBytes)
    framed.append(0)
    unsafe withUnsafeBytes(of: UInt32(clamping: message.count).bigEndian) { unsafe framed.append(contentsOf: $0) }
    framed.append(contentsOf: message)
    return framed
  }
}

/// Takes the one message of a unary response out of body bytes that arrive in pieces of any size.
package struct MessageDeframer: Sendable {
  /// Why the body is not one message within the limits.
  package enum Fault: Error, Sendable, Hashable {
    /// The first byte says that the message is compressed, which was not offered.
    case compressed
    /// The first byte is neither 0 nor 1.
    case badFlag(UInt8)
    /// The message is longer than the limit.
    case tooLarge(length: Int, limit: Int)
    /// Bytes follow after the message.
    case extraBytes
    /// The body ended within the frame.
    case truncated(received: Int, expected: Int)
    /// The body ended before any frame.
    case missing
  }

  /// The most memory taken on the word of a frame's header, before the message itself is there.
  private static let reserve = 64 << 10
  private let limit: Int
  private var header: [UInt8] = []
  private var expected: Int?
  private var message: [UInt8] = []

  /// - Parameter limit: the longest message accepted, in bytes; checked before any memory is taken for it.
  package init(limit: Int) { self.limit = limit }

  /// Takes the next piece of the body.
  package mutating func append(_ bytes: [UInt8]) throws(Fault) {
    var rest = bytes[...]
    if expected == nil {
      let missing = MessageFrame.headerBytes - header.count
      header.append(contentsOf: rest.prefix(missing))
      rest = rest.dropFirst(missing)
      guard header.count == MessageFrame.headerBytes else { return }
      let length = try length(of: header)
      expected = length
      // Grown piece by piece, a message would be copied for every doubling.
      message.reserveCapacity(min(length, Self.reserve))
    }
    guard let expected, !rest.isEmpty else { return }
    guard message.count + rest.count <= expected else { throw .extraBytes }
    message.append(contentsOf: rest)
  }

  /// The body has ended: the message.
  package mutating func finish() throws(Fault) -> [UInt8] {
    guard let expected else {
      if header.isEmpty { throw .missing }
      throw .truncated(received: header.count, expected: MessageFrame.headerBytes)
    }
    guard message.count == expected else { throw .truncated(received: message.count, expected: expected) }
    return message
  }

  private func length(of header: [UInt8]) throws(Fault) -> Int {
    switch header[0] {
    case 0: break
    case 1: throw .compressed
    default: throw .badFlag(header[0])
    }
    let length = header.dropFirst().reduce(0) { $0 << 8 | Int($1) }
    guard length <= limit else { throw .tooLarge(length: length, limit: limit) }
    return length
  }
}
