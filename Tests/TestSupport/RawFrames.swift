import Foundation
import Glibc

/// HTTP/2 frames written byte by byte, so that tests can also send what no library would (RFC 9113 §4, §6; RFC 7541 §6.2).
package enum RawFrame {
  /// The client's preface.
  package static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

  /// Any frame.
  package static func frame(_ type: UInt8, flags: UInt8 = 0, stream: Int32 = 0, _ payload: [UInt8] = []) -> [UInt8] {
    let count = payload.count
    return [UInt8(count >> 16 & 255), UInt8(count >> 8 & 255), UInt8(count & 255), type, flags] + big(UInt32(stream))
      + payload
  }

  package static func data(_ stream: Int32, _ bytes: [UInt8], end: Bool = false) -> [UInt8] {
    frame(0, flags: end ? 1 : 0, stream: stream, bytes)
  }

  package static func headers(
    _ stream: Int32, _ fields: [(String, String)], end: Bool = false, endHeaders: Bool = true
  ) -> [UInt8] {
    frame(1, flags: (end ? 1 : 0) | (endHeaders ? 4 : 0), stream: stream, block(fields))
  }

  package static func continuation(_ stream: Int32, _ fields: [(String, String)], endHeaders: Bool) -> [UInt8] {
    frame(9, flags: endHeaders ? 4 : 0, stream: stream, block(fields))
  }

  package static func reset(_ stream: Int32, _ code: UInt32) -> [UInt8] { frame(3, stream: stream, big(code)) }

  package static func settings(_ entries: [(UInt16, UInt32)] = []) -> [UInt8] {
    frame(4, entries.flatMap { [UInt8($0.0 >> 8), UInt8($0.0 & 255)] + big($0.1) })
  }

  package static let settingsAcknowledgement = frame(4, flags: 1)

  package static func ping(_ payload: [UInt8] = Array(repeating: 0, count: 8), acknowledgement: Bool = false) -> [UInt8]
  {
    frame(6, flags: acknowledgement ? 1 : 0, payload)
  }

  package static func goAway(last: Int32, code: UInt32, debug: String = "") -> [UInt8] {
    frame(7, big(UInt32(last)) + big(code) + Array(debug.utf8))
  }

  package static func windowUpdate(_ stream: Int32, _ increment: UInt32) -> [UInt8] {
    frame(8, stream: stream, big(increment))
  }

  /// Fields as literals without indexing, each with a new name.
  package static func block(_ fields: [(String, String)]) -> [UInt8] {
    fields.flatMap { [0x00] + text($0.0) + text($0.1) }
  }

  /// The head of an ordinary gRPC response.
  package static func grpcHead(_ stream: Int32) -> [UInt8] {
    headers(stream, [(":status", "200"), ("content-type", "application/grpc")])
  }

  /// The end of an ordinary gRPC response.
  package static func grpcTrailers(_ stream: Int32, status: Int = 0) -> [UInt8] {
    headers(stream, [("grpc-status", "\(status)"), ("grpc-message", "")], end: true)
  }

  /// A message with gRPC's five-byte frame.
  package static func grpcMessage(_ bytes: [UInt8]) -> [UInt8] { [0] + big(UInt32(bytes.count)) + bytes }

  private static func big(_ number: UInt32) -> [UInt8] {
    [UInt8(number >> 24), UInt8(number >> 16 & 255), UInt8(number >> 8 & 255), UInt8(number & 255)]
  }

  private static func text(_ string: String) -> [UInt8] {
    let bytes = Array(string.utf8)
    var prefix: [UInt8]
    if bytes.count < 127 {
      prefix = [UInt8(bytes.count)]
    } else {
      prefix = [127]
      var rest = bytes.count - 127
      while rest >= 128 {
        prefix.append(UInt8(rest & 127 | 128))
        rest >>= 7
      }
      prefix.append(UInt8(rest))
    }
    return prefix + bytes
  }
}

/// A plaintext server that answers each connection as a script says, on a thread of its own.
package final class RawServer: @unchecked Sendable {
  // Sendable: set once; `accepted` is only touched under the lock.
  package let port: Int
  private let descriptor: Int32
  private let lock = NSLock()
  private var accepted = 0

  /// How many connections have been accepted.
  package var connections: Int { lock.withLock { accepted } }

  /// Starts to listen; `script` runs for each connection and may throw `RawConnection.Ended`.
  package init(_ script: @escaping @Sendable (RawConnection) throws -> Void) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    let listening = descriptor
    port = try LoopbackPort.take(0, for: listening)
    guard listen(listening, 64) == 0 else { throw PeerError("no raw server: errno \(errno)") }
    let thread = Thread { [weak self] in
      while true {
        let connection = accept(listening, nil, nil)
        guard connection >= 0 else { return }
        self?.lock.withLock { self?.accepted += 1 }
        let serving = Thread {
          let raw = RawConnection(connection)
          try? script(raw)
          raw.close()
        }
        serving.start()
      }
    }
    thread.start()
  }

  deinit { stop() }

  /// Stops listening.
  package func stop() {
    shutdown(descriptor, Int32(SHUT_RDWR))
    close(descriptor)
  }
}

/// One connection of a `RawServer`, with blocking reads and writes.
package final class RawConnection {
  /// The client has closed the connection.
  package struct Ended: Error {
    package init() {}
  }

  /// A frame of the client.
  package struct Frame {
    package let type: UInt8
    package let flags: UInt8
    package let stream: Int32
    package let payload: [UInt8]
  }

  private let descriptor: Int32

  init(_ descriptor: Int32) {
    self.descriptor = descriptor
    var one: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)
  }

  /// Reads the client's preface and answers with SETTINGS.
  package func greet(settings: [(UInt16, UInt32)] = []) throws {
    _ = try read(24)
    try write(RawFrame.settings(settings))
  }

  /// Reads frames, acknowledging SETTINGS and PING, until one of a type arrives; 1 is a request's HEADERS.
  package func next(_ type: UInt8) throws -> Frame {
    while true {
      let frame = try nextFrame()
      if frame.type == type { return frame }
      if frame.type == 4, frame.flags & 1 == 0 { try write(RawFrame.settingsAcknowledgement) }
      if frame.type == 6, frame.flags & 1 == 0 { try write(RawFrame.ping(frame.payload, acknowledgement: true)) }
    }
  }

  /// Reads the next frame of whatever type.
  package func nextFrame() throws -> Frame {
    let head = try read(9)
    let count = Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2])
    let stream = head[5...].reduce(Int32(0)) { $0 << 8 | Int32($1) }
    return Frame(type: head[3], flags: head[4], stream: stream, payload: try read(count))
  }

  /// Reads until the client closes; returns what came.
  package func drain() throws {
    while true { _ = try nextFrame() }
  }

  /// Sends bytes.
  package func write(_ bytes: [UInt8]) throws {
    var offset = 0
    while offset < bytes.count {
      let count = bytes[offset...].withUnsafeBytes {
        send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { throw Ended() }
      offset += count
    }
  }

  /// Reads exactly so many bytes.
  package func read(_ count: Int) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var offset = 0
    while offset < count {
      let got = bytes[offset...].withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
      guard got > 0 else { throw Ended() }
      offset += got
    }
    return bytes
  }

  /// Makes the coming close a reset (RST) instead of an orderly end.
  package func abort() {
    var option = linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
  }

  /// Closes the connection.
  package func close() { Glibc.close(descriptor) }
}
