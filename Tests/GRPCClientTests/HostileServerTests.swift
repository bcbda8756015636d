import Foundation
import GRPCClient
import TestSupport
import Testing

/// A server that does what none should: the call ends with a typed error within its time, and the process lives on.
@Suite("A hostile or broken server", .serialized)
struct HostileServerTests {
  private static let call = GRPCCall(path: "/a.B/C", message: [1, 2, 3], timeout: .seconds(30))
  /// For what must end by the deadline.
  private static let shortCall = GRPCCall(path: "/a.B/C", message: [1, 2, 3], timeout: .seconds(2))

  /// The error of a call to a server that greets, reads the request and then does as `attack` says.
  private func outcome(
    timeout: Duration = .seconds(30),
    change: (inout ChannelConfiguration) -> Void = { _ in },
    of attack: @escaping @Sendable (RawConnection, Int32) throws -> Void
  ) async throws -> (error: GRPCError, state: ChannelState) {
    let server = try RawServer { connection in
      try connection.greet()
      let stream = try connection.next(1).stream
      try attack(connection, stream)
      try connection.drain()
    }
    let channel = try Scheduler.channel(port: server.port, change: change)
    let start = ContinuousClock.now
    var call = Self.call
    call.timeout = timeout
    let error = try await Scheduler.failure(of: channel, call)
    #expect(ContinuousClock.now - start < timeout + .seconds(20))
    let state = channel.state
    await channel.shutdown(grace: .zero)
    return (error, state)
  }

  static let floods: [(name: String, frame: [UInt8])] = [
    ("ping", RawFrame.ping()), ("settings", RawFrame.settings()), ("empty data", RawFrame.data(1, [])),
    ("priority", RawFrame.frame(2, stream: 1, [0, 0, 0, 0, 16])), ("unknown", RawFrame.frame(0xEE, [1, 2, 3])),
    ("reset of a closed stream", RawFrame.reset(1, 8)),
  ]

  @Test("A flood of frames that carry nothing ends the connection", arguments: floods.indices)
  func flood(_ index: Int) async throws {
    let (name, frame) = Self.floods[index]
    let (error, _) = try await outcome { connection, stream in
      if name == "empty data" { try connection.write(RawFrame.grpcHead(stream)) }
      let burst = Array(repeatElement(frame, count: 500).joined())
      for _ in 0..<200 { try connection.write(burst) }
    }
    if name == "reset of a closed stream" {
      #expect(error.code == .cancelled, "\(name): \(error)")
    } else {
      #expect(error.code == .unavailable, "\(name): \(error)")
      #expect(error.cause?.contains("flood") == true, "\(name): \(error)")
    }
  }

  static let violations: [(name: String, bytes: [UInt8])] = [
    ("PUSH_PROMISE", RawFrame.frame(5, flags: 4, stream: 1, [0, 0, 0, 2])),
    ("HEADERS on an idle stream", RawFrame.grpcHead(2)),
    ("DATA on an idle stream", RawFrame.data(7, [1])),
    ("WINDOW_UPDATE of nothing", RawFrame.windowUpdate(0, 0)),
    ("WINDOW_UPDATE overflow", RawFrame.windowUpdate(0, 0x7FFF_FFFF)),
    ("PING of three bytes", RawFrame.frame(6, [1, 2, 3])),
    ("oversize frame", RawFrame.frame(0, stream: 1, Array(repeating: 0, count: 20_000))),
    ("header table lie", RawFrame.frame(1, flags: 4, stream: 1, [0x3F, 0xFF, 0xFF, 0xFF, 0x7F])),
    ("growing GOAWAY", RawFrame.goAway(last: 1, code: 0) + RawFrame.goAway(last: 9, code: 0)),
  ]

  @Test("A breach of the protocol ends the connection", arguments: violations.indices)
  func violation(_ index: Int) async throws {
    let (name, bytes) = Self.violations[index]
    let (error, state) = try await outcome { connection, _ in try connection.write(bytes) }
    #expect(error.code == .unavailable, "\(name): \(error)")
    #expect(error.mayHaveReachedServer, "\(name)")
    #expect(state.failedCalls == 1)
  }

  @Test("A flood of CONTINUATION frames ends the connection")
  func continuations() async throws {
    let (error, _) = try await outcome { connection, stream in
      try connection.write(RawFrame.headers(stream, [(":status", "200")], endHeaders: false))
      for _ in 0..<1_000 {
        try connection.write(RawFrame.continuation(stream, [("x", "y")], endHeaders: false))
      }
    }
    #expect(error.code == .unavailable)
    #expect(error.cause?.contains("flood") == true, "\(error)")
  }

  @Test("Header blocks over the limit end the call, not the connection")
  func headerBomb() async throws {
    let many = (0..<300).map { ("x-\($0)", "y") }
    let (first, state) = try await outcome { connection, stream in
      try connection.write(RawFrame.headers(stream, [(":status", "200")] + many))
    }
    #expect(first.code == .resourceExhausted, "\(first)")
    #expect(state.isConnected)
    let (second, _) = try await outcome { connection, stream in
      try connection.write(
        RawFrame.headers(stream, [(":status", "200"), ("x", String(repeating: "y", count: 16_100))]))
      try connection.write(RawFrame.headers(stream, [("x", String(repeating: "y", count: 16_300))], end: true))
    }
    #expect(second.code == .internal || second.code == .resourceExhausted || second.code == .unknown, "\(second)")
  }

  @Test("Informational responses without end are cut off")
  func informational() async throws {
    let (error, _) = try await outcome { connection, stream in
      for _ in 0..<1_000 { try connection.write(RawFrame.headers(stream, [(":status", "103")])) }
    }
    #expect(error.code == .resourceExhausted, "\(error)")
  }

  static let badResponses: [(name: String, code: GRPCStatus, bytes: [UInt8])] = [
    (
      "length prefix of 2 GiB", .resourceExhausted,
      RawFrame.grpcHead(1) + RawFrame.data(1, [0, 0x7F, 0xFF, 0xFF, 0xFF])
    ),
    ("compressed without encoding", .internal, RawFrame.grpcHead(1) + RawFrame.data(1, [1, 0, 0, 0, 0])),
    ("flag of 7", .internal, RawFrame.grpcHead(1) + RawFrame.data(1, [7, 0, 0, 0, 0])),
    (
      "two messages", .internal,
      RawFrame.grpcHead(1) + RawFrame.data(1, RawFrame.grpcMessage([1]) + RawFrame.grpcMessage([2]))
    ),
    (
      "truncated message", .internal,
      RawFrame.grpcHead(1) + RawFrame.data(1, [0, 0, 0, 0, 9, 1]) + RawFrame.grpcTrailers(1)
    ),
    ("success without a message", .internal, RawFrame.grpcHead(1) + RawFrame.grpcTrailers(1)),
    ("no status", .unknown, RawFrame.grpcHead(1) + RawFrame.data(1, RawFrame.grpcMessage([1]), end: true)),
    ("unknown status", .unknown, RawFrame.grpcHead(1) + RawFrame.grpcTrailers(1, status: 99)),
    (
      "trailers only", .notFound,
      RawFrame.headers(
        1, [(":status", "200"), ("content-type", "application/grpc"), ("grpc-status", "5")], end: true)
    ),
    (
      "web page", .unknown,
      RawFrame.headers(1, [(":status", "200"), ("content-type", "text/html")])
        + RawFrame.data(1, Array("<title>Hello</title>".utf8), end: true)
    ),
    ("HTTP 503", .unavailable, RawFrame.headers(1, [(":status", "503")], end: true)),
    ("HTTP 302", .unknown, RawFrame.headers(1, [(":status", "302"), ("location", "http://x")], end: true)),
    ("trailers without END_STREAM", .internal, RawFrame.grpcHead(1) + RawFrame.headers(1, [("grpc-status", "0")])),
    ("upper-case header", .internal, RawFrame.headers(1, [(":status", "200"), ("X-Loud", "1")])),
    ("reset after the headers", .internal, RawFrame.grpcHead(1) + RawFrame.reset(1, 0)),
    ("reset INTERNAL_ERROR", .internal, RawFrame.reset(1, 2)),
    ("reset CANCEL", .cancelled, RawFrame.reset(1, 8)),
    ("reset ENHANCE_YOUR_CALM", .resourceExhausted, RawFrame.reset(1, 11)),
  ]

  @Test(
    "A bad response ends its call with the right status; the connection serves the next",
    arguments: badResponses.indices)
  func badResponse(_ index: Int) async throws {
    let (name, code, bytes) = Self.badResponses[index]
    let server = try RawServer { connection in
      try connection.greet()
      _ = try connection.next(1)
      try connection.write(bytes)
      let second = try connection.next(1).stream
      try connection.write(
        RawFrame.grpcHead(second) + RawFrame.data(second, RawFrame.grpcMessage([42])) + RawFrame.grpcTrailers(second))
      try connection.drain()
    }
    let channel = try Scheduler.channel(port: server.port)
    let error = try await Scheduler.failure(of: channel, Self.call)
    #expect(error.code == code, "\(name): \(error)")
    #expect(try await channel.call(Self.call) == [42], "\(name)")
    #expect(channel.state.connections == 1)
    await channel.shutdown(grace: .zero)
  }

  @Test("A message in pieces of one byte, padded, between pings")
  func pieces() async throws {
    let server = try RawServer { connection in
      try connection.greet()
      let stream = try connection.next(1).stream
      try connection.write(RawFrame.headers(stream, [(":status", "103")]) + RawFrame.grpcHead(stream))
      for byte in RawFrame.grpcMessage(Array(0..<200)) {
        try connection.write(RawFrame.frame(0, flags: 8, stream: stream, [3, byte, 0, 0, 0]))
        if byte % 8 == 0 { try connection.write(RawFrame.ping()) }
      }
      try connection.write(RawFrame.grpcTrailers(stream))
      try connection.drain()
    }
    let channel = try Scheduler.channel(port: server.port)
    #expect(try await channel.call(Self.call) == Array(0..<200))
    await channel.shutdown(grace: .zero)
  }

  @Test("The connection ends within a frame: the call may have reached the server")
  func cutOff() async throws {
    let (error, _) = try await outcome { connection, stream in
      try connection.write(RawFrame.grpcHead(stream) + RawFrame.data(stream, [0, 0, 0, 0, 9, 1]).dropLast(2))
      throw RawConnection.Ended()
    }
    #expect(error.code == .unavailable)
    #expect(error.mayHaveReachedServer)
  }

  @Test("A silent server: the deadline is kept here, and the stream is reset")
  func deadline() async throws {
    let reset = ResetWitness()
    let (error, _) = try await outcome(timeout: .milliseconds(300)) { connection, _ in
      reset.saw(try connection.next(3).payload)
    }
    #expect(error.code == .deadlineExceeded)
    #expect(error.mayHaveReachedServer)
    for _ in 0..<100 where reset.payload == nil { try await Task.sleep(for: .milliseconds(10)) }
    #expect(reset.payload == [0, 0, 0, 8])
  }

  @Test("A peer that answers no PING is given up after interval and timeout")
  func keepalive() async throws {
    let server = try RawServer { connection in
      try connection.greet()
      _ = try connection.next(1)
      while true { _ = try connection.nextFrame() }
    }
    let channel = try Scheduler.channel(port: server.port) {
      $0.keepalive = .init(interval: .zero, timeout: .seconds(1))
    }
    let start = ContinuousClock.now
    var call = Self.call
    call.timeout = .seconds(60)
    let error = try await Scheduler.failure(of: channel, call)
    #expect(error.code == .unavailable)
    #expect(error.mayHaveReachedServer)
    #expect(error.cause?.contains("PING") == true, "\(error)")
    let elapsed = ContinuousClock.now - start
    #expect(elapsed > .seconds(10) && elapsed < .seconds(30))
    await channel.shutdown(grace: .zero)
  }

  @Test("A channel that is dropped without shutdown takes its leave of the server")
  func droppedChannel() async throws {
    let farewell = ResetWitness()
    let server = try RawServer { connection in
      try connection.greet()
      let stream = try connection.next(1).stream
      try connection.write(
        RawFrame.grpcHead(stream) + RawFrame.data(stream, RawFrame.grpcMessage([1])) + RawFrame.grpcTrailers(stream))
      farewell.saw(try connection.next(7).payload)
    }
    do {
      let channel = try Scheduler.channel(port: server.port)
      _ = try await channel.call(Self.call)
    }
    for _ in 0..<200 where farewell.payload == nil { try await Task.sleep(for: .milliseconds(10)) }
    #expect(farewell.payload == [0, 0, 0, 0, 0, 0, 0, 0])
  }

  @Test("A refused stream is repeated without the caller noticing; refusing for ever is not")
  func refusedStream() async throws {
    let server = try RawServer { connection in
      try connection.greet()
      try connection.write(RawFrame.reset(try connection.next(1).stream, 7))
      let stream = try connection.next(1).stream
      try connection.write(
        RawFrame.grpcHead(stream) + RawFrame.data(stream, RawFrame.grpcMessage([9])) + RawFrame.grpcTrailers(stream))
      while true { try connection.write(RawFrame.reset(try connection.next(1).stream, 7)) }
    }
    let channel = try Scheduler.channel(port: server.port)
    #expect(try await channel.call(Self.call) == [9])
    let error = try await Scheduler.failure(of: channel, Self.call)
    #expect(error.code == .unavailable)
    #expect(!error.mayHaveReachedServer)
    await channel.shutdown(grace: .zero)
  }

  @Test("GOAWAY below a stream's number moves its call to a new connection")
  func goAwayBelow() async throws {
    let visits = Visits()
    let server = try RawServer { connection in
      try connection.greet()
      let stream = try connection.next(1).stream
      if visits.next() == 1 {
        try connection.write(RawFrame.goAway(last: 0, code: 0))
      } else {
        try connection.write(
          RawFrame.grpcHead(stream) + RawFrame.data(stream, RawFrame.grpcMessage([7])) + RawFrame.grpcTrailers(stream))
      }
      try connection.drain()
    }
    let channel = try Scheduler.channel(port: server.port)
    #expect(try await channel.call(Self.call) == [7])
    #expect(channel.state.connections == 2)
    await channel.shutdown(grace: .zero)
  }

  @Test("A server that sends every connection away is not stormed")
  func goAwayAlways() async throws {
    let server = try RawServer { connection in
      try connection.greet()
      try connection.write(RawFrame.goAway(last: 0, code: 11, debug: "too_many_pings"))
      try connection.drain()
    }
    let channel = try Scheduler.channel(port: server.port)
    let error = try await Scheduler.failure(of: channel, Self.shortCall)
    #expect(error.code == .deadlineExceeded || error.code == .unavailable, "\(error)")
    #expect(server.connections < 15)
    #expect(channel.state.lastError?.contains("too_many_pings") == true, "\(channel.state)")
    await channel.shutdown(grace: .zero)
  }

  @Test("H1 a server that speaks HTTP/1.1 is told apart, and one that says nothing is given up")
  func otherProtocols() async throws {
    let old = try RawServer { connection in
      _ = try connection.read(24)
      try connection.write(Array("HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n".utf8))
      try connection.drain()
    }
    let channel = try Scheduler.channel(port: old.port)
    let error = try await Scheduler.failure(of: channel, Self.shortCall)
    #expect(error.code == .deadlineExceeded)
    #expect(error.cause?.contains("does not speak HTTP/2") == true, "\(error)")
    #expect(error.cause?.contains("HTTP/1.1 400 Bad Request") == true, "\(error)")
    await channel.shutdown(grace: .zero)

    let mute = try RawServer { connection in try connection.drain() }
    let second = try Scheduler.channel(port: mute.port) { $0.connectTimeout = .milliseconds(300) }
    let silence = try await Scheduler.failure(of: second, Self.shortCall)
    #expect(silence.code == .deadlineExceeded)
    #expect(silence.cause?.contains("SETTINGS") == true, "\(silence)")
    #expect(!silence.mayHaveReachedServer)
    await second.shutdown(grace: .zero)
  }

  @Test("One stream at a time: calls take turns, a closed window holds the body back")
  func oneStream() async throws {
    let server = try RawServer { connection in
      try connection.greet(settings: [(3, 1), (4, 0)])
      while true {
        let stream = try connection.next(1).stream
        try connection.write(RawFrame.windowUpdate(stream, 1_000))
        _ = try connection.next(0)
        try connection.write(
          RawFrame.grpcHead(stream) + RawFrame.data(stream, RawFrame.grpcMessage([UInt8(stream & 255)]))
            + RawFrame.grpcTrailers(stream))
      }
    }
    let channel = try Scheduler.channel(port: server.port)
    let sum = try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<20 { group.addTask { Int(try await channel.call(Self.call)[0]) } }
      return try await group.reduce(0, +)
    }
    #expect(sum == stride(from: 1, to: 40, by: 2).reduce(0, +))
    #expect(channel.state.connections == 1)
    await channel.shutdown(grace: .zero)
  }

  @Test("No stream at all: calls wait up to their deadlines, and not too many wait")
  func noStreams() async throws {
    let server = try RawServer { connection in
      try connection.greet(settings: [(3, 0)])
      try connection.drain()
    }
    let channel = try Scheduler.channel(port: server.port) { $0.limits.waitingCalls = 2 }
    var call = Self.call
    call.timeout = .milliseconds(400)
    let waiting = call
    async let first = Scheduler.failure(of: channel, waiting)
    async let second = Scheduler.failure(of: channel, waiting)
    while channel.state.waitingCalls < 2 { try await Task.sleep(for: .milliseconds(5)) }
    let third = try await Scheduler.failure(of: channel, waiting)
    #expect(third.code == .resourceExhausted)
    #expect(try await first.code == .deadlineExceeded)
    #expect(try await !second.mayHaveReachedServer)
    await channel.shutdown(grace: .zero)
  }
}

/// Keeps the payload of a RST_STREAM that a server has seen.
private final class ResetWitness: @unchecked Sendable {
  // Sendable: the payload is only touched under the lock.
  private let lock = NSLock()
  private var seen: [UInt8]?

  var payload: [UInt8]? { lock.withLock { seen } }
  func saw(_ payload: [UInt8]) { lock.withLock { seen = payload } }
}

/// Counts connections.
private final class Visits: @unchecked Sendable {
  // Sendable: the count is only touched under the lock.
  private let lock = NSLock()
  private var count = 0

  func next() -> Int {
    lock.withLock {
      count += 1
      return count
    }
  }
}
