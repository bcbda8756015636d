import Foundation
import GRPCClient
import HTTP2Client
import TestSupport
import Testing

/// The cases H1–H3, H7, H12, H13, H20–H24 and H26 of the transport's specification, against scripted servers.
@Suite("HTTP/2 conformance", .serialized)
struct ConnectionConformanceTests {
  private static let call = HostilePeer.call

  @Test("H1 SETTINGS that come late are waited for")
  func lateSettingsAreWaitedFor() async throws {
    let server = try RawServer { connection in
      _ = try connection.read(24)
      Thread.sleep(forTimeInterval: 1)
      try connection.write(RawFrame.settings())
      try HostilePeer.serve(connection)
    }
    let channel = try Scheduler.channel(port: server.port)
    let start = ContinuousClock.now
    #expect(try await channel.call(Self.call) == [42])
    #expect(ContinuousClock.now - start >= .seconds(1))
    #expect(channel.state.connections == 1)
    await channel.shutdown(grace: .zero)
  }

  @Test("H2 a server that never acknowledges our SETTINGS is left for another connection")
  func unacknowledgedSettingsEndTheConnection() async throws {
    let visits = Witness<Int>()
    let server = try RawServer { connection in
      try connection.greet()
      // The first connection reads everything and acknowledges nothing.
      if visits.saw(0) == 1 { try connection.drain() }
      try HostilePeer.serve(connection)
    }
    let channel = try Scheduler.channel(port: server.port) {
      $0.http2Timing.settingsAcknowledgement = .milliseconds(500)
    }
    let error = try await Scheduler.failure(of: channel, Self.call)
    #expect(error.code == .unavailable)
    #expect(error.cause?.contains("did not acknowledge the HTTP/2 SETTINGS") == true, "\(error)")
    #expect(try await channel.call(Self.call) == [42])
    #expect(visits.count == 2)
    await channel.shutdown(grace: .zero)
  }

  @Test("H3 stream credit of one, none, then a hundred: completions go before polls, deadlines hold, nothing is lost")
  func streamCreditIsKept() async throws {
    let sent = Witness<(stream: Int32, isPoll: Bool)>()
    let release = Witness<Int>()
    let server = try RawServer { connection in
      try connection.greet(settings: [(3, 1)])
      let first = try connection.next(1).stream
      // Nothing may come while one stream is open; then credit goes to none and the stream ends.
      _ = try connection.next(0)
      try connection.write(RawFrame.settings([(3, 0)]) + HostilePeer.answer(first, [1]))
      while release.count == 0 { Thread.sleep(forTimeInterval: 0.01) }
      try connection.write(RawFrame.settings([(3, 100)]))
      while true {
        let frame = try connection.next(0)
        sent.saw((frame.stream, frame.payload.last == 1))
        try connection.write(HostilePeer.answer(frame.stream, [2]))
      }
    }
    let channel = try Scheduler.channel(port: server.port)
    #expect(try await channel.call(Self.call) == [1])
    var short = Self.call
    short.timeout = .milliseconds(300)
    #expect(try await Scheduler.failure(of: channel, short).code == .deadlineExceeded)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for index in 0..<20 {
        let isPoll = index < 10
        let call = GRPCCall(
          path: "/a.B/C", message: [isPoll ? 1 : 0], timeout: .seconds(60), isLongPoll: isPoll)
        group.addTask {
          let response = try await channel.call(call)
          #expect(response == [2])
        }
      }
      try await eventually { channel.state.waitingCalls == 20 }
      release.saw(0)
      try await group.waitForAll()
    }
    // All were sent in one go, those that are not polls on the lower streams.
    let isPoll = sent.values.sorted { $0.stream < $1.stream }.map(\.isPoll)
    #expect(isPoll == Array(repeating: false, count: 10) + Array(repeating: true, count: 10))
    #expect(channel.state.connections == 1)
    await channel.shutdown(grace: .zero)
  }

  @Test("H6 a window that opens late lets the upload through, one that never opens ends by the deadline")
  func blockedUpload() async throws {
    let big = GRPCCall(path: "/a.B/C", message: Array(repeating: 7, count: 300_000), timeout: .seconds(60))
    let server = try RawServer { connection in
      try connection.greet(settings: [(4, 0)])
      let stream = try connection.next(1).stream
      Thread.sleep(forTimeInterval: 0.3)
      try connection.write(RawFrame.windowUpdate(0, 1 << 20) + RawFrame.windowUpdate(stream, 1 << 20))
      var received = 0
      while received < 300_005 { received += try connection.next(0).payload.count }
      #expect(received == 300_005)
      try connection.write(HostilePeer.answer(stream))
      try connection.drain()
    }
    let channel = try Scheduler.channel(port: server.port)
    #expect(try await channel.call(big) == [42])
    var hopeless = big
    hopeless.timeout = .milliseconds(400)
    let start = ContinuousClock.now
    #expect(try await Scheduler.failure(of: channel, hopeless).code == .deadlineExceeded)
    #expect(ContinuousClock.now - start < .seconds(10))
    await channel.shutdown(grace: .zero)
  }

  @Test("H7 GOAWAY below one of three streams: that one is repeated elsewhere, once; the others finish where they are")
  func goAwayMovesWhatIsAbove() async throws {
    let requests = Witness<Int32>()
    let visits = Witness<Int>()
    let server = try RawServer { connection in
      try connection.greet()
      let visit = visits.saw(0)
      if visit == 1 {
        let streams = try (0..<3).map { _ in try connection.next(1).stream }
        for stream in streams { requests.saw(stream) }
        try connection.write(RawFrame.goAway(last: 0x7FFF_FFFF, code: 0) + RawFrame.goAway(last: 3, code: 0))
        try connection.write(HostilePeer.answer(1, [1]) + HostilePeer.answer(3, [1]))
        try connection.drain()
      }
      while true {
        let stream = try connection.next(1).stream
        requests.saw(stream)
        try connection.write(HostilePeer.answer(stream, [2]))
      }
    }
    let channel = try Scheduler.channel(port: server.port)
    let sum = try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<3 { group.addTask { Int(try await channel.call(Self.call)[0]) } }
      return try await group.reduce(0, +)
    }
    #expect(sum == 4)
    #expect(requests.count == 4)
    #expect(channel.state.connections == 2)
    #expect(channel.state.failedCalls == 0)
    await channel.shutdown(grace: .zero)
  }

  @Test("H12 REFUSED_STREAM once: the call is repeated and its caller notices nothing")
  func refusedStreamIsRepeated() async throws {
    let server = try RawServer { connection in
      try connection.greet()
      try connection.write(RawFrame.reset(try connection.next(1).stream, 7))
      try HostilePeer.serve(connection)
    }
    let channel = try Scheduler.channel(port: server.port)
    #expect(try await channel.call(Self.call) == [42])
    #expect(channel.state.connections == 1)
    #expect(channel.state.failedCalls == 0)
    #expect(channel.state.succeededCalls == 1)
    await channel.shutdown(grace: .zero)
  }

  static let resets: [(name: String, bytes: [UInt8], code: GRPCStatus?)] = [
    ("after the headers", RawFrame.grpcHead(1) + RawFrame.reset(1, 0), .internal),
    (
      "during the data",
      RawFrame.grpcHead(1) + RawFrame.data(1, Array(RawFrame.grpcMessage([1, 2, 3]).dropLast())) + RawFrame.reset(1, 2),
      .internal
    ),
    (
      "after the data", RawFrame.grpcHead(1) + RawFrame.data(1, RawFrame.grpcMessage([42])) + RawFrame.reset(1, 0),
      .internal
    ),
    ("after the trailers", HostilePeer.answer(1) + RawFrame.reset(1, 0), nil),
  ]

  @Test("H13 RST_STREAM at each point of a response: only a complete one counts", arguments: resets.indices)
  func resetWithinResponse(_ index: Int) async throws {
    let (name, bytes, code) = Self.resets[index]
    let server = try RawServer { connection in
      try connection.greet()
      _ = try connection.next(1)
      try connection.write(bytes)
      try HostilePeer.serve(connection)
    }
    let channel = try Scheduler.channel(port: server.port)
    if let code {
      let error = try await Scheduler.failure(of: channel, Self.call)
      #expect(error.code == code, "\(name): \(error)")
      #expect(error.mayHaveReachedServer)
    } else {
      #expect(try await channel.call(Self.call) == [42])
    }
    #expect(try await channel.call(Self.call) == [42], "\(name)")
    #expect(channel.state.connections == 1)
    await channel.shutdown(grace: .zero)
  }

  @Test("H20 large answers to calls that were given up do not use up the connection's window")
  func abandonedAnswers() async throws {
    let server = try RawServer { connection in
      try connection.greet()
      while true {
        let frame = try connection.next(1)
        let stream = frame.stream
        if stream % 4 == 1 {
          // Waits for the reset, then sends what a slow server would have on its way.
          try connection.write(RawFrame.grpcHead(stream))
          _ = try connection.next(3)
          for _ in 0..<100 { try connection.write(RawFrame.data(stream, Array(repeating: 1, count: 16_000))) }
        } else {
          try connection.write(HostilePeer.answer(stream))
        }
      }
    }
    let channel = try Scheduler.channel(port: server.port)
    var short = Self.call
    short.timeout = .milliseconds(100)
    // 12 × 1.6 MB are more than the window of 8 MiB.
    for _ in 0..<12 {
      #expect(try await Scheduler.failure(of: channel, short).code == .deadlineExceeded)
      #expect(try await channel.call(Self.call) == [42])
    }
    #expect(channel.state.connections == 1)
    await channel.shutdown(grace: .zero)
  }

  @Test(
    "H21 the connection ends within a frame, by FIN or by RST: the call may have reached the server",
    arguments: [false, true])
  func cutWithinFrame(_ isAbrupt: Bool) async throws {
    let (error, _) = try await HostilePeer.outcome { connection, stream in
      try connection.write(RawFrame.grpcHead(stream) + RawFrame.data(stream, RawFrame.grpcMessage([1])).dropLast(1))
      if isAbrupt { connection.abort() }
      throw RawConnection.Ended()
    }
    #expect(error.code == .unavailable, "\(error)")
    #expect(error.mayHaveReachedServer)
  }

  @Test("H23 a connection whose streams are used up is replaced without a call failing")
  func wornOutConnectionIsReplaced() async throws {
    let server = try RawServer { connection in
      try connection.greet()
      try HostilePeer.serve(connection)
    }
    let channel = try Scheduler.channel(port: server.port) { $0.http2Limits.streamsPerConnection = 10 }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<4 {
        group.addTask {
          for _ in 0..<25 {
            let response = try await channel.call(Self.call)
            #expect(response == [42])
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(channel.state.failedCalls == 0)
    #expect(channel.state.connections >= 10)
    await channel.shutdown(grace: .zero)
  }

  @Test("H24 a peer that is stopped answers no PING: the connection is given up and the poll goes to a new one")
  func stoppedPeerIsGivenUp() async throws {
    let server = try TemporalServer()
    let channel = try Scheduler.channel(port: server.port) {
      $0.keepalive = .init(interval: .seconds(1), timeout: .seconds(1))
      $0.http2Timing.pingSpacing = .seconds(1)
    }
    _ = try await channel.call(GRPCCall(path: Scheduler.systemInfo, timeout: .seconds(30)))
    server.pause()
    let start = ContinuousClock.now
    let error = try await Scheduler.failure(of: channel, GRPCCall(path: Scheduler.systemInfo, timeout: .seconds(60)))
    #expect(error.code == .unavailable)
    #expect(error.cause?.contains("PING") == true, "\(error)")
    #expect(ContinuousClock.now - start < .seconds(20))
    server.resume()
    _ = try await channel.call(GRPCCall(path: Scheduler.systemInfo, timeout: .seconds(60)))
    #expect(channel.state.connections == 2)
    await channel.shutdown(grace: .zero)
  }

  @Test("A connection that answers pings but no calls is replaced after a row of deadlines")
  func deafConnectionIsReplaced() async throws {
    let visits = Witness<Int>()
    let server = try RawServer { connection in
      try connection.greet()
      if visits.saw(0) > 1 { try HostilePeer.serve(connection) }
      // `next` acknowledges PING and SETTINGS; nothing is ever said on a stream.
      while true { _ = try connection.next(1) }
    }
    let channel = try Scheduler.channel(port: server.port)
    var short = Self.call
    short.timeout = .milliseconds(200)
    for _ in 0..<5 { #expect(try await Scheduler.failure(of: channel, short).code == .deadlineExceeded) }
    #expect(try await channel.call(Self.call) == [42])
    #expect(visits.count == 2)
    await channel.shutdown(grace: .zero)
  }

  @Test("H26 too_many_pings doubles the interval of the connections that follow")
  func complaintAboutPingsIsHeeded() async throws {
    let arrivals = Witness<(visit: Int, after: TimeInterval)>()
    let visits = Witness<Int>()
    let server = try RawServer { connection in
      try connection.greet()
      let visit = visits.saw(0)
      let start = Date()
      try connection.write(HostilePeer.answer(try connection.next(1).stream))
      _ = try connection.next(6)
      arrivals.saw((visit, Date().timeIntervalSince(start)))
      try connection.write(RawFrame.goAway(last: 0x7FFF_FFFF, code: 11, debug: "too_many_pings"))
      try connection.drain()
    }
    let channel = try Scheduler.channel(port: server.port) {
      $0.keepalive = .init(interval: .milliseconds(400), timeout: .seconds(30))
      $0.http2Timing.pingSpacing = .milliseconds(10)
    }
    for visit in 1...3 {
      #expect(try await channel.call(Self.call) == [42])
      try await arrivals.wait(for: visit)
      try await eventually { !channel.state.isConnected }
    }
    let waits = arrivals.values.map(\.after)
    #expect(waits.count == 3)
    for (wait, expected) in zip(waits, [0.4, 0.8, 1.6]) { #expect(wait >= expected * 0.9, "\(waits)") }
    await channel.shutdown(grace: .zero)
  }
}
