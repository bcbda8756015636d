import Foundation
import TestSupport
import Testing

@testable import GRPCClient

/// The case G20: gRPC's interoperability list, as far as it is unary, against grpcio, and its negative HTTP/2 list against
/// scripted servers.
@Suite("gRPC interoperability", .serialized)
struct InteropTests {
  private static let service = "/grpc.testing.TestService/"

  /// A field of a protobuf message: a number, or bytes.
  private static func field(_ number: Int, _ value: Int) -> [UInt8] { varint(number << 3) + varint(value) }
  private static func field(_ number: Int, _ bytes: [UInt8]) -> [UInt8] {
    varint(number << 3 | 2) + varint(bytes.count) + bytes
  }
  private static func varint(_ value: Int) -> [UInt8] {
    var (rest, bytes) = (UInt64(value), [UInt8]())
    while rest >= 128 {
      bytes.append(UInt8(rest & 127 | 128))
      rest >>= 7
    }
    return bytes + [UInt8(rest)]
  }

  /// `SimpleRequest`: the size that is wanted, a payload of zeros, and further fields.
  private static func unary(
    response: Int = 314_159, request: Int = 271_828, _ more: [UInt8] = [],
    metadata: [(name: String, value: String)] = []
  ) -> GRPCCall {
    GRPCCall(
      path: service + "UnaryCall",
      message: field(2, response) + field(3, field(2, Array(repeating: 0, count: request))) + more,
      metadata: metadata, timeout: .seconds(60))
  }

  /// The length of a `SimpleResponse` whose payload has so many bytes.
  private static func responseBytes(_ count: Int) -> Int { field(1, field(2, Array(repeating: 0, count: count))).count }

  private func connected() throws -> GRPCChannel { try Scheduler.channel(port: try GRPCPeer.shared().port) }

  @Test("G20 empty_unary and large_unary")
  func emptyAndLargeUnary() async throws {
    let channel = try connected()
    #expect(try await channel.call(GRPCCall(path: Self.service + "EmptyCall", timeout: .seconds(60))).isEmpty)
    #expect(try await channel.call(Self.unary()).count == Self.responseBytes(314_159))
    await channel.shutdown(grace: .zero)
  }

  @Test("G20 client_compressed_unary: the flag is set, the encoding is named, and grpcio inflates it")
  func clientCompressedUnary() async throws {
    let plain = Self.unary(Self.field(8, Self.field(1, 1)))
    let call = try plain.compressed()
    #expect(call.isCompressed && call.message.count < plain.message.count / 100)
    #expect(try call.compressed() == call)
    let channel = try connected()
    #expect(try await channel.call(call).count == Self.responseBytes(314_159))
    #expect(try await channel.call(plain).count == Self.responseBytes(314_159))
    await channel.shutdown(grace: .zero)
    let seen = Witness<[UInt8]>()
    let server = try RawServer { connection in
      try connection.greet()
      let head = try connection.next(1)
      seen.saw(head.payload)
      seen.saw(try connection.next(0).payload)
      try connection.write(HostilePeer.answer(head.stream))
      try connection.drain()
    }
    let scripted = try Scheduler.channel(port: server.port)
    #expect(try await scripted.call(call) == [42])
    #expect(seen.values.last?.prefix(1) == [1])
    await scripted.shutdown(grace: .zero)
  }

  @Test("G20 server_compressed_unary: what grpcio compresses arrives whole")
  func serverCompressedUnary() async throws {
    let channel = try connected()
    let heard = Witness<GRPCMetadata>()
    for isCompressed in [1, 0] {
      var call = Self.unary(Self.field(6, Self.field(1, isCompressed)))
      call.onMetadata = { heard.saw($0) }
      #expect(try await channel.call(call).count == Self.responseBytes(314_159))
    }
    #expect(heard.values.first?.values(of: "grpc-encoding") == ["gzip"])
    #expect(heard.values.last?.values(of: "grpc-encoding") != ["gzip"])
    await channel.shutdown(grace: .zero)
  }

  @Test("G20 custom_metadata: one field comes back before the message, a binary one after it")
  func customMetadata() async throws {
    let channel = try connected()
    let heard = Witness<GRPCMetadata>()
    var call = Self.unary(metadata: [
      ("x-grpc-test-echo-initial", "test_initial_metadata_value"), ("x-grpc-test-echo-trailing-bin", "q6ur"),
    ])
    call.onMetadata = { heard.saw($0) }
    _ = try await channel.call(call)
    let metadata = try #require(heard.values.first)
    let isInitial = metadata.headers.contains {
      $0.name == "x-grpc-test-echo-initial" && $0.value == "test_initial_metadata_value"
    }
    #expect(isInitial, "\(metadata)")
    #expect(metadata.binaryValues(of: "x-grpc-test-echo-trailing-bin") == [[0xAB, 0xAB, 0xAB]])
    #expect(metadata.trailers.contains { $0.name == "x-grpc-test-echo-trailing-bin" })
    await channel.shutdown(grace: .zero)
  }

  @Test("G20 status_code_and_message and special_status_message")
  func statusCodeAndMessage() async throws {
    let channel = try connected()
    for text in ["test status message", "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"] {
      let status = Self.field(7, Self.field(1, 2) + Self.field(2, Array(text.utf8)))
      let error = try await Scheduler.failure(of: channel, Self.unary(response: 0, request: 0, status))
      #expect(error.code == .unknown)
      // Control characters other than the newline become spaces, so that a log line stays one.
      let safe = text.replacingOccurrences(of: "\t", with: " ").replacingOccurrences(of: "\r", with: " ")
      #expect(error.message == safe)
    }
    await channel.shutdown(grace: .zero)
  }

  @Test("G20 unimplemented_method and unimplemented_service")
  func unimplemented() async throws {
    let channel = try connected()
    for path in [Self.service + "UnimplementedCall", "/grpc.testing.UnimplementedService/UnimplementedCall"] {
      let error = try await Scheduler.failure(of: channel, GRPCCall(path: path, timeout: .seconds(60)))
      #expect(error.code == .unimplemented)
    }
    await channel.shutdown(grace: .zero)
  }

  @Test("G20 cancel_after_begin and timeout_on_sleeping_server")
  func cancelAndTimeout() async throws {
    let channel = try connected()
    let sleep = GRPCCall(path: "/sally.Test/Sleep", metadata: [("seconds", "30")], timeout: .seconds(60))
    let task = Task { try await Scheduler.failure(of: channel, sleep) }
    try await eventually { channel.state.openCalls == 1 }
    task.cancel()
    #expect(try await task.value.code == .cancelled)
    var short = sleep
    short.timeout = .milliseconds(50)
    #expect(try await Scheduler.failure(of: channel, short).code == .deadlineExceeded)
    #expect(try await channel.call(GRPCCall(path: Self.service + "EmptyCall", timeout: .seconds(60))).isEmpty)
    await channel.shutdown(grace: .zero)
  }

  @Test("G20 channel_soak, short: a thousand large calls over twenty channels, none fails")
  func channelSoak() async throws {
    for _ in 0..<20 {
      let channel = try connected()
      try await withThrowingTaskGroup(of: Int.self) { group in
        for _ in 0..<50 { group.addTask { try await channel.call(Self.unary(request: 1_000)).count } }
        for try await count in group { #expect(count == Self.responseBytes(314_159)) }
      }
      #expect(channel.state.failedCalls == 0)
      await channel.shutdown(grace: .zero)
    }
  }

  @Test("G20 data_frame_padding and no_df_padding_sanity_test")
  func dataFramePadding() async throws {
    for padding in [0, 255] {
      let message = (0..<314_159).map { UInt8(truncatingIfNeeded: $0) }
      let server = try RawServer { connection in
        try connection.greet()
        let stream = try connection.next(1).stream
        try connection.write(RawFrame.grpcHead(stream))
        for byte in stride(from: 0, to: message.count + 5, by: 1_000) {
          let framed = RawFrame.grpcMessage(message)
          let piece = Array(framed[byte..<min(framed.count, byte + 1_000)])
          let padded = [UInt8(padding)] + piece + Array(repeating: 0, count: padding)
          try connection.write(RawFrame.frame(0, flags: 8, stream: stream, padded))
        }
        try connection.write(RawFrame.grpcTrailers(stream))
        try connection.drain()
      }
      let channel = try Scheduler.channel(port: server.port)
      #expect(try await channel.call(HostilePeer.call) == message)
      await channel.shutdown(grace: .zero)
    }
  }

  @Test(
    "G20 ping and max_streams and goaway: pings around every frame, one stream at a time, a new connection each call")
  func pingMaxStreamsGoAway() async throws {
    let server = try RawServer { connection in
      try connection.greet(settings: [(3, 1)])
      let stream = try connection.next(1).stream
      try connection.write(
        RawFrame.ping() + RawFrame.grpcHead(stream) + RawFrame.ping()
          + RawFrame.data(stream, RawFrame.grpcMessage([42])) + RawFrame.ping() + RawFrame.grpcTrailers(stream)
          + RawFrame.goAway(last: stream, code: 0))
      try connection.drain()
    }
    let channel = try Scheduler.channel(port: server.port)
    try await withThrowingTaskGroup(of: [UInt8].self) { group in
      for _ in 0..<15 { group.addTask { try await channel.call(HostilePeer.call) } }
      for try await message in group { #expect(message == [42]) }
    }
    #expect(channel.state.connections == 15)
    #expect(channel.state.failedCalls == 0)
    await channel.shutdown(grace: .zero)
  }

  @Test("G20 rst_after_header, rst_during_data, rst_after_data: a call that was broken off never looks complete")
  func resetsNeverLookComplete() async throws {
    for (name, bytes, code) in ConnectionConformanceTests.resets {
      let server = try RawServer { connection in
        try connection.greet()
        _ = try connection.next(1)
        try connection.write(bytes)
        try connection.drain()
      }
      let channel = try Scheduler.channel(port: server.port)
      if let code {
        #expect(try await Scheduler.failure(of: channel, HostilePeer.call).code == code, "\(name)")
      } else {
        #expect(try await channel.call(HostilePeer.call) == [42], "\(name)")
      }
      await channel.shutdown(grace: .zero)
    }
  }
}
