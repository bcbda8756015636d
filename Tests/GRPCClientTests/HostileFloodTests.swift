import Foundation
import GRPCClient
import HTTP2Client
import TestSupport
import Testing

/// The cases H14–H19 and X4: floods, bombs, breaches and drips. Each ends with a typed error, and memory stays bounded.
@Suite("A hostile server: floods, bombs and drips", .serialized)
struct HostileFloodTests {
  /// What the process may grow by while a peer floods it: far less than the peer sends, far more than noise. The peer runs
  /// in this process too.
  private static let growth = 48 << 20

  struct Flood: Sendable, CustomTestStringConvertible {
    let name: String
    var settings: [(UInt16, UInt32)] = []
    var head: [UInt8] = []
    let frame: [UInt8]
    var testDescription: String { name }
  }

  static let floods: [Flood] = [
    Flood(name: "SETTINGS", frame: RawFrame.settings([(4, 65_535)])),
    Flood(name: "empty DATA", head: RawFrame.grpcHead(1), frame: RawFrame.data(1, [])),
    Flood(
      name: "DATA of padding only", head: RawFrame.grpcHead(1),
      frame: RawFrame.frame(0, flags: 8, stream: 1, [255] + Array(repeating: 0, count: 255))),
    Flood(name: "PRIORITY", frame: RawFrame.frame(2, stream: 1, [0, 0, 0, 0, 16])),
    Flood(name: "unknown frames", frame: RawFrame.frame(0xEE, Array(repeating: 7, count: 100))),
    Flood(name: "WINDOW_UPDATE", frame: RawFrame.windowUpdate(1, 1)),
    Flood(name: "GOAWAY", frame: RawFrame.goAway(last: 0x7FFF_FFFF, code: 0)),
    Flood(name: "PING acknowledgements", frame: RawFrame.ping(acknowledgement: true)),
  ]

  @Test("H15 a flood of frames that carry nothing ends the connection, and memory stays flat", arguments: floods)
  func floodEndsTheConnection(_ flood: Flood) async throws {
    let before = ProcessMemory.residentBytes()
    let (error, _) = try await HostilePeer.outcome { connection, _ in
      try connection.write(flood.head)
      let burst = Array(repeatElement(flood.frame, count: 500).joined())
      for _ in 0..<400 { try connection.write(burst) }
    }
    #expect(error.code == .unavailable, "\(flood.name): \(error)")
    #expect(error.cause?.contains("flood") == true, "\(flood.name): \(error)")
    #expect(ProcessMemory.residentBytes() - before < Self.growth)
  }

  @Test("H15 a flood of CONTINUATION frames ends the connection, and memory stays flat")
  func continuationFloodEndsTheConnection() async throws {
    let before = ProcessMemory.residentBytes()
    let (error, _) = try await HostilePeer.outcome { connection, stream in
      try connection.write(RawFrame.headers(stream, [(":status", "200")], endHeaders: false))
      let burst = (0..<500).flatMap { _ in RawFrame.continuation(stream, [("x", "y")], endHeaders: false) }
      for _ in 0..<400 { try connection.write(burst) }
    }
    #expect(error.code == .unavailable)
    #expect(error.cause?.contains("flood") == true, "\(error)")
    #expect(ProcessMemory.residentBytes() - before < Self.growth)
  }

  @Test("H15 informational responses without end: the stream is reset, then the connection goes")
  func informationalFloodIsCutOff() async throws {
    let before = ProcessMemory.residentBytes()
    let (error, _) = try await HostilePeer.outcome { connection, stream in
      let burst = (0..<500).flatMap { _ in RawFrame.headers(stream, [(":status", "103"), ("link", "</x>")]) }
      for _ in 0..<200 { try connection.write(burst) }
    }
    #expect(error.code == .resourceExhausted || error.code == .unavailable, "\(error)")
    #expect(ProcessMemory.residentBytes() - before < Self.growth)
  }

  @Test("H14 a PING each second, and one with each answer, are served; a hundred thousand end the connection")
  func pingsAreServedWithinReason() async throws {
    let acknowledged = Witness<Int>()
    let server = try RawServer { connection in
      try connection.greet()
      while true {
        let stream = try connection.next(1).stream
        try connection.write(RawFrame.ping([2, 4, 16, 16, 9, 14, 7, 7]) + HostilePeer.answer(stream))
        // A request may come before the acknowledgement; `next` answers what else there is.
        while true {
          let frame = try connection.nextFrame()
          if frame.type == 4, frame.flags & 1 == 0 { try connection.write(RawFrame.settingsAcknowledgement) }
          if frame.type == 6, frame.flags == 1 { break }
        }
        acknowledged.saw(1)
      }
    }
    let channel = try Scheduler.channel(port: server.port)
    for _ in 0..<1_500 { #expect(try await channel.call(HostilePeer.call) == [42]) }
    try await acknowledged.wait(for: 1_500)
    #expect(acknowledged.count == 1_500)
    #expect(channel.state.connections == 1)
    await channel.shutdown(grace: .zero)

    let before = ProcessMemory.residentBytes()
    let (error, _) = try await HostilePeer.outcome { connection, _ in
      let burst = Array(repeatElement(RawFrame.ping(), count: 500).joined())
      for _ in 0..<200 { try connection.write(burst) }
    }
    #expect(error.code == .unavailable)
    #expect(error.cause?.contains("flood") == true, "\(error)")
    #expect(ProcessMemory.residentBytes() - before < Self.growth)
  }

  struct Bomb: Sendable, CustomTestStringConvertible {
    let name: String
    let bytes: [UInt8]
    let codes: Set<GRPCStatus>
    let keepsConnection: Bool
    var testDescription: String { name }
  }

  /// A block that puts one field of 4 000 bytes into the table and then refers to it, one byte a time.
  private static func referenceBomb() -> [UInt8] {
    let insertion: [UInt8] = [0x40, 1, UInt8(ascii: "x"), 0x7F, 0x99, 0x1E] + Array(repeating: 97, count: 3_992)
    let block = [0x88] + insertion + Array(repeating: 0xBE, count: 12_000)
    return RawFrame.frame(1, flags: 4, stream: 1, block)
  }

  static let bombs: [Bomb] = [
    Bomb(name: "references", bytes: referenceBomb(), codes: [.resourceExhausted], keepsConnection: true),
    Bomb(
      name: "300 fields",
      bytes: RawFrame.headers(1, [(":status", "200")] + (0..<300).map { ("x-\($0)", "y") }),
      codes: [.resourceExhausted], keepsConnection: true),
    Bomb(
      name: "a field of 80 KB over several frames",
      bytes: split(RawFrame.block([(":status", "200"), ("x", String(repeating: "y", count: 80_000))])),
      codes: [.unavailable, .resourceExhausted, .internal], keepsConnection: false),
    Bomb(
      name: "a table size beyond what was offered",
      bytes: RawFrame.frame(1, flags: 4, stream: 1, [0x3F, 0xE1, 0xFF, 0xFF, 0x7F, 0x88]), codes: [.unavailable],
      keepsConnection: false),
    Bomb(
      name: "an index beyond the table", bytes: RawFrame.frame(1, flags: 4, stream: 1, [0xFF, 0xFF, 0x03]),
      codes: [.unavailable], keepsConnection: false),
  ]

  /// A block as HEADERS and CONTINUATION frames of 16 000 bytes.
  private static func split(_ block: [UInt8]) -> [UInt8] {
    var (bytes, rest, isFirst): ([UInt8], ArraySlice<UInt8>, Bool) = ([], block[...], true)
    while !rest.isEmpty {
      let piece = Array(rest.prefix(16_000))
      rest = rest.dropFirst(piece.count)
      bytes += RawFrame.frame(isFirst ? 1 : 9, flags: rest.isEmpty ? 4 : 0, stream: 1, piece)
      isFirst = false
    }
    return bytes
  }

  @Test("H16 header bombs end the call or the connection, and memory stays flat", arguments: bombs)
  func headerBombIsRefused(_ bomb: Bomb) async throws {
    let before = ProcessMemory.residentBytes()
    let (error, state) = try await HostilePeer.outcome { connection, _ in try connection.write(bomb.bytes) }
    #expect(bomb.codes.contains(error.code), "\(bomb.name): \(error)")
    if bomb.keepsConnection { #expect(state.isConnected, "\(bomb.name)") }
    #expect(ProcessMemory.residentBytes() - before < Self.growth)
  }

  static let breaches: [(name: String, bytes: [UInt8])] = [
    ("PUSH_PROMISE", RawFrame.frame(5, flags: 4, stream: 1, [0, 0, 0, 2])),
    ("HEADERS on an even stream", RawFrame.grpcHead(2)),
    ("DATA on an idle stream", RawFrame.data(7, [1])),
    ("DATA before HEADERS", RawFrame.data(1, [0, 0, 0, 0, 0])),
    ("WINDOW_UPDATE of nothing", RawFrame.windowUpdate(0, 0)),
    ("WINDOW_UPDATE overflow", RawFrame.windowUpdate(0, 0x7FFF_FFFF)),
    ("PING of three bytes", RawFrame.frame(6, [1, 2, 3])),
    (
      "an acknowledgement of SETTINGS that were not sent",
      RawFrame.settingsAcknowledgement + RawFrame.settingsAcknowledgement
    ),
    ("RST_STREAM of an idle stream", RawFrame.reset(9, 8)),
    ("a frame over the size limit", RawFrame.frame(0, stream: 1, Array(repeating: 0, count: 20_000))),
  ]

  @Test("H17 a breach of the protocol ends the connection; the next call gets a clean one", arguments: breaches.indices)
  func breachEndsTheConnection(_ index: Int) async throws {
    let (name, bytes) = Self.breaches[index]
    let visits = Witness<Int>()
    let server = try RawServer { connection in
      try connection.greet()
      if visits.saw(0) > 1 { try HostilePeer.serve(connection) }
      _ = try connection.next(1)
      try connection.write(bytes)
      try connection.drain()
    }
    let channel = try Scheduler.channel(port: server.port)
    let error = try await Scheduler.failure(of: channel, HostilePeer.call)
    // What nghttp2 takes for a fault of one stream only must still end the call, and nothing else.
    #expect(error.code == .unavailable || error.code == .internal, "\(name): \(error)")
    #expect(error.mayHaveReachedServer, "\(name)")
    if error.code == .unavailable { #expect(try await channel.call(HostilePeer.call) == [42], "\(name)") }
    #expect(channel.state.connections == (error.code == .unavailable ? 2 : 1), "\(name): \(error)")
    await channel.shutdown(grace: .zero)
  }

  @Test("H18 a malformed response ends its call with INTERNAL; its neighbour on the connection goes on")
  func malformedResponseSparesItsNeighbour() async throws {
    let malformed = [
      RawFrame.grpcHead(1) + RawFrame.headers(1, [("grpc-status", "0")]),
      RawFrame.grpcHead(1) + RawFrame.headers(1, [(":status", "200")], end: true),
      RawFrame.headers(1, [(":status", "200"), ("content-length", "5")]) + RawFrame.data(1, [1, 2], end: true),
      RawFrame.headers(1, [(":status", "200"), ("X-Y", "z")]),
    ]
    for bytes in malformed {
      let server = try RawServer { connection in
        try connection.greet()
        _ = try connection.next(1)
        let neighbour = try connection.next(1).stream
        try connection.write(bytes)
        Thread.sleep(forTimeInterval: 0.05)
        try connection.write(HostilePeer.answer(neighbour))
        try connection.drain()
      }
      let channel = try Scheduler.channel(port: server.port)
      let outcomes = await withTaskGroup(of: GRPCStatus.self) { group in
        for _ in 0..<2 {
          group.addTask {
            do throws(GRPCError) {
              return try await channel.call(HostilePeer.call) == [42] ? .ok : .dataLoss
            } catch {
              return error.code
            }
          }
        }
        return await group.reduce(into: Set<GRPCStatus>()) { $0.insert($1) }
      }
      #expect(outcomes == [.ok, .internal])
      #expect(channel.state.connections == 1)
      await channel.shutdown(grace: .zero)
    }
  }

  @Test("H19 every DATA frame padded by 255 bytes: a thousand answers of 300 KB pass on one connection")
  func paddedAnswersDoNotLeak() async throws {
    let message = (0..<300_000).map { UInt8(truncatingIfNeeded: $0) }
    let server = try RawServer { connection in
      try connection.greet()
      let framed = RawFrame.grpcMessage(message)
      while true {
        let stream = try connection.next(1).stream
        var bytes = RawFrame.grpcHead(stream)
        for start in stride(from: 0, to: framed.count, by: 8_000) {
          let piece = framed[start..<min(framed.count, start + 8_000)]
          bytes += RawFrame.frame(0, flags: 8, stream: stream, [255] + piece + Array(repeating: 0, count: 255))
        }
        // A server that keeps to the window would wait; one that does not would be cut off. 300 KB always fit.
        try connection.write(bytes + RawFrame.grpcTrailers(stream))
      }
    }
    let channel = try Scheduler.channel(port: server.port) { $0.http2Limits.largestStreamWindow = 2 << 20 }
    let before = ProcessMemory.residentBytes()
    for _ in 0..<1_000 { #expect(try await channel.call(HostilePeer.call).count == 300_000) }
    #expect(channel.state.connections == 1)
    #expect(ProcessMemory.residentBytes() - before < Self.growth)
    await channel.shutdown(grace: .zero)
  }

  @Test("X4 a frame that drips in byte by byte ends the connection, though pings and bytes keep coming")
  func dripIsCutOff() async throws {
    let server = try RawServer { connection in
      try connection.greet()
      let stream = try connection.next(1).stream
      try connection.write(RawFrame.grpcHead(stream))
      for byte in RawFrame.data(stream, RawFrame.grpcMessage(Array(repeating: 5, count: 4_000))) {
        try connection.write([byte])
        Thread.sleep(forTimeInterval: 0.05)
      }
      try connection.drain()
    }
    let channel = try Scheduler.channel(port: server.port) { $0.http2Timing.frame = .seconds(1) }
    let start = ContinuousClock.now
    let error = try await Scheduler.failure(of: channel, HostilePeer.call)
    #expect(error.code == .unavailable)
    #expect(error.cause?.contains("did not finish") == true, "\(error)")
    #expect(ContinuousClock.now - start < .seconds(30))
    await channel.shutdown(grace: .zero)
  }

  @Test("X4 whole frames that drip in byte by byte end the connection, though each ends in time")
  func dripOfSmallFramesIsCutOff() async throws {
    let server = try RawServer { connection in
      try connection.greet()
      try connection.write(RawFrame.grpcHead(try connection.next(1).stream))
      // Frames of 17 bytes, 50 ms a byte: each takes 0.85 s.
      while true {
        for byte in RawFrame.ping() {
          try connection.write([byte])
          Thread.sleep(forTimeInterval: 0.05)
        }
      }
    }
    let channel = try Scheduler.channel(port: server.port) { $0.http2Timing.frame = .seconds(2) }
    let start = ContinuousClock.now
    let error = try await Scheduler.failure(of: channel, HostilePeer.call)
    #expect(error.code == .unavailable)
    #expect(error.cause?.contains("so slowly") == true, "\(error)")
    #expect(ContinuousClock.now - start < .seconds(30))
    await channel.shutdown(grace: .zero)
  }

  @Test("A peer that takes nothing of what is sent is given up, though it looks alive")
  func blockedWriteIsCutOff() async throws {
    let server = try RawServer { connection in
      try connection.greet(settings: [(4, 1 << 30)])
      try connection.write(RawFrame.windowUpdate(0, 1 << 30))
      // Reads nothing any more, but says something again and again.
      while true {
        try connection.write(RawFrame.ping())
        Thread.sleep(forTimeInterval: 0.2)
      }
    }
    let channel = try Scheduler.channel(port: server.port) {
      $0.http2Timing.write = .seconds(1)
      $0.limits.requestBytes = 64 << 20
    }
    let big = GRPCCall(path: "/a.B/C", message: Array(repeating: 1, count: 32 << 20), timeout: .seconds(60))
    let error = try await Scheduler.failure(of: channel, big)
    #expect(error.code == .unavailable, "\(error)")
    #expect(error.cause?.contains("took nothing") == true, "\(error)")
    await channel.shutdown(grace: .zero)
  }

  @Test("A server that resets every request is not asked for ever on one connection")
  func resetStormEndsTheConnection() async throws {
    let server = try RawServer { connection in
      try connection.greet()
      while true { try connection.write(RawFrame.reset(try connection.next(1).stream, 2)) }
    }
    let channel = try Scheduler.channel(port: server.port)
    for _ in 0..<400 {
      let error = try await Scheduler.failure(of: channel, HostilePeer.call)
      #expect(error.code == .internal || error.code == .unavailable, "\(error)")
      if channel.state.connections > 1 { break }
    }
    #expect(channel.state.connections > 1)
    await channel.shutdown(grace: .zero)
  }
}
