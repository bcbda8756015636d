/// The frame round a message: one byte that tells whether it is compressed, four that tell its length.
package enum MessageFrame {
  /// Length of the frame's header.
  static let headerBytes = 5

  /// The message with its frame.
  static func wrap(_ message: [UInt8], isCompressed: Bool = false) -> [UInt8] {
    var framed: [UInt8] = []
    framed.reserveCapacity(message.count + headerBytes)
    framed.append(isCompressed ? 1 : 0)
    unsafe withUnsafeBytes(of: UInt32(clamping: message.count).bigEndian) { unsafe framed.append(contentsOf: $0) }
    framed.append(contentsOf: message)
    return framed
  }

  /// The body of a call's request.
  static func body(of call: GRPCCall) -> [UInt8] { wrap(call.message, isCompressed: call.isCompressed) }
}

/// How the messages of one direction may be compressed: what `grpc-encoding` says.
package enum MessageEncoding: Sendable, Hashable {
  /// Not at all, or nothing was said.
  case identity
  /// RFC 1952.
  case gzip
  /// In a way that was not offered.
  case other(String)

  /// What this side can undo, as `grpc-accept-encoding` lists it.
  static let accepted = "identity,gzip"

  /// Reads the value of `grpc-encoding`; at most 20 characters of a foreign one are kept.
  init(_ text: String?) {
    switch text?.lowercased() {
    case nil, "", "identity": self = .identity
    case "gzip": self = .gzip
    case .some(let name): self = .other(String(name.prefix(20)))
    }
  }
}

/// Takes the one message of a unary response out of body bytes that arrive in pieces of any size, inflating it on the way
/// when it is compressed.
package struct MessageDeframer {
  /// Why the body is not one message within the limits.
  package enum Fault: Error, Sendable, Hashable {
    /// The first byte says that the message is compressed, but no encoding was named.
    case unnamedEncoding
    /// The message is compressed in a way that was not offered.
    case unknownEncoding(String)
    /// The first byte is neither 0 nor 1.
    case badFlag(UInt8)
    /// The message is longer than the limit, as its frame says or as it turned out while inflating.
    case tooLarge(length: Int, limit: Int)
    /// The message inflates to far more than any honest one.
    case bomb(received: Int, inflated: Int)
    /// The compressed bytes are not what gzip makes.
    case corrupt
    /// No memory for zlib.
    case exhausted
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
  /// Bytes of the message that have arrived, as they were on the wire.
  private var received = 0
  private var message: [UInt8] = []
  private var inflater: GzipInflater?
  /// What the response's headers said; to be set before the first byte arrives.
  package var encoding = MessageEncoding.identity

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
      let length = try takeHeader()
      expected = length
      // Grown piece by piece, a message would be copied for every doubling.
      message.reserveCapacity(min(length, Self.reserve))
    }
    guard let expected, !rest.isEmpty else { return }
    received += rest.count
    guard received <= expected else { throw .extraBytes }
    if let inflater { try inflater.append(rest, to: &message) } else { message.append(contentsOf: rest) }
  }

  /// The body has ended: the message.
  package mutating func finish() throws(Fault) -> [UInt8] {
    guard let expected else {
      if header.isEmpty { throw .missing }
      throw .truncated(received: header.count, expected: MessageFrame.headerBytes)
    }
    guard received == expected else { throw .truncated(received: received, expected: expected) }
    // A compressed message of no bytes at all is what some servers send for an empty one.
    if let inflater, expected > 0, !inflater.isFinished { throw .corrupt }
    return message
  }

  private mutating func takeHeader() throws(Fault) -> Int {
    let length = header.dropFirst().reduce(0) { $0 << 8 | Int($1) }
    switch (header[0], encoding) {
    case (0, _): break
    case (1, .identity): throw .unnamedEncoding
    case (1, .other(let name)): throw .unknownEncoding(name)
    case (1, .gzip): break
    default: throw .badFlag(header[0])
    }
    guard length <= limit else { throw .tooLarge(length: length, limit: limit) }
    if header[0] == 1 {
      inflater = GzipInflater(limit: limit)
      if inflater == nil { throw .exhausted }
    }
    return length
  }
}
