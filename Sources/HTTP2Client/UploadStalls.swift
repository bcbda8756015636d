/// Counts how often request bodies came to a halt because the peer's flow-control windows were used up. A pure machine.
struct UploadStalls {
  /// Streams whose body has not been sent whole, and whether each stands still.
  private var uploads: [Int32: Bool] = [:]
  private var isConnectionStalled = false
  private var counted = (streams: 0, connection: 0)

  /// Whether every body has been sent.
  var isEmpty: Bool { uploads.isEmpty }

  /// A request with a body was submitted.
  mutating func began(_ stream: Int32) { uploads[stream] = false }

  /// A body was sent whole, or is not wanted any more.
  mutating func ended(_ stream: Int32) {
    uploads[stream] = nil
    if uploads.isEmpty { isConnectionStalled = false }
  }

  /// Takes note of the windows at a moment when nothing more can be sent. Each halt is counted once.
  ///
  /// - Parameters:
  ///   - connectionWindow: bytes that the peer admits on all streams together.
  ///   - streamWindow: bytes that it admits on one; negative when the stream is not known yet.
  mutating func note(connectionWindow: Int32, streamWindow: (Int32) -> Int32) {
    let isStalled = connectionWindow <= 0
    if isStalled && !isConnectionStalled { counted.connection += 1 }
    isConnectionStalled = isStalled
    for (stream, wasStalled) in uploads {
      let isStalled = streamWindow(stream) == 0
      if isStalled && !wasStalled { counted.streams += 1 }
      if isStalled != wasStalled { uploads[stream] = isStalled }
    }
  }

  /// Removes and returns what was counted.
  mutating func take() -> (streams: Int, connection: Int) {
    defer { counted = (0, 0) }
    return counted
  }
}
