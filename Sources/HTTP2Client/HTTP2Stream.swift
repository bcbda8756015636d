/// What a session remembers of one stream.
struct HTTP2Stream {
  /// The request's body; sent from `bodyOffset` on.
  private var body: [UInt8]
  private var bodyOffset = 0
  private var blockBytes = 0
  /// The fields of the header block that is being received.
  var fields: [HTTP2ResponseField] = []
  /// Informational blocks so far.
  var informationalBlocks = 0
  /// Whether the request's HEADERS were put into the output.
  var isSent = false
  /// Whether the response's first block has arrived.
  var hasResponse = false
  /// Whether the peer has sent everything it will send.
  var hasEnded = false
  /// Whether the peer has reset the stream.
  var isResetByPeer = false
  /// Why this side resets the stream.
  var localReason: String?

  /// A stream about to send a request with this body.
  init(body: [UInt8]) { self.body = body }

  /// A header block begins.
  mutating func beginBlock() {
    fields = []
    blockBytes = 0
  }

  /// Counts a field of the present block. False: a limit is exceeded.
  mutating func admit(bytes: Int, limits: HTTP2Limits) -> Bool {
    blockBytes += bytes
    return blockBytes <= limits.headerListBytes && fields.count < limits.headerFields
  }

  /// Whether body bytes are still to be sent.
  var hasBodyLeft: Bool { bodyOffset < body.count }

  /// Copies the next part of the body; memory is given back once all of it has been taken.
  mutating func takeBody(into area: UnsafeMutableRawBufferPointer) -> Int {
    let count = min(area.count, body.count - bodyOffset)
    unsafe body.withUnsafeBytes { source in
      unsafe area.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[bodyOffset..<bodyOffset + count]))
    }
    bodyOffset += count
    if !hasBodyLeft {
      body = []
      bodyOffset = 0
    }
    return count
  }
}
