/// A layer between a socket and what is said on it, such as TLS to a proxy: bytes in, bytes out, no socket of its own. Lives on
/// the loop's thread.
package protocol StreamLayer: AnyObject {
  /// Feeds bytes of the other side.
  func receive(_ bytes: ArraySlice<UInt8>)
  /// Goes on with the handshake. True: it is over, and what is said may follow.
  func handshake() throws(EventLoopError) -> Bool
  /// What the other side has said so far, at most 16 KiB at a time; empty: nothing now. Nil: it has said farewell.
  func read() throws(EventLoopError) -> [UInt8]?
  /// Wraps what this side says.
  func write(_ bytes: [UInt8]) throws(EventLoopError)
  /// Removes and returns what is to go out.
  func takeOutgoing() -> [UInt8]
  /// Says farewell.
  func close()
}

/// Makes a layer, on the loop's thread.
package typealias StreamLayerMaker = @Sendable () -> Result<any StreamLayer, EventLoopError>

/// Reads what a layer to a host needs, such as authorities. Blocks: it runs on a thread of its own.
package typealias StreamLayerLoader = @Sendable (_ host: String) -> Result<StreamLayerMaker, EventLoopError>

/// A layer and the bytes on both of its sides that wait to be moved.
struct LayeredBytes {
  /// Most bytes that are wrapped, or taken from the socket, in one step.
  static let step = 64 << 10

  let layer: any StreamLayer
  /// What has been unwrapped and not been taken yet.
  private var received: [UInt8] = []
  private var receivedOffset = 0
  /// What has been wrapped and not been sent yet.
  private var outgoing: [UInt8] = []
  private var outgoingOffset = 0
  /// Whether the other side has said farewell.
  private(set) var hasEnded = false
  /// Why the layer is of no more use.
  private(set) var failure: EventLoopError?

  init(_ layer: any StreamLayer) { self.layer = layer }

  /// Unwrapped bytes that wait.
  var receivedCount: Int { received.count - receivedOffset }

  /// The wrapped bytes that wait.
  var unsent: ArraySlice<UInt8> { outgoing[outgoingOffset...] }

  /// So many of the wrapped bytes went out.
  mutating func sent(_ count: Int) {
    outgoingOffset += count
    if outgoingOffset == outgoing.count { (outgoing, outgoingOffset) = ([], 0) }
  }

  /// Collects what the layer wants to send by itself.
  mutating func collect() {
    let more = layer.takeOutgoing()
    guard !more.isEmpty else { return }
    if unsent.isEmpty { (outgoing, outgoingOffset) = (more, 0) } else { outgoing += more }
  }

  /// Wraps bytes to be sent.
  mutating func wrap(_ bytes: [UInt8]) -> Bool {
    do throws(EventLoopError) {
      try layer.write(bytes)
    } catch {
      failure = error
    }
    collect()
    return failure == nil
  }

  /// Unwraps what the layer has been fed.
  mutating func unwrap() {
    guard failure == nil, !hasEnded else { return }
    do throws(EventLoopError) {
      while true {
        guard let bytes = try layer.read() else {
          hasEnded = true
          break
        }
        if bytes.isEmpty { break }
        if receivedCount == 0 { (received, receivedOffset) = (bytes, 0) } else { received += bytes }
      }
    } catch {
      failure = error
    }
    collect()
  }

  /// Copies unwrapped bytes; `takes`: they are gone from here then.
  mutating func copy(into buffer: UnsafeMutableRawBufferPointer, takes: Bool) -> Int {
    let count = min(buffer.count, receivedCount)
    unsafe buffer.copyBytes(from: received[receivedOffset..<(receivedOffset + count)])
    guard takes else { return count }
    receivedOffset += count
    if receivedCount == 0 { (received, receivedOffset) = ([], 0) }
    return count
  }
}
